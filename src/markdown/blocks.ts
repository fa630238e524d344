/** Blocks of Markdown, written as text with entities. */
import type { Token } from "markdown-it";
import type { TableMeta } from "./block-rules.ts";
import { visibleHtml } from "./html-text.ts";
import { footnoteMark, type Inline, type Written, writeInline } from "./inline.ts";
import { readableFormula } from "./latex.ts";
import { isTooWide, layoutTable, onOneLine } from "./tables.ts";
import { createTextBuilder, type TextBuilder } from "./text-builder.ts";

export interface Block {
  readonly token: Token;
  readonly children: Block[];
}

/** What a block needs to know of its document. */
export interface Document extends Written {
  readonly builder: TextBuilder;
  readonly lines: readonly string[];
  /** The document's end is open. */
  readonly streaming: boolean;
}

/** The tokens as a tree. */
export function nested(tokens: readonly Token[]): Block[] {
  const root: Block[] = [];
  const open: Block[][] = [root];
  for (const token of tokens) {
    if (token.nesting < 0) open.pop();
    else {
      const block: Block = { token, children: [] };
      open.at(-1)?.push(block);
      if (token.nesting > 0) open.push(block.children);
    }
  }
  return root;
}

/** Line breaks before a block: two when a blank line stands before it. */
export function gapBefore({ lines }: Document, { token }: Block): 1 | 2 {
  return /^[ \t>]*$/.test(lines[(token.map?.[0] ?? 0) - 1] ?? "") ? 2 : 1;
}

/** Writes blocks one below the other. */
function writeBlocks(document: Document, blocks: readonly Block[]): void {
  for (const [index, block] of blocks.entries()) {
    if (index > 0) document.builder.separate(gapBefore(document, block));
    writeBlock(document, block);
  }
}

/** Writes a block; `firstNumber` is that of a list which goes on with one before it. */
export function writeBlock(document: Document, block: Block, firstNumber?: number): void {
  const { builder } = document;
  const { token, children } = block;
  switch (token.type) {
    case "paragraph_open":
      writeParagraph(document, children[0]?.token);
      return;
    case "heading_open":
      builder.style("bold", () => writeInline(inlineOf(document), children[0]?.token.children ?? []));
      return;
    case "hr":
      builder.write("———");
      return;
    case "blockquote_open":
      builder.style("blockquote", () => writeBlocks(document, children));
      return;
    case "bullet_list_open":
    case "ordered_list_open":
      writeList(document, block, firstNumber ?? firstNumberOf(token));
      return;
    case "fence":
    case "code_block":
      builder.pre(token.content, /^\s*([A-Za-z0-9_+#.-]{1,32})/.exec(token.info)?.[1]);
      return;
    case "formula_block":
      builder.pre(readableFormula(token.content, false));
      return;
    case "table_open":
      writeTable(document, block);
      return;
    case "html_block":
      builder.write(visibleHtml(token.content, true).trim());
      return;
    case "plain":
      builder.write(token.content);
      return;
    case "footnote_open":
      builder.write(`${footnoteMark(document, token.content)} `);
      builder.indent(2, () => writeBlocks(document, children));
      return;
    default:
      writeBlocks(document, children);
  }
}

function inlineOf({ builder, used, footnotes }: Document): Inline {
  return { builder, used, footnotes, plain: false };
}

function writeParagraph(document: Document, text: Token | undefined): void {
  const tokens = text?.children ?? [];
  const only = tokens.length === 1 ? tokens[0] : undefined;
  const isDisplayed = only?.type === "formula" && (only.markup === "$$" || only.markup === "\\[");
  if (isDisplayed) document.builder.pre(readableFormula(only.content, false));
  else writeInline(inlineOf(document), tokens);
}

// === Lists ==========================================================================================

/** The number of a list's first item. */
export function firstNumberOf(list: Token): number {
  return Number(list.attrGet("start") ?? 1);
}

function writeList(document: Document, { token, children: items }: Block, firstNumber: number): void {
  const { builder } = document;
  const ordered = token.type === "ordered_list_open";
  for (const [index, item] of items.entries()) {
    if (index > 0) builder.separate(gapBefore(document, item));
    const [lead] = item.children;
    const box = boxOf(lead);
    const number = ordered ? `${firstNumber + index}${item.token.markup} ` : "";
    builder.write(ordered ? number + (box === undefined ? "" : `${box} `) : `${box ?? "•"} `);
    builder.indent(ordered ? 3 : 2, () => {
      // Only text goes on behind the mark.
      if (lead !== undefined && !/^(?:paragraph|heading)/.test(lead.token.type)) builder.separate(1);
      writeBlocks(document, item.children);
    });
  }
}

/** The box of a task, taken from the item's text. */
function boxOf(lead: Block | undefined): string | undefined {
  const text = lead?.token.type === "paragraph_open" ? lead.children[0]?.token.children?.[0] : undefined;
  const box = text?.type === "text" ? /^\[([ xX])\](?:[ \t]+|$)/.exec(text.content) : null;
  if (text === undefined || box === null) return undefined;
  text.content = text.content.slice(box[0].length);
  return box[1] === " " ? "☐" : "☑";
}

// === Tables =========================================================================================

/** A row that is longer than this is too wide, wherever it ends. */
const longestRow = 600;

function writeTable(document: Document, { token, children: rows }: Block): void {
  const { builder, streaming, lines } = document;
  const meta = token.meta as TableMeta | null;
  const first = lines[(token.map?.[0] ?? 0) + 2] ?? "";
  // How it is set is decided once, when its first row is whole.
  if (streaming && meta?.whole !== true && first.length <= longestRow) return;
  const [head, ...body] = rows;
  if (head === undefined) return;
  const texts = (row: Block | undefined) => (row?.children ?? []).map((cell) => onOneLine(cellText(document, cell)));
  if (body.length > 0 && isTooWide(texts(head), texts(body[0]))) writeRows(document, texts(head), body);
  else builder.pre(layoutTable({ rows: [head, ...body].map(texts), right: meta?.right ?? [] }));
}

function cellText({ used, footnotes }: Document, cell: Block): string {
  const builder = createTextBuilder(true);
  writeInline({ builder, used, footnotes, plain: true }, cell.token.children ?? []);
  return builder.finish().text;
}

/** What stands for a cell with nothing in it. */
const nothing = "–";

/** Each row as a block of its own, each cell behind the name of its column. */
function writeRows(document: Document, names: readonly string[], rows: readonly Block[]): void {
  const { builder } = document;
  for (const [index, row] of rows.entries()) {
    if (index > 0) builder.separate(2);
    const cells = row.children.map(({ token }) => token);
    const isWhole = !document.streaming || (row.token.map?.[1] ?? 0) < document.lines.length;
    const columns = isWhole ? Math.max(cells.length, names.length) : cells.length;
    for (let column = 0; column < columns; column += 1) {
      if (column > 0) builder.separate(1);
      const name = names[column] ?? "";
      // The first column of a comparison often has no name: its cell is the name of the row.
      if (name !== "" || column > 0) {
        builder.style("bold", () => builder.write(`${name === "" ? column + 1 : name}:`));
        builder.write(" ");
      }
      const cell = cells[column];
      if (cell === undefined || cell.content === "") builder.write(nothing);
      else writeInline(inlineOf(document), cell.children ?? []);
    }
  }
}
