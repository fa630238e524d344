/**
 * Tables as aligned monospace. Wide ones put each cell on a line of its own; both layouts have the same characters but for
 * white space, so a table that grows too wide while it streams only moves, it never takes back what it showed.
 */
import { displayWidth } from "./characters.ts";

export interface TableText {
  /** The cells' text, the header first; rows may be longer or shorter than the header. */
  readonly rows: readonly (readonly string[])[];
  /** Columns aligned to the right. */
  readonly right: readonly boolean[];
}

/** Lines above this width would wrap in most chats. */
const widestLine = 60;
const between = " │ ";
const rule = "───";

/** Lays out a table; every cell appears whole, in the order of the source. */
export function layoutTable(table: TableText): string {
  const rows = table.rows.map((row) => row.map((cell) => cell.replace(/\s+/g, " ").trim()));
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? rule.length, displayWidth(cell));
    }
  }
  const total = widths.reduce((sum, width) => sum + width + between.length, -between.length);
  const [header = [], ...body] = rows;
  const rules = header.map(() => rule);
  if (total > widestLine) return [header, rules, ...body].map(stackRow).join("\n");
  const lines = [header, rules, ...body].map((row) => alignRow(row, widths, table.right));
  return lines.join("\n");
}

function alignRow(row: readonly string[], widths: readonly number[], right: readonly boolean[]): string {
  const cells = row.map((cell, column) => {
    const padding = " ".repeat(Math.max(0, (widths[column] ?? 0) - displayWidth(cell)));
    // A first column aligned to the right could begin a message with spaces, which Telegram trims.
    return right[column] && column > 0 ? padding + cell : cell + padding;
  });
  return cells.join(between).trimEnd();
}

/** One row as lines: the first cell, then the others behind a bar. */
function stackRow(row: readonly string[]): string {
  if (row.every((cell) => cell === rule)) return row.join("│");
  return row.map((cell, column) => (column === 0 ? cell : `│ ${cell}`.trimEnd())).join("\n");
}
