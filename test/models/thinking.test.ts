/** How much a model shall think, in each provider's own words, and what its refusals teach. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config, ProviderConfig } from "../../src/config/config.ts";
import type { WireName } from "../../src/config/providers.ts";
import { createModels } from "../../src/models/chain.ts";
import { createAnswerReader } from "../../src/models/wires/answer-reader.ts";
import { chatCompletions } from "../../src/models/wires/chat-completions.ts";
import { messagesThinking, responsesThinking, type Thinking } from "../../src/models/wires/thinking.ts";
import type { Effort, Models } from "../../src/ports/models.ts";
import { createLlmServer, event, type Heard, type LlmServer, paris, refuse } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";

let server: LlmServer;
let models: (Models & { stop(): Promise<void> }) | undefined;

beforeEach(async () => {
  server = await createLlmServer((_, response) => void response.end(paris));
});
afterEach(async () => {
  await models?.stop();
  await server.stop();
});

function open(provider: string, more: Partial<Config["models"]> = {}, wire: WireName = "chat"): Models {
  const config: ProviderConfig = {
    name: provider,
    baseUrl: `${server.origin}/v1`,
    apiKey: "sk-0123456789",
    wire,
  };
  models = createModels({
    models: { names: [], chains: {}, fallbacks: [], providers: [config], ...more },
    log: { info: () => undefined, warn: () => undefined },
    timers: { usageMs: 50, backoffMs: 5 },
  });
  return models;
}

async function ask(asked: Models, model: string, effort?: Effort): Promise<string> {
  const request = { model, effort, messages: asMessages([{ role: "user", content: "Capital of France?" }]) };
  let text = "";
  for await (const event of asked.answer(request, new AbortController().signal)) {
    if (event.type === "text-delta") text += event.text;
  }
  return text;
}

function told({ body }: Heard): Record<string, unknown> {
  const { model, messages, stream, stream_options, ...fields } = body;
  return fields;
}

const last = () => told(server.heard.at(-1) as Heard);

describe("on Chat Completions", () => {
  test.each<[string, Effort, object]>([
    ["openai/gpt-6-luna", "off", { reasoning_effort: "none" }],
    ["openai/gpt-6-luna", "high", { reasoning_effort: "high" }],
    ["openai/gpt-5-mini", "off", { reasoning_effort: "minimal" }],
    ["openai/gpt-4.1", "high", {}],
    ["azure/gpt-6-luna", "low", { reasoning_effort: "low" }],
    ["gemini/gemini-3.5-flash-lite", "off", { reasoning_effort: "minimal" }],
    ["gemini/gemini-2.5-flash", "high", { reasoning_effort: "high" }],
    ["anthropic/claude-haiku-4-5", "high", { thinking: { type: "enabled", budget_tokens: 16_000 } }],
    ["anthropic/claude-haiku-4-5", "off", { thinking: { type: "disabled" } }],
    ["deepseek/deepseek-flash", "high", { thinking: { type: "enabled" }, reasoning_effort: "high" }],
    ["deepseek/deepseek-flash", "off", { thinking: { type: "disabled" } }],
    ["moonshot/kimi-k2.6", "low", { thinking: { type: "enabled" } }],
    ["moonshot/kimi-k3", "low", { reasoning_effort: "low" }],
    ["qwen/qwen-plus", "high", { enable_thinking: true }],
    ["qwen/qwen-plus", "off", { enable_thinking: false }],
    ["zai/glm-4.7", "high", { thinking: { type: "enabled" } }],
    ["zai/glm-5.3", "low", { thinking: { type: "enabled" }, reasoning_effort: "low" }],
    ["mistral/mistral-small-latest", "off", { reasoning_effort: "none" }],
    ["groq/qwen/qwen3.6-27b", "high", { reasoning_effort: "default" }],
    ["cerebras/gpt-oss-120b", "off", { reasoning_effort: "low" }],
    ["openrouter/openai/gpt-6-luna", "off", { reasoning: { effort: "none" } }],
    ["ollama/qwen3:8b", "off", { reasoning_effort: "none" }],
    ["mine/x", "high", { reasoning_effort: "high" }],
  ])("%s is told %s", async (model, effort, fields) => {
    expect(await ask(open(model.slice(0, model.indexOf("/"))), model, effort)).toBe("Paris.");
    expect(last()).toEqual(fields);
  });

  test.each([
    ["openai/gpt-6-luna", {}],
    ["deepseek/deepseek-flash", { thinking: { type: "disabled" } }],
    ["moonshot/kimi-k2.6", { thinking: { type: "disabled" } }],
    ["qwen/qwen-plus", { enable_thinking: false }],
    ["zai/glm-4.7", { thinking: { type: "disabled" } }],
    ["groq/openai/gpt-oss-120b", { reasoning_effort: "low" }],
    ["cerebras/gpt-oss-120b", { reasoning_effort: "low" }],
  ])("%s, of which nobody has set anything, is asked as a chat wants it", async (model, fields) => {
    await ask(open(model.slice(0, model.indexOf("/"))), model);
    expect(last()).toEqual(fields);
  });
});

test.each([
  [40_000, { type: "enabled", budget_tokens: 16_000 }],
  [8_000, { type: "enabled", budget_tokens: 4_000 }],
  [300, undefined],
])("thoughts of Claude leave room for an answer of %d tokens on Chat Completions, too", async (maxTokens, thinking) => {
  await ask(open("anthropic", { maxTokens }), "anthropic/claude-haiku-4-5", "high");
  expect(last()).toEqual({ max_tokens: maxTokens, ...(thinking && { thinking }) });
});

describe("thoughts", () => {
  const thinks = `${event({ reasoning_content: "The user " })}${event({ reasoning_content: "asks." })}${paris}`;
  const shown = async (thoughts: boolean) => {
    let text = "";
    const request = {
      model: "deepseek/deepseek-flash",
      thoughts,
      messages: asMessages([{ role: "user", content: "?" }]),
    };
    for await (const one of open("deepseek").answer(request, new AbortController().signal)) {
      if (one.type === "thought-delta") text += one.text;
    }
    return text;
  };

  test("come as the provider offers them, to who wants them alone", async () => {
    server.answer = (_, response) => void response.end(thinks);
    expect(await shown(true)).toBe("The user asks.");
    expect(await shown(false)).toBe("");
  });

  test("may stand in details alone, of which only a summary is shown; what is encrypted is a sign of life", () => {
    const details = (...all: object[]) => event({ content: "", reasoning_details: all });
    const reader = createAnswerReader({ wire: chatCompletions });
    reader.push(details());
    expect(reader.takeLife()).toBe(false);
    reader.push(details({ type: "reasoning.encrypted", data: "ZW5j" }));
    expect([reader.takeLife(), reader.takeSummary()]).toEqual([true, ""]);
    reader.push(details({ type: "reasoning.summary", summary: "The user asks." }));
    expect([reader.takeLife(), reader.takeSummary()]).toEqual([true, "The user asks."]);
  });
});

describe("on the providers' own wires", () => {
  const body = async (wire: WireName, model: string, how: { effort?: Effort; thoughts?: boolean }, more = {}) => {
    server.answer = (_, response) => refuse(response, 418, "enough");
    const asked = open(model.slice(0, model.indexOf("/")), more, wire);
    const request = { model, ...how, messages: asMessages([{ role: "user", content: "?" }]) };
    const events = asked.answer(request, new AbortController().signal)[Symbol.asyncIterator]();
    while (!(await events.next().catch(() => ({ done: true }))).done);
    return server.heard[0]?.body;
  };

  test("Responses is told by an object", async () => {
    const told = await body("responses", "openai/gpt-6-luna", { effort: "low", thoughts: true });
    expect(told.reasoning).toEqual({ effort: "low", summary: "auto" });
  });

  test("Responses is told nothing of thoughts for a model that has none", async () => {
    expect(await body("responses", "openai/gpt-4.1", { effort: "high", thoughts: true })).not.toHaveProperty(
      "reasoning",
    );
  });

  test("Messages has room for thoughts, and no temperature beside them", async () => {
    const told = await body(
      "messages",
      "anthropic/claude-haiku-4-5",
      { effort: "high", thoughts: true },
      { temperature: 0.5 },
    );
    expect(told).toMatchObject({
      max_tokens: 32_000,
      thinking: { type: "enabled", budget_tokens: 16_000, display: "summarized" },
    });
    expect(told).not.toHaveProperty("temperature");
  });

  test("Messages has the effort of newer models beside", async () => {
    const told = await body("messages", "anthropic/claude-sonnet-5-5", { effort: "off", thoughts: true });
    expect(told).toMatchObject({
      thinking: { type: "adaptive", display: "summarized" },
      output_config: { effort: "low" },
    });
  });

  test("Messages is asked as before where nobody has set anything", async () => {
    const told = await body("messages", "anthropic/claude-haiku-4-5", {}, { temperature: 0.5 });
    expect(told).toMatchObject({ max_tokens: 32_000, temperature: 0.5 });
    expect(told).not.toHaveProperty("thinking");
  });
});

describe("an effort of the configuration", () => {
  const more = {
    chains: { "mine/a": [{ model: "mine/a", effort: "low" as const }, { model: "mine/b" }] },
    fallbacks: [{ model: "mine/c", effort: "high" as const }],
  };

  test("holds for the model that it stands behind, until somebody chooses, and never shows in a name", async () => {
    const asked = open("mine", more);
    await ask(asked, "mine/a");
    await ask(asked, "mine/a", "high");
    server.answer = ({ body }, response) => {
      if (body.model === "c") response.end(paris);
      else refuse(response, 503, "down");
    };
    await ask(asked, "mine/a");
    expect(server.heard.map(({ body }) => [body.model, body.reasoning_effort])).toEqual([
      ["a", "low"],
      ["a", "high"],
      ["a", "low"],
      ["b", undefined],
      ["c", "high"],
    ]);
  });
});

describe("a refusal", () => {
  test("of a level leads to the next, and is remembered for the model", async () => {
    server.answer = ({ body }, response) => {
      if (body.reasoning_effort !== "none") response.end(paris);
      else refuse(response, 400, "Unsupported value: 'reasoning_effort' does not support 'none' with this model.");
    };
    const asked = open("openai");
    expect(await ask(asked, "openai/gpt-6-luna", "off")).toBe("Paris.");
    expect(asked.capabilities("openai/gpt-6-luna").efforts).toEqual(["low", "high"]);
    await ask(asked, "openai/gpt-6-luna", "off");
    expect(server.heard.map(({ body }) => body.reasoning_effort)).toEqual(["none", "low", "low"]);
  });

  test("of the field ends it for the model, and no other one", async () => {
    server.answer = ({ body }, response) => {
      if (body.reasoning_effort === undefined || body.model !== "a") response.end(paris);
      else
        refuse(response, 422, {
          detail: [{ loc: ["body", "reasoning_effort"], msg: "Extra inputs are not permitted" }],
        });
    };
    const asked = open("mine");
    for (const effort of ["high", "low", "off"] as const) expect(await ask(asked, "mine/a", effort)).toBe("Paris.");
    await ask(asked, "mine/b", "low");
    expect(server.heard.map(({ body }) => body.reasoning_effort)).toEqual([
      "high",
      undefined,
      undefined,
      undefined,
      "low",
    ]);
    expect(asked.capabilities("mine/a").efforts).toEqual([]);
  });

  test("of what is sent though nobody has set it is dropped as before", async () => {
    server.answer = ({ body }, response) => {
      if (body.enable_thinking === undefined) response.end(paris);
      else refuse(response, 400, "parameter.enable_thinking must be set to true");
    };
    const asked = open("qwen");
    expect([await ask(asked, "qwen/qwq-plus"), await ask(asked, "qwen/qwq-plus")]).toEqual(["Paris.", "Paris."]);
    expect(server.heard).toHaveLength(3);
  });

  test.each([
    "max_tokens is too large: 9000. This model supports at most 4096 completion tokens, whereas you provided 9000.",
    "Range of max_tokens is [1, 4096]",
    "max_tokens: 9000 > 4096, which is the maximum allowed number of output tokens for m",
    "`max_tokens` must be less than or equal to `4096`, the maximum value for this model",
  ])("of a long answer teaches how long one may be: %s", async (complaint) => {
    server.answer = ({ body }, response) => {
      if (body.max_tokens <= 4096) response.end(paris);
      else refuse(response, 400, complaint);
    };
    const asked = open("mine", { maxTokens: 9000 });
    expect([await ask(asked, "mine/m"), await ask(asked, "mine/m")]).toEqual(["Paris.", "Paris."]);
    expect(server.heard.map(({ body }) => body.max_tokens)).toEqual([9000, 4096, 4096]);
  });

  test.each([
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
    "the request exceeds the available context size (8192 tokens), try increasing it",
    "Range of input length should be [1, 8192]",
    "prompt is too long: 9001 tokens > 8192 maximum",
  ])("of a conversation teaches how much is read: %s", async (complaint) => {
    server.answer = (_, response) => refuse(response, 400, complaint);
    const asked = open("mine");
    await ask(asked, "mine/m").catch(() => undefined);
    expect(asked.capabilities("mine/m").contextTokens).toBe(8_192);
  });
});

test("no longer answer is asked for than the model writes", async () => {
  const asked = open("openai", { maxTokens: 200_000 });
  await ask(asked, "openai/gpt-4.1");
  expect(last()).toEqual({ max_completion_tokens: 32_768 });
});

describe("on the other wires", () => {
  const low: Thinking = { level: "low", word: "low", effort: "low" };
  const off: Thinking = { level: "off", word: "off", effort: "off" };
  const budget: Thinking = { level: "budget", word: "budget", effort: "high" };
  const room = { thoughts: false, maxTokens: 64_000, unasked: false, stoppable: true };

  test("Responses has it in an object, with the summary that was asked for", () => {
    expect(responsesThinking(low, false)).toEqual({ reasoning: { effort: "low" } });
    expect(responsesThinking(low, true)).toEqual({ reasoning: { effort: "low", summary: "auto" } });
    expect(responsesThinking(off, true)).toEqual({ reasoning: { effort: "none" } });
    expect(responsesThinking(undefined, true)).toEqual({ reasoning: { summary: "auto" } });
    expect(responsesThinking(undefined, false)).toEqual({});
  });

  test("Messages has an effort or a budget, which leaves room for the answer", () => {
    expect(messagesThinking(low, room)).toEqual({ thinking: { type: "adaptive" }, output_config: { effort: "low" } });
    expect(messagesThinking(off, { ...room, thoughts: true })).toEqual({ thinking: { type: "disabled" } });
    expect(messagesThinking(budget, { ...room, thoughts: true })).toEqual({
      thinking: { type: "enabled", budget_tokens: 16_000, display: "summarized" },
    });
    expect(messagesThinking(budget, { ...room, maxTokens: 4_096 })).toEqual({
      thinking: { type: "enabled", budget_tokens: 2_048 },
    });
    expect(messagesThinking(budget, { ...room, maxTokens: 1_500 })).toEqual({});
    expect(messagesThinking(undefined, { ...room, thoughts: true })).toEqual({});
    const unasked = { ...room, unasked: true };
    expect(messagesThinking(undefined, { ...unasked, thoughts: true })).toEqual({
      thinking: { type: "adaptive", display: "summarized" },
    });
    expect(messagesThinking(undefined, unasked)).toEqual({});
    for (const maxTokens of [16, 2_000])
      expect(messagesThinking(undefined, { ...unasked, maxTokens })).toEqual({ thinking: { type: "disabled" } });
    expect(messagesThinking(undefined, { ...unasked, maxTokens: 16, stoppable: false })).toEqual({});
  });
});
