/** How the queue's table is found at a start: made or brought up to date, and what the last process died of counted. */
import { readFileSync, rmSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

/**
 * `open` rows wait or run; `done` ones recognise a repeated delivery; `dead` ones keep their body; `aside` ones are parts of an
 * album that has not been addressed to us. `running` is 2 when nothing else ran beside it. What has joined a question stands in
 * `update_part`, numbered as it came.
 */
const tables = `
  CREATE TABLE IF NOT EXISTS queued_update (
    update_id INTEGER PRIMARY KEY,
    conversation TEXT NOT NULL,
    lane TEXT NOT NULL,
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    body TEXT,
    question INTEGER,
    interrupt TEXT,
    refusal TEXT,
    outcome TEXT,
    running INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    crashes INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL DEFAULT 0,
    cancelled TEXT,
    reason TEXT,
    ended_at INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS queued_update_open ON queued_update (conversation, lane, position) WHERE state = 'open';
  CREATE INDEX IF NOT EXISTS queued_update_done ON queued_update (ended_at) WHERE state = 'done';
  CREATE INDEX IF NOT EXISTS queued_update_dead ON queued_update (ended_at) WHERE state = 'dead';
  CREATE TABLE IF NOT EXISTS update_part (
    leader INTEGER NOT NULL, message INTEGER NOT NULL, number INTEGER NOT NULL, update_id INTEGER NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (leader, message)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS hang (name TEXT PRIMARY KEY, update_id INTEGER NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/** Columns that files of former versions lack. Those versions go on to work with a file that has them. */
const laterColumns: Readonly<Record<string, string>> = {
  lone_crashes: "INTEGER NOT NULL DEFAULT 0",
  backoff_ms: "INTEGER NOT NULL DEFAULT 0",
  sender: "INTEGER",
  gathering: "TEXT",
};

const laterIndexes = `
  CREATE INDEX IF NOT EXISTS queued_update_sender ON queued_update (conversation, sender, position)
    WHERE state = 'open' AND sender IS NOT NULL;
  CREATE INDEX IF NOT EXISTS queued_update_aside ON queued_update (conversation, sender) WHERE state = 'aside';
  CREATE INDEX IF NOT EXISTS queued_update_aside_old ON queued_update (received_at) WHERE state = 'aside';
`;

/**
 * Makes the tables ready. What ran when the last process died has one crash more afterwards, unless that process hung in an
 * update that its watchdog has named in `hangFile`: then nobody else is charged.
 */
export function openTables(handle: DatabaseSync, hangFile: string | undefined, now: number): void {
  handle.exec(tables);
  const known = new Set(
    handle
      .prepare("PRAGMA table_info(queued_update)")
      .all()
      .map(({ name }) => String(name)),
  );
  for (const [name, type] of Object.entries(laterColumns)) {
    if (!known.has(name)) handle.exec(`ALTER TABLE queued_update ADD COLUMN ${name} ${type}`);
  }
  handle.exec(laterIndexes);
  const hangs = hangFile === undefined ? [] : readHangs(hangFile);
  handle.exec("BEGIN IMMEDIATE");
  try {
    // Its name keeps a hang from being counted twice, should the file outlive this transaction.
    const add = handle.prepare("INSERT OR IGNORE INTO hang VALUES (?, ?, ?)");
    for (const { name, updateId } of hangs) add.run(name, updateId, now);
    if (hangs.length === 0) {
      handle.exec(`UPDATE queued_update SET crashes = crashes + 1, lone_crashes = lone_crashes + (running = 2)
        WHERE state = 'open' AND running > 0`);
    }
    handle.exec("UPDATE queued_update SET running = 0 WHERE state = 'open' AND running > 0; COMMIT");
  } catch (error) {
    handle.exec("ROLLBACK");
    throw error;
  }
  if (hangFile !== undefined) rmSync(hangFile, { force: true });
}

/** A line that a full disk has cut short names nobody. */
function readHangs(file: string): { name: string; updateId: number }[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  return text
    .split("\n")
    .slice(0, -1)
    .flatMap((line) => {
      const [name = "", id = ""] = line.split(" ");
      return name !== "" && Number.isSafeInteger(Number(id)) && id !== "" ? [{ name, updateId: Number(id) }] : [];
    });
}
