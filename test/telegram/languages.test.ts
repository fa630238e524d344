/** Another language is another set of sentences and nothing else: whoever's client speaks it reads no word of English. */
import type { InlineKeyboardMarkup } from "grammy/types";
import { beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../src/telegram/commands.ts";
import { languageIn } from "../../src/telegram/senders.ts";
import { english } from "../../src/texts/english.ts";
import { type Texts, textsFor } from "../../src/texts/texts.ts";
import { chat, createBotScene } from "../support/bot-scene.ts";

/** A language made of English: every sentence in it is reversed, also those made of parts. */
function reversed<T>(texts: T): T {
  if (typeof texts === "string") return `«${[...texts].reverse().join("")}»` as T;
  if (typeof texts === "function") return ((...parts: unknown[]) => reversed(texts(...parts))) as T;
  if (Array.isArray(texts)) return texts.map(reversed) as T;
  const entries = Object.entries(texts as object).map(([name, text]) => [name, reversed(text)]);
  return Object.fromEntries(entries) as T;
}

const foreign: Texts = reversed(english);
const ada = { id: 7, is_bot: false, first_name: "Ada", language_code: "xx-yy" };
const scene = createBotScene();

beforeEach(() => {
  scene.textsFor = (language) => (language === "xx-yy" ? foreign : textsFor(language));
});

/** What people read of the calls: texts, captions, notices and the labels of buttons that are no models. */
function readOf(made: Awaited<ReturnType<typeof scene.write>>): string[] {
  return made.flatMap(({ payload }) => {
    const markup = payload["reply_markup"] as Partial<InlineKeyboardMarkup> & { keyboard?: { text: string }[][] };
    const buttons = [...(markup?.inline_keyboard ?? []), ...(markup?.keyboard ?? [])].flat();
    return [payload["text"], payload["caption"], ...buttons.map(({ text }) => text)].filter(
      (text): text is string => typeof text === "string" && !/^(answer \d|(✅ )?([abc]\/)?(one|two)$)/.test(text),
    );
  });
}

async function expectForeign(made: ReturnType<typeof scene.write>): Promise<void> {
  const read = readOf(await made);
  expect(read).not.toEqual([]);
  // What is chosen has a mark, which is no word.
  for (const text of read) expect(text).toMatch(/^(✅ )?«[\s\S]*»$/);
}

const press = (data: string, job: Parameters<typeof scene.arrive>[1] = {}) => {
  const message = scene.message("x", { message_id: 5001 });
  return scene.arrive({ callback_query: { id: "q", from: ada, chat_instance: "1", data, message } }, job);
};

describe("who writes in another language", () => {
  it.each(commands.map(({ name }) => name))("reads it after /%s", async (name) => {
    await expectForeign(scene.write(`/${name}`, { from: ada }));
  });

  it("reads it in dialogs, below answers, and where something cannot be done", async () => {
    await expectForeign(scene.write("/system", { from: ada }));
    await expectForeign(scene.write("Be a pirate.", { from: ada }));
    await expectForeign(scene.write("/model nothing like this", { from: ada }));
    await expectForeign(scene.write("/unknown", { from: ada }));
    await expectForeign(scene.write("why?", { from: ada }));
    scene.finish = "filtered";
    await expectForeign(scene.write("/retry", { from: ada }));
    await expectForeign(scene.arrive({ message: { message_id: 900, date: 1, chat, from: ada, dice: { value: 1 } } }));
  });

  it("reads it when turned away, and when writing too fast", async () => {
    await expectForeign(
      scene.write("why?", { from: ada }, { refusal: { reason: "rate", waitSeconds: 9, tell: true } }),
    );
    await expectForeign(scene.write("why?", { from: ada }, { refusal: { reason: "lane-full" } }));
    scene.access.allowed.add(1);
    await expectForeign(scene.write("why?", { from: ada }));
    await expectForeign(press("models:0:"));
  });

  it("reads it on every button, and in what a press is answered with", async () => {
    scene.offer(Array.from({ length: 40 }, (_, n) => `a/m${n}`));
    const list = readOf(await scene.write("/model", { from: ada })).filter((text) => !/^(✅ )?m\d+$/.test(text));
    expect(list).toEqual([expect.stringMatching(/^«/), foreign.labels.pageOn(2)]);
    scene.offer(["a/one", "b/two"]);
    const stops = [{ aborted: true, dropped: 1 }, { aborted: true, dropped: 0 }, undefined];
    for (const outcome of stops) await expectForeign(press("stop:1", outcome === undefined ? {} : { outcome }));
    await expectForeign(press("model:gone"));
    await expectForeign(press("unknown"));
    await expectForeign(scene.write("/stop", { from: ada }, { outcome: { aborted: false, dropped: 2 } }));
  });

  it("reads it below an answer, whatever there is to say", async () => {
    const video = { file_id: "f", file_unique_id: "u", width: 1, height: 1, duration: 1 };
    for (const finish of ["length", "filtered", "too-long"] as const) {
      scene.finish = finish;
      const { text: _text, ...message } = scene.message("") as { readonly text: string };
      const made = await scene.arrive({ message: { ...message, from: ada, video, caption: "what is it?" } });
      const shown = made.flatMap(({ payload }) => (payload["text"] as string | undefined) ?? []).at(-1) ?? "";
      const [answer = "", notes = ""] = shown.split("\n\n");
      expect(answer).toMatch(/^answer \d$/);
      expect(notes).toMatch(/^«[^\n]*»\n«[^\n]*»$/);
    }
  });

  it("is not asked to read it when it is somebody else's", async () => {
    for (const text of readOf(await scene.write("/help"))) expect(text).not.toContain("«");
  });
});

describe("the language of a stored update", () => {
  it.each([
    ["a message", { message: { from: ada } }, "xx-yy"],
    ["an edit", { edited_message: { from: ada } }, "xx-yy"],
    ["a press", { callback_query: { from: ada } }, "xx-yy"],
    ["what a channel wrote", { message: { sender_chat: { id: -1 } } }, undefined],
    ["what names nobody", {}, undefined],
  ])("is found in %s", (_what, update, language) => {
    expect(languageIn(JSON.stringify({ update_id: 1, ...update }))).toBe(language);
  });

  it("is none where there is nothing to be read", () => {
    expect(languageIn("")).toBeUndefined();
  });
});

describe("a language tag", () => {
  it.each(["en", "en-GB", "EN", "xx", "", undefined])("%s has sentences", (tag) => {
    expect(textsFor(tag)).toBe(english);
  });
});
