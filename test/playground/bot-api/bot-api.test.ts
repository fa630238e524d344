import { Bot, InlineKeyboard, InputFile } from "grammy";
import type { Message, MessageEntity } from "grammy/types";
import { describe, expect, it } from "vitest";
import type { BotApiEvent } from "../../../src/playground/bot-api/bot-api.ts";
import { bold, createBotApiScene, token } from "../../support/bot-api-scene.ts";
import { ada } from "../../support/wrong-calls.ts";

const scene = createBotApiScene();
const { restart, post, call, chatWith } = scene;

describe("a call", () => {
  it("may come in the query, as a form, or as JSON", async () => {
    const chatId = chatWith(0);
    const address = `${scene.api.url}/bot${token}/sendMessage`;
    await fetch(`${address}?chat_id=${chatId}&text=query&disable_notification=true`);
    const body = new URLSearchParams({ chat_id: String(chatId), text: "form", entities: JSON.stringify([bold(0, 4)]) });
    await fetch(address, { method: "POST", body });
    await call("sendMessage", { chat_id: chatId, text: "json", entities: [bold(0, 4)] });
    const { messages } = scene.api.chat(chatId);
    expect(messages.map(({ text }) => text)).toEqual(["query", "form", "json"]);
    expect(messages.map(({ entities }) => entities.length)).toEqual([0, 1, 1]);
  });

  it("passes from the real grammY client, with keyboard, reply, file and download", async () => {
    const chatId = chatWith(1);
    const bot = new Bot(token, { client: { apiRoot: scene.api.url } });
    await bot.init();
    expect(bot.botInfo).toMatchObject({ id: 42, is_bot: true, username: "parley_bot", has_topics_enabled: true });
    const sent = await bot.api.sendMessage(chatId, "an answer", {
      entities: [bold(0, 2)],
      link_preview_options: { is_disabled: true },
      reply_parameters: { message_id: 1, allow_sending_without_reply: true },
      reply_markup: new InlineKeyboard().text("Stop", "stop"),
    });
    expect(sent).toMatchObject({
      message_id: 2,
      from: { id: 42, is_bot: true },
      chat: { id: chatId, type: "private", first_name: "Ada" },
      text: "an answer",
      entities: [bold(0, 2)],
      reply_to_message: { message_id: 1, text: "message 1", from: { id: ada } },
      reply_markup: { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] },
    });
    const edited = await bot.api.editMessageText(chatId, sent.message_id, "a longer answer");
    expect(edited).toMatchObject({ text: "a longer answer", edit_date: expect.any(Number) });
    expect(edited).not.toHaveProperty("entities");
    expect(edited).not.toHaveProperty("reply_markup");
    const document = new InputFile(Buffer.from("# all of it"), "answer.md");
    const file = await bot.api.sendDocument(chatId, document, { caption: "the whole" });
    expect(file).toMatchObject({
      caption: "the whole",
      document: { file_name: "answer.md", mime_type: "text/markdown" },
    });
    const { file_path: path } = await bot.api.getFile(file.document.file_id);
    const download = await fetch(`${scene.api.url}/file/bot${token}/${path}`);
    expect(await download.text()).toBe("# all of it");
    expect(Buffer.from(scene.api.chat(chatId).messages.at(-1)!.document!.bytes).toString()).toBe("# all of it");
    await bot.api.setMyCommands([{ command: "new", description: "Begin anew" }]);
    expect(await bot.api.getMyCommands()).toEqual(scene.api.commands());
    await bot.api.sendChatAction(chatId, "typing");
    expect(scene.api.chat(chatId).typing).toEqual([{ action: "typing" }]);
    expect(await bot.api.deleteMessages(chatId, [1, 2, 77])).toBe(true);
    expect(scene.api.violations).toEqual([]);
  });

  it("shows a keyboard in place of the letters until another one, its removal, or the end of its message", async () => {
    const chatId = scene.api.user.createPrivateChat({ userId: ada, firstName: "Ada", topics: true });
    const { threadId } = scene.api.user.createTopic(chatId, "Topic", ada);
    const events: unknown[] = [];
    scene.api.onEvent((event) => event.type === "reply-keyboard" && events.push(event.view?.messageId));
    const send = async (reply_markup: object, more: object = {}) =>
      (await call<Message>("sendMessage", { chat_id: chatId, text: "a", reply_markup, ...more })).message_id;
    const shown = () => scene.api.chat(chatId).replyKeyboards;

    const keyboard = { keyboard: [["A", { text: "B" }], []], one_time_keyboard: true };
    const first = await send(keyboard);
    expect(shown()).toEqual([
      { messageId: first, keyboard: { keyboard: [[{ text: "A" }, { text: "B" }]], one_time_keyboard: true } },
    ]);
    // A message as a bot gets it has only buttons of its own.
    expect(scene.api.chat(chatId).messages.at(-1)?.message).not.toHaveProperty("reply_markup");
    await send({ inline_keyboard: [[{ text: "A", callback_data: "a" }]] });
    expect(shown()).toHaveLength(1);
    const second = await send({ keyboard: [["C"]] });
    expect(shown().map(({ messageId }) => messageId)).toEqual([second]);
    const inTopic = await send({ keyboard: [["D"]] }, { message_thread_id: threadId });
    expect(shown()).toMatchObject([{ messageId: second }, { messageId: inTopic, threadId }]);
    await send({ remove_keyboard: true });
    expect(shown()).toMatchObject([{ messageId: inTopic, threadId }]);
    await call("deleteMessage", { chat_id: chatId, message_id: inTopic });
    expect(shown()).toEqual([]);
    // There is nothing to take away any more.
    await send({ remove_keyboard: true });
    expect(events).toEqual([first, second, inTopic, undefined, undefined]);
  });

  it("is logged with its parameters and its outcome, the newest calls only", async () => {
    await restart({ maxCalls: 10 });
    const chatId = chatWith(0);
    for (let index = 0; index < 30; index += 1) await call("sendChatAction", { chat_id: chatId, action: "typing" });
    await post("sendMessage", { chat_id: chatId, text: "" });
    expect(scene.api.calls.length).toBeLessThanOrEqual(11);
    expect(scene.api.calls.at(-1)).toMatchObject({
      id: 31,
      method: "sendMessage",
      chatId,
      params: { chat_id: chatId, text: "" },
      status: 400,
      description: "Bad Request: message text is empty",
    });
  });

  it("is not logged when nobody wants it, and events still tell of it", async () => {
    await restart({ keepCalls: false, keepViews: false });
    const chatId = chatWith(0);
    const sent = await call<Message>("sendMessage", { chat_id: chatId, text: "one" });
    const heard: BotApiEvent[] = [];
    const end = scene.api.onEvent((event) => heard.push(event));
    await call("editMessageText", { chat_id: chatId, message_id: sent.message_id, text: "two" });
    end();
    await call("deleteMessage", { chat_id: chatId, message_id: sent.message_id });
    expect(scene.api.calls).toEqual([]);
    expect(heard.map(({ type }) => type)).toEqual(["message-edited", "call"]);
    expect(scene.api.chat(chatId)).toMatchObject({ messages: [], deleted: [] });
  });
});

describe("a text", () => {
  const send = async (text: string, entities: readonly MessageEntity[] = []) => {
    if (scene.api.chats().length === 0) chatWith(0);
    return await call<Message>("sendMessage", { chat_id: ada, text, entities });
  };

  it("is cleaned as Telegram cleans it, and its entities move along", async () => {
    const sent = await send("\n a\tb\r\nc\u2028d \u0000e \n", [bold(7, 1)]);
    expect(sent.text).toBe("a b\ncd  e");
    expect(sent.entities).toEqual([bold(4, 1)]);
    expect(scene.api.violations).toEqual([]);
  });

  it("keeps the blanks that an entity covers at its beginning", async () => {
    const sent = await send("  code  ", [{ type: "pre", offset: 0, length: 8 }]);
    expect(sent.text).toBe("  code");
    expect(sent.entities).toEqual([{ type: "pre", offset: 0, length: 6 }]);
  });

  it("gets the links, mentions, commands and hashtags that a client would show", async () => {
    const text = "see https://example.com/a, @somebody /new #tag a@example.com and `x`";
    const sent = await send(text, [{ type: "code", offset: text.length - 3, length: 3 }]);
    const shown = sent.entities!.map(({ type, offset, length }) => [type, text.slice(offset, offset + length)]);
    expect(shown).toEqual([
      ["url", "https://example.com/a"],
      ["mention", "@somebody"],
      ["bot_command", "/new"],
      ["hashtag", "#tag"],
      ["email", "a@example.com"],
      ["code", "`x`"],
    ]);
    const literal = await send("/new", [{ type: "code", offset: 0, length: 4 }]);
    expect(literal.entities).toEqual([{ type: "code", offset: 0, length: 4 }]);
  });

  it("may have styles inside of styles, quotes and links, without a word", async () => {
    await send("bold and italic", [bold(0, 15), { type: "italic", offset: 9, length: 6 }]);
    await send("a quote with code", [
      { type: "blockquote", offset: 0, length: 17 },
      { type: "code", offset: 13, length: 4 },
    ]);
    await send("a link", [{ type: "text_link", offset: 0, length: 6, url: "https://example.com" }, bold(2, 4)]);
    expect(scene.api.violations).toEqual([]);
  });

  it.each<[string, MessageEntity[], MessageEntity[]]>([
    [
      "styles that cross",
      [bold(0, 5), { type: "italic", offset: 3, length: 5 }],
      [bold(0, 3), { type: "italic", offset: 3, length: 5 }, bold(3, 2)],
    ],
    [
      "bold over code",
      [bold(0, 8), { type: "code", offset: 2, length: 2 }],
      [bold(0, 2), { type: "code", offset: 2, length: 2 }, bold(4, 4)],
    ],
    [
      "bold inside of code",
      [{ type: "code", offset: 0, length: 8 }, bold(2, 2)],
      [{ type: "code", offset: 0, length: 8 }],
    ],
    [
      "a quote in a quote",
      [
        { type: "blockquote", offset: 0, length: 8 },
        { type: "blockquote", offset: 2, length: 2 },
      ],
      [{ type: "blockquote", offset: 0, length: 8 }],
    ],
    [
      "code that crosses a quote",
      [
        { type: "blockquote", offset: 0, length: 4 },
        { type: "code", offset: 2, length: 4 },
      ],
      [{ type: "blockquote", offset: 0, length: 4 }],
    ],
    ["bold in bold", [bold(0, 8), bold(2, 2)], [bold(0, 8)]],
    ["an entity of no length", [bold(2, 0)], []],
    ["a link to nowhere", [{ type: "text_link", offset: 0, length: 2, url: "nowhere" }], []],
  ])("is mended, and the bot's slip is written down: %s", async (_what, entities, mended) => {
    const sent = await send("abcdefgh", entities);
    expect(sent.entities ?? []).toEqual(mended);
    expect(scene.api.violations).toHaveLength(1);
    expect(scene.api.violations[0]).toMatch(/^sendMessage: /);
  });

  it("keeps a hundred entities, code and links before styles", async () => {
    const many = Array.from({ length: 101 }, (_, index) => bold(index * 2, 1));
    const code: MessageEntity = { type: "code", offset: 202, length: 1 };
    const sent = await send("x ".repeat(102), [...many, code]);
    expect(sent.entities).toHaveLength(100);
    expect(sent.entities!.at(-1)).toEqual(code);
    expect(scene.api.violations).toEqual([expect.stringContaining("more than 100")]);
  });

  it("with a parse mode is refused and written down", async () => {
    chatWith(0);
    await post("sendMessage", { chat_id: ada, text: "<b>a</b>", parse_mode: "HTML" });
    expect(scene.api.violations).toEqual([expect.stringContaining("parse_mode")]);
  });

  it("changes by edits, each with its time", async () => {
    const { message_id: id } = await send("one");
    for (const text of ["two", "three"]) await call("editMessageText", { chat_id: ada, message_id: id, text });
    const [message] = scene.api.chat(ada).messages;
    expect(message!.views.map(({ text }) => text)).toEqual(["one", "two", "three"]);
    const times = message!.views.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    await call("deleteMessage", { chat_id: ada, message_id: id });
    expect(scene.api.chat(ada).messages).toEqual([]);
    expect(scene.api.chat(ada).deleted[0]).toMatchObject({ id, text: "three", deletedAt: expect.any(Number) });
  });
});
