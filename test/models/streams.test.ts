import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createModels } from "../../src/models/chain.ts";
import { type AnswerReader, createAnswerReader } from "../../src/models/wires/answer-reader.ts";
import { chatCompletions } from "../../src/models/wires/chat-completions.ts";
import { createThoughtFilter } from "../../src/models/wires/thoughts.ts";
import { createScriptedModel } from "../../src/playground/model/scripted-model.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { asMessages } from "../support/messages.ts";

const folder = new URL("../fixtures/provider-streams/", import.meta.url);

/** What each recorded stream must come to: its text, then how it ended or the kind of its error. */
const expected: Record<
  string,
  readonly [text: string, end: string, usage?: readonly [number, number, number] | undefined, pictures?: number]
> = {
  "openai-usage-after-finish": ["Paris is the capital of France. 🗼", "stop", [1200, 1024, 9]],
  "openai-refusal": ["I'm sorry, I can't help with that.", "stop"],
  "azure-content-filter": ["The first part", "filtered"],
  "gemini-cumulative-usage": ["Grüezi mitenand!", "stop", [14, 0, 30]],
  "anthropic-compatible": ["Hello there", "stop", [21, 0, 4]],
  "deepseek-reasoning": ["你好！", "stop", [128, 64, 30]],
  "deepseek-overloaded": ["Half an answer", "error upstream"],
  "mistral-content-parts": ["Quarante-deux", "stop", [10, 0, 20]],
  "groq-own-usage": ["Fast.", "stop", [33, 0, 7]],
  "openrouter-comments": ["Routed well.", "stop", [5, 0, 3]],
  "openrouter-error-in-stream": ["Once upon", "error upstream"],
  "openrouter-rate-limit-in-stream": ["", "error rate-limit"],
  "xai-reasoning-outside": ["Indeed", "stop", [10, 6, 102]],
  "moonshot-usage-in-choice": ["Moonshot", "stop", [19, 0, 13]],
  "ollama-think-tags": ["Here is `<think>` as text.", "stop"],
  "ollama-only-thoughts": ["", "error empty"],
  "ollama-error-in-stream": ["One", "error upstream"],
  "vllm-crlf": ["Line one\nline two", "length", [7, 0, 20]],
  "lmstudio-no-space": ["Tight lines", "stop"],
  "lmstudio-model-unloaded": ["Going", "error upstream"],
  "llama.cpp-no-blank-lines": ["No gaps", "stop"],
  "llama.cpp-bom": ["Marked", "stop"],
  "together-eos": ["Done it", "stop", [3, 0, 2]],
  "relay-words-between": ["Paris.", "stop"],
  "relay-word-alone": ["", "error auth"],
  "relay-data-twice": ["Paris.", "stop"],
  "relay-no-done": ["All of it", "stop"],
  "relay-no-finish": ["Nearly all of it", "stop"],
  "relay-cut-clean": ["Cut here", "error truncated"],
  "relay-cut-in-event": ["Cut", "error truncated"],
  "relay-broken-json": ["Bro", "error upstream"],
  "relay-only-whitespace": ["", "error empty"],
  "relay-tool-call": ["", "error empty"],
  "relay-split-surrogates": ["face 😀!", "stop"],
  "relay-full-message-at-end": ["Once", "stop"],
  "relay-empty-finish-reasons": ["AB", "stop"],
  // Finish reasons.
  "relay-finish-in-every-chunk": ["One two three", "stop"],
  "relay-null-as-a-string": ["One two three", "stop"],
  "relay-stop-after-reasoning": ["Forty-two", "stop"],
  "relay-stop-between": ["Forty-two", "length"],
  "relay-unknown-finish-reasons": ["ABC", "stop"],
  "relay-done-alone": ["AB", "stop"],
  // Roles, deltas and choices.
  "relay-no-errors": ["ABC", "stop"],
  "relay-odd-roles": ["ABCD", "stop"],
  "relay-messages-for-deltas": ["Par is!", "stop"],
  "dashscope-growing-messages": ["Paris is", "stop"],
  "vllm-text-for-deltas": ["Paris", "stop"],
  "relay-odd-content": ["ABCD4E", "stop"],
  "relay-odd-choices": ["ABC", "stop"],
  "relay-delta-is-a-string": ["AB", "stop"],
  "relay-mixed-line-ends": ["ABC", "stop"],
  "vllm-numbers-that-are-none": ["A NaN, text: NaN,", "stop"],
  "relay-lines-of-a-log": ["AB", "stop"],
  // Bodies that are no events.
  "openai-whole-answer": ["Paris is the capital.\n\nOf France.", "stop", [9, 0, 7]],
  "relay-whole-answer-unfinished": ["Paris is the capital.\n\nOf France.", "stop"],
  "relay-whole-answer-in-an-event": ["Paris is the capital.\n\nOf France.", "stop", [9, 0, 7]],
  "relay-json-lines": ["AB", "stop"],
  "relay-json-lines-cut": ["AB", "error truncated"],
  "relay-whole-answer-then-nothing": ["", "error not-a-stream"],
  "ollama-own-stream": ["Hello", "stop"],
  "ollama-generate": ["Hello", "stop"],
  "ollama-generate-cut": ["Hello", "error truncated"],
  "cloudflare-pieces": ["Paris.", "stop", [9, 0, 3]],
  "cloudflare-result": ["Paris.", "stop", [9, 0, 3]],
  "relay-data-around-choices": ["Paris.", "stop", [9, 0, 3]],
  // Errors.
  "relay-error-without-data": ["", "error auth"],
  "relay-error-without-data-after-text": ["Half", "error quota"],
  "relay-error-with-code-alone": ["", "error auth"],
  "llama.cpp-error-line": ["", "error context-overflow"],
  "relay-error-event-in-words": ["Half", "error upstream"],
  "gemini-error-array": ["", "error rate-limit"],
  // Thoughts.
  "vllm-thoughts-without-beginning": ["Paris.", "stop"],
  "seed-think": ["The answer", "stop"],
  "relay-nested-thoughts": ["Paris.", "stop"],
  "relay-thoughts-that-mention-thoughts": ["It begins  thoughts.", "stop"],
  "relay-reflection": ["Two.", "stop"],
  "cohere-marks": ["Paris <b> it is.", "stop"],
  "relay-reasoning-tag": ["The answer", "stop"],
  "magistral-think-tags": ["Oui", "stop"],
  "gpt-oss-channels": ["Paris <|is|> it.", "stop"],
  "gpt-oss-lost-marks": ["Paris.", "stop"],
  "relay-mentions-thoughts": [
    "Wrap it in `<think>` and `</think>`, or say </think> in passing:\n\n```\nx</think>\n```\n\nThen <think>so</think> it is.",
    "stop",
  ],
  // Usage and pictures.
  "relay-absurd-usage": ["AB", "stop"],
  "relay-usage-in-strings": ["A", "stop", [12, 0, 3]],
  "openrouter-pictures": ["Here it is.", "stop", [5, 0, 1290], 2],
  "relay-pictures-alone": ["", "stop", undefined, 2],
  "relay-picture-parts": ["Look", "stop", undefined, 1],
  "relay-picture-in-markdown": ["Look:  nice", "stop", undefined, 1],
};

const recorded = readdirSync(folder).map((file) => ({
  name: file.replace(/\.sse$/, ""),
  bytes: readFileSync(new URL(file, folder)),
}));

test("every recorded stream has an expectation, and every expectation its stream", () => {
  expect(recorded.map(({ name }) => name).sort()).toEqual(Object.keys(expected).sort());
});

describe("a recorded stream, over HTTP", () => {
  test.each(recorded)("$name", async ({ name, bytes }) => {
    const [text, end, usage, pictures] = expected[name] ?? ["", ""];
    const server = await createScriptedModel();
    server.script.always({ rawChunks: pieces(bytes, 37) });
    const models = createModels({
      models: {
        names: ["relay/m"],
        chains: {},
        fallbacks: [],
        providers: [{ name: "relay", baseUrl: server.url, apiKey: "k" }],
      },
      log: { info() {}, warn() {} },
      timers: { refusedMs: 0, failedMs: 0 },
    });
    let read = "";
    let last: ModelEvent | undefined;
    let ended = "";
    try {
      for await (const event of models.answer(
        { model: "relay/m", messages: asMessages([{ role: "user", content: "?" }]) },
        new AbortController().signal,
      )) {
        if (event.type === "text-delta") read += event.text;
        if (event.type === "text-reset") read = "";
        last = event;
      }
      ended = last?.type === "answer-end" ? last.finish : "nothing";
    } catch (error) {
      ended = `error ${(error as { kind: string }).kind}`;
    } finally {
      await models.stop();
      await server.stop();
    }
    expect([read, ended]).toEqual([text, end]);
    if (usage !== undefined) {
      const [inputTokens, cachedTokens, outputTokens] = usage;
      expect(last).toMatchObject({ usage: { inputTokens, cachedTokens, outputTokens } });
    } else if (last?.type === "answer-end") expect(last.usage).toBeUndefined();
    if (last?.type === "answer-end") expect(last.pictures).toBe(pictures);
  });
});

describe("the reader", () => {
  test.each(recorded)("reads $name the same, wherever the network cuts it", ({ bytes }) => {
    const stream = bytes.toString("utf8");
    const whole = outcomeOf(createAnswerReader({ wire: chatCompletions }), [stream]);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: stream.length }), { maxLength: 12 }), (cuts) => {
        const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
        const parts = places.slice(1).map((to, index) => stream.slice(places[index], to));
        expect(outcomeOf(createAnswerReader({ wire: chatCompletions }), parts)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  test("gives up an event that never ends", () => {
    const reader = createAnswerReader({ wire: chatCompletions });
    reader.push("data: {");
    for (let piece = 0; piece < 5; piece++) reader.push(" ".repeat(1024 * 1024));
    expect(reader.failure).toBeDefined();
  });

  test("gives the deltas of one piece of the network as one text", () => {
    const reader = createAnswerReader({ wire: chatCompletions });
    reader.push(
      ["a", "b", "c"].map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`).join(""),
    );
    expect(reader.takeText()).toBe("abc");
    expect(reader.takeText()).toBe("");
  });
});

describe("thoughts", () => {
  const filtered = (...parts: string[]): string => {
    let shown = "";
    const filter = createThoughtFilter({
      onRetract() {
        shown = "";
      },
    });
    for (const part of [...parts, undefined]) {
      const more = part === undefined ? filter.end() : filter.push(part);
      shown += more;
    }
    return shown;
  };

  test.each([
    ["<think>a</think>b", "b"],
    ["\n<THINK>a</Think>\n\nb", "b"],
    ["<think></think>\n\n<thinking>x</thinking> b", "b"],
    ["<think>never closed", ""],
    ["<thin", "<thin"],
    ["<thinker>", "<thinker>"],
    ["  indented", "  indented"],
    ["say <think>x</think>", "say <think>x</think>"],
    ["<thought>a < b</thought>c", "c"],
    ["<seed:think>a</think></seed:think>c", "c"],
    ["<reasoning>\na</reasoning>\nc", "c"],
    ["<thinking>a</thinking>c", "c"],
    ["<think>a</think >c", "c"],
    ["<think>a</thinking>\n\nc", "c"],
    ["<thinking>a</THINK>\n\nc", "c"],
    ["<think>not `</thinking>` yet</think>c", "c"],
    ["a</think>c", "c"],
    ["a\n</think>\n\nc", "c"],
    ["a `b \n</think>\n\nc </think>", "c </think>"],
    ["a. </Think> C", "C"],
    ["a</reasoning>c", "c"],
    ["a</seed:think>c", "c"],
    ["a</think>", ""],
    ["</think>\n\nc", "c"],
    ["\n</think><think>a</think>c", "c"],
    ["Say `</think>` to end it.", "Say `</think>` to end it."],
    ["Say </think> to end it.", "Say </think> to end it."],
    ["It ends with </think>.", "It ends with </think>."],
    ['The tag "</think>" ends it.', 'The tag "</think>" ends it.'],
    ["```xml\n<think>\n</think>\n```\nc", "```xml\n<think>\n</think>\n```\nc"],
    ["`<think>` begins it", "`<think>` begins it"],
    ["</thing>", "</thing>"],
    ["analysis of it", "analysis of it"],
    ["analysis", "analysis"],
    ["analysisHmm.assistantfinalc", "c"],
    ["The assistantfinal exam", "The assistantfinal exam"],
    ["<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>c<|return|>", "c"],
    ["<|start|>assistant<|channel|>final <|constrain|>text<|message|>c", "c"],
    ["<|channel|>analysis<|message|>a", ""],
    ["<|channel|>analysis<|message|>a<|end|>c", "c"],
    ["<|message|>c < d <| e", "c < d <| e"],
    ["<|im|>", "<|im|>"],
  ])("%j shows %j, in one piece or letter by letter", (content, shown) => {
    expect(filtered(content)).toBe(shown);
    expect(filtered(...content)).toBe(shown);
  });
});

function outcomeOf(reader: AnswerReader, parts: readonly string[]): unknown {
  let text = "";
  for (const part of parts) {
    reader.push(part);
    take();
  }
  reader.end(true);
  take();
  const { finish, usage, pictures, failure } = reader;
  return { text, finish, usage, pictures, failed: failure !== undefined };

  function take(): void {
    if (reader.takeRetraction()) text = "";
    text += reader.takeText();
  }
}

/** Cuts bytes into pieces of a length, in the middle of characters too. */
function pieces(bytes: Buffer, length: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / length) }, (_, at) =>
    bytes.subarray(at * length, (at + 1) * length),
  );
}
