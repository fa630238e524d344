/** What `ANSWER_CACHE` and `ANSWER_CACHE_HOURS` mean together. */
import type { Environment } from "./environment.ts";

export interface AnswerCacheConfig {
  readonly shared: boolean;
  readonly keepMs: number;
}

/** Undefined when nothing is kept. */
export function answerCacheOf(values: Environment): AnswerCacheConfig | undefined {
  const { ANSWER_CACHE: whose, ANSWER_CACHE_HOURS: hours } = values;
  return whose === "off" ? undefined : { shared: whose === "shared", keepMs: hours * 3_600_000 };
}
