/** Models tried one by one, each with the smallest call that it takes: what an operator wants to know before users do. */
import { ModelError } from "../base/errors.ts";
import { inNobodysName } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Proxies } from "../base/proxies.ts";
import type { Config } from "../config/config.ts";
import { textParts } from "../ports/content.ts";
import type { Models } from "../ports/models.ts";
import type { Patience } from "./allowance.ts";
import { createCapabilities } from "./capabilities.ts";
import type { Listing } from "./catalogue.ts";
import { createPrices } from "./prices.ts";
import { createProvider, type Provider } from "./provider.ts";
import { createTransport } from "./transport.ts";

/** How a model has done. Times in milliseconds. */
export type ModelTrial =
  /** `thoughtOnly`: all that it had room for was a thought. */
  | { readonly ok: true; readonly firstTokenMs: number; readonly thoughtOnly: boolean }
  | { readonly ok: false; readonly error: ModelError };

export interface Examination {
  /** Asks a provider for its own list of models. Never rejects. */
  list(provider: string, signal: AbortSignal): Promise<Listing>;
  /** Asks `provider/model` for a few tokens. Rejects only when the signal is aborted. */
  tryOut(model: string, signal: AbortSignal): Promise<ModelTrial>;
  readonly cost: Models["cost"];
  /** Closes every connection. */
  stop(): void;
}

export interface ExaminationDeps {
  readonly models: Config["models"];
  readonly proxies?: Proxies | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** Less is refused by some. An answer that ends there has shown that the model works. */
const fewTokens = 16;
/** The call, and what mends it when the provider refuses a part of it. */
const mostCalls = 4;
const patienceMs = 18_000;
const patience: Patience = {
  responseMs: patienceMs,
  firstTokenMs: patienceMs,
  wholeMs: patienceMs,
  silenceMs: patienceMs,
  totalMs: patienceMs,
  usageMs: 200,
  hurried: false,
};

/** Creates an examination of the models of a configuration, with connections of its own. */
export function createExamination({ models, proxies, log }: ExaminationDeps): Examination {
  const transport = createTransport(proxies);
  const { temperature } = models;
  const capabilities = createCapabilities(models.capabilities);
  const providers = new Map<string, Provider>(
    models.providers.map((config) => [
      config.name,
      createProvider({ config, maxTokens: fewTokens, temperature, capabilities, transport, log }),
    ]),
  );

  async function ask(name: string, signal: AbortSignal): Promise<ModelTrial> {
    const slash = name.indexOf("/");
    const provider = providers.get(name.slice(0, slash));
    if (provider === undefined) {
      return { ok: false, error: new ModelError("not-found", name, "no provider of this name is configured") };
    }
    const startedMs = performance.now();
    let firstTokenMs: number | undefined;
    let calls = 0;
    const question = {
      model: name.slice(slash + 1),
      messages: [{ role: "user" as const, content: textParts("Say OK.") }],
      work: inNobodysName,
      patience,
      mayCall: () => ++calls <= mostCalls,
      onLife() {
        firstTokenMs ??= performance.now() - startedMs;
      },
    };
    const worked = (thoughtOnly: boolean): ModelTrial => ({
      ok: true,
      firstTokenMs: firstTokenMs ?? performance.now() - startedMs,
      thoughtOnly,
    });
    try {
      for await (const _event of provider.ask(question, signal));
      signal.throwIfAborted();
      return worked(false);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return error.kind === "empty" ? worked(true) : { ok: false, error };
    }
  }

  return {
    list: async (provider, signal) => (await providers.get(provider)?.list(signal)) ?? {},
    tryOut: ask,
    cost: createPrices(models.prices),
    stop: () => transport.stop(),
  };
}
