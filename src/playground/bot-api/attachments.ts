/** What a person can send besides text. */
import type { Message, PhotoSize } from "grammy/types";
import { greyJpeg, type PictureSize, sizeOfPicture } from "../pictures.ts";
import type { Files } from "./files.ts";

export interface AttachmentOptions {
  readonly name?: string;
  /** As its sender says; a photo is a JPEG whatever they say. */
  readonly mimeType?: string | undefined;
  /** Left out: something small. Of a photo a grey one. */
  readonly bytes?: Uint8Array | undefined;
  /** Of a photo without bytes. */
  readonly size?: PictureSize;
  /** Smaller forms of a photo's bytes, which else are grey. */
  readonly smaller?: readonly Uint8Array[];
  /** Of something that sounds. */
  readonly seconds?: number | undefined;
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

/** The longer sides in which Telegram offers a photo beside its own size, which is no longer than the last. */
const photoSides = [90, 320, 800, 1280, 2560];
const usualSize = { width: 1280, height: 960 };

/** Stores the file; returns the fields of a message that carries it. */
export function attachmentOf(files: Files, kind: AttachmentKind, options: AttachmentOptions): Partial<Message> {
  if (kind === "photo") return { photo: photoOf(files, options) };
  const [name, usualType] = fileDefaults[kind];
  const mimeType = options.mimeType ?? usualType;
  const file = files.add(options.name ?? name, mimeType, options.bytes ?? Buffer.from(`a ${kind}`));
  const duration = options.seconds ?? 1;
  const base = { file_id: file.fileId, file_unique_id: file.uniqueId, file_size: file.bytes.length };
  switch (kind) {
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

/** The sizes of a photo, from small to large. Bytes that are no picture are sent as if they were one. */
function photoOf(files: Files, { name = fileDefaults.photo[0], bytes, size, smaller }: AttachmentOptions): PhotoSize[] {
  const whole = (bytes && sizeOfPicture(bytes)) ?? size ?? usualSize;
  const longest = Math.max(whole.width, whole.height);
  const sizes = photoSides.filter((side) => side < longest).map((side) => scaled(whole, side / longest));
  const given = smaller?.map((one) => [sizeOfPicture(one) ?? whole, one] as const);
  const forms = [
    ...(given ?? sizes.map((one) => [one, greyJpeg(one, name)] as const)),
    ...(longest > 2560 && bytes === undefined ? [] : [[whole, bytes ?? greyJpeg(whole, name)] as const]),
  ];
  return forms.map(([{ width, height }, form]) => {
    const file = files.add(name, fileDefaults.photo[1], form);
    const ids = { file_id: file.fileId, file_unique_id: file.uniqueId };
    return { ...ids, width, height, file_size: form.length };
  });
}

function scaled({ width, height }: PictureSize, factor: number): PictureSize {
  return { width: Math.max(1, Math.round(width * factor)), height: Math.max(1, Math.round(height * factor)) };
}
