/** The one loop that repeats what failed until it succeeds. */
import { waitFor } from "./long-wait.ts";

export interface Persistence {
  /** How long to wait after this failure, which `failures` came before, in milliseconds. Throws to give up. */
  afterMs(error: unknown, failures: number): number;
  /** Gives up, with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Does `work` until it succeeds. Rejects with what `afterMs` throws, or with the signal's reason. */
export async function insist<T>(work: () => Promise<T>, { afterMs, signal }: Persistence): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    signal?.throwIfAborted();
    let delayMs: number;
    try {
      return await work();
    } catch (error) {
      signal?.throwIfAborted();
      delayMs = afterMs(error, failures);
    }
    await waitFor(delayMs, signal);
  }
}
