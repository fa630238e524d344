import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { examineTools } from "../../../src/app/doctor/tools.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";

const { signal } = new AbortController();
let server: Server;
let url: string;
let asked = 0;
let answer: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((_, response) => {
    asked += 1;
    answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const says = (status: number, body: object) => (response: ServerResponse) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
const found = { results: [{ title: "Bots", url: "https://example.com/", content: "All about bots." }] };
const configOf = (env: object = {}) => doctorConfig({ TOOLS: "web_search", SEARXNG_URL: url, ...env });

it.each([
  [says(200, found), /^ok web_search: SearXNG takes the access in SEARXNG_URL and finds something \(\d+ ms\)$/],
  [says(200, { results: [] }), /^warn web_search: SearXNG answers, but finds nothing for .* → search there by hand$/],
  [says(403, {}), /^bad web_search: SearXNG is not set to answer programs \(403\) → put json into search.formats/],
  [says(401, {}), /^bad web_search: SearXNG refuses the key \(401\) → put a valid key into SEARXNG_URL$/],
  [says(402, {}), /^bad web_search: SearXNG has no credit left for this key \(402\) → add credit there/],
  [says(429, {}), /^warn web_search: SearXNG has had too many searches just now \(429\) → try again in a minute$/],
  [says(500, {}), /^bad web_search: SearXNG: it answers with status 500 → is it up, and is SEARXNG_URL right\?$/],
  [says(200, { error: "x" }), /^bad web_search: SearXNG: it answers with something else than results/],
])("says what comes of a search %#", async (as, line) => {
  answer = as;
  expect(short(await examineTools(configOf(), false, signal))).toEqual([expect.stringMatching(line)]);
});

it("says that nobody is there who could be asked", async () => {
  const config = doctorConfig({ TOOLS: "web_search", SEARXNG_URL: "http://127.0.0.1:9" });
  expect(short(await examineTools(config, false, signal))).toEqual([
    "bad web_search: SearXNG: it cannot be reached (ECONNREFUSED) → is it up, and is SEARXNG_URL right?",
  ]);
});

it("starts the process that reads pages, and reads one", async () => {
  expect(short(await examineTools(doctorConfig({ TOOLS: "read_page" }), false, signal))).toEqual([
    expect.stringMatching(/^ok read_page: a process of its own reads pages \(\d+ ms with its start\)$/),
  ]);
});

it("pays for no search where the bot runs already, and says nothing where there are no tools", async () => {
  asked = 0;
  expect(short(await examineTools(configOf({ TOOLS: "auto" }), true, signal))).toEqual([
    "ok web_search: SearXNG: npm run doctor searches once and looks",
  ]);
  expect(await examineTools(configOf({ TOOLS: "off" }), false, signal)).toEqual([]);
  expect(await examineTools(configOf({ TOOLS: "calculate" }), false, signal)).toEqual([]);
  expect(asked).toBe(0);
});
