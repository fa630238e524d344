import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanMarkdown } from "../src/markdown/characters.ts";
import { createTextBuilder } from "../src/markdown/text-builder.ts";
import { renderMarkdown } from "../src/reply/markdown.ts";
import { collectReferences, writeDocument } from "../src/reply/markdown-blocks.ts";
import { parseFinal } from "../src/reply/markdown-parse.ts";
import { cutPieces } from "../src/reply/markdown-pieces.ts";
import { markdownDocument } from "./markdown-arbitrary.ts";

/** Rendered from one parse of the whole. */
function renderedWhole(markdown: string) {
  const source = cleanMarkdown(markdown);
  const tree = parseFinal(source);
  const builder = createTextBuilder();
  writeDocument({ builder, markdown: source, ...collectReferences(tree) }, tree);
  return builder.finish();
}

/**
 * Without indented code: behind it, the parser takes no number above 1 for a list. Without formulas: one that is open changes
 * what the others are for the whole. */
const lines = fc
  .array(
    fc.constantFrom(
      ...["text", "text goes on", "**bold** text", "", "", "", "- a", "- b", "* c", "1. one", "2. two", "1) three"],
      ...["  - inner", "   - inner", "   goes on", "> quote", "> - listed", "## Head", "```", "x = 1"],
      ...["| a | b |", "|---|---|", "---", "[^1]: note", "<div>", "</div>", "- [ ] task"],
    ),
    { maxLength: 14 },
  )
  .map((list) => list.join("\n"));

describe("Markdown in pieces", () => {
  it("renders as the whole does", () => {
    let cut = 0;
    const check = (markdown: string) => {
      if (cutPieces(cleanMarkdown(markdown)).length > 1) cut += 1;
      expect(renderMarkdown(markdown)).toEqual(renderedWhole(markdown));
    };
    fc.assert(fc.property(markdownDocument, check), { numRuns: 300 });
    fc.assert(fc.property(lines, check), { numRuns: 2_000 });
    expect(cut).toBeGreaterThan(500);
  });
});
