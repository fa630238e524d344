/**
 * The embedded queue: a journal in SQLite and the lanes in memory. What is enqueued is decided inside the transaction, by
 * what is on disk; memory follows when the transaction is committed, so a write that fails leaves no trace in it.
 */
import { messageOf, ParleyError } from "../../base/errors.ts";
import type { ConsumeOptions, EnqueueResult, UpdateQueue } from "../../ports/queue.ts";
import type { AnswerKeeping } from "../../ports/store.ts";
import type { IncomingUpdate } from "../../ports/updates.ts";
import { type InterruptPlan, type OpenQuestion, planInterrupt } from "../lanes/interrupts.ts";
import { createLanes, type Entry, laneKey } from "../lanes/lanes.ts";
import { aloneForMs, mostHangs, suspectsOf } from "../lanes/suspects.ts";
import { createWorker, type Worker } from "../lanes/worker.ts";
import type { Database } from "./database.ts";
import { createDelivery } from "./deliveries.ts";
import { createJournal, newEntry } from "./journal.ts";

export interface SqliteQueueOptions {
  readonly database: Database;
  /** Where a process that hung has left in which update; read at the start. */
  readonly hangFile?: string;
  /** Of the store over the same database; without it nothing is kept at an interrupt. */
  readonly keepAnswer?: AnswerKeeping["keep"];
  /** See `suspects.ts`. Milliseconds. */
  readonly aloneForMs?: number;
  /** Updates that wait or run, in all. */
  readonly maxBacklog?: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane?: number;
  /** Told when the disk fails; what has to be written is repeated. */
  readonly log?: { error(fields: object, message: string): void };
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const purgeEveryMs = 10 * 60_000;
const sayAgainAfterMs = 30_000;
/** Rows forgotten in one transaction, so that no acknowledgement waits for it. */
const purgeRows = 500;

/** What a transaction has decided about an update, for memory to follow. */
interface Stored {
  readonly result: EnqueueResult;
  readonly plan?: InterruptPlan | undefined;
  readonly entry?: Entry;
}

/** Opens the queue in the database: what a crash or a shutdown left waits again, in its order. */
export function createSqliteQueue(options: SqliteQueueOptions): UpdateQueue {
  const { database, maxBacklog = 20_000, maxLane = 500, log, now = Date.now } = options;
  const journal = createJournal(database, now, options.hangFile);
  const lanes = createLanes({
    onReady: () => worker?.wake(),
    // Should the process die, it was not alone.
    onRejoined: (entry) => void database.write(() => journal.begin(entry)).catch(() => undefined),
  });
  /** Updates that are being stored right now. */
  const storing = new Set<number>();
  /** Full lanes whose chat was told so. */
  const overflowing = new Set<string>();
  /** Updates of transactions that are not committed yet: no part of the lanes, but of the backlog. */
  let uncommitted = 0;
  let worker: Worker | undefined;
  let told = { reason: "", at: 0 };
  let stopped = false;

  const inherited = journal.open();
  for (const entry of inherited) lanes.add(entry);
  const hung = new Set(journal.hung(mostHangs));
  lanes.isolate(suspectsOf(inherited), options.aloneForMs ?? aloneForMs);
  let purged = purge();
  const purging = setInterval(() => {
    purged = purged.then(purge);
  }, purgeEveryMs);

  // === Enqueueing ===================================================================================

  async function enqueue(update: IncomingUpdate): Promise<EnqueueResult> {
    if (stopped) throw new ParleyError("queue-stopped", "the queue takes no updates any more", { retryable: true });
    const undo: (() => void)[] = [];
    storing.add(update.updateId);
    try {
      const written = database.write(() => store(update, undo));
      warn(update);
      const stored = await written;
      if (stored.entry !== undefined) uncommitted--;
      follow(stored);
      return stored.result;
    } catch (error) {
      for (const step of undo) step();
      throw error;
    } finally {
      storing.delete(update.updateId);
    }
  }

  /** Before the transaction of this tick begins: what is written because of it comes into the same one. */
  function warn({ conversation, interrupt }: IncomingUpdate): void {
    if (interrupt === undefined || interrupt.kind === "edit") return;
    const running = lanes.first(conversation, "turn");
    if (interrupt.run === undefined || interrupt.run === running?.updateId) running?.warn?.();
  }

  /** Runs in the transaction. What it changes besides the journal, `undo` takes back if that is not committed. */
  function store(update: IncomingUpdate, undo: (() => void)[]): Stored {
    if (journal.has(update.updateId)) return { result: "duplicate" };
    if (update.dead !== undefined) {
      journal.addEnded(update);
      return { result: "queued" };
    }
    if (lanes.size + uncommitted >= maxBacklog) return { result: "full" };
    const { interrupt } = update;
    const plan = interrupt === undefined ? undefined : planInterrupt(interrupt, openQuestions(update.conversation));
    if (plan !== undefined) journal.carryOut(plan);

    const key = laneKey(update.conversation, update.lane);
    // An edit that stands in for another version of its question is let in: with it dropped, nobody would answer.
    if (plan?.place === undefined && journal.laneLength(update.conversation, update.lane) >= maxLane) {
      if (overflowing.has(key)) {
        journal.addEnded(update);
        return { result: "lane-full", plan };
      }
      overflowing.add(key);
      undo.push(() => overflowing.delete(key));
      const { question: _question, interrupt: _interrupt, ...rest } = update;
      return insert({ ...rest, lane: "quick", refusal: { reason: "lane-full" } }, "lane-full", plan, undo);
    }
    overflowing.delete(key);
    return insert(update, "queued", plan, undo);
  }

  function insert(
    update: IncomingUpdate,
    result: EnqueueResult,
    plan: InterruptPlan | undefined,
    undo: (() => void)[],
  ): Stored {
    journal.add(update, result === "queued" ? plan : undefined);
    uncommitted++;
    undo.push(() => uncommitted--);
    return { result, plan, entry: newEntry(update) };
  }

  /** Memory knows better than the disk what runs: the mark of a delivery is written without waiting. */
  function openQuestions(conversation: string): OpenQuestion[] {
    return journal.openQuestions(conversation).flatMap((question) => {
      const entry = lanes.find(question.updateId);
      if (entry === undefined) return [question];
      return entry.phase === "ending" ? [] : [{ ...question, begun: entry.attempts > 0 }];
    });
  }

  /** Carries out in memory what was committed. No delivery starts in between: the worker wakes after all of the tick. */
  function follow({ result, plan, entry }: Stored): void {
    if (entry !== undefined) lanes.add(entry, result === "queued" ? plan?.place : undefined);
    if (plan === undefined) return;
    for (const updateId of plan.cancel) {
      const cancelled = lanes.find(updateId);
      if (cancelled === undefined) continue;
      cancelled.cancelled ??= plan.reason;
      cancelled.dueAt = 0;
      cancelled.abort?.(plan.reason);
      lanes.touch(cancelled);
    }
    for (const updateId of plan.drop) lanes.remove(updateId);
  }

  // === Upkeep =======================================================================================

  async function purge(): Promise<void> {
    try {
      let found = purgeRows;
      while (found === purgeRows && !stopped) {
        found = await database.write(() => journal.purge(purgeRows));
      }
    } catch (error) {
      // The next round tries again.
      onTrouble(error);
    }
  }

  /** Each update that cannot be written tries again and again: the same reason is said now and then. */
  function onTrouble(error: unknown): void {
    const reason = messageOf(error);
    if (reason === told.reason && performance.now() - told.at < sayAgainAfterMs) return;
    told = { reason, at: performance.now() };
    log?.error({ reason }, "the queue ran into trouble; it tries again");
  }

  function consume(handler: Parameters<UpdateQueue["consume"]>[0], consumeOptions: ConsumeOptions): Worker {
    if (worker !== undefined && !worker.draining) throw new ParleyError("queue-consumed", "one consumer at a time");
    const run = createDelivery({
      database,
      journal,
      lanes,
      options: consumeOptions,
      handler,
      leaving: () => created.draining,
      keepAnswer: options.keepAnswer,
      onTrouble,
    });
    const created = createWorker<Entry>({ ...consumeOptions, take: lanes.take, run });
    worker = created;
    created.wake();
    return created;
  }

  return {
    enqueue,
    async known(updateId) {
      return storing.has(updateId) || journal.has(updateId);
    },
    hung: (updateId) => hung.has(updateId),
    consume,
    async stats() {
      const at = now();
      let active = 0;
      let delayed = 0;
      let oldest = at;
      for (const { phase, dueAt, receivedAt } of lanes.entries()) {
        if (phase !== "waiting") {
          active++;
          continue;
        }
        if (dueAt > performance.now()) delayed++;
        oldest = Math.min(oldest, receivedAt);
      }
      return { waiting: lanes.size - active, active, delayed, dead: journal.countDead(), oldestWaitingMs: at - oldest };
    },
    dead: {
      async list(limit) {
        return journal.dead(limit);
      },
      async requeue(updateId) {
        const entry = await database.write(() => journal.revive(updateId));
        if (entry === undefined) return false;
        hung.delete(updateId);
        lanes.add(entry);
        return true;
      },
    },
    async drainLane(conversation, lane, reason) {
      const drained = await database.write(() => {
        const ids = journal.lane(conversation, lane).filter((id) => lanes.find(id)?.phase === "waiting");
        for (const id of ids) {
          journal.condemn(id, reason, lanes.find(id)?.failures ?? 0);
          journal.bury(id);
        }
        return ids;
      });
      for (const id of drained) lanes.remove(id);
      return drained.length;
    },
    async stop() {
      stopped = true;
      clearInterval(purging);
      await worker?.drain(0);
      lanes.stop();
      await purged;
    },
  };
}
