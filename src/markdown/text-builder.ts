/** Builds text with entities: a style is open while its part is written, and never covers what it may not. */
import { cleanText, mentionOffsets, wordJoiner } from "./characters.ts";
import { isSplittable, type Rendered, type Span, type SpanType, tidyRendered, toEntity } from "./entities.ts";

type StyleType = "bold" | "italic" | "strikethrough" | "blockquote";

export interface TextBuilder {
  /** Text behind line breaks that wait; line breaks in it are followed by the indentation. */
  write(text: string): void;
  /** Begins a style, up to `close`; one that is open already adds nothing. */
  open(type: StyleType): void;
  /** Ends the style, or the link, that was begun last. */
  close(): void;
  /** Text in a style. */
  style(type: StyleType, write: () => void): void;
  /** Begins a link, up to `close`; within another link or without an address it is only its text. */
  openLink(url: string | undefined): void;
  /** An address, which nothing may be added to. */
  address(text: string): void;
  /** Code within a line. */
  code(text: string): void;
  /** A block of code, without indentation. */
  pre(text: string, language?: string): void;
  /** At least this many line breaks before what is written next; none at the beginning and none at the end. */
  separate(breaks: 1 | 2): void;
  /** Writes with each new line indented by so many spaces more. */
  indent(columns: number, write: () => void): void;
  /** What was written so far; the builder may go on. */
  finish(): Rendered;
  /** A point to come back to. */
  mark(): Mark;
  /** Forgets what was written behind the point. No style may be open at either. */
  reset(mark: Mark): void;
}

export interface Mark {
  readonly length: number;
  readonly spans: number;
  readonly exact: number;
  readonly breaks: number;
  readonly atLineStart: boolean;
}

/** An empty builder. `keepMentions`: nobody could be pinged where the text goes. */
export function createTextBuilder(keepMentions = false): TextBuilder {
  let text = "";
  let breaks = 0;
  /** Kept apart: to look at the end of a text that is being put together costs its whole length. */
  let atLineStart = true;
  let indentation = "";
  const spans: Span[] = [];
  const open: Span[] = [];
  /** Stretches whose text is an address: a word joiner in it would break what a reader copies. */
  const exactRanges: { start: number; end: number }[] = [];

  function flush(): void {
    writeBreaks();
    if (atLineStart) text += indentation;
    atLineStart = false;
  }

  function writeBreaks(): void {
    if (text !== "" && breaks > 0) {
      text += "\n".repeat(breaks);
      atLineStart = true;
    }
    breaks = 0;
  }

  function write(raw: string): void {
    const clean = cleanText(raw);
    if (clean === "") return;
    flush();
    atLineStart = clean.endsWith("\n");
    text += indentation === "" ? clean : clean.replace(/\n(?=[^\n])/g, `\n${indentation}`);
  }

  function isOpen(...types: SpanType[]): boolean {
    return open.some((span) => types.includes(span.type));
  }

  /** What `close` ends; undefined for a style that adds nothing. */
  const begun: (Span | undefined)[] = [];

  function begin(span: Span, counts: boolean): void {
    begun.push(counts ? span : undefined);
    if (counts) open.push(span);
  }

  function beginStyle(type: StyleType): void {
    begin({ type, start: text.length, end: 0 }, !isOpen(type));
  }

  function close(): void {
    const span = begun.pop();
    if (span === undefined) return;
    open.pop();
    span.end = text.length;
    spans.push(span);
  }

  /** Code may stand in a quote, in no other style: the others end before it and begin again behind it. */
  function monospaced(span: Omit<Span, "start" | "end">, body: () => void): void {
    const interrupted = open.filter((outer) => isSplittable(outer.type));
    for (const outer of interrupted) spans.push({ ...outer, end: text.length });
    const start = text.length;
    body();
    spans.push({ ...span, start, end: text.length });
    for (const outer of interrupted) outer.start = text.length;
  }

  return {
    write,
    open: beginStyle,
    close,
    style(type, body) {
      beginStyle(type);
      body();
      close();
    },
    openLink(url) {
      begin(
        { type: "text_link", start: text.length, end: 0, url: url ?? "" },
        url !== undefined && !isOpen("text_link"),
      );
    },
    address(raw) {
      const start = text.length;
      write(raw);
      exactRanges.push({ start, end: text.length });
    },
    code(raw) {
      if (raw.trim() === "" || isOpen("text_link")) {
        write(raw);
        return;
      }
      flush();
      monospaced({ type: "code" }, () => write(raw));
    },
    pre(raw, language) {
      const clean = cleanText(raw, true)
        .trimEnd()
        .replace(/^(?: *\n)+/, "");
      if (clean === "") return;
      writeBreaks();
      monospaced({ type: "pre", ...(language === undefined ? {} : { language }) }, () => {
        text += clean;
        atLineStart = false;
      });
    },
    separate(wanted) {
      breaks = Math.max(breaks, wanted);
    },
    indent(columns, body) {
      const former = indentation;
      indentation += " ".repeat(columns);
      body();
      indentation = former;
    },
    finish() {
      return tidyRendered(...withoutMentions(text, spans, keepMentions ? undefined : exactRanges));
    },
    mark: () => ({ length: text.length, spans: spans.length, exact: exactRanges.length, breaks, atLineStart }),
    reset(mark) {
      text = text.slice(0, mark.length);
      spans.length = mark.spans;
      exactRanges.length = mark.exact;
      breaks = mark.breaks;
      atLineStart = mark.atLineStart;
    },
  };
}

type Range = Pick<Span, "start" | "end">;

/** Puts a word joiner behind each `@` that would ping someone, outside code and addresses; `exact` left out: behind none. */
function withoutMentions(
  text: string,
  spans: readonly Span[],
  exact: readonly Range[] | undefined,
): Parameters<typeof tidyRendered> {
  const shown = spans.filter((span) => span.end > span.start);
  const found = exact === undefined ? [] : mentionOffsets(text);
  if (found.length === 0) return [text, shown.map(toEntity)];
  const safe = [...spans.filter((span) => span.type === "code" || span.type === "pre"), ...(exact ?? [])];
  const offsets = outside(safe, found);
  let out = "";
  let from = 0;
  for (const offset of offsets) {
    out += text.slice(from, offset) + wordJoiner;
    from = offset;
  }
  /** How far a position moved; what begins right behind an `@` begins behind its joiner. */
  const moved = (position: number, isStart: boolean): number =>
    position + countBelow(offsets, isStart ? position + 1 : position);
  const entities = shown.map((span) =>
    toEntity({ ...span, start: moved(span.start, true), end: moved(span.end, false) }),
  );
  return [out + text.slice(from), entities];
}

/** The offsets, which are in order, that stand in none of the ranges. */
function outside(ranges: readonly Range[], offsets: readonly number[]): number[] {
  const sorted = [...ranges].sort((a, b) => a.start - b.start);
  let next = 0;
  let covered = 0;
  return offsets.filter((offset) => {
    for (let range = sorted[next]; range !== undefined && range.start < offset; range = sorted[next]) {
      covered = Math.max(covered, range.end);
      next += 1;
    }
    return offset > covered;
  });
}

function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
