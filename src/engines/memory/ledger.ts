/** The ledger in memory, for tests: adds up what it is asked for, each time anew. */
import type { Grant, Ledger, LedgerRow, Limit, Reservation, Settlement, Standing } from "../../ports/ledger.ts";
import { perDollar } from "../../ports/ledger.ts";
import {
  countsOf,
  dayOf,
  erasedKnownMs,
  isBegunBefore,
  judge,
  rowOf,
  subjectName,
  subjectsOf,
  totalsOf,
  withoutName,
} from "../lanes/ledger-sums.ts";

export interface MemoryLedger extends Ledger {
  /** Writes calls, and settles what was reserved for them. */
  write(settlements: readonly Settlement[]): void;
}

/** Creates an empty ledger; `now` in milliseconds since the epoch. */
export function createMemoryLedger(now: () => number): MemoryLedger {
  const rows: LedgerRow[] = [];
  const open = new Map<string, Reservation & { touchedAt: number }>();
  const grants: Grant[] = [];
  /** What counts on in the budgets of those whose name was taken out. */
  const carried: (LedgerRow | Grant)[] = [];
  const left = new Set<string>();
  const erased = new Map<number, { readonly at: number; readonly budgetsGoOn: boolean }>();

  function add(row: LedgerRow): void {
    const gone = erased.get(row.userId);
    if (gone === undefined || gone.at < now() - erasedKnownMs || !isBegunBefore(row, gone.at)) {
      rows.push(structuredClone(row));
      return;
    }
    if (gone.budgetsGoOn) carried.push(row);
    rows.push(withoutName(row));
  }

  function write(settlements: readonly Settlement[]): void {
    for (const settlement of settlements) {
      const { reservation } = settlement;
      if (reservation !== undefined) {
        if (open.get(reservation.id)?.token !== reservation.token) continue;
        open.delete(reservation.id);
      }
      add(rowOf(settlement));
    }
  }

  function lose({ id, lost }: Reservation): void {
    open.delete(id);
    add(lost);
  }

  function standingOf(limit: Limit, without?: string): Standing {
    const name = subjectName(limit.of);
    const within = (at: number) => dayOf(at) >= limit.fromDay && dayOf(at) <= limit.toDay;
    const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
    const gone = limit.of === "all" ? [] : carried;
    // In a group the calls count without a name as they did with it.
    const isOwn = (row: LedgerRow) => name === subjectName({ userId: row.userId }) || row.chatId === row.userId;
    const spent = [...rows, ...gone.filter((one) => "turn" in one).filter(isOwn)]
      .filter((row) => within(row.at) && subjectsOf(row).includes(name))
      .map(({ inputTokens, outputTokens, cost = 0 }) =>
        limit.unit === "tokens" ? inputTokens + outputTokens : Math.round(cost * perDollar),
      );
    const reserved = [...open.values()]
      .filter((one) => one.id !== without && subjectsOf(one).includes(name))
      .map((one) => one[limit.unit]);
    const granted = [...grants, ...gone.filter((one) => "unit" in one)]
      .filter((one) => subjectName({ userId: one.userId }) === name && one.unit === limit.unit && within(one.at))
      .map(({ amount }) => amount);
    return { limit, spent: sum(spent), reserved: sum(reserved), granted: sum(granted) };
  }

  return {
    write,
    async totals({ of, from = 0, to = Number.MAX_SAFE_INTEGER, by }) {
      const counted = rows.filter(
        (row) =>
          subjectsOf(row).includes(subjectName(of)) && dayOf(row.at) >= dayOf(from) && dayOf(row.at) <= dayOf(to),
      );
      if (by === undefined)
        return [
          totalsOf(
            "",
            counted.flatMap((row) => [countsOf(row) ?? []]),
          ),
        ];
      const keyOf = (row: LedgerRow) => {
        const day = String(dayOf(row.at));
        return { model: row.model, day, "day-model": `${day} ${row.model}`, user: String(row.userId) }[by];
      };
      const groups = Map.groupBy(
        counted.filter((row) => countsOf(row) !== undefined),
        keyOf,
      );
      return [...groups].map(([key, some]) =>
        totalsOf(
          key,
          some.map((row) => countsOf(row) ?? []),
        ),
      );
    },
    async *rows(fromDay, toDay) {
      yield* rows
        .filter(({ at }) => dayOf(at) >= fromDay && dayOf(at) <= toDay)
        .sort((a, b) => dayOf(a.at) - dayOf(b.at));
    },
    async reserve(reservation, limits, settled) {
      write(settled);
      const former = open.get(reservation.id);
      const dead = former?.token === reservation.token ? undefined : former;
      if (dead !== undefined) lose(dead);
      const verdict = judge(
        limits.map((limit) => standingOf(limit)),
        reservation,
      );
      if (verdict.kind === "reserved") open.set(reservation.id, { ...reservation, touchedAt: now() });
      return dead === undefined ? verdict : { ...verdict, lost: dead.lost };
    },
    async extend(reservation, limits) {
      const former = open.get(reservation.id);
      if (former?.token !== reservation.token) return false;
      const fits =
        judge(
          limits.map((limit) => standingOf(limit, reservation.id)),
          reservation,
        ).kind === "reserved";
      const { money, tokens } = fits ? reservation : former;
      open.set(reservation.id, { ...reservation, money, tokens, touchedAt: now() });
      return fits;
    },
    async settle(settlements, leaves) {
      write(settlements);
      if (leaves !== undefined) left.add(leaves);
    },
    wasLeft: async (turn) => left.delete(turn),
    async lose(id) {
      const dead = open.get(id);
      if (dead !== undefined) lose(dead);
      return dead?.lost;
    },
    async sweep(olderThanMs) {
      const dead = [...open.values()].filter(({ touchedAt }) => touchedAt < now() - olderThanMs);
      for (const one of dead) lose(one);
      return dead.map(({ lost }) => lost);
    },
    standing: async (limits) => limits.map((limit) => standingOf(limit)),
    async grant(grant) {
      if (grants.every(({ id }) => id !== grant.id)) grants.push(grant);
    },
    async erase(userId, budgetsGoOn) {
      for (const one of [...open.values()]) if (/^-?\d+/.exec(one.id)?.[0] === String(userId)) lose(one);
      const isTheirs = (row: LedgerRow) => row.userId === userId;
      if (budgetsGoOn) carried.push(...rows.filter(isTheirs), ...grants.filter((one) => one.userId === userId));
      for (const [at, row] of rows.entries()) if (isTheirs(row)) rows[at] = withoutName(row);
      erased.set(userId, { at: now(), budgetsGoOn });
      grants.splice(0, Infinity, ...grants.filter((one) => one.userId !== userId));
    },
  };
}
