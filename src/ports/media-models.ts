/**
 * Models of sound and pictures: what they are given, and what comes of it, in one piece. Each kind is a chain of its own: the
 * first is asked, then those behind it when it fails.
 */
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { PictureMime } from "../base/picture-formats.ts";
import type { ModelEvent, PayableCall, Payer } from "./models.ts";

/** What somebody has said, as a file. */
export interface Recording {
  readonly bytes: Uint8Array;
  /** By its content or its sender's word: `audio/ogg`, `video/mp4`, … */
  readonly mime: string | undefined;
  readonly seconds: number;
}

/** The same before it is sent. */
export interface RecordingToHear extends Pick<Recording, "mime" | "seconds"> {
  /** Asked for once there is a place, and money: whoever waits for those need not hold them. Rejects with a `MediaError`. */
  bytes(signal: AbortSignal): Promise<Uint8Array>;
}

/** Converts a recording into another format; undefined when that cannot be done. Never rejects. */
export type ConvertSound = (recording: Recording, signal: AbortSignal) => Promise<Recording | undefined>;

export interface MadeBy {
  /** `provider/model`. */
  readonly model: string;
  /** `provider/model` of the one that is asked first, where another had to stand in for it. */
  readonly instead?: string | undefined;
  /** What it stands in for is not broken: the budget does not pay for it. */
  readonly unpaid?: true | undefined;
}

export interface Heard extends MadeBy {
  /** Without blanks around it; empty when there were no words. */
  readonly text: string;
}

/** Ogg with Opus, fit for a voice message. */
export interface Spoken extends MadeBy {
  readonly bytes: Uint8Array;
  /** As it counts its own samples. */
  readonly seconds: number;
}

/** A picture in a format that Telegram takes. */
export interface Drawn extends MadeBy {
  readonly bytes: Uint8Array;
  readonly mime: PictureMime;
}

export interface DrawingOrder {
  readonly prompt: string;
  /** The picture that is to be changed as the prompt says; left out: a new one is drawn. */
  readonly from?: PictureToChange | undefined;
}

interface PictureToChange {
  /** See `RecordingToHear`. */
  bytes(signal: AbortSignal): Promise<Uint8Array>;
}

export interface MediaRequest {
  /** Left out where nobody counts. */
  readonly payer?: Payer | undefined;
  /** Stands around whatever is read of the provider's words. */
  readonly work?: Work | undefined;
  /** Told of failures on the way; left out: the adapter's own log. */
  readonly log?: Pick<Logger, "info" | "warn"> | undefined;
  /** Told what the call waits for. */
  tell?(event: Extract<ModelEvent, { type: "waiting" | "attempt" | "trying-again" }>): void;
}

/** Each resolves with undefined when the signal was aborted, and rejects with a `ModelError`, a `BudgetError` or what `bytes` has. */
export interface MediaModels {
  hear?(recording: RecordingToHear, request: MediaRequest, signal: AbortSignal): Promise<Heard | undefined>;
  /** The call that hears so much, of the first model that is asked. */
  hearingCall?(seconds: number): PayableCall;
  speak?(text: string, request: MediaRequest, signal: AbortSignal): Promise<Spoken | undefined>;
  /** The call that draws it, of the first model that is asked. */
  drawingCall?(order: DrawingOrder): PayableCall;
  draw?(order: DrawingOrder, request: MediaRequest, signal: AbortSignal): Promise<Drawn | undefined>;
}
