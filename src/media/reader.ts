/** Makes what a model is sent of what people have sent. */
import type { ImagePart } from "../ports/content.ts";
import { MediaError, type MediaReader, type MediaSource } from "../ports/media.ts";
import { createByteCache } from "./byte-cache.ts";

export interface MediaReaderDeps {
  readonly source: MediaSource;
  /** Of pictures, in memory: those of a conversation are sent again with each of the next questions. */
  readonly cacheBytes?: number;
}

/** In base64, what the strictest of providers takes. */
const mostPictureBytes = 3 * 2 ** 20;
const usualCacheBytes = 64 * 2 ** 20;

/** Creates the reader of a process. */
export function createMediaReader({ source, cacheBytes = usualCacheBytes }: MediaReaderDeps): MediaReader {
  const cache = createByteCache(cacheBytes);
  return {
    async picture(part, signal) {
      const { uniqueId, width, height } = part;
      const known = cache.get(uniqueId);
      const data = known ?? (await source.fetch(part, mostPictureBytes, signal));
      const mime = formatOf(data);
      if (mime === undefined) throw new MediaError("unreadable", "the file is no picture of a known format");
      if (known === undefined) cache.add(uniqueId, data);
      return { type: "image", mime, data, width, height };
    },
  };
}

/** How each begins: `RIFF` is followed by a length, which may be any. */
const formats: readonly (readonly [ImagePart["mime"], beginning: string, later?: string])[] = [
  ["image/jpeg", "\xff\xd8\xff"],
  ["image/png", "\x89PNG\r\n\x1a\n"],
  ["image/gif", "GIF87a"],
  ["image/gif", "GIF89a"],
  ["image/webp", "RIFF", "WEBP"],
];
const behindLength = 8;

/** By its content, whatever anybody calls it. */
function formatOf(data: Uint8Array): ImagePart["mime"] | undefined {
  const start = String.fromCharCode(...data.subarray(0, 12));
  const found = formats.find(
    ([, beginning, later = ""]) => start.startsWith(beginning) && start.startsWith(later, behindLength),
  );
  return found?.[0];
}
