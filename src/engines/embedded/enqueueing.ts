/**
 * Storing updates in the embedded queue. What is enqueued is decided inside the transaction, by what is on disk; memory follows
 * when the transaction is committed, so a write that fails leaves no trace in it.
 */
import type { EnqueueResult } from "../../ports/queue.ts";
import type { IncomingUpdate } from "../../ports/updates.ts";
import { type InterruptPlan, type OpenQuestion, planInterrupt } from "../lanes/interrupts.ts";
import { type Entry, type Lanes, laneKey } from "../lanes/lanes.ts";
import type { Database } from "./database.ts";
import { type Journal, newEntry } from "./journal.ts";

export interface EnqueueingDeps {
  readonly database: Database;
  readonly journal: Journal;
  readonly lanes: Lanes;
  /** Updates that wait or run, in all. */
  readonly maxBacklog: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane: number;
}

export interface Enqueueing {
  /** See `UpdateQueue`. */
  enqueue(update: IncomingUpdate): Promise<EnqueueResult>;
  /** Whether the update of this id is being stored right now. */
  storing(updateId: number): boolean;
}

/** What a transaction has decided about an update, for memory to follow. */
interface Stored {
  readonly result: EnqueueResult;
  readonly plan?: InterruptPlan | undefined;
  readonly entry?: Entry;
}

/** Creates the way into the queue. */
export function createEnqueueing({ database, journal, lanes, maxBacklog, maxLane }: EnqueueingDeps): Enqueueing {
  const storing = new Set<number>();
  /** Full lanes whose chat was told so. */
  const overflowing = new Set<string>();
  /** Updates of transactions that are not committed yet: no part of the lanes, but of the backlog. */
  let uncommitted = 0;

  async function enqueue(update: IncomingUpdate): Promise<EnqueueResult> {
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

  return { enqueue, storing: (updateId) => storing.has(updateId) };
}
