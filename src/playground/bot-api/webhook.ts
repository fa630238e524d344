/** Delivery to a webhook: one update of a queue at a time, queues side by side, repeated until it is taken. */
import type { IncomingMessage } from "node:http";
import { createConnections } from "../../base/connections.ts";
import { messageOf } from "../../base/errors.ts";
import type { PendingUpdate, UpdateQueue } from "./updates.ts";

export interface WebhookSettings {
  readonly url: string;
  readonly secretToken: string;
  readonly maxConnections: number;
}

export interface Webhook {
  readonly settings: WebhookSettings;
  /** Seconds since the epoch, with the reason. */
  readonly lastError: { readonly date: number; readonly message: string } | undefined;
  stop(): void;
}

interface Lane {
  readonly entries: PendingUpdate[];
  failures: number;
  delayMs: number;
  timer?: NodeJS.Timeout;
}

interface Outcome {
  readonly status: number;
  readonly retryAfterMs: number;
  readonly problem: string | undefined;
}

const longestRetryMs = 60_000;
/** What the bot has for its answer. */
const answerWithinMs = 60_000;
const longestRetryAfterMs = 3_600_000;

/** Starts delivering what waits and what comes. `onOddity` hears of answers that this emulator does not carry out. */
export function createWebhook(
  queue: UpdateQueue,
  settings: WebhookSettings,
  retryMs: number,
  onOddity: (what: string) => void,
): Webhook {
  const url = new URL(settings.url);
  const kept = createConnections({ maxSockets: settings.maxConnections });
  const lanes = new Map<string, Lane>();
  const ready: { key: string; lane: Lane }[] = [];
  let connections = 0;
  let stopped = false;
  let lastError: Webhook["lastError"];

  function add(entry: PendingUpdate): void {
    const known = lanes.get(entry.queueKey);
    if (known !== undefined) {
      known.entries.push(entry);
      return;
    }
    const lane: Lane = { entries: [entry], failures: 0, delayMs: retryMs / 2 };
    lanes.set(entry.queueKey, lane);
    ready.push({ key: entry.queueKey, lane });
    deliverReady();
  }

  function deliverReady(): void {
    while (!stopped && connections < settings.maxConnections) {
      const next = ready.shift();
      if (next === undefined) return;
      void deliver(next.key, next.lane);
    }
  }

  async function deliver(key: string, lane: Lane): Promise<void> {
    const [entry] = lane.entries;
    if (entry === undefined) return;
    connections += 1;
    const outcome = await post(JSON.stringify(entry.update));
    connections -= 1;
    if (stopped) return;
    if (outcome.problem === undefined) {
      queue.remove(entry);
      lane.entries.shift();
      Object.assign(lane, { failures: 0, delayMs: retryMs / 2 });
      if (lane.entries.length === 0) lanes.delete(key);
      else ready.push({ key, lane });
    } else {
      lastError = { date: Math.floor(Date.now() / 1000), message: outcome.problem };
      lane.timer = setTimeout(
        () => {
          ready.push({ key, lane });
          deliverReady();
        },
        delayOf(lane, outcome.retryAfterMs),
      );
    }
    deliverReady();
  }

  function delayOf(lane: Lane, retryAfterMs: number): number {
    lane.failures += 1;
    if (retryAfterMs > 0) return Math.min(retryAfterMs, longestRetryAfterMs);
    if (lane.failures === 1) return 0;
    lane.delayMs = Math.min(lane.delayMs * 2, longestRetryMs);
    return lane.delayMs;
  }

  function post(body: string): Promise<Outcome> {
    return new Promise((resolve) => {
      const headers = {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        ...(settings.secretToken === "" ? {} : { "x-telegram-bot-api-secret-token": settings.secretToken }),
      };
      const request = kept.request(url, { method: "POST", headers, timeout: answerWithinMs });
      request.on("response", (response) => {
        readOutcome(response, onOddity).then(resolve, (error: unknown) => resolve(failed(messageOf(error))));
      });
      request.on("timeout", () => request.destroy(new Error("Read timeout expired")));
      request.on("error", (error) => resolve(failed(error.message)));
      request.end(body);
    });
  }

  queue.onPush = add;
  for (const entry of queue.pending()) add(entry);
  return {
    settings,
    get lastError() {
      return lastError;
    },
    stop() {
      stopped = true;
      queue.onPush = undefined;
      for (const { timer } of lanes.values()) clearTimeout(timer);
      kept.stop();
    },
  };
}

function failed(problem: string): Outcome {
  return { status: 0, retryAfterMs: 0, problem };
}

async function readOutcome(response: IncomingMessage, onOddity: (what: string) => void): Promise<Outcome> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const status = response.statusCode ?? 0;
  if (status < 200 || status > 299) {
    const seconds = Number(response.headers["retry-after"] ?? 0);
    const problem = `Wrong response from the webhook: ${status} ${response.statusMessage ?? ""}`.trim();
    return { status, retryAfterMs: Number.isFinite(seconds) ? Math.max(0, seconds) * 1000 : 0, problem };
  }
  if (/^\s*\{.*"method"/s.test(Buffer.concat(chunks).toString())) {
    onOddity("the webhook answered with a method to carry out, which this emulator does not do");
  }
  return { status, retryAfterMs: 0, problem: undefined };
}
