import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { callAfter, longestTimerMs, waitFor } from "../../src/base/long-wait.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a long wait", () => {
  it.each([0, 1, 5_000, longestTimerMs, longestTimerMs + 1, 3.5 * longestTimerMs])(
    "of %d ms is that long",
    async (ms) => {
      const called = vi.fn();
      callAfter(ms, called);
      await vi.advanceTimersByTimeAsync(Math.max(0, ms - 1));
      expect(called).toHaveBeenCalledTimes(ms === 0 ? 1 : 0);
      await vi.advanceTimersByTimeAsync(2);
      expect(called).toHaveBeenCalledTimes(1);
    },
  );

  it("can be cancelled in any part of it", async () => {
    const called = vi.fn();
    const cancel = callAfter(3 * longestTimerMs, called);
    await vi.advanceTimersByTimeAsync(1.5 * longestTimerMs);
    cancel();
    await vi.advanceTimersByTimeAsync(3 * longestTimerMs);
    expect(called).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says that its time has passed", async () => {
    const waiting = waitFor(5, new AbortController().signal);
    await vi.advanceTimersByTimeAsync(5);
    expect(await waiting).toBe(true);
  });

  it("ends with its signal, and leaves no timer behind", async () => {
    const stopping = new AbortController();
    const waiting = waitFor(2 * longestTimerMs, stopping.signal);
    await vi.advanceTimersByTimeAsync(longestTimerMs + 5);
    stopping.abort();
    expect(await waiting).toBe(false);
    expect(await waitFor(5, stopping.signal)).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
