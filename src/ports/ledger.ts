/**
 * What calls of models have cost, and what may still be spent.
 * The comment on a member is its contract; every engine passes the suite `test/contracts/ledger.contract.ts`.
 */
import type { ModelErrorKind, Whose } from "../base/errors.ts";

/** Inside of the ledger money is whole billionths of a US dollar: sums of fractions would drift. */
export const perDollar = 1e9;
/** Days are those of UTC, counted from the beginning of 1970. */
export const dayMs = 24 * 3_600_000;
/** Of an answer so many tokens are reserved at first, or as many as it may have. */
export const firstTokens = 2_000;

/** What a call has used. */
export interface UsageEntry {
  /** 0: nobody's any more. */
  readonly userId: number;
  /** `provider/model` that was asked, and is charged; of a search of the web `provider/search`. */
  readonly model: string;
  /** Input tokens, the cached ones and those written to the cache included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly cacheWriteTokens?: number | undefined;
  /** The reasoning ones included. */
  readonly outputTokens: number;
  readonly reasoningTokens?: number | undefined;
  /** Of sound that was heard or spoken; left out where there was none. */
  readonly seconds?: number | undefined;
  /** US dollars; left out when the model has no known price. */
  readonly cost?: number;
  /** The provider sent no usage, so the tokens were counted here. */
  readonly estimated: boolean;
  /** When the call ended; milliseconds since the epoch. */
  readonly at: number;
}

/** One call of a model. */
export interface LedgerRow extends UsageEntry {
  readonly chatId: number;
  /** Id of the message that asks. */
  readonly turn: number;
  /**
   * From 1: which step of the turn; 0: the summary that was written after it; -1: its recording was heard, -2: its answer was
   * spoken, -3: a picture was drawn, -4: the web was searched.
   */
  readonly step: number;
  /** From 1: which call of the question. */
  readonly attempt: number;
  /** The model's name as the provider has told it, where that is another one. */
  readonly served?: string | undefined;
  readonly firstTokenMs?: number | undefined;
  readonly durationMs: number;
  readonly outcome: CallOutcome;
}

/** `lost`: the process died in its middle. `over-budget`: ended by us, since no more could be paid. */
export type CallOutcome = "complete" | "stopped" | "lost" | "over-budget" | ModelErrorKind;

/** A call that has ended, to be written, and with it its reservation settled: a part of it spent, the rest refunded. */
export interface Settlement extends LedgerRow {
  /** Left out where nothing was reserved. Once it is gone, whoever has settled it was first, and nothing is written. */
  readonly reservation?: ReservationName | undefined;
}

export interface ReservationName {
  /** One at a time is open for each: for a turn, its conversation and question. */
  readonly id: string;
  /** Different for each call. */
  readonly token: string;
}

/** What may be spent at most by a call that is about to begin, or goes on. */
export interface Reservation extends ReservationName {
  readonly userId: number;
  readonly chatId: number;
  /** Billionths of a US dollar. Of 0 of a unit every limit in it has room, also one that is used up. */
  readonly money: number;
  readonly tokens: number;
  /** What is written should nobody ever end the call. */
  readonly lost: LedgerRow;
}

/** A budget as it is now. */
export interface Limit {
  readonly whose: Whose;
  /** What is counted. */
  readonly of: Subject;
  /** The days that are counted, both included. */
  readonly fromDay: number;
  readonly toDay: number;
  readonly unit: BudgetUnit;
  /** Billionths of a US dollar, or tokens; without what was granted. */
  readonly amount: number;
}

export type BudgetUnit = "money" | "tokens";

export type Subject = { readonly userId: number } | { readonly chatId: number } | "all";

/** How much of a limit is used. All in its unit. */
export interface Standing {
  readonly limit: Limit;
  readonly spent: number;
  /** By calls that have not ended yet. */
  readonly reserved: number;
  /** Comes on top of the limit. */
  readonly granted: number;
}

/**
 * - `reserved`: the call may begin.
 * - `wait`: it fits into what is spent, but for reservations of others.
 * - `refused`: it does not fit. `left`: what would, in the limit's unit.
 */
export type Verdict =
  | { readonly kind: "reserved" }
  | { readonly kind: "wait"; readonly limit: Limit }
  | { readonly kind: "refused"; readonly limit: Limit; readonly left: number };

/** `lost`: the row of the dead call that was settled before. */
export type Reserved = Verdict & { readonly lost?: LedgerRow | undefined };

/** Comes on top of what a user may spend on the day and in the month that `at` is in; other budgets stay as they are. */
export interface Grant {
  /** Told again, it is granted no further time. */
  readonly id: string;
  readonly userId: number;
  readonly unit: BudgetUnit;
  /** Billionths of a US dollar, or tokens. */
  readonly amount: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface UsageTotals {
  /** Calls that have used anything. */
  readonly answers: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** US dollars of the answers whose price is known. */
  readonly cost: number;
  /** Answers whose price is not known. */
  readonly unpriced: number;
}

export interface TotalsQuery {
  readonly of: Subject;
  /** Milliseconds since the epoch; left out: since ever. Whole days (UTC) are counted, those of `from` and `to` included. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** `user`: of `all` alone. A sum by user needs `from`. Left out: one sum. */
  readonly by?: "model" | "day" | "day-model" | "user" | undefined;
}

export interface TotalsPart extends UsageTotals {
  /** The model, the day as in `Limit`, both with a blank between (the day first), the user's id; empty for the one sum. */
  readonly key: string;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
}

export interface Ledger {
  /**
   * Sums, in no particular order; parts without use are left out. The one sum is always there. `from` and `to` reach as far as
   * calls are kept; sums since ever do not end there. Of a user's use by model two months are kept one by one, and a chat's
   * is not kept by model at all.
   */
  totals(query: TotalsQuery): Promise<readonly TotalsPart[]>;
  /** The calls that ended on these days (as in `Limit`, both included), oldest day first, read a few at a time. */
  rows(fromDay: number, toDay: number): AsyncIterable<LedgerRow>;

  /**
   * Reserves for a call if it fits into all these limits. In the same step `settled` are written, and what is open for this id
   * already is settled as `lost`: whoever reserved it is dead. Rejects, and does nothing, for a worker whose lane another one has
   * taken over.
   */
  reserve(reservation: Reservation, limits: readonly Limit[], settled: readonly Settlement[]): Promise<Reserved>;
  /**
   * Makes an open reservation this large, if it fits now; keeps `lost` in any case. False when it does not fit, or is no longer
   * open.
   */
  extend(reservation: Reservation, limits: readonly Limit[]): Promise<boolean>;
  /**
   * Writes calls that end without the end of their turn. `leaves` names a turn whose next delivery shall not take them for
   * lost.
   */
  settle(settlements: readonly Settlement[], leaves?: string): Promise<void>;
  /** True, once, when the turn of this name was left in good order by the delivery before. */
  wasLeft(turn: string): Promise<boolean>;
  /**
   * Settles as `lost` what is open for this id, which nobody goes on with: whoever reserved it is dead. Resolves with it. Rejects,
   * and leaves it, for a worker whose lane another one has taken over: that one may have reserved it.
   */
  lose(id: string): Promise<LedgerRow | undefined>;
  /** Settles as `lost` what nobody has touched for so long. Resolves with what it has written. */
  sweep(olderThanMs: number): Promise<readonly LedgerRow[]>;

  standing(limits: readonly Limit[]): Promise<readonly Standing[]>;
  grant(grant: Grant): Promise<void>;
  /**
   * Takes a user's name out: the id is 0 from then on in rows and sums, and so is that of the private chat, for ever. Other sums
   * stay as they are. What is open in that chat is settled as `lost` before; a call that was begun before elsewhere, and ends
   * within an hour, is written without the name. `budgetsGoOn`: what was used counts against budgets under the id for 31 days
   * more, so that nobody has a new one by this.
   */
  erase(userId: number, budgetsGoOn: boolean): Promise<void>;
}
