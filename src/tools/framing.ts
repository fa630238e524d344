/**
 * What somebody outside has written, made fit for a model: without what no reader of it would have seen. The marks around it
 * are put there by whoever shows it to the model.
 */
import { wholeCharacters } from "../base/characters.ts";

/** The longest result. In UTF-16 units. */
export const mostResultCharacters = 12_000;

// Control characters, those without a width or a glyph, those that turn the direction of text, tags, selectors of variants:
// a page or a tool could say things in them that nobody who looks at it sees.
const unseen =
  /\p{Cc}|\p{Cf}|\p{Co}|\p{Cs}|\u034f|\u115f|\u1160|\u17b4|\u17b5|[\u180b-\u180f]|\u3164|[\ufe00-\ufe0f]|\uffa0|[\u{e0100}-\u{e01ef}]/gu;

/** The text without characters that nobody sees; lines and tabs stay. */
export function seenText(text: string): string {
  const lines = text.replaceAll(/\r\n?|[\v\f\u0085\u2028\u2029]/g, "\n");
  return lines.replaceAll(unseen, (character) => (character === "\n" || character === "\t" ? character : ""));
}

/** The same in one line of at most so many characters, for a title or a name. */
export function seenLine(text: string, most: number): string {
  // Ten times as much is looked at: what is cut anyway costs nothing.
  const line = seenText(text.slice(0, most * 10))
    .replaceAll(/\s+/g, " ")
    .trim();
  return line.length <= most ? line : `${wholeCharacters(line.slice(0, most - 1))}…`;
}

/** The text, cut at a length with a word about it. */
export function cutResult(text: string, most = mostResultCharacters): string {
  if (text.length <= most) return text;
  const word = `\n[cut here: ${text.length} characters in all]`;
  return wholeCharacters(text.slice(0, Math.max(0, most - word.length))) + word;
}
