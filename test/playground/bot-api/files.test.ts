import { beforeEach, describe, expect, it } from "vitest";
import { greyJpeg } from "../../../src/playground/pictures.ts";
import { createBotApiScene, token } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { post, call, chatWith, updates } = scene;
const photo = { kind: "photo" } as const;
const file = (name: string) => ({ kind: "document", name, bytes: Buffer.from(name) }) as const;

describe("files that people send", () => {
  beforeEach(() => void chatWith(0));

  async function pathOf(fileId: string | undefined): Promise<string> {
    return (await call<{ file_path: string }>("getFile", { file_id: fileId })).file_path;
  }
  const fetched = (path: string) => fetch(`${scene.api.url}/file/bot${token}/${path}`);

  it("arrive as an album one by one, with its caption below the first", async () => {
    scene.api.user.sendAlbum(ada, ada, [photo, photo, photo], { caption: "look at https://example.com" });
    scene.api.user.sendAlbum(ada, ada, [file("a.txt"), file("b.txt")]);
    const messages = (await updates()).map(({ message }) => message);
    const groups = messages.map((message) => message?.media_group_id);
    expect(new Set(groups.slice(0, 3)).size).toBe(1);
    expect(new Set(groups.slice(3)).size).toBe(1);
    expect(new Set(groups).size).toBe(2);
    expect(groups.every((group) => /^\d{17}$/.test(group ?? ""))).toBe(true);
    expect(messages).toMatchObject([
      { message_id: 1, caption: "look at https://example.com", caption_entities: [{ type: "url" }] },
      { message_id: 2, photo: expect.any(Array) },
      { message_id: 3, photo: expect.any(Array) },
      { message_id: 4, document: { file_name: "a.txt" } },
      { message_id: 5, document: { file_name: "b.txt" } },
    ]);
    expect(messages.slice(1).some((message) => message?.caption !== undefined)).toBe(false);
  });

  it("cannot be an album of one, of eleven, or of two kinds, and none has a caption without end", async () => {
    const { user } = scene.api;
    expect(() => user.sendAlbum(ada, ada, [photo])).toThrow("two to ten");
    expect(() => user.sendAlbum(ada, ada, Array(11).fill(photo))).toThrow("two to ten");
    expect(() => user.sendAlbum(ada, ada, [photo, file("a.txt")])).toThrow("one kind");
    expect(() => user.sendAlbum(ada, ada, [photo, photo], { caption: "x".repeat(1025) })).toThrow("1024 characters");
    expect(() => user.sendPhoto(ada, ada, { caption: "x".repeat(1025) })).toThrow("1024 characters");
    expect(await updates()).toEqual([]);
  });

  it("keep their caption, get another or lose it, when they are edited", async () => {
    const { user } = scene.api;
    const { message_id: id } = user.sendPhoto(ada, ada, { caption: "a **cat**" });
    expect(user.edit(ada, id, "a dog")).toMatchObject({ caption: "a dog" });
    const bare = user.edit(ada, id, "");
    expect(bare.photo).toBeDefined();
    expect(bare).not.toHaveProperty("caption");
    expect(() => user.edit(ada, id, "x".repeat(1025))).toThrow("1024 characters");
    const text = user.sendText(ada, ada, "words");
    expect(() => user.edit(ada, text.message_id, " ")).toThrow("empty");
  });

  it("are told with the type and the length that their sender says", async () => {
    const { user } = scene.api;
    const bytes = Buffer.from("OggS and so on");
    expect(user.sendVoice(ada, ada, { bytes, seconds: 7 }).voice).toMatchObject({
      duration: 7,
      mime_type: "audio/ogg",
    });
    const pdf = user.sendDocument(ada, ada, { bytes, name: "a.pdf", mimeType: "application/pdf" }).document;
    expect(pdf).toMatchObject({ file_name: "a.pdf", mime_type: "application/pdf", file_size: bytes.length });
  });

  it("have a cover where they are played, and where their sender gives one", async () => {
    const { user } = scene.api;
    const size = { width: 640, height: 360 };
    const cover = greyJpeg({ width: 320, height: 180 }, "mine");
    const { video } = user.sendVideo(ada, ada, { seconds: 3, size, cover, caption: "look" });
    expect(video).toMatchObject({ ...size, duration: 3, mime_type: "video/mp4" });
    expect(video?.thumbnail).toMatchObject({ width: 320, height: 180, file_size: cover.length });
    const path = await pathOf(video?.thumbnail?.file_id);
    expect(Buffer.from(await (await fetched(path)).bytes())).toEqual(Buffer.from(cover));
    expect(user.sendDocument(ada, ada, { cover }).document?.thumbnail).toMatchObject({ width: 320 });
    expect(user.sendDocument(ada, ada).document).not.toHaveProperty("thumbnail");
    const animation = user.sendAnimation(ada, ada);
    expect(animation.document?.thumbnail).toEqual(animation.animation?.thumbnail);
    expect(user.sendVideoNote(ada, ada).video_note?.thumbnail).toBeDefined();
    expect(() => user.sendVideo(ada, ada, { cover: Buffer.from("no picture") })).toThrow("JPEG");
    const large = greyJpeg({ width: 321, height: 180 });
    expect(() => user.sendVideo(ada, ada, { cover: large })).toThrow("320 pixels");
  });

  it("stand together when they are photos and videos", () => {
    const album = scene.api.user.sendAlbum(ada, ada, [photo, { kind: "video" }]);
    expect(album.map(({ photo: seen, video }) => [seen !== undefined, video !== undefined])).toEqual([
      [true, false],
      [false, true],
    ]);
    expect(album[1]?.media_group_id).toBe(album[0]?.media_group_id);
  });

  it("are kept as far as there is room, the newest of them", async () => {
    await scene.restart({ keptFileBytes: 2_500 });
    chatWith(0);
    const sent = [1, 2, 3].map((seed) => {
      const bytes = Buffer.alloc(1_000, seed);
      return scene.api.user.sendDocument(ada, ada, { bytes }).document?.file_id;
    });
    const path = await pathOf(sent[1]);
    expect((await post("getFile", { file_id: sent[0] })).body.description).toBe("Bad Request: invalid file_id");
    expect((await fetched(path)).status).toBe(200);
    const large = scene.api.user.sendDocument(ada, ada, { bytes: Buffer.alloc(5_000) }).document?.file_id;
    expect((await fetched(path)).status).toBe(404);
    expect((await (await fetched(await pathOf(large))).bytes()).length).toBe(5_000);
  });

  it("come slowly when they are told to, and whole", async () => {
    const bytes = Buffer.from(greyJpeg({ width: 640, height: 480 }));
    const path = await pathOf(scene.api.user.sendDocument(ada, ada, { bytes }).document?.file_id);
    scene.api.faults.fail({ method: "file", bytesPerSecond: bytes.length * 4 });
    const pieces: Uint8Array[] = [];
    for await (const piece of (await fetched(path)).body ?? []) pieces.push(piece);
    expect(pieces.length).toBeGreaterThan(1);
    expect(Buffer.concat(pieces)).toEqual(bytes);
  });

  it("are fetched before the eyes of whoever reads the log, without the token", async () => {
    const path = await pathOf(scene.api.user.sendDocument(ada, ada).document?.file_id);
    await (await fetched(path)).bytes();
    await (await fetched("documents/none/a")).text();
    scene.api.faults.fail({ method: "file", cut: "before" });
    await expect(fetched(path)).rejects.toThrow();
    await expect
      .poll(() => scene.api.calls.filter(({ method }) => method === "file"))
      .toMatchObject([
        { status: 200, params: { file_path: path } },
        { status: 404, description: "Not Found" },
        { status: 0, description: expect.stringContaining("cut") },
      ]);
    expect(JSON.stringify(scene.api.calls)).not.toContain(token);
  });
});

describe("a voice message of the bot", () => {
  it("is sent with its length, and can be fetched", async () => {
    chatWith(0);
    const form = new FormData();
    form.append("chat_id", String(ada));
    form.append("duration", "3");
    form.append("caption", "spoken");
    form.append("voice", new Blob(["OggS and so on"]), "voice.ogg");
    const response = await fetch(`${scene.api.url}/bot${token}/sendVoice`, { method: "POST", body: form });
    expect(await response.json()).toMatchObject({
      result: { voice: { duration: 3, mime_type: "audio/ogg", file_size: 14 }, caption: "spoken" },
    });
    expect(scene.api.chat(ada).messages[0]?.document?.name).toBe("voice.ogg");
  });
});
