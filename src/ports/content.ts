/**
 * What a message consists of. What is asked and stored holds words and references to files at Telegram, never bytes; what a
 * model is sent holds words and pictures with their bytes, which live as long as the call.
 */

export interface TextPart {
  readonly type: "text";
  readonly text: string;
  /**
   * Whose words they are, or what an answer to them rests on; left out: who asks. `others`: forwarded, quoted or looked up, so that
   * somebody outside may want something of the model by them. `us`: an answer of ours, quoted.
   */
  readonly by?: "others" | "us" | undefined;
}

/** A file at Telegram. */
export interface MediaReference {
  /** Fetches it, for this bot and for good. */
  readonly fileId: string;
  /** The same for the same file, whoever sends it; fetches nothing. */
  readonly uniqueId: string;
  /** As far as Telegram tells. */
  readonly sizeBytes?: number | undefined;
  /** The sender's word: it may lie. */
  readonly mime?: string | undefined;
  /** What its sender calls it, in one line. */
  readonly name?: string | undefined;
  /** It stands in the message that is replied to, and the words of that name it. */
  readonly quoted?: true | undefined;
}

/** A photo, in the size that is sent on; or a page of a document. */
export interface PicturePart extends MediaReference {
  readonly type: "picture";
  readonly width: number;
  readonly height: number;
  /** Which page, from 1 on: of the document `fileId`. The `uniqueId` is then the page's own. */
  readonly page?: number | undefined;
  /** It is not what was sent, or not all of it; left out where it is. */
  readonly shows?: Depicted | undefined;
}

/** What a picture stands for: a sticker by its `name`, the cover of a film, the small preview of a file that is not decoded. */
export type Depicted = "sticker" | "video" | "animation" | "file";

/** A document that is to be read. */
export interface FilePart extends MediaReference {
  readonly type: "file";
  /** What it says; left out until it was read, and where it could not be. */
  readonly text?: string | undefined;
  /** How much of it that is; left out when it is all. */
  readonly extent?: FileExtent | undefined;
  /** It could not be read. */
  readonly unread?: true | undefined;
  /** It is long, and kept elsewhere in the conversation: pieces of it stand beside the questions that follow. */
  readonly kept?: true | undefined;
  /** What Telegram shows of it, small: for where nothing else can be seen. */
  readonly preview?: (Omit<MediaReference, "quoted"> & Pick<PicturePart, "width" | "height">) | undefined;
}

/** The beginning of a file, up to this page, slide, …; where it has none of these, up to somewhere. */
export interface FileExtent {
  readonly unit?: FileUnit | undefined;
  readonly to: number;
  readonly total: number;
}

export type FileUnit = "page" | "slide" | "sheet" | "chapter";

/** Something spoken. */
export interface VoicePart extends MediaReference {
  readonly type: "voice";
  readonly seconds: number;
  /** What was heard; left out until it was listened to. */
  readonly transcript?: string | undefined;
}

export type ContentPart = TextPart | PicturePart | FilePart | VoicePart;

/** What is asked, in its order; empty when nothing is said. */
export type Content = readonly ContentPart[];

/** A picture with its bytes, in a format that every model that sees takes. */
export interface ImagePart {
  readonly type: "image";
  readonly mime: "image/jpeg" | "image/png" | "image/webp" | "image/gif";
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** What a model is sent, in its order. */
export type ModelContent = readonly (TextPart | ImagePart)[];

/** A text as content: one part, or none when it is empty. */
export function textParts(text: string, by?: TextPart["by"]): readonly TextPart[] {
  return text === "" ? [] : [{ type: "text", text, ...(by === undefined ? {} : { by }) }];
}

/** Whether there is anything in it that somebody outside may have written: files, pictures, words of others. */
export function isFromOutside(content: Content): boolean {
  return content.some((part) => (part.type === "text" ? part.by !== undefined : part.type !== "voice" || part.quoted));
}

/** The words of all parts, a line each: for whatever knows only words. */
export function textOf(content: Content | ModelContent): string {
  return content
    .map(wordsOf)
    .filter((words) => words !== "")
    .join("\n");
}

/** Whether all of it is words. */
export function isText(content: Content | ModelContent): content is readonly TextPart[] {
  return content.every(({ type }) => type === "text");
}

/** Whether a picture goes to the chosen model if that sees, and to no other: the words beside it tell what was sent. */
export function isIncidental({ shows }: PicturePart): boolean {
  return shows !== undefined && shows !== "file";
}

/** What a model is told of a picture that is not what was sent. */
function wordsOfDepicted({ shows, name }: PicturePart): string {
  if (shows === "sticker") return name === undefined ? "[sticker]" : `[sticker ${name}]`;
  if (shows === "file") return "[of this file only a small preview can be shown]";
  return `[${shows}: only its cover can be shown, and nothing be heard]`;
}

/** What stands for a picture where only words can stand. */
export const photoWords = "[photo]";

/** What stands for a part where only words can stand. */
export function wordsOf(part: ContentPart | ImagePart): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "image":
      return photoWords;
    case "picture":
      if (!part.quoted && part.shows !== undefined) return wordsOfDepicted(part);
      // A page is named by its file.
      return part.quoted || part.page !== undefined ? "" : photoWords;
    case "file":
      return part.quoted && !part.unread ? "" : nameOfFile(part);
    case "voice":
      // On one line: what somebody else has said must not become the words of who asks.
      if (part.quoted) return part.transcript ? `> [voice message: ${part.transcript.replaceAll(/\s+/g, " ")}]` : "";
      return part.transcript ?? "[voice message]";
  }
}

function nameOfFile({ name, unread }: FilePart): string {
  return `[file${name === undefined ? "" : `: ${name}`}${unread ? ", which could not be read" : ""}]`;
}
