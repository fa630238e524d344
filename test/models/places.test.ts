import { describe, expect, test } from "vitest";
import type { Config } from "../../src/config/config.ts";
import { answered, until } from "../contracts/models.contract.ts";
import { createProvidersScene } from "../support/providers-scene.ts";

const scene = createProvidersScene();
const { open } = scene;

describe("places at a provider", () => {
  const capped = (concurrency: number): Partial<Config["models"]> => ({
    fallbacks: [],
    providers: [{ name: "openai", baseUrl: scene.first.url, concurrency }],
  });

  test("no more calls at once than it has, first come, first served", async () => {
    scene.first.script.always({ chunks: ["a", "b", "c"], tokensPerSecond: 40 });
    let most = 0;
    const asking = open({}, capped(2));
    const watch = setInterval(() => {
      most = Math.max(most, scene.first.writing);
    }, 2);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, at) => answered(asking, "openai/a", undefined, `question ${at}`)),
    );
    clearInterval(watch);
    expect(most).toBeLessThanOrEqual(2);
    expect(answers.map(({ text }) => text)).toEqual(Array(6).fill("abc"));
    expect(answers.map(({ events }) => events[0]?.type)).toEqual(["attempt", "attempt", ...Array(4).fill("waiting")]);
    const order = scene.first.requests.map(({ body }) => Number(body.messages[0]?.content.slice(-1)));
    // Two that are let in together may arrive in either order.
    for (const [place, question] of order.entries()) expect(Math.abs(place - question)).toBeLessThanOrEqual(1);
  });

  test("the wait counts against no limit", async () => {
    scene.first.script.next({ chunks: ["a", "b", "c"], tokensPerSecond: 1.5 });
    scene.first.script.always({ text: "Paris." });
    const asking = open({ firstTokenMs: 1000, silenceMs: 5000, silentMs: 1000 }, capped(1));
    const [, waited] = await Promise.all([answered(asking, "openai/a"), answered(asking, "openai/a")]);
    expect(waited).toMatchObject({ text: "Paris.", events: [{ type: "waiting", provider: "openai" }, {}, {}, {}] });
  });

  test("one who leaves the line gives up no place of the others", async () => {
    scene.first.script.next({ chunks: ["a", "b"], tokensPerSecond: 5 });
    scene.first.script.always({ text: "Paris." });
    const asking = open({}, capped(1));
    const stop = new AbortController();
    const one = answered(asking, "openai/a");
    const two = answered(asking, "openai/a", stop.signal);
    const three = answered(asking, "openai/a");
    await until(() => scene.first.requests.length === 1);
    stop.abort();
    expect((await two).events).toEqual([{ type: "waiting", provider: "openai" }]);
    expect([(await one).text, (await three).text]).toEqual(["ab", "Paris."]);
  });

  test("one who has waited for too long goes on to the next model, and the last one says so", async () => {
    scene.first.script.always({ chunks: ["a", "b"], stallAfterChunks: 1 });
    scene.second.script.always({ text: "Lyon." });
    const providers = [
      { name: "openai", baseUrl: scene.first.url, concurrency: 1 },
      { name: "deepseek", baseUrl: scene.second.url },
    ];
    const asking = open({ placeMs: 50, lastPlaceMs: 100 }, { providers });
    const stop = new AbortController();
    const holding = answered(asking, "openai/a", stop.signal);
    await until(() => scene.first.requests.length === 1);
    const { events, text } = await answered(asking, "openai/a");
    expect(text).toBe("Lyon.");
    expect(events.slice(0, 3)).toEqual([
      { type: "waiting", provider: "openai" },
      { type: "trying-again", reason: "busy", quiet: true },
      { type: "attempt", model: "deepseek/b" },
    ]);
    // That there was no place says nothing of the model.
    expect(await answered(asking, "openai/c")).toMatchObject({ text: "Lyon." });
    stop.abort();
    await holding;
    const alone = open({ placeMs: 50, lastPlaceMs: 100 }, { providers, fallbacks: [] });
    const again = new AbortController();
    const busy = answered(alone, "openai/a", again.signal);
    await until(() => scene.first.requests.length === 2);
    const late = await answered(alone, "openai/a");
    expect(late.error).toMatchObject({ kind: "busy", model: "openai/a" });
    again.abort();
    await busy;
  });
});
