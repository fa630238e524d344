/** What may be spent at most: in US dollars (`0.50`) or in tokens (`200000t`). */
import type { Amount } from "../base/amounts.ts";
import type { Whose } from "../base/errors.ts";

/** Left out: as much as anybody likes. */
export type Budgets = Readonly<Partial<Record<Whose, Amount>>>;

/** What is wrong with a budget that `readAmount` does not understand. */
export const budgetMistake =
  "must be US dollars from 0.000001 to 1000000, like 0.50, or whole tokens from 1 to 1000000000000 with a t behind them, like 200000t; leave it out for no limit";

/** Billionths of a dollar: whoever sets more has probably meant tokens. */
const hardlyDollars = 10_000e9;

type BudgetVariables = Partial<
  Record<"BUDGET_USER_DAY" | "BUDGET_USER_MONTH" | "BUDGET_CHAT_DAY" | "BUDGET_BOT_DAY", Amount | undefined>
>;

/** The budgets that are set; adds what is wrong with them together, and what is hardly meant so. */
export function budgetsOf(values: BudgetVariables, mistakes: string[], warnings: string[]): Budgets {
  const { BUDGET_USER_DAY: day, BUDGET_USER_MONTH: month, BUDGET_CHAT_DAY: chat, BUDGET_BOT_DAY: bot } = values;
  // A month that is smaller than one of its days is never what was meant.
  if (day !== undefined && day.unit === month?.unit && day.amount > month.amount)
    mistakes.push("BUDGET_USER_DAY is larger than BUDGET_USER_MONTH; make it smaller, or leave it out");
  for (const [name, budget] of Object.entries({
    ...{ BUDGET_USER_DAY: day, BUDGET_USER_MONTH: month, BUDGET_CHAT_DAY: chat, BUDGET_BOT_DAY: bot },
  })) {
    if (budget?.unit === "money" && budget.amount > hardlyDollars)
      warnings.push(`${name} is more than 10,000 US dollars; tokens are written with a t behind them, like 200000t`);
  }
  const given = { "user-day": day, "user-month": month, "chat-day": chat, "bot-day": bot };
  return Object.fromEntries(Object.entries(given).filter(([, budget]) => budget !== undefined));
}
