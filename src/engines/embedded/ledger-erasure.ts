/** A user's name taken out of the ledger in the embedded database. */
import { createHash } from "node:crypto";
import { dayMs, type LedgerRow, perDollar } from "../../ports/ledger.ts";
import { dayOf, erasedKnownMs, isBegunBefore, withoutName } from "../lanes/ledger-sums.ts";
import type { Database } from "./database.ts";
import { addUp } from "./schema.ts";

const counts =
  "answers, input_tokens, cached_tokens, output_tokens, cost, unpriced, cache_write_tokens, reasoning_tokens";

const carryOn =
  "ON CONFLICT (subject, day) DO UPDATE SET money = money + excluded.money, tokens = tokens + excluded.tokens";

/**
 * The row as it is to be written: without its name where that was taken out while the call was under way. To be called inside
 * `Database.write`. `now`: milliseconds since the epoch.
 */
export function asNamed({ statement: sql }: Database, row: LedgerRow, now: number): LedgerRow {
  const found = sql("SELECT at, budgets FROM erased WHERE name = ? AND at > ?").get(
    hashOf(row.userId),
    now - erasedKnownMs,
  );
  if (found === undefined || !isBegunBefore(row, Number(found["at"]))) return row;
  if (found["budgets"] === 1) {
    const { inputTokens, outputTokens, cost = 0 } = row;
    for (const subject of new Set([`user:${row.userId}`, ...(row.chatId === row.userId ? [`chat:${row.chatId}`] : [])]))
      sql(`INSERT INTO carried VALUES (?, ?, ?, ?) ${carryOn}`).run(
        ...[subject, dayOf(row.at), Math.round(cost * perDollar), inputTokens + outputTokens],
      );
  }
  return withoutName(row);
}

function hashOf(userId: number): string {
  return createHash("sha256").update(String(userId)).digest("base64url");
}

/** See `Ledger.erase`; to be called inside `Database.write`. `now`: milliseconds since the epoch. */
export function eraseFromLedger({ statement: sql }: Database, userId: number, budgetsGoOn: boolean, now: number): void {
  sql("INSERT OR REPLACE INTO erased VALUES (?, ?, ?)").run(hashOf(userId), now, budgetsGoOn ? 1 : 0);
  if (budgetsGoOn) {
    const carry = (spent: string) => sql(`INSERT INTO carried ${spent} WHERE true ${carryOn}`);
    const firstDay = Math.floor(now / dayMs) - 31;
    for (const subject of [`user:${userId}`, `chat:${userId}`]) {
      carry(
        `SELECT * FROM (SELECT subject, day, sum(cost) AS money, sum(input_tokens + output_tokens) AS tokens FROM spent
           WHERE subject = ? AND day >= ? GROUP BY subject, day)`,
      ).run(subject, firstDay);
    }
    carry("SELECT * FROM (SELECT 'user:' || user_id, day, -money, -tokens FROM granted WHERE user_id = ?)").run(userId);
  }
  sql("DELETE FROM granted WHERE user_id = ?").run(userId);
  sql(
    "UPDATE ledger SET user_id = 0, turn = 0, chat_id = CASE chat_id WHEN user_id THEN 0 ELSE chat_id END WHERE user_id = ?",
  ).run(userId);
  for (const kind of ["user", "chat"]) {
    const subject = `${kind}:${userId}`;
    sql(`INSERT INTO spent SELECT ?, day, model, ${counts} FROM spent WHERE subject = ? AND true ${addUp}`).run(
      `${kind}:0`,
      subject,
    );
    sql("DELETE FROM spent WHERE subject = ?").run(subject);
  }
  sql(
    "DELETE FROM left_turn WHERE turn >= ?1 || '/' AND turn < ?1 || '0' OR turn >= ?1 || ':' AND turn < ?1 || ';'",
  ).run(String(userId));
}
