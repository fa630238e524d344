import { describe, expect, it } from "vitest";
import { isVisible, splitsCharacter, wholeCharacters } from "../../src/base/characters.ts";

describe("a cut", () => {
  it("parts a character between its two halves alone", () => {
    const text = "a😀é\u{1f469}\u{1f3fd}";
    const parted = Array.from({ length: text.length + 2 }, (_, at) => at).filter((at) => splitsCharacter(text, at));
    expect(parted.map((at) => text.slice(at - 1, at + 1))).toEqual(["😀", "\u{1f469}", "\u{1f3fd}"]);
  });

  it("leaves no half behind, and lone halves where they are", () => {
    for (const [text, whole] of [
      ["", ""],
      ["a", "a"],
      ["a😀", "a😀"],
      ["a\ud83d", "a"],
      ["\ud83d", ""],
      ["a\ude00", "a\ude00"],
    ] as const) {
      expect(wholeCharacters(text), JSON.stringify(text)).toBe(whole);
    }
  });
});

describe("what a reader sees", () => {
  it.each(["a", "1", ".", "😀", "中", "\u{e000}", "\u{10ffff}", "\ud83d", " a ", "\u{200b}?"])(
    "is something of %j",
    (text) => expect(isVisible(text)).toBe(true),
  );

  it.each([
    "",
    " \t\n\u{a0}\u{3000}\u{2028}",
    "\u{0}\u{7}",
    "\u{200b}\u{200d}\u{feff}\u{ad}\u{202e}",
    "\u{fe0f}\u{e0100}",
    "\u{301}",
    "\u{115f}\u{1160}\u{2800}\u{3164}\u{ffa0}",
  ])("is nothing of %j", (text) => expect(isVisible(text)).toBe(false));
});
