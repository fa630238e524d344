/** The tools of the bot's own that need somebody: whether the search provider searches, and whether pages can be read. */
import { inNobodysName } from "../../base/in-hand.ts";
import type { Config } from "../../config/config.ts";
import { type SearchConfig, searchModel, searchVariable } from "../../config/tools.ts";
import { createPageReader } from "../../media/child/reader.ts";
import type { Finding } from "../../ports/operators.ts";
import { searchApiOf } from "../../tools/search-apis.ts";
import { createSearchClient, type SearchEnd } from "../../tools/search-client.ts";
import { bad, ok, reasonIn, warn } from "./findings.ts";

const query = "Telegram Bot API";
const page =
  "<title>Seen</title><article><p>This page is read by the doctor, to see that pages can be read.</p></article>";

const silent = () => undefined;
/** What goes wrong stands in the finding. */
const quiet = { debug: silent, warn: silent, error: silent };

/** A line for each. `sparing`: nobody is asked, since a search costs money, and the bot itself reads pages. */
export async function examineTools(
  { tools, proxies, models }: Config,
  sparing: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  if (tools === undefined) return [];
  const isWanted = (name: string) => tools.only?.includes(name) !== false;
  const found = await Promise.all([
    tools.search && isWanted("web_search") ? examineSearch(tools.search, { proxies, models }, sparing, signal) : [],
    !sparing && isWanted("read_page") ? examinePages(signal) : [],
  ]);
  return found.flat();
}

async function examineSearch(
  config: SearchConfig,
  { proxies, models }: Pick<Config, "proxies" | "models">,
  sparing: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const api = searchApiOf(config);
  if (sparing) return [ok("web_search", `${api.name}: npm run doctor searches once and looks`)];
  const client = createSearchClient({ api, proxies });
  const begunAt = performance.now();
  try {
    const end = await client.ask(query, 1, inNobodysName, signal);
    const finding = searchFinding(end, api.name, searchVariable(config.provider), performance.now() - begunAt);
    return end.kind === "found"
      ? [finding, ...(await priceFindings(searchModel(config.provider), models.prices))]
      : [finding];
  } catch (error) {
    return [bad("web_search", `${api.name}: ${signal.aborted ? "no answer in time" : reasonIn(error)}`, "try again")];
  } finally {
    client.stop();
  }
}

function searchFinding(end: SearchEnd, name: string, variable: string, tookMs: number): Finding {
  switch (end.kind) {
    case "found":
      return end.hits.length > 0
        ? ok("web_search", `${name} takes the access in ${variable} and finds something (${Math.round(tookMs)} ms)`)
        : warn("web_search", `${name} answers, but finds nothing for ${query}`, "search there by hand");
    case "refused":
      return bad("web_search", `${name} ${refusals[end.why]} (${end.status})`, todos[end.why](variable));
    case "limited":
      return warn("web_search", `${name} has had too many searches just now (${end.status})`, "try again in a minute");
    case "failed":
      return bad("web_search", `${name}: ${end.reason}`, `is it up, and is ${variable} right?`);
  }
}

const refusals = {
  key: "refuses the key",
  credit: "has no credit left for this key",
  format: "is not set to answer programs",
} as const;

const todos = {
  key: (variable: string) => `put a valid key into ${variable}`,
  credit: () => "add credit there, or let SEARCH_PROVIDER name another one",
  format: () => "put json into search.formats in its settings.yml, and restart it",
} as const;

/** A search whose price nobody knows counts in no budget of money, and costs nothing in any statistics. */
async function priceFindings(model: string, prices: Config["models"]["prices"]): Promise<readonly Finding[]> {
  const { createPrices } = await import("../../models/prices.ts");
  const dollars = createPrices(prices)(
    model,
    { inputTokens: 1, cachedTokens: 0, outputTokens: 0, searches: 1 },
    Date.now(),
  );
  if (dollars !== undefined) return [];
  const todo = `put {"${model}": {"search": 0.001}}, with the dollars that a search costs you, into PRICES_FILE`;
  return [warn("web_search", "what a search costs there is not known", todo)];
}

async function examinePages(signal: AbortSignal): Promise<readonly Finding[]> {
  const reader = createPageReader({ log: quiet, startsAhead: false });
  const begunAt = performance.now();
  try {
    const bytes = new TextEncoder().encode(page);
    const reading = await reader.read({ bytes, address: "https://example.com/", html: true }, signal);
    const took = `${Math.round(performance.now() - begunAt)} ms`;
    if (reading.kind === "page" && reading.text.includes("read by the doctor"))
      return [ok("read_page", `a process of its own reads pages (${took} with its start)`)];
    return [bad("read_page", "its process starts, but cannot read a page", "the log of the bot has its words")];
  } catch (error) {
    const reason = signal.aborted ? "no answer in time" : reasonIn(error);
    return [
      bad("read_page", `the process that reads pages cannot be used: ${reason}`, "has the machine memory left for it?"),
    ];
  } finally {
    await reader.stop();
  }
}
