/** What sentences of every language are made of, where it is more than a word or a number. */
import type { Whose } from "../base/errors.ts";
import type { SecretKind } from "../base/secrets-in-text.ts";
import type { UsageTotals } from "../ports/ledger.ts";
import type { Effort } from "../ports/models.ts";
import type { QueueStats } from "../ports/queue.ts";

export interface CommandLine {
  readonly name: string;
  readonly description: string;
}

/** What `/privacy` says. */
export interface PrivacyFacts {
  readonly conversationDays: number;
  readonly ledgerDays: number;
  /** Days that answers are kept to be given again; left out when they are not. */
  readonly answers?: { readonly days: number; readonly toEverybody: boolean } | undefined;
  readonly directoryDays: number;
  /** Somebody hears, speaks or draws. */
  readonly media?: boolean | undefined;
  /** Who searches the web for the models, as people know it; left out when nobody does. */
  readonly search?: string | undefined;
  readonly deadDays: number;
  /** Left out when nothing is remembered for users. `toldTo`: names of the providers that are told; left out: all. */
  readonly memory?: { readonly most: number; readonly toldTo?: readonly string[] | undefined } | undefined;
  /** It is kept in a server of its own, not beside the bot. */
  readonly shared: boolean;
  /** Who may be asked. `own`: on a machine of the operator's. */
  readonly providers: readonly { readonly name: string; readonly host: string; readonly own: boolean }[];
}

/** What `/memory` says. */
export interface MemoryList {
  /** Those that are shown. */
  readonly facts: readonly { readonly number: number; readonly text: string }[];
  /** Of all. */
  readonly count: number;
  readonly most: number;
  readonly group: boolean;
  /** `off`: in this chat; `closed`: for the whole bot. */
  readonly state: "on" | "off" | "closed";
}

/** Why something is not remembered. `most`: facts where there are too many, else characters of one. */
export type UnrememberedBecause =
  | { readonly problem: "empty" | "full" | SecretKind; readonly most: number }
  | { readonly problem: "too-long"; readonly most: number; readonly length: number };

/** How a budget stands. Money in billionths of a US dollar, times in milliseconds since the epoch. */
export interface BudgetView {
  readonly whose: Whose;
  readonly unit: "money" | "tokens";
  readonly amount: number;
  readonly spent: number;
  /** By answers that are being written. */
  readonly reserved: number;
  readonly granted: number;
  readonly resetsAt: number;
}

export interface ModelUse {
  /** `provider/model`. */
  readonly model: string;
  readonly totals: UsageTotals;
}

/** What the bot has cost, for admins. */
export interface CostStats {
  readonly today: UsageTotals;
  readonly month: UsageTotals;
  /** What the rest is about: so many days, today among them. */
  readonly days: number;
  /** Tokens that models have read, and those of them that came from a cache. */
  readonly input: number;
  readonly cached: number;
  /** Those who use it most, the first at the top. */
  readonly users: readonly { readonly name: string; readonly totals: UsageTotals }[];
}

/** What `/stats` says; with `queue`, what an operator wants to know besides. Times in milliseconds. */
export interface StatsLines {
  readonly requests: number;
  readonly errors: number;
  readonly uptimeSeconds: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly queue: QueueStats | undefined;
  /** The memory that the process holds, in MB. */
  readonly megabytes: number;
}

/** What `/think` says. */
export interface ThinkLines {
  readonly model: string;
  /** Where a model is chosen for each question: the one that gets the hard ones. */
  readonly strong?: string | undefined;
  /** Left out when nothing was chosen. */
  readonly effort: Effort | undefined;
  /** What the model can be told. */
  readonly efforts: readonly Effort[];
  /** Whether anybody knows that. */
  readonly known: boolean;
  /** Whether who asks sees summaries of the thoughts. */
  readonly shown: boolean;
}
