/**
 * HTTP below grammY, over `node:http`: its own client (node-fetch) costs several times as much CPU per call, and puts the address
 * with the token in it into the messages of its errors.
 */
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import type { ApiClientOptions } from "grammy";
import { createConnections } from "../base/connections.ts";
import type { Proxies } from "../base/proxies.ts";

/** A call that hangs longer has failed, and is repeated. Milliseconds. */
const usualTimeoutMs = 15_000;
/** For grammY, whose timer knows no better: later than ours, and than a long poll. */
export const grammyTimeoutSeconds = 60;

export interface TelegramTransport {
  /** For grammY's `client.fetch`. Its response has a status and can be read as JSON, which is all that grammY asks. */
  readonly fetch: NonNullable<ApiClientOptions["fetch"]>;
  /** Closes every connection. */
  stop(): void;
}

/** Characters. A hundred updates of the largest kind are less. */
const longestAnswer = 32 * 1024 * 1024;

/** What grammY passes: no more than this. Its signal is that of a polyfill, which `node:http` does not take. */
interface CallInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable;
  readonly signal?: AbortSignal;
}

export interface TelegramTransportDeps {
  readonly proxies?: Proxies | undefined;
  onTokenRefused(): void;
  /** Milliseconds. */
  readonly callTimeoutMs?: number;
}

/**
 * Creates the connections of one process to Telegram. A call whose token is refused is told to `onTokenRefused` and has no
 * answer, until it is aborted or the transport stops: no caller can do anything about it, and none may take it for an answer
 * to what it asked. The process ends; what it was at stays as it is.
 */
export function createTelegramTransport(deps: TelegramTransportDeps): TelegramTransport {
  const { onTokenRefused, callTimeoutMs = usualTimeoutMs } = deps;
  const connections = createConnections({ proxies: deps.proxies });
  /** Gives up calls that have no answer. */
  const refused = new Set<() => void>();

  function call(url: string, { method, headers, body, signal }: CallInit): Promise<object> {
    return new Promise((resolve, reject) => {
      const request = connections.request(new URL(url), { method, headers });
      const giveUp = (reason: Error) => {
        request.destroy(reason);
        fail(reason);
      };
      const abort = () => giveUp(new Error("the call was aborted"));
      const inTime = url.endsWith("/getUpdates")
        ? () => undefined
        : afterReading(callTimeoutMs, () => giveUp(new Error("no answer in time")));
      const fail = (error: Error) => {
        inTime();
        signal?.removeEventListener("abort", abort);
        refused.delete(abort);
        reject(error);
      };
      request.on("error", fail);
      request.on("response", (response) => {
        const { statusCode: status } = response;
        readText(response)
          .then((text) => {
            inTime();
            const answer = parse(text, status);
            if (answer.error_code === 401) {
              refused.add(abort);
              onTokenRefused();
              return;
            }
            signal?.removeEventListener("abort", abort);
            resolve({ status, json: async () => answer });
          })
          .catch(fail);
      });
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort);
      if (typeof body === "string") request.end(body);
      else body.on("error", (error) => request.destroy(error)).pipe(request);
    });
  }

  return {
    fetch: call as unknown as TelegramTransport["fetch"],
    stop() {
      for (const abort of [...refused]) abort();
      connections.stop();
    },
  };
}

/**
 * Calls `act` after so long, and not before what has arrived by then was read: timers come first in a round of the loop, and one
 * that was late would give up a call whose answer waits in its socket. Returns what cancels it. Milliseconds.
 */
function afterReading(milliseconds: number, act: () => void): () => void {
  let cancelled = false;
  const timer = setTimeout(() => setImmediate(() => setImmediate(() => cancelled || act())), milliseconds);
  return () => {
    cancelled = true;
    clearTimeout(timer);
  };
}

/** By events: an async iterator costs as much as all the rest of a small call. */
function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
      if (text.length > longestAnswer) response.destroy(new Error("the answer has no end"));
    });
    response.on("end", () => resolve(text));
    response.on("error", reject);
  });
}

interface Answer {
  readonly ok: boolean;
  readonly error_code?: number;
}

/** What Telegram answers, and nothing else: grammY would take anything for it. Throws on the page of some proxy. */
function parse(text: string, status: number | undefined): Answer {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Error(`the answer is no JSON (status ${status})`);
  }
  if (!isAnswer(answer)) throw new Error(`the answer is none of Telegram's (status ${status})`);
  return answer;
}

function isAnswer(answer: unknown): answer is Answer {
  if (typeof answer !== "object" || answer === null || !("ok" in answer)) return false;
  if (answer.ok === true) return "result" in answer;
  return "error_code" in answer && Number.isInteger(answer.error_code) && "description" in answer;
}
