/** The tokens that a provider says it has counted. What cannot be true is not believed: the ledger counts by itself then. */
import type { TokenUsage } from "../../ports/models.ts";

/** More than any model reads or writes at once. */
const mostTokens = 20_000_000;
const mostUnsaidTokens = 1_000_000;

/** Reads a usage block; undefined when it is none, is broken, or counts nothing. */
export function usageOf(block: unknown): TokenUsage | undefined {
  if (typeof block !== "object" || block === null) return undefined;
  const fields = block as Record<string, unknown>;
  const details = (fields["prompt_tokens_details"] ?? {}) as Record<string, unknown>;
  const inputTokens = count(fields["prompt_tokens"]);
  const written = count(fields["completion_tokens"]);
  if (inputTokens === undefined || written === undefined) return undefined;
  // Gemini and xAI leave the reasoning out of `completion_tokens`, not out of the total.
  const unsaid = (count(fields["total_tokens"]) ?? 0) - inputTokens - written;
  const outputTokens = written + (unsaid > 0 && unsaid <= mostUnsaidTokens ? unsaid : 0);
  if (inputTokens === 0 && outputTokens === 0) return undefined;
  const cachedTokens = count(details["cached_tokens"] ?? fields["prompt_cache_hit_tokens"]) ?? 0;
  return { inputTokens, cachedTokens: Math.min(cachedTokens, inputTokens), outputTokens };
}

/** 0 when nothing is said, undefined when what is said is no count. */
function count(value: unknown): number | undefined {
  if (value === undefined || value === null) return 0;
  const number = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  const counts = typeof number === "number" && number >= 0 && number <= mostTokens;
  return counts ? Math.round(number) : undefined;
}
