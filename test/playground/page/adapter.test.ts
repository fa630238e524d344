import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BotApi, createBotApi } from "../../../src/playground/bot-api/bot-api.ts";
import { createPageSource } from "../../../src/playground/page/adapter.ts";
import type { PageSource, PageUpload } from "../../../src/playground/page/source.ts";
import { greyJpeg } from "../../../src/playground/pictures.ts";

describe("what a person sends from the page", () => {
  let botApi: BotApi;
  let source: PageSource;
  let chatId: number;
  beforeEach(async () => {
    botApi = await createBotApi({ token: "42:token" });
    source = createPageSource(botApi);
    ({ chatId } = source.createPrivateChat("Ada"));
  });
  afterEach(() => botApi.stop());

  const of = (kind: PageUpload["kind"], name: string, more: Partial<PageUpload> = {}): PageUpload => {
    const mimeType = kind === "photo" ? "image/jpeg" : "text/plain";
    return { kind, name, mimeType, bytes: greyJpeg({ width: 800, height: 400 }, name), smaller: [], ...more };
  };
  /** What stands in the chat: of each message what it is, its words and its album. */
  function standing(): string[] {
    const albums: unknown[] = [];
    return botApi.chat(chatId).messages.map(({ message, text, replyTo }) => {
      const { photo, voice, audio, document, media_group_id: album } = message;
      const kind = photo ? "photo" : voice ? "voice" : audio ? "audio" : document ? "file" : "text";
      if (album !== undefined && !albums.includes(album)) albums.push(album);
      const together = album === undefined ? [] : [`album ${albums.indexOf(album) + 1}`];
      return [kind, ...together, ...(text === "" ? [] : [text]), ...(replyTo ? [`to ${replyTo}`] : [])].join(", ");
    });
  }
  const send = (files: readonly PageUpload[], more: { caption?: string; replyTo?: number } = {}) =>
    source.sendFiles({ chatId, senderId: chatId, files, ...more });

  it("is one message for one file, with its caption and what it replies to", () => {
    source.sendText({ chatId, senderId: chatId, text: "first" });
    send([of("photo", "a.jpg")], { caption: "look", replyTo: 1 });
    send([of("voice", "voice.ogg", { seconds: 4 })]);
    expect(standing()).toEqual(["text, first", "photo, look, to 1", "voice"]);
    expect(botApi.chat(chatId).messages.at(-1)?.message.voice?.duration).toBe(4);
  });

  it("is an album of files of one kind, ten at most", () => {
    send([of("document", "a"), of("document", "b")], { caption: "read" });
    expect(standing()).toEqual(["file, album 1, read", "file, album 1"]);
    send(Array.from({ length: 12 }, (_, index) => of("photo", `${index}`)));
    expect(standing().slice(2)).toEqual([...Array(10).fill("photo, album 2"), ...Array(2).fill("photo, album 3")]);
  });

  it("is words first, then an album of each kind, when the files are of several", () => {
    const files = [of("document", "a"), of("voice", "v"), of("photo", "p"), of("document", "b"), of("audio", "m")];
    send(files, { caption: "What is in these?" });
    const [words, photo, ...rest] = standing();
    expect([words, photo]).toEqual(["text, What is in these?", "photo"]);
    expect(rest).toEqual(["file, album 1", "file, album 1", "audio", "voice"]);
  });

  it("is a video with its cover and size, a round one by itself", () => {
    const cover = greyJpeg({ width: 320, height: 160 });
    const size = { width: 640, height: 320 };
    const video = of("video", "a.webm", { seconds: 2, size, cover });
    send([of("photo", "p"), video, of("video_note", "n.mp4", { seconds: 5 })]);
    const [photo, seen, note] = botApi.chat(chatId).messages.map(({ message }) => message);
    expect(seen?.media_group_id).toBe(photo?.media_group_id);
    expect(seen?.video).toMatchObject({ ...size, duration: 2, thumbnail: { width: 320, height: 160 } });
    expect(note?.video_note).toMatchObject({ duration: 5 });
    expect(note).not.toHaveProperty("media_group_id");
  });

  it("is what they share, as a reply too", () => {
    const to = { chatId, senderId: chatId };
    source.sendText({ ...to, text: "first" });
    source.share({ ...to, shared: { kind: "dice", emoji: "🎲" }, replyTo: 1 });
    source.share({ ...to, shared: { kind: "sticker" } });
    const [, dice, sticker] = botApi.chat(chatId).messages;
    expect(dice).toMatchObject({ replyTo: 1, message: { dice: { emoji: "🎲" } } });
    expect(sticker?.message.sticker?.is_animated).toBe(true);
  });

  it("tells the true sizes of a photo, each with the bytes that have it", () => {
    const form = (width: number) => greyJpeg({ width, height: width / 2 });
    send([of("photo", "a.jpg", { bytes: form(1280), smaller: [form(320), form(800)] })]);
    const sizes = botApi.chat(chatId).messages[0]?.message.photo ?? [];
    expect(sizes.map(({ width, height }) => [width, height])).toEqual([
      [320, 160],
      [800, 400],
      [1280, 640],
    ]);
    for (const { file_id, width } of sizes) {
      expect(Buffer.from(source.readFile(file_id) ?? [])).toEqual(Buffer.from(form(width)));
    }
  });
});
