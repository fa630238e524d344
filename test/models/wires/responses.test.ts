import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { chatCompletions } from "../../../src/models/wires/chat-completions.ts";
import { dialectOf } from "../../../src/models/wires/dialects.ts";
import { fieldsAsTaught, untaught } from "../../../src/models/wires/requests.ts";
import { responsesWire } from "../../../src/models/wires/responses.ts";
import type { Wire, WireRequest } from "../../../src/models/wires/wire.ts";
import { createLlmServer, refuse } from "../../support/llm-server.ts";
import { asMessages } from "../../support/messages.ts";
import { speaking, told } from "../../support/wires.ts";

const messages = asMessages([
  { role: "system", content: "Be brief." },
  { role: "user", content: "One?" },
]);

// biome-ignore lint/suspicious/noExplicitAny: the body of a request
function bodyOf(provider: string, more: Partial<WireRequest> = {}, wire: Wire = responsesWire): any {
  const request: WireRequest = {
    model: "m",
    name: `${provider}/m`,
    messages,
    dialect: dialectOf(provider),
    manner: untaught,
    can: { known: false, sees: false, tools: false, efforts: ["low", "high"], contextTokens: 32_000 },
    ...more,
  };
  return wire.body(request, fieldsAsTaught(wire.optionalFields(request), request.manner));
}

const input = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "One?" },
];
const encrypted = { include: ["reasoning.encrypted_content"] };

describe("a question by Responses", () => {
  test.each([
    ["openai", { store: false, ...encrypted, prompt_cache_key: "hash" }],
    ["xai", { store: false, ...encrypted, prompt_cache_key: "hash" }],
    ["azure", { store: false, ...encrypted, prompt_cache_key: "hash" }],
    ["relay", { store: false }],
  ])("to %s leaves nothing there, and has what its dialect knows", (provider, fields) => {
    expect(bodyOf(provider, { cacheKey: "hash" })).toEqual({ model: "m", input, stream: true, ...fields });
  });

  test("asks for no thoughts of a model that is known to have none", () => {
    const can = { known: true, sees: true, tools: true, efforts: [], contextTokens: 1_000_000 };
    expect(bodyOf("openai", { can })).not.toHaveProperty("include");
  });

  test.each([
    ["store", "Unknown parameter: 'store'."],
    ["include", "Encrypted content is not supported with this model."],
    ["prompt_cache_key", "Unrecognized request argument supplied: prompt_cache_key"],
  ])("leaves out %s where that is refused", async (param, complaint) => {
    const server = await createLlmServer(({ body }, response) => {
      if (param in body) refuse(response, 400, { error: { message: complaint, param, code: null } });
      else response.end(delta("Paris.") + completed);
    });
    const { models } = speaking("openai", "responses", server.origin);
    for (const _ of [1, 2]) expect((await told(models, { model: "openai/o3", cacheKey: "hash" })).text).toBe("Paris.");
    expect(server.heard.map(({ body }) => param in body)).toEqual([true, false, false]);
    await models.stop();
    await server.stop();
  });

  test.each([
    "Your input must include at least one message.",
    "Messages of this kind are refused: we could not store the picture.",
  ])("leaves nothing out for an ordinary word: %s", async (complaint) => {
    const server = await createLlmServer((_, response) => refuse(response, 400, { error: { message: complaint } }));
    const { models } = speaking("openai", "responses", server.origin);
    for (const _ of [1, 2]) expect((await told(models, { model: "openai/o3" })).failed).toBe("bad-request");
    expect(server.heard.map(({ body }) => [body.store, body.include])).toEqual(
      Array.from({ length: 2 }, () => [false, ["reasoning.encrypted_content"]]),
    );
    await models.stop();
    await server.stop();
  });

  test.each([
    { error: { message: "store: Extra inputs are not permitted" } },
    { error: { message: "Unrecognized request argument supplied: store" } },
    { error: { message: "Unknown parameter: `store`." } },
    { error: { message: "Invalid request", param: "store" } },
    { detail: [{ loc: ["body", "store"], msg: "Extra inputs are not permitted" }] },
  ])("leaves out what is named as a field: %j", async (refusal) => {
    const server = await createLlmServer(({ body }, response) => {
      if ("store" in body) refuse(response, 400, refusal);
      else response.end(delta("Paris.") + completed);
    });
    const { models } = speaking("openai", "responses", server.origin);
    expect((await told(models, { model: "openai/o3" })).text).toBe("Paris.");
    await models.stop();
    await server.stop();
  });

  test("asks for no summary where none is given, and for as much thought as before", async () => {
    const complaint = "Your organization must be verified to generate reasoning summaries.";
    const server = await createLlmServer(({ body }, response) => {
      const refusal = { message: complaint, param: "reasoning.summary", code: "unsupported_value" };
      if (body.reasoning?.summary !== undefined) refuse(response, 400, { error: refusal });
      else response.end(delta("Paris.") + completed);
    });
    const { models } = speaking("openai", "responses", server.origin);
    const request = { model: "openai/o3", effort: "high", thoughts: true } as const;
    for (const _ of [1, 2]) expect((await told(models, request)).text).toBe("Paris.");
    const low = await told(models, { ...request, effort: "low" });
    expect(low.text).toBe("Paris.");
    expect(server.heard.map(({ body }) => body.reasoning)).toEqual([
      { effort: "high", summary: "auto" },
      { effort: "high" },
      { effort: "high" },
      { effort: "low" },
    ]);
    await models.stop();
    await server.stop();
  });

  test("to somebody who does not speak it fails with a line that names the variable", async () => {
    const server = await createLlmServer((_, response) => refuse(response, 404, "404 page not found"));
    const { models } = speaking("openai", "responses", `${server.origin}/v1`);
    const { failed, error } = await told(models, { model: "openai/m" });
    expect(failed).toBe("no-endpoint");
    expect(error?.message).toContain("is OPENAI_BASE_URL or OPENAI_WIRE right?");
    await models.stop();
    await server.stop();
  });

  test("has its limit and its temperature where they are set", () => {
    const set = { maxTokens: 300, temperature: 0.5 };
    expect(bodyOf("openai", { ...set, model: "gpt-4.1" })).toMatchObject({ max_output_tokens: 300, temperature: 0.5 });
    expect(bodyOf("openai", { ...set, model: "gpt-6-luna" })).not.toHaveProperty("temperature");
    expect(bodyOf("openai", { maxTokens: 5 })).toMatchObject({ max_output_tokens: 16 });
  });

  test("gives encrypted thoughts back to the model that had them, without what is not taken; to another one its words", () => {
    const call = { type: "function_call", call_id: "a", name: "now", arguments: "{}" };
    const content = [
      { type: "reasoning", id: "rs_1", encrypted_content: "ZW5j", content: [{ text: "plain" }], status: "completed" },
      { type: "reasoning", id: "rs_2", summary: [] },
      call,
    ];
    const given = (model: string) => {
      const step = asMessages([{ role: "assistant", content: "Let me look." }]).map((one) => ({
        ...one,
        native: { model, content },
      }));
      return bodyOf("openai", { messages: [...messages, ...step] }).input.slice(2);
    };
    expect(given("openai/m")).toEqual([
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "ZW5j" },
      call,
    ]);
    expect(given("xai/m")).toEqual([{ role: "assistant", content: "Let me look." }]);
  });
});

test.each([
  ["openai", "hash"],
  ["azure", "hash"],
  ["xai", undefined],
  ["mistral", undefined],
  ["relay", undefined],
])("by Chat Completions %s is told this key of a conversation: %s", (provider, key) => {
  expect(bodyOf(provider, { cacheKey: "hash" }, chatCompletions).prompt_cache_key).toBe(key);
  expect(bodyOf(provider, {}, chatCompletions)).not.toHaveProperty("prompt_cache_key");
});

const line = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const delta = (text: string) => line({ type: "response.output_text.delta", output_index: 0, delta: text });
const ended = (type: string, response: object) => line({ type, response: { object: "response", ...response } });
const message = (text: string) => ({ type: "message", content: [{ type: "output_text", text }] });
const completed = ended("response.completed", { status: "completed" });

function read(...pieces: string[]) {
  const reader = createAnswerReader({ wire: responsesWire });
  for (const piece of pieces) reader.push(piece);
  return reader;
}

async function cameOf(stream: string) {
  const server = await createLlmServer((_, response) => response.end(stream));
  const { models } = speaking("openai", "responses", server.origin);
  const { text, failed, end, error } = await told(models, { model: "openai/m", thoughts: true });
  await models.stop();
  await server.stop();
  return { text, failed, finish: end?.finish, message: error?.message };
}

describe("an answer by Responses", () => {
  test.each([
    ["response.completed", { status: "completed" }, "stop"],
    ["response.done", { status: "completed" }, "stop"],
    ["response.completed", {}, "stop"],
    ["response.incomplete", { status: "incomplete", incomplete_details: { reason: "max_output_tokens" } }, "length"],
    ["response.incomplete", { status: "incomplete", incomplete_details: { reason: "content_filter" } }, "filtered"],
    ["response.incomplete", { status: "incomplete", incomplete_details: null }, "length"],
    ["response.incomplete", {}, "length"],
  ])("that ends with %s %j has ended so: %s", (type, response, finish) => {
    const reader = read(delta("Paris."), ended(type, response));
    expect([reader.takeText(), reader.finish, reader.complete]).toEqual(["Paris.", finish, true]);
  });

  test.each([
    [
      "response.failed",
      { status: "failed", error: { code: "server_error", message: "An error occurred" } },
      "upstream",
    ],
    [
      "response.failed",
      { status: "failed", error: { code: "rate_limit_exceeded", message: "Slow down" } },
      "rate-limit",
    ],
    ["response.failed", { status: "failed", error: { code: "insufficient_quota", message: "No" } }, "quota"],
    ["response.failed", { status: "failed", error: { code: "invalid_prompt", message: "No" } }, "content-filter"],
    ["response.failed", { status: "failed", error: { code: "bio_policy", message: "No" } }, "content-filter"],
    ["response.failed", { status: "failed", error: null }, "upstream"],
    ["response.failed", {}, "upstream"],
    ["response.cancelled", { status: "cancelled" }, "upstream"],
    ["response.completed", { status: "failed", error: { code: "server_error", message: "No" } }, "upstream"],
  ])("that ends with %s %j has failed: %s", async (type, response, kind) => {
    expect(await cameOf(delta("Par") + ended(type, response))).toMatchObject({ text: "Par", failed: kind });
  });

  test("that declines says so in its own words", async () => {
    const refusal = line({ type: "response.refusal.delta", delta: "I can't help with that." });
    expect(await cameOf(refusal + completed)).toMatchObject({ text: "I can't help with that.", finish: "stop" });
    const item = { type: "message", content: [{ type: "refusal", refusal: "I can't help with that." }] };
    const whole = ended("response.completed", { status: "completed", output: [item] });
    expect(await cameOf(whole)).toMatchObject({ text: "I can't help with that.", finish: "stop" });
  });

  test.each([
    [
      "the ends of its items",
      line({ type: "response.output_item.done", output_index: 0, item: message("Par") }) +
        line({ type: "response.output_item.done", output_index: 1, item: message("is.") }) +
        completed,
    ],
    ["its end", ended("response.completed", { status: "completed", output: [message("Par"), message("is.")] })],
    [
      "pieces, the ends of its items and its end",
      delta("Par") +
        delta("is.") +
        line({ type: "response.output_text.done", text: "Paris." }) +
        line({ type: "response.output_item.done", item: message("Paris.") }) +
        ended("response.completed", { status: "completed", output: [message("Paris.")] }),
    ],
    [
      "pieces, and the rest with its end",
      delta("Par") + ended("response.completed", { status: "completed", output: [message("Paris.")] }),
    ],
    ["pieces, and only [DONE] at its end", `${delta("Paris.")}data: [DONE]\n\n`],
  ])("may have its words in %s, and has them once", async (_, stream) => {
    expect(await cameOf(stream)).toMatchObject({ text: "Paris.", finish: "stop" });
  });

  const piece = (text: string, output_index?: number) =>
    line({ type: "response.output_text.delta", output_index, delta: text });
  const itemDone = (text: string, output_index?: number) =>
    line({ type: "response.output_item.done", output_index, item: message(text) });
  const whole = (...texts: string[]) =>
    ended("response.completed", { status: "completed", output: texts.map(message) });
  test.each([
    ["out of order", piece("B", 1) + piece("A", 0) + itemDone("A", 0) + itemDone("B", 1) + whole("A", "B"), "BA"],
    ["in turns", piece("B", 1) + piece("A", 0) + piece("b", 1) + piece("a", 0) + whole("Aa", "Bb"), "BAba"],
    ["out of order, one of them cut", piece("B", 1) + piece("A", 0) + whole("A", "Bb"), "BAb"],
    ["and one that only stands in the end", piece("B", 1) + piece("b", 1) + whole("A", "Bb"), "BbA"],
    [
      "of which each goes on with its end",
      piece("A", 0) + itemDone("Aa", 0) + piece("B", 1) + itemDone("Bb", 1),
      "AaBb",
    ],
    ["of which none has a place", piece("A") + itemDone("A") + piece("B") + itemDone("Bb") + whole("A", "Bb"), "ABb"],
    ["whose places stand at their ends alone", piece("A") + itemDone("A", 2) + piece("B") + itemDone("Bb", 4), "ABb"],
    ["under other places than in the end", piece("A", 3) + piece("B", 5) + whole("A", "Bb"), "ABb"],
  ])("of several items %s has each of them once", async (_, stream, text) => {
    const end = stream.includes("response.completed") ? "" : completed;
    expect(await cameOf(stream + end)).toMatchObject({ text, finish: "stop" });
  });

  test.each([
    ["at its end", piece("Paris!", 0) + whole("Paris is nice.")],
    ["at its end, shorter", piece("Paris!", 0) + whole("Rome")],
    ["at its end, in another place", piece("Paris!", 1) + whole("Paris is nice.", "")],
    ["at the end of its item", piece("Paris!", 0) + itemDone("Rome is nice.", 0) + whole("Rome is nice.")],
    ["without a place", piece("Paris!") + itemDone("Rome is nice.") + whole("Rome is nice.")],
  ])("that differs from its pieces %s stays as it was shown", async (_, stream) => {
    expect(await cameOf(stream)).toMatchObject({ text: "Paris!", finish: "stop" });
  });

  test("has a call together whose pieces are known by the id of their item alone", () => {
    const item = { type: "function_call", id: "fc_1", call_id: "a", name: "now", arguments: "" };
    const stream =
      line({ type: "response.output_item.added", output_index: 4, item }) +
      line({ type: "response.function_call_arguments.delta", item_id: "fc_1", delta: '{"a":' }) +
      line({ type: "response.function_call_arguments.delta", item_id: "fc_1", delta: "1}" }) +
      line({ type: "response.output_item.done", output_index: 4, item });
    expect(read(stream, completed).calls).toMatchObject([{ id: "a", name: "now", arguments: '{"a":1}' }]);
  });

  test("shows the summary of its thoughts, a paragraph for each part, and no thought as it is", () => {
    const part = (summary_index: number) => line({ type: "response.reasoning_summary_part.added", summary_index });
    const summary = (text: string) => line({ type: "response.reasoning_summary_text.delta", delta: text });
    const raw = line({ type: "response.reasoning_text.delta", delta: "Hmm, as it is." });
    const reader = read(part(0), summary("First."), part(1), summary("Then."), raw, delta("Paris."), completed);
    expect([reader.takeSummary(), reader.takeText()]).toEqual(["First.\n\nThen.", "Paris."]);
  });

  test("keeps its encrypted thoughts beside its calls, to go back as they came", () => {
    const items = [
      { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "ZW5j" },
      message("Let me look."),
      { type: "function_call", id: "fc_1", call_id: "a", name: "now", arguments: "{}" },
    ];
    const stream = items.map((item, output_index) => line({ type: "response.output_item.done", output_index, item }));
    expect(read(...stream, completed).native).toEqual(items);
    expect(read(ended("response.completed", { status: "completed", output: items })).native).toEqual(items);
    expect(read(delta("Paris."), completed).native).toBeUndefined();
  });

  test("is not alive before its first word, unless it thinks and the connection is kept", () => {
    const reader = read(ended("response.created", { status: "in_progress" }));
    expect(reader.takeLife()).toBe(false);
    reader.push(line({ type: "keepalive" }));
    expect(reader.takeLife()).toBe(false);
    reader.push(line({ type: "response.output_item.added", output_index: 0, item: { type: "reasoning" } }));
    expect(reader.takeLife()).toBe(false);
    reader.push(line({ type: "keepalive" }));
    expect(reader.takeLife()).toBe(true);
  });
});
