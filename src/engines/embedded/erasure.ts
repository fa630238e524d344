/** What people have written, and what stands under their ids, removed from the embedded database. */
import type { DeadUpdate } from "../../ports/queue.ts";
import { deadOf } from "../lanes/worker.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";
import { eraseFacts } from "./facts.ts";
import { updateOf } from "./rows.ts";

/** The user's own conversation, and those of its topics. */
const own = "(conversation = ?1 OR conversation >= ?1 || ':' AND conversation < ?1 || ';')";

/** Removes it; to be called inside `Database.write`. */
export function eraseUser({ statement: sql }: Database, conversations: Conversations, userId: number): void {
  const id = String(userId);
  const found = sql(`SELECT DISTINCT conversation FROM turn WHERE ${own}
    UNION SELECT DISTINCT conversation FROM exchange WHERE ${own} UNION SELECT conversation FROM conversation WHERE ${own}`);
  for (const { conversation } of found.all(id)) conversations.forget(String(conversation));
  sql(`DELETE FROM setting WHERE ${own}`).run(id);
  eraseFacts({ statement: sql }, userId);
  sql("DELETE FROM answer WHERE owner = ?").run(id);
  // Of a dialog the key is its conversation, then its user; see `dialogKey`.
  sql(
    `DELETE FROM dialog WHERE key >= ?1 || '/' AND key < ?1 || '0' OR key >= ?1 || ':' AND key < ?1 || ';'
       OR substr(key, instr(key, '/') + 1) IN (?1, ?1 || '/command')`,
  ).run(id);
  sql("DELETE FROM blocked WHERE chat_id = CAST(? AS INTEGER)").run(id);
  // Behind what a notice is about stands who it is for.
  sql(
    `DELETE FROM first WHERE substr(key, instr(key, ':') + 1) = ?1
       OR substr(key, instr(key, ':') + 1, length(?1) + 1) = ?1 || ':'`,
  ).run(id);
}

/** Erases the dead updates that are meant, and those kept aside, but that they were there. To be called inside `Database.write`. */
export function eraseDead({ statement: sql }: Database, matches: (update: DeadUpdate) => boolean, now: number): number {
  const erase = sql(
    `UPDATE queued_update SET state = 'done', conversation = '', body = NULL, question = NULL, interrupt = NULL,
       refusal = NULL, outcome = NULL, reason = NULL, sender = NULL, gathering = NULL, ended_at = ? WHERE update_id = ?`,
  );
  const eraseParts = sql("DELETE FROM update_part WHERE leader = ?");
  const ids: number[] = [];
  // One by one: what people write may be long.
  for (const row of sql("SELECT * FROM queued_update WHERE state IN ('dead', 'aside')").iterate()) {
    const update = deadOf(updateOf(row), String(row["reason"]));
    if (matches(update)) ids.push(update.updateId);
  }
  for (const id of ids) {
    erase.run(now, id);
    eraseParts.run(id);
  }
  return ids.length;
}
