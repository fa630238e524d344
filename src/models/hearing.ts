/** Words of what somebody has said: how `/audio/transcriptions` is asked, and how its answer is read. Pure. */
import { type SoundKind, soundKindOf } from "../base/sound-kinds.ts";
import type { Recording } from "../ports/media-models.ts";
import type { TokenUsage } from "../ports/models.ts";
import type { Failure } from "./failures.ts";
import { jsonOf } from "./media-answers.ts";
import { type Body, formBody } from "./posting.ts";
import type { WholeAnswer } from "./whole-calls.ts";
import { fieldsOf } from "./wires/fields.ts";
import { usageFrom } from "./wires/usage.ts";

export const hearingPath = "/audio/transcriptions";
/** Twenty minutes of fast talk are 25,000 characters, and what comes with them (times of words) some times as much. */
export const mostHearingBytes = 4 * 1024 * 1024;

/** No recording lasts longer than a day, whatever a provider says of it. */
const longestSeconds = 86_400;

/** OpenAI's models count ten tokens a second, and people say fewer than five. */
const tokensPerSecond = { heard: 10, said: 5 };

/**
 * What files are called, and what they are. The name tells the provider the format: with Telegram's own `.oga` some refuse what
 * they take as `.ogg`.
 */
const formats: Readonly<Record<SoundKind, readonly [name: string, mime: string]>> = {
  ogg: ["voice.ogg", "audio/ogg"],
  mp3: ["voice.mp3", "audio/mpeg"],
  aac: ["voice.aac", "audio/aac"],
  mp4: ["voice.mp4", "video/mp4"],
  wav: ["voice.wav", "audio/wav"],
  flac: ["voice.flac", "audio/flac"],
  webm: ["voice.webm", "audio/webm"],
  amr: ["voice.amr", "audio/amr"],
  aiff: ["voice.aiff", "audio/aiff"],
  caf: ["voice.caf", "audio/x-caf"],
  asf: ["voice.wma", "audio/x-ms-wma"],
};

/** By what it is, whatever its sender says of it. */
function formatOf(bytes: Uint8Array): readonly [name: string, mime: string] {
  const kind = soundKindOf(bytes);
  const isAudio = kind === "mp4" && Buffer.from(bytes.subarray(8, 11)).toString("latin1") === "M4A";
  return isAudio ? ["voice.m4a", "audio/mp4"] : formats[kind ?? "ogg"];
}

/** The request. Its language is not told: that of an interface is often another one, and some models translate then. */
export async function hearingBody(model: string, recording: Recording): Promise<Body> {
  const form = new FormData();
  const [name, type] = formatOf(recording.bytes);
  form.set("file", new File([Buffer.from(recording.bytes)], name, { type }));
  form.set("model", model);
  form.set("response_format", "json");
  return await formBody(form);
}

/** What a recording of this length costs in tokens where nobody counts them. */
export function usageOfSound(seconds: number): TokenUsage {
  const inputTokens = Math.ceil(tokensPerSecond.heard * seconds);
  return { inputTokens, cachedTokens: 0, outputTokens: Math.ceil(tokensPerSecond.said * seconds), seconds };
}

/** What was heard, and what that has used as far as it is told. Throws a `Refused` when the answer is none. */
export function readHeard(
  answer: WholeAnswer,
  seconds: number,
): { readonly text: string; readonly usage?: TokenUsage | undefined } {
  const body = jsonOf(answer);
  const { text } = body;
  if (typeof text !== "string") throw body.refused("the answer holds no text");
  return { text: text.trim(), usage: usageIn(body["usage"], seconds) };
}

/** OpenAI tells tokens or seconds, Mistral both, by names of its own. */
function usageIn(block: unknown, seconds: number): TokenUsage | undefined {
  const told = fieldsOf(block);
  const toldSeconds = [told["seconds"], told["prompt_audio_seconds"]].find(isDuration);
  const input = told["input_tokens"] ?? told["prompt_tokens"];
  const output = told["output_tokens"] ?? told["completion_tokens"];
  const usage = typeof input === "number" ? usageFrom({ input, output }) : undefined;
  if (usage !== undefined) return { ...usage, seconds: toldSeconds ?? seconds };
  return toldSeconds === undefined ? undefined : usageOfSound(toldSeconds);
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value <= longestSeconds;
}

/** Whether a refusal is about the format of the file, so that another format may be taken. */
export function isAboutFormat({ kind, complaint = "" }: Failure): boolean {
  if (kind !== "bad-request") return false;
  return /format|codec|decod|corrupt|unsupported|invalid.{0,20}(file|audio)|(audio|file).{0,40}(invalid|process|support)/.test(
    complaint,
  );
}
