/**
 * What people send beside words: its bytes, and what a model gets of them.
 * The comment on a member is its contract.
 */
import { ParleyError } from "../base/errors.ts";
import type { ImagePart, MediaReference, PicturePart } from "./content.ts";

/**
 * - `too-big`: more bytes than may be fetched.
 * - `gone`: Telegram does not give it to us, now or later.
 * - `unreachable`: it may be had later.
 * - `unreadable`: it is not what it must be, or broken.
 */
export type MediaErrorKind = "too-big" | "gone" | "unreachable" | "unreadable";

/** A file that could not be had. Its message names neither the file nor its address, which holds the bot's token. */
export class MediaError extends ParleyError {
  readonly kind: MediaErrorKind;
  constructor(kind: MediaErrorKind, message: string) {
    super(`media-${kind}`, message, { retryable: kind === "unreachable" });
    this.name = "MediaError";
    this.kind = kind;
  }
}

export interface MediaSource {
  /**
   * The bytes of a file, at most so many, counted while they are read; rejects with a `MediaError`, and with that of kind
   * `unreachable` when the signal is aborted.
   */
  fetch(reference: MediaReference, limitBytes: number, signal: AbortSignal): Promise<Uint8Array>;
}

/** Makes what a model is sent of what was asked. */
export interface MediaReader {
  /** A picture with its bytes; rejects with a `MediaError`. The same picture has the same bytes each time, if it can be. */
  picture(part: PicturePart, signal: AbortSignal): Promise<ImagePart>;
  /**
   * A picture that somebody else has sent, whatever it is: as a small JPEG. Rejects with a `MediaError`: `unreadable` when it is
   * none, broken or too large, `unreachable` when nothing can be read at the moment.
   */
  fitted(bytes: Uint8Array, signal: AbortSignal): Promise<ImagePart>;
}
