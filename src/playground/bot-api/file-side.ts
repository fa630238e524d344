/** How people send files, by themselves and as albums. */
import type { Message } from "grammy/types";
import { type AttachmentKind, type AttachmentOptions, attachmentOf } from "./attachments.ts";
import type { Files } from "./files.ts";
import { impossible } from "./refusal.ts";
import { captionFields } from "./state.ts";
import { captionRules, formatOwnText } from "./text.ts";

export interface WriteOptions {
  readonly threadId?: number | undefined;
  /** Id of the message that is answered. */
  readonly replyTo?: number | undefined;
}

type Captioned = WriteOptions & { readonly caption?: string | undefined };

export type FileOptions = Captioned & AttachmentOptions;

export type AlbumPart = AttachmentOptions & { readonly kind: "photo" | "video" | "document" | "audio" };

export interface FileSide {
  sendPhoto(chatId: number, userId: number, options?: FileOptions): Message;
  sendVoice(chatId: number, userId: number, options?: FileOptions): Message;
  sendAudio(chatId: number, userId: number, options?: FileOptions): Message;
  sendVideo(chatId: number, userId: number, options?: FileOptions): Message;
  sendAnimation(chatId: number, userId: number, options?: FileOptions): Message;
  sendVideoNote(chatId: number, userId: number, options?: FileOptions): Message;
  sendSticker(
    chatId: number,
    userId: number,
    options?: WriteOptions & Pick<AttachmentOptions, "bytes" | "moves">,
  ): Message;
  sendDocument(chatId: number, userId: number, options?: FileOptions): Message;
  /** Two to ten of one kind, or photos and videos, each a message of its own; the caption stands below the first. */
  sendAlbum(chatId: number, userId: number, parts: readonly AlbumPart[], options?: Captioned): readonly Message[];
}

/** Of a Telegram client, and of the Bot API. */
export const mostAlbumParts = 10;
/** Telegram's are as long, and no number that JavaScript could hold. */
const firstAlbum = 13_900_000_000_000_000n;

type Write = (chatId: number, userId: number, options: WriteOptions, content: Partial<Message>) => Message;

/** Throws what a client says of a caption that is too long. */
export function checkCaption(text: string): void {
  if (text.length > captionRules.maxLength) {
    throw impossible(`a caption has at most ${captionRules.maxLength} characters; this one has ${text.length}`);
  }
}

/** Creates the hands by which people send files; `write` puts a message into a chat. */
export function createFileSide(files: Files, write: Write): FileSide {
  let albums = 0n;

  function captioned(caption: string | undefined): Partial<Message> {
    const formatted = formatOwnText(caption ?? "");
    checkCaption(formatted.text);
    return captionFields(formatted);
  }

  const one =
    (kind: AttachmentKind) =>
    (chatId: number, userId: number, options: FileOptions = {}) => {
      const caption = captioned(options.caption);
      return write(chatId, userId, options, { ...attachmentOf(files, kind, options), ...caption });
    };

  return {
    sendPhoto: one("photo"),
    sendVoice: one("voice"),
    sendAudio: one("audio"),
    sendVideo: one("video"),
    sendAnimation: one("animation"),
    sendVideoNote: one("video_note"),
    sendSticker: one("sticker"),
    sendDocument: one("document"),
    sendAlbum(chatId, userId, parts, options = {}) {
      if (parts.length < 2 || parts.length > mostAlbumParts) throw impossible("an album has two to ten parts");
      const kinds = new Set(parts.map(({ kind }) => (kind === "video" ? "photo" : kind)));
      if (kinds.size > 1) throw impossible("an album has parts of one kind only");
      const caption = captioned(options.caption);
      albums += 1n;
      const group = { media_group_id: String(firstAlbum + albums) };
      return parts.map((part, index) =>
        write(chatId, userId, options, {
          ...group,
          ...attachmentOf(files, part.kind, part),
          ...(index === 0 ? caption : {}),
        }),
      );
    },
  };
}
