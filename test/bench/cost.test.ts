import { describe, expect, it } from "vitest";
import { chatsOf, readDialogues } from "../../bench/cost/dialogues.ts";
import { createPrefixCache } from "../../bench/cost/prefix-cache.ts";
import { replay } from "../../bench/cost/replay.ts";

const generated = readDialogues("/nowhere");
const everything = { HISTORY_MAX_TOKENS: "1000000", HISTORY_MAX_MESSAGES: "10000" };

describe("what the benchmark of costs stands on", () => {
  it("makes the same dialogues up each time, and states facts in them", () => {
    expect(readDialogues("/nowhere").hash).toBe(generated.hash);
    const chats = chatsOf(generated, 12, 2);
    expect(chatsOf(generated, 12, 2)).toEqual(chats);
    expect(chats.map((turns) => turns.filter(({ fact }) => fact !== undefined).length)).toEqual([2, 2]);
    for (const { asked, fact } of chats.flat()) expect(asked).toContain(fact ?? "");
  });

  it("finds whole blocks of a prefix again, above the minimum and within their time", () => {
    const cache = createPrefixCache({ minimum: 100, block: 50, ttlMs: 1_000 });
    const long = { role: "system", content: "one two three four ".repeat(40) };
    const ask = (content: string, at: number) => cache.read([long, { role: "user", content }], at);
    const first = ask("why?", 0);
    expect(first.cached).toBe(0);
    expect(first.input).toBeGreaterThan(150);
    const again = ask("how?", 900);
    expect(again.cached).toBeGreaterThan(100);
    expect(again.cached % 50).toBe(0);
    expect(again.cached).toBeLessThan(again.input);
    expect(ask("when?", 1_800).cached).toBe(again.cached);
    expect(ask("who?", 2_900).cached).toBe(0);
    const short = { role: "user", content: "hello there" };
    cache.read([short], 0);
    expect(cache.read([short], 1).cached).toBe(0);
  });

  it("replays chats through the bot alike each time, and sees which facts a prompt still has", async () => {
    const chats = chatsOf(generated, 12, 1);
    const whole = await replay(chats, { model: "openai/gpt-4.1", env: everything }, "Be brief.");
    expect(whole).toMatchObject({ questions: 12, facts: 2, factsPresent: 2 });
    expect(whole.calls).toHaveLength(12);
    expect(await replay(chats, { model: "openai/gpt-4.1", env: everything }, "Be brief.")).toEqual(whole);
    const window = await replay(chats, { model: "openai/gpt-4.1", env: everything, newestMessages: 8 }, "Be brief.");
    expect(window.factsPresent).toBe(1);
  });

  it("has easy questions answered by the cheap model where auto chooses", async () => {
    const turn = { answered: "Yes.", afterMs: 1_000 };
    const chat = ["Is it raining?", "What is 12 * 7?"].map((asked) => ({ ...turn, asked }));
    const { calls } = await replay([chat], { model: "openai/gpt-4.1", cheap: "openai/gpt-4.1-nano" }, "Be brief.");
    expect(calls.map(({ model }) => model)).toEqual(["openai/gpt-4.1-nano", "openai/gpt-4.1"]);
  });
});
