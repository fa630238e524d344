import type { Transformer } from "grammy";
import type { Update } from "grammy/types";
import { beforeEach, describe, expect, it } from "vitest";
import type { ActiveUpdate, IncomingUpdate, ModelRequest, Store } from "../src/ports.ts";
import { createOutbox } from "../src/reply/outbox.ts";
import { createMemoryStore } from "../src/store/memory.ts";
import { createBot, type ParleyBot } from "../src/telegram/bot.ts";
import { commands } from "../src/telegram/commands.ts";
import type { BotDeps } from "../src/telegram/context.ts";
import { addressUpdate } from "../src/telegram/lanes.ts";
import { texts } from "../src/texts.ts";

const me = { id: 999, is_bot: true, first_name: "Parley", username: "parley_bot" } as Parameters<
  typeof createBot
>[0]["me"];
const ada = { id: 7, is_bot: false, first_name: "Ada" };
const mallory = { id: 66, is_bot: false, first_name: "Mallory" };
const chat = { id: 7, type: "private", first_name: "Ada" };
const group = { id: -100, type: "supergroup", title: "Family" };

interface Call {
  readonly method: string;
  readonly payload: Record<string, unknown>;
}

let store: Store;
let calls: Call[];
let requests: ModelRequest[];
let bot: ParleyBot;
let allowedUsers: Set<number>;
let nextId: number;

beforeEach(() => {
  store = createMemoryStore({ historyTtlSeconds: 3600 });
  [calls, requests, allowedUsers, nextId] = [[], [], new Set<number>(), 1];
  const log = { warn: () => undefined, debug: () => undefined };
  const outbox = createOutbox({
    log,
    onCall: () => undefined,
    onHold: () => undefined,
    spacing: { privateEditMs: 0, groupEditMs: 0, draftMs: 0 },
  });
  /** Stands for Telegram: takes every call and creates messages with growing ids. */
  const telegram: Transformer = async (_prev, method, payload) => {
    calls.push({ method, payload: payload as Record<string, unknown> });
    const creates = method.startsWith("send") && method !== "sendChatAction";
    return { ok: true, result: creates ? { message_id: 5000 + calls.length } : true } as never;
  };
  const deps: BotDeps = {
    store,
    models: {
      names: ["a/one", "b/two", "c/two"],
      async *answer(request) {
        requests.push(request);
        yield { type: "text-delta", text: `answer ${requests.length}` };
        yield { type: "answer-end", model: request.model, finish: "stop" };
      },
      cost: () => undefined,
    },
    outbox,
    observer: { firstText: () => undefined, turnEnded: () => undefined, usage: () => undefined },
    log,
    defaultPersona: "",
    historyLimits: { maxTokens: 1000, maxMessages: 20 },
    drafts: { enabled: () => false, refused: () => undefined },
    allowedUsers,
    admins: new Set([7]),
    figures: () => ({ requests: 3, errors: 1, p50Ms: 1200, p95Ms: undefined, uptimeSeconds: 3700 }),
    queueStats: async () => ({ waiting: 4, active: 1, delayed: 0, dead: 2, oldestWaitingMs: 1500 }),
    now: () => Date.now(),
  };
  bot = createBot({ token: "123456:test", me, client: { apiRoot: "http://127.0.0.1:9" }, transformer: telegram }, deps);
});

/** Brings an update the way it goes: addressed as ingress does, then handled as a worker does. */
async function arrive(update: object, job: Partial<ActiveUpdate> = {}): Promise<Call[]> {
  const whole = { update_id: nextId++, ...update } as Update;
  const allowed = (userId: number) => allowedUsers.size === 0 || allowedUsers.has(userId);
  const addressed = addressUpdate(whole, { me, allowed });
  if (addressed === undefined) throw new Error("the update is not addressed to the bot");
  const { conversation, lane, question } = addressed;
  const incoming: IncomingUpdate = {
    updateId: whole.update_id,
    conversation,
    lane,
    receivedAt: Date.now(),
    body: JSON.stringify(whole),
    ...(question === undefined ? {} : { question }),
  };
  const before = calls.length;
  await bot.handle({ ...incoming, attempt: 1, signal: new AbortController().signal, ...job });
  return calls.slice(before);
}

function message(text: string, parts: object = {}): object {
  const command = /^\/[\w@]+/.exec(text)?.[0];
  const entities =
    command === undefined ? {} : { entities: [{ type: "bot_command", offset: 0, length: command.length }] };
  return { message_id: nextId + 1000, date: 1_790_000_000, chat, from: ada, text, ...entities, ...parts };
}

const write = (text: string, parts: object = {}, job: Partial<ActiveUpdate> = {}) =>
  arrive({ message: message(text, parts) }, job);
const press = (data: string) =>
  arrive({
    callback_query: {
      id: "q",
      from: ada,
      chat_instance: "1",
      data,
      message: message("x", { from: me, message_id: 5001 }),
    },
  });
const said = (made: Call[]) =>
  made.filter(({ method }) => method === "sendMessage").map(({ payload }) => payload["text"] as string);

describe("every command", () => {
  it.each(commands.map(({ name }) => name))("/%s reaches its handler and never asks the model", async (name) => {
    for (const [text, parts] of [
      [`/${name}`, {}],
      [`/${name.toUpperCase()}@Parley_Bot`, { chat: group }],
    ] as const) {
      const made = await write(text, parts);
      expect(
        made.map(({ method }) => method),
        text,
      ).toContain("sendMessage");
      expect(said(made), text).not.toContain(texts.unknownCommand);
      expect(made[0]?.payload["chat_id"], text).toBe("chat" in parts ? -100 : 7);
    }
    expect(requests).toEqual([]);
  });

  it.each(commands.map(({ name }) => name).filter((name) => name !== "retry"))(
    "/%s asks the model nothing in the middle of a conversation, whatever follows it",
    async (name) => {
      await write("why?");
      expect((await write(`/${name} tell me about cats`)).length).toBeGreaterThan(0);
      expect(requests).toHaveLength(1);
      for (const { asked } of await store.readHistory("7")) expect(asked).toBe("why?");
    },
  );

  it("that nobody knows gets a pointer to /help, and is no question", async () => {
    expect(said(await write("/unknown"))).toEqual([texts.unknownCommand]);
    expect(requests).toEqual([]);
  });
});

describe("a command does what it says:", () => {
  it("/start names the model, /help every command", async () => {
    expect(said(await write("/start"))).toEqual([texts.start("a/one")]);
    const [help = ""] = said(await write("/help"));
    for (const { name, description } of commands) expect(help).toContain(`/${name}: ${description}`);
  });

  it("/new forgets the conversation and keeps its settings, /reset restores them, too", async () => {
    await write("why?");
    await write("/model b/two");
    await write("/system Be rude.");
    expect(said(await write("/new"))).toEqual([texts.newConversation]);
    expect(await store.readHistory("7")).toEqual([]);
    expect(await store.readSettings("7")).toEqual({ model: "b/two", persona: "Be rude." });
    await write("why?");
    expect(said(await write("/reset"))).toEqual([texts.reset("a/one")]);
    expect(await store.readHistory("7")).toEqual([]);
    expect(await store.readSettings("7")).toEqual({});
  });

  it("/model lists the models with the current one marked, or takes one by name", async () => {
    const [list] = await write("/model");
    const labels = JSON.stringify(list?.payload["reply_markup"]);
    for (const label of ['"✅ a/one"', '"b/two"', '"c/two"']) expect(labels).toContain(label);
    expect(said(await write("/model ONE"))).toEqual([texts.modelSet("a/one")]);
    expect(said(await write("/model two"))).toEqual([texts.unknownModel("two")]);
    expect(said(await write("/model c/two"))).toEqual([texts.modelSet("c/two")]);
    await write("why?");
    expect(requests[0]?.model).toBe("c/two");
  });

  it("/system sets a persona directly, or asks for one", async () => {
    expect(said(await write("/system Be rude."))).toEqual([texts.personaSaved]);
    expect(await store.readSettings("7")).toEqual({ persona: "Be rude." });
    expect(said(await write("/system"))).toEqual([texts.personaAsk("Be rude.")]);
    expect(said(await write("Be kind."))).toEqual([texts.personaPreview("Be kind.")]);
    expect(said(await press("persona:save"))).toEqual([texts.personaSaved]);
    expect(await store.readSettings("7")).toEqual({ persona: "Be kind." });
    expect(requests).toEqual([]);
  });

  it("/stop says when there is nothing to stop or what was dropped, and is silent when an answer says it itself", async () => {
    expect(said(await write("/stop"))).toEqual([texts.nothingToStop]);
    expect(said(await write("/stop", {}, { outcome: { aborted: true, dropped: 2 } }))).toEqual([texts.dropped(2)]);
    expect(await write("/stop", {}, { outcome: { aborted: true, dropped: 0 } })).toEqual([]);
  });

  it("/retry asks the last question again in a new message", async () => {
    expect(said(await write("/retry"))).toEqual([texts.nothingToRetry]);
    await write("why?");
    expect(said(await write("/retry"))).toEqual(["answer 2"]);
    expect(requests.map(({ messages }) => messages.map(({ content }) => content))).toEqual([["why?"], ["why?"]]);
    expect(await store.readHistory("7")).toMatchObject([{ asked: "why?", answered: "answer 2" }]);
    await write("/new");
    expect(said(await write("/retry"))).toEqual([texts.nothingToRetry]);
  });

  it("/stats shows the queue to admins only", async () => {
    const [mine = ""] = said(await write("/stats"));
    expect(mine).toContain("Requests: 3, errors: 1");
    expect(mine).toContain("1 h 1 min");
    expect(mine).toContain("Queue: 4 waiting");
    const [others = ""] = said(await write("/stats", { from: mallory, chat: { ...chat, id: 66 } }));
    expect(others).toContain("Requests: 3, errors: 1");
    expect(others).not.toContain("Queue");
  });

  it("/usage counts what its user alone has used", async () => {
    await write("why?");
    expect(said(await write("/usage"))[0]).toContain("In total: 1 answers");
    expect(said(await write("/usage", { from: mallory, chat: group, text: "/usage" }))[0]).toContain(
      "In total: 0 answers",
    );
  });

  it("/export sends the conversation as a file, or says that there is none", async () => {
    expect(said(await write("/export"))).toEqual([texts.exportEmpty]);
    await write("why?");
    expect((await write("/export")).map(({ method }) => method)).toEqual(["sendDocument"]);
  });
});

describe("while a dialog waits for its answer", () => {
  it.each(commands.filter(({ lane }) => lane === "turn").map(({ name }) => name))(
    "/%s ends it: what comes next is a question",
    async (name) => {
      await write("/system");
      await write(name === "system" ? "/system Be rude." : `/${name}`);
      await write("Be kind.");
      expect(requests.map(({ messages }) => messages.at(-1)?.content)).toEqual(["Be kind."]);
    },
  );

  it.each(commands.filter(({ lane }) => lane === "quick").map(({ name }) => name))(
    "/%s is answered and leaves it waiting",
    async (name) => {
      await write("/system");
      expect((await write(`/${name}`)).length).toBeGreaterThan(0);
      expect(said(await write("Be kind."))).toEqual([texts.personaPreview("Be kind.")]);
      expect(requests).toEqual([]);
    },
  );

  it("an update that is delivered again is neither its answer twice nor a question", async () => {
    await write("/system");
    const answer = { update_id: 500, message: message("Be kind.") };
    expect(said(await arrive(answer))).toEqual([texts.personaPreview("Be kind.")]);
    expect(await arrive(answer)).toEqual([]);
    await press("persona:cancel");
    expect(said(await arrive({ update_id: 600, message: message("why?") }))).toEqual(["answer 1"]);
  });
});

describe("what is refused", () => {
  it("is told with the seconds to wait, once, and asks no model", async () => {
    const refusal = { reason: "rate", tell: true, waitSeconds: 6 } as const;
    expect(said(await write("why?", {}, { lane: "quick", refusal }))).toEqual([texts.rateLimited(6)]);
    expect(await write("why?", {}, { lane: "quick", refusal: { ...refusal, tell: false } })).toEqual([]);
    expect(said(await write("why?", {}, { lane: "quick", refusal: { reason: "lane-full" } }))).toEqual([
      texts.laneFull,
    ]);
    expect(requests).toEqual([]);
  });

  it("comes from strangers: told their id once an hour, in a group only when they do not call a command", async () => {
    allowedUsers.add(7);
    const stranger = { from: mallory, chat: { ...chat, id: 66 } };
    expect(said(await write("/stats@parley_bot", { ...stranger, chat: group }))).toEqual([]);
    expect(said(await write("why?", stranger))).toEqual([texts.notAllowed(66)]);
    for (const text of ["why?", "/stats", "/new"]) expect(await write(text, stranger), text).toEqual([]);
    expect(requests).toEqual([]);
  });

  it("is what the bot cannot read, with one line about what it can", async () => {
    expect(said(await arrive({ message: { ...message(""), text: undefined, voice: {} } }))).toEqual([
      texts.unsupported,
    ]);
    expect(said(await write("@parley_bot", { chat: group }))).toEqual([texts.emptyMention]);
  });

  it("is an old button, which does not spin", async () => {
    for (const data of ["foreign", "stop:1", "model:gone"]) {
      const made = await press(data);
      expect(made[0]?.method, data).toBe("answerCallbackQuery");
      expect(made[0]?.payload["text"], data).toBeTruthy();
    }
    // What waits in the turn lane was answered when it arrived.
    expect((await press("persona:save")).map(({ method }) => method)).toEqual(["editMessageReplyMarkup"]);
    expect(requests).toEqual([]);
  });
});

describe("the quick lane", () => {
  it("never reaches the model, whatever is in it", async () => {
    await write("why?", {}, { lane: "quick" });
    await write("/retry", {}, { lane: "quick" });
    await write("/new", {}, { lane: "quick" });
    await arrive({ edited_message: message("when?") }, { lane: "quick" });
    expect(requests).toEqual([]);
  });
});

describe("an update that did not come through the queue", () => {
  it("is refused", async () => {
    const update = { update_id: 1, message: message("why?") } as unknown as Update;
    await expect(bot.bot.handleUpdate(update)).rejects.toThrow("handle()");
  });
});
