/** The chain of handlers over a store in memory, a Telegram that takes everything, and a model that counts its answers. */
import type { Transformer } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import { beforeEach } from "vitest";
import { createInHand } from "../../src/base/in-hand.ts";
import type { Logger } from "../../src/base/log.ts";
import type { AnswerCache } from "../../src/chat/answer-cache.ts";
import type { Budgets } from "../../src/chat/limits.ts";
import type { SummaryOrder } from "../../src/chat/summaries.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import type { AnswerEnd } from "../../src/chat/turn-end.ts";
import { createMemoryDirectory } from "../../src/engines/memory/directory.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { ModelEvent, ModelRequest } from "../../src/ports/models.ts";
import type { Finding } from "../../src/ports/operators.ts";
import type { ActiveUpdate, DeadUpdate } from "../../src/ports/queue.ts";
import type { IncomingUpdate } from "../../src/ports/updates.ts";
import { createOutbox, type Outbox } from "../../src/screen/outbox.ts";
import { createArrivals } from "../../src/telegram/arrivals.ts";
import { createBot, type ParleyBot } from "../../src/telegram/bot.ts";
import type { BotDeps } from "../../src/telegram/context.ts";
import { allowedBy } from "../../src/telegram/senders.ts";
import { textsFor } from "../../src/texts/texts.ts";
import { capabilities } from "./capable.ts";
import { inWords, type Worded } from "./messages.ts";

const me = { id: 999, is_bot: true, first_name: "Parley", username: "parley_bot" } as UserFromGetMe;
const identity = { me, recheck: async () => undefined };
export const ada = { id: 7, is_bot: false, first_name: "Ada" };
export const mallory = { id: 66, is_bot: false, first_name: "Mallory" };
export const chat = { id: 7, type: "private", first_name: "Ada" };
export const group = { id: -100, type: "supergroup", title: "Family" };

interface Call {
  readonly method: string;
  readonly payload: Record<string, unknown>;
}

/** The texts of the messages that were sent. */
export const said = (made: Call[]) =>
  made.filter(({ method }) => method === "sendMessage").map(({ payload }) => payload["text"] as string);

function emptyScene() {
  return {
    store: createMemoryStore({ historyTtlSeconds: 3600 }),
    directory: createMemoryDirectory(),
    calls: [] as Call[],
    requests: [] as (Omit<ModelRequest, "messages"> & { readonly messages: readonly Worded[] })[],
    /** Pictures that were fetched, by their `uniqueId`. */
    fetched: [] as string[],
    /** What Telegram answers to a call, if anything but that it is done. */
    answer: (_call: Call): object | undefined => undefined,
    textsFor,
    admins: new Set([7]),
    access: { allowed: new Set<number>(), allowedChats: new Set<number>() },
    /** Conversations that were to be summarised; nobody does it. */
    summarised: [] as SummaryOrder[],
    newTopicAfterMs: 0,
    names: ["a/one", "b/two", "c/two"] as readonly string[],
    /** By the model that they stand behind. */
    behind: {} as Readonly<Record<string, readonly string[]>>,
    /** Is offered where `names` has its name. */
    auto: { name: "auto", models: { cheap: "a/one", strong: "b/two" } },
    /** Lines of the log but for debug: what they say, with their fields. */
    logged: [] as Record<string, unknown>[],
    /** What happens between the model's text and its end. */
    meanwhile: async (): Promise<void> => undefined,
    /** How the model's answers end. */
    finish: "stop" as AnswerEnd["finish"],
    dead: [] as DeadUpdate[],
    budgets: {} as Budgets,
    answerCache: undefined as AnswerCache | undefined,
    brush: undefined as BotDeps["brush"],
    tools: undefined as BotDeps["tools"],
    memory: { mayBeTold: () => true } as BotDeps["memory"],
    /** What the model does call by call; behind them it counts. */
    scripts: [] as ModelEvent[][],
    /** How many answers had been kept from before. */
    cachedAnswers: 0,
    forgottenRates: [] as number[],
    /** What a look at everything finds. */
    findings: [{ state: "ok", about: "token", says: "@parley_bot" }] as readonly Finding[],
    nextId: 1,
  };
}

function logInto(lines: Record<string, unknown>[], ids: object): Logger {
  const write = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, message, ...ids, ...fields });
  return {
    debug: () => undefined,
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => logInto(lines, { ...ids, ...fields }),
  };
}

/** To be called at the top of a file: each of its tests begins with a bot that knows nobody. */
export function createBotScene() {
  const scene = emptyScene();
  let bot: ParleyBot | undefined;
  let outbox: Outbox | undefined;

  function open(): ParleyBot {
    const { store, directory } = scene;
    const log = logInto(scene.logged, {});
    outbox = createOutbox({
      log,
      onCall: () => undefined,
      onHold: () => undefined,
      spacing: { privateEditMs: 0, groupEditMs: 0, draftMs: 0 },
    });
    /** Creates messages with growing ids. */
    const telegram: Transformer = async (_prev, method, payload) => {
      const call = { method, payload: payload as Record<string, unknown> };
      scene.calls.push(call);
      const creates = method.startsWith("send") && method !== "sendChatAction";
      const done = { ok: true, result: creates ? { message_id: 5000 + scene.calls.length } : true };
      return (scene.answer(call) ?? done) as never;
    };
    return createBot(
      {
        token: "123456:test",
        identity,
        client: { apiRoot: "http://127.0.0.1:9" },
        transformer: () => telegram,
        admitted: telegram,
      },
      {
        store,
        directory,
        models: {
          get names() {
            return scene.names;
          },
          behind: (name) => scene.behind[name] ?? [],
          seeing: () => scene.names[0],
          get auto() {
            return scene.auto;
          },
          async *answer(request, signal) {
            scene.requests.push({ ...request, messages: inWords(request.messages) });
            const call = await request.payer?.open(request, signal);
            const script = scene.scripts.shift();
            if (script !== undefined) return yield* script;
            const text = `answer ${scene.requests.length}`;
            yield { type: "text-delta", text };
            call?.wrote(text);
            await scene.meanwhile();
            call?.close({ outcome: signal.aborted ? "stopped" : "complete", durationMs: 5 });
            if (signal.aborted) return;
            const { auto } = scene;
            const model = request.model === auto.name ? auto.models[request.tier ?? "cheap"] : request.model;
            yield { type: "answer-end", model, finish: scene.finish };
          },
          cost: () => undefined,
          capabilities: (model) => ({ ...capabilities(), sees: model === scene.names[0] }),
        },
        media: {
          async picture({ uniqueId, width, height }) {
            scene.fetched.push(uniqueId);
            return { type: "image", mime: "image/jpeg", data: Buffer.from(uniqueId), width, height };
          },
          async fitted(data) {
            return { type: "image", mime: "image/jpeg", data, width: 8, height: 6 };
          },
        },
        outbox,
        inHand: createInHand(),
        observer: {
          ...{ firstText: () => undefined, turnEnded: () => undefined, usage: () => undefined },
          answerCached: () => void scene.cachedAnswers++,
        },
        log,
        defaultPersona: "",
        tokenFactors: createTokenFactors(),
        get spending() {
          return { budgets: scene.budgets };
        },
        get answerCache() {
          return scene.answerCache;
        },
        get tools() {
          return scene.tools;
        },
        get memory() {
          return scene.memory;
        },
        get brush() {
          return scene.brush;
        },
        historyLimits: { maxTokens: 1000, maxMessages: 20 },
        summaries: { model: "a/one", begin: (order) => void scene.summarised.push(order) },
        get newTopicAfterMs() {
          return scene.newTopicAfterMs;
        },
        drafts: { enabled: () => false, refused: () => undefined },
        textsFor: (language) => scene.textsFor(language),
        allowed: (sender, chatId) => allowedBy(scene.access)(sender, chatId),
        admins: scene.admins,
        privacy: {
          ...{ conversationDays: 30, ledgerDays: 400, directoryDays: 400, deadDays: 30, shared: false },
          providers: [{ name: "a", host: "a.example", own: false }],
        },
        eraseDead: async (matches) => {
          const kept = scene.dead.filter((update) => !matches(update));
          return scene.dead.splice(0, Infinity, ...kept).length - kept.length;
        },
        forgetRates: async (userId) => void scene.forgottenRates.push(userId),
        figures: () => ({ requests: 3, errors: 1, p50Ms: 1200, p95Ms: undefined, uptimeSeconds: 3700 }),
        examine: async () => scene.findings,
        queueStats: async () => ({ waiting: 4, active: 1, delayed: 0, dead: 2, oldestWaitingMs: 1500 }),
        now: () => Date.now(),
      },
    );
  }

  beforeEach(() => {
    Object.assign(scene, emptyScene());
    bot = open();
  });

  /** Brings an update the way it goes: addressed as ingress does, then handled as a worker does. */
  async function arrive(update: object, job: Partial<ActiveUpdate> = {}): Promise<Call[]> {
    const { calls, store } = scene;
    const whole = { update_id: scene.nextId++, ...update } as Update;
    const api = { answerCallbackQuery: async () => true as const };
    const allowed = allowedBy(scene.access);
    const arrivals = createArrivals({
      ...{
        identity,
        inHand: createInHand(),
        allowed,
        admins: scene.admins,
        store,
        api,
        textsFor: (language) => scene.textsFor(language),
      },
      log: { debug: () => undefined },
    });
    const addressed = await arrivals.address(whole);
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
    await handle(incoming, job);
    return calls.slice(before);
  }

  /** Hands the chain what the queue has stored. */
  async function handle(incoming: IncomingUpdate, job: Partial<ActiveUpdate> = {}): Promise<void> {
    await bot?.handle({ ...incoming, attempt: 1, signal: new AbortController().signal, ...job });
  }

  function message(text: string, parts: object = {}): object {
    const command = /^\/[\w@]+/.exec(text)?.[0];
    const entities =
      command === undefined ? {} : { entities: [{ type: "bot_command", offset: 0, length: command.length }] };
    return { message_id: scene.nextId + 1000, date: 1_790_000_000, chat, from: ada, text, ...entities, ...parts };
  }

  return Object.assign(scene, {
    arrive,
    handle,
    /** Brings messages that the queue hands out together, in this order; the first of them leads. */
    async arriveTogether(messages: readonly object[], job: Partial<ActiveUpdate> = {}): Promise<Call[]> {
      const parts = messages.map((one) => {
        const updateId = scene.nextId++;
        const id = (one as { message_id: number }).message_id;
        return { updateId, message: id, body: JSON.stringify({ update_id: updateId, message: one }) };
      });
      const [leader] = parts;
      if (leader === undefined) return [];
      const { updateId, body, message: asks } = leader;
      const { id } = (messages[0] as { chat: { id: number } }).chat;
      const before = scene.calls.length;
      const place = { conversation: String(id), lane: "turn", question: asks, receivedAt: Date.now() } as const;
      const sorted = parts.toSorted((a, b) => a.message - b.message);
      await handle({ updateId, body, ...place }, { parts: sorted, ...job });
      return scene.calls.slice(before);
    },
    /** Telegram has asked to leave this chat alone for a while. */
    hold: (chatId: number) => outbox?.hold(chatId, 60_000),
    message,
    write: (text: string, parts: object = {}, job: Partial<ActiveUpdate> = {}) =>
      arrive({ message: message(text, parts) }, job),
    /** From now on these are the models. */
    offer(names: readonly string[]): void {
      scene.names = names;
    },
    press: (data: string, parts: object = {}) =>
      arrive({
        callback_query: {
          id: "q",
          from: ada,
          chat_instance: "1",
          data,
          message: message("x", { from: me, message_id: 5001, ...parts }),
        },
      }),
    /** Hands an update to the chain past the queue. */
    handleUnqueued: async (update: Update) => await bot?.bot.handleUpdate(update),
  });
}
