/**
 * What somebody outside has written, made fit for a model: without what no reader of it would have seen. The marks around it
 * are put there by whoever shows it to the model.
 */
import { seenText, wholeCharacters } from "../base/characters.ts";

/** The longest result. In UTF-16 units. */
export const mostResultCharacters = 12_000;

/** The text without characters that nobody sees, in one line of at most so many characters, for a title or a name. */
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
