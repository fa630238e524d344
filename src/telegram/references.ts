/** What a message carries beside words and can be fetched, as references. Pure. */
import type { PhotoSize } from "grammy/types";
import type { ContentPart, PicturePart, TextPart } from "../ports/content.ts";
import type { Carrier } from "./content.ts";

/** Models see no more in a larger one, and cost up to ten times as much. Pixels. */
const longestSide = 1_280;

/** What of a message can be fetched; undefined when it holds nothing like that. */
export function referenceIn(message: Carrier): Exclude<ContentPart, TextPart> | undefined {
  return photoIn(message.photo);
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
