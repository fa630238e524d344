/** What the ledgers of all engines share: how calls are counted, added up and written down, and what fits into a limit. Pure. */
import {
  dayMs,
  type LedgerRow,
  type Limit,
  perDollar,
  type Reservation,
  type Settlement,
  type Standing,
  type Subject,
  type TotalsPart,
  type Verdict,
} from "../../ports/ledger.ts";

/** How long a month may be: days are kept for at least that. */
const longestMonth = 31;

/** Whole numbers: answers, tokens in, cached, out, billionths of a dollar, unpriced, tokens written to the cache, reasoning. */
export type Counts = readonly number[];

/** What is added up for a call; undefined for one that has used nothing. */
export function countsOf(row: LedgerRow): Counts | undefined {
  const { inputTokens, cachedTokens, outputTokens, cost, cacheWriteTokens = 0, reasoningTokens = 0 } = row;
  if (inputTokens + outputTokens === 0) return undefined;
  const money = cost === undefined ? [0, 1] : [Math.round(cost * perDollar), 0];
  return [1, inputTokens, cachedTokens, outputTokens, ...money, cacheWriteTokens, reasoningTokens];
}

/** The sum of counts as it is read; an older version has written fewer numbers. */
export function totalsOf(key: string, parts: Iterable<Counts>): TotalsPart {
  const sums = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const counts of parts) for (const [n, count] of counts.entries()) sums[n] = (sums[n] ?? 0) + count;
  const [answers = 0, inputTokens = 0, cachedTokens = 0, outputTokens = 0, money = 0, unpriced = 0] = sums;
  const [cacheWriteTokens = 0, reasoningTokens = 0] = sums.slice(6);
  const tokens = { inputTokens, cachedTokens, cacheWriteTokens, outputTokens, reasoningTokens };
  return { key, answers, ...tokens, cost: money / perDollar, unpriced };
}

/** The day (UTC) that a moment is in. */
export function dayOf(milliseconds: number): number {
  return Math.floor(milliseconds / dayMs);
}

/** How many days sums are kept one by one. */
export function sumDays(ledgerDays: number): number {
  return Math.max(ledgerDays, longestMonth);
}

/** `user:7`, `chat:-100`, `all`. */
export function subjectName(of: Subject): string {
  if (of === "all") return of;
  return "userId" in of ? `user:${of.userId}` : `chat:${of.chatId}`;
}

/** Whose sums a call counts in. */
export function subjectsOf({ userId, chatId }: Pick<LedgerRow, "userId" | "chatId">): readonly string[] {
  return [subjectName({ userId }), subjectName({ chatId }), "all"];
}

/** Whether so much more fits into all limits; where it does not, in which one. */
export function judge(standings: readonly Standing[], wanted: Pick<Reservation, "money" | "tokens">): Verdict {
  let waits: Limit | undefined;
  for (const { limit, spent, reserved, granted } of standings) {
    // What costs nothing is not in the way of what is used up.
    if (wanted[limit.unit] === 0) continue;
    const left = limit.amount + granted - spent;
    if (left < wanted[limit.unit]) return { kind: "refused", limit, left };
    if (left - wanted[limit.unit] < reserved) waits ??= limit;
  }
  return waits === undefined ? { kind: "reserved" } : { kind: "wait", limit: waits };
}

/** The row of a settlement, without what only names its reservation. */
export function rowOf({ reservation: _reservation, ...row }: Settlement): LedgerRow {
  return row;
}

/** How long it is known that a name was taken out: longer than a call lasts, also one that is only found by the sweep. Milliseconds. */
export const erasedKnownMs = 3_600_000;

/** Whether a call was begun before a name was taken out at this moment, in milliseconds since the epoch. */
export function isBegunBefore({ at, durationMs }: LedgerRow, erasedAt: number): boolean {
  return at - durationMs <= erasedAt;
}

/** The row of somebody who has had their name taken out. */
export function withoutName(row: LedgerRow): LedgerRow {
  return { ...row, userId: 0, turn: 0, chatId: row.chatId === row.userId ? 0 : row.chatId };
}

/** Longer names of models are cut: a row is of bounded size. */
const longestName = 200;

/** A row as one line. */
export function encodeRow(row: LedgerRow): string {
  const { userId, chatId, turn, step, attempt, model, served, cost, estimated, at, outcome } = row;
  const tokens = [row.inputTokens, row.cachedTokens, row.cacheWriteTokens ?? null];
  return JSON.stringify([
    ...[at, userId, chatId, turn, step, attempt, model.slice(0, longestName), served?.slice(0, longestName) ?? null],
    ...[...tokens, row.outputTokens, row.reasoningTokens ?? null],
    ...[cost === undefined ? null : Math.round(cost * perDollar), estimated ? 1 : 0],
    ...[row.firstTokenMs ?? null, row.durationMs, outcome, row.seconds ?? null],
  ]);
}

/** Reads what `encodeRow` has written. */
export function decodeRow(line: string): LedgerRow {
  const [
    at,
    userId,
    chatId,
    turn,
    step,
    attempt,
    model,
    served,
    input,
    cached,
    cacheWrite,
    output,
    reasoning,
    ...rest
  ] = JSON.parse(line);
  // An older version has written no seconds.
  const [money, estimated, firstTokenMs, durationMs, outcome, seconds] = rest;
  return {
    ...{ at, userId, chatId, turn, step, attempt, model, served: served ?? undefined },
    ...{ inputTokens: input, cachedTokens: cached, cacheWriteTokens: cacheWrite ?? undefined },
    ...{ outputTokens: output, reasoningTokens: reasoning ?? undefined, seconds: seconds ?? undefined },
    ...(money === null ? {} : { cost: money / perDollar }),
    ...{ estimated: estimated === 1, firstTokenMs: firstTokenMs ?? undefined, durationMs, outcome },
  };
}
