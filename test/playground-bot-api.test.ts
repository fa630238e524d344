import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Bot, GrammyError, HttpError, InlineKeyboard, InputFile } from "grammy";
import type { Message, MessageEntity, Update } from "grammy/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type BotApi, type BotApiEvent, type BotApiOptions, createBotApi } from "../src/playground/bot-api.ts";
import { parameterTables } from "../src/playground/bot-api-parameters.ts";
import { ada, answer, forum, group, seed, wrongBesideWebhook, wrongCalls } from "./playground-wrong-calls.ts";

const token = "42:a-token_of-the-playground";
const patience = { timeout: 10_000, interval: 10 };

interface Answer {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error_code?: number;
  readonly description?: string;
  readonly parameters?: Record<string, number>;
}

let api: BotApi;
let hooks: Server[];

beforeEach(async () => {
  hooks = [];
  api = await createBotApi({ token });
});

afterEach(async () => {
  await api.stop();
  for (const hook of hooks) {
    hook.closeAllConnections();
    hook.close();
  }
});

async function restart(options: Partial<BotApiOptions>): Promise<void> {
  await api.stop();
  api = await createBotApi({ token, ...options });
}

async function post(method: string, params: object = {}): Promise<{ status: number; body: Answer }> {
  const response = await fetch(`${api.url}/bot${token}/${method}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(params),
  });
  return { status: response.status, body: (await response.json()) as Answer };
}

/** The result of a call that must succeed. */
async function call<T = unknown>(method: string, params: object = {}): Promise<T> {
  const { body } = await post(method, params);
  expect(body.description).toBeUndefined();
  return body.result as T;
}

const updates = (params: object = {}) => call<Update[]>("getUpdates", params);
const ids = (list: readonly Update[]) => list.map((update) => update.update_id);
const bold = (offset: number, length: number): MessageEntity => ({ type: "bold", offset, length });

function textsOf(list: readonly Update[]): (string | undefined)[] {
  return list.map(({ message }) => message?.text);
}

/** A private chat with `count` messages in it. */
function chatWith(count: number, userId = ada): number {
  const chatId = api.user.createPrivateChat({ userId, firstName: "Ada", username: "ada" });
  for (let index = 1; index <= count; index += 1) api.user.sendText(chatId, userId, `message ${index}`);
  return chatId;
}

describe("a wrong call", () => {
  it("is refused with Telegram's words, whatever is wrong with it", { timeout: 60_000 }, async () => {
    await seed(api, call);
    const before = JSON.stringify(api.chats().map(({ messages }) => messages.map(({ text }) => text)));
    const refused: object[] = [];
    for (const { method, why, params } of wrongCalls) {
      const { status, body } = await post(method, params);
      refused.push({ method, why, status, ...body });
    }
    expect(refused).toEqual(
      wrongCalls.map(({ method, why, says, status = 400 }) => ({
        method,
        why,
        status,
        ok: false,
        error_code: status,
        description: says,
      })),
    );
    expect(JSON.stringify(api.chats().map(({ messages }) => messages.map(({ text }) => text)))).toBe(before);
    expect(api.calls.filter(({ status }) => status >= 400)).toHaveLength(wrongCalls.length);
  });

  it.each(Object.keys(parameterTables))("is refused for an unknown parameter: %s", async (method) => {
    const { status, body } = await post(method, { no_such: 1 });
    expect(status).toBe(400);
    expect(body.description).toBe('Bad Request: unknown parameter "no_such"');
  });

  it("is in the table for every method that can be called wrongly", () => {
    const simple = ["getMe", "close", "getWebhookInfo"];
    const covered = new Set([...wrongCalls.map(({ method }) => method), ...simple]);
    expect(Object.keys(parameterTables).filter((method) => !covered.has(method))).toEqual([]);
  });

  it("is refused beside a webhook when it polls", async () => {
    await call("setWebhook", { url: "http://127.0.0.1:9/hook" });
    const { status, body } = await post(wrongBesideWebhook.method);
    expect(status).toBe(wrongBesideWebhook.status);
    expect(body.description).toBe(wrongBesideWebhook.says);
  });

  it("is refused for a wrong token, an unknown method, an unknown address", async () => {
    const at = async (path: string) => {
      const response = await fetch(`${api.url}${path}`);
      return [response.status, ((await response.json()) as Answer).description];
    };
    expect(await at("/bot42:wrong/getMe")).toEqual([401, "Unauthorized"]);
    expect(await at(`/bot${token}/sendPigeon`)).toEqual([404, "Not Found"]);
    expect(await at("/")).toEqual([404, "Not Found"]);
    expect(await at("/file/bot42:wrong/documents/1/a")).toEqual([401, "Unauthorized"]);
    expect(await at(`/file/bot${token}/documents/1/a`)).toEqual([404, "Not Found"]);
    expect(JSON.stringify(api.calls)).not.toContain(token);
  });

  it("is refused when its body cannot be read", async () => {
    const send = async (type: string, body: string) => {
      const response = await fetch(`${api.url}/bot${token}/getMe`, {
        method: "POST",
        headers: { "content-type": type },
        body,
      });
      return [response.status, ((await response.json()) as Answer).description];
    };
    expect(await send("application/json", "{")).toEqual([400, expect.stringContaining("Bad Request: can't parse")]);
    expect(await send("application/json", "[]")).toEqual([400, "Bad Request: JSON object expected"]);
    expect(await send("multipart/form-data", "x")).toEqual([400, "Bad Request: can't parse form data headers"]);
    expect(await send("text/plain", "x")).toEqual([400, expect.stringContaining('"text/plain"')]);
  });

  it("is refused for an empty file", async () => {
    chatWith(0);
    const form = new FormData();
    form.set("chat_id", String(ada));
    form.set("document", new Blob([]), "empty.txt");
    const response = await fetch(`${api.url}/bot${token}/sendDocument`, { method: "POST", body: form });
    expect(((await response.json()) as Answer).description).toBe("Bad Request: file must be non-empty");
  });
});

describe("a call", () => {
  it("may come in the query, as a form, or as JSON", async () => {
    const chatId = chatWith(0);
    const address = `${api.url}/bot${token}/sendMessage`;
    await fetch(`${address}?chat_id=${chatId}&text=query&disable_notification=true`);
    const body = new URLSearchParams({ chat_id: String(chatId), text: "form", entities: JSON.stringify([bold(0, 4)]) });
    await fetch(address, { method: "POST", body });
    await call("sendMessage", { chat_id: chatId, text: "json", entities: [bold(0, 4)] });
    const { messages } = api.chat(chatId);
    expect(messages.map(({ text }) => text)).toEqual(["query", "form", "json"]);
    expect(messages.map(({ entities }) => entities.length)).toEqual([0, 1, 1]);
  });

  it("passes from the real grammY client, with keyboard, reply, file and download", async () => {
    const chatId = chatWith(1);
    const bot = new Bot(token, { client: { apiRoot: api.url } });
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
    const download = await fetch(`${api.url}/file/bot${token}/${path}`);
    expect(await download.text()).toBe("# all of it");
    expect(Buffer.from(api.chat(chatId).messages.at(-1)!.document!.bytes).toString()).toBe("# all of it");
    await bot.api.setMyCommands([{ command: "new", description: "Begin anew" }]);
    expect(await bot.api.getMyCommands()).toEqual(api.commands());
    await bot.api.sendChatAction(chatId, "typing");
    expect(api.chat(chatId).typing).toEqual([{ action: "typing" }]);
    expect(await bot.api.deleteMessages(chatId, [1, 2, 77])).toBe(true);
    expect(api.violations).toEqual([]);
  });

  it("is logged with its parameters and its outcome, the newest calls only", async () => {
    await restart({ maxCalls: 10 });
    const chatId = chatWith(0);
    for (let index = 0; index < 30; index += 1) await call("sendChatAction", { chat_id: chatId, action: "typing" });
    await post("sendMessage", { chat_id: chatId, text: "" });
    expect(api.calls.length).toBeLessThanOrEqual(11);
    expect(api.calls.at(-1)).toMatchObject({
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
    const end = api.onEvent((event) => heard.push(event));
    await call("editMessageText", { chat_id: chatId, message_id: sent.message_id, text: "two" });
    end();
    await call("deleteMessage", { chat_id: chatId, message_id: sent.message_id });
    expect(api.calls).toEqual([]);
    expect(heard.map(({ type }) => type)).toEqual(["message-edited", "call"]);
    expect(api.chat(chatId)).toMatchObject({ messages: [], deleted: [] });
  });
});

describe("a text", () => {
  const send = async (text: string, entities: readonly MessageEntity[] = []) => {
    if (api.chats().length === 0) chatWith(0);
    return await call<Message>("sendMessage", { chat_id: ada, text, entities });
  };

  it("is cleaned as Telegram cleans it, and its entities move along", async () => {
    const sent = await send("\n a\tb\r\nc\u2028d \u0000e \n", [bold(7, 1)]);
    expect(sent.text).toBe("a b\ncd  e");
    expect(sent.entities).toEqual([bold(4, 1)]);
    expect(api.violations).toEqual([]);
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
    expect(api.violations).toEqual([]);
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
    expect(api.violations).toHaveLength(1);
    expect(api.violations[0]).toMatch(/^sendMessage: /);
  });

  it("keeps a hundred entities, code and links before styles", async () => {
    const many = Array.from({ length: 101 }, (_, index) => bold(index * 2, 1));
    const code: MessageEntity = { type: "code", offset: 202, length: 1 };
    const sent = await send("x ".repeat(102), [...many, code]);
    expect(sent.entities).toHaveLength(100);
    expect(sent.entities!.at(-1)).toEqual(code);
    expect(api.violations).toEqual([expect.stringContaining("more than 100")]);
  });

  it("with a parse mode is refused and written down", async () => {
    chatWith(0);
    await post("sendMessage", { chat_id: ada, text: "<b>a</b>", parse_mode: "HTML" });
    expect(api.violations).toEqual([expect.stringContaining("parse_mode")]);
  });

  it("changes by edits, each with its time", async () => {
    const { message_id: id } = await send("one");
    for (const text of ["two", "three"]) await call("editMessageText", { chat_id: ada, message_id: id, text });
    const [message] = api.chat(ada).messages;
    expect(message!.views.map(({ text }) => text)).toEqual(["one", "two", "three"]);
    const times = message!.views.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    await call("deleteMessage", { chat_id: ada, message_id: id });
    expect(api.chat(ada).messages).toEqual([]);
    expect(api.chat(ada).deleted[0]).toMatchObject({ id, text: "three", deletedAt: expect.any(Number) });
  });
});

describe("polling", () => {
  it("gives what waits until an offset confirms it", async () => {
    chatWith(3);
    expect(ids(await updates())).toEqual([1, 2, 3]);
    expect(ids(await updates({ limit: 2 }))).toEqual([1, 2]);
    expect(ids(await updates({ offset: 2 }))).toEqual([2, 3]);
    expect(ids(await updates())).toEqual([2, 3]);
    expect(api.updatesPending()).toBe(2);
    expect(await updates({ offset: 4 })).toEqual([]);
    expect(api.updatesPending()).toBe(0);
  });

  it("begins at the end when the offset is negative", async () => {
    chatWith(5);
    expect(ids(await updates({ offset: -2 }))).toEqual([4, 5]);
    expect(api.updatesPending()).toBe(2);
  });

  it("waits for an update as long as it is told", async () => {
    const chatId = chatWith(0);
    const waiting = updates({ timeout: 50 });
    setTimeout(() => {
      api.user.sendText(chatId, ada, "one");
      api.user.sendText(chatId, ada, "two");
    }, 50);
    expect(textsOf(await waiting)).toEqual(["one", "two"]);
    expect(await updates({ offset: 3, timeout: 1 })).toEqual([]);
  });

  it("ends the older of two polls with a conflict", async () => {
    const older = post("getUpdates", { timeout: 50 });
    await expect.poll(() => post("getUpdates", { timeout: 0 }), patience).toMatchObject({ status: 200 });
    // The poll above came too early when the older one was not there yet; then this one ends it.
    const newer = post("getUpdates", { timeout: 1 });
    const { status, body } = await older;
    expect(status).toBe(409);
    expect(body.description).toBe(
      "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
    );
    expect((await newer).status).toBe(200);
  });

  it("loses nothing when the bot hangs up", async () => {
    const chatId = chatWith(0);
    const hangUp = new AbortController();
    const poll = fetch(`${api.url}/bot${token}/getUpdates?timeout=50`, { signal: hangUp.signal });
    setTimeout(() => hangUp.abort(), 50);
    await expect(poll).rejects.toThrow();
    api.user.sendText(chatId, ada, "one");
    expect(textsOf(await updates())).toEqual(["one"]);
  });

  it("delivers only the kinds that were asked for, and remembers them", async () => {
    await updates({ allowed_updates: ["edited_message"] });
    const chatId = chatWith(1);
    api.user.edit(chatId, 1, "changed");
    expect((await updates()).map((update) => Object.keys(update)[1])).toEqual(["edited_message"]);
    await updates({ allowed_updates: [] });
    api.user.sendText(chatId, ada, "again");
    expect(textsOf(await updates()).at(-1)).toBe("again");
  });

  it("delivers an update of the past once more", async () => {
    chatWith(2);
    const [first] = await updates();
    await updates({ offset: 3 });
    api.user.raw(first!);
    expect(ids(await updates({ offset: 3 }))).toEqual([1]);
    expect(await updates({ offset: 3 })).toEqual([]);
  });
});

describe("a webhook", () => {
  interface Delivery {
    readonly update: Update;
    readonly secret: string | undefined;
    answer(status: number, headers?: Record<string, string>): void;
  }

  /** A server that keeps deliveries until they are answered. */
  async function listen(): Promise<{ url: string; deliveries: Delivery[] }> {
    const deliveries: Delivery[] = [];
    const server = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request) body += chunk;
      deliveries.push({
        update: JSON.parse(body),
        secret: request.headers["x-telegram-bot-api-secret-token"] as string | undefined,
        answer: (status, headers) => response.writeHead(status, headers).end(),
      });
    });
    hooks.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, deliveries };
  }

  const arrived = (deliveries: Delivery[], count: number) => expect.poll(() => deliveries.length, patience).toBe(count);

  it("gets a chat's updates one after another, with the secret, and other chats' beside them", async () => {
    const hook = await listen();
    chatWith(1);
    await call("setWebhook", { url: hook.url, secret_token: "s3cret_-" });
    expect(await call("getWebhookInfo")).toMatchObject({ url: hook.url, pending_update_count: 1, max_connections: 40 });
    api.user.sendText(ada, ada, "second");
    chatWith(1, 2002);
    await arrived(hook.deliveries, 2);
    expect(hook.deliveries.map(({ secret }) => secret)).toEqual(["s3cret_-", "s3cret_-"]);
    expect(hook.deliveries.map(({ update }) => update.message?.chat.id).toSorted()).toEqual([ada, 2002]);
    hook.deliveries.find(({ update }) => update.message?.chat.id === ada)!.answer(204);
    await arrived(hook.deliveries, 3);
    expect(hook.deliveries[2]!.update.message?.text).toBe("second");
    for (const { update, answer } of hook.deliveries)
      if (update.message?.text !== "message 1" || update.message.chat.id !== ada) answer(200);
    await expect.poll(() => api.updatesPending(), patience).toBe(0);
  });

  it("gets a press while the chat's message is not yet taken", async () => {
    const hook = await listen();
    chatWith(0);
    const reply_markup = { inline_keyboard: [[{ text: "Stop", callback_data: "stop" }]] };
    const sent = await call<Message>("sendMessage", { chat_id: ada, text: "a", reply_markup });
    await call("setWebhook", { url: hook.url });
    api.user.sendText(ada, ada, "slow");
    void api.user.press(ada, sent.message_id, "Stop", ada, 100);
    await arrived(hook.deliveries, 2);
    expect(hook.deliveries.map(({ update }) => Object.keys(update)[1]).toSorted()).toEqual([
      "callback_query",
      "message",
    ]);
  });

  it("is tried again until it takes the update, and is not overtaken", async () => {
    await restart({ webhookRetryMs: 20 });
    const hook = await listen();
    chatWith(2);
    await call("setWebhook", { url: hook.url });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await arrived(hook.deliveries, attempt);
      expect(hook.deliveries.at(-1)!.update.message?.text).toBe("message 1");
      hook.deliveries.at(-1)!.answer(500);
    }
    await arrived(hook.deliveries, 4);
    expect(await call("getWebhookInfo")).toMatchObject({
      pending_update_count: 2,
      last_error_message: "Wrong response from the webhook: 500 Internal Server Error",
    });
    hook.deliveries.at(-1)!.answer(200);
    await arrived(hook.deliveries, 5);
    expect(hook.deliveries.at(-1)!.update.message?.text).toBe("message 2");
  });

  it("is given the time that it asks for", async () => {
    const hook = await listen();
    chatWith(1);
    await call("setWebhook", { url: hook.url });
    await arrived(hook.deliveries, 1);
    const answeredAt = performance.now();
    hook.deliveries[0]!.answer(503, { "retry-after": "1" });
    await arrived(hook.deliveries, 2);
    expect(performance.now() - answeredAt).toBeGreaterThan(900);
  });

  it("has no more connections than it allows, and only the kinds it wants", async () => {
    const hook = await listen();
    await call("setWebhook", { url: hook.url, max_connections: 2, allowed_updates: ["message"] });
    for (const userId of [1, 2, 3, 4]) chatWith(1, userId);
    api.user.edit(1, 1, "changed");
    await arrived(hook.deliveries, 2);
    hook.deliveries[0]!.answer(200);
    await arrived(hook.deliveries, 3);
    for (let next = 1; next < 4; next += 1) {
      await arrived(hook.deliveries, Math.min(4, next + 2));
      hook.deliveries[next]!.answer(200);
    }
    await expect.poll(() => api.updatesPending(), patience).toBe(0);
    expect(hook.deliveries).toHaveLength(4);
  });

  it("leaves what it has not taken to polling, or drops it", async () => {
    const hook = await listen();
    chatWith(2);
    await call("setWebhook", { url: hook.url });
    await arrived(hook.deliveries, 1);
    await call("deleteWebhook");
    expect(ids(await updates())).toEqual([1, 2]);
    await call("deleteWebhook", { drop_pending_updates: true });
    expect(await updates()).toEqual([]);
  });

  it("ends a poll when it is set", async () => {
    const poll = post("getUpdates", { timeout: 50 });
    await expect.poll(async () => (await post("getMe")).status, patience).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await call("setWebhook", { url: "http://127.0.0.1:9/" });
    expect((await poll).body.description).toMatch(/^Conflict: /);
  });
});

describe("a draft", () => {
  const draft = (params: object = {}) => call("sendMessageDraft", { chat_id: ada, draft_id: 7, text: "a", ...params });

  it("is shown until the bot writes a message", async () => {
    chatWith(0);
    await draft({ text: "", can_stop: true });
    await draft({ text: "a dr", entities: [bold(0, 1)] });
    expect(api.chat(ada).drafts).toEqual([
      expect.objectContaining({ draftId: 7, text: "a dr", entities: [bold(0, 1)] }),
    ]);
    expect(api.chat(ada).messages).toEqual([]);
    await call("sendMessage", { chat_id: ada, text: "a draft" });
    expect(api.chat(ada).drafts).toEqual([]);
    expect(api.chat(ada).draftViews.map(({ text }) => text)).toEqual(["", "a dr"]);
  });

  it("is gone by itself after a while, unless it is sent again", async () => {
    await restart({ draftMs: 400 });
    chatWith(0);
    const gone: BotApiEvent[] = [];
    api.onEvent((event) => event.type === "draft-gone" && gone.push(event));
    const startedAt = performance.now();
    while (performance.now() - startedAt < 800) await draft({ text: String(performance.now()) });
    expect(gone).toEqual([]);
    await expect.poll(() => gone, patience).toEqual([{ type: "draft-gone", chatId: ada, draftId: 7 }]);
    expect(api.chat(ada).drafts).toEqual([]);
  });

  it("can be stopped by its reader when it says so", async () => {
    chatWith(0);
    await draft();
    expect(api.user.stopDraft(ada)).toBe(false);
    await draft({ can_stop: true });
    expect(api.user.stopDraft(ada)).toBe(true);
    expect(await updates()).toEqual([
      { update_id: 1, stopped_message_generation: { chat: expect.objectContaining({ id: ada }), draft_id: 7 } },
    ]);
    await draft({ text: "late" });
    expect(api.chat(ada).drafts).toEqual([]);
    await draft({ draft_id: 8, can_stop: true, keep_on_stop: true });
    expect(api.user.stopDraft(ada)).toBe(true);
    expect(api.chat(ada).drafts).toHaveLength(1);
  });

  it("belongs to its topic", async () => {
    api.user.createPrivateChat({ userId: ada, firstName: "Ada", topics: true });
    const { threadId } = api.user.createTopic(ada, "Cats", ada);
    await draft({ message_thread_id: threadId, can_stop: true });
    await draft({ draft_id: 8 });
    await call("sendMessage", { chat_id: ada, text: "outside" });
    expect(api.chat(ada).drafts.map(({ threadId: thread }) => thread)).toEqual([threadId]);
    expect(api.user.stopDraft(ada, threadId)).toBe(true);
    expect((await updates()).at(-1)).toMatchObject({ stopped_message_generation: { message_thread_id: threadId } });
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
      const pressed = api.user.press(ada, answer, name, ada);
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
    expect(await api.user.press(ada, answer, "Stop", ada, 20)).toBeUndefined();
  });

  it("cannot be answered for ever", async () => {
    await restart({ pressMs: 20 });
    chatWith(0);
    const reply_markup = { inline_keyboard: [[{ text: "A", callback_data: "a" }]] };
    await call("sendMessage", { chat_id: ada, text: "a", reply_markup });
    expect(await api.user.press(ada, 1, "A", ada)).toBeUndefined();
    const [update] = await updates();
    const late = await post("answerCallbackQuery", { callback_query_id: update!.callback_query!.id });
    expect(late.body.description).toMatch(/query is too old/);
  });

  it("cannot be pressed when it is not there", () => {
    expect(() => api.user.press(ada, answer, "Regenerate", ada)).toThrow(/no button/);
    expect(() => api.user.press(ada, 77, "Stop", ada)).toThrow(/no message 77/);
    expect(() => api.user.press(ada, answer, "Stop", 2002)).toThrow(/not in chat/);
  });
});

describe("people", () => {
  it("send texts with what their client finds in them, long ones in several messages", async () => {
    const chatId = chatWith(0);
    api.user.sendText(chatId, ada, " /start now ");
    api.user.sendText(chatId, ada, "word ".repeat(2000));
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
    api.user.edit(chatId, 1, "better");
    api.user.sendText(chatId, ada, "and this?", { replyTo: 1 });
    api.user.sendPhoto(chatId, ada, { caption: "look" });
    api.user.sendVoice(chatId, ada);
    api.user.sendSticker(chatId, ada);
    api.user.sendDocument(chatId, ada, { name: "a.txt", bytes: Buffer.from("abc") });
    api.user.block(chatId);
    const blockedCall = await post("sendMessage", { chat_id: chatId, text: "a" });
    expect(blockedCall).toMatchObject({ status: 403, body: { description: "Forbidden: bot was blocked by the user" } });
    api.user.unblock(chatId);
    await call("sendMessage", { chat_id: chatId, text: "welcome back" });
    expect(await updates({ offset: 2 })).toMatchObject([
      { edited_message: { message_id: 1, text: "better", edit_date: expect.any(Number) } },
      { message: { text: "and this?", reply_to_message: { message_id: 1, text: "better", from: { id: ada } } } },
      { message: { photo: [{ file_id: expect.any(String) }], caption: "look" } },
      { message: { voice: { duration: 1 } } },
      { message: { sticker: { emoji: "🙂" } } },
      { message: { document: { file_name: "a.txt", file_size: 3 } } },
      { my_chat_member: { old_chat_member: { status: "member" }, new_chat_member: { status: "kicked" } } },
      { my_chat_member: { old_chat_member: { status: "kicked" }, new_chat_member: { status: "member" } } },
    ]);
  });

  it("write in topics, where what answers nothing answers the topic's first message", async () => {
    await seed(api, call);
    const { threadId, message } = api.user.createTopic(forum, "Cats", ada);
    expect(message).toMatchObject({ forum_topic_created: { name: "Cats" }, is_topic_message: true });
    const asked = api.user.sendText(forum, ada, "why cats?", { threadId });
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
    const views = api.chat(forum).messages.map(({ replyTo, threadId: thread }) => [replyTo, thread]);
    expect(views).toEqual([
      [undefined, threadId],
      [undefined, threadId],
      [asked.message_id, threadId],
    ]);
    expect(api.user.createTopic(forum, "Bots", "bot").message.from).toMatchObject({ is_bot: true });
  });

  it("reply in a plain group, where a reply has a thread and is in no topic", async () => {
    await seed(api, call);
    const asked = api.user.sendText(group, ada, "@parley_bot hello");
    expect(asked.entities).toEqual([{ type: "mention", offset: 0, length: 11 }]);
    const replied = api.user.sendText(group, ada, "again", { replyTo: asked.message_id });
    expect(replied.message_thread_id).toBe(asked.message_id);
    expect(replied).not.toHaveProperty("is_topic_message");
    const sent = await call<Message>("sendMessage", { chat_id: group, text: "a", message_thread_id: asked.message_id });
    expect(sent).not.toHaveProperty("message_thread_id");
  });

  it("cannot do what nobody can", () => {
    const chatId = chatWith(0);
    expect(() => api.user.sendText(chatId, 5, "a")).toThrow(/not in chat/);
    expect(() => api.user.sendText(5, 5, "a")).toThrow(/no chat 5/);
    expect(() => api.user.sendText(chatId, ada, "  ")).toThrow(/empty/);
    expect(() => api.user.createTopic(chatId, "a", ada)).toThrow(/no topics/);
    expect(() => api.chat(5)).toThrow(/no chat 5/);
  });
});

describe("a fault", () => {
  const send = (text = "a") => post("sendMessage", { chat_id: ada, text });

  beforeEach(() => void chatWith(0));

  it("answers 429 with the time to wait, as often as it is told", async () => {
    api.faults.fail({ method: "sendMessage", times: 1, status: 429, retryAfter: 3 });
    expect(await send()).toEqual({
      status: 429,
      body: {
        ok: false,
        error_code: 429,
        description: "Too Many Requests: retry after 3",
        parameters: { retry_after: 3 },
      },
    });
    expect(await send()).toMatchObject({ status: 200 });
    expect(api.chat(ada).messages).toHaveLength(1);
  });

  it("strikes the calls that it names, until it is taken back", async () => {
    const end = api.faults.fail({ match: ({ params }) => params["text"] === "b", status: 500 });
    api.faults.fail({
      chatId: 2002,
      status: 400,
      description: "Bad Request: group chat was upgraded",
      parameters: { migrate_to_chat_id: -5 },
    });
    expect(await send("b")).toMatchObject({ status: 500, body: { description: "Internal Server Error" } });
    expect(await send("a")).toMatchObject({ status: 200 });
    end();
    expect(await send("b")).toMatchObject({ status: 200 });
    const moved = await post("sendMessage", { chat_id: 2002, text: "a" });
    expect(moved.body.parameters).toEqual({ migrate_to_chat_id: -5 });
    api.faults.clear();
    expect((await post("sendMessage", { chat_id: 2002, text: "a" })).body.description).toBe(
      "Bad Request: chat not found",
    );
  });

  it("cuts the connection before or after the effect", async () => {
    const bot = new Bot(token, { client: { apiRoot: api.url } });
    api.faults.fail({ cut: "before", times: 1 });
    await expect(bot.api.sendMessage(ada, "lost")).rejects.toThrow(HttpError);
    expect(api.chat(ada).messages).toEqual([]);
    api.faults.fail({ cut: "after", times: 1 });
    await expect(bot.api.sendMessage(ada, "unknown")).rejects.toThrow(HttpError);
    expect(api.chat(ada).messages.map(({ text }) => text)).toEqual(["unknown"]);
    await expect.poll(() => api.calls.map(({ status }) => status), patience).toEqual([0, 0]);
  });

  it("holds a call back, and may answer with a page of HTML", async () => {
    api.faults.fail({ hangMs: 200, times: 1 });
    const startedAt = performance.now();
    expect(await send()).toMatchObject({ status: 200 });
    expect(performance.now() - startedAt).toBeGreaterThan(180);
    api.faults.fail({ status: 502, html: true, times: 1 });
    const bot = new Bot(token, { client: { apiRoot: api.url } });
    await expect(bot.api.getMe()).rejects.toThrow(HttpError);
    api.faults.latencyMs = 100;
    const laterAt = performance.now();
    await send();
    expect(performance.now() - laterAt).toBeGreaterThan(90);
  });

  it("can be Telegram's flood limits, chat by chat", async () => {
    api.faults.floodLimit = true;
    const statuses: number[] = [];
    for (let index = 0; index < 7; index += 1) statuses.push((await send()).status);
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200]);
    expect(statuses).toContain(429);
    const bot = new Bot(token, { client: { apiRoot: api.url } });
    const refused = await bot.api.sendMessage(ada, "a").catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(GrammyError);
    expect((refused as GrammyError).parameters.retry_after).toBeGreaterThan(0);
    chatWith(0, 2002);
    expect(await post("sendMessage", { chat_id: 2002, text: "a" })).toMatchObject({ status: 200 });
  });
});
