/** `/think`: what it says and sets, by its argument and by its buttons. */
import { describe, expect, it } from "vitest";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene, said } from "../../support/bot-scene.ts";

const scene = createBotScene();

const state = {
  model: "a/one",
  effort: undefined,
  efforts: ["off", "low", "high"] as const,
  known: false,
  shown: false,
};
const settings = (conversation = "7") => scene.store.readSettings(conversation);

describe("/think", () => {
  it("says what is set and offers the rest; an argument or a press sets it for the conversation", async () => {
    expect(said(await scene.write("/think"))).toEqual([texts.think(state)]);
    expect(said(await scene.write("/think LOW"))).toEqual([texts.think({ ...state, effort: "low" })]);
    await scene.write("why?");
    const pressed = await scene.press("think:high", { text: texts.think({ ...state, effort: "low" }) });
    expect(pressed.map(({ method }) => method)).toEqual(["answerCallbackQuery", "editMessageText"]);
    expect(pressed[1]?.payload["text"]).toBe(texts.think({ ...state, effort: "high" }));
    await scene.write("and?");
    expect(scene.requests.map(({ effort }) => effort)).toEqual(["low", "high"]);
    await scene.press("think:default");
    await scene.write("so?");
    expect(scene.requests.at(-1)?.effort).toBeUndefined();
  });

  it("says where high leads when a model is chosen for each question", async () => {
    scene.offer([scene.auto.name, "b/two"]);
    const { strong } = scene.auto.models;
    const [words] = said(await scene.write("/think"));
    expect(words).toContain(`with high, all go to ${strong}.`);
    expect(words).not.toContain("I do not know");
  });

  it("changes nothing by a word that it does not know", async () => {
    expect(said(await scene.write("/think very hard"))).toEqual([texts.think(state)]);
    expect(await settings()).not.toHaveProperty("effort");
  });

  it("marks the button of what is set", async () => {
    const marked = (calls: Awaited<ReturnType<typeof scene.write>>) =>
      JSON.stringify(calls.at(-1)?.payload["reply_markup"]).match(/✅ [^"]*/g);
    expect(marked(await scene.write("/think"))).toEqual([`✅ ${texts.labels.default}`]);
    expect(marked(await scene.press("think:low"))).toEqual([`✅ ${texts.labels.thinkLow}`]);
  });

  it("edits nothing where nothing changes", async () => {
    await scene.write("/think off");
    const again = await scene.press("think:off", { text: texts.think({ ...state, effort: "off" }) });
    expect(again.map(({ method }) => method)).toEqual(["answerCallbackQuery"]);
  });

  it("is forgotten by /reset, and not by /new; what a person sees of thoughts is kept", async () => {
    await scene.write("/think high");
    await scene.write("/think show");
    await scene.write("/new");
    expect(await settings()).toMatchObject({ effort: "high", thoughts: "shown" });
    await scene.write("/reset");
    expect(await settings()).toEqual({ thoughts: "shown" });
  });

  it("shows thoughts to who wants them, whoever else asks", async () => {
    await scene.write("/think show");
    await scene.write("why?");
    await scene.press("think:hide");
    await scene.write("and?");
    expect(scene.requests.map(({ thoughts }) => thoughts)).toEqual([true, false]);
    expect(await settings()).toEqual({});
  });
});

describe("the words of /think", () => {
  const can = (efforts: readonly ("off" | "low" | "high")[], effort?: "off" | "low" | "high") =>
    texts.think({ ...state, known: true, efforts, effort });

  it("say what the model cannot do", () => {
    expect(can([])).toContain("a/one cannot be told how much to think.");
    expect(can(["low", "high"], "off")).toContain("a/one cannot stop thinking");
    expect(can(["off", "high"], "low")).toContain("a/one can only think or not think");
    expect(can(["off", "low", "high"], "high")).not.toContain("a/one");
    expect(texts.think(state)).toContain("I do not know whether a/one can be told");
  });
});
