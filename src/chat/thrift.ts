/** Whether it is cheaper to have a conversation summarised than to show it as it stands, by what its models cost. Pure. */
import type { Models, TokenUsage } from "../ports/models.ts";
import { type HistoryLimits, tokensOf } from "./prompt.ts";

/** US dollars a token. */
export interface TokenPrices {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
}

/** What a conversation is paid for by. */
export interface Tariff {
  readonly answers: TokenPrices;
  readonly summaries: TokenPrices;
}

/** An exchange that is shown. */
export interface ShownExchange {
  readonly tokens: number;
  /** When it was stored; milliseconds since the epoch. */
  readonly at: number;
}

/** What is shown of a conversation, in tokens. */
export interface ShownSizes {
  /** What stands before its exchanges and never changes: the persona. */
  readonly persona: number;
  /** The summary that stands, if one does. */
  readonly summary: number;
  readonly exchanges: readonly ShownExchange[];
}

/** Shorter beginnings are in the cache of hardly any provider. */
const leastCachedTokens = 1_024;
/** What the next summary is expected to have at least, and what its writer is told. */
const usualSummaryTokens = 150;
const instructionTokens = 330;
/** A cache that makes older messages nearly free: a cut costs more than it saves until so many times the usual limits, and is to pay so many times over. */
const nearlyFree = { share: 0.1, messages: 8, tokens: 4, times: 2 };
/** After so long a pause no cache has anything left. */
const coldAfterMs = 2 * 3_600_000;

/** Undefined when a price is not known, or nothing has to be paid, or the cache saves nothing. */
export function tariffOf(answers: TokenPrices | undefined, summaries: TokenPrices | undefined): Tariff | undefined {
  if (answers === undefined || summaries === undefined || answers.cached >= answers.input) return undefined;
  return { answers, summaries };
}

/** What a model costs; undefined when that is not known. `at` in milliseconds since the epoch. */
export function pricesOf(cost: Models["cost"], model: string, at: number): TokenPrices | undefined {
  const of = (usage: Partial<TokenUsage>) =>
    // Small counts: some have a higher price above a size.
    cost(model, { inputTokens: 0, cachedTokens: 0, outputTokens: 0, ...usage }, at);
  const input = of({ inputTokens: 1_000 });
  const cached = of({ inputTokens: 1_000, cachedTokens: 1_000 });
  const output = of({ outputTokens: 1_000 });
  return input === undefined || cached === undefined || output === undefined
    ? undefined
    : { input: input / 1_000, cached: cached / 1_000, output: output / 1_000 };
}

function isNearlyFree({ input, cached }: TokenPrices): boolean {
  return input > 0 && cached <= nearlyFree.share * input;
}

/** The limits of a history that nobody has set, by the prices of the model that answers. */
export function worthShowing(usual: HistoryLimits, prices: TokenPrices | undefined): HistoryLimits {
  if (prices === undefined || !isNearlyFree(prices)) return usual;
  return { maxTokens: nearlyFree.tokens * usual.maxTokens, maxMessages: nearlyFree.messages * usual.maxMessages };
}

/**
 * How many of the newest exchanges stay beside a summary: `fewest`, and as many more as it takes for the prompt to begin with
 * enough to be cached right away.
 */
export function worthKeeping({ persona, summary, exchanges }: ShownSizes, fewest: number): number {
  let tokens = persona + Math.max(summary, usualSummaryTokens);
  let count = 0;
  for (const one of exchanges.toReversed()) {
    if (count >= fewest && tokens > leastCachedTokens) break;
    tokens += one.tokens;
    count++;
  }
  return count;
}

/**
 * Whether to go on from a summary with the newest `kept` exchanges beside it. It costs its writing and a prompt that is new to
 * the cache; each exchange that is dropped saves its reading with each question. Right when what the older ones have cost since
 * equals what getting rid of them costs: sooner it is paid too often, later too much is read. Somebody who was away so often that
 * as many pauses again would pay for it will be away again: each of them has all of it read at its full price, and a nearly free
 * cache hides that until late.
 */
export function summaryPays({ persona, summary, exchanges }: ShownSizes, kept: number, tariff: Tariff): boolean {
  const { answers, summaries } = tariff;
  const older = exchanges.slice(0, Math.max(0, exchanges.length - kept));
  let dropped = 0;
  let read = 0;
  let pauses = 0;
  for (const [place, { tokens, at }] of older.entries()) {
    dropped += tokens;
    // Each of the older ones was once the last that was too many.
    const [asked, before] = [exchanges[place + kept], exchanges[place + kept - 1]];
    const cold = (asked?.at ?? at) - (before?.at ?? at) > coldAfterMs;
    read += dropped * (cold ? answers.input : answers.cached);
    if (cold) pauses++;
  }
  const next = Math.max(summary, usualSummaryTokens);
  const newest = tokensOf(exchanges.slice(older.length));
  const anew = (persona > leastCachedTokens ? 0 : persona) + next + newest;
  const written = summaries.input * (instructionTokens + summary + dropped) + summaries.output * next;
  const costs = (answers.input - answers.cached) * anew + written;
  const times = isNearlyFree(answers) ? nearlyFree.times : 1;
  return dropped > 0 && (read >= times * costs || pauses * dropped * answers.input >= costs);
}
