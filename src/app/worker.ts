/** The part of a process that handles updates: the bot chain over the queue, with models behind it. */
import { flushCompileCache } from "node:module";
import type { Api } from "grammy";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { LoopDelay } from "../base/loop-delay.ts";
import { whenAborted } from "../base/signals.ts";
import type { ActiveUpdate, Consumer, DeadUpdate } from "../ports/queue.ts";
import type { Store } from "../ports/store.ts";
import { chatOf, sendOptions } from "../screen/place.ts";
import { takeButtons } from "../screen/take-buttons.ts";
import { isHopeless } from "../telegram/hopeless.ts";
import type { Identity } from "../telegram/identity.ts";
import { logFields } from "../telegram/log-fields.ts";
import { languageIn } from "../telegram/senders.ts";
import { textsFor } from "../texts/texts.ts";
import type { Answering, AnsweringDeps } from "./answering.ts";
import { endExpiredTurns } from "./expired-turns.ts";

export interface AppWorkerDeps extends AnsweringDeps {
  readonly loop: LoopDelay;
  /** For what the queue has to tell someone: its calls go through the outbox. */
  readonly api: Api;
  /** The bot cannot be loaded into this process: its updates are for another one. */
  onFatal(error: Error): void;
}

export interface AppWorker {
  /** `provider/model`, the choices in their order. */
  readonly models: readonly string[];
  /** Whether it takes updates. */
  readonly running: boolean;
  /** Begins to take updates. */
  start(identity: Identity): void;
  /** Takes nothing new, lets what runs end for `graceMs`; resolves with the number of updates that stay queued. */
  stop(graceMs: number): Promise<number>;
}

/** Quick commands are short: these slots are never all taken by something slow for long. */
const quickSlots = 64;
const maxFailures = 5;
/** Deliveries that died with the process. High: after a crash nobody knows which of the many in flight was the cause. */
const maxCrashes = 50;

/** Longer than any call says nothing of itself. */
const deadCallMs = 20 * 60_000;
const sweepEveryMs = 60_000;

/** Creates the worker of a process; it takes nothing before `start`. */
export function createAppWorker(deps: AppWorkerDeps): AppWorker {
  const { config, engines, outbox, log, metrics } = deps;
  const { store, queue } = engines;
  engines.shared?.holds.listen(outbox.hold);
  let consumer: Consumer | undefined;
  let answering: Promise<Answering> | undefined;
  let sweeping: NodeJS.Timeout | undefined;

  /** Calls whose process has died, and whose turn never came back, are settled as lost. */
  async function sweepCalls(olderThanMs: number): Promise<void> {
    try {
      const calls = await store.ledger.sweep(olderThanMs);
      for (const call of calls) metrics.tokensUsed(call);
      if (calls.length > 0)
        log.info({ calls: calls.length }, "calls of models that nobody has ended are settled as lost");
    } catch {
      // The next round tries again; storage that fails is reported by those who need it.
    }
  }

  async function sweepTurns(): Promise<void> {
    try {
      const turns = await endExpiredTurns({ store, queue, now: Date.now });
      if (turns > 0) log.info({ turns }, "turns that nobody has let go on for a day are ended");
    } catch {
      // As above.
    }
  }

  /** What may be there for the next delivery is tried again; what cannot be, as after files were changed, costs no question. */
  async function unloaded(error: unknown, { signal }: ActiveUpdate): Promise<never> {
    if (!isHopeless(error)) answering = undefined;
    else {
      deps.onFatal(new Error(`the bot cannot be loaded: ${messageOf(error)}`, { cause: error }));
      await whenAborted(signal);
    }
    throw error;
  }

  return {
    models: config.models.names,
    get running() {
      return consumer !== undefined;
    },
    start(identity) {
      // Where no other process may be at work, all that is open is dead, whatever the clock was.
      if (engines.shared === undefined) void sweepCalls(Number.NEGATIVE_INFINITY);
      sweeping = setInterval(() => {
        void sweepCalls(deadCallMs);
        void sweepTurns();
      }, sweepEveryMs);
      const handle = async (job: ActiveUpdate) => {
        if (job.attempt > 1) metrics.deliveryRetried();
        answering ??= openAnswering(deps, identity);
        const loaded = await answering.catch((error: unknown) => unloaded(error, job));
        await loaded.handle(job);
      };
      consumer = queue.consume(handle, {
        turnSlots: config.concurrency,
        quickSlots,
        maxFailures,
        maxCrashes,
        loop: deps.loop,
        isHopeless,
        backoffMs: (failure) => Math.min(1000 * 2 ** (failure - 1), 60_000),
        onFailure(job, error) {
          metrics.deliveryFailed();
          log.error({ ...logFields(job), lane: job.lane, attempt: job.attempt, err: error }, "an update failed");
        },
        onLeaseLost(job) {
          metrics.leaseLost();
          log.warn({ ...logFields(job), lane: job.lane }, "another worker has taken over a conversation");
        },
        onDead(job) {
          metrics.updateDied();
          deps.alerts.raise({ kind: "dead-update", updateId: job.updateId });
          return tellDead(deps.api, store, job, log);
        },
      });
    },
    async stop(graceMs) {
      const giveUp = setTimeout(() => outbox.stop(), graceMs + 1_000);
      answering?.then(
        (loaded) => loaded.leave(),
        () => undefined,
      );
      const left = (await consumer?.drain(graceMs)) ?? 0;
      clearTimeout(giveUp);
      clearInterval(sweeping);
      await answering?.then(
        (loaded) => loaded.stop(),
        () => undefined,
      );
      return left;
    },
  };
}

/** Loads the bot, and keeps for the next start what Node has made of it. */
async function openAnswering(deps: AppWorkerDeps, identity: Identity): Promise<Answering> {
  const { createAnswering } = await import("./answering.ts");
  flushCompileCache();
  return createAnswering(deps, identity);
}

/** One plain sentence to whoever waits for an answer that will not come. */
async function tellDead(api: Api, store: Store, job: DeadUpdate, log: Logger): Promise<void> {
  // What a process hung in or died of is not parsed again.
  const readable = job.reason.startsWith("the process ") ? { ...job, body: "" } : job;
  const fields = logFields(readable);
  log.error({ ...fields, lane: job.lane, reason: job.reason }, "an update is dead");
  if (job.question === undefined) return;
  const [chatId, threadId] = job.conversation.split(":").map(Number);
  if (chatId === undefined) return;
  try {
    // What was written stays; nothing is left to be stopped.
    const turn = await store.newestTurn(job.conversation);
    const cut = turn?.run === job.updateId && turn.state === "writing" ? turn : undefined;
    const last = cut?.messages.at(-1);
    if (cut !== undefined && last !== undefined)
      await takeButtons(api, { chatId: chatOf(cut, chatId), messageId: last }, log);
    const words = textsFor(languageIn(readable.body)).turnDied;
    await api.sendMessage(chatId, words, sendOptions({ threadId, replyTo: job.question }));
  } catch (error) {
    log.warn({ ...fields, reason: messageOf(error) }, "the notice of a dead update was not delivered");
  }
}
