/** Turns with tools as their model saw them: how far their requests begin alike, and what lay between two of them. Pure. */

import { type CacheRules, createPrefixCache } from "../cost/prefix-cache.ts";
import type { Worded } from "../cost/provider-server.ts";
import type { QuestionKey } from "../messages.ts";
import { type Percentiles, percentiles } from "../percentiles.ts";

/** A request of a turn. Milliseconds of one clock. */
export interface SeenRequest extends QuestionKey {
  readonly at: number;
  /** Left out while it is being answered, and when the bot has gone away meanwhile. */
  readonly endedAt?: number | undefined;
  /** How many results of tools it brings. */
  readonly results: number;
  /** The definitions of tools, and each message, as JSON: what a provider reads, in this order. */
  readonly pieces: readonly string[];
}

/** A call of the tool that others carry out. Milliseconds. */
export interface SeenSearch extends QuestionKey {
  readonly at: number;
  readonly endedAt: number;
}

export interface StepFigures {
  /** Turns that were seen whole. */
  readonly turns: number;
  /** From the end of a step that calls to the next request, without what others took for the call. */
  readonly searchStepMs: Percentiles;
  readonly calculateStepMs: Percentiles;
  /** Requests that do not begin with all of the one before them in their turn, made by the same process or not. */
  readonly changed: number;
  /** Of what was read behind the first step, what a provider's cache gave, and what it could have given at best. */
  readonly cachedShare: number;
  readonly possibleShare: number;
}

/** Reads what the model has seen, in the order in which it came; only of turns that began after `since`. */
export function stepFigures(
  requests: readonly SeenRequest[],
  searches: readonly SeenSearch[],
  rules: CacheRules,
  since = 0,
): StepFigures {
  const cache = createPrefixCache(rules);
  const took = new Map(searches.map((search) => [keyOf(search), search.endedAt - search.at]));
  const before = new Map<string, { readonly request: SeenRequest; readonly input: number }>();
  const between: [number[], number[]] = [[], []];
  const sums = { turns: 0, changed: 0, input: 0, cached: 0, possible: 0 };
  for (const request of requests.toSorted((one, other) => one.at - other.at)) {
    const key = keyOf(request);
    const { input, cached } = cache.read(wordsOf(request.pieces), request.at);
    const former = before.get(key);
    before.set(key, { request, input });
    if (former === undefined || former.request.at < since) continue;
    sums.changed += beginsWith(request.pieces, former.request.pieces) ? 0 : 1;
    const { endedAt, results } = former.request;
    if (endedAt === undefined || results + 1 !== request.results) continue;
    const passed = request.at - endedAt;
    if (request.results === 1) between[0].push(passed - (took.get(key) ?? 0));
    else between[1].push(passed);
    sums.turns += request.results === 2 ? 1 : 0;
    sums.input += input;
    sums.cached += cached;
    sums.possible += former.input < rules.minimum ? 0 : Math.floor(former.input / rules.block) * rules.block;
  }
  return {
    turns: sums.turns,
    searchStepMs: percentiles(between[0]),
    calculateStepMs: percentiles(between[1]),
    changed: sums.changed,
    cachedShare: sums.cached / sums.input,
    possibleShare: sums.possible / sums.input,
  };
}

function beginsWith(pieces: readonly string[], former: readonly string[]): boolean {
  return former.every((piece, at) => pieces[at] === piece);
}

function wordsOf(pieces: readonly string[]): Worded[] {
  return pieces.map((content) => ({ role: "", content }));
}

export function keyOf({ chatId, round }: QuestionKey): string {
  return `${chatId}:${round}`;
}
