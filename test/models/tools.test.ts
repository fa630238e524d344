/** What single providers want otherwise of tools: what must go back with the calls, and what their refusals mean. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { WireName } from "../../src/config/providers.ts";
import { createModels } from "../../src/models/chain.ts";
import type { ChatMessage, Effort } from "../../src/ports/models.ts";
import { createLlmServer, event, type LlmServer, paris, refuse } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";
import { speeches } from "../support/wire-streams.ts";
import { clock, continued, search, stepOf, toolSpeeches } from "../support/wire-tools.ts";
import { speaking, told } from "../support/wires.ts";

const tools = [search, clock];
const asked = asMessages([
  { role: "system", content: "Be brief." },
  { role: "user", content: "How warm is it in Paris?" },
]);
const foreign = stepOf(
  "",
  [
    { id: "call_1", name: "web_search", arguments: '{"query":"Paris"}' },
    { id: "call_2", name: "clock", arguments: "{}" },
  ],
  undefined,
  ["20 °C", "noon"],
);

let server: LlmServer;
let stops: (() => Promise<void>)[] = [];
beforeAll(async () => {
  server = await createLlmServer(() => undefined);
});
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
  server.forget();
});
afterAll(() => server.stop());

function open(provider: string, wire: WireName = "chat", model = "m", more: Parameters<typeof speaking>[4] = {}) {
  const { models, lines } = speaking(provider, wire, `${server.origin}/v1`, {}, more);
  stops.push(models.stop);
  const ask = (messages: readonly ChatMessage[] = asked, effort?: Effort) =>
    told(models, { model: `${provider}/${model}`, tools, messages, effort });
  return { models, lines, ask };
}

const answers = (...bodies: readonly string[]): void => {
  let at = 0;
  server.answer = (_, response) => void response.end(bodies[Math.min(at++, bodies.length - 1)]);
};
// biome-ignore lint/suspicious/noExplicitAny: the messages of a request
const sent = (at = -1): any[] => server.heard.at(at)?.body.messages;
const end = `${event({}, "tool_calls")}data: [DONE]\n\n`;
const called = (id: string, name: string, args: string, more: object = {}) =>
  event({ tool_calls: [{ index: 0, id, type: "function", function: { name, arguments: args }, ...more }] });

describe("Gemini", () => {
  const signature = { google: { thought_signature: "c2lnbmVk" } };

  test("gets its signature back on the very call that had it", async () => {
    answers(
      event({
        tool_calls: [
          { id: "a", function: { name: "web_search", arguments: '{"query":"Paris"}' }, extra_content: signature },
          { id: "b", function: { name: "clock", arguments: "{}" } },
        ],
      }) + end,
      paris,
    );
    const { ask } = open("gemini", "chat", "gemini-4-flash");
    const first = await ask();
    expect(first.calls.map(({ id }) => id)).toEqual(["a", "b"]);
    await ask(continued(asked, first, ["20 °C", "noon"]));
    expect(sent()[2].tool_calls.map((call: { extra_content: unknown }) => call.extra_content)).toEqual([
      signature,
      undefined,
    ]);
  });

  test.each([
    ["gemini-4-flash", "skip_thought_signature_validator"],
    ["gemini-2.5-flash", undefined],
  ])("as %s gets %s at the first call that another model has made", async (model, mark) => {
    answers(paris);
    await open("gemini", "chat", model).ask([...asked, ...foreign]);
    const marks = sent()[2].tool_calls.map((call: { extra_content?: typeof signature }) => call.extra_content?.google);
    expect(marks).toEqual([mark && { thought_signature: mark }, undefined]);
  });

  test("behind a relay is known by its refusal", async () => {
    server.answer = ({ body }, response) => {
      if (JSON.stringify(body).includes("skip_thought")) response.end(paris);
      else refuse(response, 400, "Function call is missing a thought_signature in functionCall parts.");
    };
    const { ask } = open("relay");
    for (const _ of [1, 2]) expect((await ask([...asked, ...foreign])).text).toBe("Paris.");
    expect(server.heard).toHaveLength(3);
  });

  test("is told of tools in the words that it knows", async () => {
    answers(paris);
    await open("gemini").ask();
    expect(server.heard[0]?.body.tools[0].function.parameters).toEqual({
      type: "object",
      properties: { query: { type: "string" }, count: { type: "integer", minimum: 0 } },
      required: ["query"],
    });
  });

  test("that has written a call badly is asked once more, then without tools", async () => {
    answers(event({}, "MALFORMED_FUNCTION_CALL"), event({}, "MALFORMED_FUNCTION_CALL"), paris);
    expect((await open("gemini").ask()).text).toBe("Paris.");
    expect(server.heard.map(({ body }) => body.tools?.length)).toEqual([2, 2, undefined]);
  });
});

describe("DeepSeek", () => {
  const thinking = event({ reasoning_content: "Hm" }) + event({ reasoning_content: "m." });

  test("gets its thoughts back with its calls, and nothing in the place of others', while it thinks", async () => {
    answers(thinking + called("a", "clock", "{}") + end, paris);
    const { ask } = open("deepseek");
    const first = await ask(asked, "high");
    await ask(continued([...asked, ...foreign], first, ["noon"]), "high");
    const steps = sent().filter(({ tool_calls }) => tool_calls);
    expect(steps.map(({ reasoning_content }) => reasoning_content)).toEqual(["", "Hmm."]);
  });

  test("gets none where it does not think", async () => {
    answers(paris);
    const { ask } = open("deepseek");
    await ask([...asked, ...foreign]);
    await ask([...asked, ...foreign], "off");
    for (const { body } of server.heard) expect(JSON.stringify(body)).not.toContain("reasoning_content");
  });

  test("behind a relay is known by its refusal", async () => {
    server.answer = ({ body }, response) => {
      if (JSON.stringify(body).includes("reasoning_content")) response.end(paris);
      else refuse(response, 400, "The `reasoning_content` in the thinking mode must be passed back to the API.");
    };
    const { ask } = open("relay");
    for (const _ of [1, 2]) expect((await ask([...asked, ...foreign])).text).toBe("Paris.");
    expect(server.heard).toHaveLength(3);
  });
});

describe("OpenRouter", () => {
  const sealed = { type: "reasoning.encrypted", data: "b3BhcXVl", id: "rs_1", format: "openai-responses-v1", index: 0 };

  test("gets its reasoning details back, pieces of one text joined, and of what is sealed the last", async () => {
    const text = { type: "reasoning.text", format: "anthropic-claude-v1", index: 0 };
    const details = (...reasoning_details: object[]) => event({ reasoning_details });
    answers(
      details({ ...text, text: "Let " }) +
        details({ ...text, text: "me.", signature: null }) +
        details({ ...text, signature: "c2ln" }) +
        details({ ...sealed, data: "first" }) +
        details(sealed, { ...sealed, data: undefined }) +
        called("a", "clock", "{}") +
        end,
      paris,
    );
    const { ask } = open("openrouter");
    await ask(continued(asked, await ask(), ["noon"]));
    expect(sent()[2].reasoning_details).toEqual([{ ...text, text: "Let me.", signature: "c2ln" }, sealed]);
  });

  test("does without them where its upstream does not take them", async () => {
    const first = event({ reasoning_details: [sealed] }) + called("call_long_id", "clock", "{}") + end;
    let at = 0;
    server.answer = ({ body }, response) => {
      if (at++ === 0) response.end(first);
      else if (JSON.stringify(body).includes("reasoning_details"))
        refuse(response, 400, "Invalid signature in thinking block");
      else response.end(paris);
    };
    const { ask } = open("openrouter");
    const messages = continued(asked, await ask(), ["noon"]);
    for (const _ of [1, 2]) expect((await ask(messages)).text).toBe("Paris.");
    // What was refused once is not sent again.
    expect(server.heard).toHaveLength(4);
    expect(sent()[2].tool_calls[0].id).toMatch(/^[A-Za-z0-9]{9}$/);
    expect(sent()[3].tool_call_id).toBe(sent()[2].tool_calls[0].id);
  });
});

describe("Groq", () => {
  const failed = {
    error: { message: "Failed to call a function. Please adjust your prompt.", code: "tool_use_failed" },
  };

  test.each([
    ["400", 1],
    ["400", 2],
    ["200", 1],
    ["200", 2],
  ])("that could not read a call, with %s, %i times", async (status, times) => {
    let at = 0;
    server.answer = (_, response) => {
      if (at++ >= times) response.end(paris);
      else if (status === "400") refuse(response, 400, failed);
      else response.end(`${event({ reasoning: "Hm" })}data: ${JSON.stringify(failed)}\n\n`);
    };
    const { models, ask } = open("groq");
    expect((await ask([...asked, ...foreign])).text).toBe("Paris.");
    expect(server.heard.map(({ body }) => body.tools !== undefined)).toEqual([true, true, false].slice(0, times + 1));
    if (times === 2) expect(sent().map(({ role }) => role)).toEqual(["system", "user"]);
    // It is no lesson: the next question may go well.
    expect(models.capabilities("groq/m").tools).toBe(true);
  });
});

describe("OpenAI by Chat Completions", () => {
  const refusal = {
    error: {
      message:
        "Function tools with reasoning_effort are not supported for gpt-6-luna in /v1/chat/completions. Please use /v1/responses instead.",
      type: "invalid_request_error",
      param: "reasoning_effort",
    },
  };

  test.each([undefined, "high"] as const)("calls tools unthinking, with an effort of %s", async (effort) => {
    server.answer = ({ body }, response) => {
      if (body.tools !== undefined && body.reasoning_effort !== "none") refuse(response, 400, refusal);
      else response.end(paris);
    };
    const { models, ask } = open("openai", "chat", "gpt-6-luna");
    for (const _ of [1, 2]) expect((await ask(asked, effort)).text).toBe("Paris.");
    expect(server.heard.map(({ body }) => body.reasoning_effort)).toEqual([effort, "none", "none"]);
    expect(models.capabilities("openai/gpt-6-luna").tools).toBe(true);
    // Without tools it thinks as before.
    await told(models, { model: "openai/gpt-6-luna", effort });
    expect(server.heard.at(-1)?.body.reasoning_effort).toBe(effort);
  });

  test("that refuses that, too, is offered none", async () => {
    server.answer = ({ body }, response) => {
      if (body.tools !== undefined) refuse(response, 400, refusal);
      else response.end(paris);
    };
    const { models, ask } = open("openai", "chat", "gpt-6-astra");
    for (const _ of [1, 2]) expect((await ask()).text).toBe("Paris.");
    expect([server.heard.length, models.capabilities("openai/gpt-6-astra").tools]).toEqual([4, false]);
  });
});

describe("Responses", () => {
  const { text, opening, ending } = speeches.responses;
  const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "c2VhbGVk" };
  const item = { type: "function_call", id: "fc_1", call_id: "call_1", name: "clock", arguments: "{}" };
  const done = (output_index: number, one: object) =>
    `data: ${JSON.stringify({ type: "response.output_item.done", output_index, item: one })}\n\n`;
  const step = opening + done(0, reasoning) + done(1, item) + ending("stop");
  const warm = opening + text("Warm.") + ending("stop");

  test("gets its sealed thoughts back before its call", async () => {
    answers(step, warm);
    const { ask } = open("openai", "responses", "gpt-6-luna");
    await ask(continued(asked, await ask(), ["noon"]));
    expect(server.heard[1]?.body.input.slice(2)).toEqual([
      reasoning,
      item,
      { type: "function_call_output", call_id: "call_1", output: "noon" },
    ]);
    expect(server.heard[1]?.body).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] });
  });

  test("gets a call back without an id of its own where the thoughts before it cannot go back", async () => {
    const { encrypted_content: _sealed, ...bare } = reasoning;
    answers(opening + done(0, bare) + done(1, item) + ending("stop"), warm);
    const { ask } = open("openai", "responses", "gpt-6-luna");
    await ask(continued(asked, await ask(), ["noon"]));
    const { id: _id, ...nameless } = item;
    expect(server.heard[1]?.body.input[2]).toEqual(nameless);
  });

  test("does without them where they cannot be opened any more, once and for all", async () => {
    let at = 0;
    server.answer = ({ body }, response) => {
      const message = "The encrypted content c2VhbGVk could not be verified.";
      if (at++ === 0) response.end(step);
      else if (JSON.stringify(body).includes("c2VhbGVk"))
        refuse(response, 400, { error: { message, code: "invalid_encrypted_content" } });
      else response.end(warm);
    };
    const { ask } = open("openai", "responses", "gpt-6-luna");
    const messages = continued(asked, await ask(), ["noon"]);
    for (const _ of [1, 2]) expect((await ask(messages)).text).toBe("Warm.");
    expect(server.heard).toHaveLength(4);
    const stood = toolSpeeches.responses.stood(server.heard.at(-1)?.body);
    expect(stood.slice(1)).toMatchObject([{ name: "clock" }, { text: "noon" }]);
  });
});

describe("a server whose template knows no tools", () => {
  test.each([
    [500, "Conversation roles must alternate user/assistant/user/assistant/..."],
    [400, "Unexpected role 'tool' after role 'assistant'"],
    [422, "unknown variant `tool`, expected one of `system`, `user`, `assistant`"],
  ])("%i %s: is told in words of what was called", async (status, refusal) => {
    server.answer = ({ body }, response) => {
      if (body.messages.some(({ role }: { role: string }) => role === "tool")) refuse(response, status, refusal);
      else response.end(paris);
    };
    const { models, ask } = open("llama.cpp");
    expect((await ask([...asked, ...foreign])).text).toBe("Paris.");
    expect([server.heard.length, models.capabilities("llama.cpp/m").tools]).toEqual([2, false]);
  });
});

test("ids that an upstream does not take are ours from then on", async () => {
  let at = 0;
  server.answer = ({ body }, response) => {
    if (at++ === 0) response.end(called("call_of_another_form", "clock", "{}") + end);
    else if (/^[A-Za-z0-9]{9}$/.test(body.messages[2].tool_calls[0].id)) response.end(paris);
    else refuse(response, 400, "Tool call id was call_of_another_form but must be a-z, A-Z, 0-9, with a length of 9.");
  };
  const { ask } = open("openrouter");
  expect((await ask(continued(asked, await ask(), ["noon"]))).text).toBe("Paris.");
});

describe("Claude", () => {
  const { text, opening, ending, closing } = speeches.messages;
  const line = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
  const thought =
    line({ type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } }) +
    line({ type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hmm" } }) +
    line({ type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "c2ln" } });
  const step = opening + thought + speeches.messages.call("toolu_1", "clock", "{}") + ending("stop") + closing;
  const warm = opening + text("Warm.") + ending("stop") + closing;

  test("gets its thoughts back untouched, and all results of a step in one message", async () => {
    answers(step, warm);
    const { ask } = open("anthropic", "messages", "claude-sonnet-5-5");
    await ask(continued([...asked, ...foreign], await ask(), ["noon"]));
    expect(sent().map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant", "user"]);
    expect(sent()[2].content.map((block: { type: string }) => block.type)).toEqual(["tool_result", "tool_result"]);
    expect(sent()[3].content).toEqual([
      { type: "thinking", thinking: "Hmm", signature: "c2ln" },
      { type: "tool_use", id: "toolu_1", name: "clock", input: {} },
    ]);
  });

  test("goes on without its thoughts where they are bound to another beginning", async () => {
    let at = 0;
    server.answer = ({ body }, response) => {
      const message =
        'messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation. Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".';
      if (at++ === 0) response.end(step);
      else if (JSON.stringify(body).includes("c2ln")) refuse(response, 400, message);
      else response.end(warm);
    };
    const { ask } = open("anthropic", "messages", "claude-sonnet-5-5");
    const messages = continued(asked, await ask(), ["noon"]);
    for (const _ of [1, 2]) expect((await ask(messages)).text).toBe("Warm.");
    expect(server.heard).toHaveLength(4);
  });

  test("that thinks by a budget does not where a step of the turn has no thoughts", async () => {
    answers(step, warm);
    const { ask } = open("anthropic", "messages", "claude-haiku-4-5");
    const first = await ask(asked, "high");
    await ask(continued(asked, first, ["noon"]), "high");
    await ask([...asked, ...foreign], "high");
    expect(server.heard.map(({ body }) => body.thinking?.type)).toEqual(["enabled", "enabled", undefined]);
  });
});

describe("a tool that is described in words that a provider does not know", () => {
  const refusal =
    "Invalid schema for function 'web_search': In context=('properties','count'), 'default' is not permitted";

  test("is described in fewer words from then on", async () => {
    server.answer = ({ body }, response) => {
      if (JSON.stringify(body).includes("default")) refuse(response, 400, refusal);
      else response.end(paris);
    };
    const { models, ask } = open("together");
    for (const _ of [1, 2]) expect((await ask()).text).toBe("Paris.");
    expect(server.heard.map(({ body }) => body.tools.length)).toEqual([2, 2, 2]);
    expect(models.capabilities("together/m").tools).toBe(true);
  });

  test("costs a question its tools where that does not help", async () => {
    server.answer = ({ body }, response) => {
      if (body.tools !== undefined) refuse(response, 400, refusal);
      else response.end(paris);
    };
    const { models, ask } = open("together");
    expect((await ask()).text).toBe("Paris.");
    expect(models.capabilities("together/m").tools).toBe(true);
  });
});

test.each([
  "tool_choice is not supported",
  "Unsupported parameter: 'tool_choice'",
  "tool_choice: extra inputs are not permitted",
])("%s: it is left out, and the tools stay", async (refusal) => {
  server.answer = ({ body }, response) => {
    if (body.tool_choice === undefined) response.end(paris);
    else refuse(response, 400, refusal);
  };
  const { models, ask } = open("relay");
  expect((await told(models, { model: "relay/m", messages: asked, tools, noCalls: true })).text).toBe("Paris.");
  await ask();
  expect(server.heard.map(({ body }) => body.tools.length)).toEqual([2, 2, 2]);
});

test("an answer of nothing after a step is asked for once more, in words and without tools", async () => {
  answers(event({}, "stop"), paris);
  const { models } = speaking("relay", "chat", `${server.origin}/v1`, { failedMs: 60_000 });
  stops.push(models.stop);
  expect((await told(models, { model: "relay/m", tools, messages: [...asked, ...foreign] })).text).toBe("Paris.");
  expect(server.heard.map(({ body }) => [body.tools?.length, body.messages.length])).toEqual([
    [2, 5],
    [undefined, 2],
  ]);
});

test("calls printed as text are calls, once they are known to be nothing else", async () => {
  const json = '{"name":"web_search","arguments":{"query":"Paris"}}';
  const print = [...json].map((one) => event({ content: one })).join("") + event({}, "stop");
  answers(print, paris);
  const { ask, models } = open("ollama");
  const first = await ask();
  expect(first.types.filter((type) => type !== "thinking")).toEqual(["attempt", "tool-call", "answer-end"]);
  expect(first.calls).toMatchObject([{ name: "web_search", arguments: '{"query":"Paris"}' }]);
  expect((await ask(continued(asked, first, ["20 °C"]))).text).toBe("Paris.");
  expect(sent()[2]).toMatchObject({ role: "assistant", content: null });
  answers(print);
  expect((await told(models, { model: "ollama/m", messages: asked })).text).toBe(json);
});

test("a call alone ends the answer, though the connection stays open", async () => {
  server.answer = (_, response) => void response.write(called("a", "clock", "{}") + event({}, "tool_calls"));
  // Were more awaited, the test would run out of time.
  const { models } = speaking("relay", "chat", `${server.origin}/v1`, { silenceMs: 600_000, totalMs: 600_000 });
  stops.push(models.stop);
  expect((await told(models, { model: "relay/m", tools, messages: asked })).calls).toHaveLength(1);
});

describe("when a model fails in the middle of a turn", () => {
  test.each([
    ["chat", true],
    ["messages", true],
    ["responses", true],
    ["chat", false],
  ] as const)("the next one goes on by the %s wire with what was done (tools: %s)", async (wire, canCall) => {
    const speech = speeches[wire];
    const first = speeches.chat.call("call_first", "web_search", '{"query":"Paris"}') + speeches.chat.ending("stop");
    let at = 0;
    server.answer = ({ path }, response) => {
      if (path.startsWith("/b/")) {
        return void response.end(speech.opening + speech.text("20 °C.") + speech.ending("stop") + speech.closing);
      }
      if (at++ === 0) response.end(`${first}data: [DONE]\n\n`);
      else refuse(response, 401, "no such key");
    };
    const models = createModels({
      models: {
        names: ["a/m"],
        chains: {},
        fallbacks: [{ model: "b/m" }],
        capabilities: { "b/m": { tools: canCall } },
        providers: [
          { name: "a", baseUrl: `${server.origin}/a`, apiKey: "sk-a-0123456789" },
          { name: "b", baseUrl: `${server.origin}/b`, apiKey: "sk-b-0123456789", wire },
        ],
      },
      log: { info: () => undefined, warn: () => undefined },
      timers: { backoffMs: 5, usageMs: 50 },
    });
    stops.push(models.stop);
    const step = await told(models, { model: "a/m", messages: asked, tools });
    const messages = continued(asked, step, ["20 °C"]);
    expect(await told(models, { model: "a/m", messages, tools })).toMatchObject({
      text: "20 °C.",
      end: { model: "b/m" },
    });
    const stood = toolSpeeches[wire].stood(server.heard.at(-1)?.body);
    if (canCall)
      expect(stood.slice(1)).toMatchObject([{ name: "web_search", args: { query: "Paris" } }, { text: "20 °C" }]);
    else expect(stood).toMatchObject([{ says: "user", text: expect.stringContaining("20 °C") }]);
  });
});
