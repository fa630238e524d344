/** Answers that are given again, as people see them. */
import { beforeEach, expect, it } from "vitest";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene, mallory } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;
const line = texts.note({ kind: "cached" });
const shown = () => String(scene.calls.findLast(({ payload }) => "text" in payload)?.payload["text"]);
const end = () => scene.logged.findLast(({ message }) => message === "an answer ended");

beforeEach(() => {
  scene.answerCache = { shared: false, keepMs: 3_600_000, settings: "" };
});

it("shows behind /new the answer of before, with its line and Regenerate, which asks the model", async () => {
  await write("hello");
  expect([shown(), end()?.["cached"], scene.cachedAnswers]).toEqual(["answer 1", undefined, 0]);
  await write("/new");
  await write("hello");
  expect(shown()).toContain("answer 1");
  expect(shown()).toContain(line);
  expect(end()).toMatchObject({ outcome: "complete", model: "a/one", cached: true });
  expect([scene.requests.length, scene.cachedAnswers]).toEqual([1, 1]);
  const turn = await scene.store.newestTurn("7");
  const markup = scene.calls.findLast(({ payload }) => "reply_markup" in payload)?.payload["reply_markup"];
  const [[button]] = (markup as { inline_keyboard: [[{ text: string; callback_data: string }]] }).inline_keyboard;
  expect(button.text).toBe(texts.labels.regenerate);
  await press(button.callback_data, { message_id: turn?.messages.at(-1) });
  expect([scene.requests.length, shown(), scene.cachedAnswers]).toEqual([2, "answer 2", 1]);
});

it("asks the model for whoever else asks it, and after /delete", async () => {
  await write("hello");
  await write("hello", { from: mallory, chat: { id: 66, type: "private", first_name: "Mallory" } });
  expect(scene.requests).toHaveLength(2);
  await scene.store.eraseUser(7);
  await write("hello");
  expect(scene.requests).toHaveLength(3);
});

it("asks the model each time where nothing was said of it", async () => {
  scene.answerCache = undefined;
  await write("hello");
  await write("/new");
  await write("hello");
  expect([scene.requests.length, shown()]).toEqual([2, "answer 2"]);
});
