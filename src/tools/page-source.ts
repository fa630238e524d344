/** Fetches pages of the web, bounded in every way: they and their hosts are anybody's. */
import http, { type IncomingMessage } from "node:http";
import https from "node:https";
import { decoded } from "../base/content-encoding.ts";
import { linkedSignal } from "../base/signals.ts";
import { pageAddress } from "./addresses.ts";
import { type Guard, PrivateAddress } from "./guard.ts";
import type { HostPace } from "./host-pace.ts";

export interface FetchedPage {
  /** Where it was found in the end. */
  readonly address: string;
  /** Without its parameters, in lower case; empty where the host says nothing. */
  readonly contentType: string;
  /** As the host calls it. */
  readonly charset: string | undefined;
  readonly bytes: Buffer;
  /** It is longer than what is fetched. */
  readonly cut: boolean;
}

/** A page that does not come. The message is for the model. */
export class PageError extends Error {}

export interface PageSource {
  /** Fetches a page. Rejects with a `PageError`, also when the signal is aborted. */
  fetch(address: string, signal: AbortSignal): Promise<FetchedPage>;
}

export interface PageSourceDeps {
  readonly guard: Guard;
  readonly pace: HostPace;
  /** For all of it but the wait for its turn. Milliseconds: 5,000. */
  readonly withinMs?: number;
}

const mostBytes = 2 ** 20;
const mostRedirects = 3;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
const headers = {
  "user-agent": "Mozilla/5.0 (compatible; Parley)",
  accept: "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.8,application/xml;q=0.8,*/*;q=0.1",
  "accept-encoding": "gzip, deflate, br",
};

/** Creates the source of a process. */
export function createPageSource({ guard, pace, withinMs = 5_000 }: PageSourceDeps): PageSource {
  // Each request has a connection of its own, and none of them knows a proxy: a proxy would look names up by itself.
  const plain = { client: http, agent: new http.Agent({ keepAlive: false }) };
  const secure = { client: https, agent: new https.Agent({ keepAlive: false }) };

  function ask(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { client, agent } = url.protocol === "https:" ? secure : plain;
      const options = { method: "GET", headers, agent, signal, lookup: guard.lookup };
      const request = client.request(url, options, resolve);
      request.on("error", reject);
      request.end();
    });
  }

  async function follow(address: string, signal: AbortSignal): Promise<FetchedPage> {
    let url = new URL(address);
    for (let hops = 0; ; hops++) {
      const objection = guard.objection(url);
      if (objection !== undefined) throw new PageError(`This address is not read: ${objection}.`);
      const response = await ask(url, signal);
      const { statusCode: status = 0, headers: answered } = response;
      if (!redirects.has(status) || answered.location === undefined) return await read(url, response);
      response.destroy();
      if (hops === mostRedirects) throw new PageError(`The page redirects more than ${mostRedirects} times.`);
      // Its scheme, name and password are looked at by the guard.
      const next = URL.canParse(answered.location, url.href) ? new URL(answered.location, url) : undefined;
      if (next === undefined) throw new PageError("The page redirects to something that is no address.");
      const isElsewhere = next.host !== url.host;
      url = next;
      if (isElsewhere && !(await pace.turn(url.host, signal))) throw tooOften();
    }
  }

  return {
    async fetch(address, signal) {
      const { host } = new URL(address);
      if (!(await pace.turn(host, signal))) throw tooOften();
      const late = AbortSignal.timeout(withinMs);
      const { signal: either, unlink } = linkedSignal(signal, late);
      try {
        return await follow(address, either);
      } catch (error) {
        if (error instanceof PageError) throw error;
        if (late.aborted) throw new PageError(`The page did not come within ${withinMs / 1_000} seconds.`);
        throw new PageError(wordsOf(error));
      } finally {
        unlink();
      }
    },
  };
}

async function read(url: URL, response: IncomingMessage): Promise<FetchedPage> {
  const { statusCode: status = 0, headers: answered } = response;
  if (status !== 200) {
    response.destroy();
    throw new PageError(`The host of the page answers with status ${status}.`);
  }
  const said = (answered["content-type"] ?? "").slice(0, 200);
  const contentType = (said.split(";")[0] ?? "").trim().toLowerCase();
  const charset = /;\s*charset\s*=\s*["']?([\w.:-]{1,40})/i.exec(said)?.[1];
  const body = decoded(response);
  const parts: Buffer[] = [];
  let length = 0;
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part);
      length += part.length;
      if (length > mostBytes) break;
    }
  } finally {
    response.destroy();
  }
  const bytes = Buffer.concat(parts).subarray(0, mostBytes);
  return { address: pageAddress(url.href) ?? url.href, contentType, charset, bytes, cut: length > mostBytes };
}

function tooOften(): PageError {
  return new PageError("The host of the page was asked too often just now; try it again later.");
}

/** Node's own words may hold what the other side has sent. */
function wordsOf(error: unknown): string {
  if (error instanceof PrivateAddress) return `This address is not read: ${error.message}.`;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ENOTFOUND" || code === "ENODATA" || code === "EAI_AGAIN") return "There is no such host.";
  return `The page could not be fetched${/^[A-Z_]{1,40}$/.test(code) ? ` (${code})` : ""}.`;
}
