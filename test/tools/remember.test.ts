import { beforeEach, describe, expect, it } from "vitest";
import { inNobodysName } from "../../src/base/in-hand.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { ToolTurn } from "../../src/ports/tools.ts";
import { createForget, createRemember } from "../../src/tools/remember.ts";

let store = createMemoryStore({ historyTtlSeconds: 3600 });
let logged: unknown[] = [];
const remember = createRemember(() => 1);
const forget = createForget();

beforeEach(() => {
  store = createMemoryStore({ historyTtlSeconds: 3600 });
  logged = [];
});

function turn(conversation: string): ToolTurn {
  const write = (...line: unknown[]) => void logged.push(line);
  return { conversation, store, work: inNobodysName, log: { info: write, warn: write } } as unknown as ToolTurn;
}

let calls = 0;
const signal = new AbortController().signal;
const remembers = (args: unknown, conversation = "7", key = `k${++calls}`) =>
  remember.run({ args, key, turn: turn(conversation) }, signal);
const forgets = (args: unknown, conversation = "7") =>
  forget.run({ args, key: `k${++calls}`, turn: turn(conversation) }, signal);
const texts = async (owner = 7) => (await store.readFacts(owner)).map(({ number, text }) => `${number} ${text}`);

describe("remember", () => {
  it("keeps a fact in one line, and says its number", async () => {
    expect(await remembers({ fact: " Is\nvegan.\u200b " })).toEqual({
      text: "Remembered as number 1. The user sees it below your answer.",
      remembered: { fact: 1, text: "Is vegan." },
      note: "remembered as number 1: Is vegan.",
    });
    expect(await texts()).toEqual(["1 Is vegan."]);
  });

  it("keeps it once, whoever makes the call again", async () => {
    const first = await remembers({ fact: "Is vegan." }, "7", "same");
    expect(await remembers({ fact: "Is vegan." }, "7", "same")).toEqual(first);
    expect(await texts()).toEqual(["1 Is vegan."]);
  });

  it("says that it is known already, without a way to undo what is older", async () => {
    await remembers({ fact: "Is vegan." });
    expect(await remembers({ fact: "is vegan." })).toEqual({ text: "It is known already, as number 1." });
  });

  it("puts one in the place of another", async () => {
    await remembers({ fact: "Is vegan." });
    expect((await remembers({ fact: "Is vegetarian.", replaces: "1" })).remembered).toMatchObject({ fact: 1 });
    expect(await texts()).toEqual(["1 Is vegetarian."]);
  });

  it("keeps a group's facts with the group, whatever the topic, and a user's with the user", async () => {
    await remembers({ fact: "Meets on Mondays." }, "-100:5");
    await remembers({ fact: "Is vegan." }, "7:3");
    expect([await texts(-100), await texts(7)]).toEqual([["1 Meets on Mondays."], ["1 Is vegan."]]);
  });

  it("keeps fifty, and then asks which may go", async () => {
    for (let n = 1; n <= 50; n++) await remembers({ fact: `Fact ${n}.` });
    const { text, failed } = await remembers({ fact: "One more." });
    expect(failed).toBe(true);
    expect(text).toMatch(/^There are 50 facts already/);
    expect(await remembers({ fact: "One instead.", replaces: 50 })).toMatchObject({ remembered: { fact: 50 } });
    expect(await texts()).toHaveLength(50);
  });

  it.each([
    [{}, "remember needs fact"],
    [{ fact: 5 }, "remember needs fact"],
    [null, "remember needs fact"],
    [{ fact: "\u200b" }, "The fact says nothing."],
    [{ fact: "x".repeat(201) }, "The fact has 201 characters; at most 200 are kept."],
    [{ fact: "Her card is 4111 1111 1111 1111." }, "Not remembered: it looks like the number of a card"],
    [{ fact: `Uses ${"sk-"}abcdefghijklmnop1234.` }, "Not remembered: it looks like a key"],
    [{ fact: "The password is hunter2." }, "Not remembered: it looks like a password"],
  ])("refuses %j, tells why, and leaves no trace of it", async (args, why) => {
    const result = await remembers(args);
    expect(result).toMatchObject({ failed: true, text: expect.stringContaining(why) });
    expect(result.note).toBeUndefined();
    expect(await texts()).toEqual([]);
    expect(logged).toEqual([]);
    const given = (args as { fact?: unknown } | null)?.fact;
    if (typeof given === "string") expect(result.text).not.toContain(given.slice(-10));
  });

  it("does nothing once it is stopped", async () => {
    const stopped = AbortSignal.abort();
    const call = { args: { fact: "Is vegan." }, key: "k", turn: turn("7") };
    await expect(remember.run(call, stopped)).rejects.toThrow();
    expect(await texts()).toEqual([]);
  });
});

describe("forget", () => {
  it("removes a fact by its number", async () => {
    await remembers({ fact: "Is vegan." });
    await remembers({ fact: "Lives in Lyon." });
    expect(await forgets({ number: 1 })).toEqual({ text: "Number 1 is forgotten.", note: "forgot number 1" });
    expect(await texts()).toEqual(["2 Lives in Lyon."]);
    expect(await forgets({ number: 1 })).toEqual({ text: "There is no fact number 1 any more." });
    expect(await forgets({ number: "two" })).toMatchObject({ failed: true });
    expect(await forgets({ number: 2 }, "-100")).toEqual({ text: "There is no fact number 2 any more." });
  });
});

describe("both", () => {
  it("ask after anything untrusted was read, may be made again, and are for groups, too", () => {
    for (const tool of [remember, forget])
      expect(tool).toMatchObject({ class: "keyed", asks: false, carriesOut: true, inGroups: true, ofMemory: true });
    expect([remember, forget].map((tool) => tool.activity({}))).toEqual(Array(2).fill({ doing: "remembering" }));
  });
});
