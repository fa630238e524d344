/** English: what answers have cost. */
import { type Amount, mostDollars, mostTokens, withDecimals } from "../base/amounts.ts";
import type { Whose } from "../base/errors.ts";
import type { Person } from "../ports/directory.ts";
import { perDollar, type UsageTotals } from "../ports/ledger.ts";
import type { BudgetView, CostStats, ModelUse } from "./facts.ts";

/** Lines of a list; a phone shows no more at a time. */
const mostModels = 12;

/** An amount of US dollars, as exact as it is small. */
function money(dollars: number): string {
  if (dollars === 0) return "$0";
  const decimals = dollars < 0.01 ? 6 : dollars < 1 ? 4 : 2;
  // Always cents; smaller digits only where they are not zero.
  const [whole = "", cents] = withDecimals(dollars, 2, decimals).split(".");
  return `$${number(Number(whole))}.${cents}`;
}

function costOf({ cost, unpriced, answers }: UsageTotals): string {
  if (unpriced === 0) return money(cost);
  if (unpriced === answers) return "price unknown";
  return `${money(cost)} and ${callsOf(unpriced)} of unknown price`;
}

/** An answer may have taken several, of models that failed or that summarise. */
function callsOf(count: number): string {
  return count === 1 ? "1 call" : `${number(count)} calls`;
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}

function usageLine(totals: UsageTotals): string {
  if (totals.answers === 0) return "0 calls";
  const cached = totals.cachedTokens > 0 ? `, ${number(totals.cachedTokens)} of them cached` : "";
  const tokens = `${number(totals.inputTokens)} tokens in${cached}, ${number(totals.outputTokens)} out`;
  return `${callsOf(totals.answers)}, ${costOf(totals)}\n${tokens}`;
}

function modelLine({ model, totals }: ModelUse): string {
  return `• ${model}: ${costOf(totals)}, ${callsOf(totals.answers)}`;
}

function costLines({ today, month, days, input, cached, users }: CostStats): string[] {
  const share =
    input === 0 ? [] : [`From caches: ${Math.round((100 * cached) / input)} % of the tokens in (${days} days)`];
  const top = users.map(({ name, totals }, at) => `${at + 1}. ${name}: ${costOf(totals)}, ${callsOf(totals.answers)}`);
  return [
    `Cost today: ${costOf(today)}`,
    `Cost this month: ${costOf(month)}`,
    ...share,
    ...(top.length === 0 ? [] : ["", `Who uses it most (${days} days):`, ...top]),
  ];
}

const budgetNames: Readonly<Record<Whose, string>> = {
  "user-day": "Today",
  "user-month": "This month",
  "chat-day": "This chat, today",
  "bot-day": "The whole bot, today",
};

function amountOf({ unit, amount }: Amount): string {
  if (unit === "money") return money(amount / perDollar);
  return amount === 1 ? "1 token" : `${number(amount)} tokens`;
}

function budgetLines(budget: BudgetView, now: number): string {
  const { whose, unit, amount, spent, reserved, granted, resetsAt } = budget;
  const words = (part: number) => amountOf({ unit, amount: part });
  const left = Math.max(0, amount + granted - spent - reserved);
  const grantedToo = granted === 0 ? "" : `, granted ${words(granted)}`;
  return [
    `${budgetNames[whose]}: ${words(left)} left`,
    `set ${words(amount)}${grantedToo}, used ${words(spent)}, reserved ${words(reserved)}`,
    `resets ${moment(resetsAt)}, in ${lasting(resetsAt - now)}`,
  ].join("\n");
}

/** A moment in UTC, as `2026-11-28 00:00 UTC`. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** How long something lasts, as exact as somebody waits for it. */
export function lasting(milliseconds: number): string {
  const minutes = Math.max(1, Math.ceil(milliseconds / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60)];
  if (days > 0) return hours === 0 ? `${days} d` : `${days} d ${hours} h`;
  return hours === 0 ? `${minutes} min` : `${hours} h ${minutes % 60} min`;
}

function nameOf({ id, name, username }: Person): string {
  const called = username === undefined ? name : `${name} (@${username})`;
  return called === "" ? `user ${id}` : `${called}, id ${id}`;
}

const amountForm = `Write dollars from 0.000001 to ${mostDollars}, such as 5 or 0.50, or whole tokens from 1t to ${mostTokens}t, such as 200000t.`;

export const moneyTexts = {
  /** Of somebody else, or one's own. */
  budgetOf: (person: Person | undefined, budgets: readonly BudgetView[], now: number) => {
    const head = person === undefined ? "Your budget" : `The budget of ${nameOf(person)}`;
    if (budgets.length === 0) return `${head}: no limit is set.`;
    return [head, ...budgets.map((budget) => budgetLines(budget, now))].join("\n\n");
  },
  budgetAskWho: (group: boolean) =>
    `Whose budget do you want to see? Send me an id, or a name that begins with @${group ? ", as a reply to this message" : ""}.`,
  budgetAskAmount: (person: Person, group: boolean) =>
    `How much do you want to add to what ${nameOf(person)} may spend today, and so this month? ${amountForm}${group ? " Reply to this message, so that I see it." : ""}`,
  amountForm: (written: string) => `I cannot add "${written}". ${amountForm}`,
  grantToBot: "Bots have no budget here. Reply to a message of the person themselves, or name them: /grant @name 5.",
  grantForm:
    "Write /grant 5 in reply to somebody, /grant 123456 5 with their id, or /grant @name 5. 5 means dollars, 200000t means tokens.",
  grantUseless: (unit: Amount["unit"]) =>
    `Nothing was granted: no user has a budget in ${unit === "money" ? "dollars" : "tokens"} here. BUDGET_USER_DAY and BUDGET_USER_MONTH set one.`,
  granted: (person: Person, amount: Amount, budgets: readonly BudgetView[], now: number) =>
    [`Granted ${amountOf(amount)} to ${nameOf(person)}.`, ...budgets.map((budget) => budgetLines(budget, now))].join(
      "\n\n",
    ),
  personUnknown: (who: string) =>
    `I have not seen ${who} yet. Send an id, or the name with @ of somebody who has written to me.`,
  usage: (today: UsageTotals, month: UsageTotals, total: UsageTotals, models: readonly ModelUse[]) =>
    [
      "Your use of this bot",
      ...["", `Today: ${usageLine(today)}`],
      ...["", `This month: ${usageLine(month)}`],
      ...["", `In total: ${usageLine(total)}`],
      ...(models.length === 0 ? [] : ["", "By model:", ...models.slice(0, mostModels).map(modelLine)]),
      ...(models.length > mostModels ? [`… and ${models.length - mostModels} more`] : []),
    ].join("\n"),
  costStats: (stats: CostStats) => costLines(stats).join("\n"),
  /** One who has had their data deleted. */
  forgottenUsers: "users who deleted their data",
  /** The words in the picture of costs: plain letters and digits. */
  costChart: {
    heading: "Cost by day and model",
    about: (days: number, date: string, total: UsageTotals) => `${days} days to ${date}, UTC: ${money(total.cost)}`,
    cost: (totals: UsageTotals) =>
      totals.unpriced === 0 || totals.unpriced === totals.answers ? costOf(totals) : `${money(totals.cost)} + unknown`,
    amount: (dollars: number) => (dollars === 0 ? "$0" : `$${Number(dollars.toPrecision(2))}`),
    others: "others",
  },
};
