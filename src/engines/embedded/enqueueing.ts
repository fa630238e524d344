/**
 * Storing updates in the embedded queue. What is enqueued is decided inside the transaction, by what is on disk; memory follows
 * when the transaction is committed, so a write that fails leaves no trace in it.
 */
import type { EnqueueResult } from "../../ports/queue.ts";
import type { IncomingUpdate, Piece } from "../../ports/updates.ts";
import { type Gathering, gatheredWith, joins, unripeForMs } from "../lanes/groups.ts";
import { type InterruptPlan, type OpenQuestion, planInterrupt } from "../lanes/interrupts.ts";
import { type Entry, type Lanes, laneKey } from "../lanes/lanes.ts";
import type { Database } from "./database.ts";
import type { Journal } from "./journal.ts";
import { newEntry } from "./rows.ts";

export interface EnqueueingDeps {
  readonly database: Database;
  readonly journal: Journal;
  readonly lanes: Lanes;
  /** Updates that wait or run, in all. */
  readonly maxBacklog: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane: number;
  /** See `unripeForMs`. */
  readonly quietMs?: number | undefined;
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
  /** It has joined this question, which waits so long for what else belongs to it. */
  readonly joined?: { readonly updateId: number; readonly waitMs: number };
  /** The group of the same sender that nothing more joins. */
  readonly closed?: number | undefined;
}

/** Creates the way into the queue. */
export function createEnqueueing(deps: EnqueueingDeps): Enqueueing {
  const { database, journal, lanes, maxBacklog, maxLane } = deps;
  const { gatherings } = journal;
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
    const { interrupt, piece } = update;
    if (piece !== undefined && interrupt === undefined) {
      const joined = join(update, piece);
      if (joined !== undefined) return joined;
      if (piece.aside) {
        journal.addAside(update, piece);
        return { result: "queued" };
      }
    }
    if (lanes.size + uncommitted >= maxBacklog) return { result: "full" };
    const plan =
      interrupt === undefined
        ? undefined
        : planInterrupt(interrupt, openQuestions(update.conversation, piece?.message ?? 0));
    const inherited = plan?.version && gatherings.inherit(plan.version.updateId, update);
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
      const { question: _question, interrupt: _interrupt, piece: _piece, ...rest } = update;
      return insert({ ...rest, lane: "quick", refusal: { reason: "lane-full" } }, "lane-full", plan, undo);
    }
    overflowing.delete(key);
    if (inherited !== undefined)
      return insert({ ...update, question: plan?.version?.question }, "queued", plan, undo, inherited);
    if (piece === undefined || interrupt !== undefined) return insert(update, "queued", plan, undo);
    const closed = close(update, piece);
    return { ...insert(update, "queued", plan, undo, gatherings.takeAside(update, piece)), closed };
  }

  function insert(
    update: IncomingUpdate,
    result: EnqueueResult,
    plan: InterruptPlan | undefined,
    undo: (() => void)[],
    gathering?: Gathering,
  ): Stored {
    const begun = plan?.version?.begun ?? false;
    const waitMs = gathering === undefined || begun ? 0 : unripeForMs(gathering, update.receivedAt, deps.quietMs);
    journal.add(update, result === "queued" ? plan : undefined, gathering, waitMs);
    uncommitted++;
    undo.push(() => uncommitted--);
    const dueAt = waitMs === 0 ? 0 : performance.now() + waitMs;
    return { result, plan, entry: { ...newEntry(update), dueAt } };
  }

  /** Makes a message part of a question that is stored already, if it is. */
  function join(update: IncomingUpdate, piece: Piece): Stored | undefined {
    const { conversation, receivedAt } = update;
    const { sender, group } = piece;
    const ofGroup = group === undefined ? undefined : gatherings.newest(conversation, sender, group);
    for (const stored of [ofGroup, gatherings.newest(conversation, sender)]) {
      const entry = stored && lanes.find(stored.updateId);
      if (stored === undefined || entry?.phase === "ending") continue;
      const begun = (entry?.attempts ?? stored.attempts) > 0;
      if (!joins(piece, receivedAt, { ...stored, begun })) continue;
      const gathering = gatheredWith(stored.gathering, piece, receivedAt);
      // A back-off goes on.
      const backoffMs = entry !== undefined && entry.failures > 0 ? entry.dueAt - performance.now() : 0;
      const waitMs = Math.max(unripeForMs(gathering, receivedAt, deps.quietMs), Math.ceil(backoffMs));
      journal.join(stored.updateId, gathering, waitMs, update, piece);
      return { result: "queued", joined: { updateId: stored.updateId, waitMs } };
    }
    return undefined;
  }

  /** A further question of the same sender: what they have begun before has no more parts. Returns its update. */
  function close({ conversation }: IncomingUpdate, { sender }: Piece): number | undefined {
    const former = gatherings.newest(conversation, sender);
    if (former?.gathering.group === undefined || former.gathering.closed) return undefined;
    const begun = lanes.find(former.updateId)?.attempts ?? former.attempts;
    // Of what has begun the due time is that of its back-off.
    if (begun > 0) return undefined;
    gatherings.close(former.updateId, former.gathering);
    return former.updateId;
  }

  /** Memory knows better than the disk what runs: the mark of a delivery is written without waiting. */
  function openQuestions(conversation: string, edited: number): OpenQuestion[] {
    return journal.openQuestions(conversation, edited).flatMap((question) => {
      const entry = lanes.find(question.updateId);
      if (entry === undefined) return [question];
      return entry.phase === "ending" ? [] : [{ ...question, begun: entry.attempts > 0 }];
    });
  }

  /** Carries out in memory what was committed. No delivery starts in between: the worker wakes after all of the tick. */
  function follow({ result, plan, entry, joined, closed }: Stored): void {
    if (joined !== undefined) wait(joined.updateId, joined.waitMs)?.abort?.("joined");
    if (closed !== undefined) wait(closed, 0);
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

  /** An update waits for its other parts from now on. */
  function wait(updateId: number, waitMs: number): Entry | undefined {
    const entry = lanes.find(updateId);
    if (entry === undefined) return undefined;
    entry.dueAt = waitMs === 0 ? 0 : performance.now() + waitMs;
    lanes.touch(entry);
    return entry;
  }

  return { enqueue, storing: (updateId) => storing.has(updateId) };
}
