import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { examineModels } from "../../../src/app/doctor/models.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";
import { createLlmServer, event, type LlmServer, paris, refuse } from "../../support/llm-server.ts";

let server: LlmServer | undefined;
afterEach(() => server?.stop());

const key = "sk-relay-0123456789";

type Answer = (response: ServerResponse) => void;

/** The findings of models of `relay`, of which each answers so; `list` is what the provider says that it has. */
async function findings(
  models: Readonly<Record<string, Answer>>,
  {
    list,
    listStatus = 404,
    sparing = false,
    env = {},
  }: { list?: object; listStatus?: number; sparing?: boolean; env?: Record<string, string> } = {},
): Promise<string[]> {
  server = await createLlmServer(({ method, body }, response) => {
    if (method !== "GET") return models[body.model]?.(response);
    if (list === undefined) refuse(response, listStatus, "no such path");
    else response.end(JSON.stringify(list));
  });
  const config = doctorConfig({
    MODELS: Object.keys(models)
      .map((model) => `relay/${model}`)
      .join(","),
    RELAY_BASE_URL: `${server.origin}/v1`,
    RELAY_API_KEY: key,
    TOOLS: "off",
    ...env,
  });
  return short(await examineModels({ config, sparing, signal: new AbortController().signal }));
}

const answers: Answer = (response) => void response.end(paris);
const says =
  (status: number, message: unknown): Answer =>
  (response) =>
    refuse(response, status, message);
const listOf = (...ids: string[]) => ({ object: "list", data: ids.map((id) => ({ id })) });

describe("the doctor's look at models", () => {
  it("asks each for a few tokens, and the provider for its list", async () => {
    const found = await findings({ one: answers, two: answers }, { list: listOf("one", "two", "three") });
    expect(found).toEqual([
      expect.stringMatching(/^ok relay: speaks Chat Completions; lists 3 models \(\d+ ms\)$/),
      expect.stringMatching(/^ok relay\/one: answers: first token after \d+ ms; price not known$/),
      expect.stringMatching(/^ok relay\/two: answers: first token after \d+ ms; price not known$/),
    ]);
    const asked = server?.heard.filter(({ method }) => method === "POST") ?? [];
    expect(asked).toHaveLength(2);
    for (const { body } of asked) expect([body.max_tokens, body.max_completion_tokens]).toContain(16);
  });

  it("counts an end at the length limit as working, also when nothing shows yet", async () => {
    const cut: Answer = (response) =>
      void response.end(`${event({ content: "OK" })}${event({}, "length")}data: [DONE]\n\n`);
    const thought: Answer = (response) => void response.end(`${event({}, "length")}data: [DONE]\n\n`);
    const [list, ...found] = await findings({ cut, thought });
    expect(list).toBe("ok relay: speaks Chat Completions; gives no list of its models");
    expect(found[0]).toMatch(/^ok relay\/cut: answers: first/);
    expect(found[1]).toMatch(/^ok relay\/thought: answers, though a few tokens hold only thoughts of it: first/);
  });

  it.each<readonly [string, Answer, RegExp]>([
    [
      "a refused key",
      says(401, `Incorrect API key provided: ${key}`),
      /^bad .*HTTP 401: .* → put a valid key into RELAY_API_KEY$/,
    ],
    ["an empty account", says(402, "Insufficient Balance"), /^bad .*→ add credit at the provider/],
    ["a busy provider", says(429, "Rate limit reached"), /^warn .*busy: HTTP 429: Rate limit reached → wait/],
    ["a wrong address", says(404, { detail: "Not Found" }), /^bad .*→ mend RELAY_BASE_URL$/],
    [
      "a broken provider",
      says(503, "down for maintenance"),
      /^bad .*HTTP 503: down for maintenance → look at the provider's status/,
    ],
    [
      "a page",
      (response) => void response.writeHead(200, { "content-type": "text/html" }).end("<title>Hi</title>"),
      /^bad /,
    ],
  ])("says what to do about %s", async (_what, answer, line) => {
    const found = await findings({ one: answer });
    expect(found[1]).toMatch(line);
    expect(found.join("\n")).not.toContain(key);
  });

  it.each([401, 403])(
    "says that the key is refused where its list is, with %i, and no model answers",
    async (status) => {
      const found = await findings({ one: says(status, "Forbidden") }, { listStatus: status });
      expect(found[0]).toBe(
        `bad relay: speaks Chat Completions; the key is refused (HTTP ${status}) → put a valid key into RELAY_API_KEY`,
      );
    },
  );

  it("takes a key for good that only may not read the list", async () => {
    const models = { one: says(404, { error: { message: "model not found" } }), two: answers };
    const found = await findings(models, { listStatus: 403 });
    expect(found[0]).toBe("ok relay: speaks Chat Completions; the key may not read the list of its models");
    expect(found.map((line) => line.split(" ")[0])).toEqual(["ok", "bad", "ok"]);
  });

  it("names the nearest model of the list for one that is not there", async () => {
    const gone = says(404, { error: { message: "The model `gpt-5-luna` does not exist", code: "model_not_found" } });
    const found = await findings({ "gpt-5-luna": gone }, { list: listOf("gpt-6-sol", "gpt-6-luna", "whisper-2") });
    expect(found[1]).toMatch(
      /^bad relay\/gpt-5-luna: HTTP 404: .* → the nearest name in the provider's list is gpt-6-luna$/,
    );
    await server?.stop();
    const lost = await findings({ "gpt-5-luna": gone }, { list: listOf("whisper-2") });
    expect(lost[1]).toMatch(/ → take a name from the provider's list into MODELS$/);
    await server?.stop();
    const closed = await findings({ "gpt-5-luna": gone }, { list: listOf("gpt-5-luna", "gpt-6-luna") });
    expect(closed[1]).toMatch(
      / → the provider's list has it: may this key use it, and is it there for conversations\?$/,
    );
  });

  it("takes a web page for a wrong address", async () => {
    const page: Answer = (response) => {
      response.writeHead(200, { "content-type": "text/html" });
      response.end("<html>Please log in</html>");
    };
    const found = await findings({ one: page });
    expect(found[1]).toMatch(/ → is RELAY_BASE_URL the address of an API, and no web page's\?$/);
  });

  it("finds nobody at an address", async () => {
    const found = await findings({ one: answers }, { env: { RELAY_BASE_URL: "http://127.0.0.1:9/v1" } });
    expect(found[1]).toMatch(
      /^bad relay\/one: the connection to the provider failed \(ECONNREFUSED 127\.0\.0\.1:9\) → is RELAY_BASE_URL right/,
    );
  });

  it("speaks the provider's wire: Responses takes 16 tokens, Messages its own key", async () => {
    const sse = (...events: readonly { readonly type: string; readonly [field: string]: unknown }[]) =>
      events.map((one) => `event: ${one.type}\ndata: ${JSON.stringify(one)}\n\n`).join("");
    const responses: Answer = (response) => {
      const incomplete = { id: "r", object: "response", status: "incomplete", output: [] };
      const details = { incomplete_details: { reason: "max_output_tokens" } };
      response.end(sse({ type: "response.incomplete", ...{ response: { ...incomplete, ...details } } }));
    };
    const [speaks, found] = await findings({ one: responses }, { env: { RELAY_WIRE: "responses" } });
    expect(speaks).toMatch(/^ok relay: speaks Responses;/);
    expect(found).toMatch(/^ok relay\/one: answers/);
    expect(server?.heard.at(-1)).toMatchObject({ path: "/v1/responses", body: { max_output_tokens: 16 } });
    await server?.stop();

    const messages: Answer = (response) =>
      void response.end(
        sse(
          ...[{ type: "message_start", message: { id: "m", type: "message", role: "assistant", content: [] } }],
          ...[{ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } }],
          ...[{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "OK" } }],
          ...[{ type: "content_block_stop", index: 0 }],
          ...[{ type: "message_delta", delta: { stop_reason: "max_tokens" }, usage: { output_tokens: 16 } }],
          ...[{ type: "message_stop" }],
        ),
      );
    const listed = { list: listOf("one"), env: { RELAY_WIRE: "messages" } };
    const said = await findings({ one: messages }, listed);
    expect(said[0]).toMatch(/^ok relay: speaks Messages; lists 1 model /);
    expect(said[1]).toMatch(/^ok relay\/one: answers: first/);
    for (const { headers } of server?.heard ?? []) expect(headers).toMatchObject({ "x-api-key": key });
  });

  it("looks at fallbacks and at those behind another one in a chain, too", async () => {
    const config = {
      env: { MODELS: "relay/one>relay/two", FALLBACK_MODELS: "relay/three", SUMMARY_MODEL: "relay/four" },
    };
    const found = await findings({ one: answers, two: answers, three: answers, four: answers }, config);
    expect(found.map((line) => line.split(":")[0])).toEqual([
      "ok relay",
      "ok relay/one",
      "ok relay/two",
      "ok relay/three",
      "ok relay/four",
    ]);
  });

  it("looks for those of sound and pictures in the list alone", async () => {
    const env = { TRANSCRIBE_MODEL: "relay/whisper-2", SPEAK_MODEL: "relay/tts-7", IMAGE_MODEL: "relay/one" };
    const found = await findings({ one: answers }, { env, list: listOf("one", "whisper-2", "tts-6") });
    expect(found.slice(2)).toEqual([
      "ok relay/whisper-2: in the provider's list; not tried: it is there for sound or pictures",
      "warn relay/tts-7: not in the provider's list → the nearest name there is tts-6",
      "ok relay/one: in the provider's list; not tried: it is there for sound or pictures",
    ]);
    expect(server?.heard.filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it.each([
    [401, /^bad relay: .*the key is refused \(HTTP 401\)/],
    [403, /^ok relay: .*the key may not read the list of its models$/],
    [404, /^ok relay: .*gives no list of its models$/],
  ])("has only the list to go by where a provider is there for sound alone: %i", async (listStatus, line) => {
    server = await createLlmServer((_, response) => refuse(response, listStatus, "no"));
    const env = {
      TOOLS: "off",
      TRANSCRIBE_MODEL: "relay/whisper-2",
      RELAY_BASE_URL: `${server.origin}/v1`,
      RELAY_API_KEY: key,
    };
    const config = doctorConfig({ ...env, MODELS: "other/m", OTHER_BASE_URL: "http://127.0.0.1:9/v1" });
    const found = short(await examineModels({ config, sparing: false, signal: new AbortController().signal }));
    expect(found.find((one) => one.includes(" relay: "))).toMatch(line);
    expect(found.at(-1)).toBe("ok relay/whisper-2: not tried: it is there for sound or pictures");
  });

  it("asks one of each provider when it is to make few calls, and looks for the others in the list", async () => {
    const models = { one: answers, two: answers, tow: answers };
    const found = await findings(models, { sparing: true, list: listOf("one", "two:latest") });
    expect(server?.heard.filter(({ method }) => method === "POST")).toHaveLength(1);
    expect(found.slice(2)).toEqual([
      "ok relay/two: in the provider's list; price not known",
      "warn relay/tow: not in the provider's list, and not asked: npm run doctor does → the nearest name in the provider's list is two:latest",
    ]);
  });
});
