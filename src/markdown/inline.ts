/** What stands within a line, written: emphasis, code, links, formulas, HTML, footnotes' marks. */
import type { Token } from "markdown-it";
import { isData, showLink, withoutDirections } from "./addresses.ts";
import { holdsData, visibleHtml } from "./html-text.ts";
import { readableFormula } from "./latex.ts";
import { toScript } from "./latex-symbols.ts";
import type { TextBuilder } from "./text-builder.ts";

/** What writing a document remembers of what it has written. */
export interface Written {
  /** Labels of references that a link was made of: their definitions need not be shown. */
  readonly used: Set<string>;
  readonly footnotes: Footnotes;
}

/** Footnotes' numbers: a label's own, or the next that is free, in the order of their appearance. */
export interface Footnotes {
  readonly byLabel: Map<string, number>;
  readonly taken: Set<number>;
  next: number;
}

export interface Inline extends Written {
  readonly builder: TextBuilder;
  /** The text goes where there are no entities (a table's cell): links show their address. */
  readonly plain: boolean;
}

const styles: Readonly<Record<string, "bold" | "italic" | "strikethrough">> = {
  strong: "bold",
  em: "italic",
  s: "strikethrough",
};

/** Writes the tokens of a line. `inLink`: they are a link's text. */
export function writeInline(inline: Inline, tokens: readonly Token[], inLink = false): void {
  const { builder } = inline;
  /** A link of HTML whose address is not shown. */
  let inData = false;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (token === undefined) continue;
    if (token.type === "html_inline" && /^<\/?a[\s>]/i.test(token.content)) {
      const isEnd = token.content.startsWith("</");
      const isDropped: boolean = isEnd ? inData : holdsData(token.content);
      inData = isDropped && !isEnd;
      if (isDropped) continue;
    }
    if (token.type === "link_open") {
      const end = closingOf(tokens, at);
      writeLink(inline, token, tokens.slice(at + 1, end));
      at = end;
      continue;
    }
    const style = styles[token.tag];
    if (style === undefined) writeLeaf(inline, token, inLink);
    else if (token.nesting > 0) builder.open(style);
    else builder.close();
  }
}

function writeLeaf(inline: Inline, token: Token, inLink: boolean): void {
  const { builder } = inline;
  switch (token.type) {
    case "softbreak":
    case "hardbreak":
      builder.write("\n");
      return;
    case "code_inline":
      builder.code(token.content);
      return;
    case "formula":
      builder.code(readableFormula(token.content, true));
      return;
    case "html_inline":
      builder.write(visibleHtml(token.content, false));
      return;
    case "image":
      writeImage(inline, token, inLink);
      return;
    case "footnote_mark":
      builder.write(footnoteMark(inline, token.content));
      return;
    default:
      builder.write(inLink ? withoutDirections(token.content) : token.content);
  }
}

function closingOf(tokens: readonly Token[], open: number): number {
  let at = open + 1;
  while (at < tokens.length && tokens[at]?.type !== "link_close") at += 1;
  return at;
}

/** The text of a line's tokens, without its styles. */
function textOf(tokens: readonly Token[]): string {
  let text = "";
  for (const { type, content } of tokens) {
    if (type === "formula") text += readableFormula(content, true);
    else if (type === "softbreak" || type === "hardbreak") text += "\n";
    else text += content;
  }
  return withoutDirections(text).trim();
}

function writeLink(inline: Inline, token: Token, children: readonly Token[]): void {
  const label = token.meta?.["label"];
  if (typeof label === "string") inline.used.add(label);
  const text = textOf(children);
  const url = String(token.attrGet("href") ?? "");
  writeTo(inline, text, url, () => {
    // A source's number keeps its brackets.
    if (/^\d{1,4}$/.test(text)) inline.builder.write(`[${text}]`);
    else if (isData(url) && isData(text)) inline.builder.write("[data]");
    else writeInline(inline, children, true);
  });
}

function writeImage(inline: Inline, token: Token, inLink: boolean): void {
  const label = token.meta?.["label"];
  if (typeof label === "string") inline.used.add(label);
  const url = String(token.attrGet("src") ?? "");
  const text = withoutDirections(token.content.replace(/[*_`~]+/g, "")).trim();
  const shown = text === "" && isData(url) ? "[image]" : text;
  if (inLink) inline.builder.write(shown);
  else writeTo(inline, shown, url, () => inline.builder.write(shown));
}

function writeTo({ builder, plain }: Inline, text: string, url: string, writeText: () => void): void {
  const link = showLink(text, url);
  builder.openLink(plain ? undefined : link.target);
  if (link.exact) builder.address(text === "" ? (link.target ?? url) : text);
  else writeText();
  builder.close();
  const beside = plain && !link.exact ? (link.target ?? link.beside) : link.beside;
  if (beside === undefined) return;
  builder.write(" (");
  builder.openLink(undefined);
  builder.address(beside);
  builder.close();
  builder.write(")");
}

/** A footnote's number as it stands in the text and before the footnote. */
export function footnoteMark({ footnotes }: Written, label: string): string {
  const { byLabel, taken } = footnotes;
  let number = byLabel.get(label) ?? Number(label);
  if (!byLabel.has(label)) {
    if (!/^\d{1,4}$/.test(label) || taken.has(number)) {
      while (taken.has(footnotes.next)) footnotes.next += 1;
      number = footnotes.next;
    }
    byLabel.set(label, number);
    taken.add(number);
  }
  return toScript("^", String(number));
}
