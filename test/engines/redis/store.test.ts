import { describe, expect, it } from "vitest";
import { LeaseLostError } from "../../../src/base/errors.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { Lease } from "../../../src/ports/fleet.ts";
import type { Store } from "../../../src/ports/store.ts";
import { factsContract } from "../../contracts/facts.contract.ts";
import { step, stepsContract } from "../../contracts/steps.contract.ts";
import {
  exchange as newExchange,
  turn as newTurn,
  usage as newUsage,
  type StoreOptions,
  storeContract,
} from "../../contracts/store.contract.ts";
import { inEnglish } from "../../support/note-words.ts";
import { readUsage } from "../../support/read-usage.ts";
import { canStartRedis, findRedis, startPrivateRedis } from "../../support/redis-server.ts";
import { openLink, startProcess } from "../../support/redis-state.ts";

const redis = await findRedis();
const day = 24 * 3_600_000;

const turn = newTurn(1);
const exchange = newExchange(1);
const use = newUsage({ at: 1_800_000_000_000 });
const all = { whose: "bot-day", of: "all", fromDay: 0, toDay: 0, unit: "money", amount: 1 } as const;
const reserved = {
  ...{ id: "a/1", token: "the call of another worker", userId: 1, chatId: 1, money: 5, tokens: 5 },
  lost: { ...use, outcome: "lost" as const },
};

async function openStore(options: Partial<StoreOptions> = {}, url = redis.url) {
  const { link, prefix, close } = await openLink(url);
  return {
    store: createRedisStore({ link, historyTtlSeconds: 3_600, noteWords: inEnglish, ...options }),
    link,
    prefix,
    close,
  };
}

/** Asks the stores in turn, as updates of one conversation may come to any process; what is asked at once goes to one. */
function alternating(stores: readonly [Store, Store]): Store {
  let [current, pending]: [0 | 1, number] = [0, 0];
  return new Proxy(stores[0], {
    get(_, name) {
      // A store is no promise, though it is handed over by one.
      if (name === "then") return undefined;
      if (name === "guardedBy") return (lease: Lease | undefined) => (lease ? stores[1].guardedBy(lease) : facade);
      if (name === "ledger") return stores[1].ledger;
      if (name === "scanHistory") return (...args: [string, number?]) => stores[1].scanHistory(...args);
      return async (...args: unknown[]) => {
        if (pending++ === 0) current = current === 0 ? 1 : 0;
        const method = Reflect.get(stores[current], name) as (...all: unknown[]) => Promise<unknown>;
        return await method(...args).finally(() => pending--);
      };
    },
  });
}
let facade: Store;

const lost = async () => {
  throw new LeaseLostError();
};

/** Lets a lease be taken by others, one after another. */
function leaseOf(prefix: string, fence: number): Lease {
  return { key: `{${prefix}}:fence:lane`, fence, hold: async () => undefined, look: lost };
}

describe.skipIf(redis.missing !== undefined)(redis.title("the store in Redis"), () => {
  const alone = async (options: StoreOptions) => {
    const { store, close } = await openStore(options);
    return { store, close };
  };
  storeContract("Redis", alone);
  stepsContract("Redis", alone);
  factsContract("Redis", alone);

  const ofTwo = async (options: StoreOptions) => {
    const first = await openLink(redis.url);
    const second = await openLink(redis.url, first.prefix);
    const stores = [first, second].map(({ link }) => createRedisStore({ link, noteWords: inEnglish, ...options }));
    facade = alternating(stores as [Store, Store]);
    return {
      store: facade,
      async close() {
        await second.close();
        await first.close();
      },
    };
  };
  storeContract("Redis, of two processes", ofTwo);
  stepsContract("Redis, of two processes", ofTwo);
  factsContract("Redis, of two processes", ofTwo);

  let factKeys = 0;
  const addFact = (store: Store, text: string) =>
    store.addFact(7, { text, at: 5 }, { key: `key-${++factKeys}`, atMost: 9 });
  const writes: Readonly<Record<string, (store: Store) => Promise<void>>> = {
    setSetting: (store) => store.setSetting("a", "persona", "late"),
    "setSetting to the default": (store) => store.setSetting("a", "model", undefined),
    forget: (store) => store.forget("a"),
    "beginTurn of a known question": (store) => store.beginTurn({ ...turn, asked: textParts("late") }),
    "beginTurn of a new question": (store) => store.beginTurn({ ...turn, question: 2 }),
    "beginTurn that drops others": (store) => store.beginTurn({ ...turn, question: 2 }, [1]),
    setTurnMessages: (store) => store.setTurnMessages("a", 1, 101, [66]),
    setTurnPictures: (store) => store.setTurnPictures("a", 1, 101, [{ key: "late" }]),
    finishTurn: (store) => store.finishTurn(turn, { ...exchange, answered: "late" }, [use]),
    closeTurn: (store) => store.closeTurn("a", 1, 101),
    "the next reservation of a turn": async (store) => {
      await store.ledger.reserve({ ...reserved, token: "late", tokens: reserved.tokens + 1 }, [], []);
    },
    "the loss of what is reserved": async (store) => void (await store.ledger.lose("a/1")),
    addStep: async (store) => void (await store.addStep(turn, step(2, "late"), [use])),
    changeCall: async (store) => void (await store.changeCall(turn, { step: 1, call: 0, state: "started" })),
    suspendTurn: async (store) => void (await store.suspendTurn(turn, 50, [use])),
    addFact: async (store) => void (await addFact(store, "late")),
    removeFact: async (store) => void (await store.removeFact(7, (await store.readFacts(7))[0]?.number ?? 0)),
    clearFacts: (store) => store.clearFacts(7),
    keepFacts: async (store) => void (await store.keepFacts("a")),
    allowTool: (store) => store.allowTool("a", "late"),
  };

  it.each(Object.entries(writes))(
    "refuses %s once another worker has the lane, and changes nothing",
    async (_, write) => {
      const { store, link, prefix, close } = await openStore();
      const [old, current] = [leaseOf(prefix, 9), leaseOf(prefix, 10)];
      await link.commands.set(old.key, old.fence);
      const mine = store.guardedBy(old);
      await mine.setSetting("a", "model", "p/m");
      await mine.beginTurn(turn);
      await mine.setTurnMessages("a", 1, 101, [50]);
      await mine.addStep(turn, step(1, "act"), []);
      await mine.ledger.reserve(reserved, [], []);
      for (const text of ["one", "two"]) await addFact(mine, text);
      const state = async () => [
        await store.readSettings("a"),
        await store.readHistory("a"),
        await store.readTurn("a", 1),
        await store.newestTurn("a"),
        await store.readSteps(turn),
        await store.waitingTurns("a"),
        await store.allowedTools("a"),
        await store.readFacts(7),
        (await store.readConversation("a", 0)).facts,
        await readUsage(store, 1, 0),
        await store.ledger.standing([all]),
      ];
      const before = await state();
      await link.commands.set(current.key, current.fence);
      await expect(write(mine)).rejects.toThrow(LeaseLostError);
      expect(await state()).toEqual(before);
      await write(store.guardedBy(current));
      expect(await state()).not.toEqual(before);
      await link.commands.del(current.key);
      await expect(write(mine)).rejects.toThrow(LeaseLostError);
      await expect(write(store.guardedBy(current))).rejects.toThrow(LeaseLostError);
      await close();
    },
  );

  it("takes no steps of a former run for its own, nor waits for a turn that is over, whatever a worker of the version before did", async () => {
    const { store, link, close } = await openStore();
    const key = `${link.prefix}turns:a`;
    // It writes records, and knows no steps.
    const write = async (change: (record: string) => string) =>
      void (await link.commands.hset(key, "1", change((await link.commands.hget(key, "1")) ?? "")));
    await store.beginTurn(turn);
    await store.addStep(turn, step(1, "act"), []);
    await write((record) => record.replace(/^101\n/, "102\n"));
    await store.beginTurn({ ...turn, run: 102 });
    expect(await store.readSteps({ ...turn, run: 102 })).toEqual([]);

    await store.suspendTurn({ ...turn, run: 102 }, 50, []);
    expect(await store.waitingSince(51)).toHaveLength(1);
    await write((record) => record.replace("\nwaiting\n", "\nanswered\n"));
    expect(await store.waitingTurns("a")).toEqual([]);
    expect(await store.waitingSince(51)).toEqual([]);
    expect(await link.commands.zcard(`${link.prefix}asking`)).toBe(0);
    await close();
  });

  it("lets a worker that lost its lane still read, and write what belongs to no lane", async () => {
    const { store, prefix, close } = await openStore();
    const late = store.guardedBy(leaseOf(prefix, 1));
    await late.writeDialog("k", "value");
    await late.markBlocked(7, 5);
    expect([await late.readDialog("k"), await late.blockedAt(7), await late.firstWithin("n", day)]).toEqual([
      "value",
      5,
      true,
    ]);
    expect(await late.readHistory("a")).toEqual([]);
    await close();
  });

  it("refuses the writes of a process that was frozen while another one took its lane over", async () => {
    const { store, link, prefix, close } = await openStore();
    const script = "redis-state-writer.ts";
    await link.commands.set(leaseOf(prefix, 1).key, 1);
    const frozen = startProcess(script, [redis.url, prefix, leaseOf(prefix, 1).key, "1", "101"]);
    await frozen.line("wrote 3");
    frozen.signal("SIGSTOP");
    // What it has sent before it was frozen is carried out before the lane is taken.
    await link.commands.set(leaseOf(prefix, 2).key, 2);
    const successor = startProcess(script, [redis.url, prefix, leaseOf(prefix, 2).key, "2", "101"]);
    await successor.line("wrote 3");
    const messages = (await store.readTurn("a", 1))?.messages;
    expect(messages?.[0]).toBe(2);
    frozen.signal("SIGCONT");
    await frozen.line("lost");
    await successor.line("wrote 20");
    expect((await store.readTurn("a", 1))?.messages[0]).toBe(2);
    expect(successor.lines).not.toContain("lost");
    await frozen.end();
    await successor.end();
    await close();
  });

  it("lets expire every key but choices, totals of usage and the bot's claim", async () => {
    const { store, link, prefix, close } = await openStore();
    await store.setSetting("a", "persona", "a pirate");
    await store.beginTurn(turn);
    await store.setTurnMessages("a", 1, 101, [5]);
    await store.finishTurn(turn, exchange, [use]);
    await store.closeTurn("a", 1, 101);
    await store.writeDialog("k", "v");
    await store.markBlocked(7, 5);
    await store.firstWithin("n", day);
    await store.healthy();
    const keys = (await link.commands.keys(`{${prefix}}:*`)).toSorted();
    const lives = await Promise.all(
      keys.map(async (key) => [key.split(":")[1], await link.commands.pttl(key)] as const),
    );
    const endless = lives.filter(([, life]) => life < 0).map(([name]) => name);
    expect(endless).toEqual(["settings", "usage-models", "usage"]);
    const names = [
      "blocked",
      "dialog",
      "first",
      "history-order",
      "history",
      "ledger",
      "probe",
      "settings",
      "turn-order",
      "turns",
    ];
    expect(lives.map(([name]) => name)).toEqual([
      ...names,
      "usage-all",
      "usage-chat",
      "usage-models",
      "usage-models",
      "usage-users",
      "usage",
    ]);
    const hour = 3_600_000;
    for (const [name = "", life] of lives.filter(([one]) => /turn|history/.test(one ?? ""))) {
      expect(life, name).toBeGreaterThan(hour - 60_000);
      expect(life, name).toBeLessThanOrEqual(hour);
    }
    await close();
  });

  it("really deletes a conversation when its time is over, with no process there to see it", async () => {
    const { store, link, prefix, close } = await openStore({ historyTtlSeconds: 1 });
    await store.beginTurn(turn);
    await store.finishTurn(turn, exchange, []);
    expect(await link.commands.exists(`{${prefix}}:history:a`)).toBe(1);
    await expect.poll(() => link.commands.keys(`{${prefix}}:*`), { timeout: 60_000 }).toEqual([]);
    await close();
  });

  it("writes one exchange at the end of a turn, not the whole history", async () => {
    const { store, link, close } = await openStore();
    const long = "x".repeat(5_000);
    const ask = async (question: number) => {
      const one = { ...turn, question, run: question };
      await store.beginTurn(one);
      await store.finishTurn(one, { ...exchange, question, answered: long }, []);
    };
    for (let question = 1; question <= 200; question++) await ask(question);
    const sent = () => (link.commands as unknown as { stream: { bytesWritten: number } }).stream.bytesWritten;
    const before = sent();
    await ask(201);
    expect(sent() - before).toBeLessThan(20_000);
    expect((await store.readHistory("a")).length).toBe(201);
    await close();
  });

  it("keeps a bounded ledger a user, whose total is right for ever", async () => {
    const { store, link, prefix, close } = await openStore();
    for (let days = 0; days < 1_000; days++) {
      const at = use.at + days * day;
      await store.beginTurn({ ...turn, run: days });
      await store.finishTurn({ ...turn, run: days }, undefined, [
        { ...use, at },
        { ...use, at: at + 1 },
      ]);
    }
    const total = await readUsage(store, 1, 0);
    expect([total.answers, total.inputTokens, total.cost]).toEqual([2_000, 20_000, 1_000]);
    const sizeOf = (key: string) => link.commands.hlen(`{${prefix}}:${key}`);
    expect(await sizeOf("usage:1")).toBeLessThanOrEqual(402);
    expect(await sizeOf("usage-models:1")).toBeLessThanOrEqual(64);
    expect(await sizeOf("usage-chat:1")).toBeLessThanOrEqual(63);
    expect(await sizeOf("usage-all")).toBeLessThanOrEqual(401);
    expect(await sizeOf("usage-models")).toBeLessThanOrEqual(401);
    const midnight = Math.floor((use.at + 999 * day) / day) * day;
    expect((await readUsage(store, 1, midnight)).answers).toBe(2);
    expect((await readUsage(store, 1, midnight - 300 * day)).answers).toBe(602);
    await close();
  });

  it("adds up use of many processes without losing any, and prices without drifting", async () => {
    const { store, close } = await openStore();
    const cost = 0.000_123_4;
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, question) => {
        await store.beginTurn({ ...turn, question });
        const entries = [
          { ...use, cost },
          { ...use, userId: 2 },
        ];
        await store.finishTurn({ ...turn, question }, undefined, entries);
        // Said twice, because the answer to the first time was lost: it counts once.
        await store.finishTurn({ ...turn, question }, undefined, entries);
      }),
    );
    expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 1_000, cost: 0.1234, unpriced: 0 });
    expect(await readUsage(store, 1, use.at)).toMatchObject({ answers: 1_000, cost: 0.1234 });
    await close();
  });

  it("does not end the link, which others use too", async () => {
    const { store, link, close } = await openStore();
    await store.stop();
    expect(await link.commands.ping()).toBe("PONG");
    await close();
  });
});

const [noServer, title] = [!canStartRedis(), "the store without its Redis"];

describe.skipIf(noServer)(noServer ? `${title} (no redis-server here)` : title, () => {
  it("is not healthy while Redis hangs or is away, says so within a second, and is healthy when it is back", async () => {
    const server = await startPrivateRedis();
    const { link } = await openLink(server.url);
    const store = createRedisStore({ link, historyTtlSeconds: 60, noteWords: inEnglish });
    const within = async (ms: number) => {
      const started = performance.now();
      const healthy = await store.healthy();
      return healthy ? "healthy" : performance.now() - started < ms;
    };
    expect(await within(0)).toBe("healthy");
    server.freeze();
    expect(await within(1_400)).toBe(true);
    await expect(store.setSetting("a", "model", "p/m")).rejects.toThrow();
    server.thaw();
    await expect.poll(() => store.healthy(), { timeout: 60_000 }).toBe(true);
    await server.kill();
    expect(await within(1_400)).toBe(true);
    await expect(store.setSetting("a", "model", "p/m")).rejects.toThrow();
    await server.start();
    await expect.poll(() => store.healthy(), { timeout: 60_000 }).toBe(true);
    await store.setSetting("a", "model", "p/m");
    await link.stop();
    await server.stop();
  });

  it("rejects what a full Redis does not take, whole, and is not healthy meanwhile", async () => {
    const server = await startPrivateRedis({ args: ["--maxmemory-policy", "noeviction"] });
    const { link } = await openLink(server.url);
    const store = createRedisStore({ link, historyTtlSeconds: 60, noteWords: inEnglish });
    await store.beginTurn(turn);
    // Less than it holds already.
    await link.commands.config("SET", "maxmemory", "1000");
    await expect(store.beginTurn({ ...turn, question: 2 })).rejects.toThrow(/OOM/);
    await expect(store.finishTurn(turn, exchange, [use])).rejects.toThrow(/OOM/);
    expect(await store.healthy()).toBe(false);
    expect((await store.newestTurn("a"))?.question).toBe(1);
    expect((await readUsage(store, 1, 0)).answers).toBe(0);
    await link.commands.config("SET", "maxmemory", "0");
    expect(await store.healthy()).toBe(true);
    await store.finishTurn(turn, exchange, [use]);
    expect(await store.readHistory("a")).toEqual([exchange]);
    await link.stop();
    await server.stop();
  });

  it("has everything again after Redis was killed, when Redis writes to its disk", async () => {
    const server = await startPrivateRedis({ appendOnly: true });
    const { link } = await openLink(server.url);
    const store = createRedisStore({ link, historyTtlSeconds: 60, noteWords: inEnglish });
    await store.setSetting("a", "persona", "a pirate");
    await store.beginTurn(turn);
    await store.finishTurn(turn, exchange, [use]);
    await server.kill();
    await server.start();
    await expect.poll(() => store.healthy(), { timeout: 60_000 }).toBe(true);
    expect(await store.readSettings("a")).toEqual({ persona: "a pirate" });
    expect(await store.readHistory("a")).toEqual([exchange]);
    expect((await store.newestTurn("a"))?.state).toBe("answered");
    expect((await readUsage(store, 1, 0)).answers).toBe(1);
    await link.stop();
    await server.stop();
  });
});
