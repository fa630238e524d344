/** The prompt of a question: persona, history within its limits, question. Pure. */
import { type Content, textParts } from "../ports/content.ts";
import type { Exchange } from "../ports/store.ts";
import type { Summary } from "../ports/summaries.ts";
import { cutMiddle } from "./cut-middle.ts";
import { wordsForModel } from "./file-words.ts";
import { type AskedMessage, inWordsButNewest } from "./pictures.ts";
import { asContext } from "./summary-words.ts";
import { plausible } from "./token-factors.ts";
import { countTokens } from "./tokens.ts";

export interface HistoryLimits {
  readonly maxTokens: number;
  /** Messages of both sides. */
  readonly maxMessages: number;
}

/** What is known of a conversation beside its exchanges. */
export interface Remembered {
  /** Stands for what it covers. */
  readonly summary?: Summary | undefined;
  /** Whether summaries are written at all: a cut that comes before its summary is told of then, each time. */
  readonly summarises?: boolean | undefined;
  /** The question that is asked; needed when nothing before it is shown. */
  readonly question?: number | undefined;
  /** It is the first one after a long pause. */
  readonly afterPause?: boolean | undefined;
  /** The question after a pause whose earlier messages were asked for again. */
  readonly broughtBack?: number | undefined;
}

/** The part of a history that the model is shown. */
export interface ShownHistory {
  readonly exchanges: readonly Exchange[];
  /** Stands before them, for what is not shown. */
  readonly summary?: Summary | undefined;
  /** See `Exchange`. Left out while all of the history is shown. */
  readonly since?: number | undefined;
  /** Something is not shown any more, nor in a summary, and whoever asks is to be told. */
  readonly tellsCut: boolean;
  /** After a pause, the summary stands for messages that would be shown otherwise. */
  readonly newTopic?: boolean | undefined;
  /** Some of the history is neither shown nor in the summary, and one is to be written. */
  readonly uncovered?: boolean | undefined;
}

/** Of less than this nothing could be understood. */
export const fewestTokens = 64;

/** How many of the newest exchanges `showHistory` has to know: those of the prompt before, its answer, and one to be replaced. */
export function exchangesNeeded({ maxMessages }: HistoryLimits): number {
  return Math.floor(maxMessages / 2) + 2;
}

/**
 * The exchanges that the model is shown. History grows from where the prompt before began until it exceeds a limit, and is
 * then cut to half of it, so that its beginning stays the same for many questions: providers bill a repeated prefix at a
 * fraction, and a window that slides with every question would never repeat one. A new summary makes it begin later, once.
 * An exchange that alone exceeds the limit is shown with its beginning and its end, so that the newest is always there.
 */
export function showHistory(
  history: readonly Exchange[],
  limits: HistoryLimits,
  remembered: Remembered = {},
): ShownHistory {
  const { summary, afterPause } = remembered;
  const usual = Math.max(beganAt(history, remembered), fromOf(summary, history, remembered));
  const covered = coveredBy(summary, history);
  const newTopic = afterPause === true && covered > usual;
  const window = history.slice(newTopic ? covered : usual);
  const maxTokens = Math.max(0, limits.maxTokens - (summary?.tokens ?? 0));
  const half = maxTokens / 2;
  const sized = shortened(window, maxTokens, half);
  const exceeds = tokensOf(sized) > maxTokens || 2 * sized.length > limits.maxMessages;
  const exchanges = exceeds ? newestWithin(sized, half, limits.maxMessages) : sized;
  const shown = asShown(exchanges, history, remembered);
  return newTopic ? { ...shown, since: shown.since ?? remembered.question, newTopic } : shown;
}

/**
 * What is asked instead when the model finds all of it too long: the newer half, or half of the only exchange. Undefined when
 * there is nothing to leave out.
 */
export function halfOf(
  shown: ShownHistory,
  history: readonly Exchange[],
  remembered: Remembered = {},
): ShownHistory | undefined {
  const { exchanges } = shown;
  if (exchanges.length === 0) return undefined;
  const half = tokensOf(exchanges) / 2;
  const newest = shortened(exchanges.slice(-1), half, half);
  const kept = newest.length === 0 ? [] : newestWithin([...exchanges.slice(0, -1), ...newest], half, Infinity);
  return asShown(kept, history, remembered);
}

/** What is to be known of a prompt that shows these exchanges, the newest of a history. */
function asShown(exchanges: readonly Exchange[], history: readonly Exchange[], remembered: Remembered): ShownHistory {
  const { summary, summarises } = remembered;
  const before = history.at(-1)?.since;
  const place = history.length - exchanges.length;
  const uncovered = place > coveredBy(summary, history);
  const whole = exchanges.every((one, index) => one === history[place + index]);
  if (place === 0 && whole && before === undefined) return { exchanges, tellsCut: false };
  const further = summarises === true && place > beganAt(history, remembered);
  const tellsCut = before === undefined ? uncovered || !whole : uncovered && further;
  return {
    exchanges,
    ...(summary === undefined ? {} : { summary }),
    since: exchanges[0]?.question ?? (uncovered || summary === undefined ? history.at(-1)?.question : undefined),
    tellsCut,
    ...(uncovered && summarises ? { uncovered } : {}),
  };
}

/** Place of the exchange with which the prompt before began. */
function beganAt(history: readonly Exchange[], { broughtBack }: Remembered): number {
  const newest = history.at(-1);
  // What the pause has cut off belongs to it again.
  const from = newest !== undefined && newest.question === broughtBack ? history.at(-2) : newest;
  return placeOf(history, from?.since);
}

/** Place of the exchange with which prompts begin beside the summary. */
function fromOf(summary: Summary | undefined, history: readonly Exchange[], { question }: Remembered): number {
  if (summary === undefined) return 0;
  const isAskedAgain = summary.from === question && history.every((one) => one.question !== question);
  return isAskedAgain ? history.length : placeOf(history, summary.from);
}

/** Place of the exchange of a question; 0 when it is not there. */
export function placeOf(history: readonly Exchange[], question: number | undefined): number {
  return Math.max(
    0,
    history.findIndex((one) => one.question === question),
  );
}

/** How many exchanges, from the oldest on, a summary covers; none where its last one is older than all of them. */
export function coveredBy(summary: Summary | undefined, history: readonly Exchange[]): number {
  return summary === undefined ? 0 : 1 + history.findIndex(({ question }) => question === summary.through);
}

/** Of all of them. */
export function tokensOf(exchanges: readonly Pick<Exchange, "tokens">[]): number {
  return exchanges.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** The newest exchanges within half of the limits; the very newest in any case that is within the limit of messages. */
export function newestWithin(
  exchanges: readonly Exchange[],
  maxTokens: number,
  maxMessages: number,
): readonly Exchange[] {
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
export function shortened(exchanges: readonly Exchange[], most: number, atMost: number): readonly Exchange[] {
  const lost = atMost < fewestTokens ? exchanges.findLastIndex(({ tokens }) => tokens > most) : -1;
  return exchanges.slice(lost + 1).map((exchange) => (exchange.tokens > most ? shorten(exchange, atMost) : exchange));
}

/** The exchange with beginning and end of what is too long in it. */
function shorten(exchange: Exchange, atMost: number): Exchange {
  const isWords = (part: Content[number]) => part.type === "text" || (part.type === "file" && part.text !== undefined);
  const askedText = wordsForModel(exchange.asked.filter(isWords));
  const askedTokens = countTokens(askedText);
  const answeredTokens = countTokens(exchange.answered);
  // The stored number was corrected for the model that answered; estimates are not.
  const factor = plausible(exchange.tokens / Math.max(1, askedTokens + answeredTokens));
  const most = atMost / factor;
  const forAsked = Math.min(askedTokens, Math.max(most / 4, most - answeredTokens));
  const asked = cutMiddle(askedText, forAsked, askedTokens);
  const answered = cutMiddle(exchange.answered, most - forAsked, answeredTokens);
  const tokens = Math.ceil(factor * (countTokens(asked) + countTokens(answered)));
  const others = exchange.asked.filter((part) => !isWords(part));
  return { ...exchange, asked: [...others, ...textParts(asked)], answered, tokens };
}

/**
 * Builds the messages for the model, in the order in which they stay the same: persona, facts, summary, history, question.
 * Nothing that changes by itself (time, names) stands before the question.
 */
export function buildPrompt(
  persona: string,
  exchanges: readonly Exchange[],
  question: Content,
  summary?: Summary,
  facts = "",
): readonly AskedMessage[] {
  const messages: AskedMessage[] = [];
  const system = [persona.trim() === "" ? "" : persona, facts, summary === undefined ? "" : asContext(summary.text)];
  const text = system.filter((part) => part !== "").join("\n\n");
  if (text !== "") messages.push({ role: "system", content: textParts(text) });
  const asked = inWordsButNewest(exchanges.map((exchange) => exchange.asked));
  for (const [at, { answered }] of exchanges.entries()) {
    messages.push({ role: "user", content: asked[at] ?? [] }, { role: "assistant", content: textParts(answered) });
  }
  messages.push({ role: "user", content: question });
  return messages;
}
