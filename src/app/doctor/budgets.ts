/** What the budgets count by: days and months of UTC, whatever zone the machine is in. */
import type { Config } from "../../config/config.ts";
import type { Finding } from "../../ports/operators.ts";
import { ok } from "./findings.ts";

const variables = {
  "user-day": "BUDGET_USER_DAY",
  "user-month": "BUDGET_USER_MONTH",
  "chat-day": "BUDGET_CHAT_DAY",
  "bot-day": "BUDGET_BOT_DAY",
} as const;

/** Says when the day ends here that budgets are counted by; nothing when there are none. `now`: milliseconds since the epoch. */
export function examineBudgets({ budgets }: Pick<Config, "budgets">, now: number, zone?: string): readonly Finding[] {
  const set = Object.entries(variables).flatMap(([whose, name]) => (whose in budgets ? [name] : []));
  if (set.length === 0) return [];
  const end = new Date(now).setUTCHours(24, 0, 0, 0);
  const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  const here = `${format.format(end)} here (${format.resolvedOptions().timeZone})`;
  return [ok("budgets", `${set.join(", ")}: days and months are those of UTC; today ends at ${here}`)];
}
