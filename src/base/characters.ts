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

function isFirstHalf(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isSecondHalf(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
