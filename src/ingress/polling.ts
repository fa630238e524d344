/** Long polling: a batch is confirmed to Telegram (by the next `offset`) only after it is stored. */
import { createBatchSink, createRunner, createSource } from "@grammyjs/runner";
import { type Api, GrammyError, HttpError } from "grammy";
import type { Update } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import { insist } from "../base/insist.ts";
import type { Logger } from "../base/log.ts";
import { retryAfterMs, waitFor } from "../base/long-wait.ts";
import { withinTime } from "../base/within-time.ts";
import { isUpdate } from "./chain.ts";
import { tokenRefused } from "./registration.ts";

/**
 * - `connecting`: no answer from Telegram yet.
 * - `polling`: Telegram answers, updates are stored.
 * - `unreachable`: Telegram does not answer, or not with updates; retried.
 * - `conflict`: another process polls, or a webhook was set, with the same token; retried.
 * - `holding`: a batch could not be stored; retried, and nothing more is fetched.
 * - `refused`: Telegram refuses the token (401); polling has ended.
 */
export type PollingState = "connecting" | "polling" | "unreachable" | "conflict" | "holding" | "refused";

export interface PollingDeps {
  readonly api: Pick<Api, "getUpdates" | "deleteWebhook" | "getWebhookInfo">;
  readonly allowedUpdates: readonly Exclude<keyof Update, "update_id">[];
  /** Resolves when all updates of the batch are stored. Called again with the same batch until it does. */
  consume(updates: readonly Update[]): Promise<void>;
  /** Asked before each call; polling ends when the answer is no. */
  mayPoll?(): boolean;
  readonly log: Logger;
  /** Told each change. */
  onState?(state: PollingState): void;
  /** Polling has ended for good: the token is refused, as the `StartError` says. */
  onFatal?(error: unknown): void;
  /** Milliseconds before the first repetition of what failed; doubled with each, up to `maxMs`. 500 and 10,000 by default. */
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

export interface Polling {
  /** Resolves when polling has ended: by `stop`, by `mayPoll` or by a refused token. Never rejects. */
  readonly done: Promise<void>;
  /** Ends polling within a second, an open poll and a hanging store included; confirms nothing that is not stored. */
  stop(): Promise<void>;
}

const pollSeconds = 30;
/** Telegram answers an empty poll after `pollSeconds`; silence well beyond it is a dead connection. */
const deadConnectionMs = (pollSeconds + 15) * 1000;
/** Nothing sooner than this, of a poll that was to wait, is no poll. */
const hastyMs = 1_000;
const stopWithinMs = 900;

type Signal = Parameters<Api["getWebhookInfo"]>[0];

/** Starts polling: removes a webhook (Telegram keeps its updates), then fetches batches one after another. */
export function createPolling(deps: PollingDeps): Polling {
  const { api, log } = deps;
  const backoff = deps.backoff ?? { firstMs: 500, maxMs: 10_000 };
  const stopping = new AbortController();
  let state: PollingState = "connecting";
  let offset = 0;
  /** Answers in a row that brought nothing to go on by. */
  let fruitless = 0;

  function enter(next: PollingState): void {
    if (next === state || stopping.signal.aborted) return;
    state = next;
    deps.onState?.(next);
  }

  function pauseMs(failures: number): number {
    const full = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(failures, 20));
    // Two processes that lost the same connection need not come back at the same moment.
    return full * (0.75 + Math.random() / 4);
  }

  /** Calls Telegram until it answers. Rejects on stop, on a refused token, and when it may not poll any more. */
  async function ask<T>(what: string, call: (signal: Signal) => Promise<T>): Promise<T> {
    async function attempt(): Promise<T> {
      if (deps.mayPoll?.() === false) stopping.abort();
      stopping.signal.throwIfAborted();
      const ending = new AbortController();
      const giveUp = () => ending.abort(new Error("no answer"));
      const deadline = setTimeout(giveUp, deadConnectionMs);
      stopping.signal.addEventListener("abort", giveUp);
      try {
        // grammY's types know only the signal of a polyfill; the platform's own does the same.
        return await untilAborted(call(ending.signal as unknown as Signal), ending.signal);
      } finally {
        clearTimeout(deadline);
        stopping.signal.removeEventListener("abort", giveUp);
      }
    }
    return await insist(attempt, {
      signal: stopping.signal,
      afterMs(error, failures) {
        if (error instanceof GrammyError && error.error_code === 401) {
          enter("refused");
          log.error({ method: what }, "Telegram refuses the bot token (401): check BOT_TOKEN with @BotFather");
          deps.onFatal?.(tokenRefused());
          throw error;
        }
        const asked = error instanceof GrammyError ? error.parameters.retry_after : undefined;
        const waitMs = Math.max(asked === undefined ? 0 : retryAfterMs(asked), pauseMs(failures));
        const conflict = error instanceof GrammyError && error.error_code === 409;
        enter(conflict ? "conflict" : "unreachable");
        log.warn(
          { method: what, reason: reasonOf(error), retryInMs: Math.round(waitMs) },
          conflict
            ? "another process takes this bot's updates; trying again"
            : "Telegram cannot be polled; trying again",
        );
        return waitMs;
      },
    });
  }

  async function removeWebhook(): Promise<void> {
    const { url } = await ask("getWebhookInfo", async (signal) => objectOf(await api.getWebhookInfo(signal)));
    await ask("deleteWebhook", (signal) => api.deleteWebhook({ drop_pending_updates: false }, signal));
    if (url) log.warn({ url }, "removed the webhook that was set for this bot; its updates are kept");
  }

  /** What Telegram answers, and whether that is nothing although it was asked to wait for something. */
  async function fetchUpdates(signal: Signal): Promise<{ answer: readonly unknown[]; hasty: boolean }> {
    // The first poll, and the first after trouble, returns at once: it is how the state is known.
    const timeout = state === "polling" ? pollSeconds : 0;
    const askedAt = performance.now();
    const params = { offset, limit: 100, timeout, allowed_updates: deps.allowedUpdates };
    const answer: unknown = await api.getUpdates(params, signal);
    if (!Array.isArray(answer)) throw new Error("the answer is no list of updates");
    return { answer, hasty: answer.length === 0 && timeout > 0 && performance.now() - askedAt < hastyMs };
  }

  /** One batch, or none. The source asks again only after the sink has settled, so `offset` never runs ahead of the store. */
  async function supply(): Promise<(readonly Update[])[]> {
    // The good updates of a strange batch have been stored meanwhile.
    if (fruitless > 0) await waitFor(pauseMs(fruitless - 1), stopping.signal);
    const { answer, hasty } = await ask("getUpdates", fetchUpdates);
    const updates = answer.filter(isUpdate);
    const malformed = answer.length - updates.length;
    const ids = updates.map(({ update_id }) => update_id).filter(isConfirmable);
    // What was confirmed, or cannot be, comes again at once: asking as fast as it is answered would never end.
    const isNew = answer.length === 0 ? !hasty : ids.some((id) => id >= offset);
    fruitless = isNew ? 0 : fruitless + 1;
    // Hasty or not, an empty answer is one of Telegram's.
    enter(isNew || hasty ? "polling" : "unreachable");
    if (!isNew || malformed > 0) {
      const strange = { updates: answer.length, malformed, hasty, confirmedBefore: isNew ? 0 : ids.length };
      log.warn(strange, "Telegram's answer is not what was asked for; its usable part is kept");
    }
    if (ids.length > 0) offset = Math.max(...ids) + 1;
    return updates.length === 0 ? [] : [updates];
  }

  /** Never rejects: a sink that did would let the offset move on past updates that are not stored. */
  async function store(updates: readonly Update[]): Promise<void> {
    const consume = () => untilAborted(deps.consume(updates), stopping.signal);
    const stored = insist(consume, {
      signal: stopping.signal,
      afterMs(error, failures) {
        enter("holding");
        const waitMs = pauseMs(failures);
        log.error(
          { reason: reasonOf(error), updates: updates.length, retryInMs: Math.round(waitMs) },
          "updates could not be stored; polling waits, Telegram keeps them",
        );
        return waitMs;
      },
    });
    await stored.then(
      () => enter("polling"),
      () => undefined,
    );
  }

  // An element of the runner's batch is a batch of ours: one call, one transaction.
  const source = createSource<readonly Update[]>({ supply });
  const sink = createBatchSink<readonly Update[]>({ consume: store }, async () => undefined);
  const runner = createRunner(source, sink);

  async function run(): Promise<void> {
    try {
      await removeWebhook();
      stopping.signal.throwIfAborted();
      runner.start();
      await runner.task();
    } catch (error) {
      if (stopping.signal.aborted || state === "refused") return;
      log.error({ err: error }, "polling ended unexpectedly");
      deps.onFatal?.(error);
    }
  }

  const done = run();
  return {
    done,
    async stop() {
      const running = runner.isRunning();
      // The runner first: once it knows, a store that gives up cannot make it fetch, and thereby confirm, again.
      if (running) void runner.stop();
      stopping.abort();
      await withinTime(stopWithinMs, done, undefined);
    },
  };
}

/** Settles with `work`, or rejects as soon as `signal` is aborted, whether or not `work` listens to it. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function objectOf<T>(answer: T): T {
  if (typeof answer === "object" && answer !== null) return answer;
  throw new Error("the answer is no object");
}

/** Telegram's ids are positive and of 32 bits. A negative offset would forget updates, a larger one is refused for ever. */
function isConfirmable(id: number): boolean {
  return id > 0 && id < 2 ** 31 - 1;
}

/** What went wrong, without the URL (and the token in it) that network errors carry in their messages. */
function reasonOf(error: unknown): string {
  if (error instanceof GrammyError) return `${error.error_code} ${error.description}`;
  if (error instanceof HttpError) {
    const cause: unknown = error.error;
    if (typeof cause === "object" && cause !== null && "code" in cause) return String(cause.code);
    return cause instanceof Error ? cause.message || cause.name : "network error";
  }
  return messageOf(error);
}
