/** An event loop that is as late as the test says. */
import type { LoopDelay } from "../../src/base/loop-delay.ts";

/** Creates a loop that is on time, and measured only when told to be. */
export function createScriptedLoop() {
  const listeners = new Set<(lateMs: number) => void>();
  let lateMs = 0;
  const loop: LoopDelay = {
    get lateMs() {
      return lateMs;
    },
    onMeasured(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    stop: () => undefined,
  };
  return {
    loop,
    /** It is so late from now on, and measured once. Milliseconds. */
    measure(milliseconds: number) {
      lateMs = milliseconds;
      for (const listener of listeners) listener(milliseconds);
    },
  };
}
