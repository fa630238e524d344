/** Two scripted providers and the chain of models over them. */
import { afterEach, beforeEach } from "vitest";
import type { Config } from "../../src/config/config.ts";
import type { Timers } from "../../src/models/allowance.ts";
import { createModels } from "../../src/models/chain.ts";
import { createScriptedModel, type ScriptedModel } from "../../src/playground/model/scripted-model.ts";
import type { Models } from "../../src/ports/models.ts";

export const key = "sk-test-0123456789abcdef";
export const log = { info() {}, warn() {} };
/** The chosen model has nobody behind it. */
export const alone = { fallbacks: [] };

export interface Recorder {
  modelCalled(model: string, outcome: string): void;
  modelFirstToken(model: string, ms: number): void;
  modelLeftAlone(model: string, alone: boolean): void;
  modelPutBehind(model: string): void;
}

/** To be called at the top of a file: each of its tests begins with two providers that were asked nothing. */
export function createProvidersScene() {
  const scripted = () => createScriptedModel({ tokensPerSecond: 1000, label: false });
  let started: { readonly first: ScriptedModel; readonly second: ScriptedModel } | undefined;
  let models: (Models & { stop(): Promise<void> }) | undefined;

  function server(name: "first" | "second"): ScriptedModel {
    if (started === undefined) throw new Error("the providers are started before each test, not before");
    return started[name];
  }

  beforeEach(async () => {
    const [first, second] = await Promise.all([scripted(), scripted()]);
    started = { first, second };
  });
  afterEach(async () => {
    await models?.stop();
    await Promise.all([server("first").stop(), server("second").stop()]);
  });

  return {
    get first() {
      return server("first");
    },
    get second() {
      return server("second");
    },
    /** The models that `open` has made last. */
    get models() {
      return models;
    },
    open(timers: Partial<Timers> = {}, more: Partial<Config["models"]> = {}, metrics?: Recorder): Models {
      models = createModels({
        models: {
          names: ["openai/a", "deepseek/b"],
          chains: {},
          fallbacks: [{ model: "openai/a" }, { model: "deepseek/b" }],
          providers: [
            { name: "openai", baseUrl: server("first").url, apiKey: key },
            { name: "deepseek", baseUrl: server("second").url, apiKey: key },
          ],
          ...more,
        },
        log,
        timers: { backoffMs: 5, usageMs: 50, ...timers },
        ...(metrics === undefined ? {} : { metrics }),
      });
      return models;
    },
  };
}
