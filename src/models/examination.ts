/** Models tried one by one, each with the smallest call that it takes: what an operator wants to know before users do. */
import { ModelError } from "../base/errors.ts";
import { inNobodysName } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Proxies } from "../base/proxies.ts";
import type { Config } from "../config/config.ts";
import { textParts } from "../ports/content.ts";
import type { Capabilities, ModelCall, ModelEvent, Models } from "../ports/models.ts";
import type { ToolDefinition } from "../ports/tool-results.ts";
import type { Patience } from "./allowance.ts";
import { createCapabilities } from "./capabilities.ts";
import type { Listing } from "./catalogue.ts";
import { createPrices } from "./prices.ts";
import { createProvider, type Provider } from "./provider.ts";
import type { Question } from "./sending.ts";
import { createTransport } from "./transport.ts";
import { fieldsOf, stringIn } from "./wires/fields.ts";

/** How a model has done. Times in milliseconds. */
export type ModelTrial =
  /** `thoughtOnly`: all that it had room for was a thought. */
  | { readonly ok: true; readonly firstTokenMs: number; readonly thoughtOnly: boolean }
  | { readonly ok: false; readonly error: ModelError };

/** What came of a tool that a model was told to call. */
export type ToolTrial =
  /** As it was told to. */
  | { readonly came: "call" }
  /** A call with other arguments than it was told to give. */
  | { readonly came: "wrong-call" }
  | { readonly came: "words" }
  /** All that there was room for were thoughts, or a part of a call. */
  | { readonly came: "too-little" }
  /** The provider takes no tools with this model. */
  | { readonly came: "refusal" }
  | { readonly came: "failure"; readonly error: ModelError };

export interface Examination {
  /** Asks a provider for its own list of models. Never rejects. */
  list(provider: string, signal: AbortSignal): Promise<Listing>;
  /** Asks `provider/model` for a few tokens. Rejects only when the signal is aborted. */
  tryOut(model: string, signal: AbortSignal): Promise<ModelTrial>;
  /** Tells `provider/model` to call a tool that does nothing. Rejects only when the signal is aborted. */
  tryTool(model: string, signal: AbortSignal): Promise<ToolTrial>;
  /** What is known of `provider/model`, refusals included. */
  capabilities(model: string): Capabilities;
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
/** A model that thinks before it calls needs some. */
const tokensOfCall = 1_000;
const word = "parley";
const trivial: ToolDefinition = {
  name: "repeat_word",
  description: "Takes a word, and does nothing else.",
  parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
};
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

interface Asked extends Pick<Question, "tools" | "effort"> {
  readonly says: string;
  readonly onLife?: () => void;
}

/** Creates an examination of the models of a configuration, with connections of its own. */
export function createExamination({ models, proxies, log }: ExaminationDeps): Examination {
  const transport = createTransport(proxies);
  const { temperature } = models;
  const capabilities = createCapabilities(models.capabilities);
  const shared = { temperature, capabilities, transport, log };
  const withRoomFor = (maxTokens: number): ReadonlyMap<string, Provider> =>
    new Map(models.providers.map((config) => [config.name, createProvider({ ...shared, config, maxTokens })]));
  const [brief, roomy] = [withRoomFor(fewTokens), withRoomFor(tokensOfCall)];

  /** Asks once. Rejects with a `ModelError`, or when the signal is aborted. */
  async function ask(
    providers: ReadonlyMap<string, Provider>,
    name: string,
    { says, onLife, ...question }: Asked,
    signal: AbortSignal,
  ): Promise<readonly ModelEvent[]> {
    const slash = name.indexOf("/");
    const provider = providers.get(name.slice(0, slash));
    if (provider === undefined) throw new ModelError("not-found", name, "no provider of this name is configured");
    let calls = 0;
    const events: ModelEvent[] = [];
    const asked = {
      ...question,
      model: name.slice(slash + 1),
      messages: [{ role: "user" as const, content: textParts(says) }],
      work: inNobodysName,
      patience,
      mayCall: () => ++calls <= mostCalls,
      onLife: () => onLife?.(),
    };
    for await (const event of provider.ask(asked, signal)) events.push(event);
    signal.throwIfAborted();
    return events;
  }

  async function tryOut(name: string, signal: AbortSignal): Promise<ModelTrial> {
    const startedMs = performance.now();
    let firstTokenMs: number | undefined;
    const onLife = (): void => {
      firstTokenMs ??= performance.now() - startedMs;
    };
    const worked = (thoughtOnly: boolean): ModelTrial => ({
      ok: true,
      firstTokenMs: firstTokenMs ?? performance.now() - startedMs,
      thoughtOnly,
    });
    try {
      await ask(brief, name, { says: "Say OK.", onLife }, signal);
      return worked(false);
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return error.kind === "empty" ? worked(true) : { ok: false, error };
    }
  }

  async function tryTool(name: string, signal: AbortSignal): Promise<ToolTrial> {
    const says = `Call the tool ${trivial.name} with the word "${word}". Say nothing else.`;
    try {
      const events = await ask(roomy, name, { says, tools: [trivial], effort: "low" }, signal);
      const call = events.find((event) => event.type === "tool-call");
      if (call !== undefined) return { came: isAsTold(call) ? "call" : "wrong-call" };
      if (!capabilities.of(name).tools) return { came: "refusal" };
      return {
        came: events.some((event) => event.type === "answer-end" && event.finish === "stop") ? "words" : "too-little",
      };
    } catch (error) {
      if (!(error instanceof ModelError)) throw error;
      return error.kind === "empty" ? { came: "too-little" } : { came: "failure", error };
    }
  }

  return {
    list: async (provider, signal) => (await brief.get(provider)?.list(signal)) ?? {},
    tryOut,
    tryTool,
    capabilities: capabilities.of,
    cost: createPrices(models.prices),
    stop: () => transport.stop(),
  };
}

function isAsTold({ name, arguments: given }: Pick<ModelCall, "name" | "arguments">): boolean {
  try {
    const said: unknown = JSON.parse(given);
    return name === trivial.name && stringIn(fieldsOf(said)["word"]).toLowerCase().includes(word);
  } catch {
    return false;
  }
}
