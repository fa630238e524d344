/** What bounds an answer's messages: their number, and what Telegram refuses in them. */
import { describe, expect, it } from "vitest";
import { saying } from "../support/note-words.ts";
import { createScreenScene, long, pass, telegramError, until } from "../support/screen-scene.ts";

const scene = createScreenScene();
const { open, all, messages } = scene;

const texts = () => messages().map(([text]) => text ?? "");

describe("a very long answer", () => {
  it("makes thirty messages; behind them comes the file, and a line says so", async () => {
    const markdown = long(20_000);
    await until(open().finish({ markdown, button: "regenerate" }));
    expect(all("sendMessage")).toHaveLength(30);
    expect(all("sendDocument")).toHaveLength(1);
    const shown = texts().filter((text) => text !== "[file]");
    expect(shown.at(-1)?.endsWith("\n\n📄 The rest is in the file below.")).toBe(true);
    for (const text of shown) expect(text.length).toBeLessThanOrEqual(4096);
    expect(markdown.startsWith(shown.join(" ").replace("\n\n📄 The rest is in the file below.", ""))).toBe(true);
  });

  it("keeps its notes below that line", async () => {
    const notes = [saying("✂️ Cut here."), saying("Answered by another model.")];
    await until(open().finish({ markdown: long(20_000), notes, button: "regenerate" }));
    expect(
      texts().at(-2)?.endsWith(`\n\n📄 The rest is in the file below.\n✂️ Cut here.\nAnswered by another model.`),
    ).toBe(true);
  });

  it("shows no more while it is written, and takes nothing of it back", async () => {
    const screen = open();
    const markdown = long(20_000);
    screen.show(markdown);
    await pass(3_000);
    const previewed = texts();
    expect(previewed).toHaveLength(30);
    screen.show(`${markdown} and more`);
    await pass(100);
    expect(texts()).toEqual(previewed);
    await until(screen.finish({ markdown: `${markdown} and more` }));
    for (const [index, text] of previewed.entries()) expect(texts()[index]?.startsWith(text)).toBe(true);
  });

  it("says nothing of a file when all of it fits", async () => {
    await until(open().finish({ markdown: long(10_000), notes: [saying("A note.")] }));
    expect(texts().join("\n")).not.toContain("📄");
    expect(texts().filter((text) => text.includes("A note."))).toHaveLength(1);
  });
});

describe("without entities, because Telegram refuses them", () => {
  const refuse = () => {
    scene.fault = ({ options }) =>
      "entities" in options ? telegramError(400, "Bad Request: can't parse entities") : undefined;
  };

  it("the addresses of links stand in brackets", async () => {
    refuse();
    await until(
      open().finish({ markdown: "See [the docs](https://example.com/a), https://example.com/b and **that**" }),
    );
    expect(texts()).toEqual(["See the docs (https://example.com/a), https://example.com/b and that"]);
  });

  it("a message that grows by its addresses is cut once more, and loses none", async () => {
    refuse();
    const links = Array.from(
      { length: 150 },
      (_, n) => `[link number ${n}](https://example.com/${"a".repeat(60)}/${n})`,
    );
    await until(open().finish({ markdown: links.join(" and then ") }));
    const shown = texts().filter((text) => text !== "[file]");
    for (const text of shown) expect(text.length).toBeLessThanOrEqual(4096);
    expect(shown.join(" ").match(/\(https:\/\/example\.com\/a{60}\/\d+\)/g)).toHaveLength(150);
  });

  it("are thirty messages at most, too", async () => {
    refuse();
    const link = (n: number) => `[link number ${n}](https://example.com/${"a".repeat(100)}/${n})`;
    await until(open().finish({ markdown: Array.from({ length: 3_000 }, (_, n) => link(n)).join(" ") }));
    const shown = texts().filter((text) => text !== "[file]");
    expect(shown).toHaveLength(30);
    expect(shown.at(-1)?.endsWith("📄 The rest is in the file below.")).toBe(true);
    for (const text of shown) expect(text.length).toBeLessThanOrEqual(4096);
  });

  it("the messages before the one that was refused keep theirs", async () => {
    const screen = open();
    scene.fault = ({ text, options }) =>
      "entities" in options && text?.includes("refused") === true ? telegramError(400, "Bad Request: no") : undefined;
    await until(screen.finish({ markdown: `**first** ${long(700)}\n\n**refused** ${long(100)}` }));
    const [first, second] = [...scene.chat.values()];
    expect(first?.entities).toMatchObject([{ type: "bold", offset: 0, length: 5 }]);
    expect(second?.entities).toBeUndefined();
    expect(second?.text).toContain("refused");
  });
});

describe("names behind an @", () => {
  it("stay as they are in a private chat, and ping nobody in a group", async () => {
    await until(open().finish({ markdown: "npm i @types/node" }));
    await until(open({ chatId: -7 }).finish({ markdown: "npm i @types/node" }));
    expect(texts()).toEqual(["npm i @types/node", "npm i @\u2060types/node"]);
  });
});
