/** Which pieces of a long file stand beside a question. */
import { describe, expect, it } from "vitest";
import { piecesFor } from "../../src/chat/file-pieces.ts";
import { countTokens } from "../../src/chat/tokens.ts";
import type { FileText } from "../../src/ports/files.ts";

const filler = "The harbour was quiet that morning, and nobody had come to the market yet. ".repeat(15);

function book(pages: Readonly<Record<number, string>>, count = 120): FileText {
  return {
    ...{ kind: "text", format: "pdf", unit: "page", total: count, cut: false },
    parts: Array.from({ length: count }, (_, at) => ({ number: at + 1, text: `${filler}${pages[at + 1] ?? ""}` })),
  };
}

const pagesIn = (pieces: string) => [...pieces.matchAll(/\[page (\d+)\]/g)].map(([, number]) => Number(number));

describe("the pieces of a file", () => {
  it("are those that share rare words with the question, in their order, with their pages", () => {
    const file = book({ 31: "The lighthouse keeper keeps a parrot.", 77: "A second parrot lives in the lighthouse." });
    const found = pagesIn(piecesFor("Who keeps a parrot in the lighthouse?", file, 2_000));
    expect(found).toEqual(expect.arrayContaining([31, 77]));
    expect(found).toEqual(found.toSorted((a, b) => a - b));
    expect(found.length).toBeLessThan(8);
  });

  it("are found whatever the grammar does to a word, in any case, and where words are not set apart", () => {
    expect(
      pagesIn(piecesFor("Какая была ВЫРУЧКА в мае?", book({ 50: "О выручке за май см. таблицу." }), 1_000)),
    ).toContain(50);
    expect(pagesIn(piecesFor("三月的收入是多少", book({ 60: "附录。三月的收入最高。" }), 1_000))).toContain(60);
  });

  it("are the beginning and others from all over it where nothing of the question stands in it", () => {
    const found = pagesIn(piecesFor("Fasse das bitte zusammen", book({}), 2_500));
    expect(found[0]).toBe(1);
    expect(found.length).toBeGreaterThan(4);
    expect(found.at(-1)).toBeGreaterThan(80);
    const steps = found.slice(1).map((page, at) => page - (found[at] ?? 0));
    expect(Math.max(...steps)).toBeLessThan(60);
    expect(pagesIn(piecesFor("What is this document about?", book({}), 2_500))).toEqual(found);
  });

  it("never take more tokens than they may, and all of a file that fits", () => {
    for (const most of [0, 100, 1_000, 5_000]) {
      expect(countTokens(piecesFor("parrot market harbour", book({ 9: "parrot" }), most))).toBeLessThanOrEqual(
        most * 1.1,
      );
    }
    const small = book({}, 2);
    expect(pagesIn(piecesFor("sum the text up", small, 10_000))).toEqual([1, 2]);
  });

  it("are cut at ends of lines, and in any case", () => {
    const lines = Array.from({ length: 300 }, (_, at) => `line ${at} of many that are not long`).join("\n");
    const file = (text: string): FileText => ({
      ...{ kind: "text", format: "text", total: 1, cut: false },
      parts: [{ number: 1, text }],
    });
    for (const piece of piecesFor("the file", file(lines), 2_000).split("\n\n"))
      expect(piece).toMatch(/^line \d+ .*long$/s);
    expect(piecesFor("the file", file("x".repeat(100_000)), 10_000).split("\n\n")[0]).toHaveLength(1_500);
  });
});

/** Ordinary prose, in which words of courtesy and of every day stand, too. */
const story = [
  "Thanks to the good weather the fishermen came home early, and Captain Ahlers said that it had been a nice day.",
  "What the keeper of the lighthouse did at night nobody knew. He was old, and he liked to be alone with his parrot.",
  "The invoice of the shipyard amounted to 48,200 crowns, of which the insurance paid no more than a third.",
  "In the kitchen she made soup of beans and carrots, as her mother had done every Friday.",
  "When the storm broke the mast of the Albatross, three sailors were thrown overboard and only two came back.",
  "There is no better time to think than in the morning, he said, and please do not tell me how you feel about it.",
];
const prose =
  "It is what he had to do, and that was for you and me in the end; how and when this was to be, I do not know. ";
const novel: FileText = {
  ...{ kind: "text", format: "pdf", unit: "page", total: 60, cut: false },
  parts: Array.from({ length: 60 }, (_, at) => ({
    number: at + 1,
    text: `${filler}${prose}${at % 10 === 3 ? (story[Math.floor(at / 10)] ?? "") : ""} ${prose}${filler}`,
  })),
};

describe("a question behind a long file", () => {
  it.each<[string, number | "all over it" | "nothing"]>([
    ["Who lives with a parrot?", 14],
    ["How much was the invoice of the shipyard?", 24],
    ["And what did the insurance pay?", 24],
    ["What happened to the mast of the Albatross?", 44],
    ["Albatross?", 44],
    ["Tell me more about Captain Ahlers, please.", 4],
    ["Sum up the document.", "all over it"],
    ["Summarise it in three sentences", "all over it"],
    ["Fasse mir die Datei zusammen", "all over it"],
    ["Сделай краткое резюме", "all over it"],
    ["请总结一下", "all over it"],
    ["What is on the last pages?", "all over it"],
    ["thanks", "nothing"],
    ["Thanks, that is very good!", "nothing"],
    ["ok great", "nothing"],
    ["Danke!", "nothing"],
    ["спасибо", "nothing"],
    ["谢谢", "nothing"],
    ["", "nothing"],
    ["👍", "nothing"],
    ["What is the capital of France?", "nothing"],
    ["Write a haiku about TypeScript generics", "nothing"],
    ["Translate your answer into Spanish", "nothing"],
    ["Make it shorter", "nothing"],
    ["How do I renew my passport in Germany?", "nothing"],
  ])("%j gets %s", (question, expected) => {
    const found = pagesIn(piecesFor(question, novel, 3_000));
    const isAllOver = found[0] === 1 && (found.at(-1) ?? 0) > 40;
    const got = typeof expected === "number" && found.includes(expected) ? expected : isAllOver ? "all over it" : found;
    expect(expected === "nothing" ? found : got).toEqual(expected === "nothing" ? [] : expected);
    if (typeof expected === "number") expect(found.length).toBeLessThan(5);
  });
});
