import fc from "fast-check";
import type { MessageEntity } from "grammy/types";
import { describe, expect, it } from "vitest";
import { type Rendered, renderMarkdown } from "../../src/markdown/render.ts";
import { createSplitter, splitRendered } from "../../src/screen/split.ts";
import { markdownDocument } from "../support/markdown-arbitrary.ts";
import { judgeText } from "../support/telegram-rules.ts";

const visible = (text: string) => text.replace(/\s/gu, "");
const plain = (text: string): Rendered => ({ text, entities: [] });
const texts = (parts: readonly Rendered[]) => parts.map((part) => part.text);

/** For each visible character, the styles that cover it. */
function stylesOf({ text, entities }: Rendered): string[] {
  const styles = Array.from(text, () => "");
  const units = text.split("");
  const covered: string[][] = units.map(() => []);
  for (const entity of entities) {
    const name =
      entity.type === "text_link" ? entity.url : entity.type === "pre" ? `pre ${entity.language}` : entity.type;
    for (let at = entity.offset; at < entity.offset + entity.length; at += 1) covered[at]?.push(name);
  }
  styles.length = 0;
  for (const [at, unit] of units.entries())
    if (/\S/.test(unit)) styles.push(`${unit} ${covered[at]?.sort().join(",")}`);
  return styles;
}

/** The beginning of a rendered text, as it stood while it grew. */
function beginningOf({ text, entities }: Rendered, end: number): Rendered {
  const clipped = entities.flatMap((entity): MessageEntity[] => {
    const length = Math.min(entity.length, end - entity.offset);
    return length > 0 ? [{ ...entity, length }] : [];
  });
  return { text: text.slice(0, end).toWellFormed(), entities: clipped };
}

describe("a long text is cut where a reader would cut", () => {
  it.each([
    ["what fits stays whole", "a\n\nb", 10, ["a\n\nb"]],
    ["between blocks", "aaaa\n\nbb\ncc\n\ndddd", 14, ["aaaa\n\nbb\ncc", "dddd"]],
    ["between lines", "aaaa bbbb\ncccc dddd\neeee", 22, ["aaaa bbbb\ncccc dddd", "eeee"]],
    ["between sentences", "One two. Three four! Five six seven", 24, ["One two. Three four!", "Five six seven"]],
    ["between sentences without spaces", "一二三四。五六七八。九十", 11, ["一二三四。五六七八。", "九十"]],
    ["between words", "aaaa bbbb cccc", 11, ["aaaa bbbb", "cccc"]],
    ["at the limit itself", "aaaa bbbb", 4, ["aaaa", "bbbb"]],
    ["within a word that is too long", "a".repeat(25), 10, ["a".repeat(10), "a".repeat(10), "a".repeat(5)]],
    ["never within a surrogate pair", "😀😀😀", 3, ["😀", "😀", "😀"]],
    ["not within a family", `${"a".repeat(5)}👨‍👩‍👧`, 9, ["aaaaa", "👨‍👩‍👧"]],
    [
      "within a cluster that is longer than a message",
      `a${"\u0301".repeat(30)}`,
      20,
      [`a${"\u0301".repeat(19)}`, "\u0301".repeat(11)],
    ],
    [
      "with no mark of an empty item at the end",
      "aaaa aaaa\n\nbbbb\n1.\n\ncccc",
      21,
      ["aaaa aaaa", "bbbb\n1.\n\ncccc"],
    ],
  ])("%s", (_, text, maxUnits, parts) => {
    expect(texts(splitRendered(plain(text), { maxUnits }))).toEqual(parts);
  });

  it("goes on with what the cut meets", () => {
    const { text, entities } = renderMarkdown("**aaaa\nbbbb** [cc dd](http://e.fg)\n\n```js\nx1\nx2\nx3\n```");
    const tight = splitRendered({ text, entities }, { maxUnits: 6 });
    expect(tight.map((part) => [part.text, ...part.entities.map((entity) => entity.type)])).toEqual([
      ["aaaa", "bold"],
      ["bbbb", "bold"],
      ["cc dd", "text_link"],
      ["x1\nx2", "pre"],
      ["x3", "pre"],
    ]);
    expect(tight.slice(3).map((part) => part.entities[0])).toEqual([
      { type: "pre", offset: 0, length: 5, language: "js" },
      { type: "pre", offset: 0, length: 2, language: "js" },
    ]);
  });

  it("keeps a heading with what it announces", () => {
    const rendered = renderMarkdown(`${"word ".repeat(8)}\n\n# Heading\n\n${"more ".repeat(8)}`);
    const parts = splitRendered(rendered, { maxUnits: 60 });
    expect(parts[1]?.text).toMatch(/^Heading\n\nmore/);
  });

  it("cuts code before a line that is not indented, so that no indentation is lost", () => {
    const code = "def a():\n    one\n    two\ndef b():\n    three\n    four";
    const parts = splitRendered(renderMarkdown(`\`\`\`py\n${code}\n\`\`\``), { maxUnits: 42 });
    expect(texts(parts)).toEqual(["def a():\n    one\n    two", "def b():\n    three\n    four"]);
  });

  it("counts entities", () => {
    const rendered = renderMarkdown(Array.from({ length: 250 }, (_, index) => `\`${index}\``).join(" "));
    const parts = splitRendered(rendered);
    expect(parts.map((part) => part.entities.length)).toEqual([100, 100, 50]);
    // Bold falls into pieces around each link in it, and Telegram counts those.
    const nested = renderMarkdown(
      `**${Array.from({ length: 60 }, (_, index) => `[${index}](http://a.bc)`).join(" ")}**`,
    );
    expect(splitRendered(nested).length).toBeGreaterThan(1);
  });

  it("makes no part of nothing", () => {
    expect(splitRendered(plain(" \n\n "))).toEqual([]);
    expect(splitRendered(plain(""))).toEqual([]);
  });

  it("is quick with 200,000 characters", () => {
    for (const text of ["a".repeat(200_000), "a ".repeat(100_000), "a\n".repeat(100_000), "😀".repeat(100_000)]) {
      expect(visible(texts(splitRendered(plain(text))).join(""))).toBe(visible(text));
    }
  });
});

describe("whatever the text", () => {
  const limits = fc.record({
    maxUnits: fc.integer({ min: 20, max: 400 }),
    maxEntities: fc.integer({ min: 4, max: 100 }),
  });

  it("makes parts that Telegram keeps, within the limits", () => {
    fc.assert(
      fc.property(markdownDocument, limits, (markdown, { maxUnits, maxEntities }) => {
        for (const part of splitRendered(renderMarkdown(markdown), { maxUnits, maxEntities })) {
          expect(judgeText(part.text, part.entities)).toEqual([]);
          expect(part.text.length).toBeLessThanOrEqual(maxUnits);
          expect(part.entities.length).toBeLessThanOrEqual(maxEntities);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("loses no character and no style", () => {
    fc.assert(
      fc.property(markdownDocument, limits, (markdown, limit) => {
        const rendered = renderMarkdown(markdown);
        const parts = splitRendered(rendered, limit);
        expect(visible(texts(parts).join(""))).toBe(visible(rendered.text));
        expect(parts.flatMap(stylesOf)).toEqual(stylesOf(rendered));
      }),
      { numRuns: 200 },
    );
  });

  it("leaves parts that are full as they are while the text grows", () => {
    fc.assert(
      fc.property(
        markdownDocument,
        limits,
        fc.array(fc.nat(), { minLength: 5, maxLength: 10 }),
        (markdown, limit, ends) => {
          const rendered = renderMarkdown(markdown);
          const final = splitRendered(rendered, limit);
          for (const end of ends.map((number) => number % (rendered.text.length + 1))) {
            if (/^[\udc00-\udfff]/.test(rendered.text.slice(end))) continue;
            const grown = splitRendered(beginningOf(rendered, end), limit);
            expect(grown.slice(0, -1)).toEqual(final.slice(0, Math.max(0, grown.length - 1)));
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("what a message may weigh", () => {
  it("bounds its entities: sixty links of 170 characters are two messages", () => {
    const url = `https://example.com/${"a".repeat(150)}`;
    const rendered = renderMarkdown(Array.from({ length: 60 }, (_, n) => `[link ${n}](${url})`).join(" and "));
    const parts = splitRendered(rendered);
    expect(parts.length).toBeGreaterThan(1);
    for (const { entities } of parts) expect(Buffer.byteLength(JSON.stringify(entities))).toBeLessThan(9_500);
    expect(parts.flatMap(({ entities }) => entities)).toHaveLength(60);
  });

  it("counts addresses in bytes, and a single one that is too heavy still goes out", () => {
    const parts = splitRendered(
      renderMarkdown(
        `[a](https://e.com/${"я".repeat(1_900)}) [b](https://e.com/${"я".repeat(1_900)}) [c](https://e.com/${"я".repeat(1_900)})`,
      ),
    );
    expect(parts.map(({ text }) => text)).toEqual(["a b", "c"]);
  });
});

describe("an answer that grows", () => {
  it("keeps the parts that are full, as the same objects", () => {
    const markdown = Array.from(
      { length: 40 },
      (_, n) => `Paragraph ${n} of **bold** words and [a link](http://b.co).`,
    ).join("\n\n");
    const rendered = renderMarkdown(markdown);
    const split = createSplitter({ maxUnits: 300 });
    let former: readonly Rendered[] = [];
    for (let end = 100; end <= rendered.text.length; end += 50) {
      const parts = split(beginningOf(rendered, end));
      for (let index = 0; index < former.length - 1; index += 1) expect(parts[index]).toBe(former[index]);
      expect(parts).toEqual(splitRendered(beginningOf(rendered, end), { maxUnits: 300 }));
      former = parts;
    }
    expect(former.length).toBeGreaterThan(5);
  });

  it("ends with the part that is the last, which leaves room", () => {
    const parts = splitRendered(plain("word ".repeat(100)), { maxUnits: 50, maxParts: 3, spareUnits: 20 });
    expect(parts).toHaveLength(3);
    expect(parts.at(-1)?.text.length).toBeLessThanOrEqual(30);
    expect("word ".repeat(100).startsWith(texts(parts).join(" "))).toBe(true);
  });
});
