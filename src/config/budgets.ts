/** What may be spent at most: in US dollars (`0.50`) or in tokens (`200000t`). */
import type { Whose } from "../base/errors.ts";

export interface Budget {
  readonly unit: "money" | "tokens";
  /** Whole billionths of a US dollar, or tokens. */
  readonly amount: number;
}

/** Left out: as much as anybody likes. */
export type Budgets = Readonly<Partial<Record<Whose, Budget>>>;

const mostDollars = 1_000_000;
const mostTokens = 1e12;

/** What is wrong with a budget that `readBudget` does not understand. */
export const budgetMistake =
  "must be US dollars from 0.000001 to 1000000, like 0.50, or whole tokens from 1 to 1000000000000 with a t behind them, like 200000t; leave it out for no limit";

/** Undefined when it is none, or an absurd one. */
export function readBudget(text: string): Budget | undefined {
  const tokens = /^(\d{1,13})t$/.exec(text)?.[1];
  if (tokens !== undefined) {
    const amount = Number(tokens);
    return amount >= 1 && amount <= mostTokens ? { unit: "tokens", amount } : undefined;
  }
  if (!/^\$?\d{1,7}(\.\d{1,6})?$/.test(text)) return undefined;
  const amount = Math.round(Number(text.replace("$", "")) * 1e9);
  return amount > 0 && amount <= mostDollars * 1e9 ? { unit: "money", amount } : undefined;
}

type BudgetVariables = Partial<
  Record<"BUDGET_USER_DAY" | "BUDGET_USER_MONTH" | "BUDGET_CHAT_DAY" | "BUDGET_BOT_DAY", Budget | undefined>
>;

/** The budgets that are set; what is wrong with them together is added to `mistakes`. */
export function budgetsOf(values: BudgetVariables, mistakes: string[]): Budgets {
  const { BUDGET_USER_DAY: day, BUDGET_USER_MONTH: month, BUDGET_CHAT_DAY: chat, BUDGET_BOT_DAY: bot } = values;
  // A month that is smaller than one of its days is never what was meant.
  if (day !== undefined && day.unit === month?.unit && day.amount > month.amount)
    mistakes.push("BUDGET_USER_DAY is larger than BUDGET_USER_MONTH; make it smaller, or leave it out");
  const given = { "user-day": day, "user-month": month, "chat-day": chat, "bot-day": bot };
  return Object.fromEntries(Object.entries(given).filter(([, budget]) => budget !== undefined));
}
