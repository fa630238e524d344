/** Settings, history, turns, usage and dialogs in the embedded database. */
import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { setImmediate as pause } from "node:timers/promises";
import { withinTime } from "../../base/within-time.ts";
import type { UsageEntry, UsageTotals } from "../../ports/ledger.ts";
import type { Exchange, Settings, Store, Turn } from "../../ports/store.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { followingMoves } from "../lanes/moved-conversations.ts";
import {
  answered,
  dialogTtlMs,
  droppedAtOnce,
  keptPerConversation,
  scannedAtOnce,
  withMessages,
} from "../lanes/turn-records.ts";
import type { Database } from "./database.ts";
import { moveRows, readMoves } from "./moves.ts";
import { createTables } from "./schema.ts";

export interface SqliteStoreOptions {
  readonly database: Database;
  /** A conversation in which nothing was asked for this long is forgotten. */
  readonly historyTtlSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const purgeEveryMs = 10 * 60_000;
/** Dialogs and notices forgotten in one transaction; of conversations, which may be long, it is one. */
const purgeRows = 500;
const healthyWithinMs = 800;
const selectExchange = "SELECT question, asked, answered, tokens, at, model, since, place FROM exchange";

/** Creates the store; its tables are made when missing. */
export function createSqliteStore({ database, historyTtlSeconds, now = Date.now }: SqliteStoreOptions): Store {
  const { statement: sql } = database;
  createTables(database.handle);
  const ttlMs = historyTtlSeconds * 1000;
  let stopped = false;

  let purged = purge();
  const purging = setInterval(() => {
    purged = purged.then(purge);
  }, purgeEveryMs);

  function run(text: string, ...values: SQLInputValue[]): Promise<void> {
    return database.write(() => void sql(text).run(...values));
  }

  function expired(conversation: ConversationId): boolean {
    const row = sql("SELECT active_at FROM conversation WHERE conversation = ?").get(conversation);
    return row !== undefined && Number(row["active_at"]) < now() - ttlMs;
  }

  function forget(conversation: ConversationId): void {
    sql("DELETE FROM exchange WHERE conversation = ?").run(conversation);
    sql("DELETE FROM turn WHERE conversation = ?").run(conversation);
    sql("DELETE FROM conversation WHERE conversation = ?").run(conversation);
  }

  function markActive(conversation: ConversationId): void {
    sql(
      `INSERT INTO conversation VALUES (?, ?)
       ON CONFLICT (conversation) DO UPDATE SET active_at = max(active_at, excluded.active_at)`,
    ).run(conversation, now());
  }

  function nextPlace(table: "exchange" | "turn", conversation: ConversationId): number {
    const row = sql(`SELECT max(place) AS last FROM ${table} WHERE conversation = ?`).get(conversation);
    const place = Number(row?.["last"] ?? 0) + 1;
    const dropped = Math.floor((place - keptPerConversation) / droppedAtOnce) * droppedAtOnce;
    if (dropped > 0) sql(`DELETE FROM ${table} WHERE conversation = ? AND place <= ?`).run(conversation, dropped);
    return place;
  }

  function turnOf(row: Record<string, SQLInputValue> | undefined): Turn | undefined {
    return row === undefined ? undefined : (JSON.parse(String(row["record"])) as Turn);
  }

  function findTurn(conversation: ConversationId, question: number): Turn | undefined {
    if (expired(conversation)) return undefined;
    return turnOf(sql("SELECT record FROM turn WHERE conversation = ? AND question = ?").get(conversation, question));
  }

  /** Changes the record of a run; false when the turn was forgotten or belongs to another run. */
  function changeTurn(key: Pick<Turn, "conversation" | "question" | "run">, change: (turn: Turn) => Turn): boolean {
    const turn = findTurn(key.conversation, key.question);
    if (turn === undefined || turn.run !== key.run) return false;
    sql("UPDATE turn SET record = ? WHERE conversation = ? AND question = ?").run(
      JSON.stringify(change(turn)),
      key.conversation,
      key.question,
    );
    return true;
  }

  function begin(turn: Turn, dropped: readonly number[]): void {
    const { conversation, question } = turn;
    // What had expired must not come to life again with the new question.
    if (expired(conversation)) forget(conversation);
    markActive(conversation);
    for (const other of dropped)
      sql("DELETE FROM turn WHERE conversation = ? AND question = ?").run(conversation, other);
    const record = JSON.stringify(turn);
    const known = "UPDATE turn SET record = ? WHERE conversation = ? AND question = ?";
    if (sql(known).run(record, conversation, question).changes > 0) return;
    sql("INSERT INTO turn (conversation, question, place, record) VALUES (?, ?, ?, ?)").run(
      conversation,
      question,
      nextPlace("turn", conversation),
      record,
    );
  }

  function addExchange(conversation: ConversationId, exchange: Exchange): void {
    const { question, asked, answered: text, tokens, at, model = null, since = null } = exchange;
    const known = sql(
      `UPDATE exchange SET asked = ?, answered = ?, tokens = ?, at = ?, model = ?, since = ?
       WHERE conversation = ? AND question = ?`,
    ).run(asked, text, tokens, at, model, since, conversation, question);
    if (known.changes > 0) return;
    sql(
      `INSERT INTO exchange (conversation, question, place, asked, answered, tokens, at, model, since)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(conversation, question, nextPlace("exchange", conversation), asked, text, tokens, at, model, since);
  }

  function placeOf(conversation: ConversationId, question: number): number | undefined {
    const row = sql("SELECT place FROM exchange WHERE conversation = ? AND question = ?").get(conversation, question);
    return row === undefined ? undefined : Number(row["place"]);
  }

  function exchangeOf({ place: _place, model, since, ...row }: Record<string, SQLOutputValue>): Exchange {
    const known = { ...(model === null ? {} : { model }), ...(since === null ? {} : { since }) };
    return { ...row, ...known } as unknown as Exchange;
  }

  function addUsage(entry: UsageEntry): void {
    sql(
      `INSERT INTO usage (user_id, at, model, input_tokens, cached_tokens, output_tokens, cost, estimated)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      entry.userId,
      entry.at,
      entry.model,
      entry.inputTokens,
      entry.cachedTokens,
      entry.outputTokens,
      entry.cost ?? null,
      entry.estimated ? 1 : 0,
    );
  }

  /** Forgets what has expired, in slices, so that nobody's write waits for long. */
  async function purge(): Promise<void> {
    try {
      while (!stopped && (await database.write(purgeSlice)));
    } catch {
      // The next round tries again; a disk that fails is reported by those who need it.
    }
  }

  /** True when there may be more. */
  function purgeSlice(): boolean {
    const old = sql("SELECT conversation FROM conversation WHERE active_at < ? LIMIT 1").get(now() - ttlMs);
    if (old !== undefined) forget(String(old["conversation"]));
    const dialogs = sql("DELETE FROM dialog WHERE key IN (SELECT key FROM dialog WHERE at < ? LIMIT ?)");
    const firsts = sql("DELETE FROM first WHERE key IN (SELECT key FROM first WHERE expires_at < ? LIMIT ?)");
    const counts = [dialogs.run(now() - dialogTtlMs, purgeRows).changes, firsts.run(now(), purgeRows).changes];
    return old !== undefined || counts.includes(purgeRows);
  }

  /** Whether the key's window is still open; one that would be open for longer than that was opened by a clock set back since. */
  function within(key: string, windowMs: number): boolean {
    const row = sql("SELECT expires_at FROM first WHERE key = ?").get(key);
    const leftMs = Number(row?.["expires_at"] ?? 0) - now();
    return leftMs > 0 && leftMs <= windowMs;
  }

  const store: Store = {
    async readSettings(conversation) {
      const rows = sql("SELECT field, value FROM setting WHERE conversation = ?").all(conversation);
      return Object.fromEntries(rows.map((row) => [row["field"], row["value"]])) as Settings;
    },
    setSetting(conversation, field, value) {
      if (value === undefined)
        return run("DELETE FROM setting WHERE conversation = ? AND field = ?", conversation, field);
      return run("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", conversation, field, value);
    },
    async readHistory(conversation, atMost = keptPerConversation + droppedAtOnce) {
      if (expired(conversation)) return [];
      const rows = sql(`${selectExchange} WHERE conversation = ? ORDER BY place DESC LIMIT ?`).all(
        conversation,
        atMost,
      );
      return rows.reverse().map(exchangeOf);
    },
    async *scanHistory(conversation, from) {
      const next = sql(`${selectExchange} WHERE conversation = ? AND place >= ? ORDER BY place LIMIT ?`);
      let place = from === undefined ? 0 : placeOf(conversation, from);
      while (place !== undefined && !expired(conversation)) {
        const rows = next.all(conversation, place, scannedAtOnce);
        yield* rows.map(exchangeOf);
        if (rows.length < scannedAtOnce) return;
        place = Number(rows.at(-1)?.["place"]) + 1;
        // Others have their turn between two reads.
        await pause();
      }
    },
    moveConversation: (from, to) =>
      database.write(() => {
        // What has expired must not come to life again.
        for (const conversation of [from, to]) if (expired(conversation)) forget(conversation);
        moveRows(database, from, to);
      }),
    forget: (conversation) => database.write(() => forget(conversation)),
    async readTurn(conversation, question) {
      return findTurn(conversation, question);
    },
    async newestTurn(conversation) {
      if (expired(conversation)) return undefined;
      return turnOf(
        sql("SELECT record FROM turn WHERE conversation = ? ORDER BY place DESC LIMIT 1").get(conversation),
      );
    },
    beginTurn: (turn, dropped = []) => database.write(() => begin(turn, dropped)),
    setTurnMessages(conversation, question, runId, messages, file) {
      const key = { conversation, question, run: runId };
      return database.write(() => void changeTurn(key, (turn) => withMessages(turn, messages, file)));
    },
    keepAnswer(turn) {
      const { answer } = turn;
      const keep = (stored: Turn): Turn =>
        stored.state === "writing" && answer !== undefined ? { ...stored, answer } : stored;
      return database.write(() => void changeTurn(turn, keep));
    },
    finishTurn(turn, exchange, usage) {
      return database.write(() => {
        for (const entry of usage) addUsage(entry);
        if (!changeTurn(turn, (stored) => answered(turn, stored))) return;
        markActive(turn.conversation);
        if (exchange !== undefined) addExchange(turn.conversation, exchange);
      });
    },
    closeTurn(conversation, question, runId) {
      const key = { conversation, question, run: runId };
      return database.write(() => void changeTurn(key, (turn) => ({ ...turn, state: "done" })));
    },
    async readUsage(userId, since) {
      const row = sql(
        `SELECT count(*) AS answers, coalesce(sum(input_tokens), 0) AS inputTokens,
           coalesce(sum(cached_tokens), 0) AS cachedTokens, coalesce(sum(output_tokens), 0) AS outputTokens,
           total(cost) AS cost, count(*) - count(cost) AS unpriced
         FROM usage WHERE user_id = ? AND at >= ?`,
      ).get(userId, since);
      return { ...row } as unknown as UsageTotals;
    },
    async readDialog(key) {
      const row = sql("SELECT value FROM dialog WHERE key = ? AND at >= ?").get(key, now() - dialogTtlMs);
      return row === undefined ? undefined : String(row["value"]);
    },
    writeDialog: (key, value) => run("INSERT OR REPLACE INTO dialog VALUES (?, ?, ?)", key, value, now()),
    deleteDialog: (key) => run("DELETE FROM dialog WHERE key = ?", key),
    markBlocked: (chatId, at) => run("INSERT OR REPLACE INTO blocked VALUES (?, ?)", chatId, at),
    unmarkBlocked: (chatId) => run("DELETE FROM blocked WHERE chat_id = ?", chatId),
    async blockedAt(chatId) {
      const row = sql("SELECT at FROM blocked WHERE chat_id = ?").get(chatId);
      return row === undefined ? undefined : Number(row["at"]);
    },
    async firstWithin(key, windowMs) {
      // Most calls come within the window, and need no write to know it.
      if (within(key, windowMs)) return false;
      return await database.write(() => {
        if (within(key, windowMs)) return false;
        sql("INSERT OR REPLACE INTO first VALUES (?, ?)").run(key, now() + windowMs);
        return true;
      });
    },
    // No other process writes here.
    guardedBy: () => store,
    async healthy() {
      const written = run("INSERT OR REPLACE INTO probe VALUES (1, ?)", now()).then(() => true);
      return await withinTime(healthyWithinMs, written, false);
    },
    async stop() {
      stopped = true;
      clearInterval(purging);
      await purged;
    },
  };
  return followingMoves(store, readMoves(database));
}
