/** What a provider's stream says, in the terms of the `Models` port. No network and no clock. */
import type { MadePicture } from "../../base/picture-formats.ts";
import type { TokenUsage } from "../../ports/models.ts";
import { createAnswerText } from "./answer-text.ts";
import { type Call, type CallPiece, createCalls, newCallId } from "./calls.ts";
import { createDrawnPictures } from "./drawn-pictures.ts";
import { type Fields, parsedJson } from "./fields.ts";
import { createFinishJudge, type Finish } from "./finish.ts";
import { createPictureFilter, withoutPictures } from "./inline-pictures.ts";
import { createPrintedCalls } from "./printed-calls.ts";
import { type ChunkSays, servedIn } from "./says.ts";
import { createEventReader, isDone, type StreamEvent } from "./sse.ts";
import { createThoughtFilter, type ThoughtFilterOptions } from "./thoughts.ts";
import type { Wire } from "./wire.ts";

/** What an answer can come to grief of: an event that says so, a body that holds none, thoughts or filler without end. */
export type ReadFailure =
  | { readonly is: "event"; readonly event: unknown; readonly bare: boolean }
  | { readonly is: "no-stream"; readonly beginning: string }
  | { readonly is: "endless"; readonly what: "thoughts" | "event" | "body" };

export interface AnswerReader {
  /** Takes the next piece of the body. Does nothing any more once the stream has failed or the answer is too long. */
  push(chunk: string): void;
  /** Nothing more is read: what was held back in doubt is text. `whole`: the body has come to its end. */
  end(whole: boolean): void;
  /** The visible text since the last call: all deltas of a chunk at once. */
  takeText(): string;
  /** What may be shown of its thoughts, since the last call. */
  takeSummary(): string;
  /** Whether the model gave a sign of life since the last call, visible or not. */
  takeLife(): boolean;
  /** Whether all text before the one to be taken next has turned out to be thoughts, since the last call. */
  takeRetraction(): boolean;
  /** Undefined until the provider says how the answer ended. */
  readonly finish: Finish | "too-long" | undefined;
  /** The finish reason in the provider's own words. */
  readonly finishReason: string | undefined;
  /** `text`: more has followed a finish reason, or must, since nothing can be seen yet; `unsure`: that may still happen. */
  readonly finishDoubt: "none" | "unsure" | "text";
  readonly usage: TokenUsage | undefined;
  /** The model's name in the provider's words. */
  readonly served: string | undefined;
  readonly pictures: number;
  /** Those of them that could be read. */
  readonly drawn: readonly MadePicture[];
  /** Those of an answer that was cut, by whomever, are no calls: nobody knows what is missing. */
  readonly calls: readonly Call[];
  /** See `ChunkReader`. */
  readonly native: readonly unknown[] | undefined;
  /** Thoughts had an end and no beginning. */
  readonly unopenedThoughts: boolean;
  /** Nothing more is to come: usage or `[DONE]` after the finish reason, the end of the body, or the end of our patience. */
  readonly complete: boolean;
  readonly failure: ReadFailure | undefined;
}

const longestThoughts = 1_000_000;
/** Of a body without any sign of life, of events whose content is kept unseen, and of one answer in all. Characters. */
const mostFiller = 16 * 1024 * 1024;
const mostKept = 8 * 1024 * 1024;
/** Of what goes back with a step: a turn keeps all of it. */
const mostNative = 4 * 1024 * 1024;
const mostInAll = 256 * 1024 * 1024;
/** As much is kept of a body to say what it was, if it was no stream. */
const longestBeginning = 4_096;

export interface AnswerReaderOptions extends Pick<ThoughtFilterOptions, "expectUnopened"> {
  readonly wire: Pick<Wire, "createChunkReader">;
  /** Names of the tools that the model may call: a text that is nothing but such calls is none. Left out: none. */
  readonly offered?: ReadonlySet<string>;
  /** Names calls that came without an id. */
  readonly newCallId?: () => string;
}

/** Creates the reader of one answer. */
export function createAnswerReader(options: AnswerReaderOptions): AnswerReader {
  const chunks = options.wire.createChunkReader();
  const calls = createCalls(options.newCallId ?? newCallId);
  const drawn = createDrawnPictures();
  const pictureFilter = createPictureFilter(drawn.take);
  const printed = createPrintedCalls(options.offered ?? new Set());
  const thoughts = createThoughtFilter({ ...options, onRetract: retract });
  const events = createEventReader(take);
  const text = createAnswerText();
  const judged = createFinishJudge();
  /** What came as whole messages where pieces were due. */
  let messages = "";
  let pieces = 0;
  let alive = false;
  let retracted = false;
  let end: "done" | "usage" | "body" | "whole" | "too-long" | undefined;
  let isWhole = false;
  let usage: TokenUsage | undefined;
  let served: string | undefined;
  let pictures = 0;
  let thought = 0;
  let summary = "";
  let failure: ReadFailure | undefined;
  /** Events have come, or JSON that says what events would. */
  let isStream = false;
  let beginning = "";
  /** The first event that is a word: some keep the connection alive so, and some say what is wrong. */
  let word: string | undefined;
  let filler = 0;
  let kept = 0;
  let inAll = 0;
  let callsInText = false;

  function take({ data, isError, bare }: StreamEvent): void {
    if (failure !== undefined || end !== undefined) return;
    isStream ||= !bare;
    if (isDone(data)) end = "done";
    else if (data.length >= 20 || data.trim() !== "") takeJson(data, isError, bare);
  }

  function takeJson(data: string, isError: boolean, bare: boolean): void {
    const parsed = parsedJson(data);
    if (parsed === undefined) {
      // Without `data:` it is a line of something else.
      if (bare) return;
      if (!isError && !/^\s{0,8}["[{'<]/.test(data)) {
        word ??= data;
        return;
      }
      const message = isError ? data : "an event of the stream is no JSON";
      failure = { is: "event", event: { error: { message } }, bare };
      return;
    }
    for (const chunk of Array.isArray(parsed) ? parsed : [parsed]) {
      if (typeof chunk !== "object" || chunk === null) continue;
      served ??= servedIn(chunk as Fields);
      const says = chunks.read(chunk as Fields);
      if (says.failure !== undefined || (isError && !says.alive)) {
        failure ??= { is: "event", event: says.failure ?? chunk, bare: !isStream };
      }
      if (failure !== undefined || end !== undefined) return;
      takeChunk(says, bare);
      if (says.kept) kept += data.length;
      if (kept > mostKept) failure ??= { is: "endless", what: "body" };
    }
  }

  function takeChunk(says: ChunkSays, bare: boolean): void {
    usage = says.usage ?? usage;
    if (says.onlyUsage && judged.reason !== undefined && judged.doubt !== "text") {
      end = "usage";
      return;
    }
    alive ||= says.alive;
    pictures = Math.max(pictures + says.pictures, says.messagePictures);
    says.drawn.forEach(drawn.take);
    thought += says.thought;
    if (says.thought > 0) thoughts.thinksElsewhere();
    if (says.summary !== "" && summary.length < longestThoughts) summary += says.summary;
    if (says.calls.length > 0) says.calls.forEach(takeCall);
    if (says.wholeCalls.length > 0) says.wholeCalls.forEach(calls.takeWhole);
    isStream ||= says.alive || says.finishReason !== undefined;
    isWhole ||= bare && says.message !== "";
    const { text: piece, pictures: inText } = withoutPictures(says.text || pieceOf(says));
    pictures += inText;
    if (says.text !== "") pieces += 1;
    judged.take(says.finishReason, piece !== "" || says.thought > 0);
    const isTooLong = piece !== "" && text.add(printed.push(thoughts.push(piece)));
    if (isTooLong || thought + thoughts.thought > longestThoughts) tooLong();
    if (says.done) end ??= "done";
  }

  /** Nobody sees them, as little as thoughts. */
  function takeCall(piece: CallPiece): void {
    calls.take(piece);
    if (typeof piece.arguments === "string") thought += piece.arguments.length;
  }

  /** A message repeats what was said in pieces; without pieces it grows, or is a piece itself. */
  function pieceOf({ message, finishReason: reason }: ChunkSays): string {
    if (message === "" || pieces > 0 || (message === messages && reason !== undefined)) return "";
    const grows = message.length > messages.length && message.startsWith(messages);
    const piece = grows ? message.slice(messages.length) : message;
    messages += piece;
    return piece;
  }

  function tooLong(): void {
    if (text.visible) end = "too-long";
    else failure = { is: "endless", what: "thoughts" };
  }

  function retract(): void {
    retracted ||= text.taken;
    text.clear();
    printed.clear();
  }

  function endText(): void {
    const late = printed.push(thoughts.end());
    const rest = printed.end();
    callsInText = rest.calls.length > 0;
    rest.calls.forEach(calls.takeWhole);
    if (text.add(late + rest.text) && failure === undefined) end = "too-long";
    text.end();
  }

  function noStream(): ReadFailure {
    return { is: "no-stream", beginning };
  }

  function pass(chunk: string): void {
    try {
      events.push(chunk);
    } catch {
      if (end === undefined) failure ??= isStream ? { is: "endless", what: "event" } : noStream();
    }
  }

  return {
    push(chunk) {
      if (failure !== undefined || end !== undefined) return;
      const content = pictureFilter.push(chunk);
      if (!isStream && beginning.length < longestBeginning) beginning += content.slice(0, longestBeginning);
      filler += content.length;
      inAll += chunk.length;
      pass(content);
      if (alive) filler = 0;
      const isFlood = filler > mostFiller || inAll > mostInAll;
      if (isFlood && end === undefined) failure ??= { is: "endless", what: "body" };
    },
    end(whole) {
      if (whole && failure === undefined && end === undefined) {
        pass(pictureFilter.end());
        events.end();
        end ??= isWhole ? "whole" : "body";
        if (word !== undefined && end === "body" && judged.reason === undefined) {
          failure ??= { is: "event", event: { error: { message: word } }, bare: false };
        }
        const something = beginning.trimStart();
        if (!isStream && end === "body" && something !== "" && !something.startsWith(":")) failure ??= noStream();
      }
      endText();
    },
    takeText: text.take,
    takeSummary() {
      const more = summary;
      summary = "";
      return more;
    },
    takeLife() {
      const was = alive;
      alive = false;
      return was;
    },
    takeRetraction() {
      const was = retracted;
      retracted = false;
      return was;
    },
    get finish() {
      if (end === "too-long") return end;
      return judged.finish ?? (end === "done" || end === "whole" ? "stop" : undefined);
    },
    get finishReason() {
      return judged.reason;
    },
    get finishDoubt() {
      return text.visible || printed.holds || calls.any ? judged.doubt : "text";
    },
    get usage() {
      return usage;
    },
    get served() {
      return served;
    },
    get pictures() {
      return pictures;
    },
    get drawn() {
      // What was written about pictures is none.
      return drawn.all.slice(0, pictures);
    },
    get calls() {
      return calls.any && this.finish === "stop" && failure === undefined ? calls.all() : [];
    },
    get native() {
      // What stands there would be text.
      return callsInText || kept > mostNative ? undefined : chunks.native();
    },
    get unopenedThoughts() {
      return thoughts.unopened;
    },
    get complete() {
      return end !== undefined;
    },
    get failure() {
      return failure;
    },
  };
}
