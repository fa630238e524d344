/** What is said below an answer that has had something remembered, and its way back. */
import { beforeEach, describe, expect, it } from "vitest";
import { factMark } from "../../../src/base/fact-text.ts";
import type { ModelEvent } from "../../../src/ports/models.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { createTools } from "../../../src/tools/registry.ts";
import { createForget, createRemember } from "../../../src/tools/remember.ts";
import { createBotScene, group, mallory } from "../../support/bot-scene.ts";

const scene = createBotScene();

const end: ModelEvent = { type: "answer-end", model: "a/one", finish: "stop" };
const says = (text: string): ModelEvent => ({ type: "text-delta", text });
let calls = 0;
const remembers = (fact: string, replaces?: number): ModelEvent => ({
  type: "tool-call",
  ...{ id: `c${++calls}`, name: "remember", arguments: JSON.stringify({ fact, replaces }) },
});
const undo = (text: string, fact = 1, user = 7) => `undo:${user}:${fact}:${factMark(text)}`;

beforeEach(() => {
  scene.tools = createTools({ builtIn: [createRemember(), createForget()], only: ["remember", "forget"] });
});

type Button = { readonly text: string; readonly callback_data: string };

/** What the calls of a step leave: text and buttons of the message that was written last. */
function shown(made = scene.calls) {
  const { method, payload = {} } =
    made.findLast(({ method }) => /^(sendMessage|editMessage(Text|ReplyMarkup))$/.test(method)) ?? {};
  const markup = payload["reply_markup"] as { inline_keyboard: Button[][] } | undefined;
  const buttons = (markup?.inline_keyboard ?? []).map((row) => row.map((one) => `${one.text} ${one.callback_data}`));
  return { method, text: payload["text"], buttons };
}

/** Has an answer that remembers these; resolves with what stands there. */
async function remembering(facts: readonly string[], parts: object = {}) {
  scene.scripts = [
    [...facts.map((fact) => remembers(fact)), end],
    [says("Noted."), end],
  ];
  await scene.write("@parley_bot remember this", parts);
  const turn = await scene.store.newestTurn("chat" in parts ? "-100" : "7");
  return { message: turn?.messages.at(-1) ?? 0, question: turn?.question ?? 0 };
}

/** Presses a button below a message that shows this. */
const press = (data: string, message: number, text: string, more: object = {}) =>
  scene.arrive({
    callback_query: {
      ...{ id: "q", from: { id: 7, is_bot: false, first_name: "Ada" }, chat_instance: "1", data },
      message: {
        ...scene.message(text),
        ...{
          message_id: message,
          reply_markup: { inline_keyboard: [[{ text: texts.labels.undo, callback_data: data }]] },
        },
      },
      ...more,
    },
  });
const notice = () => scene.calls.findLast(({ method }) => method === "answerCallbackQuery")?.payload["text"];
const facts = async (owner = 7) => (await scene.store.readFacts(owner)).map(({ number, text }) => `${number} ${text}`);

describe("an answer that has had a fact remembered", () => {
  it("says so on a line, with Undo beside Regenerate", async () => {
    const { question } = await remembering(["Is vegan."]);
    expect(shown()).toEqual({
      method: "editMessageText",
      text: "Noted.\n\n📝 Remembered: Is vegan.",
      buttons: [[`🔄 Regenerate again:${question}`], [`↩️ Undo ${undo("Is vegan.")}`]],
    });
  });

  it("lists several, each with a button of its own, once", async () => {
    const long = "Lives in a house with a blue door.";
    await remembering(["Is vegan.", long, "is VEGAN."]);
    const { text, buttons } = shown();
    expect(text).toBe(`Noted.\n\n📝 Remembered: Is vegan.\n📝 Remembered: ${long}`);
    expect(buttons.slice(1)).toEqual([
      [`↩️ Undo: Is vegan. ${undo("Is vegan.")}`],
      [`↩️ Undo: Lives in a house with a… ${undo(long, 2)}`],
    ]);
  });

  it("says so in place of other notes, but for one", async () => {
    scene.finish = "length";
    scene.scripts = [
      [remembers("Is vegan."), end],
      [says("Noted."), { ...end, finish: "length", pictures: 1 } as ModelEvent],
    ];
    await scene.write("remember this");
    expect(shown().text).toBe("Noted.\n\n✂️ Cut at the length limit.\n📝 Remembered: Is vegan.");
  });

  it("says so when it is stopped or fails behind that, too", async () => {
    const stop = new AbortController();
    scene.scripts = [[remembers("Is vegan."), end]];
    scene.meanwhile = async () => stop.abort("stop");
    await scene.write("remember this", {}, { signal: stop.signal });
    expect(shown().text).toContain("📝 Remembered: Is vegan.");
    expect(shown().buttons.at(-1)).toEqual([`↩️ Undo ${undo("Is vegan.")}`]);
  });

  it("says it again when it is written again, unless it was undone", async () => {
    const { message, question } = await remembering(["Is vegan.", "Lives in Lyon."]);
    await press(undo("Is vegan."), message, "x");
    scene.scripts = [[says("Once more."), end]];
    await scene.press(`again:${question}`);
    expect(shown().text).toBe("Once more.\n\n📝 Remembered: Lives in Lyon.");
  });

  it("leaves its Undo in reach when the next answer takes its other buttons", async () => {
    const { message } = await remembering(["Is vegan."]);
    const made = await scene.write("and now?");
    const retired = made.filter(({ payload }) => payload["message_id"] === message);
    expect(shown(retired).buttons).toEqual([[`↩️ Undo ${undo("Is vegan.")}`]]);
    await press(undo("Is vegan."), message, "Noted.\n\n📝 Remembered: Is vegan.");
    expect(await facts()).toEqual([]);
    expect(shown().text).toBe("Noted.\n\n↩️ Not remembered: Is vegan.");
  });

  it("has nothing left below it when all was undone before", async () => {
    const { message } = await remembering(["Is vegan."]);
    await press(undo("Is vegan."), message, "x");
    const made = await scene.write("and now?");
    const retired = made.filter(({ payload }) => payload["message_id"] === message);
    expect(retired.map(({ payload }) => payload["reply_markup"])).toEqual([undefined]);
  });
});

describe("Undo", () => {
  const standing = "Noted.\n\n📝 Remembered: Is vegan.";

  it("takes the fact back, and the line says so; twice it does nothing more", async () => {
    const { message } = await remembering(["Is vegan."]);
    await press(undo("Is vegan."), message, standing);
    expect(notice()).toBe(texts.undone);
    expect(await facts()).toEqual([]);
    expect(shown()).toEqual({
      ...{ method: "editMessageText", text: "Noted.\n\n↩️ Not remembered: Is vegan.", buttons: [] },
    });
    await scene.store.addFact(7, { text: "Is vegan.", at: 1 }, { key: "other", atMost: 50 });
    await press(undo("Is vegan."), message, "Noted.\n\n↩️ Not remembered: Is vegan.");
    expect(notice()).toBe(texts.undoneAlready);
    // What was remembered since has another number.
    expect(await facts()).toEqual(["2 Is vegan."]);
  });

  it("keeps entities and what stands below the line where they are", async () => {
    const { message } = await remembering(["Is vegan."]);
    const text = `bold\n\n📝 Remembered: Is vegan.\n\n💭 thought`;
    const entities = [
      { type: "bold", offset: 0, length: 4 },
      { type: "expandable_blockquote", offset: text.indexOf("💭"), length: 10 },
    ];
    const data = undo("Is vegan.");
    const message_ = { ...scene.message(text), message_id: message, entities };
    await press(data, message, text, { message: message_ });
    const payload = scene.calls.findLast(({ method }) => method === "editMessageText")?.payload ?? {};
    const now = String(payload["text"]);
    expect(payload["entities"]).toEqual([entities[0], { ...entities[1], offset: now.indexOf("💭") }]);
  });

  it("puts back what the fact has taken the place of", async () => {
    await scene.store.addFact(7, { text: "Is vegetarian.", at: 1 }, { key: "k", atMost: 50 });
    scene.scripts = [
      [remembers("Is vegan.", 1), end],
      [says("Noted."), end],
    ];
    await scene.write("I am vegan now");
    expect(await facts()).toEqual(["1 Is vegan."]);
    for (let n = 0; n < 2; n++) await press(undo("Is vegan."), 5001, standing);
    expect(await facts()).toEqual(["1 Is vegetarian."]);
  });

  it("obeys nobody but who has asked", async () => {
    const { message } = await remembering(["We meet on Mondays."], { chat: group });
    const data = undo("We meet on Mondays.");
    const inGroup = { message: scene.message("x", { chat: group, message_id: message }) };
    await press(data, message, "x", { ...inGroup, from: mallory });
    expect(notice()).toBe(texts.notYourButton);
    expect(await facts(-100)).toEqual(["1 We meet on Mondays."]);
    await press(data, message, "x", inGroup);
    expect(await facts(-100)).toEqual([]);
  });

  it("obeys any member where the group itself has asked, since nobody can press as a group", async () => {
    const { message } = await remembering(["We meet on Mondays."], { chat: group, sender_chat: group });
    const inGroup = { message: scene.message("x", { chat: group, message_id: message }) };
    await press(undo("We meet on Mondays.", 1, -100), message, "x", { ...inGroup, from: mallory });
    expect(await facts(-100)).toEqual([]);
  });

  it("takes the fact out of what the conversation is told, and leaves what is being written alone", async () => {
    const { message, question } = await remembering(["Is vegan."]);
    await scene.store.keepFacts("7");
    scene.meanwhile = async () => void (await press(undo("Is vegan."), message, standing));
    const before = scene.calls.length;
    await scene.press(`again:${question}`);
    const edits = scene.calls.slice(before).map(({ payload }) => String(payload["text"] ?? ""));
    expect(edits.filter((text) => text.includes("Not remembered"))).toEqual([]);
    expect(await facts()).toEqual([]);
    expect((await scene.store.readConversation("7", 1)).facts?.facts).toEqual([]);
  });
});
