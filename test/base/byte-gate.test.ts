import { describe, expect, it } from "vitest";
import { createByteGate } from "../../src/base/byte-gate.ts";

const never = new AbortController().signal;

/** Whoever has been let in so far. */
function scene(mostBytes: number) {
  const gate = createByteGate(mostBytes);
  const inside = new Map<string, () => void>();
  const turnedAway: string[] = [];
  return {
    inside: () => [...inside.keys()],
    turnedAway,
    come(name: string, bytes: number, signal = never) {
      void gate.enter(bytes, signal).then((leave) => {
        if (leave === undefined) turnedAway.push(name);
        else inside.set(name, leave);
      });
    },
    leave(name: string) {
      inside.get(name)?.();
      // Twice is once.
      inside.get(name)?.();
      inside.delete(name);
    },
    settled: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

describe("a gate for bytes", () => {
  it("lets in who has room, in the order in which they come", async () => {
    const { come, leave, inside, settled } = scene(10);
    come("a", 6);
    come("b", 5);
    come("c", 1);
    await settled();
    expect(inside()).toEqual(["a"]);
    leave("a");
    await settled();
    expect(inside()).toEqual(["b", "c"]);
  });

  it("keeps room for what is small, which does not wait for what is large", async () => {
    const { come, leave, inside, settled } = scene(16);
    for (const name of ["a", "b"]) come(name, 12);
    for (const name of ["c", "d", "e", "f", "g"]) come(name, 1);
    await settled();
    expect(inside()).toEqual(["a", "c", "d", "e", "f"]);
    leave("c");
    await settled();
    expect(inside()).toEqual(["a", "d", "e", "f", "g"]);
    leave("a");
    await settled();
    expect(inside()).toEqual(["d", "e", "f", "g", "b"]);
  });

  it("lets in alone who is larger than all of the room", async () => {
    const { come, leave, inside, settled } = scene(10);
    come("small", 1);
    come("huge", 100);
    come("after", 1);
    await settled();
    expect(inside()).toEqual(["small"]);
    leave("small");
    await settled();
    expect(inside()).toEqual(["huge"]);
    leave("huge");
    await settled();
    expect(inside()).toEqual(["after"]);
  });

  it("forgets who does not want to wait any more, and lets in those behind", async () => {
    const { come, inside, turnedAway, settled } = scene(14);
    const stop = new AbortController();
    come("a", 6);
    come("b", 6, stop.signal);
    come("c", 4);
    await settled();
    stop.abort();
    await settled();
    expect([inside(), turnedAway]).toEqual([["a", "c"], ["b"]]);
    come("d", 1, stop.signal);
    await settled();
    expect(turnedAway).toEqual(["b", "d"]);
  });
});
