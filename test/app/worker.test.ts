import { Api } from "grammy";
import type { UserFromGetMe } from "grammy/types";
import { expect, it, vi } from "vitest";
import type { Engines } from "../../src/app/engines.ts";
import { createAppWorker } from "../../src/app/worker.ts";
import { createInHand } from "../../src/base/in-hand.ts";
import { createLogger } from "../../src/base/log.ts";
import { createMetrics } from "../../src/base/metrics.ts";
import { readConfig } from "../../src/config/config.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import { textParts } from "../../src/ports/content.ts";
import type { ConsumeOptions } from "../../src/ports/queue.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { createOutbox } from "../../src/screen/outbox.ts";
import { withStatus } from "../../src/screen/status-lines.ts";
import { createIdentity } from "../../src/telegram/identity.ts";
import { english as texts } from "../../src/texts/english.ts";
import { createScriptedLoop } from "../support/loop.ts";

const me = { id: 999, is_bot: true, first_name: "Parley", username: "parley_bot" } as UserFromGetMe;
const begun: Turn = {
  ...{
    conversation: "7",
    question: 30,
    root: 30,
    run: 9,
    state: "writing",
    asked: textParts("Tell me."),
    messages: [31, 32],
  },
};

/** A worker whose queue hands nothing out: what it would tell of dead updates, and the calls that it makes then. */
function createWorker(standing: object | true = true, store = createMemoryStore({ historyTtlSeconds: 3600 })) {
  const config = readConfig("start", { BOT_TOKEN: `1:${"a".repeat(30)}`, MODELS: "ollama/one" });
  const metrics = createMetrics();
  const log = createLogger({ level: "silent", secrets: [], pretty: false });
  const api = new Api("1:token");
  const calls: [string, object][] = [];
  const alerts: Alert[] = [];
  const fatal: string[] = [];
  api.config.use(async (_prev, method, payload) => {
    calls.push([method, payload]);
    return { ok: true, result: method === "editMessageReplyMarkup" ? standing : true } as never;
  });
  const consume = vi.fn((_handler: unknown, _options: ConsumeOptions) => ({ active: 0, drain: async () => 0 }));
  const worker = createAppWorker({
    ...{
      config,
      log,
      api,
      alerts: { raise: (alert: Alert) => void alerts.push(alert) },
      client: {},
      inHand: createInHand(),
      loop: createScriptedLoop().loop,
      metrics,
      watchModels: undefined,
      onFatal: (error: Error) => void fatal.push(error.message),
    },
    engines: { store, queue: { consume } } as unknown as Engines,
    outbox: createOutbox({ log, onCall: () => undefined, onHold: () => undefined }),
  });
  const identity = createIdentity({ me, getMe: async () => me, log });
  worker.start(identity);
  identity.stop();
  const onDead = consume.mock.calls[0]?.[1].onDead;
  const handle = consume.mock.calls[0]?.[0] as (job: object) => Promise<void>;
  return { store, metrics, calls, alerts, fatal, handle, onDead, stop: () => worker.stop(0) };
}

it.each([
  ["an answer", {}],
  ["what goes on with an answer", { question: 55, continues: { question: 30, length: 9 } }],
  ["the answer to a /retry", { question: 55 }],
])("when %s is given up, nothing is left to be stopped, and its user is told once", async (_what, change) => {
  const { store, calls, onDead, stop } = createWorker();
  await store.beginTurn({ ...begun, ...change });
  const job = { updateId: 9, conversation: "7", lane: "turn", receivedAt: 1, body: "{}", reason: "it broke" } as const;
  await onDead?.({ ...job, question: 30 });
  expect(calls.map(([method]) => method)).toEqual(["editMessageReplyMarkup", "sendMessage"]);
  expect(calls[0]?.[1]).toMatchObject({ chat_id: 7, message_id: 32 });
  expect(calls[1]?.[1]).toMatchObject({ text: texts.turnDied, reply_parameters: { message_id: 30 } });
  await stop();
});

it.each([
  ["half an answer", "editMessageText"],
  ["", "deleteMessage"],
])("when an answer is given up that shows %j, nothing says any more what it is at", async (text, method) => {
  const [shown] = withStatus([{ text, entities: [] }], [texts.thinking(35)]);
  const { store, calls, onDead, stop } = createWorker({ message_id: 32, text: shown?.text });
  await store.beginTurn(begun);
  const job = { updateId: 9, conversation: "7", lane: "turn", receivedAt: 1, body: "{}", reason: "it broke" } as const;
  await onDead?.({ ...job, question: 30 });
  expect(calls.map(([made]) => made)).toEqual(["editMessageReplyMarkup", method, "sendMessage"]);
  expect(calls[1]?.[1]).toMatchObject({ chat_id: 7, message_id: 32, ...(text === "" ? {} : { text }) });
  await stop();
});

it("what could not be loaded for one update is loaded for the next", async () => {
  vi.doMock("../../src/app/answering.ts", () => {
    throw new Error("too many open files");
  });
  const { handle, stop } = createWorker();
  const job = { updateId: 9, attempt: 1, body: "{}", signal: new AbortController().signal };
  await expect(handle(job)).rejects.toThrow();
  const handled = vi.fn(async () => {});
  vi.doMock("../../src/app/answering.ts", () => ({
    createAnswering: () => ({ handle: handled, leave() {}, stop: async () => {} }),
  }));
  await handle(job);
  expect(handled).toHaveBeenCalledWith(job);
  await stop();
  vi.doUnmock("../../src/app/answering.ts");
});

it("what can never be loaded ends the process, and leaves its updates to the next one", async () => {
  vi.doMock("../../src/app/answering.ts", () => ({
    createAnswering() {
      throw new SyntaxError("place.ts does not provide an export named 'placeOf'");
    },
  }));
  const { handle, fatal, stop } = createWorker();
  const abort = new AbortController();
  const settled = vi.fn();
  const handled = handle({ updateId: 9, attempt: 1, body: "{}", signal: abort.signal }).catch(settled);
  await vi.waitFor(() => expect(fatal).toEqual([expect.stringContaining("the bot cannot be loaded: place.ts")]));
  expect(settled).not.toHaveBeenCalled();
  abort.abort("shutdown");
  await handled;
  expect(settled).toHaveBeenCalled();
  await stop();
  vi.doUnmock("../../src/app/answering.ts");
});

it("when a question is given up that never began, the answer of another one is left alone", async () => {
  const { store, calls, alerts, onDead, stop } = createWorker();
  await store.beginTurn({ ...begun, run: 8 });
  await onDead?.({
    ...{ updateId: 9, conversation: "7", lane: "turn", receivedAt: 1, body: "{}" },
    question: 40,
    reason: "",
  });
  expect(calls.map(([method]) => method)).toEqual(["sendMessage"]);
  expect(alerts).toEqual([{ kind: "dead-update", updateId: 9 }]);
  await stop();
});

it("counts what a call has used whose process has died, when it is settled", async () => {
  const store = createMemoryStore({ historyTtlSeconds: 3600 });
  const at = Date.now();
  const lost = {
    ...{ userId: 7, chatId: 7, turn: 30, step: 1, attempt: 1, model: "ollama/one", at, durationMs: 5 },
    ...used,
  };
  await store.ledger.reserve({ id: "7/30", token: "t", userId: 7, chatId: 7, money: 0, tokens: 30, lost }, [], []);
  const { metrics, stop } = createWorker(true, store);
  await expect.poll(() => metrics.text()).toContain('parley_tokens_total{model="ollama/one",kind="output"} 20');
  expect(await metrics.text()).toContain('parley_tokens_total{model="ollama/one",kind="input"} 10');
  await stop();
});

const used = { inputTokens: 10, cachedTokens: 0, outputTokens: 20, estimated: true, outcome: "lost" } as const;
