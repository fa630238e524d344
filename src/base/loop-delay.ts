/** How late the event loop is: the one measure for all who do less, or begin nothing new, while it is overloaded. */

export interface LoopDelay {
  /** The most that a timer was late in the last tenth of a second, or is by now. Milliseconds. */
  readonly lateMs: number;
  /** Calls `listener` with `lateMs` ten times a second, as far as the loop can; returns what ends that. */
  onMeasured(listener: (lateMs: number) => void): () => void;
  stop(): void;
}

/** Short: a loop whose rounds take longer than this is late by the rest of the round, every time. */
const sampleEveryMs = 20;
const measureEveryMs = 100;

/** Begins to measure; keeps no process alive. `now`: milliseconds of a clock that nobody sets. */
export function createLoopDelay(now: () => number = () => performance.now()): LoopDelay {
  const listeners = new Set<(lateMs: number) => void>();
  let dueAt = now() + sampleEveryMs;
  let measuredAt = now();
  let measured = 0;
  let latest = 0;

  function sample(): void {
    const at = now();
    latest = Math.max(latest, at - dueAt);
    dueAt = at + sampleEveryMs;
    if (at - measuredAt < measureEveryMs) return;
    measured = latest;
    latest = 0;
    measuredAt = at;
    for (const listener of listeners) listener(measured);
  }
  const timer = setInterval(sample, sampleEveryMs).unref();

  return {
    get lateMs() {
      return Math.max(measured, latest, now() - dueAt);
    },
    onMeasured(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => clearInterval(timer),
  };
}
