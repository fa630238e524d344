/** Signals that follow others, and waiting for one. */

/** Resolves when the signal is aborted. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}

/**
 * A signal that is aborted with either of two. Unlike `AbortSignal.any`, whose links live as long as the longer-lived
 * signal and whose `aborted` looks at all of them each time, it is an ordinary one until it is unlinked.
 */
export function linkedSignal(
  first: AbortSignal,
  second: AbortSignal,
): { readonly signal: AbortSignal; unlink(): void } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  for (const source of [first, second]) {
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true });
  }
  return {
    signal: controller.signal,
    unlink() {
      for (const source of [first, second]) source.removeEventListener("abort", abort);
    },
  };
}
