/** Previews of an answer, one after another: when something has changed, and the chat's turn has come. */
import type { Pace } from "./chat-gate.ts";
import type { Outbox } from "./outbox.ts";

/** What follows from a failed call: another one can be made at once, or after a pause, or none. */
export type AfterFailure = "at-once" | "after-pause" | "never";

export interface PreviewLoopDeps {
  readonly outbox: Pick<Outbox, "run">;
  chatId(): number;
  pace(): Pace;
  /** Makes the next call, if there is anything to do; false when there was nothing. */
  step(): Promise<boolean>;
  /** Decides what follows from what a step has thrown; `failures`: how many before it, in a row, were followed by a pause. */
  survive(error: unknown, failures: number): Promise<AfterFailure>;
}

export interface PreviewLoop {
  /** There may be something to do. */
  changed(): void;
  /** Ends the previews: one that waits gives way, one on its way is waited for, so that nothing follows the end. */
  end(): Promise<void>;
}

/** Starts the loop; with `dirty` there is something to do already. */
export function startPreviews(deps: PreviewLoopDeps, dirty: boolean): PreviewLoop {
  /** Waits for the chat's turn, at a pace that leaves time for something urgent to come. */
  let waiting: AbortController | undefined;
  let patient = false;
  let changed = dirty;
  let ended = false;
  let wake: (() => void) | undefined;

  async function run(): Promise<void> {
    for (let failures = 0; !ended; ) {
      if (!changed) {
        await sleep(undefined);
        continue;
      }
      try {
        // Rendering waits until the call may be made: the latest text wins.
        const acted = await inTurn();
        changed ||= acted;
        if (acted) failures = 0;
      } catch (error) {
        if (waiting?.signal.aborted && !ended) continue;
        const next = ended ? "never" : await deps.survive(error, failures);
        if (next === "never") return;
        changed = true;
        if (next === "after-pause") failures += 1;
        if (failures > 0) await sleep(Math.min(500 * 2 ** (failures - 1), 8_000));
      }
    }
  }

  function inTurn(): Promise<boolean> {
    const pace = deps.pace();
    patient = pace !== "now";
    waiting = new AbortController();
    return deps.outbox.run(deps.chatId(), pace, step, waiting.signal);
  }

  function step(): Promise<boolean> {
    waiting = undefined;
    changed = false;
    return deps.step();
  }

  /** Until something changes, or for a time that only the end cuts short. Milliseconds. */
  function sleep(milliseconds: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(resolve, milliseconds);
      wake = () => {
        if (milliseconds !== undefined && !ended) return;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  const running = run();
  return {
    changed() {
      changed = true;
      // What has become urgent asks anew for its turn.
      if (patient && deps.pace() === "now") waiting?.abort();
      wake?.();
    },
    async end() {
      ended = true;
      waiting?.abort();
      wake?.();
      await running;
    },
  };
}
