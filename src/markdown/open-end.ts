/**
 * The open end of an answer that is still being written: what it shows will not be taken back. A line that is only marks so
 * far waits for what follows; within the last text `inline-rules.ts` closes or holds back what is open.
 */
import type { Token } from "markdown-it";
import type { ParseState } from "./open-state.ts";
import { parseBlocks } from "./syntax.ts";

/** An unfinished line of a table's head is held back up to this length. */
const longestHead = 200;
/** An unfinished definition of a reference. */
const longestDefinition = 300;

/**
 * The blocks of what is there so far, without what the next characters may make something else of; `open` is the text that
 * the end stands in.
 */
export function parseOpenBlocks(tail: string, state: () => ParseState): ParsedEnd {
  const cut = withoutMarkerLine(tail);
  let parsed = parseEnd(tail, state());
  // In code and formulas a line of marks is text.
  if (cut !== tail && parsed.leaf?.type !== "fence" && parsed.leaf?.type !== "formula_block") {
    parsed = parseEnd(cut, state());
  }
  const open = parsed.leaf === undefined ? undefined : settle(parsed.leaf, parsed.tokens, cut);
  return { ...parsed, open };
}

export interface ParsedEnd {
  readonly tokens: Token[];
  readonly state: ParseState;
  /** The last block that holds no other. */
  readonly leaf: Token | undefined;
  readonly open?: Token | undefined;
}

function parseEnd(source: string, state: ParseState): ParsedEnd {
  const tokens = parseBlocks(source, state);
  const last = tokens.findLast((token) => token.nesting >= 0);
  return { tokens, state, leaf: last?.nesting === 0 ? last : undefined };
}

/** Takes from the last block what is undecided; returns it when it is a text. */
function settle(leaf: Token, tokens: readonly Token[], source: string): Token | undefined {
  switch (leaf.type) {
    case "fence":
      if (leaf.meta?.["closed"] !== true) leaf.content = withoutFence(leaf.content);
      return undefined;
    case "formula_block":
      if (leaf.meta?.["closed"] !== true) leaf.content = wholeRows(leaf.content);
      return undefined;
    case "html_block":
      leaf.content = withoutOpenTag(leaf.content);
      return undefined;
    case "inline":
      // Behind a blank line nothing can be closed any more.
      return endsBlank(source) || leaf.meta?.["ended"] === true ? undefined : openText(leaf, tokens);
    default:
      return undefined;
  }
}

function openText(leaf: Token, tokens: readonly Token[]): Token {
  const parent = tokens[tokens.indexOf(leaf) - 1]?.type;
  if (parent === "paragraph_open") leaf.content = withoutMarkerLine(withoutTableHead(withoutDefinition(leaf.content)));
  else if (parent === "heading_open") leaf.content = leaf.content.replace(/[ \t]#+$/, "");
  return leaf;
}

/** Whether the source ends with a blank line. */
function endsBlank(source: string): boolean {
  let at = source.length;
  let breaks = 0;
  while (at > 0 && /[\s>]/.test(source.charAt(at - 1))) {
    at -= 1;
    if (source.charAt(at) === "\n") breaks += 1;
    if (breaks === 2) return true;
  }
  return false;
}

/** Code without a last line that may become the fence that ends it. */
function withoutFence(code: string): string {
  const lineStart = code.lastIndexOf("\n") + 1;
  const line = code.slice(lineStart).trim();
  return line !== "" && /^(?:`+|~+)$/.test(line) ? code.slice(0, lineStart) : code;
}

/** An open formula's whole lines, as far as their groups are complete. */
function wholeRows(formula: string): string {
  let depth = 0;
  let whole = 0;
  for (let at = 0; at < formula.length; at += 1) {
    const char = formula.charAt(at);
    if (char === "\\") at += 1;
    else if (char === "{") depth += 1;
    else if (char === "}") depth -= 1;
    else if (char === "\n" && depth <= 0) whole = at + 1;
  }
  return formula.slice(0, whole);
}

/** HTML without a tag that begins at its end. */
function withoutOpenTag(html: string): string {
  const open = html.lastIndexOf("<");
  const isOpen = open > html.lastIndexOf(">") && (html.length - open <= 200 || html.slice(open).includes("data:"));
  return isOpen ? html.slice(0, open) : html;
}

const containers = /^(?:[ \t]*(?:>|\[\^[^\]\n]{1,100}\]:|(?:[-*+]|\d{1,9}[.)])[ \t](?:[ \t]*\[[ xX]\][ \t])?))*[ \t]*/;
/** Marks that a longer line may begin with: of headings, lists, rules, fences, tasks, tables, formulas, definitions. */
const marker = /^(?:#{1,6}|[-+*_=~`$|:<![\]\\]+(?:[ \t]+[-*_|:]+)*|\d{1,9}[.)]?|\[[ xX]?\]?|<\/?)[ \t]*$/;

/** Drops a last line that is only marks so far. */
function withoutMarkerLine(text: string): string {
  const lineStart = text.lastIndexOf("\n") + 1;
  const line = text.slice(lineStart);
  const prefix = containers.exec(line)?.[0] ?? "";
  const rest = line.slice(prefix.length);
  if (rest === "" ? prefix.trim() === "" : !marker.test(rest) && !isOpenDefinition(line)) return text;
  return text.slice(0, lineStart);
}

function isOpenDefinition(line: string): boolean {
  return line.length <= longestDefinition && /^[ \t>]*\[(?!\^)[^[\]]+\]:/.test(line);
}

/** Holds back a last line that begins to define a reference. */
function withoutDefinition(paragraph: string): string {
  const lineStart = paragraph.lastIndexOf("\n") + 1;
  return isOpenDefinition(paragraph.slice(lineStart)) ? paragraph.slice(0, lineStart) : paragraph;
}

/** Holds back, from its first bar on, a line that may be the head of a table, until the line below decides it. */
function withoutTableHead(paragraph: string): string {
  const lineStart = paragraph.lastIndexOf("\n") + 1;
  const line = paragraph.slice(lineStart);
  if (/^[-:| \t>]*$/.test(line) && lineStart > 0) {
    const headStart = paragraph.lastIndexOf("\n", lineStart - 2) + 1;
    const bar = barIn(paragraph.slice(headStart, lineStart));
    if (bar !== -1) return paragraph.slice(0, headStart + bar);
  }
  const bar = barIn(line);
  return bar === -1 || line.length - bar > longestHead ? paragraph : paragraph.slice(0, lineStart + bar);
}

/** Where the first bar stands that separates cells: at the beginning of the line or between spaces. */
function barIn(line: string): number {
  const start = line.length - line.trimStart().length;
  if (line.charAt(start) === "|") return start;
  return line.search(/(?<=[ \t])\|(?=[ \t]|$)/);
}
