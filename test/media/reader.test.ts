import { describe, expect, it } from "vitest";
import { createByteCache } from "../../src/media/byte-cache.ts";
import { createMediaReader } from "../../src/media/reader.ts";
import type { MediaReference } from "../../src/ports/content.ts";

const jpeg = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 1, 2, 3, 4]);
const wanting = () => new AbortController().signal;
const pictureOf = (uniqueId: string) =>
  ({ type: "picture", fileId: `id-${uniqueId}`, uniqueId, width: 4, height: 3 }) as const;

/** Of bytes that are read as they are. */
const noReader = { read: () => Promise.reject(new Error("nothing is to be read")) };

/** A reader over files that are all the same, and what it has fetched. */
function readerOf(data: Uint8Array, cacheBytes = 1_000) {
  const documents = { read: () => Promise.reject(new Error("there is no document")) };
  const fetched: string[] = [];
  const source = {
    async fetch({ fileId }: MediaReference, _limit: number) {
      fetched.push(fileId);
      return data;
    },
  };
  return {
    reader: createMediaReader({ source, documents, reader: noReader, cache: createByteCache(cacheBytes) }),
    fetched,
  };
}

describe("a picture", () => {
  it.each([
    ["image/jpeg", jpeg],
    ["image/png", Buffer.from("\x89PNG\r\n\x1a\nIHDR", "latin1")],
    ["image/gif", Buffer.from("GIF89a1234567", "latin1")],
    ["image/webp", Buffer.from("RIFF\n\0\0\0WEBPVP8 ", "latin1")],
  ])("is known as %s by its content, and goes to the model as it came", async (mime, data) => {
    const image = await readerOf(data).reader.picture(pictureOf("a"), wanting());
    expect(image).toEqual({ type: "image", mime, data, width: 4, height: 3 });
  });

  it.each(["", "<svg>", "BM bitmap", "RIFF1234WAVE", "%PDF-1.7"])("is none when it begins with %j", async (words) => {
    const { reader, fetched } = readerOf(Buffer.from(words));
    for (const _ of [1, 2]) {
      await expect(reader.picture(pictureOf("a"), wanting())).rejects.toMatchObject({ kind: "unreadable" });
    }
    expect(fetched).toHaveLength(2);
  });

  it("is fetched once while it is wanted, and again when others have taken its place", async () => {
    const { reader, fetched } = readerOf(jpeg, 2 * jpeg.length);
    for (const name of ["a", "b", "a", "c", "a", "b"]) await reader.picture(pictureOf(name), wanting());
    expect(fetched).toEqual(["id-a", "id-b", "id-c", "id-b"]);
  });

  it("is not kept when it is larger than all that may be", async () => {
    const { reader, fetched } = readerOf(jpeg, jpeg.length - 1);
    for (const _ of [1, 2]) await reader.picture(pictureOf("a"), wanting());
    expect(fetched).toHaveLength(2);
  });
});
