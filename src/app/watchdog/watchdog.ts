/**
 * Ends a process that hangs, so that its supervisor starts it again: a thread of its own sees that the loop stands still, says
 * in which update, leaves that update's id for the next start and kills.
 */
import inspector from "node:inspector";
import { SHARE_ENV, Worker } from "node:worker_threads";
import type { BesideLoop, InHand } from "../../base/in-hand.ts";
import type { LogOptions } from "../../base/log.ts";

export interface WatchdogOptions {
  readonly inHand: Pick<InHand, "memory">;
  /** What the engine does on the thread. */
  readonly besideLoop: BesideLoop;
  readonly log: Pick<LogOptions, "level" | "secrets" | "pretty">;
  /** Told when the thread has ended by a fault of its own: from then on nobody watches. */
  onTrouble(error: unknown): void;
  /** How long the loop may stand still. Milliseconds; 30,000 when left out. */
  readonly hangMs?: number;
}

export interface Watchdog {
  stop(): Promise<void>;
}

/** What the thread is given; `thread.js` reads it. */
export interface WatchdogData {
  /** Two numbers: beats of the loop, and 1 while a debugger may hold it. */
  readonly pulse: SharedArrayBuffer;
  readonly inHand: SharedArrayBuffer;
  readonly hangMs: number;
  readonly everyMs: number;
  readonly besideLoop: BesideLoop;
  readonly log: WatchdogOptions["log"];
}

/** Looks within the time that the loop may stand still. */
const looks = 30;
/** Enough to write a line in the log's own format, which is loaded only then. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };

/** Starts the thread. */
export function startWatchdog({ inHand, besideLoop, log, onTrouble, hangMs = 30_000 }: WatchdogOptions): Watchdog {
  const everyMs = hangMs / looks;
  const pulse = new SharedArrayBuffer(2 * Float64Array.BYTES_PER_ELEMENT);
  const numbers = new Float64Array(pulse);
  function beat(): void {
    numbers[0] = (numbers[0] ?? 0) + 1;
    numbers[1] = inspector.url() === undefined ? 0 : 1;
  }
  beat();
  const beats = setInterval(beat, everyMs).unref();

  const workerData: WatchdogData = { pulse, inHand: inHand.memory, hangMs, everyMs, besideLoop, log };
  const thread = new Worker(new URL("thread.js", import.meta.url), {
    name: "watchdog",
    workerData,
    resourceLimits,
    // The options that the process was started with are not for this thread; its environment is not copied.
    execArgv: [],
    env: SHARE_ENV,
  });
  thread.on("error", onTrouble);
  thread.unref();

  return {
    async stop() {
      clearInterval(beats);
      await thread.terminate();
    },
  };
}
