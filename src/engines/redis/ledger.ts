/** What calls have cost, in Redis: of bounded size for each user, each chat and each day. Each write is one atomic step. */
import type { Lease } from "../../ports/fleet.ts";
import { dayMs, type Ledger, type LedgerRow, type Limit, type TotalsQuery, type Verdict } from "../../ports/ledger.ts";
import { dayOf, decodeRow, sumDays, totalsOf } from "../lanes/ledger-sums.ts";
import { eraseFromLedger } from "./ledger-erasure.ts";
import * as lua from "./ledger-scripts.ts";
import type { RedisLink } from "./link.ts";
import { runGuarded, runScript } from "./script.ts";

/** Read at once. */
const rowsAtOnce = 500;
/** Settled in one step. */
const sweptAtOnce = 100;
/** A turn that was left for so long does not come back. */
const leftMs = 7 * dayMs;

/** KEYS prefix. ARGV keeping, what is lost. Returns its lines, an empty text when it is not open. Guarded. */
const loseScript = `${lua.ledgerFunctions}
  local fields = take(KEYS[1], ARGV[2])
  if not fields then return '' end
  book(ARGV[1], fields[6])
  return fields[6]
`;

/**
 * Creates the ledger; it uses the link's commands connection. `now` in milliseconds since the epoch. `lease`: the lane in whose
 * name it is used. A reservation of its own needs none: its token says whose it is.
 */
export function createRedisLedger(
  { commands: redis, prefix }: Pick<RedisLink, "commands" | "prefix">,
  ledgerDays: number,
  now: () => number,
  lease?: Lease,
): Ledger {
  const keeping = lua.keepingArgument({ prefix, ledgerDays });

  /** Fields of a hash, with their numbers. */
  async function sumsIn(key: string): Promise<[field: string, counts: number[]][]> {
    const found = Object.entries(await redis.hgetall(prefix + key));
    return found.map(([field, record]) => [field, record.split(" ").map(Number)]);
  }

  async function totals({ of, from, to, by }: TotalsQuery) {
    const [first, last] = [from === undefined ? -1 : dayOf(from), to === undefined ? Infinity : dayOf(to)];
    const within = (day: number) => day >= first && day <= last;
    const ever = from === undefined && to === undefined;
    if (by === "user") return await totalsByUser(first, Math.min(last, dayOf(now()) + 1));
    if (by === "model" || by === "day-model") return await totalsByModel(of, by, ever && by === "model", within);
    const sums = await sumsIn(lua.sumsKey(of));
    const days = sums.filter(([day]) => day !== "total" && within(Number(day)));
    if (by === "day") return days.map(([day, counts]) => totalsOf(day, [counts]));
    const whole = sums.filter(([field]) => field === "total");
    return [
      totalsOf(
        "",
        (ever && whole.length > 0 ? whole : days).map(([, counts]) => counts),
      ),
    ];
  }

  async function totalsByModel(
    of: TotalsQuery["of"],
    by: "model" | "day-model",
    ever: boolean,
    within: (day: number) => boolean,
  ) {
    if (of !== "all" && "chatId" in of) return [];
    const sums = await sumsIn(of === "all" ? "usage-models" : `usage-models:${of.userId}`);
    const wanted = sums.flatMap(([field, counts]) => {
      const [when, model] = [field.slice(0, field.indexOf(" ")), field.slice(field.indexOf(" ") + 1)];
      const counted = of !== "all" && ever ? when === "total" : when !== "total" && within(Number(when));
      return counted ? [{ key: by === "model" ? model : field, counts }] : [];
    });
    const parts = [...Map.groupBy(wanted, ({ key }) => key)];
    return parts.map(([key, some]) =>
      totalsOf(
        key,
        some.map(({ counts }) => counts),
      ),
    );
  }

  async function totalsByUser(first: number, last: number) {
    const from = Math.max(first, dayOf(now()) - sumDays(ledgerDays));
    const users = new Map<string, number[][]>();
    for (let day = from; day <= last; day++) {
      for (const [user, counts] of await sumsIn(`usage-users:${day}`)) {
        users.set(user, [...(users.get(user) ?? []), counts]);
      }
    }
    return [...users].map(([user, parts]) => totalsOf(user, parts));
  }

  function run(script: string, ...args: readonly (string | number)[]): Promise<unknown> {
    return runScript(redis, script, [prefix], args);
  }

  function limitsAndMore(limits: readonly Limit[]) {
    return [limits.length, ...limits.map(lua.limitArgument)];
  }

  return {
    totals,
    async *rows(fromDay, toDay) {
      // Of days long ago, and of those to come, there are none.
      const [first, last] = [Math.max(fromDay, dayOf(now()) - ledgerDays - 1), Math.min(toDay, dayOf(now()) + 1)];
      for (let day = first; day <= last; day++) {
        for (let at = 0; ; at += rowsAtOnce) {
          const some = await redis.lrange(`${prefix}ledger:${day}`, at, at + rowsAtOnce - 1);
          yield* some.map(decodeRow);
          if (some.length < rowsAtOnce) break;
        }
      }
    },
    async reserve(reservation, limits, settled) {
      const about = [keeping, now(), lua.reservationArgument(reservation), ...limitsAndMore(limits)];
      const args = [...about, ...settled.map(lua.settlementArgument)];
      const told = (await runGuarded(redis, { lease }, lua.reserveScript, [prefix], args)) as string;
      const [verdict, place, left, ...dead] = told.split("\n");
      const kind = verdict as Verdict["kind"];
      const limit = limits[Number(place) - 1];
      const row = lua.rowIn(dead.join("\n"));
      const lost = row === undefined ? {} : { lost: row };
      if (limit === undefined || kind === "reserved") return { kind: "reserved", ...lost };
      return kind === "wait" ? { kind, limit, ...lost } : { kind, limit, left: Number(left), ...lost };
    },
    async extend(reservation, limits) {
      const about = [keeping, now(), lua.reservationArgument(reservation), ...limitsAndMore(limits)];
      return (await run(lua.extendScript, ...about)) === 1;
    },
    async settle(settlements, leaves = "") {
      await run(lua.settleScript, keeping, leaves, leftMs, ...settlements.map(lua.settlementArgument));
    },
    wasLeft: async (turn) => (await redis.del(`${prefix}left:${turn}`)) === 1,
    async lose(id) {
      return lua.rowIn((await runGuarded(redis, { lease }, loseScript, [prefix], [keeping, id])) as string);
    },
    async sweep(olderThanMs) {
      const swept: LedgerRow[] = [];
      for (;;) {
        const told = await run(lua.sweepReservationsScript, keeping, now() - olderThanMs, sweptAtOnce);
        const some = told as readonly string[];
        swept.push(...some.flatMap((lines) => lua.rowIn(lines) ?? []));
        if (some.length < sweptAtOnce) return swept;
      }
    },
    async standing(limits) {
      if (limits.length === 0) return [];
      const found = (await run(lua.standingScript, ...limits.map(lua.limitArgument))) as string[];
      return limits.map((limit, n) => {
        const [spent = 0, reserved = 0, granted = 0] = found.slice(3 * n, 3 * n + 3).map(Number);
        return { limit, spent, reserved, granted };
      });
    },
    async grant({ id, userId, unit, amount, at }) {
      const day = dayOf(at);
      const sums = unit === "money" ? `${amount} 0` : `0 ${amount}`;
      const keys = [prefix, `${prefix}grants:${userId}`, `${prefix}grant:${id}`];
      await runScript(redis, lua.grantScript, keys, [day, sums, day - sumDays(0), sumDays(0) * 2 * dayMs]);
    },
    erase: (userId, budgetsGoOn) =>
      eraseFromLedger({ commands: redis, prefix }, { userId, budgetsGoOn, ledgerDays, now: now() }),
  };
}
