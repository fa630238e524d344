/** The store's tables. A conversation's exchanges and turns live and expire with its row in `conversation`. */
import type { DatabaseSync } from "node:sqlite";

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

  CREATE TABLE IF NOT EXISTS usage (
    user_id INTEGER NOT NULL, at INTEGER NOT NULL, model TEXT NOT NULL, input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cost REAL, estimated INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS usage_user ON usage (user_id, at);

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
  const columns = new Set(
    handle
      .prepare("PRAGMA table_info(exchange)")
      .all()
      .map((row) => row["name"]),
  );
  if (!columns.has("model")) handle.exec("ALTER TABLE exchange ADD COLUMN model TEXT");
  if (!columns.has("since")) handle.exec("ALTER TABLE exchange ADD COLUMN since INTEGER");
}
