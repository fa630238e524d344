import type { Message } from "grammy/types";
import { beforeEach, describe, expect, it } from "vitest";
import type { BotApiEvent } from "../../../src/playground/bot-api/bot-api.ts";
import { greyJpeg, sizeOfPicture } from "../../../src/playground/pictures.ts";
import { bold, createBotApiScene, patience, token } from "../../support/bot-api-scene.ts";
import { ada, answer, forum, group, seed } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { restart, post, call, updates, chatWith } = scene;

describe("people", () => {
  it("send texts with what their client finds in them, long ones in several messages", async () => {
    const chatId = chatWith(0);
    scene.api.user.sendText(chatId, ada, " /start now ");
    scene.api.user.sendText(chatId, ada, "word ".repeat(2000));
    const list = await updates();
    expect(list[0]).toEqual({
      update_id: 1,
      message: {
        message_id: 1,
        from: { id: ada, is_bot: false, first_name: "Ada", username: "ada", language_code: "en" },
        chat: { id: ada, type: "private", first_name: "Ada", username: "ada" },
        date: expect.any(Number),
        text: "/start now",
        entities: [{ type: "bot_command", offset: 0, length: 6 }],
      },
    });
    expect(list).toHaveLength(4);
    expect(list.slice(1).every(({ message }) => message!.text!.length <= 4096)).toBe(true);
    expect(
      list
        .slice(1)
        .map(({ message }) => message!.text)
        .join(" "),
    ).toBe("word ".repeat(2000).trim());
  });

  it("edit, reply, send files, block and unblock", async () => {
    const chatId = chatWith(1);
    scene.api.user.edit(chatId, 1, "better");
    scene.api.user.sendText(chatId, ada, "and this?", { replyTo: 1 });
    scene.api.user.sendPhoto(chatId, ada, { caption: "look" });
    scene.api.user.sendVoice(chatId, ada);
    scene.api.user.sendSticker(chatId, ada);
    scene.api.user.sendDocument(chatId, ada, { name: "a.txt", bytes: Buffer.from("abc") });
    scene.api.user.block(chatId);
    const blockedCall = await post("sendMessage", { chat_id: chatId, text: "a" });
    expect(blockedCall).toMatchObject({ status: 403, body: { description: "Forbidden: bot was blocked by the user" } });
    scene.api.user.unblock(chatId);
    await call("sendMessage", { chat_id: chatId, text: "welcome back" });
    expect(await updates({ offset: 2 })).toMatchObject([
      { edited_message: { message_id: 1, text: "better", edit_date: expect.any(Number) } },
      { message: { text: "and this?", reply_to_message: { message_id: 1, text: "better", from: { id: ada } } } },
      { message: { photo: [90, 320, 800, 1280].map((width) => ({ width })), caption: "look" } },
      { message: { voice: { duration: 1 } } },
      { message: { sticker: { emoji: "🙂" } } },
      { message: { document: { file_name: "a.txt", file_size: 3 } } },
      { my_chat_member: { old_chat_member: { status: "member" }, new_chat_member: { status: "kicked" } } },
      { my_chat_member: { old_chat_member: { status: "kicked" }, new_chat_member: { status: "member" } } },
    ]);
  });

  it("send photos, which Telegram offers in sizes of their own ids, and put others in their place", async () => {
    const chatId = chatWith(0);
    const sizesOf = ({ photo = [] }: Message) => photo.map(({ width, height }) => `${width}x${height}`);
    const large = scene.api.user.sendPhoto(chatId, ada, { size: { width: 3000, height: 4000 }, caption: "look" });
    expect(sizesOf(large)).toEqual(["68x90", "240x320", "600x800", "960x1280", "1920x2560"]);
    expect(new Set(large.photo?.map(({ file_id: id }) => id)).size).toBe(5);
    for (const { file_id, file_size, width, height } of large.photo ?? []) {
      const { file_path } = (await call("getFile", { file_id })) as { readonly file_path: string };
      const bytes = await (await fetch(`${scene.api.url}/file/bot${token}/${file_path}`)).bytes();
      expect([bytes.length, sizeOfPicture(bytes)]).toEqual([file_size, { format: "JPEG", width, height }]);
    }
    expect(sizesOf(scene.api.user.sendPhoto(chatId, ada, { size: { width: 50, height: 20 } }))).toEqual(["50x20"]);
    const own = { bytes: greyJpeg({ width: 400, height: 300 }), smaller: [greyJpeg({ width: 80, height: 60 })] };
    expect(sizesOf(scene.api.user.sendPhoto(chatId, ada, own))).toEqual(["80x60", "400x300"]);
    scene.api.user.replacePhoto(chatId, large.message_id, { size: { width: 60, height: 40 } });
    const edited = (await updates({})).at(-1)?.edited_message as Message;
    expect([edited.caption, sizesOf(edited)]).toEqual(["look", ["60x40"]]);
    expect(() => scene.api.user.replacePhoto(chatId, 99)).toThrow("no message");
  });

  it("write in topics, where what answers nothing answers the topic's first message", async () => {
    await seed(scene.api, call);
    const { threadId, message } = scene.api.user.createTopic(forum, "Cats", ada);
    expect(message).toMatchObject({ forum_topic_created: { name: "Cats" }, is_topic_message: true });
    const asked = scene.api.user.sendText(forum, ada, "why cats?", { threadId });
    expect(asked).toMatchObject({
      message_thread_id: threadId,
      is_topic_message: true,
      reply_to_message: { message_id: threadId, forum_topic_created: { name: "Cats" } },
    });
    const reply_parameters = { message_id: asked.message_id };
    const params = { chat_id: forum, message_thread_id: threadId, text: "because" };
    expect(await call("sendMessage", { ...params, reply_parameters })).toMatchObject({
      message_thread_id: threadId,
      is_topic_message: true,
      reply_to_message: { message_id: asked.message_id, text: "why cats?" },
    });
    const views = scene.api.chat(forum).messages.map(({ replyTo, threadId: thread }) => [replyTo, thread]);
    expect(views).toEqual([
      [undefined, threadId],
      [undefined, threadId],
      [asked.message_id, threadId],
    ]);
    expect(scene.api.user.createTopic(forum, "Bots", "bot").message.from).toMatchObject({ is_bot: true });
  });

  it("reply in a plain group, where a reply has a thread and is in no topic", async () => {
    await seed(scene.api, call);
    const asked = scene.api.user.sendText(group, ada, "@parley_bot hello");
    expect(asked.entities).toEqual([{ type: "mention", offset: 0, length: 11 }]);
    const replied = scene.api.user.sendText(group, ada, "again", { replyTo: asked.message_id });
    expect(replied.message_thread_id).toBe(asked.message_id);
    expect(replied).not.toHaveProperty("is_topic_message");
    const sent = await call<Message>("sendMessage", { chat_id: group, text: "a", message_thread_id: asked.message_id });
    expect(sent).not.toHaveProperty("message_thread_id");
  });

  it("cannot do what nobody can", () => {
    const chatId = chatWith(0);
    expect(() => scene.api.user.sendText(chatId, 5, "a")).toThrow(/not in chat/);
    expect(() => scene.api.user.sendText(5, 5, "a")).toThrow(/no chat 5/);
    expect(() => scene.api.user.sendText(chatId, ada, "  ")).toThrow(/empty/);
    expect(() => scene.api.user.createTopic(chatId, "a", ada)).toThrow(/no topics/);
    expect(() => scene.api.chat(5)).toThrow(/no chat 5/);
  });
});

describe("a button", () => {
  beforeEach(async () => {
    chatWith(1);
    const reply_markup = { inline_keyboard: [[{ text: "■ Stop", callback_data: "stop:1" }]] };
    await call("sendMessage", { chat_id: ada, text: "writing", reply_markup });
  });

  it.each(["■ Stop", "stop:1", "Stop"])(
    "is found by label or data, and its press is answered once: %s",
    async (name) => {
      const pressed = scene.api.user.press(ada, answer, name, ada);
      const [update] = (await updates()).slice(-1);
      expect(update!.callback_query).toMatchObject({
        from: { id: ada },
        data: "stop:1",
        message: { message_id: answer, text: "writing" },
      });
      const params = { callback_query_id: update!.callback_query!.id, text: "Stopped.", show_alert: true };
      await call("answerCallbackQuery", params);
      expect(await pressed).toEqual({ text: "Stopped.", showAlert: true });
      expect((await post("answerCallbackQuery", params)).body.description).toMatch(/query is too old/);
    },
  );

  it("is given up when the bot says nothing", async () => {
    expect(await scene.api.user.press(ada, answer, "Stop", ada, 20)).toBeUndefined();
  });

  it("cannot be answered for ever", async () => {
    await restart({ pressMs: 20 });
    chatWith(0);
    const reply_markup = { inline_keyboard: [[{ text: "A", callback_data: "a" }]] };
    await call("sendMessage", { chat_id: ada, text: "a", reply_markup });
    expect(await scene.api.user.press(ada, 1, "A", ada)).toBeUndefined();
    const [update] = await updates();
    const late = await post("answerCallbackQuery", { callback_query_id: update!.callback_query!.id });
    expect(late.body.description).toMatch(/query is too old/);
  });

  it("cannot be pressed when it is not there", () => {
    expect(() => scene.api.user.press(ada, answer, "Regenerate", ada)).toThrow(/no button/);
    expect(() => scene.api.user.press(ada, 77, "Stop", ada)).toThrow(/no message 77/);
    expect(() => scene.api.user.press(ada, answer, "Stop", 2002)).toThrow(/not in chat/);
  });
});

describe("a draft", () => {
  const draft = (params: object = {}) => call("sendMessageDraft", { chat_id: ada, draft_id: 7, text: "a", ...params });

  it("is shown until the bot writes a message", async () => {
    chatWith(0);
    await draft({ text: "", can_stop: true });
    await draft({ text: "a dr", entities: [bold(0, 1)] });
    expect(scene.api.chat(ada).drafts).toEqual([
      expect.objectContaining({ draftId: 7, text: "a dr", entities: [bold(0, 1)] }),
    ]);
    expect(scene.api.chat(ada).messages).toEqual([]);
    await call("sendMessage", { chat_id: ada, text: "a draft" });
    expect(scene.api.chat(ada).drafts).toEqual([]);
    expect(scene.api.chat(ada).draftViews.map(({ text }) => text)).toEqual(["", "a dr"]);
  });

  it("is gone by itself after a while, unless it is sent again", async () => {
    await restart({ draftMs: 400 });
    chatWith(0);
    const gone: BotApiEvent[] = [];
    scene.api.onEvent((event) => event.type === "draft-gone" && gone.push(event));
    const startedAt = performance.now();
    while (performance.now() - startedAt < 800) await draft({ text: String(performance.now()) });
    expect(gone).toEqual([]);
    await expect.poll(() => gone, patience).toEqual([{ type: "draft-gone", chatId: ada, draftId: 7 }]);
    expect(scene.api.chat(ada).drafts).toEqual([]);
  });

  it("can be stopped by its reader when it says so", async () => {
    chatWith(0);
    await draft();
    expect(scene.api.user.stopDraft(ada)).toBe(false);
    await draft({ can_stop: true });
    expect(scene.api.user.stopDraft(ada)).toBe(true);
    expect(await updates()).toEqual([
      { update_id: 1, stopped_message_generation: { chat: expect.objectContaining({ id: ada }), draft_id: 7 } },
    ]);
    await draft({ text: "late" });
    expect(scene.api.chat(ada).drafts).toEqual([]);
    await draft({ draft_id: 8, can_stop: true, keep_on_stop: true });
    expect(scene.api.user.stopDraft(ada)).toBe(true);
    expect(scene.api.chat(ada).drafts).toHaveLength(1);
  });

  it("belongs to its topic", async () => {
    scene.api.user.createPrivateChat({ userId: ada, firstName: "Ada", topics: true });
    const { threadId } = scene.api.user.createTopic(ada, "Cats", ada);
    await draft({ message_thread_id: threadId, can_stop: true });
    await draft({ draft_id: 8 });
    await call("sendMessage", { chat_id: ada, text: "outside" });
    expect(scene.api.chat(ada).drafts.map(({ threadId: thread }) => thread)).toEqual([threadId]);
    expect(scene.api.user.stopDraft(ada, threadId)).toBe(true);
    expect((await updates()).at(-1)).toMatchObject({ stopped_message_generation: { message_thread_id: threadId } });
  });
});
