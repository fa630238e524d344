import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it, vi } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import type { Database } from "../../src/engines/embedded/database.ts";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../../src/engines/embedded/queue.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { factsContract } from "../contracts/facts.contract.ts";
import { stepsContract } from "../contracts/steps.contract.ts";
import {
  exchange as newExchange,
  turn as newTurn,
  type StoreOptions,
  storeContract,
} from "../contracts/store.contract.ts";

const root = mkdtempSync(join(tmpdir(), "parley-store-"));
let files = 0;
const newFile = () => join(root, String(++files), "data", "parley.db");
afterAll(() => rmSync(root, { recursive: true }));

const sqlite = async (options: StoreOptions) => {
  const database = createSqliteDatabase(newFile());
  const store = createSqliteStore({ database, ...options });
  return {
    store,
    async close() {
      await store.stop();
      await database.close();
    },
  };
};
const memory = async (options: StoreOptions) => {
  const store = createMemoryStore(options);
  return { store, close: () => store.stop() };
};
storeContract("sqlite", sqlite);
storeContract("memory", memory);
factsContract("sqlite", sqlite);
factsContract("memory", memory);
stepsContract("sqlite", sqlite);
stepsContract("memory", memory);

const turn = newTurn(1);
const exchange = newExchange(1);

describe("the store in SQLite", () => {
  it("has everything again after a restart", async () => {
    const path = newFile();
    let database = createSqliteDatabase(path);
    let store = createSqliteStore({ database, historyTtlSeconds: 60 });
    await store.setSetting("a", "persona", "a pirate");
    await store.beginTurn(turn);
    await store.finishTurn(turn, exchange, []);
    await store.stop();
    await database.close();
    database = createSqliteDatabase(path);
    store = createSqliteStore({ database, historyTtlSeconds: 60 });
    expect(await store.readSettings("a")).toEqual({ persona: "a pirate" });
    expect(await store.readHistory("a")).toEqual([exchange]);
    expect((await store.newestTurn("a"))?.state).toBe("answered");
    await store.stop();
    await database.close();
  });

  it("opens a file that was written before exchanges had a model", async () => {
    const path = newFile();
    mkdirSync(dirname(path), { recursive: true });
    const old = new DatabaseSync(path);
    old.exec(`
      CREATE TABLE exchange (
        conversation TEXT NOT NULL, question INTEGER NOT NULL, place INTEGER NOT NULL, asked TEXT NOT NULL,
        answered TEXT NOT NULL, tokens INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (conversation, question)
      ) STRICT;
      CREATE TABLE conversation (conversation TEXT PRIMARY KEY, active_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
      INSERT INTO conversation VALUES ('a', 1000);
      INSERT INTO exchange VALUES ('a', 1, 1, 'asked 1', 'answer 1', 7, 1);
    `);
    old.close();
    const database = createSqliteDatabase(path);
    const store = createSqliteStore({ database, historyTtlSeconds: 60, now: () => 2000 });
    expect(await store.readHistory("a")).toEqual([exchange]);
    const newer = newExchange(2, { model: "p/m", since: 1 });
    await store.beginTurn(newTurn(2));
    await store.finishTurn(newTurn(2), newer, []);
    expect(await store.readHistory("a")).toEqual([exchange, newer]);
    await store.stop();
    await database.close();
  });

  it("keeps what was written of an answer, while it is being written by the same run", async () => {
    const database = createSqliteDatabase(newFile());
    const store = createSqliteStore({ database, historyTtlSeconds: 60 });
    const keep = (more: object) => store.keepAnswer({ ...turn, state: "writing", ...more });
    const { conversation, question } = turn;
    await keep({ answer: "of no turn" });
    expect(await store.readTurn(conversation, question)).toBeUndefined();
    const { answer: _answer, ...begun } = turn;
    await store.beginTurn({ ...begun, state: "writing" });
    await store.setTurnMessages(conversation, question, turn.run, [60]);
    await keep({ answer: "half", messages: [] });
    expect(await store.readTurn(conversation, question)).toMatchObject({ answer: "half", messages: [60] });
    await keep({ answer: "of another run", run: turn.run + 1 });
    await store.finishTurn({ ...turn, answer: "whole" }, undefined, []);
    await keep({ answer: "half" });
    expect(await store.readTurn(conversation, question)).toMatchObject({ state: "answered", answer: "whole" });
    await store.stop();
    await database.close();
  });

  it("keeps no more answers of a chat than it says, the newest, and none on the disk that has expired", async () => {
    const path = newFile();
    let time = 1_800_000_000_000;
    let database = createSqliteDatabase(path);
    let store = createSqliteStore({ database, historyTtlSeconds: 60, now: () => time });
    const kept = { owner: "7", text: "x", model: "p/m", keepMs: 1_000 };
    const one = newTurn(1);
    await store.beginTurn(one);
    const keep = (name: number) => store.finishTurn(one, undefined, [], { ...kept, key: `k${name}` });
    await Promise.all(Array.from({ length: 1_099 }, (_, at) => keep(at)));
    const finds = async (name: number) => (await store.readAnswer({ owner: "7", key: `k${name}` })) !== undefined;
    expect([await finds(0), await finds(1_098)]).toEqual([true, true]);
    await keep(0);
    await keep(1_099);
    expect([await finds(0), await finds(1), await finds(100), await finds(101)]).toEqual([true, false, false, true]);
    await store.stop();
    await database.close();
    time += 1_000;
    database = createSqliteDatabase(path);
    store = createSqliteStore({ database, historyTtlSeconds: 60, now: () => time });
    const left = () => database.handle.prepare("SELECT count(*) AS n FROM answer").get()?.["n"];
    await vi.waitFor(() => expect(left()).toBe(0), 10_000);
    await store.stop();
    await database.close();
  });

  it("deletes what has expired from the disk when it opens, and nothing else", async () => {
    const path = newFile();
    const day = 24 * 3_600_000;
    let time = 1_800_000_000_000;
    const options = { historyTtlSeconds: (10 * day) / 1000, now: () => time };
    let database = createSqliteDatabase(path);
    let store = createSqliteStore({ database, ...options });
    for (const conversation of ["old 1", "old 2", "old 3"]) {
      await store.beginTurn({ ...turn, conversation });
      await store.finishTurn({ ...turn, conversation }, exchange, []);
      await store.setSetting(conversation, "model", "p/m");
    }
    const many = Array.from({ length: 1_100 }, (_, n) => `key ${n}`);
    await Promise.all(many.flatMap((key) => [store.writeDialog(key, "x"), store.firstWithin(key, day)]));
    time += 8 * day;
    await store.beginTurn({ ...turn, conversation: "new" });
    await store.finishTurn({ ...turn, conversation: "new" }, exchange, []);
    await store.writeDialog("new", "x");
    await store.stop();
    await database.close();

    time += 3 * day - 1;
    database = createSqliteDatabase(path);
    store = createSqliteStore({ database, ...options });
    await store.writeDialog("newest", "x");
    const count = (table: string) => database.handle.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];
    await expect.poll(() => count("dialog")).toBe(1);
    await expect.poll(() => count("conversation")).toBe(1);
    expect([count("exchange"), count("turn"), count("first"), count("setting")]).toEqual([1, 1, 0, 3]);
    await store.stop();
    await database.close();
  });

  it("is not healthy when its disk fails or hangs", async () => {
    const database = createSqliteDatabase(newFile());
    let write: Database["write"] = database.write;
    const store = createSqliteStore({ database: { ...database, write: (work) => write(work) }, historyTtlSeconds: 60 });
    await store.stop();
    write = () => Promise.reject(new Error("disk full"));
    expect(await store.healthy()).toBe(false);
    write = () => new Promise(() => {});
    const started = performance.now();
    expect(await store.healthy()).toBe(false);
    expect(performance.now() - started).toBeGreaterThan(500);
    write = database.write;
    expect(await store.healthy()).toBe(true);
    await database.close();
  });
});

describe("the place of the database", () => {
  const open = () => {
    const folder = mkdtempSync(join(root, "place-"));
    const path = join(folder, "parley.db");
    const said: string[] = [];
    const log = {
      error: (_: object, line: string) => said.push(line),
      info: (_: object, line: string) => said.push(line),
    };
    return { folder, path, said, database: createSqliteDatabase(path, log) };
  };
  const write = (database: Database) =>
    database.write((handle) => void handle.exec("CREATE TABLE IF NOT EXISTS t (x)"));

  it.each([
    ["its folder is deleted", (folder: string) => rmSync(folder, { recursive: true })],
    ["its file is deleted", (_: string, path: string) => rmSync(path)],
    ["its journal is deleted", (_: string, path: string) => rmSync(`${path}-wal`)],
    [
      "another file stands there",
      (_: string, path: string) => {
        copyFileSync(path, `${path}.copy`);
        renameSync(`${path}.copy`, path);
      },
    ],
  ])("is left when %s: nothing is stored any more, and it is said once", async (_what, lose) => {
    const { folder, path, said, database } = open();
    const store = createSqliteStore({ database, historyTtlSeconds: 60 });
    const queue = createSqliteQueue({ database });
    expect(await store.healthy()).toBe(true);
    lose(folder, path);
    await expect(write(database)).rejects.toThrow(/was moved, deleted or replaced/);
    const update = { updateId: 1, conversation: "a", lane: "turn", receivedAt: 1, body: "{}" } as const;
    for (let n = 0; n < 2; n++) await expect(queue.enqueue(update)).rejects.toThrow(/was moved, deleted or replaced/);
    expect(await queue.known(1)).toBe(false);
    expect(await store.healthy()).toBe(false);
    expect(said.filter((line) => line.includes("was moved, deleted or replaced"))).toHaveLength(1);
    await queue.stop();
    await store.stop();
    await database.close();
  });

  it("is noticed without a write, and taken again when it is back", async () => {
    const { folder, said, database } = open();
    await write(database);
    renameSync(folder, `${folder}-away`);
    await expect.poll(() => said).toEqual([expect.stringContaining("was moved, deleted or replaced")]);
    renameSync(`${folder}-away`, folder);
    await expect.poll(() => said.length).toBe(2);
    await write(database);
    await database.close();
  });
});

describe("the database", () => {
  it("is readable by its owner alone, with its log of writes, in a folder that is made when missing", async () => {
    const path = newFile();
    const database = createSqliteDatabase(path);
    await database.write((handle) => handle.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)"));
    const folder = join(path, "..");
    expect(readdirSync(folder).toSorted()).toEqual(["parley.db", "parley.db-wal"]);
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o777, file).toBe(0o600);
    await database.close();
  });

  it("takes the permissions of others away from a file that was there", async () => {
    const path = newFile();
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, "");
    chmodSync(path, 0o644);
    const database = createSqliteDatabase(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await database.close();
  });

  it("writes to the disk before it says so", async () => {
    const database = createSqliteDatabase(newFile());
    const pragma = (name: string) => Object.values(database.handle.prepare(`PRAGMA ${name}`).get() ?? {})[0];
    expect([pragma("journal_mode"), pragma("synchronous"), pragma("locking_mode")]).toEqual(["wal", 2, "exclusive"]);
    await database.close();
  });

  function startErrorOf(path: string): string[] {
    try {
      createSqliteDatabase(path);
    } catch (error) {
      expect(error).toBeInstanceOf(StartError);
      return [...(error as StartError).lines];
    }
    throw new Error("it opened");
  }

  it("refuses a second opener with one clear line, and lets it in after the first has closed", async () => {
    const path = newFile();
    const first = createSqliteDatabase(path);
    const lines = startErrorOf(path);
    expect(lines).toEqual([expect.stringMatching(/another process/)]);
    await first.write((handle) => handle.exec("CREATE TABLE t (x)"));
    await first.close();
    await createSqliteDatabase(path).close();
  });

  it("refuses a path that cannot be written, a folder in its place, and files that are no sound database", async () => {
    const inTheWay = newFile();
    mkdirSync(join(inTheWay, ".."), { recursive: true });
    writeFileSync(inTheWay, "just a text, and long enough to be taken for more than an empty file\n".repeat(100));
    expect(startErrorOf(join(inTheWay, "below", "parley.db"))).toEqual([expect.stringMatching(/cannot be written/)]);
    expect(startErrorOf(inTheWay)).toEqual([expect.stringMatching(/cannot be opened as a database/)]);

    const folder = newFile();
    mkdirSync(folder, { recursive: true });
    expect(startErrorOf(folder)).toEqual([expect.stringMatching(/cannot be written/)]);

    // In a folder that nobody can write to, root neither.
    expect(startErrorOf("/proc/parley/data/parley.db")).toEqual([expect.stringMatching(/cannot be written/)]);

    const damaged = newFile();
    const database = createSqliteDatabase(damaged);
    await database.write((handle) => {
      handle.exec("CREATE TABLE t (x)");
      for (let n = 0; n < 200; n++) handle.prepare("INSERT INTO t VALUES (?)").run("x".repeat(500));
    });
    await database.close();
    const bytes = readFileSync(damaged);
    bytes.fill(0xff, 8192, 40_000);
    writeFileSync(damaged, bytes);
    expect(startErrorOf(damaged)).toEqual([expect.stringMatching(/cannot be opened as a database/)]);
    for (const [line] of [startErrorOf(damaged)]) expect(line).not.toContain("\n");
  });

  it("refuses a file of a newer version instead of spoiling it", async () => {
    const path = newFile();
    await createSqliteDatabase(path).close();
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(startErrorOf(path)).toEqual([expect.stringMatching(/newer version/)]);
  });
});

describe("writes of one tick", () => {
  async function openTable(): Promise<{ database: Database; rows(): unknown[] }> {
    const database = createSqliteDatabase(newFile());
    database.handle.exec("CREATE TABLE t (x INTEGER PRIMARY KEY, pad TEXT)");
    return {
      database,
      rows: () =>
        database.handle
          .prepare("SELECT x FROM t ORDER BY x")
          .all()
          .map((row) => row["x"]),
    };
  }

  it("are carried out in order, see each other, and return what their work returned", async () => {
    const { database, rows } = await openTable();
    const insert = (x: number) =>
      database.write((handle) => {
        handle.prepare("INSERT INTO t (x) VALUES (?)").run(x);
        return handle.prepare("SELECT count(*) AS n FROM t").get()?.["n"];
      });
    const order: number[] = [];
    const results = await Promise.all([3, 1, 2].map((x) => insert(x).finally(() => order.push(x))));
    expect(results).toEqual([1, 2, 3]);
    expect(order).toEqual([3, 1, 2]);
    expect(rows()).toEqual([1, 2, 3]);
    await database.close();
  });

  it("fail one by one: what one has done is taken back, the others stay", async () => {
    const { database, rows } = await openTable();
    const results = await Promise.allSettled([
      database.write((handle) => handle.exec("INSERT INTO t (x) VALUES (1)")),
      database.write((handle) => {
        handle.exec("INSERT INTO t (x) VALUES (2)");
        throw new Error("no");
      }),
      database.write((handle) => handle.exec("INSERT INTO t (x) VALUES (3)")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(rows()).toEqual([1, 3]);
    await database.close();
  });

  it("are all rejected when they cannot be committed, and the next tick works again", async () => {
    const { database, rows } = await openTable();
    // A broken reference that is looked at in the moment of the commit only.
    database.handle.exec(`PRAGMA foreign_keys = ON;
      CREATE TABLE child (x REFERENCES t (x) DEFERRABLE INITIALLY DEFERRED)`);
    const results = await Promise.allSettled([
      database.write((handle) => handle.exec("INSERT INTO t (x) VALUES (1)")),
      database.write((handle) => handle.exec("INSERT INTO child VALUES (404)")),
      database.write((handle) => handle.exec("INSERT INTO t (x) VALUES (2)")),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
    expect((results[0] as PromiseRejectedResult).reason).toMatchObject({ code: "storage-failed", retryable: true });
    expect(rows()).toEqual([]);
    await database.write((handle) => handle.exec("INSERT INTO t (x) VALUES (5)"));
    expect(rows()).toEqual([5]);
    await database.close();
  });

  it("are rejected while the disk is full, and work again when it has room", async () => {
    const { database, rows } = await openTable();
    const pages = Number(database.handle.prepare("PRAGMA page_count").get()?.["page_count"]);
    const large = (x: number) =>
      database.write((handle) => handle.prepare("INSERT INTO t VALUES (?, ?)").run(x, "x".repeat(100_000)));
    database.handle.exec(`PRAGMA max_page_count = ${pages + 2}`);
    for (const { status } of await Promise.allSettled([large(1), large(2)])) expect(status).toBe("rejected");
    expect(rows()).toEqual([]);
    database.handle.exec("PRAGMA max_page_count = 100000");
    await Promise.all([large(3), large(4)]);
    expect(rows()).toEqual([3, 4]);
    await database.close();
  });

  it("are written before the file is closed, and refused afterwards", async () => {
    const path = newFile();
    const database = createSqliteDatabase(path);
    const written = database.write((handle) => handle.exec("CREATE TABLE t (x)"));
    await database.close();
    await written;
    await database.close();
    await expect(database.write(() => 1)).rejects.toMatchObject({ code: "storage-closed" });
    const again = createSqliteDatabase(path);
    expect(again.handle.prepare("SELECT count(*) AS n FROM t").get()?.["n"]).toBe(0);
    await again.close();
  });
});
