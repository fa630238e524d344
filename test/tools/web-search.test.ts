import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type SearchProvider, searchProviders } from "../../src/config/tool-list.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import { createWebSearch, type WebSearch } from "../../src/tools/web-search.ts";
import { createProxyServer } from "../support/proxy-server.ts";
import { callTool, toolTurn } from "../support/tool-calls.ts";

interface Heard {
  readonly method: string | undefined;
  readonly url: URL;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

const key = "a-search-key-0123456789";
let server: Server;
let origin: string;
let answer: (response: ServerResponse, heard: Heard) => void;
const heard: Heard[] = [];
const alerts: Alert[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    response.on("error", () => {});
    const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const { method, headers, url = "" } = request;
    const one = { method, headers, url: new URL(url, origin), body: text === "" ? undefined : JSON.parse(text) };
    heard.push(one);
    answer(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});
beforeEach(() => {
  heard.length = 0;
  alerts.length = 0;
});

const json = (response: ServerResponse, body: unknown, status = 200, type = "application/json") =>
  response.writeHead(status, { "content-type": type }).end(typeof body === "string" ? body : JSON.stringify(body));

function search(provider: SearchProvider, more: { withinMs?: number } = {}): WebSearch {
  return createWebSearch({
    config: { provider, url: origin, apiKey: key },
    alerts: { raise: (alert) => void alerts.push(alert) },
    withinMs: 60_000,
    ...more,
  });
}

async function searched(provider: SearchProvider, query = "foxes in winter", more: { withinMs?: number } = {}) {
  const { tool, stop } = search(provider, more);
  const { turn, lines, paid } = toolTurn();
  try {
    return { result: await callTool(tool, { query }, turn), lines, paid };
  } finally {
    stop();
  }
}

/** How each provider says that it has found these. */
const said: Readonly<Record<SearchProvider, (hits: readonly (readonly [string, string, string])[]) => unknown>> = {
  tavily: (hits) => ({ results: hits.map(([title, url, content]) => ({ title, url, content, score: 1 })) }),
  brave: (hits) => ({ web: { results: hits.map(([title, url, description]) => ({ title, url, description })) } }),
  exa: (hits) => ({ results: hits.map(([title, url, text]) => ({ title, url, text })) }),
  serper: (hits) => ({ organic: hits.map(([title, link, snippet]) => ({ title, link, snippet })) }),
  searxng: (hits) => ({ query: "x", results: hits.map(([title, url, content]) => ({ title, url, content })) }),
};

const two = [
  ["Foxes", "https://foxes.example/", "All about foxes."],
  ["More foxes", "https://more.example/a?b=c", "Even more."],
] as const;

describe.each(searchProviders)("a search by %s", (provider) => {
  it("is asked with the key and the words, and gives titles, addresses and texts", async () => {
    answer = (response) => json(response, said[provider](two));
    const { result } = await searched(provider);
    expect(result).toEqual({
      text: "1. Foxes\nhttps://foxes.example/\nAll about foxes.\n\n2. More foxes\nhttps://more.example/a?b=c\nEven more.",
      untrusted: true,
      sources: two.map(([title, url]) => ({ title, url })),
      note: "searched for “foxes in winter”",
    });
    expect(heard).toHaveLength(1);
    const [one] = heard;
    expect(JSON.stringify([one?.body, [...(one?.url.searchParams.values() ?? [])]])).toContain("foxes in winter");
    // In a header, never in an address.
    expect(JSON.stringify(one?.headers).includes(key)).toBe(provider !== "searxng");
    expect(one?.url.href).not.toContain(key);
  });

  it("is paid for by who has asked where it finds anything, and costs nothing where it is refused", async () => {
    answer = (response) => json(response, said[provider](two));
    const expected = { inputTokens: 4, cachedTokens: 0, outputTokens: 0, searches: 1 };
    const call = { model: `${provider}/search`, media: "search", expected };
    expect((await searched(provider)).paid).toEqual([{ call, end: { outcome: "complete", usage: expected } }]);
    answer = (response) => json(response, {}, 429);
    const usage = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 };
    expect((await searched(provider)).paid).toEqual([{ call, end: { outcome: "rate-limit", usage } }]);
  });

  it("that finds nothing says so", async () => {
    answer = (response) => json(response, said[provider]([]));
    expect((await searched(provider)).result.text).toMatch(/^Nothing was found/);
  });

  it("gives five results of 300 characters at most, each address once, without what nobody sees", async () => {
    const many = Array.from(
      { length: 30 },
      (_, n) =>
        [`T\u200b${n >> 1}\n${"t".repeat(500)}`, `https://example.com/${n >> 1}`, "x\u0007".repeat(1_000)] as const,
    );
    const odd = [
      ["odd", "javascript:alert(1)", ""],
      ["odd", "https://me:pw@example.com/", ""],
    ] as const;
    answer = (response) => json(response, said[provider]([...odd, ...many]));
    const { result } = await searched(provider);
    expect(result.sources?.map(({ url }) => url)).toEqual([0, 1, 2, 3, 4].map((n) => `https://example.com/${n}`));
    expect(result.text.split("\n\n").map((one) => one.split("\n")[2]?.length)).toEqual([300, 300, 300, 300, 300]);
    for (const unseen of ["\u200b", "\u0007"]) expect(result.text).not.toContain(unseen);
    expect(result.text.length).toBeLessThan(3_000);
  });

  it("that is refused is told to the model, the log and the operator, without the key", async () => {
    answer = (response) => json(response, { error: `the key ${key} is not valid` }, provider === "searxng" ? 403 : 401);
    const { result, lines } = await searched(provider);
    expect(result.failed).toBe(true);
    expect(result.text).toMatch(/refuses this bot, and its operator has been told/);
    const variable = provider === "searxng" ? "SEARXNG_URL" : `${provider.toUpperCase()}_API_KEY`;
    const why = provider === "searxng" ? "format" : "key";
    expect(alerts).toEqual([expect.objectContaining({ kind: "search-refused", variable, why })]);
    expect(lines).toEqual([expect.objectContaining({ provider, why })]);
    expect(JSON.stringify([result, lines, alerts])).not.toContain(key);
  });

  it.each<[string, unknown, number, string?]>([
    ["HTML at 200", "<!doctype html><title>Log in</title>", 200, "text/html"],
    ["broken JSON", '{"results": [', 200],
    ["JSON without a list", { results: "none", organic: 1, web: { results: {} }, error: "x" }, 200],
    ["a server's error", "<h1>Bad gateway</h1>", 502, "text/html"],
    ["a redirect", "", 302],
  ])("that is answered with %s has failed, in words that help", async (_, body, status, type) => {
    answer = (response) => json(response, body, status, type);
    const { result, lines } = await searched(provider);
    expect(result).toMatchObject({ failed: true, text: expect.stringContaining("out of order") });
    expect(result.untrusted).toBeUndefined();
    expect(lines).toHaveLength(1);
    expect(alerts).toEqual([]);
  });

  it("that floods is read no further than an answer may be long", async () => {
    answer = (response) => {
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
      response.end(gzipSync(Buffer.alloc(20 * 2 ** 20, "[")));
    };
    expect((await searched(provider)).result.text).toContain("an answer without end");
  });

  it("that hangs is given up in time", async () => {
    answer = () => {};
    expect((await searched(provider, "x", { withinMs: 200 })).result.text).toContain("not answered within 0.2 seconds");
  });
});

describe("a search", () => {
  it("of too much too fast is told apart from one that is refused", async () => {
    answer = (response) => json(response, {}, 429);
    expect((await searched("tavily")).result.text).toContain("too many searches");
    expect(alerts).toEqual([]);
  });

  it.each<[SearchProvider, number, unknown, string]>([
    ["exa", 402, {}, "credit"],
    ["tavily", 432, {}, "credit"],
    ["serper", 400, { message: "Not enough credits" }, "credit"],
    ["serper", 403, { message: "Unauthorized." }, "key"],
    ["brave", 422, { error: { code: "SUBSCRIPTION_TOKEN_INVALID" } }, "key"],
  ])("by %s with status %d is refused for its own reason", async (provider, status, body, why) => {
    answer = (response) => json(response, body, status);
    await searched(provider);
    expect(alerts).toEqual([expect.objectContaining({ kind: "search-refused", why })]);
  });

  it("takes the marks out that some put around words", async () => {
    const marked = [["A &amp; <b>B</b>", "https://a.example/", "1 < 2 <strong>x</strong> &quot;y&quot;"]] as const;
    answer = (response) => json(response, said.brave(marked));
    expect((await searched("brave")).result.text).toBe('1. A & B\nhttps://a.example/\n1 < 2 x "y"');
  });

  it.each([
    ["iPhone 20 price 2026", false],
    ["weather Berlin 2026-11-28", false],
    ["Donaudampfschifffahrt", false],
    ["what Node 24.21.7-b said", false],
    ["ada@example.org", true],
    ["token sk-4711", true],
    ["4711 2233 4455 6677", true],
    ["Q0FOQVJZLTdmM2E5Yw==", true],
    ["aGVsbG8gd29ybGQgaGVsbG8gd29y", true],
    ["https://evil.example/?q=x", true],
    ["word ".repeat(40), true],
  ])("carries data out by %j: %s", (query, expected) => {
    const { tool, stop } = search("tavily");
    const isPublic = (words: string) => words === "24.21.7-b";
    expect(tool.carries?.({ query }, { isPublic })).toBe(expected);
    stop();
  });

  it.each([undefined, null, 7, {}, { query: 7 }, { query: " \u200b " }])("for %j is none", async (args) => {
    const { tool, stop } = search("tavily");
    expect(await callTool(tool, args)).toMatchObject({ failed: true, text: expect.stringContaining("needs query") });
    expect(tool.activity(args)).toEqual({ doing: "searching", query: "" });
    stop();
    expect(heard).toEqual([]);
  });

  it("sends no more than 400 characters", async () => {
    answer = (response) => json(response, said.tavily([]));
    await searched("tavily", "x".repeat(100_000));
    expect(JSON.stringify(heard[0]?.body).length).toBeLessThan(500);
  });

  it("goes through the proxy that is configured", async () => {
    answer = (response) => json(response, said.tavily(two));
    const proxy = await createProxyServer();
    const { tool, stop } = createWebSearch({
      config: { provider: "tavily", url: origin, apiKey: key },
      proxies: { HTTP_PROXY: `http://${proxy.address}` },
    });
    expect((await callTool(tool, { query: "x" })).sources).toHaveLength(2);
    expect(proxy.carried).toHaveLength(1);
    stop();
    await proxy.stop();
  });

  it("is asked again on a new connection when a kept one was closed meanwhile", async () => {
    answer = (response) => json(response, said.tavily(two));
    const { tool, stop } = search("tavily");
    await callTool(tool, { query: "x" });
    // The next request on this connection is cut before it is answered, as by a server that has closed it.
    let cut = 0;
    answer = (response) => {
      if (cut++ === 0) response.socket?.resetAndDestroy();
      else json(response, said.tavily(two));
    };
    expect((await callTool(tool, { query: "y" })).sources).toHaveLength(2);
    stop();
  });

  it("ends at once when nobody waits for it", async () => {
    const leaving = new AbortController();
    answer = () => leaving.abort();
    const { tool, stop } = search("tavily");
    await expect(callTool(tool, { query: "x" }, toolTurn().turn, leaving.signal)).rejects.toThrow();
    stop();
  });
});
