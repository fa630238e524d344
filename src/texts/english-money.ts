/** English: what answers have cost. */
import type { UsageTotals } from "../ports/ledger.ts";
import type { CostStats, ModelUse } from "./facts.ts";

/** Lines of a list; a phone shows no more at a time. */
const mostModels = 12;

/** An amount of US dollars, as exact as it is small. */
export function money(dollars: number): string {
  if (dollars === 0) return "$0";
  return dollars < 0.01 ? `$${dollars.toFixed(6)}` : dollars < 1 ? `$${dollars.toFixed(4)}` : `$${dollars.toFixed(2)}`;
}

function costOf({ cost, unpriced, answers }: UsageTotals): string {
  if (unpriced === 0) return money(cost);
  if (unpriced === answers) return "price unknown";
  return `${money(cost)} and ${answersOf(unpriced)} of unknown price`;
}

function answersOf(count: number): string {
  return count === 1 ? "1 answer" : `${number(count)} answers`;
}

function number(count: number): string {
  return count.toLocaleString("en-US");
}

function usageLine(totals: UsageTotals): string {
  if (totals.answers === 0) return "0 answers";
  const cached = totals.cachedTokens > 0 ? `, ${number(totals.cachedTokens)} of them cached` : "";
  const tokens = `${number(totals.inputTokens)} tokens in${cached}, ${number(totals.outputTokens)} out`;
  return `${answersOf(totals.answers)}, ${costOf(totals)}\n${tokens}`;
}

function modelLine({ model, totals }: ModelUse): string {
  return `• ${model}: ${costOf(totals)}, ${answersOf(totals.answers)}`;
}

function costLines({ today, month, days, input, cached, users }: CostStats): string[] {
  const share =
    input === 0 ? [] : [`From caches: ${Math.round((100 * cached) / input)} % of the tokens in (${days} days)`];
  const top = users.map(
    ({ name, totals }, at) => `${at + 1}. ${name}: ${costOf(totals)}, ${answersOf(totals.answers)}`,
  );
  return [
    `Cost today: ${costOf(today)}`,
    `Cost this month: ${costOf(month)}`,
    ...share,
    ...(top.length === 0 ? [] : ["", `Who uses it most (${days} days):`, ...top]),
  ];
}

export const moneyTexts = {
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
    cost: costOf,
    amount: (dollars: number) => (dollars === 0 ? "$0" : `$${Number(dollars.toPrecision(2))}`),
    others: "others",
  },
};
