/** Which budgets a question counts in, and how they stand at a moment. Pure. */
import { BudgetError, type BudgetRefusal, type Whose } from "../base/errors.ts";
import { type BudgetUnit, dayMs, type LedgerRow, type Limit, perDollar, type Subject } from "../ports/ledger.ts";

export interface Budget {
  readonly unit: BudgetUnit;
  /** Whole billionths of a US dollar, or tokens. */
  readonly amount: number;
}

/** Left out: as much as anybody likes. */
export type Budgets = Readonly<Partial<Record<Whose, Budget>>>;

const order: readonly Whose[] = ["user-day", "user-month", "chat-day", "bot-day"];

/** The limits of a user in a chat at this moment (milliseconds since the epoch), the narrowest first. */
export function limitsAt(
  budgets: Budgets,
  { userId, chatId }: { readonly userId: number; readonly chatId: number },
  at: number,
): Limit[] {
  const today = Math.floor(at / dayMs);
  const date = new Date(at);
  const monthDays = [0, 1].map((more) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + more, 1) / dayMs);
  const [firstDay = today, nextMonth = today + 1] = monthDays;
  const of: Readonly<Record<Whose, Subject>> = {
    ...{ "user-day": { userId }, "user-month": { userId }, "chat-day": { chatId }, "bot-day": "all" },
  };
  return order.flatMap((whose) => {
    const budget = budgets[whose];
    if (budget === undefined) return [];
    const days =
      whose === "user-month" ? { fromDay: firstDay, toDay: nextMonth - 1 } : { fromDay: today, toDay: today };
    return [{ whose, of: of[whose], ...days, ...budget }];
  });
}

/** When a limit begins anew; milliseconds since the epoch. */
export function resetOf({ toDay }: Pick<Limit, "toDay">): number {
  return (toDay + 1) * dayMs;
}

/** That a question does not fit into what is left of this. */
export function budgetError(limit: Limit, now: number, why: BudgetRefusal): BudgetError {
  const resetsAt = resetOf(limit);
  return new BudgetError(limit.whose, resetsAt, resetsAt - now, why);
}

/** What a call counts in a budget of this unit. */
export function spentOf({ inputTokens, outputTokens, cost = 0 }: LedgerRow, { unit }: Limit): number {
  return unit === "tokens" ? inputTokens + outputTokens : Math.round(cost * perDollar);
}
