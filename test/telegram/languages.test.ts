/** Another language is another set of sentences and nothing else: whoever's client speaks it reads no word of English. */
import type { InlineKeyboardMarkup } from "grammy/types";
import { beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../src/telegram/commands.ts";
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
  for (const text of read) expect(text).toMatch(/^«[\s\S]*»$/);
}

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

  it("is not asked to read it when it is somebody else's", async () => {
    for (const text of readOf(await scene.write("/help"))) expect(text).not.toContain("«");
  });
});

describe("a language tag", () => {
  it.each(["en", "en-GB", "EN", "xx", "", undefined])("%s has sentences", (tag) => {
    expect(textsFor(tag)).toBe(english);
  });
});
