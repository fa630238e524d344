/** The ledger in the embedded database: a row for each call, and their sums by user, chat and for all. */
import type { SQLOutputValue } from "node:sqlite";
import { setImmediate as pause } from "node:timers/promises";
import {
  dayMs,
  type Ledger,
  type LedgerRow,
  perDollar,
  type Settlement,
  type TotalsQuery,
} from "../../ports/ledger.ts";
import { countsOf, dayOf, rowOf, subjectName, subjectsOf, sumDays, totalsOf } from "../lanes/ledger-sums.ts";
import type { Database } from "./database.ts";
import { asNamed, eraseFromLedger } from "./ledger-erasure.ts";
import { createReservations, type Reservations } from "./reservations.ts";
import { addUp, insertRow, sumsOfSpent } from "./schema.ts";

/** Read or forgotten at once, so that nobody waits for long. */
const rowsAtOnce = 500;
/** Where sums are that are kept no longer by day. */
const longAgo = -1;

export interface LedgerParts {
  readonly ledger: Ledger;
  /** Writes calls, and settles what was reserved for them. To be called inside `Database.write`. */
  write(settlements: readonly Settlement[]): void;
  /** Forgets some of what is older than it is kept; true when there may be more. To be called inside `Database.write`. */
  forgetOld(): boolean;
}

/** Creates the store's part for calls and budgets; `now` in milliseconds since the epoch. */
export function createLedger(database: Database, ledgerDays: number, now: () => number): LedgerParts {
  const { statement: sql } = database;
  const reservations: Reservations = createReservations(database, now, writeRow);

  function writeRow(called: LedgerRow): void {
    const row = asNamed(database, called, now());
    const money = row.cost === undefined ? null : Math.round(row.cost * perDollar);
    sql(insertRow).run(
      ...[row.at, row.userId, row.chatId, row.turn, row.step, row.attempt, row.model, row.served ?? null],
      ...[row.inputTokens, row.cachedTokens, row.cacheWriteTokens ?? null, row.outputTokens],
      ...[row.reasoningTokens ?? null, money, row.estimated ? 1 : 0],
      ...[row.firstTokenMs ?? null, row.durationMs, row.outcome, row.seconds ?? null],
    );
    const counts = countsOf(row);
    if (counts === undefined) return;
    const add = sql(`INSERT INTO spent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ${addUp}`);
    for (const subject of subjectsOf(row)) add.run(subject, dayOf(row.at), row.model, ...counts);
  }

  function write(settlements: readonly Settlement[]): void {
    for (const settlement of settlements) {
      const { reservation } = settlement;
      if (reservation === undefined || reservations.release(reservation)) writeRow(rowOf(settlement));
    }
  }

  function totals({ of, from, to, by }: TotalsQuery) {
    const [first, last] = [from === undefined ? longAgo : dayOf(from), to === undefined ? 1e9 : dayOf(to)];
    if (by === "user") {
      const users = sql(
        `SELECT substr(subject, 6) AS key, ${sumsOfSpent} FROM spent
         WHERE day BETWEEN ? AND ? AND subject LIKE 'user:%' GROUP BY subject`,
      );
      return users.all(first, last).map(totalsOfRow);
    }
    const key = { "": "''", model: "model", day: "CAST(day AS TEXT)", "day-model": "day || ' ' || model" }[by ?? ""];
    const group = by === undefined ? "" : `GROUP BY ${by.replace("-", ", ")}`;
    return sql(`SELECT ${key} AS key, ${sumsOfSpent} FROM spent WHERE subject = ? AND day BETWEEN ? AND ? ${group}`)
      .all(subjectName(of), first, last)
      .map(totalsOfRow);
  }

  /** Sums that are kept no longer by day are kept as one. */
  function foldOldest(): boolean {
    const before = dayOf(now()) - sumDays(ledgerDays);
    const old = sql("SELECT * FROM spent WHERE day > ? AND day < ? LIMIT ?").all(longAgo, before, rowsAtOnce);
    for (const { subject = "", day = 0, model = "", ...counts } of old) {
      sql(`INSERT INTO spent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ${addUp}`).run(
        ...[subject, longAgo, model],
        ...Object.values(counts),
      );
      sql("DELETE FROM spent WHERE subject = ? AND day = ? AND model = ?").run(subject, day, model);
    }
    return old.length === rowsAtOnce;
  }

  return {
    write,
    forgetOld() {
      const before = now() - ledgerDays * dayMs;
      const rows = sql("DELETE FROM ledger WHERE id IN (SELECT id FROM ledger WHERE at < ? LIMIT ?)");
      const forgotten = rows.run(before, rowsAtOnce).changes === rowsAtOnce;
      return [forgotten, foldOldest(), reservations.forgetOld()].includes(true);
    },
    ledger: {
      totals: async (query) => totals(query),
      async *rows(fromDay, toDay) {
        const next = sql(`SELECT * FROM ledger WHERE at >= ? AND at < ? AND (at, id) > (?, ?) ORDER BY at, id LIMIT ?`);
        const [from, to] = [fromDay, toDay + 1].map((day) => day * dayMs);
        let [at, id] = [-1, 0];
        for (;;) {
          const rows = next.all(from ?? 0, to ?? 0, at, id, rowsAtOnce);
          yield* rows.map(rowOfColumns);
          if (rows.length < rowsAtOnce) return;
          [at, id] = [Number(rows.at(-1)?.["at"]), Number(rows.at(-1)?.["id"])];
          // Others have their turn between two reads.
          await pause();
        }
      },
      reserve: (reservation, limits, settled) =>
        database.write(() => {
          write(settled);
          return reservations.reserve(reservation, limits);
        }),
      extend: (reservation, limits) => database.write(() => reservations.extend(reservation, limits)),
      settle: (settlements, leaves) =>
        database.write(() => {
          write(settlements);
          if (leaves !== undefined) sql("INSERT OR REPLACE INTO left_turn VALUES (?, ?)").run(leaves, now());
        }),
      wasLeft: (turn) => database.write(() => sql("DELETE FROM left_turn WHERE turn = ?").run(turn).changes > 0),
      lose: (id) => database.write(() => reservations.lose(id)),
      sweep: (olderThanMs) => database.write(() => reservations.sweep(olderThanMs)),
      standing: async (limits) => limits.map(reservations.standingOf),
      grant: (grant) => database.write(() => reservations.grant(grant)),
      erase: (userId, budgetsGoOn) =>
        database.write(() => {
          reservations.loseOf(userId);
          eraseFromLedger(database, userId, budgetsGoOn, now());
        }),
    },
  };
}

function totalsOfRow({ key, ...counts }: Record<string, SQLOutputValue>) {
  return totalsOf(String(key), [Object.values(counts).map(Number)]);
}

function rowOfColumns(columns: Record<string, SQLOutputValue>): LedgerRow {
  const number = (name: string) => Number(columns[name]);
  const known = (name: string) => (columns[name] === null ? undefined : number(name));
  const { model, served, outcome, cost } = columns;
  return {
    ...{ at: number("at"), userId: number("user_id"), chatId: number("chat_id"), turn: number("turn") },
    ...{ step: number("step"), attempt: number("attempt"), model: String(model) },
    served: served === null ? undefined : String(served),
    ...{ inputTokens: number("input_tokens"), cachedTokens: number("cached_tokens") },
    ...{ cacheWriteTokens: known("cache_write_tokens"), outputTokens: number("output_tokens") },
    ...{ reasoningTokens: known("reasoning_tokens"), seconds: known("seconds") },
    ...(cost === null ? {} : { cost: Number(cost) / perDollar }),
    ...{ estimated: number("estimated") === 1, firstTokenMs: known("first_token_ms") },
    ...{ durationMs: number("duration_ms"), outcome: String(outcome) as LedgerRow["outcome"] },
  };
}
