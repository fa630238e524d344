/** Which tools the models are offered: `TOOLS`, `SEARCH_PROVIDER`, the keys of search providers, `MCP_SERVERS`. */
import { distance } from "../base/edit-distance.ts";
import type { Environment } from "./environment.ts";
import { type McpFile, readMcpServers } from "./mcp-servers.ts";
import { type SearchProvider, searchProviders } from "./tool-list.ts";

export interface ToolsConfig {
  /** Names of tools and of servers; left out: all that is configured. */
  readonly only?: readonly string[] | undefined;
  /** Left out: nobody is asked to search. */
  readonly search?: SearchConfig | undefined;
  /** Left out: no tools but the bot's own. */
  readonly mcp?: McpFile | undefined;
}

export interface SearchConfig {
  readonly provider: SearchProvider;
  /** Of `searxng`: none. */
  readonly apiKey?: string | undefined;
  /** Of `searxng`: without a slash at its end. */
  readonly url?: string | undefined;
}

/** The tools of our own; what else a list names is a server, or a tool of one. */
const builtIn = ["web_search", "read_page", "calculate", "draw", "read_file", "remember", "forget"];

/** What gives access to a search provider: its key, or the address of one's own. */
const accessOf = {
  tavily: "TAVILY_API_KEY",
  brave: "BRAVE_API_KEY",
  exa: "EXA_API_KEY",
  serper: "SERPER_API_KEY",
  searxng: "SEARXNG_URL",
} as const satisfies Record<SearchProvider, keyof Environment>;

/** The variable that a search provider cannot do without. */
export function searchVariable(provider: SearchProvider): string {
  return accessOf[provider];
}

/** How the ledger and `PRICES_FILE` call who searches. */
export function searchModel(provider: SearchProvider): string {
  return `${provider}/search`;
}

/** What the variables mean together, `env` being what the file of servers may refer to; undefined when models are offered no tools. */
export function toolsOf(
  values: Environment,
  wrong: ReadonlySet<string>,
  env: Readonly<Record<string, string | undefined>>,
  { mistakes, warnings }: { readonly mistakes: string[]; readonly warnings: string[] },
): ToolsConfig | undefined {
  const { TOOLS: list, SEARCH_PROVIDER: named } = values;
  const provider = named ?? searchProviders.find((one) => values[accessOf[one]] !== undefined);
  const search = provider === undefined ? undefined : searchOf(provider, values);
  if (provider !== undefined && search === undefined && !wrong.has(accessOf[provider]))
    mistakes.push(`${accessOf[provider]} is missing; SEARCH_PROVIDER=${provider} needs it`);
  const mcp = values.MCP_SERVERS === undefined ? undefined : readMcpServers(values.MCP_SERVERS, env, mistakes);
  if (list === "off") return undefined;
  if (list === "auto") return { search, mcp };
  for (const name of list) {
    if (mcp?.servers.some((server) => server.name === name)) continue;
    const meant = builtIn.find((one) => distance(name.replaceAll("-", "_"), one, 2) <= 2);
    if (meant !== undefined && meant !== name && !wrong.has("TOOLS"))
      warnings.push(`TOOLS names ${name}, which is none of the bot's own tools; did you mean ${meant}?`);
  }
  if (list.includes("web_search") && provider === undefined)
    warnings.push(
      `TOOLS names web_search, but nobody is there to search; set one of ${searchProviders.map(searchVariable).join(", ")}`,
    );
  return { only: list, search: list.includes("web_search") ? search : undefined, mcp };
}

function searchOf(provider: SearchProvider, values: Environment): SearchConfig | undefined {
  const access = values[accessOf[provider]];
  if (access === undefined) return undefined;
  return provider === "searxng" ? { provider, url: access } : { provider, apiKey: access };
}
