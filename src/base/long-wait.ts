/** Waiting for as long as somebody else asks: Node's timers run at once when the time is more than they can hold. */

/** What a timer holds. Milliseconds. */
export const longestTimerMs = 2 ** 31 - 1;

/** Calls back after this time, however long it is. Returns what cancels it. Milliseconds. */
export function callAfter(milliseconds: number, callback: () => void): () => void {
  const dueAt = performance.now() + milliseconds;
  let timer: NodeJS.Timeout;
  function wait(): void {
    const leftMs = dueAt - performance.now();
    timer = leftMs > longestTimerMs ? setTimeout(wait, longestTimerMs) : setTimeout(callback, leftMs);
  }
  wait();
  return () => clearTimeout(timer);
}

/** Resolves with true after this time, however long it is, and with false as soon as the signal is aborted. Milliseconds. */
export function waitFor(milliseconds: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    function end(passed: boolean): void {
      cancel();
      signal?.removeEventListener("abort", abort);
      resolve(passed);
    }
    const abort = () => end(false);
    const cancel = callAfter(milliseconds, () => end(true));
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
  });
}

/** Milliseconds that Telegram asks to wait (`retry_after`, in seconds); a second where it says nothing that is a time. */
export function retryAfterMs(seconds: number | undefined): number {
  return typeof seconds === "number" && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : 1000;
}
