import { describe, expect, it } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes } from "../support/environments.ts";

const read = (env: Record<string, string>) => readConfig("start", { ...good, ...env });

describe("MEMORY", () => {
  it("is on when it is left out, for all providers", () => {
    expect(read({}).memory).toEqual({ providers: undefined });
    expect(read({ MEMORY: "on" }).memory).toEqual(read({}).memory);
    expect(read({ MEMORY: "off" }).memory).toBeUndefined();
  });

  it("that is neither on nor off is one clear line", () => {
    expect(mistakes({ ...good, MEMORY: "yes" })).toEqual(["MEMORY must be on or off; left out, it is on"]);
  });

  it("is read only where questions are answered", () => {
    const web = { BOT_TOKEN: good.BOT_TOKEN, REDIS_URL: "redis://127.0.0.1", WEBHOOK_URL: "https://bot.example" };
    expect(readConfig("web", { ...web, MEMORY: "yes", MEMORY_PROVIDERS: "," }).memory).toBeUndefined();
  });
});

describe("MEMORY_PROVIDERS", () => {
  const two = { MODELS: "openai/a,ollama/b" };

  it("names those whose models are told", () => {
    const { memory, warnings } = read({ ...two, MEMORY_PROVIDERS: "ollama, openai ollama" });
    expect(memory).toEqual({ providers: ["ollama", "openai"] });
    expect(warnings).toEqual([]);
  });

  it("that names nobody is one clear line", () => {
    const line = "MEMORY_PROVIDERS must be names of providers separated by commas, like ollama,anthropic";
    expect(mistakes({ ...good, MEMORY_PROVIDERS: "," })).toEqual([line]);
    expect(mistakes({ ...good, MEMORY_PROVIDERS: "ollama,openai/a" })).toEqual([`${line}; there is none in place 2`]);
  });

  it("that names a provider nobody asks, or does nothing, is a warning", () => {
    expect(read({ ...two, MEMORY_PROVIDERS: "ollama,olama" }).warnings).toEqual([
      "MEMORY_PROVIDERS does nothing in place 2: no variable names a model of that provider",
    ]);
    expect(read({ ...two, MEMORY: "off", MEMORY_PROVIDERS: "ollama" }).warnings).toEqual([
      "MEMORY_PROVIDERS does nothing: MEMORY is off",
    ]);
  });
});
