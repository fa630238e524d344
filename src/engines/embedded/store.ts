/** Settings, history, turns, usage and dialogs in the embedded database. */
import { withinTime } from "../../base/within-time.ts";
import type { AnswerKeeping, Settings, Store } from "../../ports/store.ts";
import type { Turn } from "../../ports/turns.ts";
import { followingMoves, type StoreAtHome, turnAtHome } from "../lanes/moved-conversations.ts";
import { createAnswers } from "./answers.ts";
import { createConversations } from "./conversations.ts";
import { type Database, statementsOf } from "./database.ts";
import { eraseUser } from "./erasure.ts";
import { createFacts } from "./facts.ts";
import { createFiles } from "./files.ts";
import { createHistory } from "./history.ts";
import { createLedger } from "./ledger.ts";
import { createMarks } from "./marks.ts";
import { moveRows, readMoves } from "./moves.ts";
import { startPurging } from "./purging.ts";
import { createTables } from "./schema.ts";
import { createSummaryRecords } from "./summaries.ts";
import { createTurns } from "./turns.ts";

export interface SqliteStoreOptions {
  readonly database: Database;
  /** A conversation in which nothing was asked for this long is forgotten. */
  readonly historyTtlSeconds: number;
  /** How long calls are kept one by one; without an end when left out. */
  readonly ledgerDays?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const healthyWithinMs = 800;

export interface SqliteStore extends Store {
  /** For the queue over the same database. */
  readonly keepAnswer: AnswerKeeping["keep"];
}

/** Creates the store; its tables are made when missing. */
export function createSqliteStore(options: SqliteStoreOptions): SqliteStore {
  const { database, historyTtlSeconds, ledgerDays = Number.POSITIVE_INFINITY, now = Date.now } = options;
  const { statement: sql } = database;
  const run = statementsOf(database);
  createTables(database.handle);
  const conversations = createConversations(database, historyTtlSeconds * 1000, now);
  const { add: addExchange, newest, scanHistory } = createHistory(database, conversations);
  const { readSummary, replaceSummary } = createSummaryRecords(database, conversations);
  const { readTold, ...facts } = createFacts(database, conversations);
  const { ledger, write: writeCalls, forgetOld: forgetOldCalls } = createLedger(database, ledgerDays, now);
  const { readAnswer, write: writeAnswer, forgetOld: forgetOldAnswers } = createAnswers(database, now);
  const { keepAnswer, ...turns } = createTurns({ database, conversations, addExchange, writeCalls, writeAnswer });
  const { forgetOld, ...marks } = createMarks(database, now);
  // A disk that fails is reported by those who need it.
  const purging = startPurging(database, purgeSlice, () => {});

  /** True when there may be more. */
  function purgeSlice(): boolean {
    return [conversations.forgetOldest(), forgetOld(), forgetOldCalls(), forgetOldAnswers()].includes(true);
  }

  const store: StoreAtHome = {
    async readConversation(conversation, atMost) {
      if (conversations.expired(conversation)) return { history: [], summary: undefined, facts: undefined };
      const [history, summary] = [newest(conversation, atMost), readSummary(conversation)];
      return { history, summary, facts: readTold(conversation) };
    },
    scanHistory,
    replaceSummary,
    ledger,
    readAnswer,
    ...createFiles(database, conversations),
    ...facts,
    ...turns,
    ...marks,
    async readSettings(conversation) {
      const rows = sql("SELECT field, value FROM setting WHERE conversation = ?").all(conversation);
      return Object.fromEntries(rows.map((row) => [row["field"], row["value"]])) as Settings;
    },
    setSetting(conversation, field, value) {
      if (value === undefined)
        return run("DELETE FROM setting WHERE conversation = ? AND field = ?", conversation, field);
      return run("INSERT OR REPLACE INTO setting VALUES (?, ?, ?)", conversation, field, value);
    },
    moveConversation: (from, to) =>
      database.write(() => {
        // What has expired must not come to life again.
        for (const conversation of [from, to])
          if (conversations.expired(conversation)) conversations.forget(conversation);
        moveRows(database, from, to);
      }),
    eraseUser: (userId) => database.write(() => eraseUser(database, conversations, userId)),
    forget: (conversation) => database.write(() => conversations.forget(conversation)),
    // No other process writes here.
    guardedBy: () => store,
    async healthy() {
      const written = run("INSERT OR REPLACE INTO probe VALUES (1, ?)", now()).then(() => true);
      return await withinTime(healthyWithinMs, written, false);
    },
    stop: purging.stop,
  };
  const moves = readMoves(database);
  return Object.assign(followingMoves(store, moves), {
    keepAnswer: (turn: Turn) => keepAnswer(turnAtHome(turn, moves)),
  });
}
