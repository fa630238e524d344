/** The rows of the journal, where turns and conversations end or move. To be called inside `Database.write`. */
import type { ConversationId } from "../../ports/updates.ts";
import type { Database } from "./database.ts";

type Statements = Pick<Database, "statement">;

/** Forgets the steps of a turn, and that it waits. */
export function forgetSteps({ statement: sql }: Statements, conversation: ConversationId, question: number): void {
  for (const table of ["step", "step_call", "waiting"])
    sql(`DELETE FROM ${table} WHERE conversation = ? AND question = ?`).run(conversation, question);
}

/** Forgets those of the turns up to this place. */
export function forgetStepsOfTurns({ statement: sql }: Statements, conversation: ConversationId, place: number): void {
  for (const table of ["step", "step_call", "waiting"])
    sql(
      `DELETE FROM ${table} WHERE conversation = ?1
         AND question IN (SELECT question FROM turn WHERE conversation = ?1 AND place <= ?2)`,
    ).run(conversation, place);
}

/** Forgets those of all turns of a conversation, and what it allows. */
export function forgetAllSteps({ statement: sql }: Statements, conversation: ConversationId): void {
  for (const table of ["step", "step_call", "waiting", "allowed_tool"])
    sql(`DELETE FROM ${table} WHERE conversation = ?`).run(conversation);
}

/** Puts them under the new id. */
export function moveSteps({ statement: sql }: Statements, from: ConversationId, to: ConversationId): void {
  for (const table of ["step", "step_call", "waiting"])
    sql(`UPDATE ${table} SET conversation = ?, question = -question WHERE conversation = ?`).run(to, from);
  sql("UPDATE OR IGNORE allowed_tool SET conversation = ? WHERE conversation = ?").run(to, from);
  sql("DELETE FROM allowed_tool WHERE conversation = ?").run(from);
}
