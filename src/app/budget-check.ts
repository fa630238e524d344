/** A budget that cannot be counted or pays for no answer is found at the start, not with the first question. */
import { StartError, type Whose } from "../base/errors.ts";
import type { Config } from "../config/config.ts";
import { mediaAsked, modelsAsked } from "../config/models-asked.ts";
import { searchModel } from "../config/tools.ts";
import { firstTokens, perDollar } from "../ports/ledger.ts";

/** The variable that sets each. */
export const budgetVariables: Readonly<Record<Whose, string>> = {
  "user-day": "BUDGET_USER_DAY",
  "user-month": "BUDGET_USER_MONTH",
  "chat-day": "BUDGET_CHAT_DAY",
  "bot-day": "BUDGET_BOT_DAY",
};

type BudgetConfig = Pick<Config, "budgets" | "models" | "summaryModel"> & Partial<Pick<Config, "tools">>;

/** Throws a `StartError` when there is anything wrong with the budgets. */
export async function checkBudgets(config: BudgetConfig): Promise<void> {
  const mistakes = await budgetMistakes(config);
  if (mistakes.length > 0) throw new StartError(mistakes);
}

/**
 * A line for each: a budget is in money and the price of a model that may be asked is not known, or no answer at all would fit
 * into a budget.
 */
export async function budgetMistakes(config: BudgetConfig): Promise<readonly string[]> {
  const { budgets, models } = config;
  const given = Object.entries(budgetVariables).flatMap(([whose, variable]) => {
    const budget = budgets[whose as Whose];
    return budget === undefined ? [] : [{ variable, ...budget }];
  });
  const answerTokens = Math.min(models.maxTokens ?? firstTokens, firstTokens);
  // Nobody knows yet how long a prompt will be; it has at least one token.
  const lines = given
    .filter(({ unit, amount }) => unit === "tokens" && amount <= answerTokens)
    .map(
      ({ variable }) =>
        `${variable} is too small for a single answer, of which ${answerTokens} tokens are reserved before it is asked for; make it several times as large, or MODEL_MAX_TOKENS smaller`,
    );
  const inMoney = given.filter(({ unit }) => unit === "money");
  if (inMoney.length > 0) lines.push(...(await moneyMistakes(config, inMoney, answerTokens)));
  return lines;
}

async function moneyMistakes(
  config: BudgetConfig,
  budgets: readonly { readonly variable: string; readonly amount: number }[],
  answerTokens: number,
): Promise<readonly string[]> {
  // The table of prices is large, and loaded only where it is needed at the start.
  const { createPrices } = await import("../models/prices.ts");
  const cost = createPrices(config.models.prices);
  const usage = { inputTokens: 1, cachedTokens: 0, outputTokens: answerTokens };
  const prices = modelsAsked(config).map((model) => ({ model, dollars: cost(model, usage, Date.now()) }));
  const unknown = prices.filter(({ dollars }) => dollars === undefined);
  const [first] = budgets;
  const unpriced = (model: string, how: string) =>
    `PRICES_FILE has no price for ${model}, which no list of prices knows, and ${first?.variable} is in money; add it there in dollars ${how}, or set budgets in tokens, like 200000t`;
  const lines = [
    ...unknown.map(({ model }) =>
      unpriced(model, `per million tokens, like {"${model}": {"input": 0.2, "output": 1.6}}`),
    ),
    ...mediaAsked(config)
      .filter((model) => cost(model, someMedia, Date.now()) === undefined)
      .map((model) =>
        config.models.media?.draws.includes(model)
          ? unpriced(model, `a picture, like {"${model}": {"picture": 0.04}}`)
          : unpriced(model, `an hour of sound, like {"${model}": {"audio_hour": 0.36}}`),
      ),
    ...searchesOf(config)
      .filter((model) => cost(model, oneSearch, Date.now()) === undefined)
      .map((model) => unpriced(model, `a search, like {"${model}": {"search": 0.001}}`)),
  ];
  if (lines.length > 0) return lines;
  const cheapest = Math.min(...prices.map(({ dollars = 0 }) => dollars));
  return budgets
    .filter(({ amount }) => amount < Math.ceil(cheapest * perDollar))
    .map(
      ({ variable }) =>
        `${variable} is too small for a single answer: before one is asked for, ${answerTokens} tokens are reserved, ${dollarsOf(cheapest)} dollars by the cheapest model; make it several times as large, or MODEL_MAX_TOKENS smaller`,
    );
}

function searchesOf({ tools }: BudgetConfig): readonly string[] {
  return tools?.search === undefined ? [] : [searchModel(tools.search.provider)];
}

/** Of which a price is asked: whether there is one, not how much it is. */
const someMedia = { inputTokens: 1, cachedTokens: 0, outputTokens: 1, seconds: 1, pictures: 1 };
const oneSearch = { inputTokens: 1, cachedTokens: 0, outputTokens: 0, searches: 1 };

/** Rounded up, so that what it names is enough. */
function dollarsOf(dollars: number): string {
  return String(Math.ceil(dollars * 1e6) / 1e6);
}
