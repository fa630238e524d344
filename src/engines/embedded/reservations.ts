/** What may still be spent, in the embedded database. All of it reads, or writes in the transaction of who calls it. */
import type { Grant, LedgerRow, Limit, Reservation, ReservationName, Reserved, Standing } from "../../ports/ledger.ts";
import {
  dayOf,
  decodeRow,
  encodeRow,
  erasedKnownMs,
  judge,
  subjectName,
  subjectsOf,
  sumDays,
} from "../lanes/ledger-sums.ts";
import type { Database } from "./database.ts";

export type Reservations = ReturnType<typeof createReservations>;

/** A turn that was left for so long does not come back. */
const leftMs = 7 * 24 * 3_600_000;

/** `now` in milliseconds since the epoch; `lose` writes the row of a call that nobody has ended. */
export function createReservations({ statement: sql }: Database, now: () => number, lose: (row: LedgerRow) => void) {
  function change(of: Pick<Reservation, "userId" | "chatId">, money: number, tokens: number): void {
    for (const subject of subjectsOf(of)) {
      sql(
        `INSERT INTO reserved VALUES (?, ?, ?)
         ON CONFLICT (subject) DO UPDATE SET money = money + excluded.money, tokens = tokens + excluded.tokens`,
      ).run(subject, money, tokens);
      sql("DELETE FROM reserved WHERE subject = ? AND money = 0 AND tokens = 0").run(subject);
    }
  }

  /** Takes a reservation out, if it is open; whoever comes later finds nothing. */
  function take(id: string, token?: string): LedgerRow | undefined {
    const row = sql("SELECT * FROM reservation WHERE id = ?").get(id);
    if (row === undefined || (token !== undefined && row["token"] !== token)) return undefined;
    sql("DELETE FROM reservation WHERE id = ?").run(id);
    const [userId, chatId] = [Number(row["user_id"]), Number(row["chat_id"])];
    change({ userId, chatId }, -Number(row["money"]), -Number(row["tokens"]));
    return decodeRow(String(row["lost"]));
  }

  function put(reservation: Reservation): void {
    const { id, token, userId, chatId, money, tokens, lost } = reservation;
    sql("INSERT INTO reservation VALUES (?, ?, ?, ?, ?, ?, ?, ?)").run(
      ...[id, token, userId, chatId, money, tokens, now(), encodeRow(lost)],
    );
    change(reservation, money, tokens);
  }

  function loseAll(ids: readonly string[]): readonly LedgerRow[] {
    const rows = ids.flatMap((id) => take(id) ?? []);
    rows.forEach(lose);
    return rows;
  }

  function standingOf(limit: Limit): Standing {
    const { of, fromDay, toDay, unit } = limit;
    const counted = unit === "money" ? "cost" : "input_tokens + output_tokens";
    const spent = sql(`SELECT coalesce(sum(${counted}), 0) AS n FROM spent WHERE subject = ? AND day BETWEEN ? AND ?`);
    const reserved = sql(`SELECT ${unit} AS n FROM reserved WHERE subject = ?`);
    const granted = sql(`SELECT coalesce(sum(${unit}), 0) AS n FROM granted WHERE user_id = ? AND day BETWEEN ? AND ?`);
    const carried = sql(`SELECT coalesce(sum(${unit}), 0) AS n FROM carried WHERE subject = ? AND day BETWEEN ? AND ?`);
    const name = subjectName(of);
    return {
      limit,
      spent: Number(spent.get(name, fromDay, toDay)?.["n"]) + Number(carried.get(name, fromDay, toDay)?.["n"]),
      reserved: Number(reserved.get(name)?.["n"] ?? 0),
      granted: of !== "all" && "userId" in of ? Number(granted.get(of.userId, fromDay, toDay)?.["n"]) : 0,
    };
  }

  return {
    standingOf,
    /** False when it is open no longer. */
    release: ({ id, token }: ReservationName): boolean => take(id, token) !== undefined,
    reserve(reservation: Reservation, limits: readonly Limit[]): Reserved {
      const lost = take(reservation.id);
      if (lost !== undefined) lose(lost);
      const verdict = judge(limits.map(standingOf), reservation);
      if (verdict.kind === "reserved") put(reservation);
      return lost === undefined ? verdict : { ...verdict, lost };
    },
    extend(reservation: Reservation, limits: readonly Limit[]): boolean {
      const { id, token } = reservation;
      const former = sql("SELECT money, tokens FROM reservation WHERE id = ? AND token = ?").get(id, token);
      if (former === undefined || take(id, token) === undefined) return false;
      const fits = judge(limits.map(standingOf), reservation).kind === "reserved";
      put(fits ? reservation : { ...reservation, money: Number(former["money"]), tokens: Number(former["tokens"]) });
      return fits;
    },
    /** Settles as lost what is open for this id, and returns it. */
    lose: (id: string): LedgerRow | undefined => loseAll([id])[0],
    /** Settles as lost what nobody has touched for so long, and returns that. */
    sweep(olderThanMs: number): readonly LedgerRow[] {
      const dead = sql("SELECT id FROM reservation WHERE touched_at < ?").all(now() - olderThanMs);
      return loseAll(dead.map(({ id }) => String(id)));
    },
    /** Settles as lost what is open in the private chat with a user. */
    loseOf(userId: number): void {
      const open = sql(
        "SELECT id FROM reservation WHERE id >= ?1 || '/' AND id < ?1 || '0' OR id >= ?1 || ':' AND id < ?1 || ';'",
      );
      loseAll(open.all(String(userId)).map(({ id }) => String(id)));
    },
    grant({ id, userId, unit, amount, at }: Grant): void {
      const first = sql("INSERT OR IGNORE INTO first VALUES (?, ?)").run(`grant:${id}`, now() + leftMs);
      if (first.changes === 0) return;
      const [money, tokens] = unit === "money" ? [amount, 0] : [0, amount];
      sql(
        `INSERT INTO granted VALUES (?, ?, ?, ?)
         ON CONFLICT (user_id, day) DO UPDATE SET money = money + excluded.money, tokens = tokens + excluded.tokens`,
      ).run(userId, dayOf(at), money, tokens);
    },
    /** There are never many of either. */
    forgetOld(): false {
      sql("DELETE FROM left_turn WHERE at < ?").run(now() - leftMs);
      sql("DELETE FROM erased WHERE at < ?").run(now() - erasedKnownMs);
      sql("DELETE FROM granted WHERE day < ?").run(dayOf(now()) - sumDays(0));
      sql("DELETE FROM carried WHERE day < ?").run(dayOf(now()) - sumDays(0));
      return false;
    },
  };
}
