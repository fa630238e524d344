/**
 * Notes: what is said below an answer about it, as data. The words are chosen where it is shown, in the language of who
 * reads it.
 */
import type { BudgetRefusal, ModelErrorKind, Whose } from "../base/errors.ts";
import type { Depicted, FileExtent } from "./content.ts";
import type { FileRefusal } from "./files.ts";

/** A sentence as the version before has stored it: shown as it is, whoever reads it. */
interface FormerNote {
  readonly kind: "former";
  readonly words: string;
}

/** Why `auto` asked the model that it did: what it found first, and `short` when nothing. */
export type AutoReason = "think" | "picture" | "code" | "mathematics" | "long" | "parts" | "short";

export type Note = SpokenNote | FormerNote;

/** What each language has words for. */
export type SpokenNote =
  | { readonly kind: "failed"; readonly failure: ModelErrorKind; readonly retryAfterMs?: number | undefined }
  | { readonly kind: "stopped" }
  /** The answer ends before its end; by us: `too-long`, at 200,000 characters, and `budget`, when no more could be paid. */
  | { readonly kind: "cut"; readonly by: "length" | "filtered" | "too-long" | "budget" }
  /** Nothing was asked, since it would have cost more than is left. `resetsAt`: milliseconds since the epoch. */
  | {
      readonly kind: "over-budget";
      readonly whose: Whose;
      /** Left out: it is used up. */
      readonly why?: Exclude<BudgetRefusal, "used-up"> | undefined;
      readonly resetsAt: number;
      readonly waitMs?: number | undefined;
    }
  /** With this answer so much of a budget, in percent, is used for the first time in its period. */
  | {
      readonly kind: "budget-used";
      readonly whose: Whose;
      readonly share: 80 | 100;
      readonly resetsAt: number;
    }
  /** The model is no longer shown the whole history, nor a summary of what is missing. */
  | { readonly kind: "history-cut" }
  /** After a pause the model was shown a summary instead of the messages before it. */
  | { readonly kind: "new-topic" }
  /** No model was asked: it was written for the same question before. */
  | { readonly kind: "cached" }
  /** A fallback, `provider/model`, has written it. `instead`: the model that was chosen, for which the budget did not pay. */
  | { readonly kind: "answered-by"; readonly model: string; readonly instead?: string }
  /** A fallback, `provider/model`, has heard a recording, or drawn a picture. `instead`: the model for which the budget did not pay. */
  | {
      readonly kind: "made-by";
      readonly how: "heard" | "drawn";
      readonly model: string;
      readonly instead?: string | undefined;
    }
  /** The model that was chosen cannot see: this one, `provider/model`, has looked at the pictures and written it. */
  | { readonly kind: "seen-by"; readonly model: string; readonly instead: string }
  /** Pictures of the question, or of what it follows, that could not be fetched. */
  | { readonly kind: "pictures-lost"; readonly count: number }
  /** There were more pictures in the question than this many, the last ones, which were looked at. */
  | { readonly kind: "pictures-left-out"; readonly shown: number }
  /** `auto` has asked this model, `provider/model`, and it has written it. */
  | { readonly kind: "auto-chose"; readonly model: string; readonly because: AutoReason }
  /** Of something in the question only its cover, or a small preview, was seen; or not even that. */
  | { readonly kind: "preview"; readonly of: Exclude<Depicted, "sticker">; readonly seen: boolean }
  /** The question holds something that a model of words cannot take in. */
  | { readonly kind: "unseen"; readonly what: UnseenKind }
  /** Of a file of the question only the beginning was read, up to this page of so many; and `pieces` of the rest that fit it. */
  | ({ readonly kind: "file-cut"; readonly pieces?: boolean } & FileExtent)
  /** A file of the question could not be read; `name`: which of several. */
  | ({ readonly kind: "file-unread" } & UnreadFile)
  /** A recording of the question was not heard. */
  | { readonly kind: "unheard"; readonly why: UnheardReason }
  /** A picture that was asked for was not drawn. */
  | { readonly kind: "undrawn"; readonly why: UndrawnReason }
  /** The answer is this many pictures, without a word. */
  | { readonly kind: "pictures-alone"; readonly count: number }
  /** Pictures that came with the answer and cannot be shown. */
  | { readonly kind: "pictures-dropped"; readonly count: number }
  /** Facts that are remembered from now on, for good. `userId`: whose word undoes that. */
  | {
      readonly kind: "remembered";
      readonly userId: number;
      readonly facts: readonly { readonly number: number; readonly text: string; readonly undone?: true | undefined }[];
    }
  /** Somebody has to allow something before it goes on. */
  | { readonly kind: "waiting-for-permission" }
  /** Nobody has: something else was asked, or a day has passed. */
  | { readonly kind: "not-allowed"; readonly why: "asked-else" | "expired" }
  /** The database was lost while the answer was being written. */
  | { readonly kind: "storage-lost" };

export type RememberedNote = Extract<SpokenNote, { kind: "remembered" }>;

export interface UnreadFile {
  readonly why: FileProblem;
  readonly name?: string | undefined;
}

/** `too-many`: so many files are not read at once. */
export type FileProblem = FileRefusal | "too-many";

/**
 * `no-sound`: it holds something else. `nobody`: no model hears. `failing`: the model that does failed, which passes; `broken`: which does not. `gone`: Telegram does
 * not give it to us; `unreachable`: not now.
 */
export type UnheardReason =
  | "no-words"
  | "no-sound"
  | "too-long"
  | "too-big"
  | "gone"
  | "unreachable"
  | "nobody"
  | "failing"
  | "broken";

/** `nobody`: no model draws. `declined`: for what it shows. `unfetched`: what was to be changed could not be had. */
export type UndrawnReason = "nobody" | "declined" | "failing" | "broken" | "unfetched";

/** What a model of words cannot take in, by the names of Telegram's fields. */
export type UnseenKind =
  | "live_photo"
  | "photo"
  | "video"
  | "video_note"
  | "animation"
  | "sticker"
  | "story"
  | "paid_media"
  | "voice"
  | "audio"
  | "document";
