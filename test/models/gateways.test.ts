/** Gateways before a provider, which want headers of their own, and the providers that carry the key in another one. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ProviderConfig } from "../../src/config/config.ts";
import { createModels } from "../../src/models/chain.ts";
import { answered } from "../contracts/models.contract.ts";
import { createLlmServer, type LlmServer, paris, refuse } from "../support/llm-server.ts";

let server: LlmServer;
let stop: (() => Promise<void>) | undefined;
let lines: string[];

beforeEach(async () => {
  server = await createLlmServer((_, response) => void response.end(paris));
  lines = [];
});
afterEach(async () => {
  await stop?.();
  await server.stop();
});

async function ask(provider: Partial<ProviderConfig> = {}) {
  const config = { name: "gate", baseUrl: `${server.origin}/v1`, apiKey: "sk-gate-0123456789", ...provider };
  const log = (details: object, message: string) => void lines.push(`${message} ${JSON.stringify(details)}`);
  const model = `${config.name}/m`;
  const models = createModels({
    models: { names: [model], chains: {}, fallbacks: [], providers: [config] },
    log: { info: log, warn: log },
    timers: { usageMs: 50 },
  });
  stop = models.stop;
  return await answered(models, model);
}

describe("headers of one's own", () => {
  const headers = { "x-team": "chat-of-ann", authorization: "Basic YWJjZGVmZ2g=" };

  test("go out with every request, in the place of ours", async () => {
    server.answer = ({ body }, response) => {
      if (body.stream) refuse(response, 400, "Streaming is not supported for this model");
      else response.end(JSON.stringify({ choices: [{ message: { content: "Paris." }, finish_reason: "stop" }] }));
    };
    expect((await ask({ headers })).text).toBe("Paris.");
    expect(server.heard).toHaveLength(2);
    for (const heard of server.heard) expect(heard.headers).toMatchObject(headers);
  });

  test("are told to nobody when the gateway repeats them", async () => {
    server.answer = ({ headers: sent }, response) => refuse(response, 400, `team ${sent["x-team"]} may not do this`);
    const { error } = await ask({ headers });
    expect(error).toMatchObject({ kind: "bad-request", message: "HTTP 400: team […] may not do this" });
    expect(lines.join("\n")).not.toContain("chat-of-ann");
  });

  test("are told to nobody when only what follows the scheme is repeated", async () => {
    server.answer = (_, response) => refuse(response, 400, "no team for YWJjZGVmZ2g= here");
    const { error } = await ask({ headers });
    expect(error?.message).toBe("HTTP 400: no team for […] here");
    expect(lines.join("\n")).not.toContain("YWJjZGVmZ2g");
  });

  test("do not follow a redirect to another origin", async () => {
    const other = await createLlmServer((_, response) => void response.end(paris));
    server.answer = (_, response) => void response.writeHead(308, { location: `${other.origin}/v1/x` }).end();
    await ask({ headers });
    expect(other.heard).toEqual([]);
    await other.stop();
  });
});

test.each([
  ["chat", "/openai/v1/chat/completions"],
  ["responses", "/openai/v1/responses"],
] as const)("Azure's key goes into its own header by %s, and nowhere else", async (wire, path) => {
  await ask({ name: "azure", baseUrl: `${server.origin}/openai/v1`, keyHeader: "api-key", wire });
  expect(server.heard[0]?.path).toBe(path);
  expect(server.heard[0]?.headers).toMatchObject({ "api-key": "sk-gate-0123456789" });
  expect(server.heard[0]?.headers).not.toHaveProperty("authorization");
});

describe("what a 400 says", () => {
  test.each([
    [
      "misconfigured",
      { status: "failure", message: "Either x-portkey-config or x-portkey-provider header is required" },
    ],
    ["misconfigured", { status: "failure", message: "Invalid provider passed" }],
    ["misconfigured", { status: "failure", message: "Invalid config passed. You need to pass a valid json" }],
    ["misconfigured", { error: { message: "Missing required query parameter: api-version" } }],
    ["misconfigured", { error: { message: "Missing required header: x-team-id" } }],
    ["misconfigured", { errors: [{ code: 2001, message: "Please configure AI Gateway in the dashboard" }] }],
    [
      "misconfigured",
      { error: { message: "litellm.BadRequestError: LLM Provider NOT provided. Pass in the LLM provider" } },
    ],
    ["auth", { error: { message: "Missing x-api-key header" } }],
    [
      "quota",
      { error: { code: "Arrearage", message: "Access denied, please make sure your account is in good standing." } },
    ],
    ["context-overflow", { error: { message: "Range of input length should be [1, 129024]" } }],
    ["context-overflow", { error: { code: "1261", message: "Prompt exceeds max length" } }],
    ["content-filter", { error: { code: "1301", message: "System detected potentially unsafe or sensitive content" } }],
    [
      "content-filter",
      { error: { code: "data_inspection_failed", message: "Input data may contain inappropriate content" } },
    ],
    ["not-found", { error: { code: "1211", message: "Unknown Model, please check the model code." } }],
    ["bad-request", { error: { message: "The first row of the table needs a header" } }],
    ["bad-request", { error: { message: "messages: at least one message is required" } }],
  ])("%s: %j", async (kind, said) => {
    server.answer = (_, response) => refuse(response, 400, said);
    const { error } = await ask();
    expect(error?.kind).toBe(kind);
  });

  test("names the variable when it is about the way and not about the question", async () => {
    server.answer = (_, response) => refuse(response, 400, "Either x-a or x-b header is required");
    expect((await ask()).error?.message).toBe(
      "HTTP 400: Either x-a or x-b header is required (GATE_HEADERS adds headers)",
    );
    expect(server.heard).toHaveLength(1);
  });
});
