/** HTML that a model writes is never markup: all its text is shown, tags that only format are left out. */

const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** Left out wherever they stand. */
const inlineTags =
  /<\/?(?:b|strong|i|em|u|s|del|ins|small|big|mark|kbd|sub|span|font|summary|details)(?:\s[^<>]*)?\/?>/gi;
/** Left out in blocks of HTML; within a line they may be what is talked about. */
const layoutTags = /<\/?(?:div|p|center|section|blockquote)(?:\s[^<>]*)?\/?>/gi;

/** The text of HTML: `<br>` as a line break, `<sup>` as `^`; in a block, character references are decoded too. */
export function visibleHtml(html: string, block: boolean): string {
  const shown = withoutData(html)
    .replace(/<br\s*\/?>[ \t]*\n?/gi, "\n")
    .replace(/<sup(?:\s[^<>]*)?>/gi, "^")
    .replace(/<\/sup>/gi, "")
    .replace(inlineTags, "");
  if (!block) return shown;
  return decodeReferences(shown.replace(layoutTags, "")).replace(/\n[ \t]*(?:\n[ \t]*)+\n/g, "\n\n");
}

/** Whether a tag's address holds its content. */
export function holdsData(tag: string): boolean {
  return /=\s?["']?\s?data:/i.test(tag);
}

/** An image with data is its description, a link with data its label. */
function withoutData(html: string): string {
  if (!holdsData(html)) return html;
  let inLink = false;
  return html.replace(/<\/?([a-z]+)\b[^<>]*>/gi, (tag, written: string) => {
    const name = written.toLowerCase();
    if (tag === "</a>" && inLink) {
      inLink = false;
      return "";
    }
    if (!holdsData(tag)) return tag;
    inLink ||= name === "a";
    return name === "img" ? (/\balt\s?=\s?["']([^"'<>]+)["']/i.exec(tag)?.[1] ?? "[image]") : "";
  });
}

function decodeReferences(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,4}));/gi, (all, decimal, hex, name) => {
    if (name !== undefined) return named[String(name).toLowerCase()] ?? all;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number.parseInt(decimal, 10);
    return point > 31 && point <= 0x10ffff ? String.fromCodePoint(point) : all;
  });
}
