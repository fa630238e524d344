/** The tool `web_search`: what a search provider finds on the web. */
import { type SearchConfig, searchModel, searchVariable } from "../config/tools.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { TokenUsage } from "../ports/models.ts";
import { failedWith, type Source, type ToolResult } from "../ports/tool-results.ts";
import type { Tool, ToolTurn } from "../ports/tools.ts";
import { pageAddress } from "./addresses.ts";
import { seenLine } from "./framing.ts";
import { type SearchHit, searchApiOf } from "./search-apis.ts";
import { createSearchClient, type SearchClientDeps, type SearchEnd } from "./search-client.ts";

export interface WebSearchDeps extends Omit<SearchClientDeps, "api"> {
  readonly config: SearchConfig;
  readonly alerts?: Alerts | undefined;
}

export interface WebSearch {
  readonly tool: Tool;
  stop(): void;
}

const mostResults = 5;
const mostText = 300;
const mostTitle = 150;
const mostQuery = 400;
const mostMs = 20_000;

/** Creates the tool, over the provider that is configured. */
export function createWebSearch({ config, alerts, ...deps }: WebSearchDeps): WebSearch {
  const api = searchApiOf(config);
  const client = createSearchClient({ ...deps, api });
  const model = searchModel(config.provider);

  /** Asks, paid for by who has asked; what was not searched costs nothing. Undefined when the signal is aborted. */
  async function paidSearch(query: string, { payer, work }: ToolTurn, signal: AbortSignal) {
    const paid = await payer.open({ model, media: "search", expected: usageOf(query) }, signal);
    if (paid === undefined) return undefined;
    const begunAt = performance.now();
    let end: SearchEnd | undefined;
    try {
      end = await client.ask(query, mostResults, work, signal);
      return end;
    } finally {
      const outcome = end === undefined ? "stopped" : outcomes[end.kind];
      // Nobody knows whether one that was given up was counted.
      const usage = end === undefined || end.kind === "found" ? usageOf(query) : nothing;
      paid.close({ outcome, usage, durationMs: performance.now() - begunAt });
    }
  }

  const tool: Tool = {
    name: "web_search",
    description:
      "Searches the web. Gives up to five results, each with title, address and a few lines; read_page reads their pages. For what is new, changes or is not known for sure.",
    parameters: {
      type: "object",
      properties: { query: { type: "string", description: "What to look for, as for a search engine." } },
      required: ["query"],
    },
    class: "safe",
    asks: false,
    carriesOut: false,
    carries: (args, turn) => holdsData(queryIn(args), turn.isPublic),
    mostMs,
    activity: (args) => ({ doing: "searching", query: queryIn(args) }),
    async run({ args, turn }, signal) {
      const query = queryIn(args);
      if (query === "") return failedWith("web_search needs query, a text of 1 to 400 characters.");
      const end = await paidSearch(query, turn, signal);
      if (end === undefined) return failedWith("It was stopped before anything was searched.");
      if (end.kind === "found") return turn.work(() => resultOf(query, end.hits));
      turn.log.warn({ ...end, provider: config.provider }, "a search has come to nothing");
      if (end.kind === "refused") {
        const variable = searchVariable(config.provider);
        alerts?.raise({ kind: "search-refused", provider: api.name, variable, why: end.why });
      }
      return failedWith(wordsOf(end));
    },
  };
  return { tool, stop: client.stop };
}

const nothing: TokenUsage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 };
const outcomes = { found: "complete", refused: "auth", limited: "rate-limit", failed: "upstream" } as const;
const unitsPerToken = 4;

/** The ledger counts what has read anything. */
function usageOf(query: string): TokenUsage {
  return { ...nothing, inputTokens: Math.ceil(query.length / unitsPerToken), searches: 1 };
}

function queryIn(args: unknown): string {
  const query = typeof args === "object" && args !== null && "query" in args ? args.query : undefined;
  return typeof query === "string" ? seenLine(query, mostQuery) : "";
}

/** Longer ones tell something rather than look for it. */
const longestPlainQuery = 150;
/** Of numbers that nobody has named yet, a date and a price. */
const mostDigits = 8;
const date = /^\d{1,4}(?:[-./]\d{1,2}){1,2}$/;

/**
 * Whether a query may carry data to wherever queries are kept: it is long, or holds numbers and codes that neither who asks nor
 * the web has named. Words of letters pass: what looks something up consists of them.
 */
function holdsData(query: string, isPublic: (words: string) => boolean): boolean {
  if (query.length > longestPlainQuery) return true;
  const words = query.split(/[\s"'(),;!?]+/).map((word) => word.replace(/[.:]$/, ""));
  const unknown = words.filter((word) => (/[\d@/\\=_]/.test(word) || word.length >= 24) && !isPublic(word));
  const isCode = (word: string) => word.length >= 5 && !date.test(word) && !/^\d+$/.test(word);
  return unknown.some(isCode) || unknown.join("").replaceAll(/\D/g, "").length > mostDigits;
}

function resultOf(query: string, hits: readonly SearchHit[]): ToolResult {
  const found = new Map<string, { readonly title: string; readonly text: string }>();
  for (const { title, url, text } of hits) {
    const address = found.size < mostResults && /^https?:/i.test(url) ? pageAddress(url) : undefined;
    if (address === undefined || found.has(address)) continue;
    const named = seenLine(plain(title), mostTitle);
    found.set(address, { title: named === "" ? new URL(address).host : named, text: seenLine(plain(text), mostText) });
  }
  const note = `searched for “${seenLine(query, 100)}”`;
  if (found.size === 0) return { text: "Nothing was found. Other words may find something.", note };
  const lines = [...found].map(([address, { title, text }], index) => `${index + 1}. ${title}\n${address}\n${text}`);
  const sources: Source[] = [...found].map(([url, { title }]) => ({ title, url }));
  return { text: lines.join("\n\n"), untrusted: true, sources, note };
}

const entities: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", "#x27": "'" };

/** Without the marks that some put around the words that were looked for. */
function plain(text: string): string {
  return text
    .slice(0, 4_000)
    .replaceAll(/<\/?[a-z]{1,10}>/gi, "")
    .replaceAll(/&(amp|lt|gt|quot|#39|#x27);/g, (entity, name: string) => entities[name] ?? entity);
}

function wordsOf(end: Exclude<SearchEnd, { readonly kind: "found" }>): string {
  switch (end.kind) {
    case "refused":
      return "Nothing was searched: the search provider refuses this bot, and its operator has been told. Do not search again; answer from what you know, and say that you could not look it up.";
    case "limited":
      return "Nothing was searched: there were too many searches just now. Answer from what you know, and say that you could not look it up.";
    case "failed":
      return `Nothing was searched: the search provider is out of order (${end.reason}). Try once more at most; then answer from what you know, and say that you could not look it up.`;
  }
}
