/** One delivery of the embedded queue: from the journal to the handler, and its end back into the journal. */
import { messageOf } from "../../base/errors.ts";
import { insist } from "../../base/insist.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions } from "../../ports/queue.ts";
import type { AnswerKeeping } from "../../ports/store.ts";
import type { Entry, Lanes } from "../lanes/lanes.ts";
import { doomOf } from "../lanes/suspects.ts";
import { deadOf, deliver } from "../lanes/worker.ts";
import type { Database } from "./database.ts";
import type { Journal } from "./journal.ts";

export interface DeliveryDeps {
  readonly database: Database;
  readonly journal: Journal;
  readonly lanes: Lanes;
  readonly options: ConsumeOptions;
  handler(update: ActiveUpdate): Promise<void>;
  /** The process is leaving: a disk that fails is not waited for. */
  leaving(): boolean;
  onTrouble(error: unknown): void;
  readonly keepAnswer: AnswerKeeping["keep"] | undefined;
}

/** Between attempts to write the end of a delivery, and to read an update that could not be read. */
const repeatDiskEveryMs = 500;

/**
 * Returns the function that delivers the head of a lane once and then lets the lane move on. It resolves with true when the
 * update stays queued because the process is leaving.
 */
export function createDelivery(
  deps: DeliveryDeps,
): (entry: Entry, abort: AbortController, stepAside: () => void) => Promise<boolean> {
  const { journal, lanes, options } = deps;

  async function run(entry: Entry, abort: AbortController, stepAside: () => void): Promise<boolean> {
    const doom = entry.doom ?? doomOf(entry, options.maxCrashes);
    if (doom !== undefined) return await bury(entry, doom, stepAside);
    let update: ActiveUpdate;
    let handled = 1;
    try {
      const begun = begin(entry, abort);
      handled = begun.parts?.length ?? 1;
      const handlesOnly = (messages: number) => {
        handled = messages;
      };
      update = { ...begun, stepAside, handlesOnly };
    } catch (error) {
      // It could not even be read, so nothing was tried yet.
      deps.onTrouble(error);
      entry.dueAt = performance.now() + repeatDiskEveryMs;
      return false;
    }
    // Whatever the handler writes comes after it, so its traces on disk never precede the mark.
    const marked = deps.database.write(() => journal.begin(entry)).catch(() => undefined);
    // The last process may have died of this one: should it be so again, that is to be on disk.
    if (entry.inherited) await marked;
    const verdict = await deliver(deps.handler, update, options.onFailure);
    entry.abort = undefined;
    entry.warn = undefined;
    switch (verdict.kind) {
      case "finished":
        entry.phase = "ending";
        return !(await finish(entry, handled));
      case "stays":
        entry.phase = "failing";
        await written(() => journal.release(entry.updateId));
        return abort.signal.reason !== ("joined" satisfies AbortReason);
      case "failed":
        entry.failures++;
        if (entry.failures >= options.maxFailures || options.isHopeless?.(verdict.error))
          return await bury(entry, messageOf(verdict.error), stepAside);
        return await fail(entry);
    }
  }

  function begin(entry: Entry, abort: AbortController): ActiveUpdate {
    const stored = journal.read(entry.updateId);
    if (stored === undefined) throw new Error(`update ${entry.updateId} is not in the journal`);
    entry.attempts++;
    entry.phase = "running";
    if (entry.cancelled !== undefined) abort.abort(entry.cancelled);
    let shown = false;
    entry.abort = (reason) => {
      if (reason !== "joined" || !shown) abort.abort(reason);
    };
    const showing = () => {
      shown = true;
    };
    const update = { ...stored, attempt: entry.attempts, signal: abort.signal, showing };
    if (deps.keepAnswer === undefined) return update;
    const interrupting = new AbortController();
    entry.warn = () => interrupting.abort();
    return { ...update, keeping: { interrupting: interrupting.signal, keep: deps.keepAnswer } };
  }

  /** True when its end is on disk. What has joined it too late for its handler has its turn next. */
  async function finish(entry: Entry, handled: number): Promise<boolean> {
    let late: Entry | undefined;
    const isWritten = await written(() => {
      late = journal.finish(entry.updateId, handled);
    });
    if (!isWritten) return false;
    if (late !== undefined) lanes.add(late, { behind: entry.updateId });
    lanes.remove(entry.updateId);
    return true;
  }

  async function fail(entry: Entry): Promise<boolean> {
    entry.phase = "failing";
    // Nothing ran beside it, and the process lives.
    if (entry.alone) Object.assign(entry, { crashes: 0, loneCrashes: 0 });
    const backoffMs = options.backoffMs(entry.failures);
    const dueAt = performance.now() + backoffMs;
    const isWritten = await written(() => journal.fail(entry, backoffMs));
    // An interrupt that came meanwhile wants it delivered at once, to tidy up.
    entry.dueAt = entry.cancelled === undefined ? dueAt : 0;
    return !isWritten;
  }

  async function bury(entry: Entry, reason: string, stepAside: () => void): Promise<boolean> {
    entry.phase = "ending";
    entry.doom = reason;
    const { updateId, failures } = entry;
    if (!(await written(() => journal.condemn(updateId, reason, failures)))) return true;
    const stored = journal.read(updateId);
    // A notice that cannot be given does not hold up the lane, and one that waits no other.
    stepAside();
    if (stored !== undefined) await options.onDead(deadOf(stored, reason)).catch(deps.onTrouble);
    if (!(await written(() => journal.bury(updateId)))) return true;
    lanes.remove(updateId);
    return false;
  }

  /** Writes until it is on disk, false when it was given up: a lane must not move on past an end that a crash would undo. */
  function written(work: () => void): Promise<boolean> {
    const done = insist(() => deps.database.write(work), {
      afterMs(error) {
        deps.onTrouble(error);
        if (deps.leaving()) throw error;
        return repeatDiskEveryMs;
      },
    });
    return done.then(
      () => true,
      () => false,
    );
  }

  return async (entry, abort, leaveSlot) => {
    function stepAside(): void {
      // What waits for Telegram has not crashed on its own, and keeps nobody else waiting.
      lanes.rejoin(entry);
      leaveSlot();
    }
    try {
      return await run(entry, abort, stepAside);
    } catch (error) {
      // Whatever went wrong here, the update is tried again rather than its lane stuck.
      deps.onTrouble(error);
      entry.dueAt = performance.now() + repeatDiskEveryMs;
      return false;
    } finally {
      entry.abort = undefined;
      entry.phase = "waiting";
      lanes.free(entry);
    }
  };
}
