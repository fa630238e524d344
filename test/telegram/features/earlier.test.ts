/** The first question after a pause: the summary in the place of what stood before, and the way back. */
import { beforeEach, describe, expect, it } from "vitest";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;
const minute = 60_000;
const soon = { date: Math.floor(Date.now() / 1000) };
// The answer before is given now.
const later = { date: Math.floor(Date.now() / 1000) + 600 };

/** What the model was shown last: the words of each message. */
const shown = () => scene.requests.at(-1)?.messages.map(({ content }) => content);

async function summarise(from: number, through: number): Promise<void> {
  const summary = { text: "- it is Ada", tokens: 4, from, through, model: "a/one" };
  await scene.store.replaceSummary("7", (await scene.store.readConversation("7", 0)).summary, { summary });
}

/** Texts and keyboards of what was sent and edited. */
const lastMessage = () => scene.calls.findLast(({ payload }) => "text" in payload)?.payload;
const lastKeyboard = () => labels(scene.calls.findLast(({ payload }) => "reply_markup" in payload)?.payload);
const labels = (payload: Record<string, unknown> | undefined) =>
  ((payload?.["reply_markup"] as { inline_keyboard: { text: string }[][] } | undefined)?.inline_keyboard ?? [])
    .flat()
    .map(({ text }) => text);

async function lastId(): Promise<number> {
  return (await scene.store.newestTurn("7"))?.messages.at(-1) ?? 0;
}

describe("the first question after a pause", () => {
  beforeEach(async () => {
    scene.newTopicAfterMs = 5 * minute;
    await write("one", soon);
    await write("two", soon);
    const questions = (await scene.store.readHistory("7")).map(({ question }) => question);
    await summarise(questions[1] ?? 0, questions[1] ?? 0);
  });

  it("is asked with the summary alone, says so, and has a button for the messages before it", async () => {
    await write("three", later);
    expect(shown()).toEqual([expect.stringContaining("- it is Ada"), "three"]);
    expect(lastMessage()?.["text"]).toContain(texts.note({ kind: "new-topic" }));
    expect(lastKeyboard()).toEqual([texts.labels.regenerate, texts.labels.earlier]);
  });

  it("that comes soon, or where pauses change nothing, has what it had", async () => {
    await write("three", soon);
    expect(shown()).toHaveLength(4);
    scene.newTopicAfterMs = 0;
    await write("four", later);
    expect(shown()).toHaveLength(6);
    expect(lastKeyboard()).toEqual([texts.labels.regenerate]);
  });

  it("goes on whole without a summary", async () => {
    await scene.store.replaceSummary("7", (await scene.store.readConversation("7", 0)).summary, {});
    await write("three", later);
    expect(shown()).toEqual(["one", "answer 1", "two", "answer 2", "three"]);
    expect(lastMessage()?.["text"]).toBe("answer 3");
  });

  it("goes on by itself with what came after the pause", async () => {
    await write("three", later);
    await write("four", soon);
    expect(shown()?.slice(1)).toEqual(["three", "answer 3", "four"]);
  });

  it("has the messages back for the next question once the button is pressed, and no second button", async () => {
    await write("three", later);
    const newest = await scene.store.newestTurn("7");
    const calls = await press(`earlier:${newest?.question}`, { message_id: await lastId() });
    expect(calls.map(({ method, payload }) => [method, labels(payload)])).toEqual([
      ["editMessageReplyMarkup", [texts.labels.regenerate]],
    ]);
    expect(await press(`earlier:${newest?.question}`, { message_id: await lastId() })).toEqual([]);
    await write("four", soon);
    expect(shown()?.slice(1)).toEqual(["two", "answer 2", "three", "answer 3", "four"]);
    await write("five", soon);
    expect(shown()?.slice(1)).toEqual(["two", "answer 2", "three", "answer 3", "four", "answer 4", "five"]);
  });

  it("is answered again with the messages once the button was pressed, and without them before", async () => {
    await write("three", later);
    const { question } = (await scene.store.newestTurn("7")) ?? { question: 0 };
    await press(`again:${question}`, { message_id: await lastId() });
    expect(shown()).toHaveLength(2);
    await press(`earlier:${question}`, { message_id: await lastId() });
    await press(`again:${question}`, { message_id: await lastId() });
    expect(shown()?.slice(1)).toEqual(["two", "answer 2", "three"]);
    expect(lastKeyboard()).toEqual([texts.labels.regenerate]);
  });

  it("loses the button to the next answer, and an old press brings nothing back", async () => {
    await write("three", later);
    const { question, messages } = (await scene.store.newestTurn("7")) ?? { question: 0, messages: [] };
    await write("four", soon);
    await press(`earlier:${question}`, { message_id: messages.at(-1) });
    expect((await scene.store.readSettings("7")).broughtBack).toBeUndefined();
    await write("five", soon);
    expect(shown()?.slice(1)).toEqual(["three", "answer 3", "four", "answer 4", "five"]);
  });
});

it("has a conversation summarised after the answer that takes it past three quarters of a limit", async () => {
  for (let n = 1; n <= 8; n++) await write(`question ${n}`, soon);
  expect(scene.summarised.map(({ conversation, userId }) => [conversation, userId])).toEqual([["7", 7]]);
});
