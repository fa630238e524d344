import { describe, expect, test } from "vitest";
import { providerPresets } from "../../src/config/providers.ts";
import { createCapabilities } from "../../src/models/capabilities.ts";
import data from "../../src/models/capability-data.json" with { type: "json" };
import type { ThinkingLevel } from "../../src/models/wires/thinking.ts";

const table = createCapabilities();
const level = (model: string, effort: "off" | "low" | "high") => table.thinking(model, effort)?.level;

/** The catalogue lacks their default models. */
const unlisted = new Set(["together"]);

describe("the table", () => {
  test("knows every default model, in lines of one form", () => {
    for (const { name, defaultModel } of providerPresets) {
      if (defaultModel === undefined || unlisted.has(name)) continue;
      const can = table.of(`${name}/${defaultModel}`);
      expect([name, can.known]).toEqual([name, true]);
      expect(can.contextTokens).toBeGreaterThan(30_000);
    }
    const levels = /^(?:(?:off|on|budget|minimal|low|medium|high|xhigh|max)(?:=\S+)? ?)+$/;
    for (const models of Object.values(data.models) as Record<string, Record<string, unknown>>[]) {
      for (const [
        id,
        { efforts = "off", context = 1, answer = 1, sees = true, tools = false, ...others },
      ] of Object.entries(models)) {
        expect([id, others, typeof context, typeof answer, sees && !tools]).toEqual([id, {}, "number", "number", true]);
        expect(efforts).toMatch(levels);
      }
    }
    expect(data.date).toMatch(/^\d{4}-\d\d-\d\d$/);
  });

  test("says what a model sees, reads, writes, keeps, and how it can be told to think", () => {
    expect(table.of("openai/gpt-6-luna")).toEqual({
      known: true,
      sees: true,
      mostPictures: 20,
      tools: true,
      efforts: ["off", "low", "high"],
      contextTokens: 272_000,
      answerTokens: 128_000,
    });
    expect(table.of("anthropic/claude-haiku-4-5")).toMatchObject({ answerTokens: 64_000 });
    expect(table.of("anthropic/claude-sonnet-5-5")).toMatchObject({ efforts: ["low", "high"] });
    expect([table.of("openai/gpt-4").sees, table.of("openai/gpt-4o").sees]).toEqual([false, true]);
    expect(table.of("openai/gpt-4.1")).toMatchObject({ efforts: [], contextTokens: 1_047_576 });
    expect(table.of("mistral/mistral-small-latest").efforts).toEqual(["off", "high"]);
    expect(table.of("moonshot/kimi-k2.6").efforts).toEqual(["off", "high"]);
  });

  test("knows a dated version by its name, and what a relay passes on by its maker's", () => {
    expect(table.of("openai/gpt-6-luna-2026-09-01")).toEqual(table.of("openai/gpt-6-luna"));
    expect(table.of("openrouter/openai/gpt-6-luna:free").known).toBe(true);
    expect(table.of("holysheep/gpt-4.1").contextTokens).toBe(1_047_576);
  });

  test.each(["ollama/gpt-4.1", "mine/x", "constructor/x", "openai/constructor", "x"])("guesses of %s", (model) => {
    expect(table.of(model)).toMatchObject({
      known: false,
      sees: true,
      tools: true,
      efforts: ["off", "low", "high"],
      contextTokens: 32_768,
      answerTokens: undefined,
    });
  });

  test.each<[string, ThinkingLevel, ThinkingLevel, ThinkingLevel]>([
    ["openai/gpt-6-luna", "off", "low", "high"],
    ["openai/gpt-6-astra", "low", "low", "high"],
    ["openai/gpt-5-pro", "high", "high", "high"],
    ["gemini/gemini-3.5-flash-lite", "minimal", "low", "high"],
    ["mistral/mistral-small-latest", "off", "high", "high"],
    ["moonshot/kimi-k2.6", "off", "on", "on"],
    ["anthropic/claude-haiku-4-5", "off", "budget", "budget"],
    ["deepseek/unheard-of", "off", "on", "on"],
  ])("%s is told the nearest of what is wanted", (model, off, low, high) => {
    expect([level(model, "off"), level(model, "low"), level(model, "high")]).toEqual([off, low, high]);
  });

  test("has nothing to tell a model that does not think", () => {
    expect(table.thinking("openai/gpt-4.1", "high")).toBeUndefined();
  });
});

test("what the operator says counts, field by field", () => {
  const said = createCapabilities({
    "ollama/qwen3:8b": { context: 40_960, efforts: "off on" },
    "openai/gpt-6-luna": { sees: false },
  });
  expect(said.of("ollama/qwen3:8b")).toMatchObject({ known: true, contextTokens: 40_960, efforts: ["off", "high"] });
  expect(said.of("openai/gpt-6-luna")).toMatchObject({ sees: false, answerTokens: 128_000 });
});

test("what a provider refuses mends it, for this model and this process alone", () => {
  const one = createCapabilities();
  one.learn("openai/gpt-6-luna", { refuses: "off" });
  expect(one.thinking("openai/gpt-6-luna", "off")?.level).toBe("low");
  one.learn("openai/gpt-6-luna", { contextTokens: 100_000 });
  expect(one.of("openai/gpt-6-luna")).toMatchObject({
    efforts: ["low", "high"],
    contextTokens: 100_000,
  });
  one.learn("groq/qwen/qwen3.6-27b", { refuses: "off" });
  expect(one.thinking("groq/qwen/qwen3.6-27b", "high")).toMatchObject({ level: "high", word: "default" });
  one.learn("mine/x", { refuses: "all" });
  one.learn("mine/x", { sees: false });
  expect(one.of("mine/x")).toMatchObject({ known: false, sees: false, efforts: [] });
  expect(table.of("openai/gpt-6-luna").contextTokens).toBe(272_000);
});

test("tells how many pictures a provider takes at once", () => {
  const table = createCapabilities();
  const most = (model: string) => table.of(model).mostPictures;
  expect(["groq/x", "mistral/x", "openai/x", "own/x", "x"].map(most)).toEqual([5, 8, 20, 20, 20]);
});
