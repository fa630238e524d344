/** `/model`: what its buttons say and do, with few models and with hundreds. */
import type { InlineKeyboardMarkup } from "grammy/types";
import { describe, expect, it } from "vitest";
import { matchingModels, modelLabel } from "../../../src/telegram/model-list.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene, said } from "../../support/bot-scene.ts";

const scene = createBotScene();

type Made = Awaited<ReturnType<typeof scene.write>>;

/** The keyboard of the message that was sent or edited last. */
function keyboardOf(made: Made): InlineKeyboardMarkup {
  return made.findLast(({ payload }) => payload["reply_markup"] !== undefined)?.payload[
    "reply_markup"
  ] as InlineKeyboardMarkup;
}

const labelsOf = (made: Made) => keyboardOf(made).inline_keyboard.map((row) => row.map(({ text }) => text).join(" | "));

/** Presses a button of a message that shows this keyboard, as Telegram hands it over. */
function pressOn(keyboard: InlineKeyboardMarkup, label: string): Promise<Made> {
  const button = keyboard.inline_keyboard.flat().find(({ text }) => text.includes(label));
  if (button === undefined || !("callback_data" in button)) throw new Error(`no button "${label}"`);
  return scene.press(button.callback_data, { reply_markup: keyboard });
}

const model = async () => (await scene.store.readSettings("7")).model;

/** The providers of `count` models each. */
function offer(counts: Readonly<Record<string, number>>): void {
  const names = Object.entries(counts).flatMap(([provider, count]) =>
    Array.from({ length: count }, (_, index) => `${provider}/${provider}-model-${index + 1}`),
  );
  scene.offer(names);
}

describe("the label of a model", () => {
  it.each([
    ["is its name alone", ["openai/gpt-6", "anthropic/claude"], ["gpt-6", "claude"]],
    ["keeps the provider where two offer the name, in whatever case", ["a/Two", "b/two"], ["a/Two", "b/two"]],
    ["keeps it where the name reads like another model in full", ["x/y", "relay/x/y"], ["y", "relay/x/y"]],
    ["keeps the slashes of a relay's names", ["relay/x/y", "relay/z"], ["x/y", "z"]],
    ["loses the middle of a long name", [`a/${"n".repeat(100)}:free`], [`${"n".repeat(29)}…${"n".repeat(25)}:free`]],
  ])("%s", (_, names, labels) => {
    expect(names.map((name) => modelLabel(names, name))).toEqual(labels);
  });
});

describe("/model with auto", () => {
  it("says which model the last question went to and why, while auto is chosen", async () => {
    scene.offer(["auto", "b/two"]);
    const asked = async () => said(await scene.write("/model"))[0];
    expect(await asked()).toBe(texts.chooseModel("auto"));
    await scene.write("What is 12 * 7?");
    expect(scene.requests[0]).toMatchObject({ model: "auto", tier: "strong" });
    expect(await asked()).toBe(`${texts.autoChose("b/two", "mathematics")}\n\n${texts.chooseModel("auto")}`);
    await scene.write("hi");
    expect(await asked()).toContain(texts.autoChose("a/one", "short"));
    await scene.write("/model two");
    expect(await asked()).toBe(texts.chooseModel("b/two"));
  });
});

describe("/model with few models", () => {
  it("says what answers in the place of the current one when that fails", async () => {
    scene.behind = { "c/two": ["b/two", "a/one"] };
    const described = texts.withBehind("c/two", ["b/two", "a/one"]);
    expect(described).toBe("c/two (when it fails: b/two, a/one)");
    const list = await scene.write("/model");
    expect(labelsOf(list)).toEqual(["✅ one", "b/two", "c/two"]);
    const pressed = await pressOn(keyboardOf(list), "c/two");
    expect(pressed.at(-1)?.payload["text"]).toBe(texts.chooseModel(described));
    expect(await model()).toBe("c/two");
    expect(said(await scene.write("/model"))).toEqual([texts.chooseModel(described)]);
    expect(said(await scene.write("/model c/two"))).toEqual([texts.modelSet(described)]);
  });

  it("lists them all with the current one marked, and a press chooses", async () => {
    const list = await scene.write("/model");
    expect(said(list)).toEqual([texts.chooseModel("a/one")]);
    expect(labelsOf(list)).toEqual(["✅ one", "b/two", "c/two"]);
    const pressed = await pressOn(keyboardOf(list), "c/two");
    expect(labelsOf(pressed)).toEqual(["one", "b/two", "✅ c/two"]);
    expect(pressed.map(({ method }) => method)).toEqual(["answerCallbackQuery", "editMessageText"]);
    await scene.write("why?");
    expect(scene.requests[0]?.model).toBe("c/two");
  });

  it("takes an exact name, with its provider or alone where that is clear", async () => {
    expect(said(await scene.write("/model ONE"))).toEqual([texts.modelSet("a/one")]);
    expect(said(await scene.write("/model c/two"))).toEqual([texts.modelSet("c/two")]);
    expect(await model()).toBe("c/two");
  });

  it("takes an exact name though others begin with it", async () => {
    scene.offer(["openai/gpt-6", "openai/gpt-6-mini"]);
    expect(said(await scene.write("/model gpt-6"))).toEqual([texts.modelSet("openai/gpt-6")]);
  });

  it("lists what a part of the name finds, a button a match, and chooses nothing by itself", async () => {
    expect(said(await scene.write("/model two"))).toEqual([texts.modelsFound("a/one", "two")]);
    expect(labelsOf(await scene.write("/model TW"))).toEqual(["b/two", "c/two"]);
    const alone = await scene.write("/model on");
    expect(labelsOf(alone)).toEqual(["✅ one"]);
    expect(await model()).toBeUndefined();
    const found = await scene.write("/model B/");
    expect(labelsOf(await pressOn(keyboardOf(found), "b/two"))).toEqual(["✅ b/two"]);
    expect(await model()).toBe("b/two");
  });

  it("finds the models that have every word", () => {
    const names = ["openai/gpt-6-mini", "openai/gpt-6", "google/gemini-mini"];
    expect(matchingModels(names, "GPT mini")).toEqual(["openai/gpt-6-mini"]);
    expect(matchingModels(names, "  mini  ")).toEqual(["openai/gpt-6-mini", "google/gemini-mini"]);
  });

  it("says so when nothing matches, and lists all", async () => {
    const none = await scene.write("/model three");
    expect(said(none)).toEqual([texts.unknownModel("three")]);
    expect(labelsOf(none)).toEqual(["✅ one", "b/two", "c/two"]);
  });

  it("takes the buttons of older lists, with the names that they had", async () => {
    const old = {
      inline_keyboard: [
        [{ text: "✅ a/one", callback_data: "model:QhAtL5v7AEOBdb3L" }],
        [{ text: "b/two", callback_data: "model:o_dqdtBcVwoSrpQ_" }],
      ],
    };
    expect(labelsOf(await pressOn(old, "b/two"))).toEqual(["a/one", "✅ b/two"]);
    expect(await model()).toBe("b/two");
    // An old message may come without its buttons.
    expect(labelsOf(await scene.press("model:QhAtL5v7AEOBdb3L"))).toEqual(["✅ one", "b/two", "c/two"]);
    const gone = await scene.press("model:AAAAAAAAAAAAAAAA");
    expect(gone.map(({ payload }) => payload["text"])).toEqual([texts.modelGone]);
  });
});

describe("/model with many models", () => {
  it("shows up to eight as they are, more by provider", async () => {
    offer({ openai: 5, google: 3 });
    expect(labelsOf(await scene.write("/model"))).toHaveLength(8);
    offer({ openai: 6, google: 5, local: 1 });
    const list = await scene.write("/model");
    expect(said(list)).toEqual([texts.chooseFromMany("openai/openai-model-1")]);
    expect(labelsOf(list)).toEqual(["✅ openai (6)", "google (5)", "local-model-1"]);
  });

  it("leads from the providers to a provider's models and back, and a press stays there", async () => {
    offer({ openai: 6, google: 5 });
    const google = await pressOn(keyboardOf(await scene.write("/model")), "google");
    expect(google.at(-1)?.payload["text"]).toBe(texts.modelsOf("openai/openai-model-1", "google"));
    expect(labelsOf(google)).toEqual([1, 2, 3, 4, 5].map((n) => `google-model-${n}`).concat("‹ All providers"));
    const chosen = await pressOn(keyboardOf(google), "google-model-3");
    expect(labelsOf(chosen)[2]).toBe("✅ google-model-3");
    expect(labelsOf(chosen).at(-1)).toBe("‹ All providers");
    expect(await model()).toBe("google/google-model-3");
    const back = await pressOn(keyboardOf(chosen), "All providers");
    expect(labelsOf(back)).toEqual(["openai (6)", "✅ google (5)"]);
  });

  it("turns pages, on which every one of 400 models can be pressed, in a keyboard that Telegram takes", async () => {
    const counts = { relay: 300, openai: 60, google: 40 };
    offer(counts);
    const all = await scene.write("/model");
    const seen = new Set<string>();
    for (const provider of Object.keys(counts)) {
      let page = await pressOn(keyboardOf(all), provider);
      for (;;) {
        const keyboard = keyboardOf(page);
        const buttons = keyboard.inline_keyboard.flat();
        expect(buttons.length).toBeLessThanOrEqual(100);
        for (const button of buttons) {
          const data = "callback_data" in button ? button.callback_data : "";
          expect(Buffer.byteLength(data)).toBeLessThanOrEqual(64);
          if (data.startsWith("model:")) seen.add(button.text);
        }
        if (!labelsOf(page).some((label) => label.endsWith("›"))) break;
        page = await pressOn(keyboard, "›");
      }
    }
    // The current one is seen with its mark.
    expect(seen.size).toBe(400);
  });

  it("turns the pages of a search, long words of any script included", async () => {
    offer({ relay: 40, openai: 3 });
    const first = await scene.write("/model relay");
    expect(labelsOf(first)).toHaveLength(17);
    const second = await pressOn(keyboardOf(first), "Page 2 ›");
    expect(labelsOf(second).at(-1)).toBe("‹ Page 1 | Page 3 ›");
    expect(labelsOf(second)[0]).toBe("relay-model-17");
    scene.offer(Array.from({ length: 20 }, (_, index) => `a/${"模型:".repeat(30)}${index}`));
    const long = await scene.write(`/model ${"模型:".repeat(25)}`);
    expect(labelsOf(long)).toHaveLength(17);
    expect(labelsOf(await pressOn(keyboardOf(long), "Page 2 ›"))).toHaveLength(5);
    for (const button of keyboardOf(long).inline_keyboard.flat()) {
      expect(Buffer.byteLength("callback_data" in button ? button.callback_data : "")).toBeLessThanOrEqual(64);
    }
  });

  it("shows all when the provider went while its button stood in the chat", async () => {
    offer({ relay: 6, openai: 5 });
    const list = keyboardOf(await scene.write("/model"));
    offer({ openai: 5 });
    const shown = await pressOn(list, "relay");
    expect(shown.at(-1)?.payload["text"]).toBe(texts.chooseModel("openai/openai-model-1"));
    expect(labelsOf(shown)).toHaveLength(5);
  });

  it("shows the last page when models went while a page stood in the chat", async () => {
    offer({ relay: 60 });
    const third = await pressOn(keyboardOf(await pressOn(keyboardOf(await scene.write("/model")), "Page 2")), "Page 3");
    offer({ relay: 20 });
    expect(labelsOf(await pressOn(keyboardOf(third), "Page 4"))).toEqual(
      [17, 18, 19, 20].map((n) => `relay-model-${n}`).concat("‹ Page 1"),
    );
  });
});
