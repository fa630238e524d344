/** What a person can send besides text. The bytes do not matter; that they can be fetched does. */
import type { Message } from "grammy/types";
import type { Files } from "./files.ts";

export interface AttachmentOptions {
  readonly name?: string;
  readonly bytes?: Uint8Array;
  /** What its sender says that it is. */
  readonly mimeType?: string;
  /** Of something that sounds. */
  readonly seconds?: number;
}

export type AttachmentKind = "photo" | "voice" | "audio" | "video_note" | "sticker" | "document";

const fileDefaults = {
  photo: ["photo.jpg", "image/jpeg"],
  voice: ["voice.ogg", "audio/ogg"],
  audio: ["audio.mp3", "audio/mpeg"],
  video_note: ["note.mp4", "video/mp4"],
  sticker: ["sticker.webp", "image/webp"],
  document: ["document.txt", "text/plain"],
} as const;

/** Stores the file; returns the fields of a message that carries it. */
export function attachmentOf(files: Files, kind: AttachmentKind, options: AttachmentOptions): Partial<Message> {
  const [name, mimeType] = fileDefaults[kind];
  const file = files.add(options.name ?? name, options.mimeType ?? mimeType, options.bytes ?? Buffer.from(`a ${kind}`));
  const duration = options.seconds ?? 1;
  const base = { file_id: file.fileId, file_unique_id: files.uniqueIdOf(file), file_size: file.bytes.length };
  switch (kind) {
    case "photo":
      return { photo: [{ ...base, width: 640, height: 480 }] };
    case "voice":
      return { voice: { ...base, duration, mime_type: mimeType } };
    case "audio":
      return { audio: { ...base, duration, mime_type: mimeType, file_name: file.name } };
    case "video_note":
      return { video_note: { ...base, duration, length: 240 } };
    case "sticker": {
      const form = { type: "regular", width: 512, height: 512, is_animated: false, is_video: false } as const;
      return { sticker: { ...base, ...form, emoji: "🙂" } };
    }
    case "document":
      return { document: { ...base, file_name: file.name, mime_type: file.mimeType } };
  }
}
