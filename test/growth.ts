/** How the CPU time of a piece of work grows with its input. */
import { expect } from "vitest";

/** What costs less cannot be told from noise. Milliseconds of CPU time. */
const noiseMs = 20;
const mostRounds = 7;
const first = 6_250;
const last = 100_000;

/** Twice the input may cost three times as much, from the size on that costs 20 ms, up to 100,000. `prepare` is not counted. */
export function expectNoGrowth<T>(prepare: (size: number) => T, run: (input: T) => unknown): void {
  let half: number | undefined;
  for (let size = first; size <= 2 * last; size *= 2) {
    const input = prepare(size);
    let least = Number.POSITIVE_INFINITY;
    // More rounds than these only where they may change the verdict.
    for (let round = 0; round < mostRounds; round++) {
      const before = process.cpuUsage();
      run(input);
      const { user, system } = process.cpuUsage(before);
      least = Math.min(least, (user + system) / 1000);
      if (least < noiseMs || (round >= 1 && (half === undefined || least <= 2.5 * half))) break;
    }
    if (half !== undefined && half >= noiseMs) {
      expect(least / half, `${least} ms of CPU for ${size}, ${half} ms for half of it`).toBeLessThanOrEqual(3);
    }
    half = least;
  }
}
