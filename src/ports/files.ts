/** What files say: bytes from outside, which nobody trusts, as text and pictures. */
import type { FilePart as FileReference, FileUnit } from "./content.ts";

export type FileFormat =
  | "pdf"
  | "docx"
  | "pptx"
  | "xlsx"
  | "odt"
  | "odp"
  | "ods"
  | "epub"
  | "html"
  | "text"
  | "picture";

/** A page, a slide, a sheet, a chapter; the whole text where there is nothing like that. */
export interface PartOfFile {
  /** From 1 on. */
  readonly number: number;
  readonly name?: string | undefined;
  readonly text: string;
}

export interface FilePicture {
  /** The page that it shows, from 1 on. */
  readonly number: number;
  readonly jpeg: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Why nothing can be made of a file. */
export type FileRefusal =
  | "empty"
  | "damaged"
  | "password"
  /** A format of before 2007. */
  | "legacy"
  /** A picture of a kind that is not decoded. */
  | "picture-format"
  | "too-many-pixels"
  /** No format that is read. */
  | "unknown"
  /** Reading it takes more time or memory than a file may have. */
  | "limits"
  /** Nothing can be read at the moment. */
  | "unavailable"
  /** More bytes than are fetched. */
  | "too-big"
  /** Telegram does not give it to us; or not now. */
  | "gone"
  | "unreachable";

export interface FileText {
  readonly kind: "text";
  readonly format: Exclude<FileFormat, "picture">;
  /** What its parts are; left out where it has one alone. */
  readonly unit?: FileUnit | undefined;
  /** In their order; at least one. */
  readonly parts: readonly PartOfFile[];
  /** How many parts the file has: more than `parts` when only the first ones were read. */
  readonly total: number;
  /** The text is as long as what is read of a file; its end was left out. */
  readonly cut: boolean;
}

export interface FilePictures {
  readonly kind: "pictures";
  readonly format: "pdf" | "picture";
  /** In their order; at least one. */
  readonly pictures: readonly FilePicture[];
  /** How many pages there are: more than `pictures` when only the first ones are shown. */
  readonly total: number;
}

export type FileReading =
  | FileText
  | FilePictures
  | { readonly kind: "refused"; readonly reason: FileRefusal; readonly format?: FileFormat | undefined };

export interface FileToRead {
  readonly bytes: Uint8Array;
  /** What its sender calls it. Its ending helps where the content alone tells nothing. */
  readonly name?: string | undefined;
  /** The sender's language, for text whose encoding nobody can tell. */
  readonly language?: string | undefined;
}

/** Files at Telegram, as what they say. */
export interface Documents {
  /** Fetches a file and reads it. Whatever comes of it is told by the result; rejects only when aborted. */
  read(file: FileReference, language: string | undefined, signal: AbortSignal): Promise<FileReading>;
}

export interface FileReader {
  /**
   * Says what a file holds, one file after another. Whatever it does is told by the result; rejects only when aborted or stopped.
   * Files with one signal belong to one question: what reads them reads no file with another signal.
   */
  read(file: FileToRead, signal: AbortSignal): Promise<FileReading>;
  stop(): Promise<void>;
}

/** The `uniqueId` of a page of a file that is a picture. */
export function pageId(uniqueId: string, page: number): string {
  return `${uniqueId}#${page}`;
}

/** The `uniqueId` of the file that a page is of. */
export function fileIdOf(pageId: string): string {
  return pageId.slice(0, pageId.lastIndexOf("#"));
}
