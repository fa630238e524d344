/** Every wire against streams that others have made: those of aimock. */
import { LLMock } from "@copilotkit/aimock";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { WireName } from "../../../src/config/providers.ts";
import { asMessages } from "../../support/messages.ts";
import { clock, continued, search } from "../../support/wire-tools.ts";
import { eachWire, speaking, told } from "../../support/wires.ts";

const mock = new LLMock({ port: 0, chunkSize: 5 });
beforeAll(() => mock.start().then(() => undefined));
afterAll(() => mock.stop());
beforeEach(() => void mock.reset());

const paths: Readonly<Record<WireName, string>> = {
  chat: "/v1/chat/completions",
  responses: "/v1/responses",
  messages: "/v1/messages",
};
const tools = [search, clock];
const text = "Paris is the capital of France. 🗼";

describe.each(eachWire)("by the $wire wire, aimock", ({ wire }) => {
  const ask = async (more: Parameters<typeof speaking>[4] = {}, request: object = {}) => {
    const { models } = speaking("relay", wire, `${mock.url}/v1`, {}, more);
    try {
      return await told(models, { model: "relay/m", ...request });
    } finally {
      await models.stop();
    }
  };

  test("answers", async () => {
    mock.onMessage("capital", {
      content: text,
      usage: { input_tokens: 11, output_tokens: 7, prompt_tokens: 11, completion_tokens: 7 },
    });
    const answer = await ask({ maxTokens: 300, temperature: 0.5 });
    expect(answer).toMatchObject({ text, failed: undefined, end: { finish: "stop" } });
    expect(mock.getLastRequest()?.path).toBe(paths[wire]);
    if (wire !== "chat") expect(answer.end?.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 });
  });

  test("answers in one piece where it may not be streamed", async () => {
    mock.nextRequestError(400, { message: "Your organization must be verified to stream this model" });
    mock.onMessage("capital", { content: text });
    expect(await ask()).toMatchObject({ text, failed: undefined, end: { finish: "stop" } });
    expect(mock.getRequests()).toHaveLength(2);
  });

  test("thinks, which is not the answer", async () => {
    mock.onMessage("capital", { content: text, reasoning: "The user asks for a capital." });
    const answer = await ask({}, { thoughts: true });
    expect(answer).toMatchObject({ text, failed: undefined });
    if (wire !== "chat") expect(answer.thoughts).toBe("The user asks for a capital.");
    expect((await ask()).types).not.toContain("thought-delta");
  });

  test("calls tools beside its text", async () => {
    mock.onMessage("capital", {
      content: text,
      toolCalls: [
        { id: "call_1", name: "web_search", arguments: '{"query":"Paris"}' },
        { id: "call_2", name: "calculate", arguments: "{}" },
      ],
    });
    const { calls, text: said, types } = await ask({}, { tools });
    expect(said).toBe(text);
    expect(calls.map(({ name, arguments: given }) => [name, given])).toEqual([
      ["web_search", '{"query":"Paris"}'],
      ["calculate", "{}"],
    ]);
    expect(types.slice(-3)).toEqual(["tool-call", "tool-call", "answer-end"]);
  });

  test("answers from what came of its calls, which it finds in the next request", async () => {
    const toolCalls = [
      { id: "call_1", name: "web_search", arguments: '{"query":"Paris"}' },
      { id: "call_2", name: "clock", arguments: "{}" },
    ];
    mock.onToolResult("call_2", { content: text });
    mock.onMessage("capital", { content: "", toolCalls });
    const first = await ask({}, { tools });
    expect(first).toMatchObject({ text: "", failed: undefined });
    const asked = asMessages([{ role: "user", content: "What is the capital of France?" }]);
    const messages = continued(asked, first, ["Paris is the capital.", "noon"]);
    expect(await ask({}, { tools, messages })).toMatchObject({ text, calls: [], failed: undefined });
    const heard = (mock.getLastRequest()?.body?.messages ?? []) as { role: string; content: unknown }[];
    const results = heard.filter(({ role }) => role === "tool").map(({ content }) => content);
    expect(results).toEqual(["Paris is the capital.", "noon"]);
    // To another provider the step is a stranger's.
    const foreign = messages.map((message) => ({ ...message, native: undefined }));
    mock.reset();
    mock.onMessage("capital", { content: text });
    expect(await ask({}, { tools, messages: foreign })).toMatchObject({ failed: undefined });
  });

  test.each([
    [429, "rate-limit"],
    [500, "upstream"],
    [401, "auth"],
    [529, "upstream"],
  ] as const)("refuses with %i", async (status, kind) => {
    mock.nextRequestError(status, { message: "no", type: "some_error" });
    expect((await ask()).failed).toBe(kind);
  });

  test("is cut in mid-answer", async () => {
    mock.onMessage(
      "capital",
      { content: text, toolCalls: [{ id: "call_1", name: "web_search", arguments: "{}" }] },
      { truncateAfterChunks: 5, latency: 5 },
    );
    const { failed, calls, end } = await ask({}, { tools });
    expect([failed, calls, end]).toEqual(["connection", [], undefined]);
  });
});

test("the answer of Claude comes with its thoughts as they must go back", async () => {
  mock.onMessage("capital", {
    content: text,
    reasoning: "Hmm.",
    reasoningSignature: "c2lnbmVk",
    redactedThinking: ["b3BhcXVl"],
    toolCalls: [{ id: "toolu_1", name: "web_search", arguments: '{"query":"Paris"}' }],
  });
  const { models } = speaking("anthropic", "messages", `${mock.url}/v1`);
  const { end } = await told(models, { model: "anthropic/m", tools });
  await models.stop();
  expect(end?.native).toEqual({
    model: "anthropic/m",
    content: expect.arrayContaining([
      { type: "thinking", thinking: "Hmm.", signature: "c2lnbmVk" },
      { type: "redacted_thinking", data: "b3BhcXVl" },
      { type: "tool_use", id: "toolu_1", name: "web_search", input: { query: "Paris" } },
    ]),
  });
});
