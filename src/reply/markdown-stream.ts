/** The open end of an answer that is still being written: made so that what it shows will not be taken back. */

import type { Root } from "mdast";
import { closeInline } from "./inline-tail.ts";
import { endOf, lastLeaf, parseMarkdown, startOf } from "./markdown-parse.ts";
import { simpleBlocks } from "./markdown-simple.ts";

/** An unfinished line of a table's head is held back up to this length. */
const longestHead = 200;
/** An unfinished definition of a reference. */
const longestDefinition = 300;

export interface Settled {
  readonly source: string;
  /** Of the source, when it had to be parsed to be settled. */
  readonly tree?: Root;
}

/** Settles the last piece of a Markdown document (`settleMarkdown` says how). */
export function settleTail(tail: string): Settled {
  if (isOpenFence(tail)) return { source: tail.replace(/\n[ \t]*(?:`+|~+)[ \t]*$/, "\n") };
  const cut = withoutMarkerLine(tail);
  const simple = simpleBlocks(cut);
  const tree = simple ?? parseMarkdown(cut);
  const source = settleLeaf(tail, cut, tree);
  return simple === undefined && source === cut ? { source, tree } : { source };
}

function settleLeaf(tail: string, cut: string, tree: Root): string {
  const leaf = lastLeaf(tree);
  if (leaf.type === "code" || leaf.type === "math") {
    // In code and formulas a line of marks is text; behind them it is not.
    const whole = cut === tail ? leaf : lastLeaf(parseMarkdown(tail));
    if (whole.type === "code") return settleCode(tail);
    return whole.type === "math" ? settleFormula(tail, startOf(whole)) : cut;
  }
  const from = startOf(leaf);
  // Behind a blank line nothing can be closed any more.
  if (from >= cut.length || /\n[ \t>]*\n/.test(cut.slice(endOf(leaf)))) return cut;
  const source = cut.slice(from);
  switch (leaf.type) {
    case "html":
      return cut.slice(0, from) + source.replace(/<[^<>]{0,200}$/, "");
    case "definition":
      return endsLine(source) || source.length > longestDefinition ? cut : cut.slice(0, from);
    case "paragraph":
      return withoutMarkerLine(cut.slice(0, from) + closeInline(withoutTableHead(withoutDefinition(source))));
    case "heading":
      return cut.slice(0, from) + closeInline(source.replace(/[ \t]#+[ \t]*$/, ""));
    case "tableCell":
      // Behind the head's last cell stands the line that makes it a table.
      return source.includes("\n") ? cut : cut.slice(0, from) + closeInline(source);
    default:
      return cut;
  }
}

/** A long block of code would be parsed at each step only to see that it is still open. */
function isOpenFence(tail: string): boolean {
  const mark = /^(`{3,}(?=[^`\n]*\n)|~{3,}(?=.*\n))/.exec(tail)?.[1];
  if (mark === undefined) return false;
  const lines = tail.slice(tail.indexOf("\n") + 1).split("\n");
  return !lines.some((line) => line.trimStart().startsWith(mark) && /^(?:`+|~+)$/.test(line.trim()));
}

function endsLine(source: string): boolean {
  return source.endsWith("\n");
}

const containers = /^(?:[ \t]*(?:>|\[\^[^\]\n]{1,100}\]:|(?:[-*+]|\d{1,9}[.)])[ \t](?:[ \t]*\[[ xX]\][ \t])?))*[ \t]*/;
/** Marks that a longer line may begin with: of headings, lists, rules, fences, tasks, tables, formulas, definitions. */
const marker = /^(?:#{1,6}|[-+*_=~`$|:<![\]\\]+(?:[ \t]+[-*_|:]+)*|\d{1,9}[.)]?|\[[ xX]?\]?|<\/?)[ \t]*$/;

/** Drops a last line that is only marks so far. */
function withoutMarkerLine(tail: string): string {
  const lineStart = tail.lastIndexOf("\n") + 1;
  const line = tail.slice(lineStart);
  const prefix = containers.exec(line)?.[0] ?? "";
  const rest = line.slice(prefix.length);
  if (rest === "" ? prefix.trim() === "" : !marker.test(rest)) return tail;
  return tail.slice(0, lineStart);
}

/** In a fence that is open, a last line that may become the closing fence. */
function settleCode(tail: string): string {
  const lineStart = tail.lastIndexOf("\n") + 1;
  const line = tail.slice(lineStart);
  if (!/^[ \t>]*(?:`{1,}|~{1,})[ \t]*$/.test(line)) return tail;
  return lineStart > 0 && lastLeaf(parseMarkdown(tail.slice(0, lineStart))).type === "code"
    ? tail.slice(0, lineStart)
    : tail;
}

/** A block formula that is open shows its whole lines whose groups are complete, closed by its mark. */
function settleFormula(tail: string, start: number): string {
  const source = tail.slice(start);
  const close = source.startsWith("$") ? "$$" : "\\]";
  const written = source.replace(/[\s>]+$/, "");
  if (written.endsWith(close) && written.length > close.length) return tail;
  let kept = source.slice(0, source.lastIndexOf("\n") + 1);
  while (kept !== "" && !isBalanced(kept)) kept = kept.slice(0, kept.lastIndexOf("\n", kept.length - 2) + 1);
  if (kept.trim().length <= 2) return tail.slice(0, start);
  const indent = /[ \t>]*$/.exec(tail.slice(0, start))?.[0] ?? "";
  return `${tail.slice(0, start)}${kept}${indent}${close}`;
}

function isBalanced(formula: string): boolean {
  const opened = formula.match(/(?<!\\)\{/g)?.length ?? 0;
  const closed = formula.match(/(?<!\\)\}/g)?.length ?? 0;
  return opened <= closed;
}

/** Holds back a last line that begins to define a reference. */
function withoutDefinition(paragraph: string): string {
  const lineStart = paragraph.lastIndexOf("\n") + 1;
  const line = paragraph.slice(lineStart);
  if (line.length > longestDefinition || !/^[ \t>]*\[(?!\^)[^[\]]+\]:/.test(line)) return paragraph;
  return paragraph.slice(0, lineStart);
}

/** Holds back, from its first bar on, a line that may be the head of a table, until the line below decides it. */
function withoutTableHead(paragraph: string): string {
  const lineStart = paragraph.lastIndexOf("\n") + 1;
  const line = paragraph.slice(lineStart);
  if (/^[ \t>]*[-:| \t]*$/.test(line) && lineStart > 0) {
    const headStart = paragraph.lastIndexOf("\n", lineStart - 2) + 1;
    const bar = barIn(paragraph.slice(headStart, lineStart));
    if (bar !== -1) return paragraph.slice(0, headStart + bar);
  }
  const bar = barIn(line);
  return bar === -1 || line.length - bar > longestHead ? paragraph : paragraph.slice(0, lineStart + bar);
}

/** Where the first bar stands that separates cells: at the beginning of the line or between spaces. */
function barIn(line: string): number {
  const match = /^[ \t>]*\||(?<=[ \t])\|(?=[ \t]|$)/.exec(line);
  return match === null ? -1 : match.index + match[0].length - 1;
}
