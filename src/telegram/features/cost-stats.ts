/** What the bot has cost, for admins: in words, and as a picture. Loaded when it is asked for. */
import { dayMs, type Ledger, type TotalsPart, type UsageTotals } from "../../ports/ledger.ts";
import type { CostStats } from "../../texts/facts.ts";
import type { Texts } from "../../texts/texts.ts";
import { type BarSeries, drawBars, mostSeries } from "../chart/bars.ts";
import type { BotDeps } from "../context.ts";

const shownDays = 30;
const shownUsers = 5;
/** In characters: names stand in one line with their cost. */
const maxNameLength = 24;

type Deps = Pick<BotDeps, "directory" | "now"> & { readonly store: { readonly ledger: Pick<Ledger, "totals"> } };

/** Reads what admins are told in words. */
export async function readCostStats({ store, directory, now }: Deps, texts: Texts): Promise<CostStats> {
  const { ledger } = store;
  const [today, from] = [now(), now() - (shownDays - 1) * dayMs];
  const firstOfMonth = new Date(today).setUTCDate(1);
  const [[ofToday], [ofMonth], [ofAll], byUser] = await Promise.all([
    ledger.totals({ of: "all", from: today }),
    ledger.totals({ of: "all", from: firstOfMonth }),
    ledger.totals({ of: "all", from }),
    ledger.totals({ of: "all", from, by: "user" }),
  ]);
  const top = [...byUser].sort(byCost).slice(0, shownUsers);
  const people = await directory.read(top.map(({ key }) => Number(key)));
  const users = top.map((totals) => {
    if (totals.key === "0") return { name: texts.forgottenUsers, totals };
    const { name = totals.key, username } = people.find(({ id }) => String(id) === totals.key) ?? {};
    const short = [...name].slice(0, maxNameLength).join("");
    return { name: username === undefined ? short : `${short} (@${username})`, totals };
  });
  return {
    today: ofToday ?? none,
    month: ofMonth ?? none,
    days: shownDays,
    input: ofAll?.inputTokens ?? 0,
    cached: ofAll?.cachedTokens ?? 0,
    users,
  };
}

/** Draws cost by day and model; undefined when there was nothing to pay for. */
export async function drawCosts({ store, now }: Deps, texts: Texts): Promise<Buffer | undefined> {
  const lastDay = Math.floor(now() / dayMs);
  const firstDay = lastDay - shownDays + 1;
  const parts = await store.ledger.totals({ of: "all", from: firstDay * dayMs, by: "day-model" });
  if (parts.length === 0) return undefined;
  const models = [...Map.groupBy(parts, ({ key }) => key.slice(key.indexOf(" ") + 1))]
    .map(([model, some]) => ({ model, some, ...sumOf(some) }))
    .sort(byCost);
  // Models that no colour is left for stand together.
  const kept = models.length > mostSeries ? mostSeries - 1 : mostSeries;
  const others = models.slice(kept);
  const shown = models.slice(0, kept);
  const rest = others.flatMap(({ some }) => some);
  if (rest.length > 0) shown.push({ model: texts.costChart.others, some: rest, ...sumOf(rest) });
  const series = shown.map(
    ({ model, some, ...totals }): BarSeries => ({
      name: model,
      note: texts.costChart.cost(totals),
      values: Array.from({ length: shownDays }, (_, at) =>
        some.reduce((sum, { key, cost }) => (Number.parseInt(key, 10) === firstDay + at ? sum + cost : sum), 0),
      ),
    }),
  );
  const dateOf = (day: number) => new Date(day * dayMs).toISOString().slice(0, 10);
  return drawBars({
    heading: texts.costChart.heading,
    about: texts.costChart.about(shownDays, dateOf(lastDay), sumOf(parts)),
    days: Array.from({ length: shownDays }, (_, at) => dateOf(firstDay + at).slice(5)),
    series,
    amount: texts.costChart.amount,
  });
}

const none: UsageTotals = { answers: 0, inputTokens: 0, cachedTokens: 0, outputTokens: 0, cost: 0, unpriced: 0 };

function sumOf(parts: readonly TotalsPart[]): UsageTotals {
  return parts.reduce<UsageTotals>(
    (sum, part) => ({
      answers: sum.answers + part.answers,
      inputTokens: sum.inputTokens + part.inputTokens,
      cachedTokens: sum.cachedTokens + part.cachedTokens,
      outputTokens: sum.outputTokens + part.outputTokens,
      cost: sum.cost + part.cost,
      unpriced: sum.unpriced + part.unpriced,
    }),
    none,
  );
}

/** The dearest first; of those that cost nothing, or nobody knows what, the one with more answers. */
function byCost(one: UsageTotals, other: UsageTotals): number {
  return other.cost - one.cost || other.answers - one.answers;
}
