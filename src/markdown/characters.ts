/** Characters as Telegram keeps them: what it would remove or replace is removed or replaced here first. */

/** Replaced or removed by Telegram: controls but the line break, U+2028 to U+202E, some combining lines. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const unkept = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028-\u202e]|\u0333|\u033f|\u030a|[\u200e\u200f]{2}/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

const tabWidth = 4;

/** Markdown as it is parsed: line breaks are `\n`, no half of a surrogate pair stands alone, tabs are kept. */
export function cleanMarkdown(markdown: string): string {
  const lines = markdown.includes("\r") ? markdown.replace(/\r\n?/g, "\n") : markdown;
  const wellFormed = lines.toWellFormed();
  return wellFormed.replace(controls, " ").replace(/[\u2028-\u202e]/g, "");
}

/** Text as Telegram keeps it; tabs become spaces, up to the next tab stop when `expandTabs` is set. */
export function cleanText(text: string, expandTabs = false): string {
  if (!unkept.test(text)) return text.isWellFormed() ? text : text.toWellFormed();
  return (expandTabs ? tabsToSpaces(text) : text)
    .toWellFormed()
    .replace(/\t/g, " ")
    .replace(/\r\n?/g, "\n")
    .replace(controls, " ")
    .replace(/.\u030a/gsu, (pair) => pair.normalize("NFC"))
    .replace(/[\u2028-\u202e]|\u0333|\u033f|\u030a/g, "")
    .replace(/[\u200e\u200f]+(?=[\u200e\u200f])/g, "");
}

function tabsToSpaces(text: string): string {
  return text
    .split("\n")
    .map((line) => {
      let column = 0;
      let out = "";
      for (const piece of line.split(/(\t)/)) {
        const written = piece === "\t" ? " ".repeat(tabWidth - (column % tabWidth)) : piece;
        column += piece === "\t" ? written.length : displayWidth(written);
        out += written;
      }
      return out;
    })
    .join("\n");
}

const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6]|[\u{1f1e6}-\u{1f1ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Columns that the text takes in a monospaced font: 2 for CJK and emoji, 0 for what only combines. */
export function displayWidth(text: string): number {
  if (/^[\u0020-\u007e]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of graphemes.segment(text)) {
    if (wide.test(segment)) width += 2;
    else if (!/^[\p{Mark}\p{Format}\p{Control}]+$/u.test(segment)) width += 1;
  }
  return width;
}

/** Breaks an `@name` so that Telegram makes no mention of it; the word joiner has no width and is kept by Telegram. */
export const wordJoiner = "\u2060";

/** Offsets in the text behind each `@` that Telegram would take for a mention: such names can be somebody's. */
export function mentionOffsets(text: string): number[] {
  if (!text.includes("@")) return [];
  return [...text.matchAll(/(?<![\p{L}\p{N}_])@(?=[A-Za-z]\w{2,31}(?!\w))/gu)].map((match) => match.index + 1);
}
