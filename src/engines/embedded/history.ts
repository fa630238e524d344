/** Exchanges in the embedded database. */
import type { SQLOutputValue } from "node:sqlite";
import { setImmediate as pause } from "node:timers/promises";
import type { Exchange, Store } from "../../ports/store.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { droppedAtOnce, keptPerConversation, scannedAtOnce } from "../lanes/turn-records.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";

const selectExchange = "SELECT question, asked, answered, tokens, at, model, since, place FROM exchange";

export interface History extends Pick<Store, "scanHistory"> {
  /** The newest exchanges, oldest first. */
  newest(conversation: ConversationId, atMost: number): readonly Exchange[];
  /** Adds an exchange, or replaces that of its question. To be called inside `Database.write`. */
  add(conversation: ConversationId, exchange: Exchange): void;
}

/** Creates the store's part for exchanges. */
export function createHistory({ statement: sql }: Database, conversations: Conversations): History {
  function add(conversation: ConversationId, exchange: Exchange): void {
    const { question, asked, answered: text, tokens, at, model = null, since = null } = exchange;
    const parts = JSON.stringify(asked);
    const known = sql(
      `UPDATE exchange SET asked = ?, answered = ?, tokens = ?, at = ?, model = ?, since = ?
       WHERE conversation = ? AND question = ?`,
    ).run(parts, text, tokens, at, model, since, conversation, question);
    if (known.changes > 0) return;
    sql(
      `INSERT INTO exchange (conversation, question, place, asked, answered, tokens, at, model, since)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      conversation,
      question,
      conversations.nextPlace("exchange", conversation),
      parts,
      text,
      tokens,
      at,
      model,
      since,
    );
  }

  function placeOf(conversation: ConversationId, question: number): number | undefined {
    const row = sql("SELECT place FROM exchange WHERE conversation = ? AND question = ?").get(conversation, question);
    return row === undefined ? undefined : Number(row["place"]);
  }

  return {
    add,
    newest(conversation, atMost) {
      const most = Math.min(atMost, keptPerConversation + droppedAtOnce);
      const rows = sql(`${selectExchange} WHERE conversation = ? ORDER BY place DESC LIMIT ?`).all(conversation, most);
      return rows.reverse().map(exchangeOf);
    },
    async *scanHistory(conversation, from) {
      const next = sql(`${selectExchange} WHERE conversation = ? AND place >= ? ORDER BY place LIMIT ?`);
      let place = from === undefined ? 0 : placeOf(conversation, from);
      while (place !== undefined && !conversations.expired(conversation)) {
        const rows = next.all(conversation, place, scannedAtOnce);
        yield* rows.map(exchangeOf);
        if (rows.length < scannedAtOnce) return;
        place = Number(rows.at(-1)?.["place"]) + 1;
        // Others have their turn between two reads.
        await pause();
      }
    },
  };
}

function exchangeOf({ place: _place, asked, model, since, ...row }: Record<string, SQLOutputValue>): Exchange {
  const known = { ...(model === null ? {} : { model }), ...(since === null ? {} : { since }) };
  return { ...row, asked: JSON.parse(String(asked)), ...known } as unknown as Exchange;
}
