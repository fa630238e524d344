/** Providers that are not where they were looked for. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Models } from "../../src/ports/models.ts";
import { answered } from "../contracts/models.contract.ts";
import { createLlmServer, type Line, type LlmServer, paris, refuse, relayTo } from "../support/llm-server.ts";

let here: LlmServer;
let elsewhere: LlmServer;
let models: Models & { stop(): Promise<void> };
let lines: Line[];

function open(baseUrl: string): void {
  ({ models, lines } = relayTo(baseUrl, { failedMs: 1_000 }));
}

beforeEach(async () => {
  here = await createLlmServer((_, response) => void response.end(paris));
  elsewhere = await createLlmServer((_, response) => void response.end(paris));
  open(`${here.origin}/v1`);
});
afterEach(async () => {
  await models.stop();
  await Promise.all([here.stop(), elsewhere.stop()]);
});

const redirecting =
  (status: number, location: string): LlmServer["answer"] =>
  ({ path }, response) => {
    if (path.startsWith("/v1/")) response.writeHead(status, { location }).end();
    else response.end(paris);
  };

describe("a redirect", () => {
  test.each([
    [307, "/moved/chat/completions"],
    [308, "/moved/chat/completions?a=b"],
    [301, "/moved/chat/completions"],
    [302, "../../moved/chat/completions"],
  ])("%i to %s of the same origin is followed with question and key", async (status, location) => {
    here.answer = redirecting(status, location);
    const { text } = await answered(models, "relay/m");
    expect(text).toBe("Paris.");
    const [first, second] = here.heard;
    expect(second?.path).toContain("/moved/chat/completions");
    expect(second?.method).toBe("POST");
    expect(second?.body).toEqual(first?.body);
    expect(second?.headers.authorization).toBe(first?.headers.authorization);
  });

  test("that is permanent is remembered, one that is not is not", async () => {
    for (const [status, paths] of [
      [308, ["/v1", "/moved", "/moved"]],
      [307, ["/v1", "/moved", "/v1", "/moved"]],
    ] as const) {
      open(`${here.origin}/v1`);
      const before = here.heard.length;
      here.answer = redirecting(status, `${here.origin}/moved/chat/completions`);
      for (let question = 0; question < 2; question++) expect((await answered(models, "relay/m")).text).toBe("Paris.");
      expect(lines).toHaveLength(1);
      expect(here.heard.slice(before).map(({ path }) => path.replace("/chat/completions", ""))).toEqual(paths);
      await models.stop();
    }
  });

  test.each([301, 302, 307, 308])(
    "%i to another origin is named, and neither key nor question goes there",
    async (status) => {
      const target = elsewhere.origin.replace("//", "//user:pass-word@");
      here.answer = redirecting(status, `${target}/v1/chat/completions?key=hidden#part`);
      const { error } = await answered(models, "relay/m");
      expect(error?.kind).toBe("not-a-stream");
      expect(error?.message).toContain(`${elsewhere.origin}/v1/chat/completions`);
      expect(error?.message).toContain("RELAY_BASE_URL");
      expect(JSON.stringify([error?.message, lines])).not.toMatch(/hidden|pass-word|user:|part/);
      expect([here.heard.length, elsewhere.heard.length]).toEqual([1, 0]);
    },
  );

  test.each([
    ["https", (origin: string) => origin.replace("http:", "https:")],
    ["localhost", (origin: string) => origin.replace("127.0.0.1", "localhost")],
  ])("to another origin is also one that differs in %s alone", async (_, changed) => {
    here.answer = redirecting(308, `${changed(here.origin)}/moved/chat/completions`);
    const { error } = await answered(models, "relay/m");
    expect(error?.message).toContain(changed(here.origin));
    expect(here.heard).toHaveLength(1);
  });

  test.each([
    ["in a circle", "/v1/chat/completions"],
    ["further and further", undefined],
    ["nowhere", "http://"],
  ])("that leads %s ends", async (_, location) => {
    let count = 0;
    here.answer = (__, response) => void response.writeHead(307, { location: location ?? `/v1/${count++}` }).end();
    const { error } = await answered(models, "relay/m");
    expect(error?.kind).toBe("not-a-stream");
    expect(here.heard.length).toBeLessThanOrEqual(8);
  });

  test("that asks to be looked up elsewhere by GET (303) is not followed, but named", async () => {
    here.answer = (_, response) => void response.writeHead(303, { location: `${elsewhere.origin}/status` }).end();
    const { error } = await answered(models, "relay/m");
    expect(error?.message).toContain(`${elsewhere.origin}/status`);
    expect([here.heard.length, elsewhere.heard.length]).toEqual([1, 0]);
  });

  test("without an address is a failure like others", async () => {
    here.answer = (_, response) => void response.writeHead(307).end();
    expect((await answered(models, "relay/m")).error).toMatchObject({ kind: "not-a-stream", status: 307 });
  });
});

describe("a base URL that lacks /v1", () => {
  const notThere: LlmServer["answer"] = ({ path }, response) => {
    if (path === "/v1/chat/completions") response.end(paris);
    else response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
  };

  test("is mended, with one line in the log, for all further questions", async () => {
    here.answer = notThere;
    open(here.origin);
    expect((await answered(models, "relay/m")).text).toBe("Paris.");
    expect((await answered(models, "relay/m")).text).toBe("Paris.");
    expect(here.heard.map(({ path }) => path)).toEqual([
      "/chat/completions",
      "/v1/chat/completions",
      "/v1/chat/completions",
    ]);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.message).toContain("RELAY_BASE_URL seems to lack /v1");
  });

  test("is right where the provider answers without", async () => {
    open(here.origin);
    expect((await answered(models, "relay/m")).text).toBe("Paris.");
    expect(here.heard.map(({ path }) => path)).toEqual(["/chat/completions"]);
  });
});

describe("a path that is not there", () => {
  test.each([
    [404, "text/html", "<html><head><title>404 Not Found</title></head><body>nginx</body></html>"],
    [404, "text/plain", "404 page not found"],
    [404, "application/json", '{"detail":"Not Found"}'],
    [404, "application/json", '{"error":{"message":"Invalid URL (POST /chat/completions)","code":null}}'],
    [404, "text/html", "<pre>Cannot POST /x/chat/completions</pre>"],
    [404, "application/json", '{"error":"POST /chat/completions is not there, try /v1/models"}'],
    [404, "application/json", ""],
    [405, "application/json", '{"detail":"Method Not Allowed"}'],
  ])("%i %s %s is named with its variable, and is not taken for an unknown model", async (status, type, body) => {
    here.answer = (_, response) => void response.writeHead(status, { "content-type": type }).end(body);
    open(`${here.origin}/x/v2`);
    const { error } = await answered(models, "relay/m");
    expect(error).toMatchObject({ kind: "no-endpoint", status });
    expect(error?.message).toContain(`POST ${here.origin}/x/v2/chat/completions`);
    expect(error?.message).toContain("RELAY_BASE_URL");
    expect(here.heard).toHaveLength(1);
  });

  test("is also one that is told with the status 200, as LM Studio does", async () => {
    here.answer = (_, response) =>
      void response.end('{"error":"Unexpected endpoint or method. (POST /chat/completions)"}');
    const { error } = await answered(models, "relay/m");
    expect(error?.kind).toBe("no-endpoint");
    expect(error?.message).toContain("is RELAY_BASE_URL right?");
    expect(here.heard).toHaveLength(1);
  });

  test.each([
    "The model `m` does not exist or you do not have access to it.",
    "model: m",
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint.",
    "m not found, try pulling it first",
    "The API deployment for this resource does not exist.",
    "No endpoints found matching your data policy.",
  ])("is another thing than: %s", async (message) => {
    here.answer = (_, response) => refuse(response, 404, message);
    expect((await answered(models, "relay/m")).error?.kind).toBe("not-found");
  });
});

describe("a refusal", () => {
  test.each([
    [404, "Incorrect API key provided", "auth"],
    [405, "No API key was given", "auth"],
    [500, "Invalid API key", "auth"],
    [503, "insufficient_quota: top up your account", "quota"],
    [503, "no available channel for model m in group default", "not-found"],
    [500, "could not load: model m does not exist", "not-found"],
    [501, "This server does not support chat completions", "bad-request"],
    [503, "Loading model", "upstream"],
  ])("%i is what its words say: %s", async (status, message, kind) => {
    ({ models, lines } = relayTo(`${here.origin}/v1`, { failedMs: 0 }));
    here.answer = (_, response) => refuse(response, status, message);
    const { error } = await answered(models, "relay/m");
    expect(error).toMatchObject({ kind, status });
    expect(error?.message).toContain(message);
  });
});
