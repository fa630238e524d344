import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import type { Database } from "../../../src/engines/embedded/database.ts";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../../../src/engines/embedded/queue.ts";
import { type OpenQueue, type QueueLimits, queueContract } from "../../contracts/queue.contract.ts";
import { queueIntakeContract } from "../../contracts/queue-intake.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "../../contracts/queue-probe.ts";

const root = mkdtempSync(join(tmpdir(), "parley-queue-"));
let folders = 0;
const newFolder = () => join(root, String(++folders));
afterAll(() => rmSync(root, { recursive: true }));

function openIn(folder: string, limits: QueueLimits = {}): OpenQueue {
  const database = createSqliteDatabase(join(folder, "parley.db"));
  const queue = createSqliteQueue({ database, hangFile: join(folder, "hangs"), ...limits });
  let killed = false;
  return {
    queue,
    async restart() {
      await queue.stop();
      await database.close();
      return openIn(folder, limits);
    },
    async crash(hungIn) {
      killed = true;
      if (hungIn !== undefined) appendFileSync(join(folder, "hangs"), `${randomUUID()} ${hungIn}\n`);
      // All that a killed process leaves is its files.
      const copy = newFolder();
      cpSync(folder, copy, { recursive: true });
      return openIn(copy, limits);
    },
    async close() {
      // Of a process that was killed nobody waits for the handlers.
      const stopping = queue.stop();
      if (!killed) await Promise.race([stopping, pause(200)]);
      await database.close();
    },
  };
}

queueContract("sqlite", async (limits) => openIn(newFolder(), limits));
queueIntakeContract("sqlite", async () => openIn(newFolder()));

/** A disk that can be made to fail: what is written then is taken back, as after a failed commit. */
function openFailing() {
  const real = createSqliteDatabase(join(newFolder(), "parley.db"));
  const disk = { failing: false, writes: 0 };
  const database: Database = {
    handle: real.handle,
    statement: real.statement,
    write: (work) =>
      real.write((handle) => {
        disk.writes++;
        const result = work(handle);
        if (disk.failing) throw new Error("disk full");
        return result;
      }),
    close: () => real.close(),
  };
  return { database, disk };
}

describe("an interrupt", () => {
  it("is announced to what it will abort, in time for a write in the same transaction", async () => {
    const database = createSqliteDatabase(join(newFolder(), "parley.db"));
    const queue = createSqliteQueue({ database, keepAnswer: async () => undefined });
    const probe = createProbe();
    probe.hold(1);
    probe.consume(queue);
    await queue.enqueue(question(1));
    await probe.running(1);
    const { signal, keeping } = probe.last(1);
    const quick = { lane: "quick" } as const;
    await queue.enqueue(update(2, { ...quick, interrupt: { kind: "stop", run: 7 } }));
    await queue.enqueue(update(3, { ...quick, interrupt: { kind: "stop" }, conversation: "b" }));
    await queue.enqueue(question(4, { interrupt: { kind: "edit", question: 4 } }));
    expect(keeping?.interrupting.aborted).toBe(false);

    const met = new Promise((resolve) => {
      keeping?.interrupting.addEventListener("abort", () => {
        const find = "SELECT count(*) AS known FROM queued_update WHERE update_id = 5";
        resolve(database.write((handle) => ({ ...handle.prepare(find).get(), aborted: signal.aborted })));
      });
    });
    await queue.enqueue(update(5, { ...quick, interrupt: { kind: "stop", run: 1 } }));
    expect(await met).toEqual({ known: 1, aborted: false });
    expect(signal.aborted).toBe(true);
    probe.letGo(1);
    await idle(queue);
    await queue.stop();
    await database.close();
  });
});

describe("a disk that fails", () => {
  it("rejects the update, of which nothing is left: not known, not counted, not interrupting", async () => {
    const { database, disk } = openFailing();
    const queue = createSqliteQueue({ database, maxBacklog: 4, maxLane: 2 });
    const probe = createProbe();
    probe.hold(1);
    probe.consume(queue);
    await queue.enqueue(question(1));
    await queue.enqueue(question(2));
    await probe.running(1);
    await pause();
    disk.failing = true;
    const lost = [
      queue.enqueue(update(3, { lane: "quick", interrupt: { kind: "stop" } })),
      queue.enqueue(question(4)),
      queue.enqueue(question(5, { conversation: "b" })),
    ];
    for (const { status } of await Promise.allSettled(lost)) expect(status).toBe("rejected");
    disk.failing = false;
    for (const id of [3, 4, 5]) expect(await queue.known(id)).toBe(false);
    expect(await queue.stats()).toMatchObject({ waiting: 1, active: 1 });
    expect(probe.last(1).signal.aborted).toBe(false);

    // The lost notice of the full lane is given now, and the backlog has room for two more.
    expect(await queue.enqueue(question(4))).toBe("lane-full");
    await eventually(() => expect(probe.finished).toEqual([4]));
    expect(await queue.enqueue(question(5, { conversation: "b" }))).toBe("queued");
    probe.letGo(1);
    await idle(queue);
    expect(probe.finished.toSorted()).toEqual([1, 2, 4, 5]);
    await queue.stop();
    await database.close();
  });

  it("holds a lane whose update has ended until the end is stored, and delivers it no second time", async () => {
    const { database, disk } = openFailing();
    const trouble: string[] = [];
    const queue = createSqliteQueue({ database, log: { error: (_fields, message) => trouble.push(message) } });
    const probe = createProbe();
    probe.hold(1);
    probe.consume(queue);
    await queue.enqueue(question(1));
    await queue.enqueue(question(2));
    await probe.running(1);
    disk.failing = true;
    probe.letGo(1);
    await eventually(() => expect(trouble.length).toBeGreaterThan(0));
    expect(probe.started()).toEqual([1]);
    disk.failing = false;
    await idle(queue);
    expect(probe.started()).toEqual([1, 2]);
    await queue.stop();
    await database.close();
  });

  it("does not keep the process from leaving", async () => {
    const { database, disk } = openFailing();
    const queue = createSqliteQueue({ database });
    const probe = createProbe();
    probe.hold(1);
    const consumer = probe.consume(queue);
    await queue.enqueue(question(1));
    await probe.running(1);
    disk.failing = true;
    expect(await consumer.drain(0)).toBe(1);
    await queue.stop();
    await database.close();
  });
});

describe("a database of the version before hangs were counted", () => {
  it("is brought up to date, and goes on where it was killed", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const old = new DatabaseSync(join(folder, "parley.db"));
    old.exec(readFileSync(new URL("../../fixtures/database-2026-11.sql", import.meta.url), "utf8"));
    old.close();
    const madeAt = 1_795_759_612_000;

    let process = openIn(folder, { now: () => madeAt });
    expect(await process.queue.known(11)).toBe(true);
    expect((await process.queue.dead.list(9)).map(({ updateId }) => updateId)).toEqual([14, 10].toSorted());
    process = await process.crash(12);
    process = await process.crash(12);
    const probe = createProbe();
    probe.consume(process.queue, { maxCrashes: 2 });
    await idle(process.queue);
    expect(probe.dead.map(({ updateId }) => updateId)).toEqual([12]);
    expect(probe.finished).toEqual([13]);
    await process.close();
  });
});

describe("the file that a hang leaves", () => {
  it("counts each of its lines once, should it outlive its start, and names nobody by half a line", async () => {
    const folder = newFolder();
    mkdirSync(folder);
    const file = join(folder, "hangs");
    const text = `first 1\nfirst\nhalf 9007199254740993\n\nlast 2`;
    for (let n = 0; n < 3; n++) {
      writeFileSync(file, text);
      const process = openIn(folder);
      await process.queue.enqueue(question(1));
      await process.queue.stop();
      await process.close();
      expect(existsSync(file)).toBe(false);
    }
    const process = openIn(folder);
    const probe = createProbe();
    probe.consume(process.queue);
    await idle(process.queue);
    expect(probe.finished).toEqual([1]);
    await process.close();
  });
});

describe("the record of finished updates", () => {
  it("recognises them for a day and more, and is forgotten after two", async () => {
    const folder = newFolder();
    const hour = 3_600_000;
    let time = Date.now();
    const reopen = () => {
      const database = createSqliteDatabase(join(folder, "parley.db"));
      return { database, queue: createSqliteQueue({ database, now: () => time }) };
    };
    let { database, queue } = reopen();
    const probe = createProbe();
    probe.failNext(3, 1);
    probe.consume(queue, { maxFailures: 1 });
    // More than one purge takes at once.
    const ids = Array.from({ length: 1200 }, (_, n) => 100 + n);
    await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: `c${id}` }))));
    await queue.enqueue(question(3));
    await idle(queue);
    await queue.stop();
    await queue.enqueue(question(4)).catch(() => undefined);
    await database.close();

    time += 47 * hour;
    ({ database, queue } = reopen());
    await pause();
    expect(await queue.enqueue(question(100))).toBe("duplicate");
    await queue.enqueue(question(5));
    await queue.stop();
    await database.close();

    time += 2 * hour;
    ({ database, queue } = reopen());
    const rows = () => database.handle.prepare("SELECT update_id FROM queued_update ORDER BY update_id").all();
    await eventually(() => expect(rows().map((row) => row["update_id"])).toEqual([3, 5]));
    expect(await queue.known(100)).toBe(false);
    expect((await queue.dead.list(9)).map(({ body }) => body)).toEqual(['{"update_id":3}']);
    await queue.stop();
    await database.close();

    time += 30 * 24 * hour;
    ({ database, queue } = reopen());
    await eventually(() => expect(rows().map((row) => row["update_id"])).toEqual([5]));
    await queue.stop();
    await database.close();
  });

  it("keeps no text of a finished or dropped update, and not whom it was from", async () => {
    const database = createSqliteDatabase(join(newFolder(), "parley.db"));
    const queue = createSqliteQueue({ database, maxLane: 1 });
    const probe = createProbe();
    for (const id of [1, 2, 3]) await queue.enqueue(question(id));
    probe.consume(queue);
    await idle(queue);
    const rows = database.handle.prepare("SELECT conversation, question, body FROM queued_update").all();
    expect(rows).toEqual(Array(3).fill({ conversation: "", question: null, body: null }));
    await queue.stop();
    await database.close();
  });
});

describe("a stopped queue", () => {
  it("takes no updates, so that Telegram keeps them", async () => {
    const database = createSqliteDatabase(join(newFolder(), "parley.db"));
    const queue = createSqliteQueue({ database });
    await queue.stop();
    await expect(queue.enqueue(question(1))).rejects.toMatchObject({ code: "queue-stopped", retryable: true });
    await database.close();
  });
});

describe("a burst", () => {
  it("is stored in one transaction", async () => {
    const database = createSqliteDatabase(join(newFolder(), "parley.db"));
    const queue = createSqliteQueue({ database });
    await queue.enqueue(question(0));
    let commits = 0;
    const { handle } = database;
    const exec = handle.exec.bind(handle);
    handle.exec = (text) => {
      if (text === "COMMIT") commits++;
      exec(text);
    };
    const ids = Array.from({ length: 200 }, (_, n) => n + 1);
    await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: `c${id}` }))));
    expect(commits).toBe(1);
    await queue.stop();
    await database.close();
  });
});
