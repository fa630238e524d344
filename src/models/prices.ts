/** What an answer cost, by a table of list prices that comes as a package. */
import { calcPrice } from "@pydantic/genai-prices";
import type { TokenUsage } from "../ports/models.ts";

/** Names in the table. Any other provider, one's own machine included, has no list price. */
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
  azure: "azure",
};

/**
 * US dollars for an answer of `provider/model`, or undefined when the model's price is not known. `at` is in
 * milliseconds since the epoch: prices change, and some with the hour.
 */
export function costOf(model: string, usage: TokenUsage, at: number): number | undefined {
  const slash = model.indexOf("/");
  const provider = model.slice(0, slash);
  const providerId = Object.hasOwn(tableNames, provider) ? tableNames[provider] : undefined;
  if (providerId === undefined) return undefined;
  const { inputTokens, cachedTokens, outputTokens } = usage;
  try {
    const price = calcPrice(
      { input_tokens: inputTokens, cache_read_tokens: cachedTokens, output_tokens: outputTokens },
      model.slice(slash + 1),
      { providerId, timestamp: new Date(at) },
    );
    return price?.total_price;
  } catch {
    // A row that cannot be computed with these counts is a price that is not known.
    return undefined;
  }
}
