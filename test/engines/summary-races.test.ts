/** Summaries of one conversation, written while other things happen to it, in each engine. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { createSummaries, type Summaries, type SummariesDeps } from "../../src/chat/summaries.ts";
import { createSummaryPayment } from "../../src/chat/summary-payment.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import { textParts } from "../../src/ports/content.ts";
import { dayMs } from "../../src/ports/ledger.ts";
import type { ModelEvent, ModelRequest } from "../../src/ports/models.ts";
import type { Store } from "../../src/ports/store.ts";
import { capabilities } from "../support/capable.ts";
import { inWords } from "../support/messages.ts";
import { inEnglish } from "../support/note-words.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink } from "../support/redis-state.ts";

const redis = await findRedis();
const folder = mkdtempSync(join(tmpdir(), "parley-summary-races-"));
afterAll(() => rmSync(folder, { recursive: true }));

const ttlMs = 3_600_000;
const limits = { maxTokens: 1_000, maxMessages: 20 };
const user = 7;
const supergroup = "-1001234567890";

let files = 0;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

type Options = Parameters<typeof createMemoryStore>[0];

const engines: readonly (readonly [name: string, skip: boolean, open: (options: Options) => Promise<Store>])[] = [
  ["memory", false, async (options) => createMemoryStore(options)],
  [
    "sqlite",
    false,
    async (options) => {
      const database = createSqliteDatabase(join(folder, String(++files), "parley.db"));
      const store = createSqliteStore({ database, ...options });
      closing.push(async () => {
        await store.stop();
        await database.close();
      });
      return store;
    },
  ],
  [
    "redis",
    redis.missing !== undefined,
    async (options) => {
      const { link, close } = await openLink(redis.url);
      closing.push(close);
      return createRedisStore({ link, noteWords: inEnglish, ...options });
    },
  ],
];

async function scene(open: (options: Options) => Promise<Store>, { conversation = String(user), budget = false } = {}) {
  const clock = { now: Date.now() };
  const store = await open({ historyTtlSeconds: ttlMs / 1_000, now: () => clock.now });
  const requests: ModelRequest[] = [];
  const order = { conversation, userId: user, question: 9, limits };
  const tokenFactors = createTokenFactors();
  /** What happens while the model writes. */
  const script = { meanwhile: async () => {} };

  async function ask(
    question: number,
    words = `My number is ${question}.`,
    run = question,
    root = question,
  ): Promise<void> {
    const asked = textParts(words);
    const turn = { conversation, question, root, run, state: "writing", asked, messages: [] } as const;
    await store.beginTurn(turn);
    await store.finishTurn(turn, { question: root, asked, answered: "Noted.", tokens: 10, at: clock.now }, []);
    clock.now += 1_000;
  }

  const deps: SummariesDeps = {
    store,
    models: {
      capabilities,
      async *answer(request, signal): AsyncGenerator<ModelEvent> {
        requests.push(request);
        const call = await request.payer?.open({ model: "a/one", messages: request.messages }, signal);
        const facts = inWords(request.messages)[1]?.content.match(/(?:number is|called) \w+/g) ?? [];
        yield { type: "text-delta", text: [...new Set(facts)].map((fact) => `- ${fact}`).join("\n") };
        call?.wrote("some notes");
        await script.meanwhile();
        const usage = { inputTokens: 900, cachedTokens: 0, outputTokens: 100 };
        call?.close({ outcome: "complete", usage, durationMs: 5 });
        yield { type: "answer-end", model: "a/one", finish: "stop" };
      },
    },
    model: "a/one",
    log: { info: () => undefined, warn: () => undefined },
    paymentOf: (order) =>
      createSummaryPayment(
        {
          store,
          models: { cost: () => 0.5 },
          spending: { budgets: budget ? { "user-day": { unit: "tokens", amount: 1_000_000 } } : {} },
          tokenFactors,
          observer: { usage: () => undefined },
          now: () => clock.now,
        },
        "a/one",
        order,
      ),
    now: () => clock.now,
  };
  const worker = (change: Partial<SummariesDeps> = {}): Summaries => {
    const one = createSummaries({ ...deps, ...change });
    closing.push(() => one.stop());
    return one;
  };
  const write = async (one: Summaries, change = {}) => {
    one.begin({ ...order, ...change });
    await one.idle();
  };
  const day = Math.floor(clock.now / dayMs);
  return {
    ...{ store, clock, requests, script, ask, deps, worker, write, order },
    kept: async (id = conversation) => (await store.readConversation(id, 0)).summary,
    rows: () => Array.fromAsync(store.ledger.rows(day - 1, day + 1)),
    askNine: async () => {
      for (let question = 1; question <= 9; question++) await ask(question);
    },
  };
}

for (const [name, skip, open] of engines) {
  describe.skipIf(skip)(`a summary (${name}${skip ? `: ${redis.missing}` : ""})`, () => {
    it("is written by one of several workers", async () => {
      const { askNine, worker, order, requests, kept } = await scene(open);
      await askNine();
      const workers = [worker(), worker(), worker()];
      for (const one of workers) for (let n = 0; n < 3; n++) one.begin(order);
      await Promise.all(workers.map((one) => one.idle()));
      expect(requests).toHaveLength(1);
      expect((await kept())?.summary?.text).toContain("number is 8");
    });

    it("has nothing of a conversation that was forgotten after it was read and before the work was taken", async () => {
      const { askNine, ask, worker, write, requests, kept, store } = await scene(open);
      await askNine();
      let first = true;
      const late: Store = {
        ...store,
        async replaceSummary(...args) {
          if (first) {
            first = false;
            await store.forget(args[0]);
            for (let question = 21; question <= 29; question++) await ask(question);
          }
          return await store.replaceSummary(...args);
        },
      };
      await write(worker({ store: late }));
      for (const { messages } of requests) expect(inWords(messages)[1]?.content).not.toMatch(/number is [1-9]\b/);
      expect(JSON.stringify(await kept())).not.toMatch(/number is [1-9]\b/);
      await write(worker());
      expect((await kept())?.summary?.text).toContain("number is 28");
    });

    it.each([
      ["/new", (store: Store) => store.forget(String(user))],
      ["/delete", (store: Store) => store.eraseUser(user)],
    ] as const)("does not come back when %s came while it was written", async (_, forgets) => {
      const { askNine, ask, worker, write, kept, store, script } = await scene(open);
      await askNine();
      script.meanwhile = async () => {
        await forgets(store);
        script.meanwhile = async () => {};
      };
      await write(worker());
      expect(await kept()).toBeUndefined();
      for (let question = 21; question <= 29; question++) await ask(question);
      await write(worker());
      expect((await kept())?.summary?.text).toContain("number is 28");
      expect((await kept())?.summary?.text).not.toMatch(/number is [1-9]\b/);
    });

    it.each([false, true])("does not bring a deleted name back into the ledger (budgets: %s)", async (budget) => {
      const { askNine, worker, write, store, script, rows } = await scene(open, { budget });
      await askNine();
      script.meanwhile = async () => {
        await store.eraseUser(user);
        await store.ledger.erase(user, budget);
      };
      await write(worker());
      const found = await rows();
      expect(found).toHaveLength(1);
      expect(found.map(({ userId, chatId, turn }) => [userId, chatId, turn])).toEqual([[0, 0, 0]]);
    });

    it("never tells what a question said before it was edited or answered again", async () => {
      const { askNine, ask, worker, write, kept, script, requests } = await scene(open);
      await askNine();
      script.meanwhile = () => ask(9, "My cat is called Mo.", 100);
      await write(worker());
      script.meanwhile = async () => {};
      expect((await kept())?.summary?.text).toContain("number is 8");
      expect(inWords(requests[0]?.messages ?? [])[1]?.content).not.toContain("number is 9");
      for (let question = 10; question <= 20; question++) await ask(question);
      await write(worker());
      expect(requests).toHaveLength(2);
      expect((await kept())?.summary?.text).toContain("called Mo");
      expect((await kept())?.summary?.text).not.toContain("number is 9");
    });

    it("goes along when its group becomes a supergroup meanwhile", async () => {
      const { askNine, worker, write, kept, store, script } = await scene(open, { conversation: "-5" });
      await askNine();
      script.meanwhile = () => store.moveConversation("-5", supergroup);
      await write(worker());
      expect((await kept(supergroup))?.summary).toMatchObject({ from: -9, through: -8 });
      expect((await kept(supergroup))?.work).toBeUndefined();
      expect((await kept("-5"))?.summary).toMatchObject({ from: 9, through: 8 });
    });

    it("is not kept when the conversation has expired meanwhile", async () => {
      const { askNine, ask, worker, write, kept, script, clock } = await scene(open);
      await askNine();
      script.meanwhile = async () => {
        clock.now += ttlMs + 1;
      };
      await write(worker());
      expect(await kept()).toBeUndefined();
      await ask(30);
      expect(await kept()).toBeUndefined();
    });

    it("is what the worker wrote who has it now, not one who was away too long", async () => {
      const { askNine, worker, write, kept, script, clock, requests } = await scene(open);
      await askNine();
      script.meanwhile = async () => {
        script.meanwhile = async () => {};
        clock.now += 76_000;
        await write(worker());
        expect((await kept())?.summary?.model).toBe("a/one");
      };
      await write(worker({ model: "b/slow" }));
      expect(requests).toHaveLength(2);
      expect((await kept())?.summary?.model).toBe("a/one");
      expect((await kept())?.work).toBeUndefined();
    });

    it.each([false, true])(
      "that a dead process had begun is lost, and the next one is written (budgets: %s)",
      async (budget) => {
        const { askNine, worker, order, write, kept, script, clock, rows, store, deps } = await scene(open, { budget });
        await askNine();
        const asked = Promise.withResolvers<void>();
        script.meanwhile = () => {
          asked.resolve();
          return new Promise(() => undefined);
        };
        // Of this one nothing is ever heard again.
        createSummaries(deps).begin(order);
        await asked.promise;
        script.meanwhile = async () => {};
        await write(worker());
        expect((await kept())?.summary).toBeUndefined();
        clock.now += 76_000;
        await write(worker());
        expect((await kept())?.summary).toBeDefined();
        expect((await rows()).map(({ outcome, step, userId }) => [outcome, step, userId])).toEqual([
          ["lost", 0, user],
          ["complete", 0, user],
        ]);
        const limit = {
          whose: "user-day",
          of: { userId: user },
          fromDay: 0,
          toDay: 0,
          unit: "tokens",
          amount: 1,
        } as const;
        expect((await store.ledger.standing([limit]))[0]?.reserved).toBe(0);
      },
    );
  });
}
