import fc from "fast-check";
import type { Nodes } from "mdast";
import { describe, expect, it } from "vitest";
import { denseMarkdown } from "../bench/answer-text.ts";
import { cleanMarkdown } from "../src/markdown/characters.ts";
import { endOf, lastLeaf, parseFinal, parseMarkdown, startOf } from "../src/reply/markdown-parse.ts";
import { pieceStarts } from "../src/reply/markdown-pieces.ts";
import { parseSimple, simpleBlocks } from "../src/reply/markdown-simple.ts";
import { markdownDocument, markdownRubble } from "./markdown-arbitrary.ts";

/** A tree without its positions. */
function bare(node: Nodes): unknown {
  const { position: _, ...rest } = node;
  return "children" in node ? { ...rest, children: node.children.map(bare) } : rest;
}

function piecesOf(markdown: string): string[] {
  const source = cleanMarkdown(markdown);
  return pieceStarts(source).map(({ at }, index, starts) => source.slice(at, starts[index + 1]?.at));
}

/** Marks beside words, as blocks and texts that are nearly simple have them. */
const nearlySimple = fc
  .array(
    fc.constantFrom(
      ...'a word ( ) . : é 漢 😀 “ ! 12 3 * ** ` ~ ~~ | = > # & _ " \\|'.split(" "),
      ...[" ", " ", " ", "\n", "\n", "- ", "* ", "+ ", "1. ", "2. ", "1) ", "  ", "   ", "# ", "## ", "---"],
      ...["\n- ", "\n  - ", "\n   - ", "\n2. ", "\n> ", "> ", "```", "```ts\n", "\n```\n", "**b**", "~~x~~", "`c`"],
      ...["[a](https://b.co)", "[**b** c](http://x.y/?a=1&b=2)", "| a | b |\n|---|:-:|\n", "\n| ", " | ", "\n|--|"],
    ),
    { maxLength: 25 },
  )
  .map((parts) => cleanMarkdown(parts.join("")));

describe("Markdown that is simple", () => {
  it.each([
    ["a paragraph", "So **this** is *it*: `a * b`, ~~no~~ yes,\n2 * 3 and [there](https://example.com/a_b).\n\n"],
    ["a heading", "## What **happens** in `fsync`\n"],
    ["a list in a list", "1. **One**: first\n   - inner\n   - `inner` too\n2. Two\n"],
    ["a quote", "> It is *so*,\n> they said.\n"],
    ["a table", "| a | b |\n| :-- | --: |\n| **x** | `1` |\n| y"],
    ["code", "```ts\nconst a = `1`;\n\n  b();\n```\n"],
    ["code that is still open", "~~~\nif (a) {"],
  ])("is parsed without the parser: %s", (_, markdown) => {
    const tree = parseSimple(markdown);
    expect(tree && bare(tree)).toEqual(bare(parseFinal(markdown)));
  });

  it("has the tree that the parser makes, whatever it is taken for", () => {
    let simple = 0;
    const check = (markdown: string) => {
      const tree = parseSimple(markdown);
      if (tree === undefined) return;
      simple += 1;
      expect(bare(tree)).toEqual(bare(parseFinal(markdown)));
    };
    fc.assert(fc.property(nearlySimple, check), { numRuns: 10_000 });
    fc.assert(
      fc.property(fc.oneof(markdownDocument, markdownRubble), fc.nat(), (markdown, cut) => {
        for (const piece of piecesOf(markdown)) check(piece);
        for (const piece of piecesOf(markdown.slice(0, cut % (markdown.length + 1)))) check(piece);
      }),
      { numRuns: 1_000 },
    );
    expect(simple).toBeGreaterThan(1_000);
  });

  it("ends in the block that the parser sees there, also when its text is not simple", () => {
    const check = (markdown: string) => {
      const blocks = simpleBlocks(markdown);
      if (blocks === undefined) return;
      const [mine, parsers] = [lastLeaf(blocks), lastLeaf(parseMarkdown(markdown))];
      expect([mine.type, startOf(mine)]).toEqual([parsers.type, startOf(parsers)]);
      // The parser counts a space at the very end to a text or not.
      if (mine.type !== "code") expect(endOf(mine)).toBe(markdown.slice(0, endOf(parsers)).trimEnd().length);
    };
    fc.assert(fc.property(nearlySimple, check), { numRuns: 10_000 });
    for (let seed = 0; seed < 6; seed += 1) {
      const markdown = denseMarkdown(1_500, seed);
      for (let end = 0; end <= markdown.length; end += 1) check(piecesOf(markdown.slice(0, end)).at(-1) ?? "");
    }
  });

  it("is most of a dense answer at nearly every point of its way", () => {
    const markdown = denseMarkdown(1_500, 1);
    const ends = Array.from({ length: markdown.length }, (_, index) => markdown.slice(0, index + 1));
    const simple = ends.filter((text) => simpleBlocks(piecesOf(text).at(-1) ?? "") !== undefined);
    expect(simple.length / ends.length).toBeGreaterThan(0.8);
  });
});
