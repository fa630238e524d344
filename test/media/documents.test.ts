/** Documents on their way from Telegram into the child. */
import { describe, expect, it } from "vitest";
import { createByteCache } from "../../src/media/byte-cache.ts";
import { createDocuments } from "../../src/media/documents.ts";
import { createMediaReader } from "../../src/media/reader.ts";
import type { PicturePart } from "../../src/ports/content.ts";
import { pageId } from "../../src/ports/files.ts";
import { MediaError } from "../../src/ports/media.ts";

const file = { type: "file", fileId: "f", uniqueId: "u", name: "notes.txt" } as const;
const { signal } = new AbortController();
const quiet = { warn: () => undefined };

describe("a document", () => {
  it("is fetched within 20 MB, and read by its name and the language of its sender", async () => {
    const asked: unknown[] = [];
    const documents = createDocuments({
      source: {
        async fetch(reference, limit) {
          asked.push([reference.fileId, limit]);
          return Buffer.from("words");
        },
      },
      reader: {
        async read({ bytes, name, language }) {
          asked.push([Buffer.from(bytes).toString(), name, language]);
          return { kind: "refused", reason: "empty" };
        },
      },
      log: quiet,
      pages: { add: () => undefined },
    });
    expect(await documents.read(file, "ru", signal)).toEqual({ kind: "refused", reason: "empty" });
    expect(asked).toEqual([
      ["f", 20 * 1024 * 1024],
      ["words", "notes.txt", "ru"],
    ]);
  });

  it("that Telegram does not give is refused in the same way as one that cannot be read", async () => {
    const kinds = ["too-big", "gone", "unreachable"] as const;
    for (const kind of kinds) {
      const documents = createDocuments({
        source: { fetch: () => Promise.reject(new MediaError(kind, "no")) },
        reader: { read: () => Promise.reject(new Error("not asked")) },
        log: quiet,
        pages: { add: () => undefined },
      });
      expect(await documents.read(file, undefined, signal)).toEqual({ kind: "refused", reason: kind });
    }
  });

  it("that is nothing but pictures has its pages ready for who looks at them, and is read again when they are gone", async () => {
    const jpeg = Buffer.from("\xff\xd8\xff a page", "latin1");
    let times = 0;
    const page = (number: number) => ({ number, jpeg, width: 1_108, height: 1_568 });
    const source = {
      async fetch() {
        times++;
        return Buffer.from("a scan");
      },
    };
    const pictures = { kind: "pictures", format: "pdf", total: 7, pictures: [page(1), page(2)] } as const;
    const cache = createByteCache(1_000);
    const documents = createDocuments({ source, reader: { read: async () => pictures }, pages: cache, log: quiet });
    const looking = createMediaReader({ source, documents, reader: { read: async () => pictures }, cache });
    await documents.read(file, undefined, signal);
    const second: PicturePart = {
      ...{ type: "picture", fileId: "f", uniqueId: pageId("u", 2), page: 2, width: 1_108, height: 1_568 },
    };
    const image = { type: "image", mime: "image/jpeg", data: jpeg, width: 1_108, height: 1_568 };
    expect(await looking.picture(second, signal)).toEqual(image);
    expect(times).toBe(1);
    cache.add("other", Buffer.alloc(980));
    cache.add("another", Buffer.alloc(20));
    const first: PicturePart = { ...second, uniqueId: pageId("u", 1), page: 1 };
    const both = await Promise.all([looking.picture(first, signal), looking.picture(second, signal)]);
    expect(both).toEqual([image, image]);
    expect(times).toBe(2);
    const third = { ...second, uniqueId: pageId("u", 3), page: 3 };
    await expect(looking.picture(third, signal)).rejects.toMatchObject({ kind: "unreadable" });
  });

  it("is read for each who looks at it, whoever else does not wait for it any more", async () => {
    const cache = createByteCache(1_000);
    const page = { number: 1, jpeg: Buffer.from("\xff\xd8\xff a page", "latin1"), width: 4, height: 3 };
    const going: (() => void)[] = [];
    const documents = createDocuments({
      source: { fetch: async () => Buffer.from("a scan") },
      reader: {
        read: (_, wanting) =>
          new Promise((resolve, reject) => {
            wanting.addEventListener("abort", () => reject(new MediaError("unreachable", "nobody waits")));
            going.push(() => resolve({ kind: "pictures", format: "pdf", total: 1, pictures: [page] }));
          }),
      },
      pages: cache,
      log: quiet,
    });
    const source = { fetch: async () => Buffer.alloc(0) };
    const reader = { read: () => Promise.reject(new Error("nothing else is to be read")) };
    const looking = createMediaReader({ source, documents, reader, cache });
    const first: PicturePart = {
      ...{ type: "picture", fileId: "f", uniqueId: pageId("u", 1), page: 1, width: 4, height: 3 },
    };
    const leaving = new AbortController();
    const left = looking.picture(first, leaving.signal);
    const other = looking.picture(first, signal);
    await expect.poll(() => going.length).toBe(2);
    leaving.abort();
    await expect(left).rejects.toBeInstanceOf(MediaError);
    for (const end of going) end();
    expect(await other).toMatchObject({ data: page.jpeg });
  });

  it("that is large waits at Telegram until another large one was read; small ones go beside it", async () => {
    const fetched: { readonly id: string; resolve(bytes: Uint8Array): void }[] = [];
    const documents = createDocuments({
      source: {
        fetch({ fileId: id }) {
          const { promise, resolve } = Promise.withResolvers<Uint8Array>();
          fetched.push({ id, resolve });
          return promise;
        },
      },
      reader: { read: async () => ({ kind: "refused", reason: "unknown" }) },
      log: quiet,
      pages: { add: () => undefined },
    });
    const megabytes = 2 ** 20;
    const sizes = { large: 20 * megabytes, small: megabytes, other: 15 * megabytes };
    const all = Object.entries(sizes).map(([fileId, sizeBytes]) =>
      documents.read({ ...file, fileId, sizeBytes }, undefined, signal),
    );
    await Promise.resolve();
    expect(fetched.map(({ id }) => id)).toEqual(["large", "small"]);
    fetched[0]?.resolve(Buffer.from("words"));
    await all[0];
    await expect.poll(() => fetched.map(({ id }) => id)).toEqual(["large", "small", "other"]);
    for (const { resolve } of fetched.slice(1)) resolve(Buffer.from("words"));
    await Promise.all(all);
  });

  it("waits at Telegram while others are in memory; who does not wait any more lets the next ones go on", async () => {
    const fetched = [Promise.withResolvers<Uint8Array>()].slice(1);
    const documents = createDocuments({
      source: {
        fetch() {
          const download = Promise.withResolvers<Uint8Array>();
          fetched.push(download);
          return download.promise;
        },
      },
      reader: { read: async () => ({ kind: "refused", reason: "empty" }) },
      log: quiet,
      pages: { add: () => undefined },
    });
    const leaving = new AbortController();
    const first = [1, 2, 3].map(() => documents.read(file, undefined, signal));
    const left = documents.read(file, undefined, leaving.signal);
    const last = documents.read(file, undefined, signal);
    await Promise.resolve();
    expect(fetched).toHaveLength(3);
    leaving.abort();
    await expect(left).rejects.toBeInstanceOf(MediaError);
    expect(fetched).toHaveLength(3);
    fetched[0]?.resolve(Buffer.from("a"));
    await first[0];
    await expect.poll(() => fetched.length).toBe(4);
    for (const download of fetched) download.resolve(Buffer.from("a"));
    await Promise.all([...first, last]);
  });

  it("that is small does not wait for large ones that came just before it", async () => {
    const order: (string | undefined)[] = [];
    const held = Promise.withResolvers<void>();
    const documents = createDocuments({
      source: {
        async fetch({ fileId }) {
          order.push(fileId);
          await held.promise;
          return Buffer.from("a");
        },
      },
      reader: { read: async () => ({ kind: "refused", reason: "empty" }) },
      pages: { add: () => undefined },
      log: quiet,
    });
    const sent = [
      ["first", 1],
      ["second", 1],
      ["third", 1],
      ["of unknown size", undefined],
      ["large", 2_000_000],
      ["small", 5_000],
      ["small, too", 5_000],
    ] as const;
    const read = sent.map(([fileId, sizeBytes]) => documents.read({ ...file, fileId, sizeBytes }, undefined, signal));
    held.resolve();
    await Promise.all(read);
    expect(order).toEqual(["first", "second", "third", "small", "small, too", "of unknown size", "large"]);
  });
});
