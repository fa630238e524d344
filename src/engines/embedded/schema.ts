/** The store's tables. A conversation's exchanges and turns live and expire with its row in `conversation`. */
import type { DatabaseSync } from "node:sqlite";
import { dayMs, perDollar } from "../../ports/ledger.ts";

const countColumns = [
  "answers",
  "input_tokens",
  "cached_tokens",
  "output_tokens",
  "cost",
  "unpriced",
  "cache_write_tokens",
  "reasoning_tokens",
] as const;

/** Ends an INSERT into `spent`: what is there already is added to. */
export const addUp = `ON CONFLICT (subject, day, model) DO UPDATE SET ${countColumns
  .map((name) => `${name} = ${name} + excluded.${name}`)
  .join(", ")}`;
/** The sums of some rows of `spent`, in the order of their columns. */
export const sumsOfSpent = countColumns.map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ");

/** Adds a row to the ledger; its columns by name, since a version to come may have more. */
export const insertRow = `INSERT INTO ledger (at, user_id, chat_id, turn, step, attempt, model, served, input_tokens,
  cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost, estimated, first_token_ms, duration_ms, outcome,
  seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

const schema = `
  CREATE TABLE IF NOT EXISTS setting (
    conversation TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (conversation, field)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS conversation (conversation TEXT PRIMARY KEY, active_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS conversation_active ON conversation (active_at);

  CREATE TABLE IF NOT EXISTS exchange (
    conversation TEXT NOT NULL, question INTEGER NOT NULL, place INTEGER NOT NULL, asked TEXT NOT NULL,
    answered TEXT NOT NULL, tokens INTEGER NOT NULL, at INTEGER NOT NULL, model TEXT, since INTEGER,
    PRIMARY KEY (conversation, question)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS exchange_place ON exchange (conversation, place);

  CREATE TABLE IF NOT EXISTS turn (
    conversation TEXT NOT NULL, question INTEGER NOT NULL, place INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (conversation, question)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS turn_place ON turn (conversation, place);

  -- What a turn with tools has done so far. It goes when the turn ends.
  CREATE TABLE IF NOT EXISTS step (
    conversation TEXT NOT NULL, question INTEGER NOT NULL, number INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (conversation, question, number)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS step_call (
    conversation TEXT NOT NULL, question INTEGER NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL,
    record TEXT NOT NULL, state TEXT NOT NULL, result TEXT, PRIMARY KEY (conversation, question, number, place)
  ) STRICT;
  -- Turns that wait for a person, and since when.
  CREATE TABLE IF NOT EXISTS waiting (
    conversation TEXT NOT NULL, question INTEGER NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (conversation, question)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS waiting_at ON waiting (at);
  CREATE TABLE IF NOT EXISTS allowed_tool (
    conversation TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (conversation, name)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS known_tool (name TEXT PRIMARY KEY, hash TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS summary (conversation TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;

  -- What users want remembered, by owner, and what of it a conversation is told.
  CREATE TABLE IF NOT EXISTS facts (owner TEXT PRIMARY KEY, record TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS told_facts (conversation TEXT PRIMARY KEY, facts TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY AUTOINCREMENT, conversation TEXT NOT NULL, unique_id TEXT NOT NULL, data BLOB NOT NULL,
    UNIQUE (conversation, unique_id)
  ) STRICT;

  CREATE TABLE IF NOT EXISTS answer (
    id INTEGER PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, model TEXT NOT NULL,
    expires_at INTEGER NOT NULL, UNIQUE (owner, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS answer_expires ON answer (expires_at);

  CREATE TABLE IF NOT EXISTS ledger (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, user_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, turn INTEGER NOT NULL,
    step INTEGER NOT NULL, attempt INTEGER NOT NULL, model TEXT NOT NULL, served TEXT, input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, cache_write_tokens INTEGER, output_tokens INTEGER NOT NULL, reasoning_tokens INTEGER,
    cost INTEGER, estimated INTEGER NOT NULL, first_token_ms INTEGER, duration_ms INTEGER NOT NULL, outcome TEXT NOT NULL,
    seconds REAL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS ledger_at ON ledger (at);
  CREATE INDEX IF NOT EXISTS ledger_user ON ledger (user_id);

  -- The sums of the ledger, by user, chat and for all; what is older than the days that are kept is under day -1.
  CREATE TABLE IF NOT EXISTS spent (
    subject TEXT NOT NULL, day INTEGER NOT NULL, model TEXT NOT NULL, answers INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, unpriced INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, PRIMARY KEY (subject, day, model)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS spent_day ON spent (day);

  CREATE TABLE IF NOT EXISTS reservation (
    id TEXT PRIMARY KEY, token TEXT NOT NULL, user_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, money INTEGER NOT NULL,
    tokens INTEGER NOT NULL, touched_at INTEGER NOT NULL, lost TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS reserved (
    subject TEXT PRIMARY KEY, money INTEGER NOT NULL, tokens INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS granted (
    user_id INTEGER NOT NULL, day INTEGER NOT NULL, money INTEGER NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (user_id, day)
  ) STRICT, WITHOUT ROWID;
  -- What those have used who had their name taken out, less what they were granted: their budgets go on.
  CREATE TABLE IF NOT EXISTS carried (
    subject TEXT NOT NULL, day INTEGER NOT NULL, money INTEGER NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (subject, day)
  ) STRICT, WITHOUT ROWID;
  -- Hashes of the ids of those who had their name taken out a moment ago: their calls may not have ended yet.
  CREATE TABLE IF NOT EXISTS erased (name TEXT PRIMARY KEY, at INTEGER NOT NULL, budgets INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS left_turn (turn TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS dialog (key TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS dialog_at ON dialog (at);

  CREATE TABLE IF NOT EXISTS blocked (chat_id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;

  CREATE TABLE IF NOT EXISTS first (key TEXT PRIMARY KEY, expires_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS first_expires ON first (expires_at);

  CREATE TABLE IF NOT EXISTS moved (conversation TEXT PRIMARY KEY, target TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
`;

/** Makes the tables that are missing, and the columns that a file of an older version lacks: older versions do without them. */
export function createTables(handle: DatabaseSync): void {
  handle.exec(schema);
  const columnsOf = (table: string) =>
    new Set(
      handle
        .prepare(`PRAGMA table_info(${table})`)
        .all()
        .map((row) => row["name"]),
    );
  const columns = columnsOf("exchange");
  if (!columns.has("model")) handle.exec("ALTER TABLE exchange ADD COLUMN model TEXT");
  if (!columns.has("since")) handle.exec("ALTER TABLE exchange ADD COLUMN since INTEGER");
  if (!columnsOf("ledger").has("seconds")) handle.exec("ALTER TABLE ledger ADD COLUMN seconds REAL");
  carryUsageOver(handle);
}

/** What a version before has kept of answers counts on. It may come back, and write again: then that is carried over, too. */
function carryUsageOver(handle: DatabaseSync): void {
  if (handle.prepare("SELECT 1 FROM sqlite_master WHERE name = 'usage'").get() === undefined) return;
  if (handle.prepare("SELECT 1 FROM usage").get() === undefined) return;
  const sums = `count(*), sum(input_tokens), sum(cached_tokens), sum(output_tokens),
    coalesce(sum(CAST(round(cost * ${perDollar}) AS INTEGER)), 0), count(*) - count(cost), 0, 0`;
  handle.exec(`
    BEGIN IMMEDIATE;
    INSERT INTO ledger (at, user_id, chat_id, turn, step, attempt, model, input_tokens, cached_tokens, output_tokens, cost,
        estimated, duration_ms, outcome)
      SELECT at, user_id, 0, 0, 1, 1, model, input_tokens, cached_tokens, output_tokens,
        CAST(round(cost * ${perDollar}) AS INTEGER), estimated, 0, 'complete' FROM usage;
    INSERT INTO spent SELECT 'user:' || user_id, at / ${dayMs}, model, ${sums} FROM usage
      WHERE true GROUP BY user_id, at / ${dayMs}, model ${addUp};
    INSERT INTO spent SELECT 'all', at / ${dayMs}, model, ${sums} FROM usage WHERE true GROUP BY at / ${dayMs}, model ${addUp};
    DELETE FROM usage;
    COMMIT;
  `);
}
