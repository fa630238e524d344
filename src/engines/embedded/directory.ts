/** Who has used the bot, in the embedded database. */
import type { SQLOutputValue } from "node:sqlite";
import type { Directory, KnownPerson } from "../../ports/directory.ts";
import { createDirectory, dayMs, knownForMs } from "../lanes/directory.ts";
import type { Database } from "./database.ts";

const schema = `
  CREATE TABLE IF NOT EXISTS person (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, username TEXT COLLATE NOCASE, seen_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS person_username ON person (username);
  CREATE INDEX IF NOT EXISTS person_seen ON person (seen_at);
`;

/** Creates the directory; its table is made when missing. `now`: milliseconds since the epoch. */
export function createSqliteDirectory(database: Database, now: () => number = Date.now): Directory {
  const { statement: sql } = database;
  database.handle.exec(schema);
  const put = sql(
    `INSERT INTO person VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
     SET name = excluded.name, username = excluded.username, seen_at = excluded.seen_at
     WHERE name IS NOT excluded.name OR username IS NOT excluded.username OR seen_at / ${dayMs} <> excluded.seen_at / ${dayMs}`,
  );
  return createDirectory(
    {
      write: (people) =>
        database.write(() => {
          for (const { id, name, username = null, seenAt } of people) put.run(id, name, username, seenAt);
          sql("DELETE FROM person WHERE seen_at < ?").run(now() - knownForMs);
        }),
      async find(username) {
        return personOf(sql("SELECT * FROM person WHERE username = ? ORDER BY seen_at DESC LIMIT 1").get(username));
      },
      async read(ids) {
        return ids.flatMap((id) => personOf(sql("SELECT * FROM person WHERE id = ?").get(id)) ?? []);
      },
      forget: (id) => database.write(() => void sql("DELETE FROM person WHERE id = ?").run(id)),
    },
    now,
  );
}

function personOf(row: Record<string, SQLOutputValue> | undefined): KnownPerson | undefined {
  if (row === undefined) return undefined;
  const { id, name, username, seen_at } = row;
  const called = username === null ? {} : { username: String(username) };
  return { id: Number(id), name: String(name), ...called, seenAt: Number(seen_at) };
}
