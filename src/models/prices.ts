/** What a call cost, by a table of list prices that comes as a package, and by the prices of one's own that go before it. */
import { calcPrice } from "@pydantic/genai-prices";
import type { OwnPrice } from "../config/prices-file.ts";
import { providerPresets } from "../config/providers.ts";
import type { Models, TokenUsage } from "../ports/models.ts";

/** Names in the table. Any other provider has no list price. */
const tableNames: Readonly<Record<string, string>> = {
  openai: "openai",
  anthropic: "anthropic",
  gemini: "google",
  deepseek: "deepseek",
  mistral: "mistral",
  groq: "groq",
  xai: "x-ai",
  together: "together",
  openrouter: "openrouter",
  moonshot: "moonshotai",
  zai: "zai",
  perplexity: "perplexity",
  cerebras: "cerebras",
};

/**
 * Dollars of one search, by the public price lists of November 2026: pay-as-you-go, of Tavily a basic one. Serper's price is not
 * among them: it is not known.
 */
const searchPrices: Readonly<Record<string, number>> = { tavily: 0.008, brave: 0.005, exa: 0.007, searxng: 0 };

const perMillion = 1e-6;
const secondsPerHour = 3_600;
const free = new Set(providerPresets.flatMap(({ name, local }) => (local ? [name] : [])));

/**
 * Returns what tells the US dollars of a call of `provider/model`: undefined when the model's price is not known. `at` is in
 * milliseconds since the epoch: prices change, and some with the hour. A model on a machine of one's own costs nothing.
 */
export function createPrices(own: Readonly<Record<string, OwnPrice>> = {}): Models["cost"] {
  return (model, usage, at) => {
    const price = Object.hasOwn(own, model) ? own[model] : undefined;
    if (price !== undefined) return ownCost(price, usage);
    const slash = model.indexOf("/");
    const provider = model.slice(0, slash);
    if (usage.searches !== undefined) {
      const each = Object.hasOwn(searchPrices, provider) ? searchPrices[provider] : undefined;
      return each && each * usage.searches;
    }
    return free.has(provider) ? 0 : listCost(provider, model.slice(slash + 1), usage, at);
  };
}

function ownCost(price: OwnPrice, usage: TokenUsage): number {
  const {
    inputTokens,
    cachedTokens,
    cacheWriteTokens = 0,
    outputTokens,
    seconds = 0,
    pictures = 0,
    searches = 0,
  } = usage;
  if (price.audioHour !== undefined) return (seconds / secondsPerHour) * price.audioHour;
  if (price.picture !== undefined) return pictures * price.picture;
  if (price.search !== undefined) return searches * price.search;
  const plain = Math.max(0, inputTokens - cachedTokens - cacheWriteTokens);
  const input = plain * price.input + cachedTokens * price.cached + cacheWriteTokens * price.cacheWrite;
  return perMillion * (input + outputTokens * price.output);
}

function listCost(provider: string, name: string, usage: TokenUsage, at: number): number | undefined {
  const providerId = Object.hasOwn(tableNames, provider) ? tableNames[provider] : undefined;
  if (providerId === undefined) return undefined;
  const { inputTokens, cachedTokens, cacheWriteTokens = 0, outputTokens, seconds } = usage;
  const tokens = {
    ...{ input_tokens: inputTokens, cache_read_tokens: cachedTokens, output_tokens: outputTokens },
    // Of a model of sound what goes in is sound, unless it only speaks: then the table knows no such price.
    ...(seconds === undefined ? {} : { input_audio_tokens: inputTokens }),
  };
  const timestamp = new Date(at);
  // Reasoning is among the output, and costs as much.
  const priceOf = (counted: Parameters<typeof calcPrice>[0]) => {
    const price = calcPrice(counted, name, { providerId, timestamp });
    // The package computes no hours.
    const byHour: unknown = price?.model_price["audio_hours"];
    if (seconds === undefined || typeof byHour !== "number") return price?.total_price;
    return (seconds / secondsPerHour) * byHour;
  };
  try {
    return priceOf(cacheWriteTokens === 0 ? tokens : { ...tokens, cache_write_tokens: cacheWriteTokens });
  } catch {
    // A row that cannot be computed with these counts is a price that is not known.
    return undefined;
  }
}

/** What a summary uses, more or less: reads much, writes little. */
const usualSummary: TokenUsage = { inputTokens: 2_000, cachedTokens: 0, outputTokens: 200 };

/**
 * The cheapest of the models that are offered, for one that reads much and writes little; the first of several, and where no
 * price is known.
 */
export function cheapestOf(
  { names, auto, cost }: Pick<Models, "names" | "auto" | "cost">,
  at: number,
): string | undefined {
  const models = names.map((name) => (name === auto?.name ? auto.models.cheap : name));
  const priced = models.map((name) => ({ name, dollars: cost(name, usualSummary, at) ?? Number.POSITIVE_INFINITY }));
  return priced.reduce<(typeof priced)[number] | undefined>(
    (best, one) => (best === undefined || one.dollars < best.dollars ? one : best),
    undefined,
  )?.name;
}
