import type { ServerResponse } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { examineModels } from "../../../src/app/doctor/models.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";
import { createLlmServer, event, type LlmServer, paris, refuse } from "../../support/llm-server.ts";
import { speeches } from "../../support/wire-streams.ts";

let server: LlmServer | undefined;
afterEach(() => server?.stop());

type Answer = (response: ServerResponse) => void;

const says =
  (stream: string): Answer =>
  (response) =>
    void response.end(stream);
const calls = (given: string) =>
  says(speeches.chat.call("call_1", "repeat_word", given) + speeches.chat.ending("stop") + speeches.chat.closing);
const asTold = calls('{"word":"parley"}');

/** What is found of `relay/one`, which answers so where it is offered a tool. */
async function found(answer: Answer, env: Record<string, string> = {}, sparing = false): Promise<string[]> {
  server = await createLlmServer(({ method, body }, response) => {
    if (method === "GET") refuse(response, 404, "no such path");
    else if (body.tools === undefined) response.end(paris);
    else answer(response);
  });
  const address = { RELAY_BASE_URL: `${server.origin}/v1`, RELAY_API_KEY: "sk-relay-0123456789" };
  const config = doctorConfig({ MODELS: "relay/one", ...address, ...env });
  const findings = short(await examineModels({ config, sparing, signal: new AbortController().signal }));
  return findings.slice(1).map((line) => line.replace(/first token after \d+ ms; price not known/, "…"));
}

const offered = () => server?.heard.filter(({ body }) => body?.tools !== undefined) ?? [];
const stated = { MODEL_CAPABILITIES: "relay/one: tools=yes" };
const named = { TOOLS: "calculate" };
const less = 'add "relay/one: tools=no" to MODEL_CAPABILITIES';

describe("the doctor's look at calls of tools", () => {
  it("tells each model that answers to call a tool, once", async () => {
    expect(await found(asTold, stated)).toEqual(["ok relay/one: answers: …; calls tools"]);
    expect(offered().map(({ body }) => body.tools.length)).toEqual([1]);
    expect(server?.heard.filter(({ method }) => method === "POST")).toHaveLength(2);
  });

  it("says how a model gets tools that calls them, while nobody knows it", async () => {
    const line = "answers: …; calls tools, but is offered none, since nothing is known of it";
    expect(await found(asTold)).toEqual([`warn relay/one: ${line} → add "relay/one: tools=yes" to MODEL_CAPABILITIES`]);
    await server?.stop();
    expect(await found(asTold, named)).toEqual(["ok relay/one: answers: …; calls tools"]);
  });

  it("takes a printed call for one", async () => {
    const printed = event({ content: '{"name":"repeat_word","arguments":{"word":"parley"}}' }) + event({}, "stop");
    expect(await found(says(printed), stated)).toEqual(["ok relay/one: answers: …; calls tools"]);
  });

  it.each<readonly [string, Answer, string]>([
    ["only talks", says(paris), "calls no tool when it is told to"],
    ["is refused tools", (response) => refuse(response, 400, "one does not support tools"), "takes no tools"],
    ["calls as it likes", calls('{"text":"parley"}'), "calls tools with arguments that it was not told to give"],
    ["writes broken JSON", calls('{"word":"parl'), "calls tools with arguments that it was not told to give"],
  ])("says how a model that %s loses them", async (_what, answer, line) => {
    for (const env of [stated, named]) {
      expect(await found(answer, env)).toEqual([`warn relay/one: answers: …; ${line} → ${less}`]);
      await server?.stop();
    }
    expect(await found(answer)).toEqual([`ok relay/one: answers: …; ${line}, and is offered none`]);
  });

  it("does not judge by what was cut, or failed", async () => {
    const cut = says(event({ content: "Well" }) + event({}, "length"));
    const unknown = "ok relay/one: answers: …; whether it calls tools was not found out";
    expect(await found(cut, stated)).toEqual([`${unknown}: 1,000 tokens were too few for it`]);
    await server?.stop();
    const broken: Answer = (response) => refuse(response, 503, "down for maintenance");
    expect(await found(broken, stated)).toEqual([`${unknown}: HTTP 503: down for maintenance`]);
  });

  it.each([
    ["is to make few calls", {}, true],
    ["has tools off", { TOOLS: "off" }, false],
  ])("tells nobody to where it %s", async (_what, env, sparing) => {
    expect(await found(asTold, env, sparing)).toEqual(["ok relay/one: answers: …"]);
    expect(offered()).toEqual([]);
  });

  it("tells no model to that is said to call none, or only summarises", async () => {
    const env = { MODEL_CAPABILITIES: "relay/one: tools=no", SUMMARY_MODEL: "relay/two" };
    expect(await found(asTold, env)).toEqual([
      "ok relay/one: answers: …; calls no tools, and is offered none",
      "ok relay/two: answers: …",
    ]);
    expect(offered()).toEqual([]);
  });

  it("says when there was no time to see it", async () => {
    const late = new AbortController();
    server = await createLlmServer(({ method, body }, response) => {
      if (method === "GET") refuse(response, 404, "no such path");
      else if (body.tools === undefined) response.end(paris);
      else late.abort();
    });
    const env = { MODELS: "relay/one", RELAY_BASE_URL: `${server.origin}/v1`, RELAY_API_KEY: "sk-relay-0123456789" };
    const lines = short(await examineModels({ config: doctorConfig(env), sparing: false, signal: late.signal }));
    expect(lines[1]).toMatch(/^ok relay\/one: answers: .*; whether it calls tools was not found out in time$/);
  });
});
