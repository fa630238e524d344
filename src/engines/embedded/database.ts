/** The embedded database: one SQLite file, one handle, the writes of one tick in one transaction. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { messageOf, ParleyError, StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { migrate, schemaVersion } from "./migration.ts";
import { watchFiles } from "./open-files.ts";

/** One SQLite file that queue and store share, so that the writes of one tick are one transaction. */
export interface Database {
  /** For reads, and for creating tables before the first write. It does not see writes that wait for their tick. */
  readonly handle: DatabaseSync;
  /** The statement of this SQL, prepared at its first use and kept. What writes belongs inside `write`. */
  statement(sql: string): StatementSync;
  /**
   * Runs `work` in the transaction of this tick, in the order of the calls. Resolves when that transaction is on
   * disk, with what `work` returned. `work` that throws takes back its own writes only, and rejects only its own
   * promise; a transaction that cannot be committed rejects every promise of the tick.
   */
  write<T>(work: (handle: DatabaseSync) => T): Promise<T>;
  /** Writes what waits, then closes the file. */
  close(): Promise<void>;
}

/** A file of this size is read through in a fraction of a second. */
const quickCheckBytes = 128 * 1024 * 1024;

/** A command of an operator may have the file for a moment. */
const busyWithinMs = 2_000;

/** For a loss that nobody's write finds. */
const lookEveryMs = 2_000;
const lostLine = "the database file was moved, deleted or replaced, so nothing is stored";

interface PendingWrite {
  run(handle: DatabaseSync): void;
  commit(): void;
  fail(error: unknown): void;
}

/**
 * Opens the file, creating it and its folder when missing, readable by its owner alone. Throws a `StartError` when another
 * process holds it, when it cannot be written, or when it is no database. Nothing is stored while the file is elsewhere.
 */
export function createSqliteDatabase(path: string, log?: Pick<Logger, "error" | "info">): Database {
  const handle = open(path, log);
  const files = watchFiles([path, `${path}-wal`].filter((file) => existsSync(file)));
  const looking = setInterval(look, lookEveryMs).unref();
  let lost = false;
  const statements = new Map<string, StatementSync>();
  let pending: PendingWrite[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let closed = false;

  /** What a file takes that nobody will ever open again is not stored: rejects nothing itself, but says so once. */
  function look(): string | undefined {
    const reason = files.lost();
    if (lost !== (reason !== undefined)) {
      lost = !lost;
      if (lost) log?.error({ reason }, `${lostLine}; put it back, or restart the bot to begin with a new one`);
      else log?.info({}, "the database file is back");
    }
    return reason;
  }

  function flush(): void {
    scheduled = undefined;
    const writes = pending;
    pending = [];
    const done: PendingWrite[] = [];
    try {
      handle.exec("BEGIN IMMEDIATE");
      for (const write of writes) {
        handle.exec("SAVEPOINT one");
        try {
          write.run(handle);
          done.push(write);
        } catch (error) {
          handle.exec("ROLLBACK TO one");
          write.fail(error);
        }
        handle.exec("RELEASE one");
      }
      const reason = look();
      if (reason !== undefined) throw new Error(`${lostLine} (${reason})`);
      handle.exec("COMMIT");
    } catch (error) {
      rollBack(handle);
      const cause = new ParleyError("storage-failed", `the database could not be written: ${messageOf(error)}`, {
        retryable: true,
        cause: error,
      });
      for (const write of writes) write.fail(cause);
      return;
    }
    for (const write of done) write.commit();
  }

  return {
    handle,
    statement(sql) {
      const kept = statements.get(sql) ?? handle.prepare(sql);
      statements.set(sql, kept);
      return kept;
    },
    write(work) {
      return new Promise((resolve, reject) => {
        if (closed) {
          reject(new ParleyError("storage-closed", "the database is closed"));
          return;
        }
        let result: ReturnType<typeof work>;
        pending.push({
          run(database) {
            result = work(database);
          },
          commit: () => resolve(result),
          fail: reject,
        });
        scheduled ??= setImmediate(flush);
      });
    },
    async close() {
      if (closed) return;
      closed = true;
      if (scheduled !== undefined) {
        clearImmediate(scheduled);
        flush();
      }
      clearInterval(looking);
      handle.close();
      files.close();
    },
  };
}

/** Returns what runs one statement in the next transaction, and resolves when that is committed. */
export function statementsOf(database: Database): (sql: string, ...values: SQLInputValue[]) => Promise<void> {
  return (sql, ...values) => database.write(() => void database.statement(sql).run(...values));
}

function rollBack(handle: DatabaseSync): void {
  try {
    if (handle.isTransaction) handle.exec("ROLLBACK");
  } catch {
    // A transaction that SQLite has rolled back by itself cannot be rolled back again.
  }
}

/**
 * Refuses a damaged file, which would fail later and in worse places, and one that a newer version has changed; brings one of
 * an older version up to date.
 */
function check(handle: DatabaseSync, path: string, log: Pick<Logger, "error" | "info"> | undefined): void {
  if (statSync(path).size <= quickCheckBytes) {
    const [found] = Object.values(handle.prepare("PRAGMA quick_check(1)").get() ?? {});
    if (found !== "ok") throw new Error(String(found).split("\n").join(", "));
  }
  const version = Number(handle.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > schemaVersion) {
    throw new StartError([
      `DATA_DIR: ${path} was written by a newer version of Parley; update Parley, or set DATA_DIR to another folder.`,
    ]);
  }
  if (version === schemaVersion) return;
  try {
    migrate(handle, version);
    // A new file has none.
    if (version > 0) log?.info({ path }, "the database is up to date; older versions of Parley can no longer open it");
  } catch (error) {
    const reason = messageOf(error);
    const line = `DATA_DIR: ${path} could not be brought up to date, and is as it was (${reason}); check its disk, then start again.`;
    throw new StartError([line], { retryable: /full/i.test(reason) });
  }
}

/** One by one: below `/proc`, Node's own recursion never ends. */
function createFolder(path: string): void {
  if (existsSync(path)) return;
  createFolder(dirname(path));
  mkdirSync(path);
}

function open(path: string, log: Pick<Logger, "error" | "info"> | undefined): DatabaseSync {
  const folder = dirname(path);
  try {
    createFolder(folder);
    // Made here, not by SQLite, whose files are readable by everyone; its WAL takes the mode of the file.
    closeSync(openSync(path, "a", 0o600));
    chmodSync(path, 0o600);
  } catch (error) {
    throw new StartError([
      `DATA_DIR: the folder ${folder} cannot be written (${messageOf(error)}); give the bot's user write access, or set DATA_DIR to another folder.`,
    ]);
  }
  let handle: DatabaseSync | undefined;
  try {
    handle = new DatabaseSync(path, { timeout: busyWithinMs });
    handle.exec(`
      PRAGMA locking_mode = EXCLUSIVE;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 16777216;
    `);
    // Takes the lock now, and keeps it: it is SQLite's own, and free again after kill -9.
    handle.exec("BEGIN IMMEDIATE; COMMIT;");
    check(handle, path, log);
    return handle;
  } catch (error) {
    handle?.close();
    if (error instanceof StartError) throw error;
    const reason = messageOf(error);
    if (/locked|busy/i.test(reason)) {
      const line = `DATA_DIR: another process works on ${path}; stop it first, or set DATA_DIR to another folder.`;
      throw new StartError([line], { code: "database-busy", retryable: true });
    }
    throw new StartError([
      `DATA_DIR: ${path} cannot be opened as a database (${reason}); move it away, or set DATA_DIR to another folder.`,
    ]);
  }
}
