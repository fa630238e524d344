/** A question's way through queue and store: what it costs, and that what comes along with its lane is right. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { beatScript, sweepScript } from "../../../src/engines/redis/upkeep-scripts.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { ActiveUpdate } from "../../../src/ports/queue.ts";
import type { Exchange, Store } from "../../../src/ports/store.ts";
import type { Turn } from "../../../src/ports/turns.ts";
import { eventually, idle, question, update } from "../../contracts/queue-probe.ts";
import { findRedis } from "../../support/redis-server.ts";
import { openLink } from "../../support/redis-state.ts";

const redis = await findRedis();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const exchanges = 5;
const hourMs = 3_600_000;

async function open({ now = Date.now } = {}) {
  const { link, close } = await openLink(redis.url);
  closing.push(close);
  const queue = createRedisQueue({ link, exchanges });
  closing.push(() => queue.stop());
  const store = createRedisStore({ link, historyTtlSeconds: 3_600, noteWords: () => "", now });
  /** Hands each update to `handle`, with the store as a handler has it. */
  function consume(handle: (update: ActiveUpdate, guarded: Store) => Promise<void>): void {
    const limits = { turnSlots: 10, quickSlots: 10, maxFailures: 1, maxCrashes: 1 };
    queue.consume((one) => handle(one, store.guardedBy(one.lease)), {
      ...limits,
      backoffMs: () => 0,
      onDead: async ({ reason }) => expect.fail(reason),
    });
  }
  return { link, queue, store, consume };
}

const conversation = "a";
const ASKED = textParts("How?");

function turnOf(update: ActiveUpdate): Turn {
  const question = update.question ?? 0;
  const asked = ASKED;
  return { conversation, question, root: question, run: update.updateId, state: "writing", asked, messages: [] };
}

function exchangeOf({ question }: Turn): Exchange {
  return { question, asked: ASKED, answered: `answer ${question}`, tokens: 3, at: Date.now() };
}

/** What the bot asks of its store for a question. */
async function answer(one: ActiveUpdate, guarded: Store): Promise<void> {
  const turn = turnOf(one);
  await guarded.newestTurn(conversation);
  await guarded.readTurn(conversation, turn.question);
  await guarded.beginTurn(turn);
  await Promise.all([guarded.readSettings(conversation), guarded.readConversation(conversation, exchanges)]);
  await one.lease?.hold();
  await guarded.setTurnMessages(conversation, turn.question, turn.run, [turn.question + 500]);
  await guarded.finishTurn({ ...turn, state: "answered", outcome: "complete" }, exchangeOf(turn), []);
  await guarded.closeTurn(conversation, turn.question, turn.run);
}

/** Scripts and other commands of this connection from now on, heartbeat and sweep left out. */
function countCommands({ commands }: RedisLink) {
  const sent: string[] = [];
  const send = commands.sendCommand.bind(commands);
  vi.spyOn(commands, "sendCommand").mockImplementation((command, ...rest) => {
    const upkeep = [beatScript, sweepScript].includes(String(command.args[0]));
    if (!upkeep && command.name !== "hgetall") sent.push(command.name);
    return send(command, ...rest);
  });
  return sent;
}

describe.skipIf(redis.missing !== undefined)(redis.title("a question's way through Redis"), () => {
  it("is six scripts from its enqueueing to its end, and no other command", async () => {
    const { link, queue, consume, store } = await open();
    const done: number[] = [];
    consume(async (one, guarded) => {
      await answer(one, guarded);
      done.push(one.updateId);
    });
    await queue.enqueue(question(1));
    await eventually(() => expect(done).toEqual([1]));
    await idle(queue);
    const sent = countCommands(link);
    await queue.enqueue(question(2));
    await eventually(() => expect(done).toEqual([1, 2]));
    await eventually(() => expect(sent.length).toBeGreaterThanOrEqual(6));
    expect(sent).toEqual(Array(6).fill("eval"));
    vi.restoreAllMocks();
    await eventually(async () => expect((await store.readTurn(conversation, 1_002))?.state).toBe("done"));
  });

  it("brings along what the conversation has, as it would be read", async () => {
    const { queue, consume, store, link } = await open();
    consume(answer);
    for (const id of [1, 2, 3, 4, 5, 6, 7]) await queue.enqueue(question(id));
    await store.setSetting(conversation, "model", "a/one");
    await idle(queue);
    const work = { until: 5, token: "t", failures: 0, boundary: 0 };
    await store.replaceSummary(conversation, undefined, { work });
    const seen: unknown[] = [];
    const met = Promise.withResolvers<void>();
    await queue.stop();
    const second = createRedisQueue({ link, exchanges });
    closing.push(() => second.stop());
    const limits = { turnSlots: 10, quickSlots: 10, maxFailures: 1, maxCrashes: 1 };
    const handler = async (one: ActiveUpdate) => {
      const guarded = store.guardedBy(one.lease);
      for (const from of [guarded, store]) {
        seen.push({
          settings: await from.readSettings(conversation),
          newest: await from.newestTurn(conversation),
          own: await from.readTurn(conversation, one.question ?? 0),
          known: await from.readConversation(conversation, exchanges),
        });
      }
      met.resolve();
    };
    second.consume(handler, { ...limits, backoffMs: () => 0, onDead: async () => undefined });
    // An edit of the last question but one: its own turn is there, and not the newest.
    await second.enqueue(question(20, { question: 1_006 }));
    await met.promise;
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]).toMatchObject({
      settings: { model: "a/one" },
      newest: { question: 1_007 },
      own: { question: 1_006 },
    });
    expect(seen[0]).toMatchObject({ known: { history: { length: exchanges }, summary: { work } } });
    await idle(second);
  });

  it("brings along nothing of a conversation that has expired", async () => {
    let offset = 0;
    const { queue, consume } = await open({ now: () => Date.now() + offset });
    const met: unknown[] = [];
    consume(async (one, guarded) => {
      if (one.updateId === 1) return await answer(one, guarded);
      met.push(await guarded.newestTurn(conversation), await guarded.readConversation(conversation, exchanges));
    });
    await queue.enqueue(question(1));
    await idle(queue);
    offset = 2 * hourMs;
    await queue.enqueue(question(2));
    await eventually(() => expect(met).toEqual([undefined, { history: [], summary: undefined }]));
    await idle(queue);
  });

  it("knows of what was written after its lane was taken", async () => {
    const { queue, consume, store } = await open();
    const met: unknown[] = [];
    consume(async (one, guarded) => {
      if (one.lane === "quick") return await guarded.setSetting(conversation, "model", "a/two");
      met.push(await guarded.readTurn(conversation, turnOf(one).question));
      await guarded.beginTurn(turnOf(one));
      met.push((await guarded.readTurn(conversation, turnOf(one).question))?.run);
      met.push(await guarded.readSettings(conversation));
      await queue.enqueue(update(2, { lane: "quick" }));
      await eventually(async () => expect((await store.readSettings(conversation)).model).toBe("a/two"));
      met.push(await guarded.readSettings(conversation));
      await guarded.finishTurn({ ...turnOf(one), state: "answered" }, exchangeOf(turnOf(one)), []);
      met.push((await guarded.readHistory(conversation, exchanges)).length);
    });
    await queue.enqueue(question(1));
    await idle(queue);
    expect(met).toEqual([undefined, 1, {}, { model: "a/two" }, 1]);
  });

  it("leaves a turn whose end a crash cut off as one that is to be shown again", async () => {
    const { queue, consume, store } = await open();
    const reached = Promise.withResolvers<void>();
    const holding = Promise.withResolvers<void>();
    consume(async (one, guarded) => {
      await answer(one, guarded);
      reached.resolve();
      await holding.promise;
    });
    await queue.enqueue(question(1));
    await reached.promise;
    expect((await store.readTurn(conversation, 1_001))?.state).toBe("answered");
    holding.resolve();
    await eventually(async () => expect((await store.readTurn(conversation, 1_001))?.state).toBe("done"));
    await idle(queue);
  });
});
