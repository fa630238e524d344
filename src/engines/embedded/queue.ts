/** The embedded queue: a journal in SQLite and the lanes in memory. */

import { messageOf, ParleyError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { ConsumeOptions, UpdateQueue } from "../../ports/queue.ts";
import type { AnswerKeeping } from "../../ports/store.ts";
import { createLanes, type Entry } from "../lanes/lanes.ts";
import { aloneForMs, mostHangs, suspectsOf } from "../lanes/suspects.ts";
import { createWorker, type Worker } from "../lanes/worker.ts";
import type { Database } from "./database.ts";
import { createDelivery } from "./deliveries.ts";
import { createEnqueueing } from "./enqueueing.ts";
import { eraseDead } from "./erasure.ts";
import { createJournal } from "./journal.ts";
import { startPurging } from "./purging.ts";

export interface SqliteQueueOptions {
  readonly database: Database;
  /** Where a process that hung has left in which update; read at the start. */
  readonly hangFile?: string;
  /** Of the store over the same database; without it nothing is kept at an interrupt. */
  readonly keepAnswer?: AnswerKeeping["keep"];
  /** See `suspects.ts`. Milliseconds. */
  readonly aloneForMs?: number;
  /** For how long a group waits for its next part, of whatever kind it is; see `groups.ts`. Milliseconds. */
  readonly quietMs?: number;
  /** Updates that wait or run, in all. */
  readonly maxBacklog?: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane?: number;
  /** Told when the disk fails; what has to be written is repeated. */
  readonly log?: Pick<Logger, "error">;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const sayAgainAfterMs = 30_000;
/** Rows forgotten in one transaction, so that no acknowledgement waits for it. */
const purgeRows = 500;

/** Opens the queue in the database: what a crash or a shutdown left waits again, in its order. */
export function createSqliteQueue(options: SqliteQueueOptions): UpdateQueue {
  const { database, maxBacklog = 20_000, maxLane = 500, log, now = Date.now } = options;
  const journal = createJournal(database, now, options.hangFile);
  const lanes = createLanes({
    onReady: () => worker?.wake(),
    // Should the process die, it was not alone.
    onRejoined: (entry) => void database.write(() => journal.begin(entry)).catch(() => undefined),
  });
  const enqueueing = createEnqueueing({
    ...{ database, journal, lanes, maxBacklog, maxLane },
    quietMs: options.quietMs,
  });
  let worker: Worker | undefined;
  let told = { reason: "", at: 0 };
  let stopped = false;

  const inherited = journal.open();
  for (const entry of inherited) lanes.add(entry);
  const hung = new Set(journal.hung(mostHangs));
  lanes.isolate(suspectsOf(inherited), options.aloneForMs ?? aloneForMs);
  const purging = startPurging(database, () => journal.purge(purgeRows) === purgeRows, onTrouble);

  /** Each update that cannot be written tries again and again: the same reason is said now and then. */
  function onTrouble(error: unknown): void {
    const reason = messageOf(error);
    if (reason === told.reason && performance.now() - told.at < sayAgainAfterMs) return;
    told = { reason, at: performance.now() };
    log?.error({ reason }, "the queue ran into trouble; trying again");
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
    async enqueue(update) {
      if (stopped) throw new ParleyError("queue-stopped", "the queue takes no updates any more", { retryable: true });
      return await enqueueing.enqueue(update);
    },
    async known(updateId) {
      return enqueueing.storing(updateId) || journal.has(updateId);
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
      erase: (matches) => database.write(() => eraseDead(database, matches, now())),
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
      const purged = purging.stop();
      await worker?.drain(0);
      lanes.stop();
      await purged;
    },
  };
}
