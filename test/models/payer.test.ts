/** The seam between the chain and who pays for its calls. */
import { describe, expect, it, vi } from "vitest";
import { BudgetError, type BudgetRefusal } from "../../src/base/errors.ts";
import { whenAborted } from "../../src/base/signals.ts";
import { textParts } from "../../src/ports/content.ts";
import type { CallEnd, ModelEvent, ModelRequest, Models, Payer } from "../../src/ports/models.ts";
import { createProvidersScene } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000 });

function payer(
  more: { readonly mostPieces?: number; readonly refuses?: readonly string[]; readonly why?: BudgetRefusal } = {},
) {
  const seen: string[] = [];
  const ends: CallEnd[] = [];
  let pieces = 0;
  const one: Payer = {
    async open({ model }) {
      seen.push(`open ${model}`);
      if (more.refuses?.includes(model)) throw new BudgetError("user-day", 0, undefined, more.why);
      let open = true;
      return {
        wrote: () => ++pieces < (more.mostPieces ?? Number.POSITIVE_INFINITY),
        close(end) {
          if (!open) return;
          open = false;
          seen.push(`close ${model} ${end.outcome}`);
          ends.push(end);
        },
      };
    },
  };
  return { one, seen, ends };
}

async function ask(
  models: Models,
  paying: Payer,
  words: string,
  signal = new AbortController().signal,
  until = (_: ModelEvent) => false,
) {
  const request: ModelRequest = {
    model: "openai/a",
    messages: [{ role: "user", content: textParts(words) }],
    payer: paying,
  };
  const events: ModelEvent[] = [];
  for await (const event of models.answer(request, signal)) {
    events.push(event);
    if (until(event)) break;
  }
  return events;
}

it("opens a call before it is sent, and closes it with what the provider has counted before the end is read", async () => {
  const { one, seen, ends } = payer();
  const events = await ask(scene.open(), one, "hello", undefined, (event) => {
    if (event.type === "attempt") seen.push("attempt");
    return event.type === "answer-end";
  });
  expect(seen).toEqual(["open openai/a", "attempt", "close openai/a complete"]);
  expect(events.at(-1)).toMatchObject({ type: "answer-end", usage: ends[0]?.usage });
  expect(ends[0]?.usage?.outputTokens).toBeGreaterThan(0);
  expect(ends[0]?.durationMs).toBeGreaterThanOrEqual(ends[0]?.firstTokenMs ?? Number.POSITIVE_INFINITY);
});

it("closes a call that failed before it opens the next one", async () => {
  const { one, seen } = payer();
  scene.first.script.always({ status: 401 });
  scene.second.script.always({ text: "Paris." });
  await ask(scene.open(), one, "hello");
  const second = ["open deepseek/b", "close deepseek/b complete"];
  expect(seen).toEqual(["open openai/a", "close openai/a auth", ...second]);
});

it("ends an answer that cannot be paid any further, and leaves the provider", async () => {
  const { one, seen } = payer({ mostPieces: 3 });
  const events = await ask(scene.open(), one, "long");
  expect(events.at(-1)).toEqual({ type: "answer-end", model: "openai/a", finish: "budget" });
  expect(seen).toEqual(["open openai/a", "close openai/a over-budget"]);
});

it("asks nobody when no call can be paid", async () => {
  const { one, seen } = payer({ refuses: ["openai/a", "deepseek/b"] });
  await expect(ask(scene.open(), one, "hello")).rejects.toThrow(BudgetError);
  expect(seen).toEqual(["open openai/a", "open deepseek/b"]);
  expect([...scene.first.requests, ...scene.second.requests]).toHaveLength(0);
});

it("goes on to the next model when only the one before it cannot be paid, and says so", async () => {
  const { one, seen } = payer({ refuses: ["openai/a"] });
  scene.second.script.always({ text: "Paris." });
  const events = await ask(scene.open(), one, "hello");
  expect(seen).toEqual(["open openai/a", "open deepseek/b", "close deepseek/b complete"]);
  expect(events.map(({ type }) => type)).toEqual(["passed-over", "attempt", "text-delta", "answer-end"]);
  expect(scene.first.requests).toHaveLength(0);
});

it("says that the budget did not pay when those behind it fail", async () => {
  const { one } = payer({ refuses: ["openai/a"] });
  scene.second.script.always({ status: 401 });
  await expect(ask(scene.open(), one, "hello")).rejects.toThrow(BudgetError);
});

it("asks no other model when calls of others have reserved what is left for too long", async () => {
  const { one, seen } = payer({ refuses: ["openai/a"], why: "reserved" });
  await expect(ask(scene.open(), one, "hello")).rejects.toThrow(BudgetError);
  expect(seen).toEqual(["open openai/a"]);
});

describe("whoever has to wait until others are paid", () => {
  const onePlace = () => ({
    fallbacks: [],
    providers: [{ name: "openai", baseUrl: scene.first.url, concurrency: 1 }],
  });

  /** Waits for `paid`, as a question does whose budget others have reserved. */
  function waiting(paid: Promise<void>) {
    const { one, seen, ends } = payer();
    const waits: Payer = {
      async open(call, signal, onWaiting) {
        onWaiting?.();
        seen.push("waits");
        await Promise.race([paid, whenAborted(signal)]);
        return signal.aborted ? undefined : await one.open(call, signal);
      },
    };
    return { waits, seen, ends };
  }

  it("leaves the only place to them meanwhile, and queues for it again", { timeout: 60_000 }, async () => {
    scene.first.script.always({ text: "Paris." });
    const models = scene.open({}, onePlace());
    const paid = Promise.withResolvers<void>();
    const first = waiting(paid.promise);
    const asking = ask(models, first.waits, "waits for the other");
    await soon(() => expect(first.seen).toEqual(["waits"]));
    const second = payer();
    expect((await ask(models, second.one, "goes first")).at(-1)).toMatchObject({ type: "answer-end" });
    expect(first.seen).toEqual(["waits"]);
    // The place is somebody else's when it can be paid.
    scene.first.script.next({ chunks: ["a", "b"], stallAfterChunks: 1 });
    const stop = new AbortController();
    const third = ask(models, payer().one, "has the place", stop.signal);
    await soon(() => expect(scene.first.requests).toHaveLength(2));
    paid.resolve();
    await soon(() => expect(first.seen).toEqual(["waits", "open openai/a"]));
    expect(scene.first.requests).toHaveLength(2);
    stop.abort();
    await third;
    expect((await asking).map(({ type }) => type)).toEqual(["waiting", "attempt", "text-delta", "answer-end"]);
    expect(first.seen).toEqual(["waits", "open openai/a", "close openai/a complete"]);
    expect(scene.first.requests).toHaveLength(3);
  });

  it("is charged nothing when no place comes free in time afterwards", async () => {
    scene.first.script.always({ chunks: ["a", "b"], stallAfterChunks: 1 });
    const models = scene.open({ lastPlaceMs: 50 }, onePlace());
    const paid = Promise.withResolvers<void>();
    const first = waiting(paid.promise);
    const asking = ask(models, first.waits, "waits for the other");
    await soon(() => expect(first.seen).toEqual(["waits"]));
    const stop = new AbortController();
    const second = ask(models, payer().one, "has the place", stop.signal);
    await soon(() => expect(scene.first.requests).toHaveLength(1));
    paid.resolve();
    await expect(asking).rejects.toThrow("no place came free in time");
    expect(first.ends).toMatchObject([{ outcome: "busy", firstTokenMs: undefined }]);
    stop.abort();
    await second;
  });

  it("leaves no place taken when it is stopped while it waits", async () => {
    scene.first.script.always({ text: "Paris." });
    const models = scene.open({}, onePlace());
    const stop = new AbortController();
    const first = waiting(Promise.withResolvers<void>().promise);
    const asking = ask(models, first.waits, "waits for ever", stop.signal);
    await soon(() => expect(first.seen).toEqual(["waits"]));
    stop.abort();
    expect(await asking).toEqual([]);
    for (const words of ["one", "two"]) {
      expect((await ask(models, payer().one, words)).map(({ type }) => type)).not.toContain("waiting");
    }
  });
});

it.each(["attempt", "text-delta"])("closes the call of whoever stops reading at the first %s", async (type) => {
  const { one, seen } = payer();
  await ask(scene.open(), one, "hello", undefined, (event) => event.type === type);
  expect(seen).toEqual(["open openai/a", "close openai/a stopped"]);
});

it("closes the call of a question that was stopped", async () => {
  const { one, seen } = payer();
  const stop = new AbortController();
  await ask(scene.open(), one, "long", stop.signal, (event) => {
    if (event.type === "text-delta") stop.abort();
    return false;
  });
  expect(seen).toEqual(["open openai/a", "close openai/a stopped"]);
});

it("tells which model the provider says it has served, where that is another name", async () => {
  const { one, ends } = payer();
  const chunk = (model: string) =>
    `data: {"model":"${model}","choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n`;
  scene.first.script.next({ rawChunks: [chunk("a-2026-11-01")] }, { rawChunks: [chunk("a")] });
  const models = scene.open();
  await ask(models, one, "hello");
  await ask(models, one, "hello");
  expect(ends.map(({ served }) => served)).toEqual(["a-2026-11-01", undefined]);
});
