/** Builds text with entities: a style is open while its part is written, and never covers what it may not. */
import { cleanText, mentionOffsets, wordJoiner } from "./characters.ts";
import { isSplittable, type Rendered, type Span, type SpanType, tidyRendered, toEntity } from "./entities.ts";

export interface TextBuilder {
  /** Text behind line breaks that wait; line breaks in it are followed by the indentation. */
  write(text: string): void;
  /** Text in a style; a style that is open already, or may not stand here, adds nothing. */
  style(type: "bold" | "italic" | "strikethrough" | "blockquote", write: () => void): void;
  /** A link; within another link or without an address it is only its text. `exact`: the text is the address. */
  link(url: string | undefined, exact: boolean, write: () => void): void;
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

/** An empty builder. */
export function createTextBuilder(): TextBuilder {
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

  function within(span: Span, body: () => void): void {
    open.push(span);
    body();
    open.pop();
    span.end = text.length;
    spans.push(span);
  }

  function style(type: SpanType, body: () => void): void {
    if (isOpen(type)) body();
    else within({ type, start: text.length, end: 0 }, body);
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
    style,
    link(url, exact, body) {
      const start = text.length;
      if (url === undefined || isOpen("text_link")) body();
      else within({ type: "text_link", start, end: 0, url }, body);
      if (exact) exactRanges.push({ start, end: text.length });
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
        .replace(/\s+$/u, "")
        .replace(/^(?:[ ]*\n)+/, "");
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
      return tidyRendered(...withoutMentions(text, spans, exactRanges));
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

/** Puts a word joiner behind each `@` that would ping someone, outside code and addresses. */
function withoutMentions(
  text: string,
  spans: readonly Span[],
  exact: readonly Range[],
): Parameters<typeof tidyRendered> {
  const found = mentionOffsets(text);
  if (found.length === 0) return [text, spans.filter((span) => span.end > span.start).map(toEntity)];
  const safe = [...spans.filter((span) => span.type === "code" || span.type === "pre"), ...exact];
  safe.sort((a, b) => a.start - b.start);
  const offsets = found.filter((offset) => !covered(safe, offset));
  let out = "";
  let from = 0;
  for (const offset of offsets) {
    out += text.slice(from, offset) + wordJoiner;
    from = offset;
  }
  /** How far a position moved; what begins right behind an `@` begins behind its joiner. */
  const moved = (position: number, isStart: boolean): number =>
    position + countBelow(offsets, isStart ? position + 1 : position);
  const entities = spans
    .filter((span) => span.end > span.start)
    .map((span) => toEntity({ ...span, start: moved(span.start, true), end: moved(span.end, false) }));
  return [out + text.slice(from), entities];
}

/** The ranges do not overlap, or one holds the other; both are sorted by their start. */
function covered(sorted: readonly Range[], offset: number): boolean {
  return sorted.some((range) => range.start < offset && offset <= range.end);
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
