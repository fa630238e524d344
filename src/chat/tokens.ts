import { estimateTokenCount } from "tokenx";
import { splitsCharacter } from "../base/characters.ts";
import { textOf } from "../ports/content.ts";
import type { ChatMessage, TokenUsage } from "../ports/models.ts";

/** Texts are estimated in pieces of this many UTF-16 units, so that the tokens of a part can be told from those of the whole. */
const pieceLength = 400;
/** Blanks are cheap, not free. */
const mostUnitsInToken = 100;

/**
 * Estimates the tokens of a text by its words and signs; vocabularies differ, so it may be off by half for some languages
 * (`TokenFactors` corrects that). Good for trimming history and for answers whose provider sent no usage; bills come from the
 * provider's own count.
 */
export function countTokens(text: string): number {
  let tokens = 0;
  for (let at = 0; at < text.length; at += pieceLength) {
    const piece = text.slice(at, at + pieceLength);
    tokens += Math.max(estimateTokenCount(piece), Math.ceil(piece.length / mostUnitsInToken));
  }
  return tokens;
}

/** Estimates the tokens of a prompt's words, and of the calls in it. */
export function estimatedTokens(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, message) => sum + tokensOfMessage(message), 0);
}

/** Creates what estimates prompts as `estimatedTokens` does, each message once: those of one turn have most in common. */
export function createEstimate(): typeof estimatedTokens {
  const known = new WeakMap<ChatMessage, number>();
  return (messages) =>
    messages.reduce((sum, message) => {
      const tokens = known.get(message) ?? tokensOfMessage(message);
      known.set(message, tokens);
      return sum + tokens;
    }, 0);
}

function tokensOfMessage({ content, calls = [] }: ChatMessage): number {
  const called = calls.map(({ name, arguments: args }) => `${name} ${args}`);
  return countTokens(textOf(content)) + countTokens(called.join("\n"));
}

/** What was used where nothing is known of caches. */
export function plainUsage(inputTokens: number, outputTokens: number): TokenUsage {
  return { inputTokens, cachedTokens: 0, outputTokens };
}

/** The longest beginning of a text that has at most so many tokens. It is not counted further than that. */
export function firstTokens(text: string, atMost: number): string {
  const endAfter = (from: number, length: number) => {
    const end = Math.min(text.length, from + length);
    return splitsCharacter(text, end) ? end + 1 : end;
  };
  return text.slice(
    0,
    lengthWithin(atMost, (taken, length) => text.slice(taken, endAfter(taken, length))),
  );
}

/** The longest end of a text that has at most so many tokens. */
export function lastTokens(text: string, atMost: number): string {
  const startBefore = (to: number, length: number) => {
    const start = Math.max(0, to - length);
    return splitsCharacter(text, start) ? start - 1 : start;
  };
  const length = lengthWithin(atMost, (taken, more) => {
    const to = text.length - taken;
    return text.slice(startBefore(to, more), to);
  });
  return text.slice(text.length - length);
}

/** Takes piece after piece, and smaller ones where a whole one is too much. No piece may hold half a character: it counts otherwise. */
function lengthWithin(atMost: number, pieceAt: (taken: number, length: number) => string): number {
  let taken = 0;
  let left = atMost;
  for (let length = pieceLength; length >= 1; ) {
    const piece = pieceAt(taken, length);
    if (piece === "") break;
    const tokens = countTokens(piece);
    if (tokens <= left) {
      taken += piece.length;
      left -= tokens;
    } else length = Math.floor(length / 2);
  }
  return taken;
}
