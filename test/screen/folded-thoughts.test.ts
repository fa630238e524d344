/** Thoughts that stand folded below a finished answer. */
import { describe, expect, it } from "vitest";
import { renderMarkdown } from "../../src/markdown/render.ts";
import { finalParts, formerParts } from "../../src/screen/shown-parts.ts";
import { maxMessageUnits } from "../../src/screen/split.ts";
import { english as texts } from "../../src/texts/english.ts";

const parts = (markdown: string, thoughts: string, notes?: [{ kind: "stopped" }]) =>
  finalParts(texts, { markdown, thoughts, notes, button: "regenerate" }, renderMarkdown(markdown));

describe("thoughts below an answer", () => {
  it("are a quote that unfolds, behind answer and notes", () => {
    const [part, ...others] = parts("**Paris.**", "It asks for a capital.", [{ kind: "stopped" }]);
    expect(others).toEqual([]);
    expect(part?.text).toBe(`Paris.\n\n${texts.stopped}\n\n💭 It asks for a capital.`);
    const quote = part?.entities.find(({ type }) => type === "expandable_blockquote");
    expect(part?.text.slice(quote?.offset, (quote?.offset ?? 0) + (quote?.length ?? 0))).toBe(
      "💭 It asks for a capital.",
    );
    expect(part?.entities.map(({ type }) => type)).toEqual(["bold", "expandable_blockquote"]);
  });

  it("get a message of their own where the last one is full, and change no other", () => {
    const long = "word ".repeat(1_500);
    const thoughts = "hm ".repeat(1_000).trim();
    const without = finalParts(texts, { markdown: long, button: "regenerate" }, renderMarkdown(long));
    const all = parts(long, thoughts);
    expect(all.slice(0, -1)).toEqual(without);
    expect(all.at(-1)?.text).toBe(`💭 ${thoughts}`);
    for (const { text } of all) expect(text.length).toBeLessThanOrEqual(maxMessageUnits);
  });

  it("get one as well below a part with many entities", () => {
    expect(parts("**a** ".repeat(90), "hm")).toHaveLength(2);
  });

  it("are known again with the turn that is shown", () => {
    const shown = { markdown: "Paris.", thoughts: "Hm.", button: "regenerate" as const };
    const place = { chatId: 7, question: 1, run: 1, messages: [5], resumed: false, shown };
    expect(formerParts(texts, place)?.[0]?.text).toBe("Paris.\n\n💭 Hm.");
  });

  it("stand below no answer that is empty", () => {
    expect(parts("", "hm")).toEqual([]);
  });
});
