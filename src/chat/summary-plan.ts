/** When a conversation is summarised, what goes into its summary, and who may write it. Pure. */
import { isFromOutside } from "../ports/content.ts";
import type { Exchange } from "../ports/store.ts";
import type { Summary, SummaryRecord, SummaryWork } from "../ports/summaries.ts";
import { coveredBy, fewestTokens, type HistoryLimits, newestWithin, placeOf, shortened, tokensOf } from "./prompt.ts";
import { type ShownExchange, type ShownSizes, summaryPays, type Tariff, worthKeeping } from "./thrift.ts";

/** Tokens and exchanges of a history. */
export interface HistorySize {
  readonly tokens: number;
  readonly exchanges: number;
}

export interface SummaryPlan {
  /** What is to be merged with the exchanges. */
  readonly former: Summary | undefined;
  readonly exchanges: readonly Exchange[];
  /** Where it stands. */
  readonly place: Pick<Summary, "from" | "through" | "fromOutside">;
  /** Question with which prompts begin until then; 0: the first. */
  readonly boundary: number;
}

/** The next cut comes soon when so much of a limit is used: there is time left to write what shall stand for it. */
const soonAt = 0.75;
/** So much of the limits is shown word for word beside a new summary: of 40 messages three questions with their answers. */
const kept = { tokens: 0.5, messages: 0.15 };
/** Where it pays to summarise before a limit is near. */
const fewestKept = 3;
/** Most chats end before what a first summary costs has come in again. */
const fewestForFirst = 13;
/** Some thirty facts. Each question pays for it. */
const longestSummaryTokens = 500;
/** No facts fit into less. */
const shortestSummaryTokens = 32;
/** So many times the limit is read at most, the newest. */
const mostTimesRead = 2;
const firstBackoffMs = 60_000;
/** A time that lies further ahead was written by a clock that is set back since. */
const longestWaitMs = 3_600_000;
/** Until prompts begin somewhere else. */
const mostFailures = 3;

/** What decides whether a summary pays. */
export interface Thrift {
  readonly tariff: Tariff;
  /** Tokens. */
  readonly persona: number;
}

/** The size of what is shown of a history. */
export function sizeOf(exchanges: readonly Exchange[], summary: Summary | undefined): HistorySize {
  return { tokens: tokensOf(exchanges) + (summary?.tokens ?? 0), exchanges: exchanges.length };
}

/** How long a summary of so many tokens may be; undefined where the limits leave no room for one. */
export function summaryTokens({ maxTokens, maxMessages }: HistoryLimits, of = Infinity): number | undefined {
  const most = Math.min(longestSummaryTokens, Math.floor(maxTokens / 4));
  // What is longer than that which it stands for says things that nobody has said.
  return most < shortestSummaryTokens || maxMessages < 2
    ? undefined
    : Math.min(most, Math.max(of, shortestSummaryTokens));
}

/** Whether a history of this size, its summary included, is about to be cut. */
export function cutComesSoon({ tokens, exchanges }: HistorySize, limits: HistoryLimits): boolean {
  return tokens > soonAt * limits.maxTokens || 2 * exchanges > soonAt * limits.maxMessages;
}

/** Whether a history of so many exchanges is worth asking whether a summary of it pays. */
export function mayPay(exchanges: number, summary: Summary | undefined): boolean {
  return summary !== undefined || exchanges >= fewestForFirst;
}

/** How many exchanges stay word for word because a summary of the others pays now; undefined when it does not. */
export function thriftyCut(
  exchanges: readonly ShownExchange[],
  summary: Summary | undefined,
  { maxTokens, maxMessages }: HistoryLimits,
  { tariff, persona }: Thrift,
): number | undefined {
  if (!mayPay(exchanges.length, summary)) return undefined;
  const sizes: ShownSizes = { persona, summary: summary?.tokens ?? 0, exchanges };
  const stay = worthKeeping(sizes, fewestKept);
  const fits = tokensOf(exchanges.slice(-stay)) <= maxTokens / 2 && 2 * stay <= maxMessages / 2;
  return fits && summaryPays(sizes, stay, tariff) ? stay : undefined;
}

/**
 * What is to be summarised now: all that no summary covers, so that it can stand for everything after a pause, too, but the
 * newest exchange, which may still become another one. The newest ones stay beside it word for word. Undefined when nothing
 * would be gained. `contextTokens`: what its model reads.
 */
export function planSummary(
  history: readonly Exchange[],
  limits: HistoryLimits,
  former: Summary | undefined,
  contextTokens = Infinity,
  thrift?: Thrift,
): SummaryPlan | undefined {
  const [last, newest] = history.slice(-2);
  if (last === undefined || newest === undefined || summaryTokens(limits) === undefined) return undefined;
  const { maxTokens, maxMessages } = limits;
  const start = Math.max(placeOf(history, newest.since), former === undefined ? 0 : placeOf(history, former.from));
  const shown = shortened(history.slice(start), maxTokens, maxTokens / 2);
  const thrifty = thrift === undefined ? undefined : thriftyCut(shown, former, limits, thrift);
  const soon = cutComesSoon(sizeOf(shown, former), limits);
  const within = () => newestWithin(shown, kept.tokens * maxTokens, 2 * kept.messages * maxMessages);
  const stays = thrifty !== undefined ? shown.slice(-thrifty) : soon ? within() : shown;
  const from = history.length - stays.length;
  const covered = coveredBy(former, history);
  const gained = from > start || start > covered;
  if (!gained || covered >= history.length - 1) return undefined;
  const each = Math.max(fewestTokens, maxTokens / 4);
  const most = Math.min(mostTimesRead * maxTokens, contextTokens / 2);
  const read = newestWithin(shortened(history.slice(covered, -1), each, each), most, Infinity);
  const first = history[from] ?? newest;
  const fromOutside =
    former?.fromOutside === true || history.slice(covered, -1).some(({ asked }) => isFromOutside(asked));
  return {
    former,
    exchanges: read,
    place: { from: first.question, through: last.question, ...(fromOutside ? { fromOutside } : {}) },
    boundary: start === 0 ? 0 : (history[start]?.question ?? 0),
  };
}

/** Who begins, when and for how long. */
export interface Beginner {
  readonly token: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly forMs: number;
  /** Whether this is known to be the token of a process that is gone. */
  isDead(token: string): boolean;
}

/** The work on a summary as it begins; undefined while somebody else has it, or it has failed too often or a moment ago. */
export function beginWork(
  record: SummaryRecord | undefined,
  boundary: number,
  { token, now, forMs, isDead }: Beginner,
): SummaryWork | undefined {
  const before = record?.work;
  const isLeft = wasBegun(record) && isDead(record.work.token);
  const waitMs = before === undefined || isLeft ? 0 : before.until - now;
  if (waitMs > 0 && waitMs <= longestWaitMs) return undefined;
  const failures = before?.boundary === boundary ? before.failures : 0;
  return failures >= mostFailures ? undefined : { until: now + forMs, token, failures, boundary };
}

/** Whether somebody writes a summary, or died at it: nobody has said that it has ended. */
export function wasBegun(record: SummaryRecord | undefined): record is SummaryRecord & { readonly work: SummaryWork } {
  return record?.work !== undefined && record.work.token !== "";
}

/** What stands of the work after a failure. */
export function failedWork(work: SummaryWork, now: number): SummaryWork {
  return { ...leftWork(work), until: now + firstBackoffMs * 2 ** work.failures, failures: work.failures + 1 };
}

/** What stands of the work when it was left in good order: anybody may begin. */
export function leftWork(work: SummaryWork): SummaryWork {
  return { ...work, token: "", until: 0 };
}
