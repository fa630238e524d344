/** Webhook: `200` only after the durable write; every other answer tells Telegram what to do with the update. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Bot, BotError, type Context, webhookCallback } from "grammy";
import type { Update } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { isUpdate } from "./chain.ts";

export interface WebhookOptions {
  readonly secret: string;
  readonly log: Logger;
  /** Milliseconds that a write may take before Telegram is asked to deliver again. 8,000 by default. */
  readonly storeWithinMs?: number;
}

const maxBodyBytes = 1024 * 1024;
/** How long an answer given before the whole body came waits for its sender to notice, discarding what still comes. */
const lingerMs = 500;
const logEveryMs = 1000;

/** A request that is answered with this status and is not the store's fault. */
class Refused extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/**
 * Creates the handler of Telegram's deliveries; the server hands it the requests to the webhook's path.
 * `bot` is the ingress bot: its `handleUpdate` rejects when the update could not be stored. Never rejects.
 */
export function createWebhook<C extends Context>(
  bot: Bot<C>,
  options: WebhookOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { log, storeWithinMs = 8000 } = options;
  // Its own timer either answers 500 or leaves a rejection that nobody handles: ours stands around it.
  const deliver = webhookCallback(bot, adapt, { secretToken: options.secret, timeoutMilliseconds: Infinity });
  let loggedAt = -Infinity;
  let unlogged = 0;

  /** The outage of a store meets every delivery: one line a second tells as much as hundreds. */
  function logFailure(reason: string): void {
    unlogged += 1;
    if (performance.now() - loggedAt < logEveryMs) return;
    log.error({ reason, deliveries: unlogged }, "an update could not be stored; Telegram is asked to deliver it again");
    loggedAt = performance.now();
    unlogged = 0;
  }

  return async (request, response) => {
    if (request.method !== "POST") {
      answer(request, response, 405, { allow: "POST" });
      return;
    }
    let late: NodeJS.Timeout | undefined;
    request.once("end", () => {
      if (response.headersSent) return;
      late = setTimeout(() => {
        logFailure(`not stored within ${storeWithinMs} ms`);
        answerRetry(request, response);
      }, storeWithinMs);
    });
    try {
      await deliver(request, response);
    } catch (error) {
      if (error instanceof Refused) {
        answer(request, response, error.status);
      } else {
        logFailure(messageOf(error instanceof BotError ? error.error : error));
        answerRetry(request, response);
      }
    } finally {
      clearTimeout(late);
    }
  };
}

/** How grammY sees a request of `node:http`. It reads `update` only when the secret was right. */
function adapt(request: IncomingMessage, response: ServerResponse) {
  const header = request.headers["x-telegram-bot-api-secret-token"];
  return {
    get update(): Promise<Update> {
      return readUpdate(request);
    },
    ...(typeof header === "string" ? { header } : {}),
    end: () => answer(request, response, 200),
    respond: () => answer(request, response, 200),
    unauthorized: () => answer(request, response, 401),
  };
}

async function readUpdate(request: IncomingMessage): Promise<Update> {
  let body: unknown;
  try {
    body = JSON.parse(await readBody(request));
  } catch (error) {
    throw error instanceof SyntaxError ? new Refused(400, "not JSON") : error;
  }
  if (!isUpdate(body)) throw new Refused(400, "not an update");
  return body;
}

function readBody(request: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) refuse();
      else chunks.push(chunk);
    };
    const refuse = () => {
      request.off("data", take).pause();
      reject(new Refused(413, "too large"));
    };
    // A sender that is gone reads no answer, so its status does not matter.
    request.once("error", () => reject(new Refused(400, "broken off")));
    request.once("close", () => reject(new Refused(400, "broken off")));
    if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) {
      refuse();
      return;
    }
    request.on("data", take);
    request.once("end", () => resolve(Buffer.concat(chunks, size).toString("utf8")));
  });
}

function answerRetry(request: IncomingMessage, response: ServerResponse): void {
  // Spread over seconds, so that a crowd of deliveries does not come back at one moment.
  answer(request, response, 503, { "retry-after": String(1 + Math.floor(Math.random() * 5)) });
}

/** Answers once. A request whose body has not come in full is cut off: what its sender still writes is nobody's. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
): void {
  if (response.headersSent || response.destroyed) return;
  const body = status === 200 ? "" : `${status}\n`;
  const length = String(Buffer.byteLength(body));
  if (bodyArrived(request)) {
    response.writeHead(status, { ...headers, "content-length": length });
    response.end(body);
    return;
  }
  response.writeHead(status, { ...headers, "content-length": length, connection: "close" });
  response.write(body);
  // A socket closed with unread data is reset, and the reset overtakes the answer: so the rest is discarded for a moment.
  const end = () => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  request.once("end", end);
  request.once("error", end);
  request.resume();
}

function bodyArrived(request: IncomingMessage): boolean {
  return request.complete || (request.headers["transfer-encoding"] === undefined && !request.headers["content-length"]);
}
