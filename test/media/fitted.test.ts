/** Pictures of tools, through the child that makes them small. */
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { createByteCache } from "../../src/media/byte-cache.ts";
import { createMediaReader } from "../../src/media/reader.ts";
import { createReadingScene } from "../support/file-reading.ts";
import { pngOf } from "../support/files.ts";

const scene = createReadingScene();
const reader = createMediaReader({
  source: { fetch: () => Promise.reject(new Error("nothing is to be fetched")) },
  documents: { read: () => Promise.reject(new Error("there is no document")) },
  reader: { read: ({ bytes }, signal) => scene.read(bytes, {}, signal) },
  cache: createByteCache(0),
});
const { signal } = new AbortController();
afterAll(() => scene.stop());

describe("a picture of a tool", () => {
  it("is a small JPEG, whatever it was", async () => {
    const large = await sharp({ create: { width: 4_000, height: 1_000, channels: 4, background: "#00f8" } })
      .png()
      .toBuffer();
    const { mime, data, width, height } = await reader.fitted(large, signal);
    expect([mime, width, height]).toEqual(["image/jpeg", 1_280, 320]);
    expect(await sharp(data).metadata()).toMatchObject({ format: "jpeg", width: 1_280, height: 320 });
  });

  it.each([
    ["a bomb", pngOf(20_000, 20_000), "too-many-pixels"],
    ["broken", Buffer.from("\x89PNG\r\n\x1a\nIHDR", "latin1"), "damaged"],
    ["a text", Buffer.from("a text"), "no picture"],
    ["nothing", Buffer.alloc(0), "empty"],
  ])("is refused when it is %s", async (_, bytes, reason) => {
    await expect(reader.fitted(bytes, signal)).rejects.toMatchObject({
      kind: "unreadable",
      message: expect.stringContaining(reason),
    });
  });
});
