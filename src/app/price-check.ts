/** A budget in money that cannot be counted is none: found out at the start, not with the first question. */
import { StartError, type Whose } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { modelsAsked } from "../config/models-asked.ts";

const variables: Readonly<Record<Whose, string>> = {
  "user-day": "BUDGET_USER_DAY",
  "user-month": "BUDGET_USER_MONTH",
  "chat-day": "BUDGET_CHAT_DAY",
  "bot-day": "BUDGET_BOT_DAY",
};

/** Throws a `StartError` when a budget is in money and the price of a model that may be asked is not known. */
export async function checkPrices(config: Pick<Config, "budgets" | "models" | "summaryModel">): Promise<void> {
  const { budgets, models } = config;
  const inMoney = Object.entries(variables).find(([whose]) => budgets[whose as Whose]?.unit === "money")?.[1];
  if (inMoney === undefined) return;
  // The table of prices is large, and loaded only where it is needed at the start.
  const { createPrices } = await import("../models/prices.ts");
  const cost = createPrices(models.prices);
  const usage = { inputTokens: 1_000, cachedTokens: 0, outputTokens: 1_000 };
  const unknown = modelsAsked(config).filter((model) => cost(model, usage, Date.now()) === undefined);
  if (unknown.length === 0) return;
  throw new StartError(
    unknown.map(
      (model) =>
        `PRICES_FILE has no price for ${model}, which no list of prices knows, and ${inMoney} is in money; add it there in dollars per million tokens, like {"${model}": {"input": 0.2, "output": 1.6}}, or set budgets in tokens, like 200000t`,
    ),
  );
}
