/** What long files say, in the embedded database. It lives and expires with its conversation. */
import type { FileText } from "../../ports/files.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { keptFiles, unpackFile } from "../lanes/kept-files.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";

type Statements = Pick<Database, "statement">;

/** Creates the store's part for reading them. */
export function createFiles({ statement: sql }: Statements, conversations: Conversations) {
  return {
    async readFile(conversation: ConversationId, uniqueId: string): Promise<FileText | undefined> {
      if (conversations.expired(conversation)) return undefined;
      const find = sql("SELECT data FROM file WHERE conversation = ? AND unique_id = ?");
      const data = find.get(conversation, uniqueId)?.["data"];
      return data instanceof Uint8Array ? await unpackFile(data) : undefined;
    },
  };
}

/** Keeps one as the newest of its conversation. To be called inside `Database.write`. */
export function writeFile(
  { statement: sql }: Statements,
  conversation: ConversationId,
  uniqueId: string,
  data: Uint8Array,
): void {
  sql("DELETE FROM file WHERE conversation = ? AND unique_id = ?").run(conversation, uniqueId);
  sql("INSERT INTO file (conversation, unique_id, data) VALUES (?, ?, ?)").run(conversation, uniqueId, data);
  sql(
    `DELETE FROM file WHERE conversation = ?1 AND id NOT IN
       (SELECT id FROM file WHERE conversation = ?1 ORDER BY id DESC LIMIT ?2)`,
  ).run(conversation, keptFiles);
}

/** Puts them under the new id. To be called inside `Database.write`. */
export function moveFiles({ statement: sql }: Statements, from: ConversationId, to: ConversationId): void {
  sql("UPDATE OR IGNORE file SET conversation = ? WHERE conversation = ?").run(to, from);
  sql("DELETE FROM file WHERE conversation = ?").run(from);
}
