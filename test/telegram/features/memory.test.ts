/** `/memory` and `/forget`. */
import { describe, expect, it } from "vitest";
import { english as texts } from "../../../src/texts/english.ts";
import { chat, createBotScene, group, mallory, said } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;

const told = async (...args: Parameters<typeof write>) => said(await write(...args)).join("\n");
const facts = async (owner = 7) => (await scene.store.readFacts(owner)).map(({ number, text }) => `${number} ${text}`);
const system = () => scene.requests.at(-1)?.messages.filter(({ role }) => role === "system");
type Button = { readonly text: string; readonly callback_data: string };
function buttons(): string[][] {
  const shown = scene.calls.findLast(({ payload }) => payload["reply_markup"] !== undefined);
  const markup = shown?.payload["reply_markup"] as { inline_keyboard: Button[][] } | undefined;
  return (markup?.inline_keyboard ?? []).map((row) => row.map(({ text, callback_data: data }) => `${text} ${data}`));
}
const edited = () => scene.calls.findLast(({ method }) => method === "editMessageText")?.payload["text"];
const notice = () => scene.calls.findLast(({ method }) => method === "answerCallbackQuery")?.payload["text"];

async function fill(count: number, owner = 7): Promise<void> {
  for (let n = 1; n <= count; n++)
    await scene.store.addFact(owner, { text: `Fact ${n}.`, at: 1 }, { key: `k${n}`, atMost: 50 });
}

describe("/memory", () => {
  it("says that there is nothing, and how to add something", async () => {
    const text = await told("/memory");
    expect(text).toContain("I remember nothing about you.");
    expect(text).toContain("/memory add");
    expect(buttons()).toEqual([["✅ On memory:on", "Off memory:off"]]);
  });

  it("lists facts by number, with a button to forget each", async () => {
    await told("/memory add I am vegan");
    await told("/memory ADD  I live\nin Lyon ");
    const text = await told("/memory");
    expect(text).toContain("What I remember about you (2 of 50):\n\n1. I am vegan\n2. I live in Lyon");
    expect(text).toContain("in no group");
    expect(buttons()[0]).toEqual(["🗑 1 facts:0:1", "🗑 2 facts:0:2"]);
    await press("facts:0:1");
    expect(notice()).toBe(texts.forgotten("I am vegan"));
    expect(edited()).toContain("(1 of 50):\n\n2. I live in Lyon");
    await press("facts:0:1");
    expect(notice()).toBe(texts.noSuchFact(1));
    expect(await facts()).toEqual(["2 I live in Lyon"]);
  });

  it("comes in pages, and stays on the page that something is forgotten on", async () => {
    await fill(17);
    await told("/memory");
    expect(buttons().at(-2)).toEqual(["Page 2 › facts:1"]);
    await press("facts:1");
    expect(edited()).toContain("9. Fact 9.\n");
    expect(edited()).not.toContain("8. Fact 8.");
    expect(buttons().at(-2)).toEqual(["‹ Page 1 facts:0", "Page 3 › facts:2"]);
    await press("facts:2:17");
    expect(edited()).toContain("16. Fact 16.");
    expect(buttons().at(-2)).toEqual(["‹ Page 1 facts:0"]);
    await press("facts:999999");
    expect(edited()).toContain("16. Fact 16.");
  });

  it("fits into a message, however long the facts are", async () => {
    for (let n = 0; n < 50; n++) {
      const text = `${"🙂".repeat(198)}${String(n).padStart(2, "0")}`;
      await scene.store.addFact(7, { text, at: 1 }, { key: `k${n}`, atMost: 50 });
    }
    expect((await told("/memory")).length).toBeLessThanOrEqual(4096);
  });

  it("off tells no model of it and adds nothing, until it is on again; what there is can be forgotten", async () => {
    await told("/memory add I am vegan");
    expect(await told("/memory off")).toContain("Memory is off here");
    expect(buttons().at(-1)).toEqual(["On memory:on", "✅ Off memory:off"]);
    await write("what shall I eat?");
    expect(system()).toEqual([]);
    expect(await told("/memory add I live in Lyon")).toBe(texts.memoryIs("off"));
    await press("memory:on");
    expect(edited()).toContain("Models are told it");
    await write("and now?");
    expect(system()).toMatchObject([{ content: expect.stringContaining("1. I am vegan") }]);
    await told("/memory off");
    await told("/forget 1");
    expect(await facts()).toEqual([]);
  });

  it("holds for all topics of a chat", async () => {
    await told("/memory off");
    await told("/memory add I am vegan", { message_thread_id: 3, is_topic_message: true });
    expect(await facts()).toEqual([]);
  });

  it("of a group is the group's, and its members may change it", async () => {
    await told("/memory add I am vegan");
    await told("/memory add We meet on Mondays", { chat: group });
    const text = await told("/memory", { chat: group, from: mallory });
    expect(text).toContain("What I remember about this group (1 of 50):\n\n1. We meet on Mondays");
    expect(text).toContain("every member may read and change it");
    expect(text).not.toContain("vegan");
    await write("@parley_bot what do you know?", { chat: group });
    expect(system()).toMatchObject([{ content: expect.stringContaining("We meet on Mondays") }]);
    expect(JSON.stringify(system())).not.toContain("vegan");
    await told("/forget all", { chat: group, from: mallory });
    expect([await facts(-100), await facts(7)]).toEqual([[], ["1 I am vegan"]]);
  });

  it("that the operator has switched off still lists and forgets what there is", async () => {
    await told("/memory add I am vegan");
    scene.memory = undefined;
    const text = await told("/memory on");
    expect(text).toContain("1. I am vegan");
    expect(text).toContain("switched off for this whole bot");
    expect(buttons()).toEqual([["🗑 1 facts:0:1"]]);
    await write("what shall I eat?");
    expect(system()).toEqual([]);
    expect(await told("/memory add I live in Lyon")).toBe(texts.memoryIs("closed"));
    await press("facts:0:1");
    expect(await facts()).toEqual([]);
    expect(await told("/memory")).toContain("I remember nothing about you.");
  });
});

describe("/memory add", () => {
  it("is known from the next question on", async () => {
    await write("hello");
    await told("/memory add I am vegan");
    await write("what shall I eat?");
    expect(system()).toMatchObject([{ content: expect.stringContaining("1. I am vegan") }]);
  });

  it.each([
    ["", "What shall I remember?"],
    [` ${"x".repeat(201)}`, "A fact may have 200 characters; yours has 201."],
    [" my card is 4111 1111 1111 1111", "it looks like the number of a card"],
    [" my password is hunter2", "it looks like a password"],
    [` my key is ${"sk-"}abcdefghijklmnop1234`, "it looks like a key"],
  ])("refuses what is none, or a secret, and the log has nothing of it: %s", async (given, why) => {
    expect(await told(`/memory add${given}`)).toContain(why);
    expect(await facts()).toEqual([]);
    expect(JSON.stringify(scene.logged)).not.toMatch(/4111|hunter2|abcdefghij/);
  });

  it("refuses the fifty-first, and what is known already", async () => {
    await fill(50);
    expect(await told("/memory add one more")).toContain("I remember 50 facts already");
    expect(await told("/memory add fact 3.")).toBe(texts.rememberedAlready(3));
    expect(await facts()).toHaveLength(50);
  });

  it("that is delivered again adds nothing twice", async () => {
    const update = scene.message("/memory add I am vegan");
    const updateId = 900;
    const body = JSON.stringify({ update_id: updateId, message: update });
    for (let n = 0; n < 2; n++)
      await scene.handle({ updateId, conversation: "7", lane: "quick", receivedAt: Date.now(), body });
    expect(await facts()).toEqual(["1 I am vegan"]);
    expect(said(scene.calls)).toEqual(Array(2).fill(texts.remembered("I am vegan")));
  });
});

describe("/forget", () => {
  it("alone, or with something else, explains", async () => {
    for (const text of ["/forget", "/forget me", "/forget 3 4"]) expect(await told(text)).toBe(texts.forgetHow);
  });

  it("removes one by its number, and the model is told no more of it", async () => {
    await fill(2);
    await write("hello");
    expect(await told("/forget 1")).toBe(texts.forgotten("Fact 1."));
    expect(await told("/forget #1")).toBe(texts.noSuchFact(1));
    await write("and now?");
    expect(system()).toMatchObject([{ content: expect.stringMatching(/:?\n2\. Fact 2\.$/) }]);
    expect((await scene.store.readConversation("7", 1)).facts?.facts).toMatchObject([{ number: 2 }]);
  });

  it("all removes everything, from what conversations are told, too", async () => {
    await fill(2);
    await write("hello");
    expect(await told("/forget all")).toBe(texts.forgottenAll(2));
    expect((await scene.store.readConversation("7", 1)).facts).toBeUndefined();
    await write("and now?");
    expect(system()).toEqual([]);
    expect(await told("/forget ALL")).toBe(texts.forgottenAll(0));
  });
});

describe("what is kept", () => {
  it("goes with /delete, and what groups remember stays", async () => {
    await fill(2);
    await fill(1, -100);
    await told("/memory off");
    await press(`erase:yes:7:${Math.floor(Date.now() / 1000)}`, { chat });
    expect([await facts(), await facts(-100)]).toEqual([[], ["1 Fact 1."]]);
    expect(await scene.store.readSettings("7")).toEqual({});
  });
});
