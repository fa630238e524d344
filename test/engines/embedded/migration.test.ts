/** A file of the version before, opened by this one. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../../../src/engines/embedded/queue.ts";
import { createSqliteStore } from "../../../src/engines/embedded/store.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { ActiveUpdate } from "../../../src/ports/queue.ts";
import type { Store } from "../../../src/ports/store.ts";
import {
  asPresent,
  type FormerForm,
  formerForms,
  formerNow,
  readFormerDatabase,
  writeFormerDatabase,
} from "../../support/former-state.ts";
import { readUsage } from "../../support/read-usage.ts";

const script = fileURLToPath(new URL("../../support/processes/migration.ts", import.meta.url));
const root = mkdtempSync(join(tmpdir(), "parley-migration-"));
afterAll(() => rmSync(root, { recursive: true }));
let files = 0;
function formerFile(form: FormerForm): string {
  const path = join(root, String(++files), "parley.db");
  writeFormerDatabase(path, form);
  return path;
}

async function withStore<T>(path: string, work: (store: Store) => Promise<T>): Promise<T> {
  const database = createSqliteDatabase(path);
  const store = createSqliteStore({ database, historyTtlSeconds: 10_000_000, now: () => formerNow });
  try {
    return await work(store);
  } finally {
    await store.stop();
    await database.close();
  }
}

function versionOf(path: string): unknown {
  const database = new DatabaseSync(path);
  const version = database.prepare("PRAGMA user_version").get()?.["user_version"];
  database.close();
  return version;
}

/** Adds some megabytes to a conversation. */
function makeLong(path: string, words = "word ".repeat(400)): void {
  const database = new DatabaseSync(path);
  const insert = database.prepare(
    `INSERT INTO exchange (conversation, question, place, asked, answered, tokens, at)
     SELECT '8', 100 + value, 100 + value, ? || value, 'answered', 1000, 1790000000000 FROM json_each(?)`,
  );
  insert.run(words, JSON.stringify(Array.from({ length: 4_000 }, (_, n) => n)));
  database.close();
}

/** Everything in the file. */
function contentOf(path: string): unknown {
  const database = new DatabaseSync(path);
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").all();
  const rows = tables.map(({ name }) => [name, database.prepare(`SELECT * FROM ${String(name)}`).all()]);
  database.close();
  return rows;
}

describe.each(formerForms)("a file of a version before, in form %i,", (form) => {
  it("has every turn and exchange as it was, asked in parts, with its notes as data", async () => {
    const path = formerFile(form);
    const former = readFormerDatabase(path);
    expect([...former.values()].flatMap(({ turns }) => turns)).toHaveLength(form === 1 ? 20 : 28);
    await withStore(path, async (store) => {
      for (const [conversation, { turns, exchanges }] of former) {
        expect(await store.readHistory(conversation)).toEqual(exchanges.map(asPresent));
        for (const turn of turns) expect(await store.readTurn(conversation, turn.question)).toEqual(asPresent(turn));
        expect((await store.newestTurn(conversation))?.question).toBe(turns.at(-1)?.question);
      }
    });
    expect(versionOf(path)).toBe(3);
  });

  it("has its settings, moves, dialogs, usage and notices", async () => {
    await withStore(formerFile(form), async (store) => {
      expect(await store.readSettings("7")).toEqual({ model: "a/one", persona: "Answer as a pirate.\nAlways." });
      expect(await store.readSettings("8")).toEqual({ examples: "1" });
      expect((await store.readTurn("-55", 2))?.moved).toEqual({ from: "-55", to: "-1001234567890" });
      expect(await store.readDialog("7:7")).toBe('{"version":[1,0],"state":"waiting"}');
      expect(await readUsage(store, 7, 0)).toMatchObject({ answers: 15, unpriced: 2 });
      expect(await store.blockedAt(99)).toBe(1_790_000_000_000);
      expect(await store.firstWithin("unseen 7", 3_600_000)).toBe(false);
    });
  });

  it("has its updates: those that wait, the one in whose middle it was killed, and the dead one", async () => {
    const database = createSqliteDatabase(formerFile(form));
    const queue = createSqliteQueue({ database, now: () => formerNow });
    const handled: ActiveUpdate[] = [];
    const limits = { turnSlots: 4, quickSlots: 4, maxFailures: 3, maxCrashes: 3 };
    queue.consume(async (update) => void handled.push(update), {
      ...limits,
      backoffMs: () => 0,
      onDead: async () => undefined,
    });
    await expect.poll(() => handled.map(({ updateId }) => updateId)).toEqual([903, 904, 905]);
    expect(handled[0]).toMatchObject({ attempt: 2, conversation: "23", question: 903 });
    expect(JSON.parse(handled[0]?.body ?? "").message.text).toBe("Question 903?");
    expect(await queue.known(901)).toBe(true);
    expect((await queue.dead.list(10)).map(({ updateId, reason }) => [updateId, reason])).toEqual([[902, "broken"]]);
    await queue.stop();
    await database.close();
  });

  it("is left alone the next time", async () => {
    const path = formerFile(form);
    await withStore(path, async () => undefined);
    const once = contentOf(path);
    await withStore(path, async () => undefined);
    expect(contentOf(path)).toEqual(once);
  });

  it("goes on where it was: an answer is delivered, a continuation joins, a group that moved is found", async () => {
    const path = formerFile(form);
    await withStore(path, async (store) => {
      const [stored] = [await store.readTurn("8", 1)];
      expect(stored).toMatchObject({ state: "answered", answer: "Stored, not shown." });
      await store.closeTurn("8", 1, stored?.run ?? 0);
      const killed = await store.readTurn("9", 4);
      expect(killed).toMatchObject({ state: "writing", answer: "Written so far", messages: [1004] });
      if (killed === undefined) return;
      const exchange = { question: 4, asked: killed.asked, answered: "All of it", tokens: 5, at: formerNow };
      await store.finishTurn({ ...killed, answer: "All of it", outcome: "complete" }, exchange, []);
      await store.moveConversation("-66", "-1009999999999");
    });
    await withStore(path, async (store) => {
      expect((await store.readTurn("8", 1))?.state).toBe("done");
      expect(await store.readHistory("9")).toMatchObject([{ asked: textParts("Killed"), answered: "All of it" }]);
      expect(await store.readHistory("-66")).toMatchObject([
        { question: 1, asked: textParts("A group that may move yet") },
      ]);
    });
  });

  it("is refused, and left as it is, when a newer version has written it", () => {
    const path = formerFile(form);
    const database = new DatabaseSync(path);
    database.exec("PRAGMA user_version = 4");
    database.close();
    const before = contentOf(path);
    expect(() => createSqliteDatabase(path)).toThrow(/written by a newer version of Parley; update Parley/);
    expect([versionOf(path), contentOf(path)]).toEqual([4, before]);
  });
});

describe("a file whose records are written anew", () => {
  it("is as it was when it cannot be brought up to date, and the reason is told", () => {
    const path = formerFile(1);
    const database = new DatabaseSync(path);
    database.exec("UPDATE turn SET record = 'no record' WHERE conversation = '9:77'");
    database.close();
    const before = contentOf(path);
    expect(() => createSqliteDatabase(path)).toThrow(/could not be brought up to date, and is as it was \(.*JSON/);
    expect([versionOf(path), contentOf(path)]).toEqual([1, before]);
  });

  it("is gone through in little memory, however long its histories are", async () => {
    const path = formerFile(1);
    makeLong(path, "word ".repeat(5_000));
    const heap = ["--max-old-space-size=32", "--max-semi-space-size=1"];
    const child = spawn(process.execPath, [...heap, script, path, "false"], { stdio: "inherit" });
    expect(await once(child, "close")).toEqual([0, null]);
    expect(versionOf(path)).toBe(3);
  });
});

describe("a process killed while it brings a file up to date", () => {
  /** Runs the migration in a process of its own, and kills it when `until` has resolved. */
  async function killed(path: string, until: (output: AsyncIterable<Buffer>) => Promise<unknown>, pauses: boolean) {
    const child = spawn(process.execPath, [script, path, String(pauses)], { stdio: ["ignore", "pipe", "inherit"] });
    const closed = once(child, "close");
    await until(child.stdout);
    child.kill("SIGKILL");
    await closed;
  }

  it("leaves it as it was, when half of it had been rewritten", async () => {
    const path = formerFile(1);
    makeLong(path);
    const before = contentOf(path);
    await killed(
      path,
      async (output) => {
        for await (const chunk of output) if (String(chunk).includes("half")) return;
      },
      true,
    );
    // More than SQLite keeps in memory, so that a part of it stood on the disk.
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(1_000_000);
    expect([versionOf(path), contentOf(path)]).toEqual([1, before]);
    await withStore(path, async (store) => {
      expect((await store.readHistory("7"))[0]?.asked).toEqual(textParts("Why?"));
    });
  });

  it("leaves it wholly old, or such that the next start ends what it began, whenever it was", async () => {
    const path = formerFile(1);
    const whole = join(root, "whole.db");
    copyFileSync(path, whole);
    await withStore(whole, async () => undefined);
    const [before, after] = [contentOf(path), contentOf(whole)];
    for (let n = 0; n < 8; n++) {
      await killed(path, () => pause(40 * n), false);
      if (versionOf(path) === 1) expect(contentOf(path)).toEqual(before);
      // Read above, so that no journal stands beside the file.
      const copy = join(root, `killed-${n}.db`);
      copyFileSync(path, copy);
      await withStore(copy, async () => undefined);
      expect(contentOf(copy)).toEqual(after);
    }
    await withStore(path, async () => undefined);
    expect(contentOf(path)).toEqual(after);
  });
});
