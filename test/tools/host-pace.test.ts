import { describe, expect, it } from "vitest";
import { createHostPace } from "../../src/tools/host-pace.ts";

function pace() {
  let now = 0;
  const waits: number[] = [];
  const subject = createHostPace({
    everyMs: 1_000,
    mostWaitMs: 3_000,
    now: () => now,
    wait: async (milliseconds) => {
      waits.push(milliseconds);
      return true;
    },
  });
  const turn = (host: string) => subject.turn(host, new AbortController().signal);
  return {
    turn,
    waits,
    later(milliseconds: number) {
      now += milliseconds;
    },
  };
}

describe("the pace", () => {
  it("lets each host be asked once a second, and other hosts beside it", async () => {
    const { turn, waits, later } = pace();
    for (const host of ["a", "a", "b", "a"]) expect(await turn(host)).toBe(true);
    expect(waits).toEqual([1_000, 2_000]);
    later(3_500);
    await turn("a");
    await turn("a");
    expect(waits).toEqual([1_000, 2_000, 1_000]);
  });

  it("turns those away who would wait too long, and keeps no place for them", async () => {
    const { turn, waits, later } = pace();
    for (let n = 0; n < 4; n++) expect(await turn("a")).toBe(true);
    for (let n = 0; n < 50; n++) expect(await turn("a")).toBe(false);
    later(1_000);
    expect(await turn("a")).toBe(true);
    expect(waits.at(-1)).toBe(3_000);
  });

  it("goes to nobody who has left", async () => {
    const subject = createHostPace({ everyMs: 1_000, mostWaitMs: 3_000 });
    expect(await subject.turn("a", AbortSignal.abort())).toBe(false);
    expect(await subject.turn("a", AbortSignal.abort())).toBe(false);
  });
});
