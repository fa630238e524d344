/** What a person can send besides text. */
import type { Message, PhotoSize } from "grammy/types";
import { greyJpeg, type PictureSize, sizeOfPicture } from "../pictures.ts";
import type { Files } from "./files.ts";
import { impossible } from "./refusal.ts";

export interface AttachmentOptions {
  readonly name?: string;
  /** As its sender says; a photo is a JPEG whatever they say. */
  readonly mimeType?: string | undefined;
  /** Left out: something small. Of a photo a grey one. */
  readonly bytes?: Uint8Array | undefined;
  /** Of a video, or of a photo without bytes. */
  readonly size?: PictureSize | undefined;
  /** A picture of it, which a video always has: without one it is grey. */
  readonly cover?: Uint8Array | undefined;
  /** A sticker that is played. */
  readonly moves?: boolean | undefined;
  /** Smaller forms of a photo's bytes, which else are grey. */
  readonly smaller?: readonly Uint8Array[];
  /** Of something that sounds. */
  readonly seconds?: number | undefined;
}

export type AttachmentKind =
  | "photo"
  | "voice"
  | "audio"
  | "video"
  | "animation"
  | "video_note"
  | "sticker"
  | "document";

const fileDefaults = {
  photo: ["photo.jpg", "image/jpeg"],
  voice: ["voice.ogg", "audio/ogg"],
  audio: ["audio.mp3", "audio/mpeg"],
  video: ["video.mp4", "video/mp4"],
  animation: ["animation.mp4", "video/mp4"],
  video_note: ["note.mp4", "video/mp4"],
  sticker: ["sticker.webp", "image/webp"],
  document: ["document.txt", "text/plain"],
} as const;

/** The longer sides in which Telegram offers a photo beside its own size, which is no longer than the last. */
const photoSides = [90, 320, 800, 1280, 2560];
const longestCover = 320;
const usualCover = { width: 320, height: 180 };
const usualVideo = { width: 1280, height: 720 };
const usualSize = { width: 1280, height: 960 };

/** Stores the file; returns the fields of a message that carries it. */
export function attachmentOf(files: Files, kind: AttachmentKind, options: AttachmentOptions): Partial<Message> {
  if (kind === "photo") return { photo: photoOf(files, options) };
  const [name, usualType] = fileDefaults[kind];
  const mimeType = options.mimeType ?? usualType;
  const file = files.add(options.name ?? name, mimeType, options.bytes ?? Buffer.from(`a ${kind}`));
  const duration = options.seconds ?? 1;
  const cover = options.cover ?? (isFilm(kind) ? greyJpeg(usualCover, file.uniqueId) : undefined);
  const base = {
    file_id: file.fileId,
    file_unique_id: file.uniqueId,
    file_size: file.bytes.length,
    ...coverOf(files, cover),
  };
  const named = { file_name: file.name, mime_type: file.mimeType };
  switch (kind) {
    case "voice":
      return { voice: { ...base, duration, mime_type: mimeType } };
    case "audio":
      return { audio: { ...base, ...named, duration } };
    case "video":
      return { video: { ...base, ...named, ...(options.size ?? usualVideo), duration } };
    case "animation":
      // For clients that know no animations it is a file as well.
      return {
        animation: { ...base, ...named, ...(options.size ?? usualVideo), duration },
        document: { ...base, ...named },
      };
    case "video_note":
      return { video_note: { ...base, duration, length: 240 } };
    case "sticker": {
      const form = {
        type: "regular",
        width: 512,
        height: 512,
        is_animated: options.moves === true,
        is_video: false,
      } as const;
      return { sticker: { ...base, ...form, emoji: "🙂" } };
    }
    case "document":
      return { document: { ...base, ...named } };
  }
}

function isFilm(kind: AttachmentKind): boolean {
  return kind === "video" || kind === "animation" || kind === "video_note";
}

function coverOf(files: Files, bytes: Uint8Array | undefined): { thumbnail?: PhotoSize } {
  if (bytes === undefined) return {};
  const size = sizeOfPicture(bytes);
  if (size === undefined) throw impossible("a cover is a JPEG");
  const { width, height } = size;
  if (Math.max(width, height) > longestCover) throw impossible(`a cover is at most ${longestCover} pixels long`);
  const { fileId: file_id, uniqueId: file_unique_id } = files.add("cover.jpg", "image/jpeg", bytes);
  return { thumbnail: { file_id, file_unique_id, width, height, file_size: bytes.length } };
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
