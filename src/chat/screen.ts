/** The abstract screen of a turn. */
import type { MadePicture } from "../base/picture-formats.ts";
import type { Note } from "../ports/notes.ts";
import type { Activity } from "./activity.ts";
import type { FinalView } from "./turn-end.ts";

/** A picture that came with an answer, or that a tool has made for it. */
export interface ShownPicture extends MadePicture {
  /** Cut where it is longer than Telegram allows. */
  readonly caption?: string | undefined;
}

/** Where an answer appears while it is written. Its methods, save `finish`, return at once: it keeps its own pace. */
export interface Screen {
  /** Aborted when the chat takes no messages of ours any more. */
  readonly gone: AbortSignal;
  /** Shows what the turn is at, below its text, until more text comes; `undefined`: nothing more. */
  status(activity: Activity | undefined): void;
  /** Shows this much of the answer; the latest text wins. */
  show(markdown: string): void;
  /** Shows the end. Resolves when it stands there; rejects when it could not be delivered. */
  finish(view: FinalView): Promise<void>;
  /**
   * Shows a picture below what stands there, and resolves with the id of its message; with undefined when the chat takes none.
   * Rejects when Telegram is out of order.
   */
  picture(picture: ShownPicture): Promise<number | undefined>;
  /** Takes such a message away. Resolves also when it stays, since Telegram does not allow it any more. */
  removePicture(message: number): Promise<void>;
  /**
   * Leaves what is shown of the answer, with this button, and with these notes below it; with neither, exactly as it stands,
   * since it will go on. Resolves when nothing is on its way to the chat any more; rejects when the notes could not be
   * delivered.
   */
  leave(button?: "retry", notes?: readonly Note[]): Promise<void>;
}
