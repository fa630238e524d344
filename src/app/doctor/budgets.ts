/** Budgets: what is wrong with them, and when their day ends here, since they count days and months of UTC. */
import type { Config } from "../../config/config.ts";
import type { Finding } from "../../ports/operators.ts";
import { budgetMistakes, budgetVariables } from "../budget-check.ts";
import { bad, ok } from "./findings.ts";

/**
 * Says why the bot would not start; if it would, when the budgets' day ends in local time; nothing when there are none.
 * `now`: milliseconds since the epoch.
 */
export async function examineBudgets(
  config: Pick<Config, "budgets" | "models" | "summaryModel">,
  now: number,
  zone?: string,
): Promise<readonly Finding[]> {
  const set = Object.entries(budgetVariables).flatMap(([whose, name]) => (whose in config.budgets ? [name] : []));
  if (set.length === 0) return [];
  const mistakes = await budgetMistakes(config);
  if (mistakes.length > 0) return mistakes.map((line) => bad("budgets", line));
  const end = new Date(now).setUTCHours(24, 0, 0, 0);
  const format = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone });
  const here = `${format.format(end)} here (${format.resolvedOptions().timeZone})`;
  return [ok("budgets", `${set.join(", ")}: days and months are those of UTC; today ends at ${here}`)];
}
