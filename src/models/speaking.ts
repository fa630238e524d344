/** A voice for words: how `/audio/speech` is asked, and how its answer is read. Pure. */
import { isOgg, secondsOfOgg } from "../base/ogg.ts";
import type { TokenUsage } from "../ports/models.ts";
import { typeNamed } from "./failures.ts";
import type { Body } from "./posting.ts";
import { Refused } from "./reading.ts";
import type { WholeAnswer } from "./whole-calls.ts";

export const speakingPath = "/audio/speech";
/** Telegram shows what is longer than 1 MB as a file; of Opus that is more than five minutes. */
export const mostSpeakingBytes = 20 * 1024 * 1024;

/** How fast voices speak, and what OpenAI's models count of it. */
const charactersPerSecond = 15;
const tokensPerSecond = 20;
const charactersPerToken = 4;

/** The request: Ogg with Opus, which `opus` means; `ogg` is refused. */
export function speakingBody(model: string, text: string, voice: string): Body {
  return { model, input: text, voice, response_format: "opus" };
}

/** What speaking this costs where nobody counts. */
export function usageOfSpeech(text: string, seconds = text.length / charactersPerSecond): TokenUsage {
  return {
    inputTokens: Math.ceil(text.length / charactersPerToken),
    cachedTokens: 0,
    outputTokens: Math.ceil(tokensPerSecond * seconds),
    seconds,
  };
}

/** The voice. Throws a `Refused` when it is something else than Ogg: some servers know one format only, whatever they are asked. */
export function readSpoken({ bytes, contentType }: WholeAnswer): {
  readonly bytes: Uint8Array;
  readonly seconds: number;
} {
  if (!isOgg(bytes)) {
    throw new Refused({ kind: "not-a-stream", message: `${typeNamed(contentType)} where Ogg was due` });
  }
  return { bytes, seconds: secondsOfOgg(bytes) };
}
