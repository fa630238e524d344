/** The timers of one call: one for all of it, one for its response, one for what comes next. */
import type { Patience } from "./allowance.ts";

export interface Deadlines {
  /** The answer is awaited in one piece: its first sign of life may come later. */
  whole(): void;
  /** The response has come. */
  responded(): void;
  /** The model gave a sign of life. */
  alive(): void;
  /** Stops every timer. */
  stop(): void;
  /** Whether there was a sign of life. */
  readonly lived: boolean;
  /** Why the call was given up; undefined while it was not. */
  readonly late: string | undefined;
}

/** Starts the timers; `giveUp` is called when one of them has run out. */
export function createDeadlines(patience: Patience, giveUp: () => void): Deadlines {
  let lived = false;
  let late: string | undefined;

  function after(milliseconds: number, why: string): NodeJS.Timeout {
    return setTimeout(() => {
      late = why;
      giveUp();
    }, milliseconds);
  }
  const total = after(patience.totalMs, "the answer took too long in all");
  const response = after(patience.responseMs, "no response in time");
  let silence = after(patience.firstTokenMs, "no first token in time");

  return {
    whole() {
      clearTimeout(response);
      clearTimeout(silence);
      silence = after(patience.wholeMs, "no answer in time");
    },
    responded: () => clearTimeout(response),
    alive() {
      if (lived) {
        silence.refresh();
        return;
      }
      lived = true;
      clearTimeout(silence);
      silence = after(patience.silenceMs, "the model fell silent");
    },
    stop() {
      for (const timer of [total, response, silence]) clearTimeout(timer);
    },
    get lived() {
      return lived;
    },
    get late() {
      return late;
    },
  };
}
