import { expect, test } from "vitest";
import { createModels } from "../../src/models/chain.ts";
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

test("prices are known for listed models alone, cached tokens are cheaper, and a date chooses the price", async () => {
  const models = createModels({ models: { names: [], chains: {}, fallbacks: [], providers: [] }, log });
  const usage = { inputTokens: 1_000_000, cachedTokens: 0, outputTokens: 0 };
  const at = Date.UTC(2026, 10, 24, 12);
  expect(models.cost("openai/gpt-4.1", usage, at)).toBeCloseTo(2, 6);
  expect(models.cost("openai/gpt-4.1", { ...usage, cachedTokens: 1_000_000 }, at)).toBeCloseTo(0.5, 6);
  expect(models.cost("gemini/gemini-3.5-flash-lite", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openrouter/openai/gpt-6-luna", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openai/no-such-model-at-all", usage, at)).toBeUndefined();
  expect(models.cost("ollama/gpt-4.1", usage, at)).toBeUndefined();
  expect(models.cost("constructor/x", usage, at)).toBeUndefined();
  await models.stop();
});
