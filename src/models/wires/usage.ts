/** The tokens that a provider says it has counted. What cannot be true is not believed: the ledger counts by itself then. */
import type { TokenUsage } from "../../ports/models.ts";
import { fieldsOf, isFields } from "./fields.ts";

/** More than any model reads or writes at once. */
const mostTokens = 20_000_000;
const mostUnsaidTokens = 1_000_000;

/** What a usage block counts, as the provider writes it; what it does not say is left out. */
export interface Counts {
  /** The cached ones included. */
  readonly input: unknown;
  readonly cached?: unknown;
  readonly cacheWrite?: unknown;
  /** The reasoning ones included. */
  readonly output: unknown;
  readonly reasoning?: unknown;
  /** Both, and perhaps more. */
  readonly total?: unknown;
}

/** Reads the usage block of the chat wire; undefined when it is none, is broken, or counts nothing. */
export function usageOf(block: unknown): TokenUsage | undefined {
  if (!isFields(block)) return undefined;
  const details = fieldsOf(block["prompt_tokens_details"]);
  return usageFrom({
    input: block["prompt_tokens"],
    cached: details["cached_tokens"] ?? block["prompt_cache_hit_tokens"],
    cacheWrite: details["cache_write_tokens"],
    output: block["completion_tokens"],
    reasoning: fieldsOf(block["completion_tokens_details"])["reasoning_tokens"],
    total: block["total_tokens"],
  });
}

/** Makes usage of counts; undefined when one of them is broken, or all are 0. */
export function usageFrom(counts: Counts): TokenUsage | undefined {
  const inputTokens = count(counts.input);
  const written = count(counts.output);
  if (inputTokens === undefined || written === undefined) return undefined;
  // Gemini and xAI leave the reasoning out of `completion_tokens`, not out of the total.
  const unsaid = (count(counts.total) ?? 0) - inputTokens - written;
  const outputTokens = written + (unsaid > 0 && unsaid <= mostUnsaidTokens ? unsaid : 0);
  if (inputTokens === 0 && outputTokens === 0) return undefined;
  const cachedTokens = Math.min(count(counts.cached) ?? 0, inputTokens);
  return {
    inputTokens,
    cachedTokens,
    cacheWriteTokens: said(counts.cacheWrite, inputTokens - cachedTokens),
    outputTokens,
    reasoningTokens: said(counts.reasoning, outputTokens),
  };
}

function said(value: unknown, most: number): number | undefined {
  const number = value === undefined || value === null ? undefined : count(value);
  return number === undefined ? undefined : Math.min(number, most);
}

/** Several counts together; undefined when one of them is broken. */
export function sumOf(values: readonly unknown[]): number | undefined {
  return values.map(count).reduce((sum, one) => (sum === undefined || one === undefined ? undefined : sum + one), 0);
}

/** 0 when nothing is said, undefined when what is said is no count. */
function count(value: unknown): number | undefined {
  if (value === undefined || value === null) return 0;
  const number = typeof value === "string" && /^\d{1,12}$/.test(value) ? Number(value) : value;
  const counts = typeof number === "number" && number >= 0 && number <= mostTokens;
  return counts ? Math.round(number) : undefined;
}
