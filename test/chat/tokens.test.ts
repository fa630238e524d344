/** Tokens as they are estimated, and what is learnt from those that providers count. */
import { describe, expect, it } from "vitest";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { countTokens } from "../../src/chat/tokens.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { expectNoGrowth, hostileUnits, repeated } from "../support/growth.ts";
import { conversation, createTurnScene, delta } from "../support/turn-scene.ts";

describe("an estimate", () => {
  it.each([
    ["English", "The quick brown fox jumps over the lazy dog, and then it sleeps.", 15],
    ["Chinese", "今天天气很好，我们去公园散步吧。", 14],
    ["a program", "for (let i = 0; i < items.length; i++) total += items[i].price;", 22],
  ])("of %s is about what a tokenizer counts", (_what, text, counted) => {
    expect(countTokens(text) / counted).toBeGreaterThan(0.6);
    expect(countTokens(text) / counted).toBeLessThan(1.7);
  });

  it("of nothing is nothing, and no text is free", () => {
    expect(countTokens("")).toBe(0);
    for (const unit of hostileUnits) expect(countTokens(unit.repeat(1_000)), unit).toBeGreaterThan(0);
  });

  it.each(["a", " ", "漢", "https://a.b/", "QUJD", "\n"])("of many times %j costs what its length costs", (unit) => {
    expectNoGrowth(repeated(unit), countTokens);
  });
});

describe("the factor of a model", () => {
  it("is one until something is known, and slow to leave it", () => {
    const factors = createTokenFactors();
    expect(factors.of("a/one")).toBe(1);
    factors.learn("a/one", 10, 40);
    expect(factors.of("a/one")).toBeLessThan(1.05);
    expect(factors.of("a/one")).toBeGreaterThan(1);
  });

  it("becomes what its provider counts, and no other model's", () => {
    const factors = createTokenFactors();
    for (let call = 0; call < 200; call++) factors.learn("a/one", 1_000, 1_500);
    expect(factors.of("a/one")).toBeCloseTo(1.5, 1);
    expect(factors.of("b/two")).toBe(1);
    for (let call = 0; call < 1_000; call++) factors.learn("a/one", 1_000, 800);
    expect(factors.of("a/one")).toBeCloseTo(0.8, 1);
  });

  it("stays within what vocabularies differ by, whatever a provider reports", () => {
    const factors = createTokenFactors();
    for (let call = 0; call < 100; call++) factors.learn("a/one", 1_000, 1_000_000);
    expect(factors.of("a/one")).toBeCloseTo(4, 0);
    for (let call = 0; call < 1_000; call++) factors.learn("a/one", 1_000, 1);
    expect(factors.of("a/one")).toBeCloseTo(0.3, 1);
    for (const [estimated, reported] of [
      [0, 100],
      [100, 0],
      [-1, 5],
    ] as const)
      factors.learn("b/two", estimated, reported);
    expect(factors.of("b/two")).toBe(1);
  });
});

describe("an exchange", () => {
  const scene = createTurnScene();
  const answer = "Because water is blue where it is deep. ".repeat(50);
  const stored = async () => (await scene.store.readHistory(conversation)).map(({ tokens }) => tokens);
  const reporting = (inputTokens: number): ModelEvent => ({
    type: "answer-end",
    model: "a/one",
    finish: "stop",
    usage: { inputTokens, cachedTokens: 0, outputTokens: 5 },
  });

  it("has its tokens corrected by what its model was found to count, once, when it is stored", async () => {
    const asked = "Why is the sea blue? ".repeat(100);
    const plain = countTokens(asked) + countTokens(answer);
    for (let id = 1; id <= 40; id++) {
      scene.script = [delta(answer), reporting(3 * (countTokens("Be brief.") + countTokens(asked)))];
      scene.limits = { maxTokens: 10, maxMessages: 0 };
      await scene.ask({ id, root: id, run: id, asked });
    }
    const tokens = await stored();
    expect(tokens[0]).toBeGreaterThanOrEqual(plain);
    expect(tokens.at(-1)).toBeGreaterThan(2.5 * plain);
    expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
    scene.script = [delta("x"), reporting(1)];
    await scene.ask({ id: 50, root: 50, run: 50, asked });
    expect((await stored()).slice(0, 40)).toEqual(tokens);
  });
});
