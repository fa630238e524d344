/** Markdown as text and entities, whole or while it streams. It knows no parse mode, so no Markdown can break it. */
import type { Token } from "markdown-it";
import { type Block, type Document, firstNumberOf, gapBefore, nested, writeBlock } from "./blocks.ts";
import { cleanMarkdown } from "./characters.ts";
import { type Rendered, tidyRendered } from "./entities.ts";
import type { Footnotes } from "./inline.ts";
import { parseOpenBlocks } from "./open-end.ts";
import { footnoteKey, type ParseState, type Reference } from "./open-state.ts";
import { parseBlocks, parseText } from "./syntax.ts";
import { createTextBuilder, type TextBuilder } from "./text-builder.ts";

export type { Rendered } from "./entities.ts";

export interface RenderOptions {
  /** Nobody could be pinged where the text goes: names behind an `@` stay as they are, to be copied. */
  readonly keepMentions?: boolean;
}

/** Renders Markdown as Telegram will keep it: text in UTF-16 with entities. It never throws. */
export function renderMarkdown(markdown: string, options: RenderOptions = {}): Rendered {
  return createStreamRenderer(options).renderFinal(markdown);
}

/** Renders an answer while it is written, and at its end. Text that extends the former one costs only its last block. */
export interface StreamRenderer {
  /**
   * What is there so far: the beginning of what the finished text will show. A construct that is still open at the end
   * is closed (emphasis, code) or held back (a link, a formula, a tag, a table up to its first row, marks at the very
   * end), the latter for at most some hundred characters. What it cannot know: a reference definition that comes later.
   */
  render(markdown: string): Rendered;
  /** The whole: exactly `renderMarkdown(markdown)`. */
  renderFinal(markdown: string): Rendered;
}

/** What is written of an answer and stays as it is: all blocks but the last. */
interface Closed {
  readonly builder: TextBuilder;
  /** The Markdown of it. */
  source: string;
  /** All Markdown that there was when it was closed: what stood behind it has said where it ends. */
  until: string;
  readonly references: Record<string, Reference>;
  /** The source of definitions, by label, in order. */
  readonly definitions: Map<string, string>;
  readonly missed: Set<string>;
  readonly used: Set<string>;
  footnotes: Footnotes;
  /** The number that the next item has, when the source ends within a list. */
  number: number | undefined;
}

function nothingClosed(options: RenderOptions): Closed {
  return {
    builder: createTextBuilder(options.keepMentions),
    source: "",
    until: "",
    references: Object.create(null) as Record<string, Reference>,
    definitions: new Map(),
    missed: new Set(),
    used: new Set(),
    footnotes: { byLabel: new Map(), taken: new Set(), next: 1 },
    number: undefined,
  };
}

/** A renderer for one answer. */
export function createStreamRenderer(options: RenderOptions = {}): StreamRenderer {
  let closed = nothingClosed(options);

  function renderSource(source: string, streaming: boolean): Rendered {
    if (!source.startsWith(closed.until)) closed = nothingClosed(options);
    const end = parseEnd(source.slice(closed.source.length), streaming);
    const isLate = Object.keys(end.state.references).some((label) => closed.missed.has(label));
    if (isLate) {
      // It holds for what stands before it, too.
      closed = nothingClosed(options);
      return renderSource(source, streaming);
    }
    return writeEnd(source, end, streaming);
  }

  function parseEnd(tail: string, streaming: boolean): { tokens: Token[]; state: ParseState } {
    const newState = (): ParseState => ({
      references: Object.create(closed.references) as Record<string, Reference>,
      missed: new Set(),
      streaming,
      openText: false,
      neverClosed: new Map(),
    });
    const final = newState();
    const parsed = streaming
      ? parseOpenBlocks(tail, newState)
      : { tokens: parseBlocks(tail, final), state: final, open: undefined };
    for (const token of parsed.tokens) {
      if (token.type !== "inline") continue;
      parsed.state.openText = token === parsed.open;
      parseText(token, parsed.state);
    }
    return parsed;
  }

  /** Writes what stands behind the closed blocks; of a stream, all blocks but the last become closed ones. */
  function writeEnd(source: string, { tokens, state }: { tokens: Token[]; state: ParseState }, streaming: boolean) {
    const { builder } = closed;
    const tail = source.slice(closed.source.length);
    const lines = tail.split("\n");
    const blocks = itemsApart(nested(tokens));
    const used = new Set(closed.used);
    const document: Document = { builder, lines, streaming, used, footnotes: copyOf(closed.footnotes) };
    const open = streaming ? firstOpen(blocks, lines) : -1;
    const gap = isBlank(lastLine(closed.source)) ? 2 : 1;
    let mark = builder.mark();
    let next: Closed | undefined;
    let number = closed.number;
    for (const [index, block] of blocks.entries()) {
      const { token } = block;
      const goesOn = index === 0 ? number !== undefined : token.meta?.["goesOn"] === true;
      const isList = token.type.endsWith("list_open");
      const first = isList && goesOn ? number : undefined;
      if (index === open && index > 0) {
        mark = builder.mark();
        next = { ...closedBefore(block, tokens, state, document, goesOn ? number : undefined), until: source };
      }
      if (index > 0 || closed.source !== "") builder.separate(index === 0 ? gap : gapBefore(document, block));
      writeBlock(document, block, first);
      number = isList ? (first ?? firstNumberOf(token)) + 1 : undefined;
    }
    if (!streaming) writeUnused(document, tokens);
    const rendered = builder.finish();
    builder.reset(mark);
    if (next !== undefined) closed = next;
    return rendered;
  }

  function closedBefore(
    { token }: Block,
    tokens: readonly Token[],
    state: ParseState,
    document: Document,
    number: number | undefined,
  ): Closed {
    const line = token.map?.[0] ?? 0;
    const { references, definitions, missed } = closed;
    for (const [label, text] of definitionsIn(tokens, document.lines, line)) {
      const reference = state.references[label];
      if (reference !== undefined) references[label] ??= reference;
      if (!definitions.has(label)) definitions.set(label, text);
    }
    for (const { type, map, content } of tokens) {
      if (type === "footnote_open" && (map?.[0] ?? 0) < line)
        references[footnoteKey(content)] ??= { href: "", title: "" };
    }
    for (const label of state.missed) missed.add(label);
    const source = closed.source + document.lines.slice(0, line).join("\n") + (line > 0 ? "\n" : "");
    return { ...closed, source, used: new Set(document.used), footnotes: copyOf(document.footnotes), number };
  }

  /** Definitions that nothing refers to are text: below all other, since nobody knows before the end. */
  function writeUnused({ builder, used, lines }: Document, tokens: readonly Token[]): void {
    const all = new Map([...definitionsIn(tokens, lines, lines.length), ...closed.definitions]);
    const order = new Set([...closed.definitions.keys(), ...all.keys()]);
    let gap: 1 | 2 = 2;
    for (const label of order) {
      const text = all.get(label) ?? "";
      if (used.has(label) || /^\[[^\]]*\]:\s*<?data:/i.test(text)) continue;
      builder.separate(gap);
      builder.write(text);
      gap = 1;
    }
  }

  function safely(source: string, streaming: boolean): Rendered {
    try {
      return renderSource(source, streaming);
    } catch {
      closed = nothingClosed(options);
      return tidyRendered(source.replace(/\t/g, " "), []);
    }
  }

  return {
    render: (markdown) => safely(cleanMarkdown(withoutHalfCharacter(markdown)), true),
    renderFinal: (markdown) => safely(cleanMarkdown(markdown), false),
  };
}

/** The definitions that begin above a line, by label. */
function definitionsIn(tokens: readonly Token[], lines: readonly string[], below: number): Map<string, string> {
  const found = new Map<string, string>();
  for (const { type, map, meta } of tokens) {
    if (type !== "reference_definition" || map === null || map[0] >= below) continue;
    const label = String(meta?.["label"]);
    const source = lines.slice(...map).map((line) => line.replace(/^[ \t>]+/, "").trimEnd());
    if (!found.has(label)) found.set(label, source.join(" ").replace(/^(\[.*?\]:) ?<([^<>]*)>/, "$1 $2"));
  }
  return found;
}

function copyOf({ byLabel, taken, next }: Footnotes): Footnotes {
  return { byLabel: new Map(byLabel), taken: new Set(taken), next };
}

/** Each item of a list as a list of its own, so that a long one closes item by item. */
function itemsApart(blocks: readonly Block[]): Block[] {
  return blocks.flatMap((block) => {
    if (!block.token.type.endsWith("list_open")) return [block];
    return block.children.map((item, index) => {
      const token = Object.assign(Object.create(block.token) as Token, {
        map: item.token.map,
        meta: { goesOn: index > 0 },
      });
      return { token, children: [item] };
    });
  });
}

/** The first block that what follows may still change: the last one, or more when it is not sure that this one begins. */
function firstOpen(blocks: readonly Block[], lines: readonly string[]): number {
  let open = blocks.length - 1;
  const last = blocks[open]?.token;
  if (last === undefined) return 0;
  const line = last.map?.[0] ?? 0;
  const isApart = line > 0 && isBlank(lines[line - 1] ?? "");
  const isSure =
    isApart || last.type.endsWith("list_open") || (line < lines.length - 1 && last.type !== "formula_block");
  if (!isSure) open -= 1;
  // A title may follow a definition.
  while (open > 0 && blocks[open - 1]?.token.type === "reference_definition") open -= 1;
  return open;
}

function isBlank(line: string): boolean {
  return /^[ \t>]*$/.test(line);
}

/** The last whole line. */
function lastLine(source: string): string {
  return source.slice(source.lastIndexOf("\n", source.length - 2) + 1, -1);
}

function withoutHalfCharacter(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last <= 0xdbff ? text.slice(0, -1) : text;
}
