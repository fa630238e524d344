/** What the benchmark's processes tell one another. Times are milliseconds since the epoch, on one machine's clock. */

import type { MediaKind } from "./media-files.ts";

/** Chats that ask have this id and those behind it. */
export const firstChat = 100_000;

/** Which question of which chat, as its text says and every process can read. */
export interface QuestionKey {
  readonly chatId: number;
  readonly round: number;
}

/** An answer as it stood at Telegram. */
export interface ShownAnswer extends QuestionKey {
  readonly askedAt: number;
  readonly firstTextAt: number | undefined;
  readonly finalAt: number;
}

/** An answer as the model wrote it. */
export interface WrittenAnswer extends QuestionKey {
  /** When the bot's request came. */
  readonly requestedAt: number;
  readonly firstTextAt: number;
  readonly endedAt: number;
}

export type TelegramOrder =
  /** Chats begin to ask, spread over `rampMs`; each asks again `pauseMs` after its answer, until `end`. */
  | { readonly order: "ask"; readonly chats: number; readonly rampMs: number; readonly pauseMs: number }
  /** Forgets what was counted so far. */
  | { readonly order: "count" }
  | { readonly order: "report" }
  /** Each chat sends so many questions, one right behind the other; chats begin spread over `rampMs`. */
  | { readonly order: "burst"; readonly chats: number; readonly questions: number; readonly rampMs: number }
  | { readonly order: "tally" }
  /** People send these at once, each in a chat of their own. The answer is a list of `SentMedia`. */
  | { readonly order: "send"; readonly media: readonly MediaToSend[] }
  /** The answer says when the bot began to fetch them, by chat. */
  | { readonly order: "fetched" }
  | { readonly order: "end" };

export interface MediaToSend {
  readonly chatId: number;
  readonly kind: MediaKind;
}

export interface SentMedia extends MediaToSend {
  readonly bytes: number;
  readonly sentAt: number;
}

export interface TelegramReport {
  readonly answers: readonly ShownAnswer[];
  /** Calls by method. */
  readonly calls: Readonly<Record<string, number>>;
  /** Calls that were refused, with their description, and what Telegram would have mended. */
  readonly wrong: readonly string[];
  /** Questions without a final answer. */
  readonly open: number;
}

/** A message of the bot; its `round` is 0 as long as its text names no question. In the order in which they stand in their chat. */
export interface ShownMessage extends QuestionKey {
  readonly firstTextAt: number;
  /** Left out while the answer is being written. */
  readonly finalAt?: number;
}

/** What all chats show after a burst. */
export interface Tally {
  readonly messages: readonly ShownMessage[];
  /** Calls that were refused, and what Telegram would have mended. */
  readonly refused: number;
  /** The first of them, with their descriptions. */
  readonly wrong: readonly string[];
}

export function questionText({ chatId, round }: QuestionKey): string {
  return `How does a write-ahead log work? (chat ${chatId}, question ${round})`;
}

export function questionIn(text: string): QuestionKey | undefined {
  const match = /\(chat (\d+), question (\d+)\)/.exec(text);
  return match === null ? undefined : { chatId: Number(match[1]), round: Number(match[2]) };
}
