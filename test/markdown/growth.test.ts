import { describe, expect, it } from "vitest";
import { visibleHtml } from "../../src/markdown/html-text.ts";
import { readableFormula } from "../../src/markdown/latex.ts";
import { createStreamRenderer, renderMarkdown } from "../../src/markdown/render.ts";
import { createTextBuilder } from "../../src/markdown/text-builder.ts";
import { splitRendered } from "../../src/screen/split.ts";
import { fasterThanItsInput, hostileUnits, repeated } from "../support/growth.ts";

/** Everything that grows faster than its text, as one line each. */
function faults(kinds: Readonly<Record<string, (length: number) => string>>, work: (text: string) => void): string[] {
  return Object.entries(kinds).flatMap(([name, textOf]) => {
    const fault = fasterThanItsInput(textOf, work);
    return fault === undefined ? [] : [`${name}: ${fault}`];
  });
}

const kinds: Readonly<Record<string, (length: number) => string>> = {
  ...Object.fromEntries(hostileUnits.map((unit) => [JSON.stringify(unit), repeated(unit)])),
  "tabs in a block of code": (length) => `\`\`\`\n${"\t".repeat(length)}x\n\`\`\``,
  "blanks in a block of code": (length) => `\`\`\`\n${" ".repeat(length)}x\n\`\`\``,
  "blanks in code": (length) => `\`a${" ".repeat(length)}b\``,
  "blanks between words": (length) => `a${" ".repeat(length)}b`,
  "empty lines in code": (length) => `\`\`\`\na${" \n".repeat(length / 2)}b\n\`\`\``,
  "back-ticks at the end": (length) => `a ${"`".repeat(length)}`,
  "a line to fill in": (length) => `Amount due: $${"_".repeat(length)} (fill in)`,
  "code that is never closed": (length) => `\`\`\`\n${"const a = 1;\n".repeat(length / 13)}`,
  "emphasis that is closed as deep as it is opened": (length) =>
    "**a *b ".repeat(length / 14) + "c* d** ".repeat(length / 14),
  "links in brackets": (length) => "[".repeat(length / 2) + "](http://a.bc)".repeat(length / 28),
  "quotes with lazy lines": (length) => `> `.repeat(60) + "a\n".repeat(length / 2),
  "a list as deep as it is long": (length) =>
    Array.from({ length: Math.sqrt(length) }, (_, depth) => `${"  ".repeat(depth)}- a`).join("\n"),
  "one long row of a table": (length) => `|a|b|\n|-|-|\n|${"c|".repeat(length / 2)}`,
  "a wide table": (length) => `|${"a|".repeat(length / 8)}\n|${"-|".repeat(length / 8)}\n|${"b|".repeat(length / 8)}`,
  "one long cell among many rows": (length) =>
    `|a|b|\n|-|-|\n|${"c".repeat(length / 2)}|d|\n${"|e|f|\n".repeat(length / 14)}`,
  "references that are defined at the end": (length) =>
    Array.from({ length: length / 40 }, (_, n) => `See [this][r${n}].\n\n`).join("") +
    Array.from({ length: length / 40 }, (_, n) => `[r${n}]: http://a.bc/${n}\n`).join(""),
  "footnotes with names": (length) => Array.from({ length: length / 12 }, (_, n) => `word[^n${n}] `).join(""),
  "names beside code": (length) => "`a` @abc ".repeat(length / 9),
};

describe("rendering costs no more than its text", () => {
  it("whole", () => {
    expect(faults(kinds, (text) => renderMarkdown(text))).toEqual([]);
  }, 600_000);

  it("in previews, and at its end", () => {
    const inPreviews = (text: string) => {
      const stream = createStreamRenderer();
      for (let part = 1; part <= 8; part += 1) stream.render(text.slice(0, (text.length * part) / 8));
      stream.renderFinal(text);
    };
    expect(faults(kinds, inPreviews)).toEqual([]);
  }, 600_000);

  it("as text that is put together", () => {
    const parts: Readonly<Record<string, (text: string) => void>> = {
      code: (text) => createTextBuilder().pre(text),
      text: (text) => {
        const builder = createTextBuilder();
        for (const line of text.split(/(?<=[\n ])/)) builder.style("bold", () => builder.write(line));
        builder.finish();
      },
      html: (text) => visibleHtml(text, true),
      formula: (text) => readableFormula(text, false),
    };
    for (const [name, work] of Object.entries(parts)) expect(faults(kinds, work), name).toEqual([]);
  }, 600_000);

  it("cut into messages", () => {
    const cut = (text: string) => {
      const half = Math.floor(text.length / 2);
      splitRendered({ text, entities: [{ type: "pre", offset: 0, length: half }] });
      const words = [...text.matchAll(/\S\s/g)].map(({ index }) => ({
        type: "bold" as const,
        offset: index,
        length: 1,
      }));
      splitRendered({ text, entities: words });
    };
    expect(faults(kinds, cut)).toEqual([]);
  }, 600_000);
});
