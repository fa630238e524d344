/** What a message carries beside words and can be fetched, as references. Pure. */
import type { PhotoSize } from "grammy/types";
import type { ContentPart, FilePart, PicturePart, TextPart, VoicePart } from "../ports/content.ts";
import type { Carrier } from "./content.ts";

/** Models see no more in a larger one, and cost up to ten times as much. Pixels. */
const longestSide = 1_280;

/** What of a message can be fetched; undefined when it holds nothing like that. */
export function referenceIn(message: Carrier): Exclude<ContentPart, TextPart> | undefined {
  return photoIn(message.photo) ?? voiceIn(message) ?? documentIn(message);
}

/** Sent as a file, and none of what is played. */
const otherKinds = /^(?:video|audio)\//;

/** A document, by whatever it calls itself; what it is, its content will tell. */
function documentIn({ document, animation }: Carrier): FilePart | undefined {
  if (document === undefined || animation !== undefined) return undefined;
  const {
    file_id: fileId,
    file_unique_id: uniqueId,
    file_name: name,
    mime_type: mime,
    file_size: sizeBytes,
  } = document;
  if (typeof fileId !== "string" || typeof uniqueId !== "string") return undefined;
  if (typeof mime === "string" && otherKinds.test(mime)) return undefined;
  const called = nameOfFile(name);
  return {
    ...{ type: "file", fileId, uniqueId },
    ...(called === "" ? {} : { name: called }),
    ...(typeof mime === "string" ? { mime } : {}),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}

const longestName = 100;
const longestRead = 10_000;

/** The name without folders, and without what would change how the words around it are read. */
function nameOfFile(name: unknown): string {
  if (typeof name !== "string") return "";
  const last = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1).slice(0, longestRead);
  return last
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s[\]"]+/gu, " ")
    .trim()
    .slice(0, longestName)
    .toWellFormed();
}

/** What is spoken in a message, as far as it tells; in an audio file it may be sung. */
function voiceIn({ voice, audio, video_note: note }: Carrier): VoicePart | undefined {
  const spoken = voice ?? audio ?? note;
  if (spoken === undefined || typeof spoken.file_id !== "string" || typeof spoken.file_unique_id !== "string")
    return undefined;
  const { file_id: fileId, file_unique_id: uniqueId, duration, file_size: sizeBytes } = spoken;
  const mime = "mime_type" in spoken ? spoken.mime_type : spoken === note ? "video/mp4" : undefined;
  return {
    ...{ type: "voice", fileId, uniqueId },
    seconds: Number.isFinite(duration) ? Math.max(0, duration) : 0,
    ...(typeof mime === "string" ? { mime } : {}),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
  };
}

/** The largest size that is not too large, of those that Telegram offers; the smallest when all are. */
function photoIn(sizes: readonly PhotoSize[] | undefined): PicturePart | undefined {
  const sound = (Array.isArray(sizes) ? sizes : []).filter(isSound).sort((a, b) => sideOf(a) - sideOf(b));
  const size = sound.findLast((one) => sideOf(one) <= longestSide) ?? sound[0];
  if (size === undefined) return undefined;
  const { file_id: fileId, file_unique_id: uniqueId, width, height, file_size: sizeBytes } = size;
  return { type: "picture", fileId, uniqueId, width, height, ...(sizeBytes === undefined ? {} : { sizeBytes }) };
}

function sideOf({ width, height }: PhotoSize): number {
  return Math.max(width, height);
}

function isSound({ file_id: fileId, file_unique_id: uniqueId, width, height }: Partial<PhotoSize>): boolean {
  return typeof fileId === "string" && typeof uniqueId === "string" && Number(width) > 0 && Number(height) > 0;
}
