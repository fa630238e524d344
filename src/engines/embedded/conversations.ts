/** What a conversation keeps: its exchanges and turns, as many and as long as they may be kept. */
import type { ConversationId } from "../../ports/updates.ts";
import { droppedAtOnce, keptPerConversation } from "../lanes/turn-records.ts";
import type { Database } from "./database.ts";
import { forgetAllSteps, forgetStepsOfTurns } from "./step-rows.ts";

/** All of it reads, or writes in the transaction of who calls it. */
export type Conversations = ReturnType<typeof createConversations>;

/** `ttlMs` after its last question a conversation is forgotten; `now` in milliseconds since the epoch. */
export function createConversations(database: Database, ttlMs: number, now: () => number) {
  const { statement: sql } = database;

  /** Whether it is to be forgotten, and is as good as that already. */
  function expired(conversation: ConversationId): boolean {
    const row = sql("SELECT active_at FROM conversation WHERE conversation = ?").get(conversation);
    return row !== undefined && Number(row["active_at"]) < now() - ttlMs;
  }

  function forget(conversation: ConversationId): void {
    sql("DELETE FROM exchange WHERE conversation = ?").run(conversation);
    sql("DELETE FROM turn WHERE conversation = ?").run(conversation);
    sql("DELETE FROM file WHERE conversation = ?").run(conversation);
    sql("DELETE FROM summary WHERE conversation = ?").run(conversation);
    sql("DELETE FROM told_facts WHERE conversation = ?").run(conversation);
    forgetAllSteps(database, conversation);
    sql("DELETE FROM conversation WHERE conversation = ?").run(conversation);
  }

  /** Whether anything is kept of it. */
  function lives(conversation: ConversationId): boolean {
    const row = sql("SELECT 1 FROM conversation WHERE conversation = ?").get(conversation);
    return row !== undefined && !expired(conversation);
  }

  function markActive(conversation: ConversationId): void {
    sql(
      `INSERT INTO conversation VALUES (?, ?)
       ON CONFLICT (conversation) DO UPDATE SET active_at = max(active_at, excluded.active_at)`,
    ).run(conversation, now());
  }

  /** Where the next one stands in its conversation; what is too old for it is forgotten. */
  function nextPlace(table: "exchange" | "turn", conversation: ConversationId): number {
    const row = sql(`SELECT max(place) AS last FROM ${table} WHERE conversation = ?`).get(conversation);
    const place = Number(row?.["last"] ?? 0) + 1;
    const dropped = Math.floor((place - keptPerConversation) / droppedAtOnce) * droppedAtOnce;
    if (dropped > 0) {
      if (table === "turn") forgetStepsOfTurns(database, conversation, dropped);
      sql(`DELETE FROM ${table} WHERE conversation = ? AND place <= ?`).run(conversation, dropped);
    }
    return place;
  }

  /** Forgets a conversation that has expired; false when there is none. */
  function forgetOldest(): boolean {
    const old = sql("SELECT conversation FROM conversation WHERE active_at < ? LIMIT 1").get(now() - ttlMs);
    if (old !== undefined) forget(String(old["conversation"]));
    return old !== undefined;
  }

  return { expired, lives, forget, markActive, nextPlace, forgetOldest };
}
