/** Continue: a turn of its own that goes on with an answer which was cut at the length limit. */
import { textOf } from "../ports/content.ts";
import type { Exchange, Store } from "../ports/store.ts";
import type { Turn } from "../ports/turns.ts";
import { countTokens } from "./tokens.ts";

/** What a continuation goes on with. */
export interface Continued {
  /** The turn whose answer it is. */
  readonly question: number;
  /** Question and answer as they were before the continuation. */
  readonly exchange: Exchange;
  /** The line that opens the code block which the answer was cut in. */
  readonly openFence?: string | undefined;
}

/** The turn whose answer a turn writes, alone or as a part of it: by it the queue and the buttons know the answer. */
export function answerOf(turn: Turn): number {
  return turn.continues?.question ?? turn.question;
}

/** Whether a message is the question, or a part of the question, that a turn answers. */
export function asksIn(turn: Pick<Turn, "root" | "parts">, message: number): boolean {
  return turn.root === message || turn.parts?.some((part) => part.message === message) === true;
}

/** Whether the newest turn of its conversation can be written again by a button that names these. */
export function mayAnswerAgain(
  newest: Turn | undefined,
  { question, part }: { readonly question: number; readonly part?: number | undefined },
): newest is Turn {
  return newest !== undefined && answerOf(newest) === question && (part ?? newest.question) === newest.question;
}

/** Whether the newest turn of its conversation ends with the Continue button of this run. */
export function mayContinue(newest: Turn | undefined, { run }: { readonly run: number }): newest is Turn {
  return newest?.run === run && newest.button === "continue";
}

/** Whether the newest turn of its conversation ends with the button that brings the messages before a pause back. */
export function mayBringBack(newest: Turn | undefined, { question }: { readonly question: number }): newest is Turn {
  return newest?.button === "earlier" && answerOf(newest) === question;
}

/** What the model is asked. As the user's words: several models refuse an answer that somebody has begun for them. */
export const goOn =
  "Your answer was cut off because it had reached the length limit. Go on exactly where it stopped: begin with the very next character, repeat nothing, and say nothing about the interruption.";

/** Finds what the turn goes on with; undefined when there is nothing. `former` is its record of before, if it has one. */
export async function continuedBy(
  store: Store,
  turn: Pick<Turn, "conversation" | "root">,
  former: Turn | undefined,
  question: number,
): Promise<Continued | undefined> {
  const exchange = await exchangeOf(store, turn);
  if (exchange === undefined) return undefined;
  // A run before this one may have added its part already.
  const answered = exchange.answered.slice(0, former?.continues?.length);
  const { tokens: whole } = exchange;
  const asked = textOf(exchange.asked);
  const tokens =
    answered === exchange.answered ? whole : shareOf(whole, `${asked}${answered}`, `${asked}${exchange.answered}`);
  return { question, exchange: { ...exchange, answered, tokens }, openFence: openFence(answered) };
}

/** The tokens of a part of an exchange, whose stored number was corrected for the model that answered. */
function shareOf(tokens: number, part: string, whole: string): number {
  return Math.ceil((tokens * countTokens(part)) / Math.max(1, countTokens(whole)));
}

/** The turns that go on with the answer of this one, in their order. */
export async function continuationsOf(store: Store, turn: Turn): Promise<readonly Turn[]> {
  const found: Turn[] = [];
  for (let last: Turn | undefined = turn; last !== undefined; last = found.at(-1)) {
    const message = last.messages.at(-1);
    const next = message === undefined ? undefined : await store.readTurn(turn.conversation, message);
    if (next?.continues?.question !== turn.question) break;
    found.push(next);
  }
  return found;
}

/** The turn's record as if its answer had been written in one: what stands in the messages of all of them. */
export async function wholeOf(store: Store, turn: Turn, continuations: readonly Turn[]): Promise<Turn> {
  if (continuations.length === 0) return turn;
  const answer = (await exchangeOf(store, turn))?.answered ?? turn.answer;
  const messages = [turn, ...continuations].flatMap((part) => part.messages);
  return { ...turn, messages, ...(answer === undefined ? {} : { answer }) };
}

async function exchangeOf(store: Store, turn: Pick<Turn, "conversation" | "root">): Promise<Exchange | undefined> {
  // Only the newest question can be answered again or further.
  const history = await store.readHistory(turn.conversation, 1);
  return history.find(({ question }) => question === turn.root);
}

/**
 * What the screen shows of a continuation: a code block that was cut in its middle is opened again, so that the rest of it is
 * code, too.
 */
export function shownText(continued: Continued | undefined, text: string): string {
  const fence = continued?.openFence;
  if (fence === undefined || text === "") return text;
  // Some models open it again themselves, which inside of the block would be a line of code.
  const opens = /^\s*(?:`{3,}|~{3,})[^\S\n]*[^\s`~]/.test(text);
  return opens ? text : `${fence}\n${text.replace(/^\n/, "")}`;
}

/** The line that opened a code block which is still open at the end of this Markdown. */
function openFence(markdown: string): string | undefined {
  let open: { readonly fence: string; readonly line: string } | undefined;
  for (const line of markdown.split("\n")) {
    const [, fence = "", rest = ""] = /^ {0,3}(`{3,}(?!`)|~{3,}(?!~))(.*)$/.exec(line) ?? [];
    if (fence === "") continue;
    if (open !== undefined) {
      if (fence.startsWith(open.fence) && rest.trim() === "") open = undefined;
    } else if (fence.startsWith("~") || !rest.includes("`")) open = { fence, line: line.trim() };
  }
  return open?.line;
}
