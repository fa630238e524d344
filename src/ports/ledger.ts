/** What answers have cost. */

/** One answer's use of a model. */
export interface UsageEntry {
  readonly userId: number;
  /** `provider/model` that was charged. */
  readonly model: string;
  /** Input tokens, the cached ones included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** US dollars; left out when the model has no known price. */
  readonly cost?: number;
  /** The provider sent no usage, so the tokens were counted here. */
  readonly estimated: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface UsageTotals {
  readonly answers: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** US dollars of the answers whose price is known. */
  readonly cost: number;
  /** Answers whose price is not known. */
  readonly unpriced: number;
}
