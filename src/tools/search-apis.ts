/** How each search provider is asked, and where its answer says what. */
import type { SearchProvider } from "../config/tool-list.ts";
import type { SearchConfig } from "../config/tools.ts";

export interface SearchHit {
  readonly title: string;
  readonly url: string;
  readonly text: string;
}

export interface SearchRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON, by POST; left out: a GET. */
  readonly body?: object | undefined;
}

export interface SearchApi {
  /** As people know it. */
  readonly name: string;
  readonly provider: SearchProvider;
  request(query: string, count: number): SearchRequest;
  /** What an answer lists, whatever it is; undefined when there is no list in it. */
  hits(answer: unknown): readonly SearchHit[] | undefined;
}

interface Shape {
  readonly name: string;
  readonly origin: string;
  request(query: string, count: number, key: string): Omit<SearchRequest, "url"> & { readonly path: string };
  /** Where the list is. */
  readonly list: readonly string[];
  /** What its entries call title, address and text. */
  readonly fields: readonly [string, string, string];
}

/** Brave takes no more words. */
const mostWords = 50;

const shapes: Readonly<Record<SearchProvider, Shape>> = {
  tavily: {
    name: "Tavily",
    origin: "https://api.tavily.com",
    request: (query, count, key) => ({
      path: "/search",
      headers: { authorization: `Bearer ${key}` },
      body: { query, max_results: count },
    }),
    list: ["results"],
    fields: ["title", "url", "content"],
  },
  brave: {
    name: "Brave",
    origin: "https://api.search.brave.com",
    request: (query, count, key) => ({
      path: `/res/v1/web/search?${params({ q: query.split(" ").slice(0, mostWords).join(" "), count: String(count) })}`,
      headers: { "x-subscription-token": key },
    }),
    list: ["web", "results"],
    fields: ["title", "url", "description"],
  },
  exa: {
    name: "Exa",
    origin: "https://api.exa.ai",
    request: (query, count, key) => ({
      path: "/search",
      headers: { "x-api-key": key },
      body: { query, numResults: count, contents: { text: { maxCharacters: 600 } } },
    }),
    list: ["results"],
    fields: ["title", "url", "text"],
  },
  serper: {
    name: "Serper",
    origin: "https://google.serper.dev",
    request: (query, count, key) => ({
      path: "/search",
      headers: { "x-api-key": key },
      body: { q: query, num: count },
    }),
    list: ["organic"],
    fields: ["title", "link", "snippet"],
  },
  searxng: {
    name: "SearXNG",
    origin: "",
    request: (query) => ({ path: `/search?${params({ q: query, format: "json" })}`, headers: {} }),
    list: ["results"],
    fields: ["title", "url", "content"],
  },
};

/** More entries than this are looked at by nobody. */
const mostEntries = 50;

/** How the configured provider is asked; at another address than its own when the configuration has one. */
export function searchApiOf({ provider, apiKey = "", url }: SearchConfig): SearchApi {
  const { name, origin, request, list, fields } = shapes[provider];
  return {
    name,
    provider,
    request(query, count) {
      const { path, headers, body } = request(query, count, apiKey);
      return { url: `${url ?? origin}${path}`, headers, body };
    },
    hits(answer) {
      const found = list.reduce(inside, answer);
      // Without results, Brave leaves the list out.
      if (found === undefined)
        return typeof answer === "object" && answer !== null && !("error" in answer) ? [] : undefined;
      if (!Array.isArray(found)) return undefined;
      return found.slice(0, mostEntries).map((entry: unknown) => {
        const [title, address, text] = fields.map((field) => textIn(entry, field));
        return { title: title ?? "", url: address ?? "", text: text ?? "" };
      });
    },
  };
}

function params(named: Readonly<Record<string, string>>): string {
  return new URLSearchParams(named).toString();
}

function inside(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}

function textIn(entry: unknown, field: string): string {
  const value = inside(entry, field);
  return typeof value === "string" ? value : "";
}
