import { describe, expect, it } from "vitest";
import { createInHand } from "../../src/base/in-hand.ts";

describe("what is in hand", () => {
  const open = () => {
    const inHand = createInHand();
    const seen = new Float64Array(inHand.memory);
    return { inHand, seen: () => seen[0] };
  };

  it("names the update whose work is running, and nobody afterwards", () => {
    const { inHand, seen } = open();
    expect(seen()).toBeNaN();
    expect(inHand.during(7, seen)).toBe(7);
    expect(seen()).toBeNaN();
    expect(inHand.workOf(2 ** 40)(seen)).toBe(2 ** 40);
  });

  it("names the outer update again when the inner one's work is over, whether it returned or threw", () => {
    const { inHand, seen } = open();
    inHand.during(1, () => {
      expect(inHand.during(2, seen)).toBe(2);
      expect(seen()).toBe(1);
      expect(() =>
        inHand.during(3, () => {
          throw new Error("broken");
        }),
      ).toThrow("broken");
      expect(seen()).toBe(1);
    });
    expect(seen()).toBeNaN();
  });

  it("does not name an update for what goes on when its work has returned", async () => {
    const { inHand, seen } = open();
    const later = inHand.during(1, async () => {
      const before = seen();
      await Promise.resolve();
      return [before, seen()];
    });
    expect(seen()).toBeNaN();
    expect(await later).toEqual([1, Number.NaN]);
  });
});
