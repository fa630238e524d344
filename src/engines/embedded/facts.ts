/** What users want remembered, in the embedded database: a row for each owner, and one for what a conversation is told. */
import { type FactSnapshot, type FactStore, ownerOf } from "../../ports/facts.ts";
import type { ConversationId } from "../../ports/updates.ts";
import {
  type FactChange,
  type FactRecord,
  factAdded,
  factRemoved,
  factsCleared,
  factsMoved,
  factUndone,
  noFacts,
} from "../lanes/facts.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";

type Statements = Pick<Database, "statement">;

/** Creates the store's part for them. */
export function createFacts(
  database: Database,
  conversations: Conversations,
): FactStore & { readTold(conversation: ConversationId): FactSnapshot | undefined } {
  const { statement: sql, write } = database;

  function change<T>(owner: number, of: (record: FactRecord) => FactChange<T>): Promise<T> {
    return write(() => {
      const { record, result } = of(readRecord(database, String(owner)));
      if (record !== undefined) writeRecord(database, String(owner), record);
      return result;
    });
  }

  return {
    async readFacts(owner) {
      return readRecord(database, String(owner)).facts;
    },
    addFact: (owner, fact, how) => change(owner, (record) => factAdded(record, fact, how)),
    undoFact: (owner, number, text) => change(owner, (record) => factUndone(record, number, text)),
    removeFact: (owner, number) => change(owner, (record) => factRemoved(record, number)),
    clearFacts: (owner) =>
      write(() => {
        writeRecord(database, String(owner), factsCleared(readRecord(database, String(owner))));
        forgetTold(database, String(owner));
      }),
    keepFacts: (conversation) =>
      write(() => {
        const { facts } = readRecord(database, String(ownerOf(conversation)));
        if (conversations.lives(conversation))
          sql("INSERT OR REPLACE INTO told_facts VALUES (?, ?)").run(conversation, JSON.stringify(facts));
        return { facts };
      }),
    readTold(conversation) {
      const row = sql("SELECT facts FROM told_facts WHERE conversation = ?").get(conversation);
      return row === undefined ? undefined : { facts: JSON.parse(String(row["facts"])) };
    },
  };
}

/** Removes what a user wanted remembered. To be called inside `Database.write`. */
export function eraseFacts(database: Statements, userId: number): void {
  database.statement("DELETE FROM facts WHERE owner = ?").run(String(userId));
  forgetTold(database, String(userId));
}

/** Puts a group's facts, and what it is told, under the new id. To be called inside `Database.write`. */
export function moveFacts(database: Statements, from: ConversationId, to: ConversationId): void {
  const { statement: sql } = database;
  const former = readRecord(database, from);
  if (former !== noFacts) writeRecord(database, to, factsMoved(former, readRecord(database, to)));
  sql("DELETE FROM facts WHERE owner = ?").run(from);
  sql("UPDATE OR IGNORE told_facts SET conversation = ? WHERE conversation = ?").run(to, from);
  sql("DELETE FROM told_facts WHERE conversation = ?").run(from);
}

function readRecord({ statement: sql }: Statements, owner: string): FactRecord {
  const row = sql("SELECT record FROM facts WHERE owner = ?").get(owner);
  return row === undefined ? noFacts : JSON.parse(String(row["record"]));
}

function writeRecord({ statement: sql }: Statements, owner: string, record: FactRecord): void {
  sql("INSERT OR REPLACE INTO facts VALUES (?, ?)").run(owner, JSON.stringify(record));
}

/** In the chat and its topics. */
function forgetTold({ statement: sql }: Statements, owner: string): void {
  sql("DELETE FROM told_facts WHERE conversation = ?1 OR conversation >= ?1 || ':' AND conversation < ?1 || ';'").run(
    owner,
  );
}
