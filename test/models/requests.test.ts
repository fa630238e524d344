import { describe, expect, test, vi } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { answered } from "../contracts/models.contract.ts";
import { alone, createProvidersScene, key } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const { open } = scene;

describe("fields of the request", () => {
  const settings = { fallbacks: [], maxTokens: 500, temperature: 1.5 };
  const fields = (at: number): Record<string, unknown> => {
    const { model, messages, stream, ...others } = scene.first.requests[at]?.body ?? { model: "", messages: [] };
    return others;
  };
  const provider = (name: string): Partial<Config["models"]> => ({
    ...settings,
    providers: [{ name, baseUrl: scene.first.url, apiKey: key }],
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
    expect(scene.first.requests[0]?.body.model).toBe(model.slice(model.indexOf("/") + 1));
  });

  test("what is not set is not sent", async () => {
    await answered(open({}, { fallbacks: [], providers: [{ name: "relay", baseUrl: scene.first.url }] }), "relay/m");
    expect(fields(0)).toEqual({});
    expect(scene.first.requests[0]?.headers).not.toHaveProperty("authorization");
  });

  test("the key goes to its provider as a bearer", async () => {
    await answered(open({}, alone), "openai/a");
    expect(scene.first.requests[0]?.headers["authorization"]).toBe(`Bearer ${key}`);
  });

  test("nothing of what the SDK reads from the environment by itself goes out", async () => {
    const secret = "of-another-program";
    const names = ["API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"];
    for (const name of names) vi.stubEnv(`OPENAI_${name}`, secret);
    vi.stubEnv("OPENAI_BASE_URL", scene.second.url);
    vi.stubEnv("OPENAI_LOG", "debug");
    const injected = ["Authorization", "User-Agent", "Content-Type", "X-Injected"];
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", injected.map((name) => `${name}: ${secret}`).join("\n"));
    const printed = vi.spyOn(console, "debug").mockReturnValue();
    try {
      const relay = { name: "relay", baseUrl: scene.first.url };
      const providers = [{ name: "openai", baseUrl: scene.first.url, apiKey: key }, relay];
      const asking = open({}, { fallbacks: [], providers });
      for (const model of ["openai/a", "relay/m"]) expect((await answered(asking, model)).error).toBeUndefined();
    } finally {
      vi.unstubAllEnvs();
      vi.restoreAllMocks();
    }
    expect(printed).not.toHaveBeenCalled();
    expect(JSON.stringify(scene.first.requests)).not.toContain(secret);
    expect(scene.first.requests.map(({ headers }) => headers["authorization"])).toEqual([`Bearer ${key}`, undefined]);
    expect(scene.second.requests).toEqual([]);
  });

  test("a field that the provider refuses is mended once and for all", async () => {
    const refusal = (message: string) => ({ status: 400, body: { error: { message, param: null } } });
    scene.first.script.next(
      refusal(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      ),
      refusal("Unsupported value: 'temperature' does not support 1.5 with this model."),
    );
    scene.first.script.always({ text: "Paris." });
    const asking = open({}, provider("relay"));
    const { text, events } = await answered(asking, "relay/m");
    expect(text).toBe("Paris.");
    expect(events.filter(({ type }) => type === "attempt")).toHaveLength(1);
    await answered(asking, "relay/m");
    expect(scene.first.requests.map((_, at) => fields(at))).toEqual([
      { max_tokens: 500, temperature: 1.5 },
      { max_completion_tokens: 500, temperature: 1.5 },
      { max_completion_tokens: 500 },
      { max_completion_tokens: 500 },
    ]);
  });

  test("a validation error that names a field by its place is understood", async () => {
    scene.first.script.next({
      status: 422,
      body: { detail: [{ loc: ["body", "stream_options"], msg: "Extra inputs are not permitted" }] },
    });
    scene.first.script.always({ text: "Paris." });
    const { text } = await answered(open({}, provider("vllm")), "vllm/m");
    expect(text).toBe("Paris.");
    expect(fields(1)).toEqual({ max_tokens: 500, temperature: 1.5 });
  });

  test("a provider that refuses everything is soon believed", async () => {
    scene.first.script.always({
      status: 400,
      body: { error: { message: "temperature, max_tokens, stream_options: bad" } },
    });
    const { error } = await answered(open({}, provider("vllm")), "vllm/m");
    expect(error?.kind).toBe("bad-request");
    expect(scene.first.requests.length).toBeLessThanOrEqual(5);
  });
});
