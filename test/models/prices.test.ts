/** What calls cost, and which model is the cheapest. */
import { describe, expect, it } from "vitest";
import { cheapestOf, createPrices } from "../../src/models/prices.ts";

const at = Date.UTC(2026, 10, 27);

describe("the cheapest of the models", () => {
  const dollars: Readonly<Record<string, number>> = { "a/dear": 3, "a/cheap": 0.2, "b/cheap": 0.2, "c/free": 0 };
  const cheapest = (...names: string[]) => cheapestOf({ names, cost: (model) => dollars[model] }, at);

  it("is the one that costs least, and the first of several", () => {
    expect(cheapest("a/dear", "a/cheap", "b/cheap")).toBe("a/cheap");
    expect(cheapest("b/cheap", "a/cheap", "a/dear")).toBe("b/cheap");
  });

  it("is one that costs nothing, but none whose price nobody knows", () => {
    expect(cheapest("a/cheap", "c/free", "x/unknown")).toBe("c/free");
    expect(cheapest("x/unknown", "a/dear")).toBe("a/dear");
  });

  it("is the first where no price is known, and none where there is no model", () => {
    expect(cheapest("x/unknown", "y/unknown")).toBe("x/unknown");
    expect(cheapest()).toBeUndefined();
  });

  it("is found for one that reads much and writes little", () => {
    const price = (input: number, output: number) => ({ input, cached: input, cacheWrite: input, output });
    const cost = createPrices({ "a/reads": price(1, 5), "b/writes": price(2, 1) });
    expect(cheapestOf({ names: ["b/writes", "a/reads"], cost }, at)).toBe("a/reads");
  });
});

describe("a price of one's own", () => {
  it("goes before every list, and before what costs nothing", () => {
    const price = { input: 1, cached: 0.1, cacheWrite: 2, output: 10 };
    const cost = createPrices({ "openai/gpt-4.1": price, "ollama/qwen": price });
    const usage = { inputTokens: 1_000_000, cachedTokens: 400_000, cacheWriteTokens: 100_000, outputTokens: 100_000 };
    for (const model of ["openai/gpt-4.1", "ollama/qwen"]) expect(cost(model, usage, at)).toBeCloseTo(1.74, 9);
  });

  it("leaves others as they are: a list's, nothing on one's own machine, unknown", () => {
    const usage = { inputTokens: 1_000_000, cachedTokens: 0, outputTokens: 0 };
    const cost = createPrices();
    expect(cost("openai/gpt-4.1", usage, at)).toBeCloseTo(2, 9);
    expect(cost("ollama/qwen", usage, at)).toBe(0);
    expect(cost("elsewhere/model", usage, at)).toBeUndefined();
    expect(cost("openai/no-such-model", usage, at)).toBeUndefined();
    expect(cost("constructor/toString", usage, at)).toBeUndefined();
  });
});
