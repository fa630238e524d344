/** What Telegram refuses, and what becomes of the answer then. */
import { HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { createScreenScene, long, pass, telegramError, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages } = scene;

describe("Telegram's answers", () => {
  it("a message that was deleted is continued in a new one", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    scene.chat.clear();
    screen.show("Hello wor");
    await pass(30);
    expect(messages()).toEqual([["Hello wor", "stop:81"]]);
    scene.chat.clear();
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
    expect(scene.saved.at(-1)?.[0]).toEqual([103]);
  });

  it("'not modified' is success", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    let once = true;
    scene.fault = ({ method }) => {
      if (method !== "editMessageText" || !once) return undefined;
      once = false;
      return telegramError(400, "Bad Request: message is not modified: specified new message content and …");
    };
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(1);
    expect(all("sendMessage")).toHaveLength(1);
  });

  it("'not modified' says nothing about the text that came while the call was on its way", async () => {
    const screen = open({ messages: [101] });
    let once = true;
    scene.fault = ({ method }) => {
      if (method !== "editMessageText" || !once) return undefined;
      once = false;
      screen.show("Hello world");
      return telegramError(400, "Bad Request: message is not modified: specified new message content and …");
    };
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(all("editMessageText").at(-1)).toMatchObject({ text: "Hello world" });
  });

  it("entities that it refuses are left out", async () => {
    scene.fault = ({ options }) =>
      "entities" in options ? telegramError(400, "Bad Request: can't parse entities") : undefined;
    const screen = open();
    screen.show("**bold** text");
    await pass(30);
    expect(messages()).toEqual([["bold text", "stop:81"]]);
    await until(screen.finish({ markdown: "**bold** text and *more*", button: "regenerate" }));
    expect(messages()).toEqual([["bold text and more", "again:50"]]);
    expect(screen.gone.aborted).toBe(false);
  });

  it("whatever it refuses without entities, too, ends the turn", async () => {
    scene.fault = ({ method }) =>
      method === "sendMessage" ? telegramError(400, "Bad Request: CHAT_RESTRICTED") : undefined;
    const screen = open();
    screen.show("**bold**");
    await pass(30);
    expect(screen.gone.aborted).toBe(true);
    await until(screen.finish({ markdown: "**bold**" }));
    expect(all("sendMessage")).toHaveLength(2);
  });

  it("403 marks the chat and ends the turn, during the answer", async () => {
    scene.fault = ({ method }) =>
      method === "sendMessage" ? telegramError(403, "Forbidden: bot was blocked by the user") : undefined;
    const screen = open();
    screen.show("Hello");
    await pass(5);
    expect(screen.gone.aborted).toBe(true);
    expect(scene.blocked).toEqual([7]);
    screen.show("Hello world");
    await pass(50);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(all("sendMessage")).toHaveLength(1);
  });

  it("403 marks the chat and ends the turn, at its end and while typing", async () => {
    scene.fault = () => telegramError(403, "Forbidden: bot was kicked from the supergroup chat");
    const typing = open();
    await pass(5);
    expect(typing.gone.aborted).toBe(true);
    scene.fault = ({ method }) => (method === "sendMessage" ? telegramError(403, "Forbidden") : undefined);
    const screen = open();
    await until(screen.finish({ markdown: "x" }));
    expect(screen.gone.aborted).toBe(true);
    expect(scene.blocked).toEqual([7, 7]);
  });

  it("a preview that fails on the way is tried again with the newest text", async () => {
    const screen = open();
    let failures = 2;
    scene.fault = ({ method }) =>
      method === "sendMessage" && failures-- > 0 ? new HttpError("broken", new Error("ECONNRESET")) : undefined;
    screen.show("Hello");
    await pass(100);
    screen.show("Hello world");
    await pass(2_000);
    expect(messages()).toEqual([["Hello world", "stop:81"]]);
    expect(all("sendMessage").map(({ text }) => text)).toEqual(["Hello", "Hello world", "Hello world"]);
  });

  it("an end that could not be delivered reaches the caller", async () => {
    scene.fault = ({ method }) => (method === "sendMessage" ? telegramError(502, "Bad Gateway") : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toMatchObject({ error_code: 502 });
    scene.fault = ({ method }) => (method === "sendMessage" ? new HttpError("broken", new Error("reset")) : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toBeInstanceOf(HttpError);
  });
});

const moved = () =>
  telegramError(400, "Bad Request: group chat was upgraded to a supergroup chat", { migrate_to_chat_id: -1007 });

describe("a group that becomes a supergroup in mid-answer", () => {
  it("has the answer go on there, in a message of its own that answers nothing", async () => {
    const screen = open({ chatId: -7, replyTo: 50 });
    screen.show("Hello");
    await pass(5);
    scene.fault = ({ chatId }) => (chatId === -7 ? moved() : undefined);
    screen.show("Hello wor");
    await pass(60);
    expect(scene.moved).toEqual([-1007]);
    expect(all("sendMessage").at(-1)).toMatchObject({ chatId: -1007, text: "Hello wor" });
    expect(all("sendMessage").at(-1)?.options).not.toHaveProperty("reply_parameters");
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([
      ["Hello", "stop:81"],
      // Ids of the former group are told from those of this one by their sign.
      ["Hello world", "again:-50"],
    ]);
    expect(scene.saved.map(([ids]) => ids)).toEqual([[101], [], [102]]);
    expect(all("editMessageText").at(-1)).toMatchObject({ chatId: -1007, id: 102 });
  });

  it("is followed where the outbox has sent a message already", async () => {
    const screen = open({ chatId: -7 });
    scene.sentTo = { chat: { id: -1007 } };
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(scene.moved).toEqual([-1007]);
    expect(all("editMessageText")).toMatchObject([{ chatId: -1007, id: 101 }]);
    expect(messages()).toEqual([["Hello world", "again:-50"]]);
  });

  it("has all messages of a long answer in their order there", async () => {
    const screen = open({ chatId: -7 });
    screen.show(long(300));
    await pass(60);
    scene.fault = ({ chatId, method }) => (chatId === -7 && method !== "sendMessage" ? moved() : undefined);
    scene.sentTo = { chat: { id: -1007 } };
    await until(screen.finish({ markdown: long(1000), button: "regenerate" }));
    const there = messages().slice(1);
    expect(there.map(([text]) => text).join(" ")).toBe(long(1000));
    expect(there.map(([, button]) => button)).toEqual([undefined, "again:-50"]);
  });
});

describe("a topic that is closed or gone", () => {
  const closed = ["Bad Request: TOPIC_CLOSED", "Bad Request: message thread not found", "Bad Request: TOPIC_DELETED"];

  it.each(closed)("is left by an answer that Telegram refuses there: %s", async (description) => {
    const screen = open({ chatId: -7, threadId: 3, replyTo: 50 });
    screen.show("Hello");
    await pass(5);
    scene.fault = ({ method, options }) =>
      method === "editMessageText" || "message_thread_id" in options ? telegramError(400, description) : undefined;
    screen.show("Hello wor");
    await pass(60);
    scene.fault = () => undefined;
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([
      ["Hello", "stop:81"],
      ["Hello world", "again:50"],
    ]);
    expect(all("sendMessage").at(-1)?.options).not.toHaveProperty("message_thread_id");
    expect(all("sendMessage").at(-1)?.options).not.toHaveProperty("reply_parameters");
  });

  it("is left by drafts, which go on as drafts", async () => {
    scene.draftsEnabled = true;
    scene.fault = ({ options }) => ("message_thread_id" in options ? telegramError(400, closed[1] ?? "") : undefined);
    const screen = open({ threadId: 3 });
    screen.show("Hello");
    await pass(30);
    screen.show("Hello wor");
    await pass(30);
    expect(scene.draft).toBe("Hello wor");
    expect(scene.refusedDrafts).toEqual([]);
    expect(all("sendMessageDraft").filter(({ options }) => "message_thread_id" in options)).toHaveLength(1);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
  });

  it("is left for good where the outbox has sent a message past it already", async () => {
    const screen = open({ chatId: -7, threadId: 3 });
    scene.sentTo = { chat: { id: -7 } };
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: long(1000), button: "regenerate" }));
    const threads = all("sendMessage").map(({ options }) => options["message_thread_id"]);
    expect(threads).toEqual([3, undefined]);
  });

  it("ends the answer when the chat takes no message without it, and says so once", async () => {
    scene.fault = ({ method }) => (method === "sendMessage" ? telegramError(400, closed[0] ?? "") : undefined);
    const screen = open({ chatId: -7, threadId: 3 });
    screen.show("Hello");
    await pass(60);
    expect(screen.gone.aborted).toBe(true);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(all("sendMessage")).toHaveLength(2);
    expect(scene.warnings).toEqual(["the topic is closed or gone, and the chat takes no message without it"]);
  });
});
