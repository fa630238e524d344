/** What stands between the tags of a page, by looking at it once, whatever is nested in what. */

const written: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: " " };

/** The words of a page, without its programs and styles. */
export function strippedText(html: string): string {
  const words: string[] = [];
  for (let at = 0; at < html.length; ) {
    const tag = html.indexOf("<", at);
    words.push(html.slice(at, tag < 0 ? html.length : tag));
    if (tag < 0) break;
    const [, program] = /^<(script|style|template)\b/i.exec(html.slice(tag, tag + 10)) ?? [];
    const from = program === undefined ? tag : closing(html, tag, program.toLowerCase());
    const end = from < 0 ? -1 : html.indexOf(">", from);
    // What is never closed goes on to the end.
    if (end < 0) break;
    at = end + 1;
  }
  return words
    .map((text) => text.replaceAll(/\s+/g, " "))
    .filter((text) => text.trim() !== "")
    .join("\n")
    .replaceAll(
      /&(amp|lt|gt|quot|apos|nbsp|#39);/g,
      (entity, name: string) => written[name] ?? (name === "#39" ? "'" : entity),
    );
}

function closing(html: string, from: number, name: string): number {
  for (let at = html.indexOf("</", from); at >= 0; at = html.indexOf("</", at + 2)) {
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at;
  }
  return -1;
}
