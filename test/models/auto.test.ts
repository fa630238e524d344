/** `auto` among the models: the chains behind it, and what can be known of it. */
import { expect, test } from "vitest";
import { cheapestOf } from "../../src/models/prices.ts";
import { answered } from "../contracts/models.contract.ts";
import { asMessages } from "../support/messages.ts";
import { createProvidersScene } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const offered = {
  names: ["auto"],
  fallbacks: [],
  auto: {
    cheap: [{ model: "openai/a" }],
    strong: [{ model: "deepseek/b" }, { model: "openai/a" }],
  },
  prices: {
    "openai/a": { input: 1, cached: 1, cacheWrite: 1, output: 2 },
    "deepseek/b": { input: 100, cached: 100, cacheWrite: 100, output: 200 },
  },
  capabilities: { "openai/a": { context: 8_000 }, "deepseek/b": { context: 64_000 } },
};
const messages = asMessages([{ role: "user", content: "why?" }]);

async function writers(tier?: "cheap" | "strong"): Promise<string[]> {
  const models = scene.models ?? scene.open({}, offered);
  const asked: string[] = [];
  for await (const event of models.answer({ model: "auto", tier, messages }, new AbortController().signal)) {
    if (event.type === "attempt") asked.push(event.model);
  }
  return asked;
}

test("each of the two has its own chain; without a word it is the cheap one", async () => {
  scene.first.script.always({ text: "A" });
  scene.second.script.next({ text: "B" }, { status: 503 });
  const models = scene.open({}, offered);
  expect(await writers("strong")).toEqual(["deepseek/b"]);
  expect(await writers("strong")).toEqual(["deepseek/b", "openai/a"]);
  expect(await writers("cheap")).toEqual(["openai/a"]);
  expect((await answered(models, "auto")).text).toBe("A");
});

test("summaries are its cheap model's, and it can what the strong one can", () => {
  const models = scene.open({}, offered);
  expect(models.auto).toEqual({ name: "auto", models: { cheap: "openai/a", strong: "deepseek/b" } });
  expect(cheapestOf(models, Date.now())).toBe("openai/a");
  expect(models.capabilities("auto").contextTokens).toBe(64_000);
});
