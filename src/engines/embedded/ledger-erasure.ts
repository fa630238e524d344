/** A user's name taken out of the ledger in the embedded database. */
import { dayMs } from "../../ports/ledger.ts";
import type { Database } from "./database.ts";
import { addUp } from "./schema.ts";

const counts =
  "answers, input_tokens, cached_tokens, output_tokens, cost, unpriced, cache_write_tokens, reasoning_tokens";

/** See `Ledger.erase`; to be called inside `Database.write`. `now`: milliseconds since the epoch. */
export function eraseFromLedger({ statement: sql }: Database, userId: number, budgetsGoOn: boolean, now: number): void {
  if (budgetsGoOn) {
    const carry = (spent: string) =>
      sql(
        `INSERT INTO carried ${spent} WHERE true ON CONFLICT (subject, day)
         DO UPDATE SET money = money + excluded.money, tokens = tokens + excluded.tokens`,
      );
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
