/** What is kept about summaries, in the embedded database. */
import type { Store } from "../../ports/store.ts";
import type { SummaryRecord } from "../../ports/summaries.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { movedSummary } from "../lanes/moved-conversations.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";

type Statements = Pick<Database, "statement">;

/** Creates the store's part for summaries. */
export function createSummaryRecords(
  database: Database,
  conversations: Conversations,
): Pick<Store, "replaceSummary"> & { readSummary(conversation: ConversationId): SummaryRecord | undefined } {
  return {
    readSummary: (conversation) => read(database, conversation),
    replaceSummary: (conversation, former, next) =>
      database.write(() => {
        if (!conversations.lives(conversation)) return false;
        const same = JSON.stringify(read(database, conversation)) === JSON.stringify(former);
        if (same) write(database, conversation, next);
        return same;
      }),
  };
}

/** Puts the summary under the new id, unless there is one. To be called inside `Database.write`. */
export function moveSummary(database: Statements, from: ConversationId, to: ConversationId): void {
  const record = read(database, from);
  if (record !== undefined && read(database, to) === undefined) write(database, to, movedSummary(record));
  database.statement("DELETE FROM summary WHERE conversation = ?").run(from);
}

function read({ statement: sql }: Statements, conversation: ConversationId): SummaryRecord | undefined {
  const row = sql("SELECT record FROM summary WHERE conversation = ?").get(conversation);
  return row === undefined ? undefined : JSON.parse(String(row["record"]));
}

function write({ statement: sql }: Statements, conversation: ConversationId, record: SummaryRecord): void {
  sql("INSERT OR REPLACE INTO summary VALUES (?, ?)").run(conversation, JSON.stringify(record));
}
