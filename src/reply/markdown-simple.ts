/**
 * The Markdown that most of an answer is made of (a paragraph, a heading, a list of lines, a quote, a table, a block of
 * code), parsed without the parser, which takes ten times as long. What may be anything else is left to the parser: both
 * make the same tree, and a test holds them equal.
 */
import type {
  Code,
  List,
  ListItem,
  Paragraph,
  Parents,
  PhrasingContent,
  Root,
  RootContent,
  Table,
  TableCell,
} from "mdast";

/** What a line of text may begin with and be nothing but text. */
const opening = String.raw`(?:[\p{L}"'“„«‘(]|\d+(?![\d.)])|\d+[.)](?=\S)|\*{1,2}(?=[\p{L}\p{N}])|\x60(?=[^\x60\s]))`;
const textLine = new RegExp(`^${opening}`, "u");
const headingLine = new RegExp(`^(#{1,6} )(?=${opening})[^\\n]*$`, "u");
const itemLine = new RegExp(`^( *)([-*+]|\\d{1,9}[.)]) (?=${opening})`, "u");

/** The blocks of a simple document; the texts in them are not parsed. Undefined: the document may not be simple. */
export function simpleBlocks(markdown: string): Root | undefined {
  const source = markdown.replace(/[ \n]+$/, "");
  const block = codeBlock(markdown) ?? textBlock(source);
  return block === undefined ? undefined : { type: "root", children: [block], ...spanning(0, markdown.length) };
}

/** The tree of a simple document, as the parser would make it. Undefined: the document may not be simple. */
export function parseSimple(markdown: string): Root | undefined {
  const tree = simpleBlocks(markdown);
  return tree !== undefined && fillTexts(tree, markdown) ? tree : undefined;
}

// === Blocks =========================================================================================

function textBlock(source: string): RootContent | undefined {
  const lines = source.split("\n");
  // A single line that begins with a bar may become the head of a table; it is none yet.
  const isHead = lines.length === 1 && source.startsWith("|");
  if (isHead || lines.every((line) => textLine.test(line))) return paragraph(0, source.length);
  if (lines.every((line) => line.startsWith("> ") && textLine.test(line.slice(2)))) {
    return { type: "blockquote", children: [paragraph(2, source.length)], ...spanning(0, source.length) };
  }
  const marks = headingLine.exec(source)?.[1];
  if (marks === undefined) return source.startsWith("|") ? tableOf(lines) : listOf(lines);
  const closed = source.endsWith("#");
  const depth = (marks.length - 1) as 1 | 2 | 3 | 4 | 5 | 6;
  return closed ? undefined : { type: "heading", depth, children: [], ...spanning(0, source.length) };
}

/** A table whose rows begin with a bar and end with one; the last may be unfinished. */
function tableOf(lines: readonly string[]): Table | undefined {
  const rules = lines[1]?.slice(1, -1).split("|") ?? [];
  const [head = ""] = lines;
  if (!/^\|(?: *:?-+:? *\|)+$/.test(lines[1] ?? "") || head.split("|").length !== rules.length + 2) return undefined;
  const table: Table = { type: "table", align: rules.map(alignOf), children: [] };
  let at = 0;
  for (const [index, line] of lines.entries()) {
    const whole = line.endsWith("|");
    if (!line.startsWith("|") || line.includes("\\") || line.length < 3) return undefined;
    if (!whole && index < lines.length - 1) return undefined;
    // A cell begins with its bar; the last one has that of the row's end, too.
    const cells: TableCell[] = [];
    for (const source of line.match(/\|[^|]*(?:\|$)?/g) ?? []) {
      cells.push({ type: "tableCell", children: [], ...spanning(at, at + source.length) });
      at += source.length;
    }
    if (index !== 1) table.children.push({ type: "tableRow", children: cells });
    at += 1;
  }
  return table;
}

function alignOf(rule: string): "left" | "right" | "center" | null {
  const marks = rule.trim();
  if (marks.endsWith(":")) return marks.startsWith(":") ? "center" : "right";
  return marks.startsWith(":") ? "left" : null;
}

function paragraph(start: number, end: number): Paragraph {
  return { type: "paragraph", children: [], ...spanning(start, end) };
}

function codeBlock(source: string): Code | undefined {
  const head = /^(`{3,}|~{3,})([\w+#.-]*) *(?:\n|$)/.exec(source);
  const mark = head?.[1];
  if (head === null || mark === undefined) return undefined;
  const from = head[0].length;
  const closing = new RegExp(`^ {0,3}${mark.charAt(0)}{${mark.length},} *$`, "m");
  const end = from > source.length ? -1 : source.slice(from).search(closing);
  const behind = end === -1 ? "" : source.slice(from + end).replace(/^.*\n?/, "");
  if (!/^[ \n]*$/.test(behind)) return undefined;
  const value = source.slice(from, end === -1 ? undefined : from + end).replace(/\n$/, "");
  return { type: "code", lang: head[2] || null, meta: null, value, ...spanning(0, source.length) };
}

interface OpenList {
  readonly list: List;
  readonly kind: string;
  /** Columns of the marks, and of the newest item's text. */
  readonly indent: number;
  text: number;
}

/** A list whose items are a line each, or a line with such a list below it. */
function listOf(lines: readonly string[]): List | undefined {
  const open: OpenList[] = [];
  let root: List | undefined;
  let at = 0;
  for (const line of lines) {
    const match = itemLine.exec(line);
    if (match === null) return undefined;
    const indent = match[1]?.length ?? 0;
    const marker = match[2] ?? "";
    const text = match[0].length;
    while ((open.at(-1)?.indent ?? 0) > indent) open.pop();
    const outer = open.at(-1);
    const item = listItem(at + indent, at + text, at + line.trimEnd().length);
    if (outer?.indent === indent) {
      if (outer.kind !== marker.at(-1)) return undefined;
      outer.text = text;
      outer.list.children.push(item);
    } else {
      const list = newList(marker, item);
      if (outer === undefined ? indent > 0 : !nests(outer, indent, marker)) return undefined;
      outer?.list.children.at(-1)?.children.push(list);
      root ??= list;
      open.push({ list, kind: marker.at(-1) ?? "", indent, text });
    }
    at += line.length + 1;
  }
  return root;
}

/** Whether a list that begins here belongs into the newest item. Only a list from 1 on may follow a text at once. */
function nests(outer: OpenList, indent: number, marker: string): boolean {
  const alone = outer.list.children.at(-1)?.children.length === 1;
  return alone && indent >= outer.text && indent < outer.text + 4 && /^(?:\D|1\D$)/.test(marker);
}

function newList(marker: string, item: ListItem): List {
  const ordered = marker.length > 1;
  const start = ordered ? Number(marker.slice(0, -1)) : null;
  return {
    type: "list",
    ordered,
    start,
    spread: false,
    children: [item],
    ...(item.position && { position: item.position }),
  };
}

function listItem(start: number, text: number, end: number): ListItem {
  return { type: "listItem", spread: false, checked: null, children: [paragraph(text, end)], ...spanning(start, end) };
}

/** Only offsets are known. */
function spanning(start: number, end: number) {
  const point = (offset: number) => ({ line: 1, column: 1, offset });
  return { position: { start: point(start), end: point(end) } };
}

// === Texts ==========================================================================================

/** Outside code and links: what may be a link, an entity, HTML, a formula, an escape, a break or an address. */
const unsure = /[\\[\]<_$@\t]|&(?=[#A-Za-z])|:\/\/|www\.| \n|\n /i;
const code = /(?<!`)`(?<code>[^`\n]*)`(?!`)/;
const link = /(?<!!)\[(?<label>[^[\]\n`]+)\]\((?<url>https?:\/\/[\w./?=%#:+,~&-]+)\)/;
const inlineMarks = new RegExp(`${code.source}|${link.source}|\\*+|~~+|\``, "g");
const emphasisOf = { "*": "emphasis", "**": "strong", "~~": "delete" } as const;

function fillTexts(parent: Parents, markdown: string): boolean {
  return parent.children.every((node) => {
    switch (node.type) {
      case "paragraph":
      case "heading":
      case "tableCell": {
        const children = parseText(textIn(parent, node, markdown));
        node.children = children ?? [];
        return children !== undefined;
      }
      default:
        return !("children" in node) || fillTexts(node, markdown);
    }
  });
}

/** The source of a text without the marks of its block. */
function textIn(parent: Parents, node: Parents, markdown: string): string {
  const source = markdown.slice(node.position?.start.offset, node.position?.end.offset);
  if (node.type === "tableCell") return source.replace(/^\||\|$/g, "").trim();
  if (node.type === "heading") return source.slice(node.depth + 1);
  return parent.type === "blockquote" ? source.replaceAll("\n> ", "\n") : source;
}

/** Text with code and links, and with emphasis that holds no other emphasis. */
function parseText(text: string): PhrasingContent[] | undefined {
  const whole: PhrasingContent[] = [];
  let inner: PhrasingContent[] | undefined;
  let mark: keyof typeof emphasisOf = "*";
  let from = 0;

  function add(value: string): boolean {
    const into = inner ?? whole;
    const last = into.at(-1);
    if (last?.type === "text") last.value += value;
    else if (value !== "") into.push({ type: "text", value });
    return !unsure.test(value);
  }

  for (const { 0: found, index, groups } of text.matchAll(inlineMarks)) {
    if (!add(text.slice(from, index))) return undefined;
    from = index + found.length;
    if (found.startsWith("`")) {
      const value = groups?.["code"] ?? "";
      if (value === "" || /^ | $|\t/.test(value)) return undefined;
      (inner ?? whole).push({ type: "inlineCode", value });
    } else if (found.startsWith("[")) {
      const children = parseText(groups?.["label"] ?? "");
      if (children === undefined || /^[\s^]|\s$/.test(groups?.["label"] ?? "")) return undefined;
      (inner ?? whole).push({ type: "link", title: null, url: groups?.["url"] ?? "", children });
    } else {
      const role = roleOf(text, index, found.length);
      if (role === "text") add(found);
      else if (inner === undefined && role.opens && found in emphasisOf) {
        inner = [];
        mark = found as keyof typeof emphasisOf;
      } else if (inner !== undefined && role.closes && found === mark) {
        whole.push({ type: emphasisOf[mark], children: inner } as PhrasingContent);
        inner = undefined;
      } else return undefined;
    }
  }
  return add(text.slice(from)) && inner === undefined ? whole : undefined;
}

/** What a run of marks may be, by what stands beside them (CommonMark, 6.2); with white space on both sides they are text. */
function roleOf(text: string, at: number, length: number): "text" | { opens: boolean; closes: boolean } {
  const before = kindOf(text.charAt(at - 1));
  const after = kindOf(text.charAt(at + length));
  if (before === "space" && after === "space") return "text";
  return {
    opens: after === "letter" || (after === "punctuation" && before !== "letter"),
    closes: before === "letter" || (before === "punctuation" && after !== "letter"),
  };
}

function kindOf(char: string): "space" | "letter" | "punctuation" {
  if (char === "" || /\s/u.test(char)) return "space";
  return /[\p{L}\p{N}]/u.test(char) ? "letter" : "punctuation";
}
