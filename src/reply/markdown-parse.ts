/** Markdown to its syntax tree: GFM and formulas. */
import type { Nodes, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmFromMarkdown } from "mdast-util-gfm";
import { mathFromMarkdown } from "mdast-util-math";
import { gfm } from "micromark-extension-gfm";
import { formulaSyntax } from "./markdown-math.ts";
import type { Construct, Syntax } from "./micromark.ts";

const gfmSyntax = withoutEmails(gfm({ singleTilde: false }));
const syntax = [gfmSyntax, formulaSyntax(true)];
const syntaxWithoutBlocks = [gfmSyntax, formulaSyntax(false)];
const trees = [gfmFromMarkdown(), mathFromMarkdown()];

/** To look for an email at the beginning of every word takes a third of all time; the tree's own pass finds them, too. */
function withoutEmails(syntax: Syntax): Syntax {
  const text: Record<string, Construct[]> = {};
  for (const [code, constructs] of Object.entries(syntax.text ?? {})) {
    text[code] = [constructs ?? []].flat().filter(({ name }) => name !== "emailAutolink");
  }
  return { ...syntax, text };
}

/** Parses Markdown; without `blocks`, an opening mark of a formula on its own line opens no block. */
export function parseMarkdown(markdown: string, blocks = true): Root {
  return fromMarkdown(markdown, { extensions: blocks ? syntax : syntaxWithoutBlocks, mdastExtensions: trees });
}

/**
 * Parses Markdown as it will stay: a block formula that is never closed is text, since it would swallow all that
 * follows it. `tree`: what `parseMarkdown` made of it, when that is known.
 */
export function parseFinal(markdown: string, tree = parseMarkdown(markdown)): Root {
  return endsInOpenFormula(tree, markdown) ? parseMarkdown(markdown, false) : tree;
}

/** Whether the last block is a formula without its closing mark. */
function endsInOpenFormula(tree: Root, markdown: string): boolean {
  const leaf = lastLeaf(tree);
  return leaf.type === "math" && !isClosedFormula(sourceOf(leaf, markdown));
}

/** Whether the source of a block formula ends with its closing mark. */
export function isClosedFormula(source: string): boolean {
  const close = source.startsWith("$") ? "$$" : "\\]";
  return source.length > 3 && source.trimEnd().endsWith(close);
}

/** The last block that holds no other block (a table's is its last cell). */
export function lastLeaf(tree: Root): Nodes {
  let node: Nodes = tree;
  for (;;) {
    if (!("children" in node) || node.type === "paragraph" || node.type === "heading" || node.type === "tableCell") {
      return node;
    }
    const last: Nodes | undefined = node.children.at(-1);
    if (last === undefined) return node;
    node = last;
  }
}

/** The Markdown that the node was made of. */
export function sourceOf(node: Nodes, markdown: string): string {
  return markdown.slice(startOf(node), endOf(node));
}

/** The node's first offset in the source. */
export function startOf(node: Nodes): number {
  return node.position?.start.offset ?? 0;
}

/** The offset behind the node in the source. */
export function endOf(node: Nodes): number {
  return node.position?.end.offset ?? 0;
}
