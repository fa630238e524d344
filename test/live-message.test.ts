import { GrammyError, HttpError } from "grammy";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLiveMessage, isVisible, type LiveMessageDeps } from "../src/reply/live-message.ts";
import type { Place } from "../src/reply/message-parts.ts";
import { createOutbox, type Outbox } from "../src/reply/outbox.ts";
import { texts } from "../src/texts.ts";

const spacing = { privateEditMs: 11, groupEditMs: 31, draftMs: 4 };

interface Call {
  readonly method: string;
  readonly id?: number;
  readonly text?: string;
  readonly options: Record<string, unknown>;
}

interface Shown {
  text: string;
  entities?: unknown;
  button: string | undefined;
}

let outbox: Outbox;
let calls: Call[];
/** What stands in the chat, as Telegram would show it. */
let chat: Map<number, Shown>;
let draft: string | undefined;
/** Decides on each call before it is carried out: an error to throw, or nothing. */
let fault: (call: Call) => Error | undefined;
let saved: (readonly [readonly number[], number | undefined])[];
let blocked: number[];
let refusedDrafts: number[];
let draftsEnabled: boolean;
let firstTexts: number;
let lastId: number;

function telegramError(error_code: number, description: string): GrammyError {
  return new GrammyError("refused", { ok: false, error_code, description }, "sendMessage", {});
}

const gone = () => telegramError(400, "Bad Request: message to edit not found");

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(100_000);
  outbox = createOutbox({ log: { warn: () => undefined }, onCall: () => undefined, onHold: () => undefined, spacing });
  [calls, saved, blocked, refusedDrafts] = [[], [], [], []];
  [chat, draft, fault, draftsEnabled, firstTexts, lastId] = [new Map(), undefined, () => undefined, false, 0, 100];
});

afterEach(() => {
  outbox.stop();
  vi.useRealTimers();
});

function buttonIn(options: Record<string, unknown>): string | undefined {
  const markup = options["reply_markup"] as { inline_keyboard: { callback_data: string }[][] } | undefined;
  return markup?.inline_keyboard[0]?.[0]?.callback_data;
}

/** Makes a call as Telegram would: it takes a moment, it may fail, and it changes the chat. */
async function carryOut<T>(call: Call, change: () => T): Promise<T> {
  calls.push(call);
  await new Promise((resolve) => setTimeout(resolve, 1));
  const error = fault(call);
  if (error !== undefined) throw error;
  if (call.method.startsWith("edit") && !chat.has(call.id ?? 0)) throw gone();
  if (call.method === "deleteMessage" && !chat.has(call.id ?? 0)) {
    throw telegramError(400, "Bad Request: message to delete not found");
  }
  return change();
}

function create(shown: Shown) {
  lastId++;
  chat.set(lastId, shown);
  draft = undefined;
  return { message_id: lastId };
}

const api = {
  sendMessage: (_chatId: number, text: string, options: Record<string, unknown>) =>
    carryOut({ method: "sendMessage", text, options }, () =>
      create({ text, entities: options["entities"], button: buttonIn(options) }),
    ),
  editMessageText: (_chatId: number, id: number, text: string, options: Record<string, unknown>) =>
    carryOut({ method: "editMessageText", id, text, options }, () => {
      const next = { text, entities: options["entities"], button: buttonIn(options) };
      if (JSON.stringify(next) === JSON.stringify(chat.get(id)))
        throw new Error("an edit that changes nothing was sent");
      chat.set(id, next);
      return true;
    }),
  editMessageReplyMarkup: (_chatId: number, id: number, options: Record<string, unknown>) =>
    carryOut({ method: "editMessageReplyMarkup", id, options }, () => {
      const former = chat.get(id);
      if (former?.button === buttonIn(options)) throw new Error("a button that is there already was sent");
      if (former !== undefined) chat.set(id, { ...former, button: buttonIn(options) });
      return true;
    }),
  deleteMessage: (_chatId: number, id: number) =>
    carryOut({ method: "deleteMessage", id, options: {} }, () => chat.delete(id)),
  sendDocument: (_chatId: number, _file: unknown, options: Record<string, unknown>) =>
    carryOut({ method: "sendDocument", options }, () => create({ text: "[file]", button: undefined })),
  sendChatAction: (_chatId: number, _action: string, options: Record<string, unknown>) =>
    carryOut({ method: "sendChatAction", options }, () => true),
  sendMessageDraft: (_chatId: number, id: number, text: string, options: Record<string, unknown>) =>
    carryOut({ method: "sendMessageDraft", id, text, options }, () => {
      draft = text;
      return true;
    }),
} as unknown as LiveMessageDeps["api"];

function open(place: Partial<Place> = {}) {
  return createLiveMessage(
    {
      api,
      outbox,
      log: { warn: () => undefined, debug: () => undefined },
      drafts: { enabled: () => draftsEnabled, refused: (chatId) => void refusedDrafts.push(chatId) },
      saveMessages: async (messages, file) => void saved.push([messages, file]),
      onBlocked: async (chatId) => void blocked.push(chatId),
      onFirstText: () => firstTexts++,
    },
    { chatId: 7, question: 50, run: 81, messages: [], resumed: true, ...place },
  );
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const all = (method: string) => calls.filter((call) => call.method === method);
const messages = () => [...chat.values()].map(({ text, button }) => [text, button]);

/** Waits for the end while time goes on. */
async function until<T>(work: Promise<T>): Promise<T> {
  let settled = false;
  const mark = () => {
    settled = true;
  };
  work.then(mark, mark);
  for (let i = 0; i < 1000 && !settled; i++) await pass(10);
  return await work;
}

/** Puts messages of a former run into the chat. */
function standing(...shown: [string, string | undefined][]): number[] {
  return shown.map(([text, button]) => create({ text, button }).message_id);
}

const long = (words: number) => Array.from({ length: words }, (_, i) => `word${i}`).join(" ");

describe("an answer that is edited", () => {
  it("types, shows the first text at once with Stop, grows in place and ends with its button", async () => {
    const screen = open();
    await pass(2);
    expect(calls.map(({ method }) => method)).toEqual(["sendChatAction"]);
    screen.show("Hello");
    await pass(1);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(saved).toEqual([[[101], undefined]]);
    screen.show("Hello wor");
    await pass(12);
    expect(messages()).toEqual([["Hello wor", "stop:81"]]);
    screen.show("Hello world");
    await until(screen.finish({ markdown: "Hello world!", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world!", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(1);
    expect(firstTexts).toBe(1);
  });

  it("shows the latest text only, at the pace of its chat", async () => {
    const screen = open();
    screen.show("0");
    await pass(5);
    for (let i = 1; i <= 40; i++) {
      screen.show(`0 ${i}`);
      await pass(1);
    }
    expect(all("editMessageText").length).toBeLessThanOrEqual(4);
    expect(all("editMessageText").length).toBeGreaterThanOrEqual(3);
    await pass(12);
    expect(messages()).toEqual([["0 40", "stop:81"]]);
  });

  it("shows nothing as long as there is nothing to read", async () => {
    const screen = open();
    for (const text of ["", " ", "\n\n", "**"]) {
      screen.show(text);
      await pass(20);
    }
    expect(all("sendMessage")).toHaveLength(0);
    expect(firstTexts).toBe(0);
  });

  it("does not send its end again when the preview shows all of it, only the button", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(0);
    expect(messages()).toEqual([["Hello", "again:50"]]);
  });

  it("sends nothing that is unchanged", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    for (let i = 0; i < 5; i++) {
      screen.show("Hello");
      await pass(20);
    }
    expect(calls.filter(({ method }) => method !== "sendChatAction")).toHaveLength(1);
  });

  it("does not let its end wait for spacing", async () => {
    const screen = open({ chatId: -7 });
    screen.show("Hello");
    await pass(3);
    screen.show("Hello wo");
    await pass(3);
    void screen.finish({ markdown: "Hello world" });
    await pass(4);
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("ends with its note below the text, or alone", async () => {
    await until(open().finish({ markdown: "half", note: texts.stopped, button: "retry" }));
    await until(open().finish({ markdown: "", note: texts.stopped, button: "retry" }));
    expect(messages()).toEqual([
      [`half\n\n${texts.stopped}`, "again:50"],
      [texts.stopped, "again:50"],
    ]);
  });

  it("answers the question in a group, in its topic, with its first message only", async () => {
    const screen = open({ chatId: -7, threadId: 12, replyTo: 50 });
    await until(screen.finish({ markdown: `${long(900)}\n\nend` }));
    const sent = all("sendMessage");
    expect(sent.length).toBeGreaterThan(1);
    expect(sent.map(({ options }) => "reply_parameters" in options)).toEqual([true, ...sent.slice(1).map(() => false)]);
    for (const { options } of [...sent, ...all("sendChatAction")]) expect(options["message_thread_id"]).toBe(12);
  });

  it("says that it waits for a place, and replaces that by the first text, which counts as the first", async () => {
    const screen = open();
    screen.waiting("ollama");
    await pass(5);
    expect(messages()).toEqual([[texts.waiting("ollama"), "stop:81"]]);
    expect(firstTexts).toBe(0);
    screen.show("Hello");
    await pass(20);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(firstTexts).toBe(1);
    screen.waiting("ollama");
    await pass(20);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });

  it("types every four seconds until the first text", async () => {
    const screen = open();
    await pass(8_500);
    expect(all("sendChatAction")).toHaveLength(3);
    screen.show("Hello");
    await pass(20_000);
    expect(all("sendChatAction")).toHaveLength(3);
  });
});

describe("a long answer", () => {
  it("goes on in further messages, with Stop below the last only", async () => {
    const screen = open();
    screen.show(long(300));
    await pass(5);
    screen.show(long(1200));
    await pass(100);
    expect(chat.size).toBeGreaterThan(1);
    const buttons = () => messages().map(([, button]) => button);
    expect(buttons()).toEqual([...Array(chat.size - 1).fill(undefined), "stop:81"]);
    await until(screen.finish({ markdown: long(1300), button: "regenerate" }));
    expect(buttons()).toEqual([...Array(chat.size - 1).fill(undefined), "again:50"]);
    expect(
      messages()
        .map(([text]) => text)
        .join(" "),
    ).toBe(long(1300));
    expect(saved.at(-1)?.[0]).toEqual([...chat.keys()]);
  });

  it("comes as a file besides when it takes more than five messages", async () => {
    await until(open().finish({ markdown: long(4_000) }));
    expect(all("sendMessage").length).toBeGreaterThan(5);
    expect(all("sendDocument")).toHaveLength(1);
    expect(saved.at(-1)).toEqual([[...chat.keys()].slice(0, -1), [...chat.keys()].at(-1)]);
  });

  it("of five messages or less comes without a file", async () => {
    await until(open().finish({ markdown: long(1_300) }));
    expect(all("sendDocument")).toHaveLength(0);
  });
});

describe("answering again in the same messages", () => {
  it("deletes the other leftovers when the last one was deleted before", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    chat.delete(ids[2] ?? 0);
    await pass(5);
    screen.show("new");
    await pass(60);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
  });
  it("deletes the other leftovers when the last one is deleted meanwhile", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    await pass(5);
    screen.show("new");
    await pass(60);
    chat.delete(ids[2] ?? 0);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
  });
  it("takes a former run's Stop button away although the text comes at once", async () => {
    const ids = standing(["one", undefined], ["two", "stop:81"]);
    const screen = again(ids);
    screen.show("new");
    await pass(60);
    expect(messages()).toEqual([
      ["new", "stop:82"],
      ["two", undefined],
    ]);
  });

  const again = (ids: number[], shown?: Place["shown"]) =>
    open({ messages: ids, resumed: false, run: 82, ...(shown === undefined ? {} : { shown }) });

  it("turns the old button into Stop at once and writes over the text", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = again(ids, { markdown: "old", button: "regenerate" });
    await pass(5);
    expect(messages()).toEqual([["old", "stop:82"]]);
    screen.show("new");
    await pass(20);
    expect(messages()).toEqual([["new", "stop:82"]]);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(0);
  });

  it("deletes what is left of a longer former answer, at the end", async () => {
    const ids = standing(["one", undefined], ["two", undefined], ["three", "again:50"]);
    const screen = again(ids);
    await pass(5);
    expect([...chat.values()].map(({ button }) => button)).toEqual([undefined, undefined, "stop:82"]);
    screen.show("new");
    await pass(60);
    expect(chat.size).toBe(3);
    expect([...chat.values()].map(({ button }) => button)).toEqual(["stop:82", undefined, undefined]);
    await until(screen.finish({ markdown: "new answer", button: "regenerate" }));
    expect(messages()).toEqual([["new answer", "again:50"]]);
    expect(saved.at(-1)).toEqual([[ids[0]], undefined]);
  });

  it("replaces the file of a former answer, or deletes it", async () => {
    const ids = standing(["one", "again:50"]);
    const { message_id } = create({ text: "[file]", button: undefined });
    await until(open({ messages: ids, file: message_id, resumed: false }).finish({ markdown: "short" }));
    expect(messages()).toEqual([["short", undefined]]);
    expect(saved.at(-1)).toEqual([ids, undefined]);
  });

  it("sends nothing when the same answer comes again, but its button", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = again(ids, { markdown: "old", button: "regenerate" });
    screen.show("old");
    await pass(30);
    await until(screen.finish({ markdown: "old", button: "regenerate" }));
    expect(all("editMessageText")).toHaveLength(0);
    expect(messages()).toEqual([["old", "again:50"]]);
  });

  it("after a crash goes on in the message that exists, whose Stop button it has already", async () => {
    const ids = standing(["ha", "stop:81"]);
    const screen = open({ messages: ids });
    await pass(20);
    expect(all("editMessageReplyMarkup")).toHaveLength(0);
    screen.show("half");
    await pass(20);
    await until(screen.finish({ markdown: "half of it", button: "regenerate" }));
    expect(messages()).toEqual([["half of it", "again:50"]]);
    expect(all("sendMessage")).toHaveLength(0);
  });

  it("never drafts: its messages exist", async () => {
    draftsEnabled = true;
    const screen = again(standing(["old", "again:50"]));
    screen.show("new");
    await pass(30);
    expect(all("sendMessageDraft")).toHaveLength(0);
    expect(messages()).toEqual([["new", "stop:82"]]);
  });
});

describe("Telegram's answers", () => {
  it("a message that was deleted is continued in a new one", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    chat.clear();
    screen.show("Hello wor");
    await pass(30);
    expect(messages()).toEqual([["Hello wor", "stop:81"]]);
    chat.clear();
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
    expect(saved.at(-1)?.[0]).toEqual([103]);
  });

  it("'not modified' is success", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    let once = true;
    fault = ({ method }) => {
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
    fault = ({ method }) => {
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
    fault = ({ options }) =>
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
    fault = ({ method }) => (method === "sendMessage" ? telegramError(400, "Bad Request: CHAT_RESTRICTED") : undefined);
    const screen = open();
    screen.show("**bold**");
    await pass(30);
    expect(screen.gone.aborted).toBe(true);
    await until(screen.finish({ markdown: "**bold**" }));
    expect(all("sendMessage")).toHaveLength(2);
  });

  it("403 marks the chat and ends the turn, during the answer", async () => {
    fault = ({ method }) =>
      method === "sendMessage" ? telegramError(403, "Forbidden: bot was blocked by the user") : undefined;
    const screen = open();
    screen.show("Hello");
    await pass(5);
    expect(screen.gone.aborted).toBe(true);
    expect(blocked).toEqual([7]);
    screen.show("Hello world");
    await pass(50);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(all("sendMessage")).toHaveLength(1);
  });

  it("403 marks the chat and ends the turn, at its end and while typing", async () => {
    fault = () => telegramError(403, "Forbidden: bot was kicked from the supergroup chat");
    const typing = open();
    await pass(5);
    expect(typing.gone.aborted).toBe(true);
    fault = ({ method }) => (method === "sendMessage" ? telegramError(403, "Forbidden") : undefined);
    const screen = open();
    await until(screen.finish({ markdown: "x" }));
    expect(screen.gone.aborted).toBe(true);
    expect(blocked).toEqual([7, 7]);
  });

  it("a preview that fails on the way is tried again with the newest text", async () => {
    const screen = open();
    let failures = 2;
    fault = ({ method }) =>
      method === "sendMessage" && failures-- > 0 ? new HttpError("broken", new Error("ECONNRESET")) : undefined;
    screen.show("Hello");
    await pass(100);
    screen.show("Hello world");
    await pass(2_000);
    expect(messages()).toEqual([["Hello world", "stop:81"]]);
    expect(all("sendMessage").map(({ text }) => text)).toEqual(["Hello", "Hello world", "Hello world"]);
  });

  it("an end that could not be delivered reaches the caller", async () => {
    fault = ({ method }) => (method === "sendMessage" ? telegramError(502, "Bad Gateway") : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toMatchObject({ error_code: 502 });
    fault = ({ method }) => (method === "sendMessage" ? new HttpError("broken", new Error("reset")) : undefined);
    await expect(until(open().finish({ markdown: "x" }))).rejects.toBeInstanceOf(HttpError);
  });
});

describe("an answer that is drafted", () => {
  beforeEach(() => {
    draftsEnabled = true;
  });

  it("shows drafts with Telegram's own Stop, and one message at the end", async () => {
    const screen = open({ threadId: 12 });
    screen.show("Hello");
    await pass(2);
    expect(draft).toBe("Hello");
    screen.show("Hello wor");
    await pass(10);
    expect(draft).toBe("Hello wor");
    expect(chat.size).toBe(0);
    expect(firstTexts).toBe(1);
    for (const { id, options } of all("sendMessageDraft")) {
      expect([id, options["can_stop"], options["message_thread_id"]]).toEqual([81, true, 12]);
    }
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    expect(messages()).toEqual([["Hello world", "again:50"]]);
    const methods = calls.map(({ method }) => method);
    expect(methods.lastIndexOf("sendMessageDraft")).toBeLessThan(methods.indexOf("sendMessage"));
  });

  it("is kept alive while the model is silent, and not after the end", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(10);
    expect(all("sendMessageDraft")).toHaveLength(1);
    await pass(20_010);
    expect(all("sendMessageDraft")).toHaveLength(2);
    await pass(20_010);
    expect(all("sendMessageDraft")).toHaveLength(3);
    await until(screen.finish({ markdown: "Hello" }));
    await pass(60_000);
    expect(all("sendMessageDraft")).toHaveLength(3);
  });

  it("goes on by edits where Telegram refuses drafts, and tells so", async () => {
    fault = ({ method }) => (method === "sendMessageDraft" ? telegramError(400, "Bad Request: no") : undefined);
    const screen = open();
    screen.show("**Hello**");
    await pass(40);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(all("sendMessage")[0]?.options["entities"]).toHaveLength(1);
    expect(refusedDrafts).toEqual([7]);
    screen.show("**Hello** world");
    await pass(40);
    expect(all("sendMessageDraft")).toHaveLength(1);
  });

  it("goes on by edits when drafts keep failing on the way", async () => {
    fault = ({ method }) => (method === "sendMessageDraft" ? telegramError(500, "Internal") : undefined);
    const screen = open();
    screen.show("Hello");
    await pass(10_000);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(all("sendMessageDraft")).toHaveLength(3);
    expect(refusedDrafts).toEqual([]);
  });

  it("never happens in a group", async () => {
    const screen = open({ chatId: -7 });
    screen.show("Hello");
    await pass(5);
    expect(all("sendMessageDraft")).toHaveLength(0);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
  });

  it("sends what overflows as messages and drafts the rest", async () => {
    const screen = open();
    screen.show(long(900));
    await pass(30);
    expect(chat.size).toBe(1);
    expect([...chat.values()][0]?.button).toBeUndefined();
    expect(`${[...chat.values()][0]?.text} ${draft}`).toBe(long(900));
  });
});

describe("after the end", () => {
  it("nothing is sent, whatever is shown", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    await until(screen.finish({ markdown: "Hello world", button: "regenerate" }));
    const count = calls.length;
    screen.show("Hello again");
    screen.waiting("ollama");
    await pass(60_000);
    expect(calls).toHaveLength(count);
  });

  it("a preview that was on its way has arrived before the final text", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(20);
    screen.show("Hello wor");
    await pass(11);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("a first message that was on its way is the one that the final text is written into", async () => {
    const screen = open();
    await pass(5);
    screen.show("Hello");
    await pass(0);
    expect(all("sendMessage")).toHaveLength(1);
    await until(screen.finish({ markdown: "Hello world" }));
    expect(messages()).toEqual([["Hello world", undefined]]);
  });

  it("no timer is left behind", async () => {
    const screen = open();
    screen.show("Hello");
    await until(screen.finish({ markdown: "Hello world" }));
    await pass(20);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("leaving", () => {
  it("leaves what is shown as it is, and sends nothing more", async () => {
    const screen = open();
    screen.show("Hello");
    await pass(5);
    screen.show("Hello wor");
    await until(screen.leave());
    const count = calls.length;
    screen.show("Hello world");
    await pass(30_000);
    expect(calls).toHaveLength(count);
    expect(messages()).toEqual([["Hello", "stop:81"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("with Retry changes the button alone", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = open({ messages: ids, resumed: false, shown: { markdown: "old", button: "regenerate" } });
    await pass(5);
    await until(screen.leave("retry"));
    expect(messages()).toEqual([["old", "again:50"]]);
    expect(all("editMessageText")).toHaveLength(0);
  });

  it("survives that the message is gone", async () => {
    const ids = standing(["old", "again:50"]);
    const screen = open({ messages: ids, resumed: false });
    await pass(5);
    chat.clear();
    await until(screen.leave("retry"));
    expect(chat.size).toBe(0);
  });

  it("of a screen that showed nothing sends nothing", async () => {
    const screen = open();
    await until(screen.leave("retry"));
    expect(calls.map(({ method }) => method)).toEqual(["sendChatAction"]);
  });
});

describe("whether there is anything to see", () => {
  it.each(["a", "1", "**x**", "👍", "```\ncode\n```", "…", `${" ".repeat(3000)}x`])("%j can be seen", (markdown) => {
    expect(isVisible(markdown)).toBe(true);
  });

  it.each(["", " \n\t", "\u200b\u200d", "\u2800", "> \n>", "\ufe0f", "```\n\n```"])("%j cannot be seen", (markdown) => {
    expect(isVisible(markdown)).toBe(false);
  });
});
