/** What providers do differently, as data keyed by the provider's name. */
import type { WireName } from "../../config/providers.ts";
import { highestTemperature } from "./claude-models.ts";
import {
  byBudget,
  byEffort,
  byFlag,
  byObject,
  byObjectSwitch,
  bySwitch,
  bySwitchOrEffort,
  type TellThinking,
} from "./thinking.ts";

export interface Dialect {
  /** The field that limits the answer's length. */
  readonly lengthField: LengthField;
  /** Whether `stream_options` may be sent to get usage at the end of the stream. */
  readonly streamOptions: boolean;
  /** The highest temperature accepted; 0 where none may be sent. */
  readonly maxTemperature: (model: string) => number;
  /** Pictures in one request. */
  readonly mostPictures: number;
  /** On which wires a key for the cache of prefixes may be sent. */
  readonly cacheKeyIn?: readonly WireName[];
  /** Whether reasoning is returned in a form that can be given back (Responses). */
  readonly encryptedReasoning?: boolean;
  /** Schemas of tools are refused, or not understood, unless they are written in few words. */
  readonly plainSchemas: (model: string) => boolean;
  /** The thoughts of a model that was told to think go back with its calls, or something empty in their place (Chat Completions). */
  readonly thoughtsBack?: boolean;
  /** Calls that the model has not signed need something in the place of its signature (Chat Completions). */
  readonly signsCalls?: (model: string) => boolean;
  /** Behind what came of calls no message of a user's may stand (Chat Completions). */
  readonly resultsLast?: boolean;
  /** What came of a call may hold pictures (Responses). */
  readonly picturesInResults?: boolean;
  /** Models that draw only where pictures are asked for (Chat Completions). */
  readonly drawsWhenAsked?: (model: string) => boolean;
  /** Further fields of a request where nobody has set how much shall be thought (Chat Completions). */
  readonly extra: (model: string) => Readonly<Record<string, unknown>>;
  /** How much shall be thought, where somebody has set it. */
  readonly tellThinking: TellThinking;
}

type LengthField = "max_tokens" | "max_completion_tokens";

/** What nearly every server understands: for names that are no preset. */
const conservative: Dialect = {
  lengthField: "max_tokens",
  streamOptions: false,
  maxTemperature: () => 2,
  mostPictures: 20,
  plainSchemas: () => true,
  extra: () => ({}),
  tellThinking: byEffort,
};

/** The same, with usage at the end of the stream. */
const common: Dialect = { ...conservative, streamOptions: true, plainSchemas: () => false };

/** Nobody waits for a chat's answer to be thought over, and Gemini's thoughts are paid and count against the limit. */
function geminiEffort(model: string): Record<string, unknown> {
  if (/^gemini-2\.5-flash/.test(model)) return { reasoning_effort: "none" };
  return /^gemini-(2\.5|[3-9]|\d\d|flash|pro)/.test(model) ? { reasoning_effort: "low" } : {};
}

/** Reasoning models refuse every temperature but their own. */
function openaiTemperature(model: string): number {
  return /^(gpt-([5-9]|\d\d)|o\d)/.test(model) ? 0 : 2;
}

const openai: Dialect = {
  ...common,
  cacheKeyIn: ["chat", "responses"],
  encryptedReasoning: true,
  picturesInResults: true,
  lengthField: "max_completion_tokens",
  maxTemperature: openaiTemperature,
};

const dialects: Readonly<Record<string, Dialect>> = {
  openai,
  azure: openai,
  anthropic: { ...common, maxTemperature: highestTemperature, tellThinking: byBudget },
  gemini: {
    ...common,
    plainSchemas: () => true,
    signsCalls: (model) => !/^gemini-[12]\b/.test(model),
    extra: geminiEffort,
  },
  // Its current models think by default.
  deepseek: {
    ...common,
    thoughtsBack: true,
    extra: () => ({ thinking: { type: "disabled" } }),
    tellThinking: bySwitch,
  },
  // 422 for every field it does not know; usage comes unasked.
  mistral: {
    ...conservative,
    plainSchemas: () => false,
    resultsLast: true,
    maxTemperature: () => 1.5,
    mostPictures: 8,
  },
  groq: {
    ...common,
    mostPictures: 5,
    lengthField: "max_completion_tokens",
    extra: (model) => (model.includes("gpt-oss") ? { reasoning_effort: "low" } : {}),
  },
  cerebras: {
    ...common,
    lengthField: "max_completion_tokens",
    maxTemperature: () => 1.5,
    extra: (model) => (model.includes("gpt-oss") ? { reasoning_effort: "low" } : {}),
  },
  // On Chat Completions its key would be a header.
  xai: { ...common, cacheKeyIn: ["responses"], lengthField: "max_completion_tokens", encryptedReasoning: true },
  // A relay of others' models, of which only the ordinary request is known.
  holysheep: { ...common, plainSchemas: () => true, maxTemperature: openaiTemperature },
  // Its models think by default, and take no other temperature than their own.
  moonshot: {
    ...common,
    thoughtsBack: true,
    maxTemperature: (model) => (model.startsWith("kimi-") ? 0 : 1),
    extra: (model) => (/^kimi-k2\.[56]/.test(model) ? { thinking: { type: "disabled" } } : {}),
    tellThinking: bySwitchOrEffort,
  },
  qwen: {
    ...common,
    maxTemperature: () => 1.99,
    extra: () => ({ enable_thinking: false }),
    tellThinking: byFlag,
  },
  zai: {
    ...common,
    maxTemperature: () => 1,
    extra: () => ({ thinking: { type: "disabled" } }),
    tellThinking: bySwitch,
  },
  perplexity: { ...common, streamOptions: false, maxTemperature: () => 1.99 },
  together: { ...common, tellThinking: byObjectSwitch },
  openrouter: {
    ...common,
    plainSchemas: (model) => /^~?google\//.test(model),
    drawsWhenAsked: (model) => /-image(?:-|$)/.test(model),
    tellThinking: byObject,
  },
  ollama: common,
  lmstudio: common,
  vllm: common,
  "llama.cpp": common,
};

/** The dialect of a provider. It goes with the name, whatever the base URL. */
export function dialectOf(provider: string): Dialect {
  return Object.hasOwn(dialects, provider) ? (dialects[provider] ?? conservative) : conservative;
}
