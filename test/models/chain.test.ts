import { describe, expect, test } from "vitest";
import { textOf, textParts } from "../../src/ports/content.ts";
import type { ChatMessage } from "../../src/ports/models.ts";
import { answered, until } from "../contracts/models.contract.ts";
import { asMessages } from "../support/messages.ts";
import { alone, createProvidersScene, type Recorder } from "../support/providers-scene.ts";
import { clock, search } from "../support/wire-tools.ts";
import { told } from "../support/wires.ts";

const scene = createProvidersScene();
const { open } = scene;

describe("the chain", () => {
  test.each([
    ["refuses the key", { status: 401 }],
    ["is at its rate limit, for long", { status: 429, headers: { "retry-after": "3600" } }],
    ["is out of order", { status: 503 }],
    ["cuts the connection", { cutAfterChunks: 0 }],
    ["answers nothing", { text: "" }],
    ["breaks off after thoughts alone", { reasoning: "Hmm.", endWithoutFinish: true }],
    ["sends an error event", { errorEventAfterChunks: 0 }],
    ["answers with a page", { contentType: "text/html", body: "<html>" }],
    ["is silent", { hangBeforeHeaders: true }],
  ] as const)("a model that %s is left at once for the next", async (_, script) => {
    scene.first.script.always(script);
    scene.second.script.always({ text: "Paris." });
    const { events, text, error } = await answered(open({ firstTokenMs: 500 }), "openai/a");
    expect(error).toBeUndefined();
    expect(text).toBe("Paris.");
    expect(events.filter(({ type }) => type === "attempt")).toEqual([
      { type: "attempt", model: "openai/a" },
      { type: "attempt", model: "deepseek/b" },
    ]);
    expect(events.at(-1)).toMatchObject({ model: "deepseek/b" });
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 1]);
  });

  test("sends each model what is meant for it, also when it is asked with less", async () => {
    const tools = [search, clock];
    const all = asMessages([
      { role: "system", content: "Be brief. She is vegan." },
      { role: "user", content: "What shall I eat?" },
    ]);
    const short = asMessages([{ role: "user", content: "Eat? She is vegan." }]);
    const less = (messages: readonly ChatMessage[]) =>
      messages.map((one) => ({ ...one, content: textParts(textOf(one.content).replace(" She is vegan.", "")) }));
    scene.first.script.next({ status: 500 });
    scene.second.script.next(
      { status: 400, body: { error: { message: "too long", code: "context_length_exceeded" } } },
      { text: "Rice." },
    );
    const { text } = await told(open(), {
      ...{ model: "openai/a", messages: all, tools, shorter: () => short },
      tailored: (model, messages) =>
        model === "openai/a" ? { messages, tools } : { messages: less(messages), tools: [clock] },
    });
    expect(text).toBe("Rice.");
    const bodies = [...scene.first.requests, ...scene.second.requests].map(({ body }) => [
      body.messages.map(({ content }) => content),
      (body["tools"] as { function: { name: string } }[]).map((tool) => tool.function.name),
    ]);
    expect(bodies).toEqual([
      [
        ["Be brief. She is vegan.", "What shall I eat?"],
        ["web_search", "clock"],
      ],
      [["Be brief.", "What shall I eat?"], ["clock"]],
      [["Eat?"], ["clock"]],
    ]);
  });

  test.each([
    ["refuses", { status: 400, body: { error: { message: "flagged", code: "content_filter" } } }],
    ["ends without a word", { finishReason: "content_filter" }],
  ] as const)("no other is asked for what a model %s because of its content", async (_, script) => {
    scene.first.script.always(script);
    const { error } = await answered(open(), "openai/a");
    expect(error).toMatchObject({ kind: "content-filter", model: "openai/a" });
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 0]);
  });

  test("tells why before each further attempt, of the same model or of the next", async () => {
    scene.first.script.next({ text: "" }, { status: 503 }, { text: "Paris." });
    const { events } = await answered(open({ backoffMs: 20 }, alone), "openai/a");
    const told = (all: typeof events) =>
      all.flatMap((event) =>
        event.type === "attempt" ? [event.model] : event.type === "trying-again" ? [event.reason] : [],
      );
    expect(told(events)).toEqual(["openai/a", "empty", "openai/a", "upstream", "openai/a"]);
    scene.first.script.next({ status: 401 });
    scene.second.script.next({ text: "Paris." });
    const moved = (await answered(open(), "openai/a")).events;
    expect(told(moved)).toEqual(["openai/a", "auth", "deepseek/b"]);
    // Who waits need not know that another model is asked, but that the same one is asked again.
    const quiet = (all: typeof events) => all.flatMap((event) => (event.type === "trying-again" ? [event.quiet] : []));
    expect([quiet(events), quiet(moved)]).toEqual([[undefined, undefined], [true]]);
  });

  test("asks the chosen model first, whatever the order of the fallbacks", async () => {
    scene.second.script.always({ text: "B" });
    const { text } = await answered(open(), "deepseek/b");
    expect([text, scene.first.requests.length]).toEqual(["B", 0]);
  });

  test("asks what stands behind the chosen model in its own chain before the fallbacks, and nobody twice", async () => {
    const chains = { "openai/a": ["openai/a", "openai/c", "deepseek/b"].map((model) => ({ model })) };
    const fallbacks = ["openai/d", "openai/c"].map((model) => ({ model }));
    scene.first.script.always({ status: 400 });
    scene.second.script.always({ status: 400 });
    const { events } = await answered(open({}, { chains, fallbacks }), "openai/a");
    const asked = events.flatMap((event) => (event.type === "attempt" ? [event.model] : []));
    expect(asked).toEqual(["openai/a", "openai/c", "deepseek/b", "openai/d"]);
  });

  test("goes past a model whose provider is not configured", async () => {
    scene.first.script.always({ text: "A" });
    const { text } = await answered(open(), "gone/model");
    expect(text).toBe("A");
  });

  test("a model that fails in the middle of its text is followed by the next, which writes it anew", async () => {
    scene.first.script.always({ chunks: ["Par", "is"], cutAfterChunks: 1 });
    scene.second.script.always({ text: "Lyon." });
    const { events, error } = await answered(open(), "openai/a");
    expect(error).toBeUndefined();
    const told = events.flatMap((event) =>
      event.type === "attempt" ? [event.model] : event.type === "text-delta" ? [event.text] : [event.type],
    );
    expect(told.join(" ")).toMatch(/^openai\/a Par restart trying-again deepseek\/b .*Lyon.* answer-end$/);
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 1]);
  });

  test("nobody is asked a second time after a visible word", async () => {
    scene.first.script.always({ chunks: ["Par", "is"], cutAfterChunks: 1 });
    scene.second.script.always({ chunks: ["Ly", "on"], cutAfterChunks: 1 });
    const { events, error } = await answered(open(), "openai/a");
    expect([error?.kind, error?.model]).toEqual(["connection", "deepseek/b"]);
    expect(events.filter(({ type }) => type === "restart")).toHaveLength(1);
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 1]);
    const only = await answered(open({}, alone), "openai/a");
    expect([only.text, only.error?.kind]).toEqual(["Par", "connection"]);
    expect(scene.first.requests.length).toBe(2);
  });

  test("the time in which text has come is not counted against the next", async () => {
    scene.first.script.always({ text: "word ".repeat(60), tokensPerSecond: 100, cutAfterChunks: 40 });
    scene.second.script.always({ text: "Lyon." });
    const { events, error } = await answered(open({ failedMs: 250, refusedMs: 250 }), "openai/a");
    expect([error, events.at(-1)?.type]).toEqual([undefined, "answer-end"]);
  });

  test.each([
    [{ status: 408 }],
    [{ status: 409 }],
    [{ status: 429 }],
    [{ status: 500 }],
    [{ status: 503 }],
    [{ cutAfterChunks: 0 }],
  ])("the last model is asked again after %o", async (script) => {
    scene.first.script.next(script, script);
    scene.first.script.always({ text: "Paris." });
    const { text } = await answered(open({}, alone), "openai/a");
    expect([text, scene.first.requests.length]).toEqual(["Paris.", 3]);
  });

  test.each([[400], [401], [402], [403], [404], [422]])(
    "the last model is not asked again after %i",
    async (status) => {
      scene.first.script.always({ status });
      const { error } = await answered(open({}, alone), "openai/a");
      expect([error?.status, scene.first.requests.length]).toEqual([status, 1]);
    },
  );

  test("an empty answer of the last model is repeated once", async () => {
    scene.first.script.always({ text: "" });
    const { error } = await answered(open({}, alone), "openai/a");
    expect([error?.kind, scene.first.requests.length]).toEqual(["empty", 2]);
  });

  test("never makes more than eight calls", async () => {
    scene.first.script.always({ status: 500 });
    scene.second.script.always({ status: 500 });
    const { error } = await answered(open({ backoffMs: 1 }), "openai/a");
    expect(error).toMatchObject({ kind: "upstream", model: "deepseek/b" });
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 7]);
  });

  test("waits as long as the provider asks", async () => {
    scene.first.script.next({ status: 429, headers: { "retry-after-ms": "250" } });
    scene.first.script.always({ text: "Paris." });
    const { text } = await answered(open({ backoffMs: 1 }, alone), "openai/a");
    const [refused, granted] = scene.first.requests;
    expect(text).toBe("Paris.");
    expect((granted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(240);
  });

  test.each([
    [{ "retry-after": "26" }],
    [{ "retry-after-ms": "", "retry-after": "26" }],
    [{ "retry-after-ms": "26000", "retry-after": "1" }],
  ])("gives up at once when the wait does not fit into the limit: %j", async (headers: Record<string, string>) => {
    scene.first.script.always({ status: 429, headers });
    const { error } = await answered(open({}, alone), "openai/a");
    expect(error).toMatchObject({ kind: "rate-limit", retryAfterMs: 26_000 });
    expect(scene.first.requests.length).toBe(1);
  });

  test.each(["Infinity", "1e300", "99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])(
    "believes no provider that asks for ages: %s",
    async (ages) => {
      scene.first.script.always({ status: 429, headers: { "retry-after": ages } });
      const { error } = await answered(open({ refusedMs: 0 }, alone), "openai/a");
      expect(error?.retryAfterMs).toBeGreaterThan(0);
      expect(error?.retryAfterMs).toBeLessThanOrEqual(10_000);
    },
  );

  test("stops repeating in time, sooner after refusals than after faults", async () => {
    const timers = { backoffMs: 40, refusedMs: 100, failedMs: 100_000 };
    scene.first.script.always({ status: 429 });
    await answered(open(timers, alone), "openai/a");
    const refused = scene.first.requests.length;
    await scene.models?.stop();
    scene.first.script.always({ status: 503 });
    await answered(open({ ...timers, backoffMs: 5 }, alone), "openai/a");
    expect(refused).toBeLessThan(4);
    expect(scene.first.requests.length - refused).toBe(8);
  });

  test("all silent models together are waited for no longer than one user can bear", async () => {
    scene.first.script.always({ hangBeforeHeaders: true });
    scene.second.script.always({ hangBeforeHeaders: true });
    const { error } = await answered(open({ firstTokenMs: 800, silentMs: 1100 }), "openai/a");
    expect(error?.kind).toBe("timeout");
    const waitedMs = [scene.first, scene.second].map(
      ({ requests: [only] }) => (only?.abandonedAt ?? 0) - (only?.at ?? 0),
    );
    expect([scene.first.requests.length, scene.second.requests.length]).toEqual([1, 1]);
    // The first has its full time less what is kept for the second, which gets the rest.
    expect(waitedMs[0]).toBeGreaterThan(700);
    expect(waitedMs[1]).toBeLessThan(waitedMs[0] ?? 0);
  });

  test("a model that thinks for long is alive", async () => {
    scene.first.script.always({ reasoning: "thinking ".repeat(15), tokensPerSecond: 20, text: "Paris." });
    const { text, error } = await answered(
      open({ firstTokenMs: 1000, silenceMs: 1000, silentMs: 1000 }, alone),
      "openai/a",
    );
    expect([text, error]).toEqual(["Paris.", undefined]);
  });

  test("an answer that never ends is ended", async () => {
    scene.first.script.always({ text: "word ".repeat(10_000), tokensPerSecond: 50 });
    const { text, error } = await answered(open({ totalMs: 800 }), "openai/a");
    expect(error?.kind).toBe("timeout");
    expect(text).toMatch(/^word word/);
  });

  test("a wait between two attempts ends with the abort", async () => {
    scene.first.script.always({ status: 503 });
    const stop = new AbortController();
    const messages = asMessages([{ role: "user", content: "What is the capital of France?" }]);
    const seen: string[] = [];
    for await (const { type } of open({ backoffMs: 10_000 }, alone).answer(
      { model: "openai/a", messages },
      stop.signal,
    )) {
      seen.push(type);
      if (type === "trying-again") setTimeout(() => stop.abort(), 20);
    }
    expect(seen).toEqual(["attempt", "trying-again"]);
    expect(scene.first.requests).toHaveLength(1);
  });

  test("stop ends an answer that is being written with an error, not as if it were complete", async () => {
    scene.first.script.always({ chunks: ["Par", "is"], stallAfterChunks: 1 });
    const answer = answered(open(), "openai/a");
    await until(() => scene.first.requests[0]?.firstTextAt !== undefined);
    await scene.models?.stop();
    expect((await answer).error?.kind).toBe("connection");
  });

  test("tells the metrics of each call how it ended", async () => {
    const calls: string[] = [];
    const metrics: Recorder = {
      modelCalled: (model, outcome) => void calls.push(`${model} ${outcome}`),
      modelFirstToken: (model, ms) => void calls.push(`${model} first ${ms >= 0}`),
      modelLeftAlone: () => undefined,
      modelPutBehind: () => undefined,
    };
    scene.first.script.always({ status: 503 });
    scene.second.script.always({ text: "Paris." });
    await answered(open({}, {}, metrics), "openai/a");
    expect(calls).toEqual(["openai/a upstream", "deepseek/b first true", "deepseek/b complete"]);
  });
});
