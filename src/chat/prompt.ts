/** The prompt of a question: persona, history within its limits, question. Pure. */
import { type Content, textOf, textParts } from "../ports/content.ts";
import type { ChatMessage } from "../ports/models.ts";
import type { Exchange } from "../ports/store.ts";
import { plausible } from "./token-factors.ts";
import { countTokens, firstTokens, lastTokens } from "./tokens.ts";

export interface HistoryLimits {
  readonly maxTokens: number;
  /** Messages of both sides. */
  readonly maxMessages: number;
}

/** The part of a history that the model is shown. */
export interface ShownHistory {
  readonly exchanges: readonly Exchange[];
  /** See `Exchange`. Left out while all of the history is shown. */
  readonly since?: number | undefined;
  /** For the first time in this conversation something is not shown. */
  readonly firstCut: boolean;
}

/** Of less than this nothing could be understood. */
const fewestTokens = 64;

/** How many of the newest exchanges `showHistory` has to know: those of the prompt before, its answer, and one to be replaced. */
export function exchangesNeeded({ maxMessages }: HistoryLimits): number {
  return Math.floor(maxMessages / 2) + 2;
}

/**
 * The exchanges that the model is shown. History grows from where the prompt before began until it exceeds a limit, and is
 * then cut to half of it, so that its beginning stays the same for many questions: providers bill a repeated prefix at a
 * fraction, and a window that slides with every question would never repeat one. An exchange that alone exceeds the limit
 * is shown with its beginning and its end, so that the newest is always there.
 */
export function showHistory(history: readonly Exchange[], limits: HistoryLimits): ShownHistory {
  const newest = history.at(-1);
  const before = newest?.since;
  const began = history.findIndex(({ question }) => question === before);
  const window = history.slice(Math.max(0, began));
  const half = limits.maxTokens / 2;
  const sized = shortened(window, limits.maxTokens, half);
  const exceeds = tokensOf(sized) > limits.maxTokens || 2 * sized.length > limits.maxMessages;
  const exchanges = exceeds ? newestWithin(sized, half, limits.maxMessages) : sized;
  const all = exchanges.length === history.length && exchanges.every((one, index) => one === history[index]);
  return all && before === undefined ? { exchanges, firstCut: false } : cutShown(exchanges, history);
}

/**
 * What is asked instead when the model finds all of it too long: the newer half, or half of the only exchange. Undefined when
 * there is nothing to leave out.
 */
export function halfOf(shown: ShownHistory, history: readonly Exchange[]): ShownHistory | undefined {
  const { exchanges } = shown;
  if (exchanges.length === 0) return undefined;
  const half = tokensOf(exchanges) / 2;
  const newest = shortened(exchanges.slice(-1), half, half);
  const kept = newest.length === 0 ? [] : newestWithin([...exchanges.slice(0, -1), ...newest], half, Infinity);
  return cutShown(kept, history);
}

function cutShown(exchanges: readonly Exchange[], history: readonly Exchange[]): ShownHistory {
  const since = (exchanges[0] ?? history.at(-1))?.question;
  return { exchanges, since, firstCut: history.at(-1)?.since === undefined };
}

function tokensOf(exchanges: readonly Exchange[]): number {
  return exchanges.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** The newest exchanges within half of the limits; the very newest in any case that is within the limit of messages. */
function newestWithin(exchanges: readonly Exchange[], maxTokens: number, maxMessages: number): readonly Exchange[] {
  if (maxMessages < 2) return [];
  let start = exchanges.length - 1;
  let tokens = exchanges[start]?.tokens ?? 0;
  for (; start > 0; start--) {
    tokens += exchanges[start - 1]?.tokens ?? 0;
    if (tokens > maxTokens || 2 * (exchanges.length - start + 1) > maxMessages / 2) break;
  }
  return exchanges.slice(Math.max(0, start));
}

/**
 * The exchanges, with those above `most` tokens shortened; where that would leave too little of one, those behind it: a
 * conversation with a hole in it makes no sense.
 */
function shortened(exchanges: readonly Exchange[], most: number, atMost: number): readonly Exchange[] {
  const lost = atMost < fewestTokens ? exchanges.findLastIndex(({ tokens }) => tokens > most) : -1;
  return exchanges.slice(lost + 1).map((exchange) => (exchange.tokens > most ? shorten(exchange, atMost) : exchange));
}

/** The exchange with beginning and end of what is too long in it. */
function shorten(exchange: Exchange, atMost: number): Exchange {
  const askedText = textOf(exchange.asked);
  const askedTokens = countTokens(askedText);
  const answeredTokens = countTokens(exchange.answered);
  // The stored number was corrected for the model that answered; estimates are not.
  const factor = plausible(exchange.tokens / Math.max(1, askedTokens + answeredTokens));
  const most = atMost / factor;
  const forAsked = Math.min(askedTokens, Math.max(most / 4, most - answeredTokens));
  const asked = cutMiddle(askedText, forAsked, askedTokens);
  const answered = cutMiddle(exchange.answered, most - forAsked, answeredTokens);
  const tokens = Math.ceil(factor * (countTokens(asked) + countTokens(answered)));
  return { ...exchange, asked: textParts(asked), answered, tokens };
}

/** Leaves out the middle of a text, with a mark for the model in its place. */
function cutMiddle(text: string, atMost: number, tokens: number): string {
  if (tokens <= atMost) return text;
  const mark = (count: number) => `\n\n[… ${count} characters in the middle of this message are left out here …]\n\n`;
  const each = Math.max(0, Math.floor((atMost - countTokens(mark(text.length))) / 2));
  const [beginning, end] = [firstTokens(text, each), lastTokens(text, each)];
  const left = text.length - beginning.length - end.length;
  return left <= 0 ? text : `${beginning}${mark(left)}${end}`;
}

/** Builds the messages for the model. Nothing that changes by itself (time, names) stands before the question. */
export function buildPrompt(
  persona: string,
  exchanges: readonly Exchange[],
  question: Content,
): readonly ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (persona.trim() !== "") messages.push({ role: "system", content: textParts(persona) });
  for (const exchange of exchanges) {
    messages.push(
      { role: "user", content: exchange.asked },
      { role: "assistant", content: textParts(exchange.answered) },
    );
  }
  messages.push({ role: "user", content: question });
  return messages;
}
