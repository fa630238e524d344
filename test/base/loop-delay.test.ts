import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createLoopDelay } from "../../src/base/loop-delay.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A loop whose timers fire as late as the test has it. */
function createLoop() {
  let extra = 0;
  const delay = createLoopDelay(() => performance.now() + extra);
  const measured: number[] = [];
  const end = delay.onMeasured((lateMs) => measured.push(lateMs));
  return { delay, measured, end, standStill: (milliseconds: number) => (extra += milliseconds) };
}

it("is not late while timers fire in time, and says so ten times a second", () => {
  const { delay, measured } = createLoop();
  vi.advanceTimersByTime(1_000);
  expect(measured).toEqual(Array.from({ length: 10 }, () => 0));
  expect(delay.lateMs).toBe(0);
  delay.stop();
});

it("is as late as the latest timer since it last said so, and on time again afterwards", () => {
  const { delay, measured, standStill } = createLoop();
  vi.advanceTimersByTime(100);
  standStill(70);
  vi.advanceTimersByTime(20);
  standStill(30);
  vi.advanceTimersByTime(20);
  expect(delay.lateMs).toBe(70);
  vi.advanceTimersByTime(200);
  expect(measured.slice(0, 2)).toEqual([0, 70]);
  expect(delay.lateMs).toBe(0);
  delay.stop();
});

it("is late already while the loop stands still, before any timer could fire", () => {
  const { delay, standStill } = createLoop();
  vi.advanceTimersByTime(100);
  standStill(5_000);
  expect(delay.lateMs).toBeGreaterThan(4_900);
  delay.stop();
});

it("tells nobody any more who has ended it, or once it has stopped", () => {
  const { delay, measured, end } = createLoop();
  end();
  vi.advanceTimersByTime(1_000);
  expect(measured).toEqual([]);
  const others: number[] = [];
  delay.onMeasured((lateMs) => others.push(lateMs));
  delay.stop();
  vi.advanceTimersByTime(1_000);
  expect(others).toEqual([]);
});
