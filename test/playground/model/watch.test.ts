/** What the playground shows of a request to a model. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../../src/base/errors.ts";
import { createModelWatch } from "../../../src/playground/model/watch.ts";
import type { PageRequest } from "../../../src/playground/page/source.ts";
import type { ModelEvent, ModelRequest, Models } from "../../../src/ports/models.ts";
import { capabilities } from "../../support/capable.ts";
import { asMessages, type Worded } from "../../support/messages.ts";

const worded: readonly Worded[] = [
  { role: "system", content: "Be kind." },
  { role: "user", content: "why?" },
];
const messages = asMessages(worded);
const usage = { inputTokens: 12, cachedTokens: 4, outputTokens: 3 };

/** Models that say this, a millisecond apart; a clock that counts those milliseconds. */
function scene(events: readonly (ModelEvent | Error)[]) {
  let nowMs = 100;
  const models: Models = {
    names: ["a/one"],
    behind: () => [],
    seeing: () => "a/one",
    cost: () => undefined,
    capabilities,
    async *answer() {
      for (const event of events) {
        nowMs += 1;
        if (event instanceof Error) throw event;
        yield event;
      }
    },
  };
  const watch = createModelWatch(() => nowMs);
  const told: PageRequest[] = [];
  watch.follow((request) => told.push(request));
  const ask = async (request: ModelRequest = { model: "a/one", messages }, most = Number.POSITIVE_INFINITY) => {
    const heard: ModelEvent[] = [];
    for await (const event of watch.watch(models).answer(request, new AbortController().signal)) {
      heard.push(event);
      if (heard.length >= most) break;
    }
    return heard;
  };
  return { watch, told, ask };
}

describe("a request to a model", () => {
  it("is shown with its messages, its tokens and its times, and passes unchanged", async () => {
    const events: ModelEvent[] = [
      { type: "attempt", model: "a/one" },
      { type: "thinking" },
      { type: "text-delta", text: "Because" },
      { type: "text-delta", text: "." },
      { type: "answer-end", model: "a/one", finish: "stop", usage },
    ];
    const { watch, told, ask } = scene(events);
    expect(await ask()).toEqual(events);
    const shown = { id: 1, model: "a/one", messages: worded, count: 2, tools: [], failed: false };
    expect(told[0]).toEqual({ ...shown, calls: 0, outcome: "waiting" });
    expect(told.map(({ outcome }) => outcome)).toContain("writing");
    expect(watch.last).toEqual({ ...shown, calls: 1, firstTokenMs: 3, endMs: 5, outcome: "complete", ...usage });
    // Not once for every delta.
    expect(told.length).toBeLessThanOrEqual(5);
  });

  it("names the fallback that answered, and counts the calls", async () => {
    const { watch, ask } = scene([
      { type: "attempt", model: "a/one" },
      { type: "attempt", model: "b/two" },
      { type: "answer-end", model: "b/two", finish: "length" },
    ]);
    await ask();
    expect(watch.last).toMatchObject({ model: "b/two", calls: 2, outcome: "length" });
    expect(watch.last).not.toHaveProperty("inputTokens");
  });

  it("says how it failed, or that it was stopped", async () => {
    const broken = scene([{ type: "text-delta", text: "Be" }, new ModelError("truncated", "a/one", "cut")]);
    await expect(broken.ask()).rejects.toThrow();
    expect(broken.watch.last).toMatchObject({ outcome: "truncated", failed: true });
    const left = scene([
      { type: "text-delta", text: "Be" },
      { type: "text-delta", text: "cause" },
    ]);
    await left.ask(undefined, 1);
    expect(left.watch.last).toMatchObject({ outcome: "stopped", failed: false });
  });

  it("is shown with the tools that are offered, and with what was called of them", async () => {
    const { watch, ask } = scene([]);
    const calls = [{ id: "1", name: "calculate", arguments: '{"code":"1 + 1"}' }];
    const step = { role: "assistant" as const, content: [], calls };
    const tools = [{ name: "calculate", description: "", parameters: {} }];
    await ask({ model: "a/one", messages: [...messages, step], tools });
    expect(watch.last).toMatchObject({ tools: ["calculate"], count: 3 });
    expect(watch.last?.messages.at(-1)).toEqual({ role: "assistant", content: 'calculate {"code":"1 + 1"}' });
  });

  it("shows the newest of many messages, and the beginning of a long one", async () => {
    const { watch, ask } = scene([]);
    const long = Array.from({ length: 200 }, (_, index) => ({
      role: "user" as const,
      content: `${index} ${"x".repeat(9_000)}`,
    }));
    await ask({ model: "a/one", messages: asMessages(long) });
    expect(watch.last?.count).toBe(200);
    expect(watch.last?.messages.length).toBeLessThan(100);
    expect(watch.last?.messages.at(-1)?.content).toMatch(/^199 x+… \(9004 characters\)$/);
    expect(JSON.stringify(watch.last).length).toBeLessThan(200_000);
  });

  it("gives way to the one that was asked later", async () => {
    const { watch, ask } = scene([
      { type: "text-delta", text: "a" },
      { type: "text-delta", text: "b" },
    ]);
    await Promise.all([ask(), ask({ model: "a/later", messages })]);
    expect(watch.last?.model).toBe("a/later");
  });
});
