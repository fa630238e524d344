import { countTokens, firstTokens, lastTokens } from "./tokens.ts";

/** Leaves out the middle of a text that has more tokens than these, with a mark for the model in its place. */
export function cutMiddle(text: string, atMost: number, tokens = countTokens(text)): string {
  if (tokens <= atMost) return text;
  const mark = (count: number) => `\n\n[… ${count} characters in the middle of this message are left out here …]\n\n`;
  const each = Math.max(0, Math.floor((atMost - countTokens(mark(text.length))) / 2));
  const [beginning, end] = [firstTokens(text, each), lastTokens(text, each)];
  const left = text.length - beginning.length - end.length;
  return left <= 0 ? text : `${beginning}${mark(left)}${end}`;
}
