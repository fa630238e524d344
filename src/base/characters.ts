/** Characters as people see them, where JavaScript counts UTF-16 units: two of them may be one character. */

/** Whether a cut at this place would part the two halves of a character. */
export function splitsCharacter(text: string, at: number): boolean {
  return isFirstHalf(text.charCodeAt(at - 1)) && isSecondHalf(text.charCodeAt(at));
}

/** The text without half of a character at its end. */
export function wholeCharacters(text: string): string {
  return isFirstHalf(text.charCodeAt(text.length - 1)) ? text.slice(0, -1) : text;
}

// Combining marks, and characters that are blank although Unicode calls them letters or signs.
const visible = /[^\s\p{Cc}\p{Cf}\p{Z}\p{Mn}\u115f\u1160\u2800\u3164\uffa0]/u;

/** Whether a reader sees anything of this text. */
export function isVisible(text: string): boolean {
  return visible.test(text);
}

// Control characters, those without a width or a glyph, those that turn the direction of text, tags, selectors of variants:
// a page or a tool could say things in them that nobody who looks at it sees.
const unseen =
  /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\u034f|\u115f|\u1160|\u17b4|\u17b5|[\u180b-\u180f]|\u3164|[\ufe00-\ufe0f]|\uffa0|[\u{e0100}-\u{e01ef}]/gu;

/** The text without characters that nobody sees; lines and tabs stay. */
export function seenText(text: string): string {
  const lines = text.replaceAll(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n");
  return lines.replaceAll(unseen, (character) => (character === "\n" || character === "\t" ? character : ""));
}

/** JSON with what nobody sees in it written as escapes, so that whoever reads it sees all that it says; lines stay. */
export function shownJson(json: string): string {
  const escaped = (character: string) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`)
      .join("");
  const seen = json.replaceAll(unseen, (character) => (character === "\n" ? character : escaped(character)));
  // And what looks like a blank, or like nothing.
  return seen.replaceAll(/(?! )[\p{Z}\u2800\u3164]/gu, escaped);
}

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
