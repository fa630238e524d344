import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Config } from "../src/config.ts";
import type { Timers } from "../src/llm/allowance.ts";
import { createModels } from "../src/llm/fallback.ts";
import { createScriptedModel, type ScriptedModel } from "../src/playground/scripted-model.ts";
import type { Models } from "../src/ports.ts";
import { answered, modelsContract, until } from "./contracts/models.contract.ts";

const key = "sk-test-0123456789abcdef";
const log = { info() {}, warn() {} };

modelsContract("an OpenAI-compatible provider", async () => {
  const server = await createScriptedModel({ tokensPerSecond: 1000, label: false });
  const models = createModels({
    models: { names: ["openai/m"], fallbacks: [], providers: [{ name: "openai", baseUrl: server.url, apiKey: key }] },
    log,
    timers: { firstTokenMs: 1000, silenceMs: 1000, usageMs: 100, refusedMs: 0, failedMs: 0 },
  });
  return { models, model: "openai/m", key, server, stop: models.stop };
});

describe("the chain", () => {
  let first: ScriptedModel;
  let second: ScriptedModel;
  let models: (Models & { stop(): Promise<void> }) | undefined;

  beforeEach(async () => {
    [first, second] = await Promise.all(
      [1, 2].map(() => createScriptedModel({ tokensPerSecond: 1000, label: false })) as [
        Promise<ScriptedModel>,
        Promise<ScriptedModel>,
      ],
    );
  });
  afterEach(async () => {
    await models?.stop();
    await Promise.all([first.stop(), second.stop()]);
  });

  function open(timers: Partial<Timers> = {}, more: Partial<Config["models"]> = {}, metrics?: Recorder): Models {
    models = createModels({
      models: {
        names: ["openai/a", "deepseek/b"],
        fallbacks: ["openai/a", "deepseek/b"],
        providers: [
          { name: "openai", baseUrl: first.url, apiKey: key },
          { name: "deepseek", baseUrl: second.url, apiKey: key },
        ],
        ...more,
      },
      log,
      timers: { backoffMs: 5, usageMs: 50, ...timers },
      ...(metrics === undefined ? {} : { metrics }),
    });
    return models;
  }

  test.each([
    ["refuses the key", { status: 401 }],
    ["is at its rate limit, for long", { status: 429, headers: { "retry-after": "3600" } }],
    ["is out of order", { status: 503 }],
    ["filters the content", { finishReason: "content_filter" }],
    ["cuts the connection", { cutAfterChunks: 0 }],
    ["answers nothing", { text: "" }],
    ["breaks off after thoughts alone", { reasoning: "Hmm.", endWithoutFinish: true }],
    ["sends an error event", { errorEventAfterChunks: 0 }],
    ["answers with a page", { contentType: "text/html", body: "<html>" }],
    ["is silent", { hangBeforeHeaders: true }],
  ] as const)("a model that %s is left at once for the next", async (_, script) => {
    first.script.always(script);
    second.script.always({ text: "Paris." });
    const { events, text, error } = await answered(open({ firstTokenMs: 500 }), "openai/a");
    expect(error).toBeUndefined();
    expect(text).toBe("Paris.");
    expect(events.filter(({ type }) => type === "attempt")).toEqual([
      { type: "attempt", model: "openai/a" },
      { type: "attempt", model: "deepseek/b" },
    ]);
    expect(events.at(-1)).toMatchObject({ model: "deepseek/b" });
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  test("asks the chosen model first, whatever the order of the fallbacks", async () => {
    second.script.always({ text: "B" });
    const { text } = await answered(open(), "deepseek/b");
    expect([text, first.requests.length]).toEqual(["B", 0]);
  });

  test("goes past a model whose provider is not configured", async () => {
    first.script.always({ text: "A" });
    const { text } = await answered(open(), "gone/model");
    expect(text).toBe("A");
  });

  test("never asks again after the first visible word", async () => {
    first.script.always({ chunks: ["Par", "is"], cutAfterChunks: 1 });
    const { text, error } = await answered(open(), "openai/a");
    expect([text, error?.kind, error?.model]).toEqual(["Par", "connection", "openai/a"]);
    expect([first.requests.length, second.requests.length]).toEqual([1, 0]);
  });

  const alone = { fallbacks: [] };

  test.each([
    [{ status: 408 }],
    [{ status: 409 }],
    [{ status: 429 }],
    [{ status: 500 }],
    [{ status: 503 }],
    [{ cutAfterChunks: 0 }],
  ])("the last model is asked again after %o", async (script) => {
    first.script.next(script, script);
    first.script.always({ text: "Paris." });
    const { text } = await answered(open({}, alone), "openai/a");
    expect([text, first.requests.length]).toEqual(["Paris.", 3]);
  });

  test.each([[400], [401], [402], [403], [404], [422]])(
    "the last model is not asked again after %i",
    async (status) => {
      first.script.always({ status });
      const { error } = await answered(open({}, alone), "openai/a");
      expect([error?.status, first.requests.length]).toEqual([status, 1]);
    },
  );

  test("an empty answer of the last model is repeated once", async () => {
    first.script.always({ text: "" });
    const { error } = await answered(open({}, alone), "openai/a");
    expect([error?.kind, first.requests.length]).toEqual(["empty", 2]);
  });

  test("never makes more than eight calls", async () => {
    first.script.always({ status: 500 });
    second.script.always({ status: 500 });
    const { error } = await answered(open({ backoffMs: 1 }), "openai/a");
    expect(error).toMatchObject({ kind: "upstream", model: "deepseek/b" });
    expect([first.requests.length, second.requests.length]).toEqual([1, 7]);
  });

  test("waits as long as the provider asks", async () => {
    first.script.next({ status: 429, headers: { "retry-after-ms": "250" } });
    first.script.always({ text: "Paris." });
    const { text } = await answered(open({ backoffMs: 1 }, alone), "openai/a");
    const [refused, granted] = first.requests;
    expect(text).toBe("Paris.");
    expect((granted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(240);
  });

  test("gives up at once when the wait does not fit into the limit", async () => {
    first.script.always({ status: 429, headers: { "retry-after": "26" } });
    const { error } = await answered(open({}, alone), "openai/a");
    expect(error).toMatchObject({ kind: "rate-limit", retryAfterMs: 26_000 });
    expect(first.requests.length).toBe(1);
  });

  test("stops repeating in time, sooner after refusals than after faults", async () => {
    const timers = { backoffMs: 40, refusedMs: 100, failedMs: 100_000 };
    first.script.always({ status: 429 });
    await answered(open(timers, alone), "openai/a");
    const refused = first.requests.length;
    await models?.stop();
    first.script.always({ status: 503 });
    await answered(open({ ...timers, backoffMs: 5 }, alone), "openai/a");
    expect(refused).toBeLessThan(4);
    expect(first.requests.length - refused).toBe(8);
  });

  test("all silent models together are waited for no longer than one user can bear", async () => {
    first.script.always({ hangBeforeHeaders: true });
    second.script.always({ hangBeforeHeaders: true });
    const { error } = await answered(open({ firstTokenMs: 800, silentMs: 1100 }), "openai/a");
    expect(error?.kind).toBe("timeout");
    const waitedMs = [first, second].map(({ requests: [only] }) => (only?.abandonedAt ?? 0) - (only?.at ?? 0));
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    // The first has its full time less what is kept for the second, which gets the rest.
    expect(waitedMs[0]).toBeGreaterThan(700);
    expect(waitedMs[1]).toBeLessThan(waitedMs[0] ?? 0);
  });

  test("a model that thinks for long is alive", async () => {
    first.script.always({ reasoning: "thinking ".repeat(15), tokensPerSecond: 20, text: "Paris." });
    const { text, error } = await answered(
      open({ firstTokenMs: 1000, silenceMs: 1000, silentMs: 1000 }, alone),
      "openai/a",
    );
    expect([text, error]).toEqual(["Paris.", undefined]);
  });

  test("an answer that never ends is ended", async () => {
    first.script.always({ text: "word ".repeat(10_000), tokensPerSecond: 50 });
    const { text, error } = await answered(open({ totalMs: 800 }), "openai/a");
    expect(error?.kind).toBe("timeout");
    expect(text).toMatch(/^word word/);
  });

  test("a wait between two attempts ends with the abort", async () => {
    first.script.always({ status: 503 });
    const stop = new AbortController();
    const answer = answered(open({ backoffMs: 10_000 }, alone), "openai/a", stop.signal);
    await until(() => first.requests.length === 1);
    stop.abort();
    const { error, events } = await answer;
    expect(error).toBeUndefined();
    expect(events.map(({ type }) => type)).toEqual(["attempt"]);
  });

  test("stop ends an answer that is being written with an error, not as if it were complete", async () => {
    first.script.always({ chunks: ["Par", "is"], stallAfterChunks: 1 });
    const answer = answered(open(), "openai/a");
    await until(() => first.requests[0]?.firstTextAt !== undefined);
    await models?.stop();
    expect((await answer).error?.kind).toBe("connection");
  });

  test("tells the metrics of each call how it ended", async () => {
    const calls: string[] = [];
    const metrics: Recorder = {
      modelCalled: (model, outcome) => void calls.push(`${model} ${outcome}`),
      modelFirstToken: (model, ms) => void calls.push(`${model} first ${ms >= 0}`),
    };
    first.script.always({ status: 503 });
    second.script.always({ text: "Paris." });
    await answered(open({}, {}, metrics), "openai/a");
    expect(calls).toEqual(["openai/a upstream", "deepseek/b first true", "deepseek/b complete"]);
  });

  describe("places at a provider", () => {
    const capped = (concurrency: number): Partial<Config["models"]> => ({
      fallbacks: [],
      providers: [{ name: "openai", baseUrl: first.url, concurrency }],
    });

    test("no more calls at once than it has, first come, first served", async () => {
      first.script.always({ chunks: ["a", "b", "c"], tokensPerSecond: 40 });
      let most = 0;
      const asking = open({}, capped(2));
      const watch = setInterval(() => {
        most = Math.max(most, first.writing);
      }, 2);
      const answers = await Promise.all(
        Array.from({ length: 6 }, (_, at) => answered(asking, "openai/a", undefined, `question ${at}`)),
      );
      clearInterval(watch);
      expect(most).toBeLessThanOrEqual(2);
      expect(answers.map(({ text }) => text)).toEqual(Array(6).fill("abc"));
      expect(answers.map(({ events }) => events[0]?.type)).toEqual(["attempt", "attempt", ...Array(4).fill("waiting")]);
      const order = first.requests.map(({ body }) => Number(body.messages[0]?.content.slice(-1)));
      // Two that are let in together may arrive in either order.
      for (const [place, question] of order.entries()) expect(Math.abs(place - question)).toBeLessThanOrEqual(1);
    });

    test("the wait counts against no limit", async () => {
      first.script.next({ chunks: ["a", "b", "c"], tokensPerSecond: 1.5 });
      first.script.always({ text: "Paris." });
      const asking = open({ firstTokenMs: 1000, silenceMs: 5000, silentMs: 1000 }, capped(1));
      const [, waited] = await Promise.all([answered(asking, "openai/a"), answered(asking, "openai/a")]);
      expect(waited).toMatchObject({ text: "Paris.", events: [{ type: "waiting", provider: "openai" }, {}, {}, {}] });
    });

    test("one who leaves the line gives up no place of the others", async () => {
      first.script.next({ chunks: ["a", "b"], tokensPerSecond: 5 });
      first.script.always({ text: "Paris." });
      const asking = open({}, capped(1));
      const stop = new AbortController();
      const one = answered(asking, "openai/a");
      const two = answered(asking, "openai/a", stop.signal);
      const three = answered(asking, "openai/a");
      await until(() => first.requests.length === 1);
      stop.abort();
      expect((await two).events).toEqual([{ type: "waiting", provider: "openai" }]);
      expect([(await one).text, (await three).text]).toEqual(["ab", "Paris."]);
    });
  });

  describe("fields of the request", () => {
    const settings = { fallbacks: [], maxTokens: 500, temperature: 1.5 };
    const fields = (at: number): Record<string, unknown> => {
      const { model, messages, stream, ...others } = first.requests[at]?.body ?? { model: "", messages: [] };
      return others;
    };
    const provider = (name: string): Partial<Config["models"]> => ({
      ...settings,
      providers: [{ name, baseUrl: first.url, apiKey: key }],
    });
    const usage = { stream_options: { include_usage: true } };

    test.each([
      ["openai/gpt-4.1", { max_completion_tokens: 500, temperature: 1.5, ...usage }],
      ["openai/gpt-6-luna", { max_completion_tokens: 500, ...usage }],
      ["anthropic/claude-haiku-4-5", { max_tokens: 500, temperature: 1, ...usage }],
      ["gemini/gemini-3.5-flash-lite", { max_tokens: 500, temperature: 1.5, reasoning_effort: "low", ...usage }],
      ["gemini/gemini-2.5-flash", { max_tokens: 500, temperature: 1.5, reasoning_effort: "none", ...usage }],
      ["deepseek/deepseek-v4-flash", { max_tokens: 500, temperature: 1.5, thinking: { type: "disabled" }, ...usage }],
      ["mistral/mistral-small-latest", { max_tokens: 500, temperature: 1.5 }],
      ["ollama/qwen3:8b", { max_tokens: 500, temperature: 1.5, ...usage }],
      ["my-relay/some/model", { max_tokens: 500, temperature: 1.5 }],
      ["constructor/m", { max_tokens: 500, temperature: 1.5 }],
    ])("%s gets its own", async (model, expected) => {
      await answered(open({}, provider(model.slice(0, model.indexOf("/")))), model);
      expect(fields(0)).toEqual(expected);
      expect(first.requests[0]?.body.model).toBe(model.slice(model.indexOf("/") + 1));
    });

    test("what is not set is not sent", async () => {
      await answered(open({}, { fallbacks: [], providers: [{ name: "relay", baseUrl: first.url }] }), "relay/m");
      expect(fields(0)).toEqual({});
      expect(first.requests[0]?.headers).not.toHaveProperty("authorization");
    });

    test("the key goes to its provider as a bearer", async () => {
      await answered(open({}, alone), "openai/a");
      expect(first.requests[0]?.headers["authorization"]).toBe(`Bearer ${key}`);
    });

    test("nothing of what the SDK reads from the environment by itself goes out", async () => {
      const secret = "of-another-program";
      const names = ["API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"];
      for (const name of names) vi.stubEnv(`OPENAI_${name}`, secret);
      vi.stubEnv("OPENAI_BASE_URL", second.url);
      vi.stubEnv("OPENAI_LOG", "debug");
      const injected = ["Authorization", "User-Agent", "Content-Type", "X-Injected"];
      vi.stubEnv("OPENAI_CUSTOM_HEADERS", injected.map((name) => `${name}: ${secret}`).join("\n"));
      const printed = vi.spyOn(console, "debug").mockReturnValue();
      try {
        const relay = { name: "relay", baseUrl: first.url };
        const providers = [{ name: "openai", baseUrl: first.url, apiKey: key }, relay];
        const asking = open({}, { fallbacks: [], providers });
        for (const model of ["openai/a", "relay/m"]) expect((await answered(asking, model)).error).toBeUndefined();
      } finally {
        vi.unstubAllEnvs();
        vi.restoreAllMocks();
      }
      expect(printed).not.toHaveBeenCalled();
      expect(JSON.stringify(first.requests)).not.toContain(secret);
      expect(first.requests.map(({ headers }) => headers["authorization"])).toEqual([`Bearer ${key}`, undefined]);
      expect(second.requests).toEqual([]);
    });

    test("a field that the provider refuses is mended once and for all", async () => {
      const refusal = (message: string) => ({ status: 400, body: { error: { message, param: null } } });
      first.script.next(
        refusal(
          "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        ),
        refusal("Unsupported value: 'temperature' does not support 1.5 with this model."),
      );
      first.script.always({ text: "Paris." });
      const asking = open({}, provider("relay"));
      const { text, events } = await answered(asking, "relay/m");
      expect(text).toBe("Paris.");
      expect(events.filter(({ type }) => type === "attempt")).toHaveLength(1);
      await answered(asking, "relay/m");
      expect(first.requests.map((_, at) => fields(at))).toEqual([
        { max_tokens: 500, temperature: 1.5 },
        { max_completion_tokens: 500, temperature: 1.5 },
        { max_completion_tokens: 500 },
        { max_completion_tokens: 500 },
      ]);
    });

    test("a validation error that names a field by its place is understood", async () => {
      first.script.next({
        status: 422,
        body: { detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] },
      });
      first.script.always({ text: "Paris." });
      const { text } = await answered(open({}, provider("vllm")), "vllm/m");
      expect(text).toBe("Paris.");
      expect(fields(1)).toEqual({ max_tokens: 500, temperature: 1.5 });
    });

    test("a provider that refuses everything is soon believed", async () => {
      first.script.always({
        status: 400,
        body: { error: { message: "temperature, max_tokens, stream_options: bad" } },
      });
      const { error } = await answered(open({}, provider("vllm")), "vllm/m");
      expect(error?.kind).toBe("bad-request");
      expect(first.requests.length).toBeLessThanOrEqual(5);
    });
  });

  describe("connections", () => {
    test("a finished answer leaves its connection to the next", async () => {
      const line = await openLine(first.url, Number.POSITIVE_INFINITY);
      // The last bytes of the answer arrive after its end is known.
      const whole = { choices: [{ delta: { content: "Paris." }, finish_reason: "stop" }], usage: { prompt_tokens: 1 } };
      first.script.always({ rawChunks: [`data: ${JSON.stringify(whole)}\n\n`, "data: [DONE]\n\n"], rawEveryMs: 40 });
      const asking = open({}, line.models);
      for (let question = 0; question < 3; question++) {
        expect((await answered(asking, "relay/m")).text).toBe("Paris.");
        await until(() => first.requests[question]?.endedAt !== undefined);
        await sleep(30);
      }
      expect(line.connections).toBe(1);
      await line.stop();
    });

    test("one that the provider has closed meanwhile costs no answer", async () => {
      const line = await openLine(first.url, 1);
      first.script.always({ text: "Paris." });
      const asking = open({ failedMs: 0 }, line.models);
      for (let question = 0; question < 3; question++) {
        expect((await answered(asking, "relay/m")).text).toBe("Paris.");
        await sleep(30);
      }
      expect([line.connections, line.resets]).toEqual([3, 2]);
      await line.stop();
    });
  });
});

test("prices are known for listed models alone, cached tokens are cheaper, and a date chooses the price", async () => {
  const models = createModels({ models: { names: [], fallbacks: [], providers: [] }, log });
  const usage = { inputTokens: 1_000_000, cachedTokens: 0, outputTokens: 0 };
  const at = Date.UTC(2026, 10, 24, 12);
  expect(models.cost("openai/gpt-4.1", usage, at)).toBeCloseTo(2, 6);
  expect(models.cost("openai/gpt-4.1", { ...usage, cachedTokens: 1_000_000 }, at)).toBeCloseTo(0.5, 6);
  expect(models.cost("gemini/gemini-3.5-flash-lite", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openrouter/openai/gpt-6-luna", usage, at)).toBeGreaterThan(0);
  expect(models.cost("openai/no-such-model-at-all", usage, at)).toBeUndefined();
  expect(models.cost("ollama/gpt-4.1", usage, at)).toBeUndefined();
  expect(models.cost("constructor/x", usage, at)).toBeUndefined();
  await models.stop();
});

interface Recorder {
  modelCalled(model: string, outcome: string): void;
  modelFirstToken(model: string, ms: number): void;
}

/** A line to a server that resets each connection at the request after so many. */
async function openLine(target: string, requestsEach: number) {
  const sockets = new Set<Socket>();
  let connections = 0;
  let resets = 0;
  const line = createServer((client) => {
    connections += 1;
    const upstream = connect(Number(new URL(target).port), "127.0.0.1");
    let requests = 0;
    client.on("data", (data) => {
      if (data.toString("latin1").startsWith("POST ")) requests += 1;
      if (requests <= requestsEach) upstream.write(data);
      else {
        resets += 1;
        client.resetAndDestroy();
      }
    });
    upstream.pipe(client);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
    }
  });
  await new Promise<void>((resolve) => line.listen(0, "127.0.0.1", resolve));
  const baseUrl = `http://127.0.0.1:${(line.address() as AddressInfo).port}/v1`;
  return {
    models: { fallbacks: [], providers: [{ name: "relay", baseUrl }] },
    get connections() {
      return connections;
    },
    get resets() {
      return resets;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => line.close(resolve));
    },
  };
}
