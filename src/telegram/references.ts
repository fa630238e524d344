/** What a message carries beside words and can be fetched, as references. Pure. */
import type { PhotoSize } from "grammy/types";
import type { ContentPart, Depicted, FilePart, PicturePart, TextPart, VoicePart } from "../ports/content.ts";
import { pageId } from "../ports/files.ts";
import { type Carrier, oneLine } from "./content.ts";

/** Models see no more in a larger one, and cost up to ten times as much. Pixels. */
const longestSide = 1_280;

/** What of a message can be fetched; undefined when it holds nothing like that. */
export function referenceIn(message: Carrier): Exclude<ContentPart, TextPart> | undefined {
  return (
    photoIn(message.photo) ??
    voiceIn(message) ??
    stickerIn(message.sticker) ??
    coverIn(message) ??
    recordingIn(message.document) ??
    documentIn(message)
  );
}

/** Sent as a file, and none of what is played. */
const otherKinds = /^(?:video|audio)\//;

/** A document, by whatever it calls itself; what it is, its content will tell. */
function documentIn({ document, animation }: Carrier): FilePart | undefined {
  if (document === undefined || animation !== undefined) return undefined;
  const { file_id: fileId, file_unique_id: uniqueId, file_name: name, mime_type: mime, file_size: size } = document;
  if (typeof fileId !== "string" || typeof uniqueId !== "string") return undefined;
  if (typeof mime === "string" && otherKinds.test(mime)) return undefined;
  const called = nameOfFile(name);
  return {
    ...{ type: "file", fileId, uniqueId },
    ...(called === "" ? {} : { name: called }),
    ...(typeof mime === "string" ? { mime } : {}),
    ...sizeIn(size),
    ...previewOf(document.thumbnail),
  };
}

/** As far as it is one: room in memory is counted by it. */
function sizeIn(size: unknown): { readonly sizeBytes?: number } {
  return Number.isSafeInteger(size) && Number(size) >= 0 ? { sizeBytes: Number(size) } : {};
}

function previewOf(thumbnail: PhotoSize | undefined): Pick<FilePart, "preview"> {
  if (thumbnail === undefined || !isSound(thumbnail)) return {};
  const { type: _type, ...preview } = pictureOf(thumbnail);
  return { preview };
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
  const { file_id: fileId, file_unique_id: uniqueId, duration, file_size: size } = spoken;
  const mime = "mime_type" in spoken ? spoken.mime_type : spoken === note ? "video/mp4" : undefined;
  return {
    ...{ type: "voice", fileId, uniqueId },
    seconds: Number.isFinite(duration) ? Math.max(0, duration) : 0,
    ...(typeof mime === "string" ? { mime } : {}),
    ...sizeIn(size),
  };
}

/** Music and recordings at usual rates, and sound that is not packed. Bytes a second. */
const usualRate = 16_000;
const rawRate = 150_000;
const rawKinds = /^audio\/(?:x-|vnd\.)?(?:wave?|aiff|flac)$/;

/** What a file is called whose sender does not say what it is. */
const unsaid = /^application\/(?:octet-stream|ogg)$/;
const soundName = /\.(?:ogg|oga|opus|mp3|m4a|m4b|aac|wav|flac|amr|weba|aiff?|caf|wma)$/i;
const longestSoundName = 1_000;

function isRecording({ mime_type: mime, file_name: name }: NonNullable<Carrier["document"]>): boolean {
  if (typeof mime === "string" && !unsaid.test(mime)) return mime.startsWith("audio/");
  return mime === "application/ogg" || (typeof name === "string" && soundName.test(name.slice(-longestSoundName)));
}

/** Sound that was sent as a file. How long it lasts nobody tells: its size does, roughly. */
function recordingIn(document: Carrier["document"]): VoicePart | undefined {
  if (document === undefined || !isRecording(document)) return undefined;
  const { file_id: fileId, file_unique_id: uniqueId, mime_type: mime } = document;
  if (typeof fileId !== "string" || typeof uniqueId !== "string") return undefined;
  const rate = mime !== undefined && rawKinds.test(mime) ? rawRate : usualRate;
  // What is only estimated is not too long.
  const size = sizeIn(document?.file_size);
  const seconds = Math.min(longestEstimateSeconds, Math.ceil((size.sizeBytes ?? 0) / rate));
  return { type: "voice", fileId, uniqueId, seconds, ...(mime === undefined ? {} : { mime }), ...size };
}

const longestEstimateSeconds = 1_200;

/** A sticker that does not move: read like a document that is a picture. */
function stickerIn(sticker: Carrier["sticker"]): PicturePart | undefined {
  if (sticker === undefined || sticker.is_animated || sticker.is_video || !isSound(sticker)) return undefined;
  const { file_id: fileId, file_unique_id: uniqueId, width, height, file_size: size } = sticker;
  const emoji = oneLine(sticker.emoji);
  return {
    ...{ type: "picture", fileId, uniqueId: pageId(uniqueId, 1), page: 1, width, height, shows: "sticker" },
    ...(emoji === "" ? {} : { name: emoji }),
    ...sizeIn(size),
  };
}

/** What Telegram shows of a film before it is played. */
function coverIn({ animation, video, document }: Carrier): PicturePart | undefined {
  const film = document?.mime_type?.startsWith?.("video/") ? document : undefined;
  const [shows, thumbnail]: [Depicted, PhotoSize | undefined] =
    animation === undefined ? ["video", video?.thumbnail ?? film?.thumbnail] : ["animation", animation.thumbnail];
  return thumbnail === undefined || !isSound(thumbnail) ? undefined : { ...pictureOf(thumbnail), shows };
}

/** The largest size that is not too large, of those that Telegram offers; the smallest when all are. */
function photoIn(sizes: readonly PhotoSize[] | undefined): PicturePart | undefined {
  const sound = (Array.isArray(sizes) ? sizes : []).filter(isSound).sort((a, b) => sideOf(a) - sideOf(b));
  const size = sound.findLast((one) => sideOf(one) <= longestSide) ?? sound[0];
  return size && pictureOf(size);
}

function pictureOf(size: PhotoSize): PicturePart {
  const { file_id: fileId, file_unique_id: uniqueId, width, height, file_size: bytes } = size;
  return { type: "picture", fileId, uniqueId, width, height, ...sizeIn(bytes) };
}

function sideOf({ width, height }: PhotoSize): number {
  return Math.max(width, height);
}

function isSound({ file_id: fileId, file_unique_id: uniqueId, width, height }: Partial<PhotoSize>): boolean {
  return typeof fileId === "string" && typeof uniqueId === "string" && Number(width) > 0 && Number(height) > 0;
}
