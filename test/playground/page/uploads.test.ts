import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createPlaygroundPage, type PlaygroundPage } from "../../../src/playground/page/server.ts";
import { greyJpeg } from "../../../src/playground/pictures.ts";
import { createChatsInMemory } from "../../support/chats-in-memory.ts";

const jpeg = (width: number) => Buffer.from(greyJpeg({ width, height: 40 }));
const told = { chatId: 100, senderId: 100 };
const text = { kind: "document", name: "a.txt", mimeType: "text/plain" };

describe("files that come from the page", () => {
  let world: ReturnType<typeof createChatsInMemory>;
  let page: PlaygroundPage;

  beforeEach(async () => {
    world = createChatsInMemory();
    page = await createPlaygroundPage({
      source: world.source,
      log: { warn: () => {} },
      models: { note: "Scripted demo model." },
    });
  });
  afterEach(() => page.stop());

  async function upload(
    message: unknown,
    files: Readonly<Record<string, readonly Uint8Array[]>> = {},
    headers: Record<string, string> = {},
  ): Promise<{ status: number; error?: string }> {
    const form = new FormData();
    form.append("message", typeof message === "string" ? message : JSON.stringify(message));
    for (const [field, list] of Object.entries(files)) {
      for (const bytes of list) form.append(field, new Blob([Uint8Array.from(bytes)]), field);
    }
    const origin = page.url.slice(0, -1);
    const request = { method: "POST", headers: { origin, ...headers }, body: form };
    const response = await fetch(`${page.url}api/uploads`, request);
    return { status: response.status, ...((await response.json()) as { error?: string }) };
  }

  it("go out with their caption, photos in all of their sizes", async () => {
    const files = [{ kind: "photo", name: "cat.png", mimeType: "image/jpeg" }, text];
    const message = { ...told, threadId: 7, replyTo: 3, caption: "look" };
    const bytes = { "file-0": [jpeg(800)], "smaller-0": [jpeg(90), jpeg(320)], "file-1": [Buffer.from("words")] };
    expect(await upload({ ...message, files }, bytes)).toEqual({ status: 200 });
    expect(world.done).toEqual([
      {
        files: {
          ...message,
          files: [
            {
              ...files[0],
              bytes: new Uint8Array(jpeg(800)),
              smaller: [jpeg(90), jpeg(320)].map((b) => new Uint8Array(b)),
            },
            { ...text, bytes: new Uint8Array(Buffer.from("words")), smaller: [] },
          ],
        },
      },
    ]);
  });

  it("are videos with their size and cover", async () => {
    const video = {
      kind: "video",
      name: "a.webm",
      mimeType: "video/webm",
      seconds: 3,
      size: { width: 64, height: 40 },
    };
    expect(
      await upload({ ...told, files: [video] }, { "file-0": [Buffer.from("film")], "cover-0": [jpeg(32)] }),
    ).toEqual({
      status: 200,
    });
    expect(world.done).toMatchObject([{ files: { files: [{ ...video, cover: new Uint8Array(jpeg(32)) }] } }]);
    const flat = { ...video, size: { width: 0, height: 40 } };
    expect((await upload({ ...told, files: [flat] }, { "file-0": [Buffer.from("film")] })).status).toBe(400);
  });

  it("are refused with a sentence, and nothing of their message goes out", async () => {
    const one = { ...told, files: [text] };
    const words = [Buffer.from("words")];
    const rows: readonly (readonly [unknown, Readonly<Record<string, readonly Uint8Array[]>>, RegExp])[] = [
      [one, {}, /“a\.txt” did not come/],
      [one, { "file-0": [new Uint8Array()] }, /“a\.txt” is empty/],
      [one, { "file-0": [Buffer.alloc(20 * 2 ** 20 + 1)] }, /“a\.txt” is too large: .*20 MB/],
      [{ ...told, files: [{ ...text, kind: "photo" }] }, { "file-0": words }, /is no photo: send it as a file/],
      [{ ...told, files: [] }, {}, /files/],
      [{ ...one, caption: "x".repeat(1025) }, { "file-0": words }, /caption/],
      [{ ...one, senderId: 999 }, { "file-0": words }, /not in the chat/],
      ["{", {}, /expected object/],
      [{ ...told, files: Array(4).fill(text) }, filesOf(4, 17 * 2 ** 20), /64 MB/],
    ];
    for (const [message, files, says] of rows) {
      const { status, error } = await upload(message, files);
      expect([status, error]).toEqual([/64 MB/.test(says.source) ? 413 : 400, expect.stringMatching(says)]);
    }
    expect(world.done).toEqual([]);
  });

  it("are taken from the own page alone", async () => {
    const files = { "file-0": [Buffer.from("words")] };
    expect((await upload({ ...told, files: [text] }, files, { origin: "http://evil.example" })).status).toBe(403);
    const headers = { origin: page.url.slice(0, -1), "content-type": "application/json" };
    expect((await fetch(`${page.url}api/uploads`, { method: "POST", headers, body: "{}" })).status).toBe(415);
    expect(world.done).toEqual([]);
  });

  it.each([
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=7-99", 206, "789", "bytes 7-9/10"],
    ["bytes=-2", 206, "89", "bytes 8-9/10"],
    ["bytes=0-", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=10-", 200, "0123456789", null],
    ["bytes=-", 200, "0123456789", null],
    ["bytes=1-2,4-5", 200, "0123456789", null],
  ])("are given in part, as a player asks for them: %s", async (range, status, body, part) => {
    world.files.set("sent", Buffer.from("0123456789"));
    const response = await fetch(`${page.url}files/sent?name=x`, { headers: { range } });
    const is = [response.status, await response.text(), response.headers.get("content-range")];
    expect(is).toEqual([status, body, part]);
  });

  it.each([
    ["a picture", jpeg(8), "image/jpeg"],
    ["a video", Buffer.from("\0\0\0\x20ftypisom"), "video/mp4"],
    ["music", Buffer.from("\0\0\0\x20ftypM4A "), "audio/mp4"],
    ["a voice message", Buffer.from("OggS\0\0"), "audio/ogg"],
    ["a recording", Buffer.from("1a45dfa3", "hex"), "audio/webm"],
    ["a page with a script", Buffer.from("<script>"), "application/octet-stream"],
    ["a drawing with a script", Buffer.from("<svg onload='x'>"), "application/octet-stream"],
  ])("are shown by what they are: %s", async (_, bytes, type) => {
    world.files.set("sent", bytes);
    const response = await fetch(`${page.url}files/sent?name=x`);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(response.headers.get("content-disposition")).toMatch(/^attachment/);
  });
});

function filesOf(count: number, length: number): Record<string, readonly Uint8Array[]> {
  const entries = Array.from({ length: count }, (_, index) => [`file-${index}`, [Buffer.alloc(length)]] as const);
  return Object.fromEntries(entries);
}
