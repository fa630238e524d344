/** `/start` and its example questions. */
import { describe, expect, it } from "vitest";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene, group, said } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;

const markupOf = (made: Awaited<ReturnType<typeof write>>) =>
  made.findLast(({ method }) => method === "sendMessage")?.payload["reply_markup"];

describe("/start", () => {
  it("offers three example questions in place of the letters, once, in a private chat", async () => {
    expect(markupOf(await write("/start"))).toEqual({
      keyboard: texts.examples.map((text) => [{ text }]),
      one_time_keyboard: true,
      resize_keyboard: true,
      input_field_placeholder: texts.examplesPlaceholder,
    });
    expect(texts.examples).toHaveLength(3);
    expect(texts.examplesPlaceholder.length).toBeLessThanOrEqual(64);
  });

  it("offers no keyboard in a group", async () => {
    expect(markupOf(await write("/start@parley_bot", { chat: group }))).toBeUndefined();
    expect(markupOf(await write("/help@parley_bot", { chat: group }))).toBeUndefined();
  });

  it("lets the press of an example be the user's own question", async () => {
    await write("/start");
    await write(texts.examples[1] ?? "");
    expect(scene.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual([texts.examples[1]]);
  });

  it("takes the keyboard away with the next message that has no buttons, and only then", async () => {
    await write("/start");
    const answered = await write("a question of my own");
    expect(JSON.stringify(answered)).not.toContain("remove_keyboard");
    expect(JSON.stringify(await write("/model"))).not.toContain("remove_keyboard");
    expect(markupOf(await write("/help"))).toEqual({ remove_keyboard: true });
    expect(markupOf(await write("/help"))).toBeUndefined();
    expect(await scene.store.readSettings("7")).toEqual({});
    await write("/start");
    expect(markupOf(await write("/new"))).toEqual({ remove_keyboard: true });
  });

  it("asks an example though /system waits for a persona", async () => {
    await write("/start");
    await write("/system");
    await write(texts.examples[0] ?? "");
    expect(scene.requests.map(({ messages }) => messages.at(-1)?.content)).toEqual([texts.examples[0]]);
    expect(said(await press("persona:save"))).toEqual([]);
    expect((await scene.store.readSettings("7")).persona).toBeUndefined();
  });

  it("has descriptions that Telegram takes", () => {
    expect(texts.description.length).toBeLessThanOrEqual(512);
    expect(texts.shortDescription.length).toBeLessThanOrEqual(120);
  });
});
