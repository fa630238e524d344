/** Groups that have become supergroups, in the embedded database. */
import type { ConversationId } from "../../ports/updates.ts";
import { movedTurn } from "../lanes/moved-conversations.ts";
import { presentForm, readTurn } from "../lanes/stored-forms.ts";
import type { Database } from "./database.ts";
import { moveFacts } from "./facts.ts";
import { moveFiles } from "./files.ts";
import { moveSteps } from "./step-rows.ts";
import { moveSummary } from "./summaries.ts";

/** The moves so far: former ids and present ones. */
export function readMoves({ handle }: Pick<Database, "handle">): Map<ConversationId, ConversationId> {
  const rows = handle.prepare("SELECT conversation, target FROM moved").all();
  return new Map(rows.map((row) => [String(row["conversation"]), String(row["target"])]));
}

/** Puts history, turns and settings under the new id, before what is there. To be called inside `Database.write`. */
export function moveRows(
  { statement: sql }: Pick<Database, "statement">,
  from: ConversationId,
  to: ConversationId,
): void {
  sql("INSERT OR REPLACE INTO moved VALUES (?, ?)").run(from, to);
  sql("INSERT OR IGNORE INTO setting SELECT ?, field, value FROM setting WHERE conversation = ?").run(to, from);
  sql("DELETE FROM setting WHERE conversation = ?").run(from);
  for (const table of ["exchange", "turn"] as const) {
    const last = sql(`SELECT max(place) AS last FROM ${table} WHERE conversation = ?`).get(from)?.["last"] ?? 0;
    sql(`UPDATE ${table} SET place = place + ? WHERE conversation = ?`).run(last, to);
  }
  sql("UPDATE exchange SET conversation = ?, question = -question, since = -since WHERE conversation = ?").run(
    to,
    from,
  );
  for (const row of sql("SELECT question, record FROM turn WHERE conversation = ?").all(from)) {
    const turn = movedTurn(readTurn(String(row["record"])), to);
    sql("UPDATE turn SET conversation = ?, question = ?, record = ? WHERE conversation = ? AND question = ?").run(
      to,
      turn.question,
      presentForm.turn(turn),
      from,
      row["question"] ?? 0,
    );
  }
  moveSummary({ statement: sql }, from, to);
  moveFiles({ statement: sql }, from, to);
  moveFacts({ statement: sql }, from, to);
  moveSteps({ statement: sql }, from, to);
  sql(
    `INSERT INTO conversation SELECT ?, active_at FROM conversation WHERE conversation = ?
     ON CONFLICT (conversation) DO UPDATE SET active_at = max(active_at, excluded.active_at)`,
  ).run(to, from);
  sql("DELETE FROM conversation WHERE conversation = ?").run(from);
}
