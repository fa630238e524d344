/** The syntax tree of Markdown, written as text with entities. */
import type { Definition, FootnoteDefinition, List, ListItem, Nodes, Root, RootContent, Table } from "mdast";
import { cleanText } from "../markdown/characters.ts";
import { visibleHtml } from "../markdown/html-text.ts";
import { readableFormula } from "../markdown/latex.ts";
import { layoutTable } from "../markdown/tables.ts";
import { createTextBuilder, type TextBuilder } from "../markdown/text-builder.ts";
import { type Inline, writeInline } from "./markdown-inline.ts";
import { endOf, sourceOf, startOf } from "./markdown-parse.ts";

/** White space and quote marks before a block are shorter. */
const longestGap = 200;

/** What a block needs to know of its document. */
export interface Document {
  readonly builder: TextBuilder;
  readonly markdown: string;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** Identifiers of the definitions that a link or an image refers to: those need not be shown. */
  readonly used: ReadonlySet<string>;
  /** The number of the first item, when the document goes on with a list that began before it. */
  readonly firstNumber?: number | undefined;
}

/** Writes a document; returns the number that a list going on behind it would have next. */
export function writeDocument(document: Document, tree: Root): number | undefined {
  writeBlocks(document, tree.children);
  const last = tree.children.at(-1);
  if (last?.type !== "list" || !last.ordered) return undefined;
  return firstNumberOf(document, last) + last.children.length;
}

function firstNumberOf(document: Document, list: List): number {
  return startOf(list) === 0 ? (document.firstNumber ?? list.start ?? 1) : (list.start ?? 1);
}

/** Definitions by identifier (the first of each counts), and the identifiers that are referred to. */
export function collectReferences(tree: Root): { definitions: Map<string, Definition>; used: Set<string> } {
  const definitions = new Map<string, Definition>();
  const used = new Set<string>();
  const waiting: Nodes[] = [tree];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    if (node.type === "definition" && !definitions.has(node.identifier)) definitions.set(node.identifier, node);
    if (node.type === "linkReference" || node.type === "imageReference") used.add(node.identifier);
    if ("children" in node)
      for (let at = node.children.length - 1; at >= 0; at -= 1) waiting.push(node.children[at] as Nodes);
  }
  return { definitions, used };
}

/** Writes blocks one below the other, with a blank line where the source has one. */
function writeBlocks(document: Document, blocks: readonly RootContent[]): void {
  for (const [index, block] of blocks.entries()) {
    if (index > 0) document.builder.separate(gapBefore(document, block));
    writeBlock(document, block);
  }
}

/** Line breaks before a block that follows another: two when a blank line stands between them. */
function gapBefore(document: Document, next: RootContent): 1 | 2 {
  const start = startOf(next);
  return /\n[ \t>]*\n[ \t>]*$/.test(document.markdown.slice(Math.max(0, start - longestGap), start)) ? 2 : 1;
}

function writeBlock(document: Document, block: RootContent): void {
  const { builder } = document;
  switch (block.type) {
    case "paragraph": {
      const only = block.children.length === 1 ? block.children[0] : undefined;
      const formula = only?.type === "inlineMath" && /^(?:\$\$|\\\[)/.test(sourceOf(only, document.markdown));
      if (formula) builder.pre(readableFormula(only.value, false));
      else writeInline(inlineOf(document), block.children);
      return;
    }
    case "heading":
      builder.style("bold", () => writeInline(inlineOf(document), block.children));
      return;
    case "thematicBreak":
      builder.write("———");
      return;
    case "blockquote":
      builder.style("blockquote", () => writeBlocks(document, block.children));
      return;
    case "list":
      writeList(document, block);
      return;
    case "code":
      builder.pre(block.value, languageOf(block.lang));
      return;
    case "math":
      builder.pre(readableFormula(block.value, false));
      return;
    case "table":
      builder.pre(tableText(document, block));
      return;
    case "html":
      builder.write(visibleHtml(block.value, true).trim());
      return;
    case "definition":
      writeDefinition(document, block);
      return;
    case "footnoteDefinition":
      writeFootnote(document, block);
      return;
    default:
      writeInline(inlineOf(document), [block]);
      return;
  }
}

function inlineOf(document: Document): Inline {
  return { ...document, plain: false };
}

function languageOf(lang: string | null | undefined): string | undefined {
  return /^[A-Za-z0-9_+#.-]{1,32}/.exec(lang ?? "")?.[0];
}

function writeList(document: Document, list: List): void {
  const { builder } = document;
  const first = firstNumberOf(document, list);
  for (const [index, item] of list.children.entries()) {
    if (index > 0) builder.separate(gapBefore(document, item));
    const marker = list.ordered ? `${first + index}${delimiterOf(item, document.markdown)}` : markOf(item);
    builder.write(`${marker} `);
    builder.indent(list.ordered ? 3 : 2, () => {
      const [lead] = item.children;
      // Only text goes on behind the mark.
      if (lead !== undefined && lead.type !== "paragraph" && lead.type !== "heading") builder.separate(1);
      writeBlocks(document, item.children);
    });
  }
}

function markOf(item: ListItem): string {
  if (typeof item.checked !== "boolean") return "•";
  return item.checked ? "☑" : "☐";
}

function delimiterOf(item: ListItem, markdown: string): string {
  const start = startOf(item);
  return /^\d+\)/.test(markdown.slice(start, start + 11)) ? ")" : ".";
}

function writeDefinition(document: Document, definition: Definition): void {
  const { builder, markdown } = document;
  if (document.used.has(definition.identifier)) return;
  const source = cleanText(markdown.slice(startOf(definition), endOf(definition)));
  builder.write(source.replace(/\s+/g, " ").replace(/^(\[.*?\]:) ?<([^<>]*)>/, "$1 $2"));
}

function writeFootnote(document: Document, footnote: FootnoteDefinition): void {
  document.builder.write(`[^${footnote.label ?? footnote.identifier}]: `);
  document.builder.indent(2, () => writeBlocks(document, footnote.children));
}

function tableText(document: Document, table: Table): string {
  const rows = table.children.map((row) =>
    row.children.map((cell) => {
      const builder = createTextBuilder();
      writeInline({ ...document, builder, plain: true }, cell.children);
      return builder.finish().text;
    }),
  );
  return layoutTable({ rows, right: (table.align ?? []).map((side) => side === "right") });
}
