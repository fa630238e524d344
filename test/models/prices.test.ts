/** What calls cost, and which model is the cheapest. */
import { describe, expect, it } from "vitest";
import { cheapestOf, createPrices } from "../../src/models/prices.ts";

const at = Date.UTC(2026, 10, 27);
const nothing = { input: 0, cached: 0, cacheWrite: 0, output: 0 };

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

describe("sound and pictures", () => {
  const minute = { inputTokens: 600, cachedTokens: 0, outputTokens: 200, seconds: 60 };
  const cost = createPrices({ "own/ear": { ...nothing, audioHour: 0.6 }, "own/brush": { ...nothing, picture: 0.04 } });

  it.each([
    ["by the hour", "openai/whisper-1", minute, 0.006],
    ["by the hour, wherever it is sold", "groq/whisper-large-v3-turbo", minute, 0.04 / 60],
    ["by tokens of sound", "openai/gpt-4o-mini-transcribe", minute, (600 * 3 + 200 * 5) / 1e6],
    [
      "by tokens that are spoken",
      "openai/gpt-4o-mini-tts",
      { ...minute, inputTokens: 100, outputTokens: 1_200 },
      (100 * 0.6 + 1_200 * 12) / 1e6,
    ],
    ["by an hour of one's own", "own/ear", minute, 0.01],
    [
      "by a picture of one's own",
      "own/brush",
      { inputTokens: 5, cachedTokens: 0, outputTokens: 4_160, pictures: 1 },
      0.04,
    ],
  ])("cost %s", (_, model, usage, dollars) => {
    expect(cost(model, usage, at)).toBeCloseTo(dollars, 9);
  });

  it("of a model that no list knows cost nobody knows what", () => {
    expect(cost("openai/tts-unheard-of", minute, at)).toBeUndefined();
  });
});

describe("the price of a search", () => {
  const search = { inputTokens: 4, cachedTokens: 0, outputTokens: 0, searches: 1 };

  it.each([
    ["tavily", 0.008],
    ["brave", 0.005],
    ["exa", 0.007],
    // One's own server costs nothing.
    ["searxng", 0],
    // Never 0 where nobody knows.
    ["serper", undefined],
    ["constructor", undefined],
  ])("by %s is what it publishes", (provider, dollars) => {
    expect(createPrices()(`${provider}/search`, search, 0)).toBe(dollars);
  });

  it("is one's own where there is one", () => {
    const price = { input: 0, cached: 0, cacheWrite: 0, output: 0, search: 0.002 };
    const cost = createPrices({ "serper/search": price, "brave/search": price });
    expect(cost("serper/search", search, 0)).toBe(0.002);
    expect(cost("brave/search", search, 0)).toBe(0.002);
  });
});
