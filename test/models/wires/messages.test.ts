import { describe, expect, test } from "vitest";
import { createAnswerReader } from "../../../src/models/wires/answer-reader.ts";
import { cacheMinimum } from "../../../src/models/wires/claude-models.ts";
import { dialectOf } from "../../../src/models/wires/dialects.ts";
import { messagesWire } from "../../../src/models/wires/messages.ts";
import { fieldsAsTaught, untaught } from "../../../src/models/wires/requests.ts";
import type { WireRequest } from "../../../src/models/wires/wire.ts";
import { createLlmServer, refuse } from "../../support/llm-server.ts";
import { asMessages, type Worded } from "../../support/messages.ts";
import { speaking, told } from "../../support/wires.ts";

const question: readonly Worded[] = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "One?" },
];
const mark = { type: "ephemeral" };

// biome-ignore lint/suspicious/noExplicitAny: the body of a request
function bodyOf(worded: readonly Worded[], more: Partial<WireRequest> = {}): any {
  const request: WireRequest = {
    model: "claude-sonnet-5",
    name: "anthropic/claude-sonnet-5",
    messages: asMessages(worded),
    dialect: dialectOf("anthropic"),
    manner: untaught,
    can: { known: false, sees: false, tools: false, efforts: [], contextTokens: 32_000 },
    ...more,
  };
  return messagesWire.body(request, fieldsAsTaught(messagesWire.optionalFields(request), request.manner));
}

describe("a question to Claude", () => {
  test("has its persona apart, a limit always, and nothing that nobody has set", () => {
    expect(bodyOf(question)).toEqual({
      model: "claude-sonnet-5",
      max_tokens: 8_192,
      system: "Be brief.",
      messages: [{ role: "user", content: "One?" }],
      stream: true,
    });
    expect(bodyOf(question.slice(1), { maxTokens: 300 })).toMatchObject({ max_tokens: 300 });
    expect(bodyOf(question.slice(1))).not.toHaveProperty("system");
  });

  test.each([
    [undefined, undefined, 8_192],
    [64_000, undefined, 32_000],
    [4_096, undefined, 4_096],
    [4_096, 9_000, 4_096],
    [64_000, 50_000, 50_000],
  ])("of a model that writes at most %s tokens, with a limit of %s, is for %d", (answerTokens, maxTokens, sent) => {
    const can = { known: true, sees: true, tools: true, efforts: [], contextTokens: 200_000, answerTokens };
    expect(bodyOf(question, { can, maxTokens }).max_tokens).toBe(sent);
  });

  test("goes without marks where they are refused", async () => {
    const worded = [{ role: "system", content: "word ".repeat(4_000) } as const, ...question.slice(1)];
    const server = await createLlmServer(({ body }, response) => {
      const marks = JSON.stringify(body).includes("cache_control");
      if (marks) refuse(response, 400, "system.0.cache_control: Extra inputs are not permitted");
      else response.end(start() + said("Paris.") + end("end_turn"));
    });
    const { models } = speaking("anthropic", "messages", server.origin);
    const request = { model: "anthropic/m", messages: asMessages(worded) };
    for (const _ of [1, 2]) expect((await told(models, request)).text).toBe("Paris.");
    expect(server.heard).toHaveLength(3);
    await models.stop();
    await server.stop();
  });

  test.each([
    ["claude-haiku-4-5", 1.5, 1],
    ["claude-haiku-4-5", 0.3, 0.3],
    ["claude-opus-4-6", 0.3, 0.3],
    ["claude-sonnet-4-5-20250929", 0.3, 0.3],
    ["claude-3-5-sonnet-20241022", 0.3, 0.3],
    ["claude-opus-4-7", 0.3, undefined],
    ["claude-sonnet-5", 0.3, undefined],
    ["claude-sonnet-5-20260630", 0.3, undefined],
    ["claude-fable-5-1", 0.3, undefined],
    ["claude-sonnet-5-5", 0.3, undefined],
    ["claude-opus-5.5", 0.3, undefined],
  ])("%s at a temperature of %d is asked at %s", (model, temperature, sent) => {
    expect(bodyOf(question, { model, temperature }).temperature).toBe(sent);
  });

  test.each([
    ["claude-sonnet-5", { type: "adaptive", display: "summarized" }],
    ["claude-haiku-5-5", { type: "adaptive", display: "summarized" }],
    ["anthropic/claude-opus-5.5", { type: "adaptive", display: "summarized" }],
    ["claude-opus-4-8", undefined],
    ["claude-sonnet-4-5-20250929", undefined],
  ])("asks for the thoughts that %s has unasked, and for none that it would not have", (model, thinking) => {
    const can = {
      known: true,
      sees: true,
      tools: true,
      efforts: ["off", "low", "high"],
      contextTokens: 200_000,
    } as const;
    expect(bodyOf(question, { model, can, thoughts: true }).thinking).toEqual(thinking);
    expect(bodyOf(question, { model, can })).not.toHaveProperty("thinking");
  });

  test("holds no message without words: the wire takes none", () => {
    const worded: Worded[] = [...question, { role: "assistant", content: "" }, { role: "user", content: "Two?" }];
    expect(bodyOf(worded).messages).toEqual([
      { role: "user", content: "One?" },
      { role: "user", content: "Two?" },
    ]);
  });

  const long = "word ".repeat(1_000);
  test("marks what the next question begins with, where it is long enough to be kept", () => {
    const body = bodyOf([
      { role: "system", content: long },
      { role: "user", content: "One?" },
      { role: "assistant", content: "One." },
      { role: "user", content: "Two?" },
    ]);
    expect(body.system).toEqual([{ type: "text", text: long, cache_control: mark }]);
    expect(body.messages).toEqual([
      { role: "user", content: "One?" },
      { role: "assistant", content: "One." },
      { role: "user", content: [{ type: "text", text: "Two?", cache_control: mark }] },
    ]);
    expect(body).not.toHaveProperty("cache_control");
  });

  test("counts tools as the beginning that they are, and marks them where no persona follows", () => {
    const tools = [{ name: "clock", description: long, parameters: { type: "object" } }];
    const body = bodyOf(question, { tools });
    expect(body.system).toEqual([{ type: "text", text: "Be brief.", cache_control: mark }]);
    expect(JSON.stringify(body.tools)).not.toContain("cache_control");
    expect(body.messages[0].content).toEqual([{ type: "text", text: "One?", cache_control: mark }]);
    expect(bodyOf(question.slice(1), { tools }).tools[0]).toMatchObject({ name: "clock", cache_control: mark });
    expect(
      JSON.stringify(bodyOf(question, { tools: [{ ...tools[0], name: "a", parameters: {}, description: "b" }] })),
    ).not.toContain("cache_control");
  });

  test("marks the last result of a step", () => {
    const calls = [{ id: "a", name: "clock", arguments: "{}" }];
    const { messages } = bodyOf([], {
      tools: [{ name: "clock", description: "", parameters: {} }],
      messages: [
        ...asMessages(question),
        { role: "assistant", content: [], calls },
        {
          role: "tool",
          content: asMessages([{ role: "user", content: long }])[0]?.content ?? [],
          answers: { id: "a", name: "clock" },
        },
      ],
    });
    expect(messages.at(-1)).toEqual({
      role: "user",
      content: [{ type: "tool_result", tool_use_id: "a", content: long, cache_control: mark }],
    });
  });

  test("marks a long conversation under a short persona at its end alone", () => {
    const body = bodyOf([question[0] as Worded, { role: "user", content: long }]);
    expect(body.system).toBe("Be brief.");
    expect(body.messages[0].content).toEqual([{ type: "text", text: long, cache_control: mark }]);
  });

  test.each([
    ["claude-sonnet-5", true],
    ["claude-haiku-4-5", false],
    ["claude-haiku-4-5-20251001", false],
    ["claude-opus-5-5", true],
  ])("of %s with a prefix of 5,000 characters: marked %s", (model, marked) => {
    const body = bodyOf([{ role: "system", content: long }, ...question.slice(1)], { model });
    expect(JSON.stringify(body).includes("cache_control")).toBe(marked);
  });

  test.each([
    ["claude-opus-5", 512],
    ["claude-opus-5-5", 512],
    ["claude-sonnet-5-5", 512],
    ["claude-haiku-5.5", 512],
    ["claude-fable-5-1", 512],
    ["claude-sonnet-5", 1_024],
    ["claude-sonnet-5-20260630", 1_024],
    ["claude-sonnet-4-6", 1_024],
    ["claude-opus-4-1", 1_024],
    ["claude-opus-4-8", 1_024],
    ["claude-opus-4-7", 2_048],
    ["claude-3-5-haiku-latest", 2_048],
    ["claude-opus-4-5", 4_096],
    ["claude-haiku-4-5", 4_096],
    ["somebody-elses", 1_024],
  ])("%s keeps a prefix of %d tokens and more", (model, tokens) => {
    expect(cacheMinimum(model)).toBe(tokens);
  });

  test("marks nothing where that was refused", () => {
    const manner = { ...untaught, refused: new Set(["cache_control"]) };
    expect(JSON.stringify(bodyOf([{ role: "user", content: long }], { manner }))).not.toContain("cache_control");
  });

  test("is asked for no longer an answer than the model has said that it gives", () => {
    const manner = { ...untaught, mostTokens: 4_096 };
    expect(bodyOf(question, { manner }).max_tokens).toBe(4_096);
    expect(bodyOf(question, { manner, maxTokens: 300 }).max_tokens).toBe(300);
  });

  test("gives back to the model what it has written itself in this turn, as it was; to another one its words", () => {
    const content = [
      { type: "thinking", thinking: "Hmm.", signature: "c2ln" },
      { type: "text", text: "Let me look." },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } },
    ];
    const [asked] = asMessages(question.slice(1));
    const [step] = asMessages([{ role: "assistant", content: "Let me look." }]);
    if (asked === undefined || step === undefined) throw new Error("no messages");
    const given = (model: string) =>
      bodyOf([], { messages: [asked, { ...step, native: { model, content } }] }).messages[1].content;
    expect(given("anthropic/claude-sonnet-5")).toEqual(content);
    expect(given("anthropic/claude-haiku-4-5")).toBe("Let me look.");
  });
});

const line = (data: object): string => `data: ${JSON.stringify(data)}\n\n`;
const start = (usage: object = { input_tokens: 9, output_tokens: 1 }) =>
  line({ type: "message_start", message: { type: "message", role: "assistant", content: [], usage } });
const block = (index: number, content_block: object, ...deltas: object[]): string =>
  line({ type: "content_block_start", index, content_block }) +
  deltas.map((delta) => line({ type: "content_block_delta", index, delta })).join("") +
  line({ type: "content_block_stop", index });
const said = (text: string) => block(1, { type: "text", text: "" }, { type: "text_delta", text });
const end = (stop_reason: string | null, usage: object = { output_tokens: 4 }) =>
  line({ type: "message_delta", delta: { stop_reason, stop_sequence: null }, usage }) + line({ type: "message_stop" });

function read(...pieces: string[]) {
  const reader = createAnswerReader({ wire: messagesWire });
  for (const piece of pieces) reader.push(piece);
  return reader;
}

describe("an answer of Claude", () => {
  test.each([
    ["end_turn", "stop"],
    ["stop_sequence", "stop"],
    ["tool_use", "stop"],
    ["max_tokens", "length"],
    ["pause_turn", "length"],
    ["model_context_window_exceeded", "length"],
    ["refusal", "filtered"],
    ["something_new", "stop"],
    [null, "stop"],
  ])("that ends with %s has ended so: %s", (reason, finish) => {
    const reader = read(start(), said("Paris."), end(reason));
    expect([reader.takeText(), reader.finish, reader.complete]).toEqual(["Paris.", finish, true]);
  });

  test("without a word, because the window was full, is a prompt that was too long", async () => {
    const server = await createLlmServer((_, response) => response.end(start() + end("model_context_window_exceeded")));
    const { models } = speaking("anthropic", "messages", server.origin);
    expect((await told(models, { model: "anthropic/m" })).failed).toBe("context-overflow");
    await models.stop();
    await server.stop();
  });

  test("counts what came from its cache and what went there as input, and only the end's output", () => {
    const counts = { input_tokens: 5, cache_read_input_tokens: 900, cache_creation_input_tokens: 80, output_tokens: 1 };
    expect(read(start(counts), said("x")).usage).toBeUndefined();
    expect(read(start(counts), said("x"), end("end_turn", { output_tokens: 44 })).usage).toEqual({
      inputTokens: 985,
      cachedTokens: 900,
      cacheWriteTokens: 80,
      outputTokens: 44,
    });
    const anew = {
      input_tokens: 6,
      cache_read_input_tokens: null,
      output_tokens: 44,
      output_tokens_details: { thinking_tokens: 12 },
    };
    expect(read(start(counts), said("x"), end("end_turn", anew)).usage).toMatchObject({
      inputTokens: 986,
      cachedTokens: 900,
      outputTokens: 44,
      reasoningTokens: 12,
    });
    expect(read(start({ input_tokens: -1 }), said("x"), end("end_turn")).usage).toBeUndefined();
  });

  test("has its thoughts put together with their signatures, to go back as they came", () => {
    const reader = read(
      start(),
      block(
        0,
        { type: "thinking", thinking: "", signature: "" },
        { type: "thinking_delta", thinking: "Hm" },
        { type: "thinking_delta", thinking: "m." },
        { type: "signature_delta", signature: "c2ln" },
      ),
      block(1, { type: "redacted_thinking", data: "b3BhcXVl" }),
      block(
        2,
        { type: "text", text: "" },
        { type: "text_delta", text: "Let me " },
        { type: "text_delta", text: "look." },
      ),
      block(
        3,
        { type: "tool_use", id: "toolu_1", name: "weather", input: {} },
        { type: "input_json_delta", partial_json: "" },
        { type: "input_json_delta", partial_json: '{"city":"Par' },
        { type: "input_json_delta", partial_json: 'is"}' },
      ),
      block(4, { type: "tool_use", id: "toolu_2", name: "now", input: {} }),
      block(
        5,
        { type: "tool_use", id: "toolu_3", name: "now", input: {} },
        { type: "input_json_delta", partial_json: "{broken" },
      ),
      end("tool_use"),
    );
    expect(reader.takeText()).toBe("Let me look.");
    expect(reader.takeSummary()).toBe("Hmm.");
    expect(reader.native).toEqual([
      { type: "thinking", thinking: "Hmm.", signature: "c2ln" },
      { type: "redacted_thinking", data: "b3BhcXVl" },
      { type: "text", text: "Let me look." },
      { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "Paris" } },
      { type: "tool_use", id: "toolu_2", name: "now", input: {} },
      { type: "tool_use", id: "toolu_3", name: "now", input: {} },
    ]);
  });

  test("goes back without texts that say nothing: the wire refuses them", () => {
    const blank = (index: number, text: string) =>
      block(index, { type: "text", text: "" }, { type: "text_delta", text });
    const call = { type: "tool_use", id: "toolu_1", name: "now", input: {} };
    const reader = read(start(), blank(0, ""), blank(1, "\n\n"), block(2, call), end("tool_use"));
    expect(reader.native).toEqual([call]);
  });

  test("of text alone has nothing more to go back", () => {
    expect(read(start(), said("Paris."), end("end_turn")).native).toBeUndefined();
  });

  test("is alive while it thinks unseen, as long as pings come", () => {
    const reader = read(start());
    reader.push(line({ type: "ping" }));
    expect(reader.takeLife()).toBe(false);
    reader.push(line({ type: "content_block_start", index: 0, content_block: { type: "thinking", thinking: "" } }));
    expect(reader.takeLife()).toBe(false);
    reader.push(line({ type: "ping" }));
    expect(reader.takeLife()).toBe(true);
    reader.push(line({ type: "content_block_stop", index: 0 }));
    reader.takeLife();
    reader.push(line({ type: "ping" }));
    expect(reader.takeLife()).toBe(false);
  });
});
