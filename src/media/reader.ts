/** Makes what a model is sent of what people have sent. */
import { pictureMimeOf } from "../base/picture-formats.ts";
import type { ImagePart, PicturePart } from "../ports/content.ts";
import { type Documents, type FileReader, fileIdOf } from "../ports/files.ts";
import { MediaError, type MediaReader, type MediaSource } from "../ports/media.ts";
import type { ByteCache } from "./byte-cache.ts";

export interface MediaReaderDeps {
  readonly source: Pick<MediaSource, "fetch">;
  /** Reads documents again whose pages are wanted and not in the cache any more. */
  readonly documents: Documents;
  readonly reader: Pick<FileReader, "read">;
  /** Of pictures, those of documents included: those of a conversation are sent again with each of the next questions. */
  readonly cache: ByteCache;
}

/** In base64, what the strictest of providers takes. */
const mostPictureBytes = 3 * 2 ** 20;

/** Creates the reader of a process. */
export function createMediaReader({ source, documents, reader, cache }: MediaReaderDeps): MediaReader {
  /** All pages of a document are wanted at once, and come together; for whoever else wants them, whoever leaves. */
  const reading = new WeakMap<AbortSignal, Map<string, Promise<unknown>>>();

  async function fetched(part: PicturePart, signal: AbortSignal): Promise<Uint8Array> {
    const { page, uniqueId, ...reference } = part;
    if (page === undefined) return await source.fetch(part, mostPictureBytes, signal);
    const file = fileIdOf(uniqueId);
    const read = () => documents.read({ ...reference, type: "file", uniqueId: file }, undefined, signal);
    const own = reading.get(signal) ?? new Map<string, Promise<unknown>>();
    reading.set(signal, own);
    const going = own.get(file) ?? read().finally(() => own.delete(file));
    own.set(file, going);
    await going.catch(() => {
      throw new MediaError("unreachable", "the document is not wanted any more");
    });
    const data = cache.get(uniqueId);
    if (data === undefined) throw new MediaError("unreadable", "the document has no such page");
    return data;
  }
  return {
    async picture(part, signal) {
      const { uniqueId, width, height } = part;
      const known = cache.get(uniqueId);
      const data = known ?? (await fetched(part, signal));
      const mime = formatOf(data);
      if (mime === undefined) throw new MediaError("unreadable", "the file is no picture of a known format");
      if (known === undefined) cache.add(uniqueId, data);
      return { type: "image", mime, data, width, height };
    },
    async fitted(bytes, signal) {
      const reading = await reader.read({ bytes }, signal);
      const [picture] = reading.kind === "pictures" && reading.format === "picture" ? reading.pictures : [];
      if (picture === undefined) {
        const reason = reading.kind === "refused" ? reading.reason : "no picture";
        const kind = reason === "unavailable" ? "unreachable" : "unreadable";
        throw new MediaError(kind, `the picture cannot be read (${reason})`);
      }
      const { jpeg: data, width, height } = picture;
      return { type: "image", mime: "image/jpeg", data, width, height };
    },
  };
}

/** By its content, whatever anybody calls it. */
function formatOf(data: Uint8Array): ImagePart["mime"] | undefined {
  const isGif = /^GIF8[79]a/.test(Buffer.from(data.subarray(0, 6)).toString("latin1"));
  return isGif ? "image/gif" : pictureMimeOf(data);
}
