import { describe, expect, it } from "vitest";
import { seenText } from "../../src/base/characters.ts";
import { cutResult, seenLine } from "../../src/tools/framing.ts";
import { expectNoGrowth, hostileUnits, repeated } from "../support/growth.ts";

describe("text from outside", () => {
  it("keeps what a reader sees, in every script", () => {
    const text = "Grüße, мир!\n\tתודה 你好 हिन्दी 👋\u00a0…";
    expect(seenText(text)).toBe(text);
  });

  it.each<[string, string]>([
    ["zero-width characters", "a\u200bb\u200c\u200d\u2060\ufeffc"],
    ["controls", "a\0b\u0007\u001b[31mc".replace("[31m", "")],
    ["turns of direction", "a\u202e\u2066b\u200fc"],
    ["tags, which spell what nobody sees", "a\u{e0041}\u{e0042}bc\u{e007f}"],
    ["selectors, which hide bytes", "a\ufe0fb\u{e0101}\u{e01ef}c"],
    ["fillers and joiners", "a\u3164b\u115f\uffa0\u034fc"],
    ["halves of characters", "a\ud800bc\udc00"],
    ["characters of nobody", "a\ue000b\u{f0000}c"],
  ])("loses %s", (_, text) => {
    expect(seenText(text)).toBe("abc");
  });

  it("ends its lines in one way", () => {
    expect(seenText("a\r\nb\rc\u2028d\u2029e\u0085f\vg")).toBe("a\nb\nc\nd\ne\nf\ng");
  });

  it("is one short line where a line is wanted", () => {
    expect(seenLine("  a\n b\u200b  c ", 100)).toBe("a b c");
    expect(seenLine("x".repeat(50), 10)).toBe(`${"x".repeat(9)}…`);
    expect(seenLine("x😀😀😀", 3)).toBe("x…");
  });

  it("is cut with a word about it, between characters", () => {
    expect(cutResult("short")).toBe("short");
    const cut = cutResult("😀".repeat(10_000));
    expect(cut.length).toBeLessThanOrEqual(12_000);
    expect(cut).toMatch(/😀\n\[cut here: 20000 characters in all\]$/u);
  });

  it.each(hostileUnits.slice(0, 30))("costs what it is long: %j", (unit) => {
    expectNoGrowth(repeated(unit), (text) => seenText(text));
  });
});
