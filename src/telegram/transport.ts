/**
 * HTTP below grammY, over `node:http`: its own client (node-fetch) costs several times as much CPU a call, and puts the address
 * with the token in it into the messages of its errors.
 */
import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { Readable } from "node:stream";
import { urlToHttpOptions } from "node:url";
import type { ApiClientOptions } from "grammy";

/** Milliseconds would be nicer, but grammY takes seconds: a call that hangs longer has failed, and is repeated. */
export const callTimeoutSeconds = 15;

export interface TelegramTransport {
  /** For grammY's `client.fetch`. Its response has a status and can be read as JSON, which is all that grammY asks. */
  readonly fetch: NonNullable<ApiClientOptions["fetch"]>;
  /** Closes every connection. */
  stop(): void;
}

/** What grammY passes: no more than this. Its signal is that of a polyfill, which `node:http` does not take. */
interface CallInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Readable;
  readonly signal?: AbortSignal;
}

/** Creates the connections of one process to Telegram. */
export function createTelegramTransport(): TelegramTransport {
  const kept = { keepAlive: true, scheduling: "lifo" } as const;
  const agents = { "http:": new http.Agent(kept), "https:": new https.Agent(kept) };
  const targets = new Map<string, RequestOptions>();

  /** The address without its path, which alone changes from call to call. */
  function targetOf(origin: string): RequestOptions {
    let target = targets.get(origin);
    if (target === undefined) {
      const url = new URL(origin);
      target = { ...urlToHttpOptions(url), agent: agents[url.protocol === "https:" ? "https:" : "http:"] };
      targets.set(origin, target);
    }
    return target;
  }

  function call(url: string, { method, headers, body, signal }: CallInit): Promise<object> {
    const pathAt = url.indexOf("/", "https://".length);
    const target = targetOf(url.slice(0, pathAt));
    return new Promise((resolve, reject) => {
      const module = target.protocol === "https:" ? https : http;
      const request = module.request({ ...target, path: url.slice(pathAt), method, headers });
      const abort = () => request.destroy(new Error("the call was aborted"));
      const fail = (error: Error) => {
        signal?.removeEventListener("abort", abort);
        reject(error);
      };
      request.on("error", fail);
      request.on("response", (response) => {
        readText(response).then((text) => {
          signal?.removeEventListener("abort", abort);
          resolve({ status: response.statusCode, json: async () => parse(text, response.statusCode) });
        }, fail);
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
      agents["http:"].destroy();
      agents["https:"].destroy();
    },
  };
}

/** By events: an async iterator costs as much as all the rest of a small call. */
function readText(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.on("end", () => resolve(text));
    response.on("error", reject);
  });
}

function parse(text: string, status: number | undefined): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The page of some proxy.
    throw new Error(`the answer is no JSON (status ${status})`);
  }
}
