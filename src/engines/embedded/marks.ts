/** Dialogs, blocked chats and notices in the embedded database: what stands by itself under a key. */
import type { Store } from "../../ports/store.ts";
import { dialogTtlMs } from "../lanes/turn-records.ts";
import { type Database, statementsOf } from "./database.ts";

/** Forgotten in one transaction, so that nobody's write waits for long. */
const purgeRows = 500;

export interface Marks
  extends Pick<
    Store,
    "readDialog" | "writeDialog" | "deleteDialog" | "markBlocked" | "unmarkBlocked" | "blockedAt" | "firstWithin"
  > {
  /** Forgets some of what has expired; true when there may be more. To be called inside `Database.write`. */
  forgetOld(): boolean;
}

/** Creates the store's part for marks; `now` in milliseconds since the epoch. */
export function createMarks(database: Database, now: () => number): Marks {
  const { statement: sql } = database;
  const run = statementsOf(database);

  /** Whether the key's window is still open; one that would be open for longer than that was opened by a clock set back since. */
  function within(key: string, windowMs: number): boolean {
    const row = sql("SELECT expires_at FROM first WHERE key = ?").get(key);
    const leftMs = Number(row?.["expires_at"] ?? 0) - now();
    return leftMs > 0 && leftMs <= windowMs;
  }

  return {
    async readDialog(key) {
      const row = sql("SELECT value FROM dialog WHERE key = ? AND at >= ?").get(key, now() - dialogTtlMs);
      return row === undefined ? undefined : String(row["value"]);
    },
    writeDialog: (key, value) => run("INSERT OR REPLACE INTO dialog VALUES (?, ?, ?)", key, value, now()),
    deleteDialog: (key) => run("DELETE FROM dialog WHERE key = ?", key),
    markBlocked: (chatId, at) => run("INSERT OR REPLACE INTO blocked VALUES (?, ?)", chatId, at),
    unmarkBlocked: (chatId) => run("DELETE FROM blocked WHERE chat_id = ?", chatId),
    async blockedAt(chatId) {
      const row = sql("SELECT at FROM blocked WHERE chat_id = ?").get(chatId);
      return row === undefined ? undefined : Number(row["at"]);
    },
    async firstWithin(key, windowMs) {
      // Most calls come within the window, and need no write to know it.
      if (within(key, windowMs)) return false;
      return await database.write(() => {
        if (within(key, windowMs)) return false;
        sql("INSERT OR REPLACE INTO first VALUES (?, ?)").run(key, now() + windowMs);
        return true;
      });
    },
    forgetOld() {
      const dialogs = sql("DELETE FROM dialog WHERE key IN (SELECT key FROM dialog WHERE at < ? LIMIT ?)");
      const firsts = sql("DELETE FROM first WHERE key IN (SELECT key FROM first WHERE expires_at < ? LIMIT ?)");
      const counts = [dialogs.run(now() - dialogTtlMs, purgeRows).changes, firsts.run(now(), purgeRows).changes];
      return counts.includes(purgeRows);
    },
  };
}
