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

  it("are Markdown, without a quote in the quote", () => {
    const [part] = parts("Paris.", "**Looking**\n\nAt `x` and [y](https://example.com)\n\n> so\n\n# End");
    expect(part?.text).toBe("Paris.\n\n💭 Looking\n\nAt x and y\n\nso\n\nEnd");
    const shown = part?.entities.map(({ type, offset, length }) => [type, part.text.slice(offset, offset + length)]);
    expect(shown).toEqual([
      ["expandable_blockquote", "💭 Looking\n\nAt x and y\n\nso\n\nEnd"],
      ["bold", "Looking"],
      ["code", "x"],
      ["text_link", "y"],
      ["bold", "End"],
    ]);
  });

  it("name people and commands without calling them", () => {
    const text = parts("Paris.", "I ask @somebody to send /delete.")[0]?.text;
    expect(text).not.toMatch(/@somebody/);
    expect(text).toMatch(/@.?somebody/u);
  });

  it("stay what they are where Markdown shows nothing of them, or makes them too long", () => {
    const unseen = "[a]: https://example.com";
    expect(parts("Paris.", unseen)[0]?.text).toBe(`Paris.\n\n💭 ${unseen}`);
    const table = `| a | ${"b".repeat(60)} |\n|---|---|\n${"|a|b|\n".repeat(480)}`.slice(0, 3_500);
    for (const { text } of parts("Paris.", table)) expect(text.length).toBeLessThanOrEqual(maxMessageUnits);
  });

  it("have no more styles than a message takes, and one of their own where the answer has many", () => {
    const all = parts("**a** ".repeat(30), "**b** c ".repeat(400));
    expect(all).toHaveLength(2);
    for (const { entities } of all) expect(entities.length).toBeLessThanOrEqual(100);
    expect(all[1]?.entities[0]?.type).toBe("expandable_blockquote");
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
