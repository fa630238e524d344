/** Asks a search provider, bounded in every way, through proxies if there are any. */
import type { IncomingMessage } from "node:http";
import { createConnections } from "../base/connections.ts";
import { decoded } from "../base/content-encoding.ts";
import type { Work } from "../base/in-hand.ts";
import type { Proxies } from "../base/proxies.ts";
import { linkedSignal } from "../base/signals.ts";
import type { SearchApi, SearchHit, SearchRequest } from "./search-apis.ts";

export type SearchEnd =
  | { readonly kind: "found"; readonly hits: readonly SearchHit[] }
  /** `key`: it is refused; `credit`: it pays for no more; `format`: SearXNG is not set to answer programs. */
  | { readonly kind: "refused"; readonly why: "key" | "credit" | "format"; readonly status: number }
  /** Too many searches for now. */
  | { readonly kind: "limited"; readonly status: number }
  /** `reason`: in our own words. */
  | { readonly kind: "failed"; readonly reason: string; readonly status?: number | undefined };

export interface SearchClient {
  /** Whatever comes of it is told by the result; rejects only when aborted. */
  ask(query: string, count: number, work: Work, signal: AbortSignal): Promise<SearchEnd>;
  stop(): void;
}

export interface SearchClientDeps {
  readonly api: SearchApi;
  readonly proxies?: Proxies | undefined;
  /** Milliseconds: 10,000. */
  readonly withinMs?: number;
}

const mostBytes = 2 ** 20;
/** Shorter than the 5 s after which many servers close an idle connection. */
const idleMs = 4_000;

/** Creates the client of a process. */
export function createSearchClient({ api, proxies, withinMs = 10_000 }: SearchClientDeps): SearchClient {
  const connections = createConnections({ proxies, idleMs });

  function send({ url, headers, body }: SearchRequest, signal: AbortSignal, again: boolean): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = body === undefined ? undefined : JSON.stringify(body);
      const request = connections.request(new URL(url), {
        method: sent === undefined ? "GET" : "POST",
        headers: {
          accept: "application/json",
          "user-agent": "Parley",
          ...(sent === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        signal,
      });
      request.on("response", resolve);
      request.on("error", (error) => {
        // A kept connection that was closed meanwhile: the request has never arrived.
        if (again && request.reusedSocket && !signal.aborted)
          send({ url, headers, body }, signal, false).then(resolve, reject);
        else reject(error);
      });
      request.end(sent);
    });
  }

  async function answerTo(query: string, count: number, work: Work, signal: AbortSignal): Promise<SearchEnd> {
    const response = await send(api.request(query, count), signal, true);
    const { statusCode: status = 0 } = response;
    const bytes = await wholeOf(response);
    if (bytes === undefined) return { kind: "failed", reason: "it sends an answer without end", status };
    const text = bytes.toString("utf8");
    const refused = refusalOf(api, status, text);
    if (refused !== undefined) return refused;
    const answer = work(() => parsed(text));
    const hits = answer === undefined ? undefined : api.hits(answer);
    if (hits === undefined) return { kind: "failed", reason: "it answers with something else than results", status };
    return { kind: "found", hits };
  }

  return {
    async ask(query, count, work, signal) {
      const late = AbortSignal.timeout(withinMs);
      const { signal: either, unlink } = linkedSignal(signal, late);
      try {
        return await answerTo(query, count, work, either);
      } catch (error) {
        signal.throwIfAborted();
        if (late.aborted) return { kind: "failed", reason: `it has not answered within ${withinMs / 1_000} seconds` };
        return { kind: "failed", reason: `it cannot be reached (${codeOf(error)})` };
      } finally {
        unlink();
      }
    },
    stop: connections.stop,
  };
}

/** Undefined when it is longer than any answer is. */
async function wholeOf(response: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of decoded(response) as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > mostBytes) {
      response.destroy();
      return undefined;
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Statuses of accounts without credit, in the words of Exa and Tavily. */
const spent: ReadonlySet<number> = new Set([402, 432, 433]);

function refusalOf(api: SearchApi, status: number, text: string): SearchEnd | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 403 && api.provider === "searxng") return { kind: "refused", why: "format", status };
  // Serper says so with 400, Brave refuses keys with 422.
  if (spent.has(status) || (status === 400 && /not enough credits/i.test(text.slice(0, 1_000))))
    return { kind: "refused", why: "credit", status };
  const isKey = status === 401 || status === 403 || (status === 422 && /SUBSCRIPTION_TOKEN/.test(text.slice(0, 4_000)));
  if (isKey) return { kind: "refused", why: "key", status };
  if (status === 429) return { kind: "limited", status };
  return { kind: "failed", reason: `it answers with status ${status}`, status };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Node's own words may hold what the other side has sent. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return /^[A-Z_]{1,40}$/.test(code) ? code : "no answer";
}
