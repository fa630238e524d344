/** Web pages as text: what a reader sees, with its tables in rows. */
import type { FileText } from "../../ports/files.ts";
import { type Collector, createCollector } from "./collector.ts";
import { maxPageDepth, maxPageMs, maxRunCharacters } from "./limits.ts";
import { Refused } from "./refusal.ts";

const unseen = new Set(["script", "style", "template", "svg", "math", "noscript", "iframe", "object", "head"]);
const blocks = new Set(
  "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr html li main nav ol option p pre section select summary table tbody tfoot thead tr ul".split(
    " ",
  ),
);
const pieceCharacters = 16_384;

/** Reads a page whose text has been decoded. */
export async function readHtml(text: string): Promise<FileText> {
  const collector = createCollector();
  await collectHtml(text, collector, false);
  const { parts, full } = collector;
  if (parts.every((part) => part.text === "")) throw new Refused("empty");
  return { kind: "text", format: "html", parts, total: 1, cut: full };
}

/** Adds the text of a page to what was found, but for that in elements of these names. */
export async function collectHtml(
  html: string,
  collector: Collector,
  xmlMode: boolean,
  besides: readonly string[] = [],
): Promise<void> {
  const { Parser } = await import("htmlparser2");
  const page = createPageWriter(collector, besides.length === 0 ? unseen : new Set([...unseen, ...besides]));
  let sinceElement = 0;
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        sinceElement = 0;
        if (++depth > maxPageDepth) throw new Refused("limits");
        page.open(tag.toLowerCase(), attributes["alt"] ?? "");
      },
      ontext: page.words,
      onclosetag(tag) {
        sinceElement = 0;
        depth--;
        page.close(tag.toLowerCase());
      },
    },
    { xmlMode, decodeEntities: true, recognizeSelfClosing: true },
  );
  const startedAt = performance.now();
  for (let at = 0; at < html.length && !collector.full; at += pieceCharacters) {
    if (performance.now() - startedAt > maxPageMs) throw new Refused("limits");
    parser.write(html.slice(at, at + pieceCharacters));
    sinceElement += pieceCharacters;
    if (sinceElement > maxRunCharacters) throw new Refused("limits");
  }
  if (!collector.full) parser.end();
  collector.add("\n");
}

interface PageWriter {
  open(element: string, alternative: string): void;
  words(text: string): void;
  close(element: string): void;
}

/** Lays words out in lines, as elements ask for it. */
function createPageWriter(collector: Collector, left: ReadonlySet<string>): PageWriter {
  /** How many elements deep it is in what nobody sees. */
  let hidden = 0;
  let preformatted = 0;
  /** Inside a cell nothing breaks the row. */
  let inCell = 0;
  let cells = 0;
  let lineIsEmpty = true;
  let pendingSpace = false;
  /** What stands before the next word: the mark of a list or of a heading. */
  let mark = "";
  function breakLine(): void {
    if (inCell > 0) pendingSpace = true;
    else if (!lineIsEmpty) {
      collector.add("\n");
      lineIsEmpty = true;
      pendingSpace = false;
    }
  }
  function put(text: string): void {
    collector.add(`${pendingSpace && !lineIsEmpty ? " " : ""}${mark}${text}`);
    mark = "";
    pendingSpace = false;
    lineIsEmpty = text.endsWith("\n");
  }
  function words(text: string): void {
    if (hidden > 0) return;
    if (preformatted > 0) {
      put(text);
      return;
    }
    const said = text.replaceAll(/\s+/g, " ");
    if (said.startsWith(" ")) pendingSpace = true;
    const trimmed = said.trim();
    if (trimmed === "") return;
    put(trimmed);
    pendingSpace = said.endsWith(" ");
  }
  return {
    words,
    open(element, alternative) {
      if (left.has(element)) hidden++;
      if (hidden > 0) return;
      if (blocks.has(element) || element === "br") breakLine();
      if (element === "p" && inCell === 0 && mark === "") collector.add("\n");
      if (element === "pre") preformatted++;
      if (element === "tr") cells = 0;
      if (element === "td" || element === "th") {
        if (cells++ > 0) put(" | ");
        pendingSpace = false;
        inCell++;
      }
      if (element === "li") mark = "- ";
      const heading = /^h([1-6])$/.exec(element)?.[1];
      if (heading !== undefined) mark = `${inCell === 0 ? "\n" : ""}${"#".repeat(Number(heading))} `;
      if (element === "img" && alternative !== "") words(`[picture: ${alternative}]`);
    },
    close(element) {
      if (left.has(element)) hidden = Math.max(0, hidden - 1);
      if (hidden > 0) return;
      if (element === "pre") preformatted = Math.max(0, preformatted - 1);
      if (element === "td" || element === "th") {
        inCell = Math.max(0, inCell - 1);
        pendingSpace = false;
      } else if (blocks.has(element)) breakLine();
    },
  };
}
