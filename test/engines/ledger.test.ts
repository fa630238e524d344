import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import { type LedgerOptions, ledgerContract, type OpenLedger } from "../contracts/ledger.contract.ts";
import { paymentContract } from "../contracts/payment.contract.ts";
import { usage } from "../contracts/store.contract.ts";
import { inEnglish } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink } from "../support/redis-state.ts";

const redis = await findRedis();
const root = mkdtempSync(join(tmpdir(), "parley-ledger-"));
let files = 0;
const newFile = () => join(root, `${++files}.db`);
afterAll(() => rmSync(root, { recursive: true }));

const historyTtlSeconds = 3_600;
const dayMs = 24 * 3_600_000;

async function openMemory(options: LedgerOptions): Promise<OpenLedger> {
  const store = createMemoryStore({ historyTtlSeconds, ...options });
  return { store, restart: async () => store, close: () => store.stop() };
}
ledgerContract("memory", openMemory);
paymentContract("memory", openMemory);

async function openFile(path: string, options: { readonly ledgerDays?: number; readonly now?: () => number }) {
  const database = createSqliteDatabase(path);
  const store = createSqliteStore({ database, historyTtlSeconds, ...options });
  return {
    store,
    async close() {
      await store.stop();
      await database.close();
    },
  };
}

async function openSqlite(options: LedgerOptions): Promise<OpenLedger> {
  const path = newFile();
  let current = await openFile(path, options);
  return {
    store: current.store,
    async restart() {
      await current.close();
      current = await openFile(path, options);
      return current.store;
    },
    close: () => current.close(),
  };
}
ledgerContract("sqlite", openSqlite);
paymentContract("sqlite", openSqlite);

describe.skipIf(redis.missing !== undefined)(redis.title("the ledger in Redis"), () => {
  async function openRedis(options: LedgerOptions): Promise<OpenLedger> {
    const { link, prefix, close } = await openLink(redis.url);
    const others: (() => Promise<void>)[] = [];
    const openStore = (of = link) =>
      createRedisStore({ link: of, historyTtlSeconds, noteWords: inEnglish, ...options });
    return {
      store: openStore(),
      async restart() {
        const other = await openLink(redis.url, prefix);
        others.push(() => other.link.stop());
        return openStore(other.link);
      },
      async close() {
        for (const end of others) await end();
        await close();
      },
    };
  }
  ledgerContract("Redis", openRedis);
  paymentContract("Redis", openRedis);

  it("keeps rows for their days, and days together with what versions before have written", async () => {
    const { link, prefix, close } = await openLink(redis.url);
    const at = Date.now();
    const key = `{${prefix}}:usage:1`;
    await link.commands.hset(
      key,
      "total",
      "3 30 12 9 750000000 1",
      `${Math.floor(at / dayMs)}`,
      "2 20 8 6 500000000 0",
    );
    const store = createRedisStore({ link, historyTtlSeconds, ledgerDays: 10, noteWords: inEnglish });
    expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 3, cost: 0.75, unpriced: 1 });
    await store.ledger.settle([usage({ at })]);
    expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 4, cost: 1.25, unpriced: 1 });
    expect(await readUsage(store, 1, at)).toMatchObject({ answers: 3, cost: 1 });
    const life = await link.commands.pttl(`{${prefix}}:ledger:${Math.floor(at / dayMs)}`);
    expect(life).toBeGreaterThan(9 * dayMs);
    expect(life).toBeLessThanOrEqual(10 * dayMs);
    await close();
  });
});

describe("the ledger in SQLite", () => {
  it("forgets calls that are older than they are kept, and no sum of them", async () => {
    const now = 20_000 * dayMs + 5;
    const path = newFile();
    const before = await openFile(path, { now: () => now });
    const rows = [0, 9, 12, 300].flatMap((daysAgo) =>
      Array.from({ length: 600 }, (_, n) => usage({ at: now - daysAgo * dayMs, chatId: n, model: `p/${n}` })),
    );
    await before.store.ledger.settle(rows);
    await before.close();
    const { store, close } = await openFile(path, { now: () => now, ledgerDays: 10 });
    const kept = async () => (await Array.fromAsync(store.ledger.rows(0, 30_000))).length;
    await expect.poll(kept).toBe(1_200);
    // Sums by day are kept for a month at least.
    const folded = async () =>
      (await store.ledger.totals({ of: { userId: 1 }, by: "day" })).map(({ key }) => Number(key));
    await expect.poll(async () => (await folded()).toSorted()).toContain(-1);
    expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 2_400, cost: 1_200 });
    expect(await readUsage(store, 1, now - 20 * dayMs)).toMatchObject({ answers: 1_800 });
    expect(await readUsage(store, 1, now - 400 * dayMs)).toMatchObject({ answers: 1_800 });
    await close();
  });

  it("carries over what a version before has written, each time that it has", async () => {
    const path = newFile();
    const old = () => {
      const file = new DatabaseSync(path);
      file.exec(`
        CREATE TABLE IF NOT EXISTS usage (
          user_id INTEGER NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL,
          cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL, estimated INTEGER NOT NULL
        ) STRICT;
        INSERT INTO usage VALUES (7, 1800000000000, 'p/m', 10, 4, 3, 0.000001234, 0), (7, 1800000000001, 'p/x', 1, 0, 1, NULL, 1);
      `);
      file.close();
    };
    old();
    const first = await openFile(path, {});
    const all = { answers: 2, inputTokens: 11, cachedTokens: 4, outputTokens: 4, cost: 0.000_001_234, unpriced: 1 };
    expect(await readUsage(first.store, 7, 0)).toEqual(all);
    const row = { userId: 7, model: "p/m", cost: 0.000_001_234, estimated: false, outcome: "complete" };
    expect((await Array.fromAsync(first.store.ledger.rows(0, 30_000)))[0]).toMatchObject(row);
    await first.store.ledger.settle([usage({ userId: 7, cost: 1 })]);
    await first.close();
    old();
    const second = await openFile(path, {});
    expect(await readUsage(second.store, 7, 0)).toMatchObject({ answers: 5, cost: 1.000_002_468 });
    expect(await second.store.ledger.totals({ of: "all", by: "model" })).toHaveLength(2);
    await second.close();
  });
});
