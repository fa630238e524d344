/** Tables on a phone: aligned columns while they fit its width, else a block of named values for each row. */
import { displayWidth } from "./characters.ts";

export interface TableText {
  /** The cells' text, the head first; rows may be longer or shorter than the head. */
  readonly rows: readonly (readonly string[])[];
  /** Columns aligned to the right. */
  readonly right: readonly boolean[];
}

/** Columns of text that a phone shows side by side. */
const widestLine = 40;
const between = " │ ";
const rule = "───";

/** Whether a table is too wide to be set in columns. Its head and first row decide it, so that later rows do not. */
export function isTooWide(head: readonly string[], firstRow: readonly string[]): boolean {
  const widths = widthsOf([head, firstRow]);
  return widths.reduce((sum, width) => sum + width + between.length, -between.length) > widestLine;
}

/** A table in columns; every cell appears whole, in the order of the source. */
export function layoutTable(table: TableText): string {
  const rows = table.rows.map((row) => row.map(onOneLine));
  // One long cell in a later row does not widen all others.
  const widths = widthsOf(rows).map((width) => Math.min(width, widestLine));
  const [head = [], ...body] = rows;
  const lines = [head, head.map(() => rule), ...body].map((row) => alignRow(row, widths, table.right));
  return lines.join("\n");
}

/** A cell's text on one line. */
export function onOneLine(cell: string): string {
  return cell.replace(/\s+/g, " ").trim();
}

function widthsOf(rows: readonly (readonly string[])[]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? rule.length, displayWidth(cell));
    }
  }
  return widths;
}

function alignRow(row: readonly string[], widths: readonly number[], right: readonly boolean[]): string {
  const cells = row.map((cell, column) => {
    const padding = " ".repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell)));
    // A first column aligned to the right could begin a message with spaces, which Telegram trims.
    return right[column] && column > 0 ? padding + cell : cell + padding;
  });
  return cells.join(between).trimEnd();
}
