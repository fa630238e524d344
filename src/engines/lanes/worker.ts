/** Slots, hand-over and drain: what a consumer does whatever engine holds the updates. */
import { ParleyError } from "../../base/errors.ts";
import type { LoopDelay } from "../../base/loop-delay.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions, Consumer, DeadUpdate } from "../../ports/queue.ts";
import type { IncomingUpdate, LaneKind } from "../../ports/updates.ts";
import { createIntake } from "./intake.ts";

/** How a delivery ended. `stays`: the update is to be delivered again as if nothing had been. */
export type Verdict =
  | { readonly kind: "finished" }
  | { readonly kind: "stays" }
  | { readonly kind: "failed"; readonly error: unknown };

type Handler = (update: ActiveUpdate) => Promise<void>;

/**
 * Calls the handler and reads its end as the port has it: an exception after an interrupt ends the update all the same, and a
 * handler that leaves by itself because the process does has not failed.
 */
export async function deliver(
  handler: Handler,
  update: ActiveUpdate,
  onFailure: ConsumeOptions["onFailure"],
): Promise<Verdict> {
  try {
    await handler(update);
    return { kind: "finished" };
  } catch (error) {
    const reason: unknown = update.signal.aborted ? update.signal.reason : undefined;
    const left = reason === undefined && error instanceof ParleyError && error.code === "shutdown";
    if (left || reason === "shutdown" || reason === "lease-lost" || reason === "joined") return { kind: "stays" };
    try {
      onFailure?.(update, error);
    } catch {
      // It only writes a log; the update's fate does not hang on it.
    }
    return reason === undefined ? { kind: "failed", error } : { kind: "finished" };
  }
}

/** For so long a dead update can be listed and requeued. Milliseconds. */
export const keepDeadMs = 30 * 24 * 3_600_000;

/** A dead update as the port shows it. */
export function deadOf(update: IncomingUpdate, reason: string): DeadUpdate {
  const { updateId, conversation, lane, receivedAt, body, question } = update;
  return { updateId, conversation, lane, receivedAt, body, reason, question };
}

/**
 * Waits up to `graceMs` for what runs, then aborts the rest with `shutdown` and waits for it to settle. What is running is
 * looked at again then: something may have been taken in the very moment in which the process began to leave.
 */
export async function settle(running: ReadonlyMap<Promise<unknown>, AbortController>, graceMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const grace = setTimeout(timer.resolve, graceMs);
  await Promise.race([Promise.all(running.keys()), timer.promise]);
  clearTimeout(grace);
  for (const abort of running.values()) abort.abort("shutdown" satisfies AbortReason);
  await Promise.all(running.keys());
}

export interface WorkerDeps<Taken> {
  readonly turnSlots: number;
  readonly quickSlots: number;
  /** See `intake.ts`. */
  readonly loop?: LoopDelay;
  /** The next update of this kind of lane, if there is one. */
  take(kind: LaneKind): Taken | undefined;
  /** Delivers it and stores the end; true when the update stays queued. Must not reject. */
  run(taken: Taken, abort: AbortController, stepAside: () => void): Promise<boolean>;
}

export interface Worker extends Consumer {
  readonly draining: boolean;
  /** Fills free slots, soon: never in the middle of what the caller does. */
  wake(): void;
}

/**
 * Counts the updates that have stepped aside. Each costs memory until its wait is over, so there is an end to it: above that
 * they keep their slots.
 */
export function createAside(most = 5_000) {
  let count = 0;
  return {
    /** Returns what an update calls to step aside, at most once, and what must be called at its end. */
    place(leaveSlot: () => void) {
      let aside = false;
      return {
        stepAside() {
          if (aside || count >= most) return;
          aside = true;
          count++;
          leaveSlot();
        },
        end() {
          if (aside) count--;
          return aside;
        },
      };
    },
  };
}

/** Creates a worker. It takes nothing before `wake`. */
export function createWorker<Taken>({ turnSlots, quickSlots, loop, take, run }: WorkerDeps<Taken>): Worker {
  const running = new Map<Promise<void>, AbortController>();
  const free = { turn: turnSlots, quick: quickSlots };
  const aside = createAside();
  const intake = loop === undefined ? undefined : createIntake(loop, wake);
  let woken = false;
  let stayed = 0;
  let drained: Promise<number> | undefined;

  function fill(): void {
    woken = false;
    for (const kind of ["quick", "turn"] as const) {
      while (drained === undefined && free[kind] > 0) {
        if (kind === "turn" && intake?.hasRoom(turnSlots - free.turn) === false) break;
        const taken = take(kind);
        if (taken === undefined) break;
        if (kind === "turn") intake?.began();
        start(kind, taken);
      }
    }
  }

  function start(kind: LaneKind, taken: Taken): void {
    const abort = new AbortController();
    free[kind]--;
    const leaveSlot = () => {
      free[kind]++;
      wake();
    };
    const place = aside.place(leaveSlot);
    const ended = run(taken, abort, place.stepAside).then((stays) => {
      if (stays) stayed++;
      running.delete(ended);
      if (!place.end()) leaveSlot();
    });
    running.set(ended, abort);
  }

  function wake(): void {
    if (woken || drained !== undefined) return;
    woken = true;
    queueMicrotask(fill);
  }

  async function drain(graceMs: number): Promise<number> {
    intake?.stop();
    await settle(running, graceMs);
    return stayed;
  }

  return {
    get active() {
      return running.size;
    },
    get draining() {
      return drained !== undefined;
    },
    wake,
    drain(graceMs) {
      drained ??= drain(graceMs);
      return drained;
    },
  };
}
