/** What every implementation of the `Models` port does, whatever stands behind it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ModelError, type ModelErrorKind } from "../../src/base/errors.ts";
import type { Script } from "../../src/playground/model/script.ts";
import type { ScriptedModel } from "../../src/playground/model/scripted-model.ts";
import type { ModelEvent, Models } from "../../src/ports/models.ts";
import { asMessages } from "../support/messages.ts";

export interface ModelsUnderTest {
  /** Asks `server` for `model`, has no fallbacks, repeats nothing, and waits 1 s at most for a token. */
  readonly models: Models;
  readonly model: string;
  /** Its key, which no error may show. */
  readonly key: string;
  readonly server: ScriptedModel;
  stop(): Promise<void>;
}

/** What came of an answer. */
export interface Answered {
  readonly events: readonly ModelEvent[];
  readonly text: string;
  readonly error?: ModelError;
}

/** Reads an answer to its end. */
export async function answered(
  models: Models,
  model: string,
  signal = new AbortController().signal,
  question = "What is the capital of France?",
): Promise<Answered> {
  const events: ModelEvent[] = [];
  let error: ModelError | undefined;
  try {
    for await (const event of models.answer(
      { model, messages: asMessages([{ role: "user", content: question }]) },
      signal,
    )) {
      events.push(event);
    }
  } catch (thrown) {
    if (!(thrown instanceof ModelError)) throw thrown;
    error = thrown;
  }
  const text = events.map((event) => (event.type === "text-delta" ? event.text : "")).join("");
  return { events, text, ...(error === undefined ? {} : { error }) };
}

/** Waits until something is true; the test's own timeout ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(5);
}

const error = (message: string, more: object = {}) => ({ error: { message, ...more } });

/** Each failure as a provider puts it, and its kind. */
const failures: readonly (readonly [what: string, script: Script, kind: ModelErrorKind, partial?: string])[] = [
  ["a key that is refused", { status: 401, body: error("Incorrect API key provided: sk-abcd1234efgh") }, "auth"],
  ["a key without permission", { status: 403, body: error("no access to this model") }, "auth"],
  [
    "Gemini's way of refusing a key",
    {
      status: 400,
      body: [error("API key not valid. Please pass a valid API key.", { code: 400, status: "INVALID_ARGUMENT" })],
    },
    "auth",
  ],
  ["an account without credits", { status: 402, body: error("Insufficient credits", { code: 402 }) }, "quota"],
  [
    "OpenAI's empty account",
    { status: 429, body: error("You exceeded your current quota", { code: "insufficient_quota" }) },
    "quota",
  ],
  [
    "Anthropic's empty account",
    { status: 400, body: error("Your credit balance is too low to access the API") },
    "quota",
  ],
  ["DeepSeek's empty account", { status: 402, body: error("Insufficient Balance") }, "quota"],
  ["a rate limit", { status: 429, body: error("Rate limit reached") }, "rate-limit"],
  [
    "Gemini's rate limit",
    { status: 429, body: [error("You exceeded your current quota", { code: 429, status: "RESOURCE_EXHAUSTED" })] },
    "rate-limit",
  ],
  ["a model that does not exist", { status: 404, body: error("The model `x` does not exist") }, "not-found"],
  ["Ollama's unknown model", { status: 404, body: { error: "model 'x' not found" } }, "not-found"],
  ["DeepSeek's unknown model", { status: 400, body: error("Model Not Exist") }, "not-found"],
  [
    "OpenRouter's unknown model",
    { status: 400, body: error("x/y is not a valid model ID", { code: 400 }) },
    "not-found",
  ],
  [
    "Mistral's unknown model",
    { status: 400, body: { object: "error", message: "Invalid model: x", code: "1500" } },
    "not-found",
  ],
  [
    "OpenAI's too long prompt",
    {
      status: 400,
      body: error("This model's maximum context length is 8192 tokens", { code: "context_length_exceeded" }),
    },
    "context-overflow",
  ],
  [
    "Anthropic's too long prompt",
    { status: 400, body: error("prompt is too long: 210000 tokens > 200000 maximum") },
    "context-overflow",
  ],
  [
    "Gemini's too long prompt",
    { status: 400, body: [error("The input token count (1200000) exceeds the maximum number of tokens allowed")] },
    "context-overflow",
  ],
  [
    "llama.cpp's too long prompt",
    {
      status: 400,
      body: error("the request exceeds the available context size", { type: "exceed_context_size_error" }),
    },
    "context-overflow",
  ],
  ["a body too large", { status: 413, contentType: "text/html", body: "<h1>413</h1>" }, "context-overflow"],
  ["a refusal for the content", { status: 400, body: error("filtered", { code: "content_filter" }) }, "content-filter"],
  ["OpenRouter's moderation", { status: 403, body: error("Your input was flagged") }, "content-filter"],
  [
    "a request it does not understand",
    { status: 400, body: error("messages: at least one is required") },
    "bad-request",
  ],
  [
    "Mistral's validation",
    {
      status: 422,
      body: { object: "error", message: { detail: [{ type: "extra", loc: ["body", "x"], msg: "Extra inputs" }] } },
    },
    "bad-request",
  ],
  ["FastAPI's validation", { status: 422, body: { detail: "Unprocessable" } }, "bad-request"],
  ["a server error", { status: 500, body: error("internal") }, "upstream"],
  ["a bad gateway in HTML", { status: 502, contentType: "text/html", body: "<html>Bad gateway</html>" }, "upstream"],
  [
    "an overloaded server",
    { status: 529, body: { type: "error", ...error("Overloaded", { type: "overloaded_error" }) } },
    "upstream",
  ],
  ["an error event before the first word", { errorEventAfterChunks: 0 }, "upstream"],
  ["an error event after some words", { chunks: ["Par", "is"], errorEventAfterChunks: 1 }, "upstream", "Par"],
  ["a finish reason `error`", { chunks: ["Par"], finishReason: "error" }, "upstream", "Par"],
  ["a connection cut before the headers", { cutAfterChunks: 0 }, "connection"],
  ["a connection cut in mid-answer", { chunks: ["Par", "is"], cutAfterChunks: 1 }, "connection", "Par"],
  ["a body that ends too early", { chunks: ["Par", "is"], endWithoutFinish: true }, "truncated", "Paris"],
  ["no first token", { delayFirstMs: 60_000, text: "x" }, "timeout"],
  ["no answer at all", { hangBeforeHeaders: true }, "timeout"],
  ["silence in mid-answer", { chunks: ["Par", "is"], stallAfterChunks: 1 }, "timeout", "Par"],
  ["JSON that is neither an answer nor an error", { body: { result: "Paris" } }, "not-a-stream"],
  ["an error in JSON with status 200", { body: error("something went wrong") }, "not-a-stream"],
  [
    "a page instead of a stream",
    { contentType: "text/html", body: "<html>Sign in to the network</html>" },
    "not-a-stream",
  ],
  ["a redirect", { status: 301, headers: { location: "https://example.org/v1" }, body: "" }, "not-a-stream"],
  ["an answer without a word", { text: "" }, "empty"],
  ["an answer of blanks and zero-width characters", { chunks: [" \n", "\u200b\u2060\ufeff"] }, "empty"],
  ["an answer of thoughts alone", { reasoning: "Hmm, France.", text: "" }, "empty"],
  ["a filtered answer without a word", { text: "", finishReason: "content_filter" }, "content-filter"],
];

/** Where an abort may meet an answer. */
const moments: readonly { readonly when: string; readonly script: Script }[] = [
  { when: "before the headers", script: { hangBeforeHeaders: true } },
  { when: "before the first word", script: { text: "Paris", delayFirstMs: 60_000 } },
  { when: "in mid-answer", script: { chunks: ["Par", "is"], stallAfterChunks: 1 } },
];

/** Tests an implementation of `Models`. */
export function modelsContract(name: string, open: () => Promise<ModelsUnderTest>): void {
  describe(name, () => {
    let subject: ModelsUnderTest;
    beforeEach(async () => {
      subject = await open();
    });
    afterEach(async () => {
      await subject.stop();
      await subject.server.stop();
    });

    test("streams an answer and says how it ended and what it used", async () => {
      subject.server.script.next({
        chunks: ["Par", "is", "."],
        tokensPerSecond: 50,
        usage: { prompt_tokens: 9, completion_tokens: 3 },
      });
      const { events, text, error } = await answered(subject.models, subject.model);
      expect(error).toBeUndefined();
      expect(text).toBe("Paris.");
      expect(events[0]).toEqual({ type: "attempt", model: subject.model });
      expect(events.filter((event) => event.type === "text-delta").length).toBeGreaterThan(1);
      expect(events.at(-1)).toEqual({
        type: "answer-end",
        model: subject.model,
        finish: "stop",
        usage: { inputTokens: 9, cachedTokens: 0, outputTokens: 3 },
      });
    });

    test("sends the conversation as it is", async () => {
      const messages = [
        { role: "system", content: "Be brief." },
        { role: "user", content: "One?" },
        { role: "assistant", content: "One." },
        { role: "user", content: "Two? 🌍" },
      ] as const;
      const request = { model: subject.model, messages: asMessages(messages) };
      for await (const _ of subject.models.answer(request, new AbortController().signal));
      expect(subject.server.requests[0]?.body.messages).toEqual(messages);
    });

    test("sends a message of words alone as a plain string, in however many parts it was said", async () => {
      const part = (text: string) => ({ type: "text", text }) as const;
      const messages = [{ role: "user", content: [part("Two"), part("parts?")] }] as const;
      for await (const _ of subject.models.answer({ model: subject.model, messages }, new AbortController().signal));
      expect(subject.server.requests[0]?.body.messages).toEqual([{ role: "user", content: "Two\nparts?" }]);
    });

    test("tells that the model is thinking, and shows no thought", async () => {
      // At a pace at which the two are read apart on a busy machine, too.
      subject.server.script.next({ reasoning: "Paris!", text: "Paris.", tokensPerSecond: 4 });
      const { events, text } = await answered(subject.models, subject.model);
      expect(text).toBe("Paris.");
      expect(events.map(({ type }) => type).slice(0, 2)).toEqual(["attempt", "thinking"]);
    });

    test("an answer that has reached its limit is complete, and says so", async () => {
      subject.server.script.next({ text: "Paris is", finishReason: "length" });
      const { events, error } = await answered(subject.models, subject.model);
      expect(error).toBeUndefined();
      expect(events.at(-1)).toMatchObject({ type: "answer-end", finish: "length" });
    });

    test("ends soon after the finish reason, though nothing more comes", async () => {
      const chunk = (delta: object, finish_reason: string | null) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
      subject.server.script.next({
        rawChunks: [chunk({ content: "Paris." }, null), chunk({}, "stop"), ""],
        stallAfterChunks: 2,
      });
      const { events, text } = await answered(subject.models, subject.model);
      expect([text, events.at(-1)?.type]).toEqual(["Paris.", "answer-end"]);
    });

    test("an answer with its finish reason is whole, though the connection breaks right after it", async () => {
      const whole = { choices: [{ index: 0, delta: { content: "Paris." }, finish_reason: "stop" }] };
      subject.server.script.next({
        rawChunks: [`data: ${JSON.stringify(whole)}\n\n`, "x"],
        rawEveryMs: 20,
        cutAfterChunks: 1,
      });
      const { events, text } = await answered(subject.models, subject.model);
      expect([text, events.at(-1)?.type]).toEqual(["Paris.", "answer-end"]);
    });

    test.each(failures.map(([what, script, kind, partial = ""]) => ({ what, script, kind, partial })))(
      "$what",
      async ({ script, kind, partial }) => {
        subject.server.script.always(script);
        const { text, error, events } = await answered(subject.models, subject.model);
        expect(error).toMatchObject({ kind, model: subject.model });
        expect(text).toBe(partial);
        expect(events.some(({ type }) => type === "answer-end")).toBe(false);
        expect(subject.server.requests).toHaveLength(1);
      },
    );

    test("a provider that cannot be reached", async () => {
      await subject.server.stop();
      const { error } = await answered(subject.models, subject.model);
      expect(error).toMatchObject({ kind: "connection" });
      expect(error?.message).toContain("ECONNREFUSED");
    });

    test("passes on how long the provider asks to wait", async () => {
      subject.server.script.always({ status: 429, headers: { "retry-after": "7" } });
      const { error } = await answered(subject.models, subject.model);
      expect(error).toMatchObject({ status: 429, retryAfterMs: 7000, retryable: true });
    });

    test("an error shows neither key nor question, and is short", async () => {
      const question = "My secret diary begins here.";
      const echo = `${subject.key} Bearer ${subject.key} https://u:p@host/x?key=${subject.key} ${question} ${"x".repeat(5000)}`;
      subject.server.script.next(
        { status: 400, body: error(echo) },
        { errorEventAfterChunks: 0, errorEvent: error(echo) },
      );
      for (let call = 0; call < 2; call++) {
        const { error } = await answered(subject.models, subject.model, undefined, question);
        const everything = JSON.stringify([error, error?.message, error?.stack, String(error?.cause)]);
        expect(everything).not.toContain(subject.key);
        expect(everything).not.toContain("diary");
        expect(everything).not.toContain("u:p@");
        expect(error?.message.length).toBeLessThanOrEqual(200);
      }
    });

    test.each(moments)("ends quietly and at once when it is aborted $when", async ({ script }) => {
      subject.server.script.next(script);
      const stop = new AbortController();
      const answer = answered(subject.models, subject.model, stop.signal);
      await until(() => subject.server.requests.length === 1);
      await sleep(50);
      stop.abort("stop");
      const { events, error } = await answer;
      expect(error).toBeUndefined();
      expect(events.some(({ type }) => type === "answer-end")).toBe(false);
      await until(() => subject.server.requests[0]?.abandonedAt !== undefined);
    });

    test("asks nothing when it is aborted before it began", async () => {
      const { events } = await answered(subject.models, subject.model, AbortSignal.abort());
      expect(events).toEqual([]);
      expect(subject.server.requests).toHaveLength(0);
    });

    test("closes the connection when its reader leaves early", async () => {
      subject.server.script.next({ text: "word ".repeat(1000), tokensPerSecond: 100 });
      const messages = asMessages([{ role: "user", content: "?" }]);
      for await (const event of subject.models.answer(
        { model: subject.model, messages },
        new AbortController().signal,
      )) {
        if (event.type === "text-delta") break;
      }
      await until(() => subject.server.requests[0]?.abandonedAt !== undefined);
    });
  });
}
