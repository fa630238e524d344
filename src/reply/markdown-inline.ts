/** What stands within a line: emphasis, code, links, formulas, HTML, references. */
import type { Definition, LinkReference, Nodes, Text } from "mdast";
import { isLinkable } from "../markdown/characters.ts";
import { visibleHtml } from "../markdown/html-text.ts";
import { readableFormula } from "../markdown/latex.ts";
import { createTextBuilder, type TextBuilder } from "../markdown/text-builder.ts";
import { sourceOf } from "./markdown-parse.ts";

export interface Inline {
  readonly builder: TextBuilder;
  readonly markdown: string;
  readonly definitions: ReadonlyMap<string, Definition>;
  /** The text goes where there are no entities (a table's cell): links show their address. */
  readonly plain: boolean;
}

/** Writes inline nodes one behind the other. */
export function writeInline(inline: Inline, nodes: readonly Nodes[]): void {
  for (const node of nodes) writeNode(inline, node);
}

function writeNode(inline: Inline, node: Nodes): void {
  const { builder } = inline;
  switch (node.type) {
    case "text":
      writeText(inline, node);
      return;
    case "strong":
      builder.style("bold", () => writeInline(inline, node.children));
      return;
    case "emphasis":
      builder.style("italic", () => writeInline(inline, node.children));
      return;
    case "delete":
      builder.style("strikethrough", () => writeInline(inline, node.children));
      return;
    case "inlineCode":
      builder.code(node.value);
      return;
    case "inlineMath":
      builder.code(readableFormula(node.value, true));
      return;
    case "break":
      builder.write("\n");
      return;
    case "html":
      builder.write(visibleHtml(node.value, false));
      return;
    case "link":
      writeLink(inline, node.url, node.children);
      return;
    case "image":
      writeImage(inline, node.url, node.alt);
      return;
    case "linkReference":
      writeLinkReference(inline, node);
      return;
    case "imageReference":
      writeImage(inline, inline.definitions.get(node.identifier)?.url ?? "", node.alt);
      return;
    case "footnoteReference":
      builder.write(`[^${node.label ?? node.identifier}]`);
      return;
    default:
      if ("children" in node) writeInline(inline, node.children);
      else if ("value" in node) builder.write(node.value);
  }
}

const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uffef]/u;

/** `**“粗体”**是`: beside a letter without a space CommonMark sees no bold in it; the writer did. */
function writeText({ builder, markdown }: Inline, node: Text): void {
  const { value } = node;
  if (!value.includes("**") || !cjk.test(value) || sourceOf(node, markdown).includes("\\")) {
    builder.write(value);
    return;
  }
  let from = 0;
  for (const match of value.matchAll(/\*\*([^\s*](?:[^*\n]{0,500}[^\s*])?)\*\*/gu)) {
    builder.write(value.slice(from, match.index));
    builder.style("bold", () => builder.write(match[1] ?? ""));
    from = match.index + match[0].length;
  }
  builder.write(value.slice(from));
}

function textOf(inline: Inline, nodes: readonly Nodes[]): string {
  const builder = createTextBuilder();
  writeInline({ ...inline, builder, plain: false }, nodes);
  return builder.finish().text.replaceAll("\u2060", "");
}

function writeLink(inline: Inline, url: string, children: readonly Nodes[]): void {
  const { builder } = inline;
  const text = textOf(inline, children);
  const address = url.replace(/^mailto:/i, "");
  const isAddress = sameAddress(text, address);
  // A link to a person by id would ping them.
  const harmful = /^tg:\/*user\b/i.test(url) || /^(?:javascript|data|vbscript):/i.test(url);
  const target = !harmful && isLinkable(url) ? url : undefined;
  builder.link(inline.plain ? undefined : target, isAddress, () => {
    if (text === "") builder.write(address);
    else writeInline(inline, children);
  });
  if (text === "" || isAddress || harmful || (target !== undefined && !inline.plain) || address === "") return;
  builder.write(" (");
  builder.link(undefined, true, () => builder.write(address));
  builder.write(")");
}

function sameAddress(text: string, address: string): boolean {
  const bare = (url: string) => url.replace(/^https?:\/\//i, "").replace(/\/$/, "");
  return bare(text) === bare(address);
}

function writeImage(inline: Inline, url: string, alt: string | null | undefined): void {
  writeLink(inline, url, alt ? [{ type: "text", value: alt }] : []);
}

/** A source's number keeps its brackets: `[1]`; in `[1][2]` both are such numbers. */
function writeLinkReference(inline: Inline, node: LinkReference): void {
  const { builder } = inline;
  const url = inline.definitions.get(node.identifier)?.url ?? "";
  const isNumber = /^\d+$/.test(textOf(inline, node.children));
  if (!isNumber) {
    writeLink(inline, url, node.children);
    return;
  }
  const bracketed = (label: string) => builder.write(`[${label}]`);
  if (node.referenceType === "full") bracketed(textOf(inline, node.children));
  const target = isLinkable(url) ? url : undefined;
  builder.link(inline.plain ? undefined : target, false, () => bracketed(node.label ?? node.identifier));
}
