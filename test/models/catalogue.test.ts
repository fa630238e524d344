import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lists, nearestName, readList } from "../../src/models/catalogue.ts";

describe("the nearest name in a provider's list", () => {
  const offered = [
    ...["gpt-6-luna", "gpt-6-sol", "gpt-6-luna-2026-10-01", "whisper-2", "text-embedding-4"],
    ...["claude-haiku-4-5", "claude-opus-5", "llama3.2:latest", "qwen3:8b", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
  ];

  it.each([
    ["gpt-5-luna", "gpt-6-luna"],
    ["GPT-6 Luna", "gpt-6-luna"],
    ["gpt-6-lnua", "gpt-6-luna"],
    ["claude-haiku-4.5", "claude-haiku-4-5"],
    ["claude-opus-4", "claude-opus-5"],
    ["llama3.1", "llama3.2:latest"],
    ["qwen3", "qwen3:8b"],
    ["Llama-3.3-70B-Instruct-Turbo", "meta-llama/Llama-3.3-70B-Instruct-Turbo"],
    ["gemini-3.5-flash", undefined],
    ["", undefined],
  ])("of %j is %j", (model, nearest) => {
    expect(nearestName(offered, model)).toBe(nearest);
  });

  it("is the name itself where it is there, whatever else is", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1, maxLength: 40 })),
        fc.stringMatching(/^[a-z0-9-]{1,40}$/),
        (names, model) => {
          expect(nearestName([model, ...names], model)).toBe(model);
        },
      ),
    );
  });

  it("is found soon in a list of any length", () => {
    const many = Array.from({ length: 5_000 }, (_, at) => `vendor-${at % 7}/model-${at}-${"x".repeat(80)}`);
    const started = process.threadCpuUsage();
    nearestName(many.slice(0, 2_000), `vendor-3/model-77-${"y".repeat(80)}`);
    const { user, system } = process.threadCpuUsage(started);
    expect((user + system) / 1_000).toBeLessThan(5_000);
  });
});

describe("a list of models", () => {
  const answer = (status: number, body: string) => ({ status, body });
  const read = async (...bodies: readonly unknown[]) => {
    const queries: string[] = [];
    const { names } = await readList(async (query) => answer(200, JSON.stringify(bodies[queries.push(query) - 1])));
    return { names, queries };
  };

  it.each([
    ["OpenAI's", { object: "list", data: [{ id: "a" }, { id: "b" }] }],
    ["Gemini's", { models: [{ name: "models/a" }, { name: "models/b" }] }],
    ["a bare one", [{ id: "a" }, "b"]],
    ["one with rubbish in it", { data: [{ id: "a" }, null, 7, { id: "" }, {}, { id: "b" }] }],
  ])("is read in the form that is %s", async (_what, body) => {
    expect(await read(body)).toEqual({ names: ["a", "b"], queries: [""] });
  });

  it("that comes in pages is asked for as one", async () => {
    const pages = [
      { data: [{ id: "a" }], has_more: true },
      { data: [{ id: "a" }, { id: "b" }], has_more: false },
    ];
    expect(await read(...pages)).toEqual({ names: ["a", "b"], queries: ["", "?limit=1000"] });
  });

  it("is its first page where there is no other", async () => {
    const first = JSON.stringify({ data: [{ id: "a" }], has_more: true });
    for (const second of [answer(400, "no"), answer(200, "<html>")]) {
      const listing = await readList(async (query) => (query === "" ? answer(200, first) : second));
      expect(listing).toEqual({ names: ["a"], status: 200 });
    }
  });

  it.each([[{ error: "no" }], [null], ["text"], [{ data: {} }]])("is none in %j", async (body) => {
    expect((await read(body)).names).toBeUndefined();
  });

  it("is none when the provider cannot be asked", async () => {
    const broken = async () => Promise.reject(new Error("reset"));
    expect(await readList(broken)).toEqual({});
    expect(await readList(async () => answer(401, "{}"))).toEqual({ status: 401 });
    expect(await readList(async () => answer(200, "<html>"))).toEqual({ status: 200 });
  });

  it("has a model under its name, or with the tag that Ollama puts behind it", () => {
    expect(lists(["llama3.2:latest"], "llama3.2")).toBe(true);
    expect(lists(["llama3.2"], "llama3")).toBe(false);
  });
});
