/** Paragraphs and tables, nested in each other as documents like, as lines of text. */
import type { Collector } from "./collector.ts";
import { maxCharacters, maxColumns, maxDepth } from "./limits.ts";
import { Refused } from "./refusal.ts";

interface Paragraph {
  readonly kind: "paragraph";
  mark: string;
  text: string;
  /** What stands inside it and is not of it: text boxes, notes. */
  readonly after: string[];
}

type Frame =
  | Paragraph
  | { readonly kind: "row"; readonly cells: string[] }
  | { readonly kind: "cell"; readonly lines: string[] };

export interface Flow {
  /** Nothing more is taken. */
  readonly full: boolean;
  openParagraph(mark?: string): void;
  /** What stands before the paragraph that is open. */
  mark(mark: string): void;
  /** Words of the paragraph that is open. */
  text(text: string): void;
  closeParagraph(): void;
  openRow(): void;
  /** Says whether there was anything in it. */
  closeRow(repeated?: number): boolean;
  openCell(): void;
  /** `instead`: what the cell holds, whatever its text shows. */
  closeCell(repeated?: number, instead?: string): void;
  /** Closes what is still open: the file has no end, or nothing more of it was wanted. */
  end(): void;
}

/** Creates a flow into a collector. A row is one line, whatever its cells hold. */
export function createFlow(collector: Collector): Flow {
  const frames: Frame[] = [];
  /** Characters of what is open: they are not in the collector yet. */
  let held = 0;

  function emit(line: string): void {
    const outer = frames.findLast((frame) => frame.kind !== "row");
    if (outer?.kind === "paragraph") outer.after.push(line);
    else if (outer?.kind === "cell") outer.lines.push(line);
    else {
      collector.line(line);
      if (frames.length === 0) held = 0;
    }
  }
  /** A frame is an element that is open: a file has more of them than elements may be deep only if it was made to. */
  function push(frame: Frame): void {
    if (frames.length >= maxDepth) throw new Refused("limits");
    frames.push(frame);
  }
  /** Takes the innermost frame of a kind, and what was left open inside it. */
  function take<K extends Frame["kind"]>(kind: K): Extract<Frame, { kind: K }> | undefined {
    const at = frames.findLastIndex((frame) => frame.kind === kind);
    if (at < 0) return undefined;
    const [frame] = frames.splice(at);
    return frame as Extract<Frame, { kind: K }>;
  }
  function innermost(): Paragraph | undefined {
    const frame = frames.at(-1);
    return frame?.kind === "paragraph" ? frame : undefined;
  }

  function closeParagraph(): void {
    const paragraph = take("paragraph");
    if (paragraph === undefined) return;
    if (paragraph.text.trim() !== "") emit(`${paragraph.mark}${paragraph.text}`);
    for (const line of paragraph.after) emit(line);
  }
  function closeRow(repeated = 1): boolean {
    const cells = take("row")?.cells ?? [];
    while (cells.at(-1) === "") cells.pop();
    if (cells.length === 0) return false;
    for (let row = 0; row < repeated && !collector.full; row++) emit(cells.join(" | "));
    return true;
  }
  function closeCell(repeated = 1, instead?: string): void {
    const cell = take("cell");
    const row = frames.at(-1);
    if (cell === undefined || row?.kind !== "row") return;
    const text = instead ?? cell.lines.join(" / ").replaceAll(/\s+/g, " ").trim();
    held += text.length * (repeated - 1);
    for (let column = 0; column < repeated && row.cells.length < maxColumns; column++) row.cells.push(text);
  }
  const closers = { paragraph: closeParagraph, row: closeRow, cell: closeCell };

  return {
    get full() {
      return collector.full || held > maxCharacters;
    },
    openParagraph(mark = "") {
      push({ kind: "paragraph", mark, text: "", after: [] });
    },
    mark(mark) {
      const paragraph = innermost();
      if (paragraph !== undefined) paragraph.mark = mark;
    },
    text(text) {
      const paragraph = innermost();
      if (paragraph === undefined || held > maxCharacters) return;
      paragraph.text += text;
      held += text.length;
    },
    closeParagraph,
    openRow() {
      push({ kind: "row", cells: [] });
    },
    closeRow,
    openCell() {
      push({ kind: "cell", lines: [] });
    },
    closeCell,
    end() {
      for (let open = frames.at(-1); open !== undefined; open = frames.at(-1)) closers[open.kind]();
    },
  };
}
