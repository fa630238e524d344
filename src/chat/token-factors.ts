/** How far estimates of tokens are off, by model: learnt from what providers report. */

export interface TokenFactors {
  /** What an estimate is multiplied with for this model (`provider/model`); 1 while little is known of it. */
  of(model: string): number;
  /** Learns from a call whose messages were text alone. Tokens of its input, estimated without a factor, and as reported. */
  learn(model: string, estimated: number, reported: number): void;
}

interface Seen {
  estimated: number;
  reported: number;
}

/** So many tokens of estimates that are right stand before all that is learnt: short messages are mostly overhead. */
const doubtedTokens = 2_000;
/** What was learnt counts half as much after so many tokens more: models change behind their names. */
const halfLifeTokens = 100_000;
const smallest = 0.3;
const largest = 4;

/** A factor within what vocabularies differ by. */
export function plausible(factor: number): number {
  return Math.min(largest, Math.max(smallest, factor));
}

/** Creates factors that know nothing yet. They live as long as the process. */
export function createTokenFactors(): TokenFactors {
  const seen = new Map<string, Seen>();
  return {
    of(model) {
      const { estimated, reported } = seen.get(model) ?? { estimated: 0, reported: 0 };
      return (reported + doubtedTokens) / (estimated + doubtedTokens);
    },
    learn(model, estimated, reported) {
      if (estimated <= 0 || reported <= 0) return;
      const before = seen.get(model) ?? { estimated: 0, reported: 0 };
      const kept = 0.5 ** (estimated / halfLifeTokens);
      // One absurd report must not outweigh thousands that are right.
      const believed = estimated * plausible(reported / estimated);
      seen.set(model, { estimated: before.estimated * kept + estimated, reported: before.reported * kept + believed });
    },
  };
}
