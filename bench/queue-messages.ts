/** What the queue's benchmark and its workers say to each other. */

export type ToWorker = { readonly type: "report" } | { readonly type: "stop" };

export type FromWorker =
  | { readonly type: "ready" }
  | { readonly type: "holding"; readonly updateId: number; readonly attempt: number }
  | { readonly type: "aborted"; readonly updateId: number; readonly at: number }
  | {
      readonly type: "report";
      readonly handled: number;
      readonly lastAt: number;
      /** Milliseconds from the call of `enqueue` to the handler. */
      readonly latencies: readonly number[];
    };

/** What a handler takes to do its work. */
export const handlerMs = 5;

/** Milliseconds of a clock that all processes of this machine share, finer than `Date.now()`. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

/** How every worker of the benchmark consumes. */
export const consumeOptions = {
  turnSlots: 1_000,
  quickSlots: 64,
  maxFailures: 5,
  maxCrashes: 50,
  backoffMs: () => 1_000,
  onDead: async () => undefined,
};
