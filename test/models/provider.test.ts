import { expect, test } from "vitest";
import { createModels } from "../../src/models/chain.ts";
import { createPrices } from "../../src/models/prices.ts";
import { createScriptedModel } from "../../src/playground/model/scripted-model.ts";
import { modelsContract } from "../contracts/models.contract.ts";
import { key, log } from "../support/providers-scene.ts";

modelsContract("an OpenAI-compatible provider", async () => {
  const server = await createScriptedModel({ tokensPerSecond: 1000, label: false });
  const models = createModels({
    models: {
      names: ["openai/m"],
      chains: {},
      fallbacks: [],
      providers: [{ name: "openai", baseUrl: server.url, apiKey: key }],
    },
    log,
    timers: { firstTokenMs: 1000, silenceMs: 1000, usageMs: 100, refusedMs: 0, failedMs: 0 },
  });
  return { models, model: "openai/m", key, server, stop: models.stop };
});

test("a price of one's own goes before that of the list, and has a part for each kind of tokens", () => {
  const cost = createPrices({ "openai/gpt-4.1": { input: 1, cached: 0.1, cacheWrite: 2, output: 10 } });
  const usage = { inputTokens: 1_000_000, cachedTokens: 500_000, cacheWriteTokens: 200_000, outputTokens: 10_000 };
  expect(cost("openai/gpt-4.1", usage, 0)).toBeCloseTo(0.3 + 0.05 + 0.4 + 0.1, 9);
  expect(cost("openai/constructor", usage, 0)).toBeUndefined();
});

test("prices are known for listed models alone, cached tokens are cheaper, and a date chooses the price", async () => {
  const models = createModels({ models: { names: [], chains: {}, fallbacks: [], providers: [] }, log });
  const usage = { inputTokens: 1_000_000, cachedTokens: 0, outputTokens: 0 };
  const at = Date.UTC(2026, 10, 24, 12);
  expect(models.cost("openai/gpt-4.1", usage, at)).toBeCloseTo(2, 6);
  expect(models.cost("openai/gpt-4.1", { ...usage, cachedTokens: 1_000_000 }, at)).toBeCloseTo(0.5, 6);
  expect(models.cost("gemini/gemini-3.5-flash-lite", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openrouter/openai/gpt-6-luna", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openai/no-such-model-at-all", usage, at)).toBeUndefined();
  expect(models.cost("ollama/gpt-4.1", usage, at)).toBe(0);
  expect(models.cost("own/gpt-4.1", usage, at)).toBeUndefined();
  // Writing to Claude's cache costs a quarter more, and is among the input.
  const written = models.cost("anthropic/claude-haiku-4-5", { ...usage, cacheWriteTokens: 1_000_000 }, at) ?? 0;
  expect(written).toBeCloseTo(1.25 * (models.cost("anthropic/claude-haiku-4-5", usage, at) ?? 0), 6);
  expect(models.cost("constructor/x", usage, at)).toBeUndefined();
  await models.stop();
});
