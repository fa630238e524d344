/** Rules for blocks, beside markdown-it's own: formulas, code that quotes Markdown, tables, footnotes. */
import type { StateBlock } from "markdown-it";
import { closingMarks, operators } from "./formula.ts";
import { formulaMarkAt } from "./inline-rules.ts";
import { footnoteKey, parseState } from "./open-state.ts";

/** Blocks nested deeper than anyone reads are shown as they are. A list's item counts two. */
const deepestLevel = 64;

/** The text of a line behind its indentation. */
function lineAt(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]);
}

function indentOf(state: StateBlock, line: number): number {
  return (state.sCount[line] ?? 0) - state.blkIndent;
}

/** What is nested too deep: text. */
export function tooDeep(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (silent || state.level < deepestLevel) return false;
  let next = startLine + 1;
  while (next < endLine && (state.isEmpty(next) || (state.sCount[next] ?? 0) >= state.blkIndent)) next += 1;
  const token = state.push("plain", "", 0);
  token.content = state.getLines(startLine, next, state.blkIndent, false).trim();
  token.map = [startLine, next];
  state.line = next;
  return true;
}

/** A longer line of marks was drawn by somebody. */
const longestRule = 200;

/** A line of three or more equal marks. */
export function rule(state: StateBlock, startLine: number, _endLine: number, silent: boolean): boolean {
  const line = lineAt(state, startLine);
  if (indentOf(state, startLine) >= 4 || line.length > longestRule) return false;
  if (!/^[-*_]/.test(line) || /^(.)\1{2,}$/.exec(line.replace(/[ \t]+/g, "")) === null) return false;
  if (silent) return true;
  state.push("hr", "hr", 0).map = [startLine, startLine + 1];
  state.line = startLine + 1;
  return true;
}

/** A line that begins with `$$` or `\[`, up to a line that ends with the closing mark. */
export function blockFormula(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (indentOf(state, startLine) >= 4) return false;
  const line = lineAt(state, startLine);
  const mark = formulaMarkAt(line, 0);
  if (mark !== "$$" && mark !== "\\[") return false;
  const close = closingMarks[mark];
  const first = line.slice(2);
  if (first.includes(close) || (first.trim() !== "" && !operators.test(first))) return false;
  const closing = closingLine(state, startLine, endLine, close);
  const closed = closing < endLine && indentOf(state, closing) >= 0;
  // Without its end it would swallow all that follows: it is text, unless its end may still come.
  if (!closed && !(parseState(state).streaming && closing >= state.lineMax)) return false;
  if (silent) return true;
  const token = state.push("formula_block", "", 0);
  const end = closed ? closing + 1 : closing;
  const source = state.getLines(startLine, end, state.blkIndent, false).trim().slice(2);
  token.content = closed ? source.slice(0, -2) : source;
  token.meta = { closed };
  token.map = [startLine, end];
  state.line = end;
  return true;
}

/** The line that ends with the mark; one that the search ended at, when there is none. */
function closingLine(state: StateBlock, startLine: number, endLine: number, mark: string): number {
  const env = parseState(state);
  // Many lines that open and never close would each look through all the rest.
  const inVain = env.neverClosed.get(mark);
  if (inVain !== undefined && startLine >= inVain.from && endLine <= inVain.to) return endLine;
  let line = startLine + 1;
  while (line < endLine && indentOf(state, line) >= 0 && !lineAt(state, line).trimEnd().endsWith(mark)) line += 1;
  if (line >= endLine) env.neverClosed.set(mark, { from: startLine, to: endLine });
  return line;
}

/** A block of code between fences. One of Markdown may hold others: their fences name a language, and their ends do not. */
export function fence(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (indentOf(state, startLine) >= 4) return false;
  const line = lineAt(state, startLine);
  const mark = /^(?:`{3,}|~{3,})/.exec(line)?.[0];
  const info = line.slice(mark?.length ?? 0);
  if (mark === undefined || (mark.startsWith("`") && info.includes("`"))) return false;
  if (silent) return true;
  const quotesMarkdown = /^\s*(?:markdown|md|mdx)(?:\s|$)/i.test(info);
  let depth = 1;
  let next = startLine + 1;
  for (; next < endLine; next += 1) {
    if (!state.isEmpty(next) && indentOf(state, next) < 0) break;
    const found = fenceAt(state, next, mark);
    if (found === undefined) continue;
    if (found !== "") depth += quotesMarkdown ? 1 : 0;
    else depth -= 1;
    if (depth === 0) break;
  }
  const closed = depth === 0;
  state.line = closed ? next + 1 : next;
  const token = state.push("fence", "code", 0);
  token.info = info;
  token.content = state.getLines(startLine + 1, next, state.sCount[startLine] ?? 0, true);
  token.markup = mark;
  token.meta = { closed };
  token.map = [startLine, state.line];
  return true;
}

/** What stands behind a fence that is at least as long as `mark`; undefined when the line is none. */
function fenceAt(state: StateBlock, line: number, mark: string): string | undefined {
  const text = lineAt(state, line);
  if (!text.startsWith(mark) || indentOf(state, line) >= 4) return undefined;
  let end = mark.length;
  while (text.charAt(end) === mark.charAt(0)) end += 1;
  const info = text.slice(end).trim();
  return info.includes("`") ? undefined : info;
}

/** `[^1]: text`, whose further lines are indented. */
export function footnoteText(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (indentOf(state, startLine) >= 4) return false;
  const head = /^\[\^([^[\]\s]{1,100})\]:/.exec(lineAt(state, startLine));
  if (head === null) return false;
  if (silent) return true;
  const start = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0) + head[0].length;
  const token = state.push("footnote_open", "", 1);
  token.content = head[1] ?? "";
  parseState(state).references[footnoteKey(token.content)] ??= { href: "", title: "" };
  const lines: [number, number] = [startLine, 0];
  token.map = lines;
  const { blkIndent, parentType } = state;
  const former = { mark: state.bMarks[startLine], shift: state.tShift[startLine], count: state.sCount[startLine] };
  let text = start;
  while (text < (state.eMarks[startLine] ?? 0) && /[ \t]/.test(state.src.charAt(text))) text += 1;
  state.bMarks[startLine] = start;
  state.tShift[startLine] = text - start;
  state.blkIndent += 4;
  state.sCount[startLine] = state.blkIndent;
  state.parentType = "footnote" as typeof parentType;
  state.md.block.tokenize(state, startLine, endLine);
  state.parentType = parentType;
  state.blkIndent = blkIndent;
  state.bMarks[startLine] = former.mark ?? 0;
  state.tShift[startLine] = former.shift ?? 0;
  state.sCount[startLine] = former.count ?? 0;
  lines[1] = state.line;
  state.push("footnote_close", "", -1);
  return true;
}

// === Tables =========================================================================================

/** What a table's token tells besides its cells. */
export interface TableMeta extends Record<string, unknown> {
  /** Columns aligned to the right. */
  readonly right: readonly boolean[];
  /** The first row of the body has its end, or there will be none. */
  readonly whole: boolean;
}

/** A table: a row of heads, a row of rules that has as many cells, rows of any number of cells. */
export function table(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (startLine + 2 > endLine || indentOf(state, startLine) >= 4) return false;
  const ruleIndent = indentOf(state, startLine + 1);
  if (ruleIndent < 0 || ruleIndent >= 4) return false;
  const rules = rulesOf(lineAt(state, startLine + 1));
  const head = lineAt(state, startLine);
  if (rules === undefined || !head.includes("|") || cellsOf(head).length !== rules.length) return false;
  if (silent) return true;
  const open = state.push("table_open", "table", 1);
  pushRow(state, startLine);
  const terminators = state.md.block.ruler.getRules("blockquote");
  const { parentType } = state;
  state.parentType = "table";
  let line = startLine + 2;
  for (; line < endLine; line += 1) {
    const indent = indentOf(state, line);
    if (indent < 0 || indent >= 4 || state.isEmpty(line)) break;
    if (terminators.some((terminates) => terminates(state, line, endLine, true))) break;
    pushRow(state, line);
  }
  state.parentType = parentType;
  state.push("table_close", "table", -1);
  const firstRow = startLine + 2;
  const isEnded = line < state.bMarks.length - 1;
  const whole = isEnded || (line > firstRow && (state.eMarks[firstRow] ?? 0) < state.src.length);
  open.meta = { right: rules.map((rule) => rule.endsWith(":") && !rule.startsWith(":")), whole } satisfies TableMeta;
  open.map = [startLine, line];
  state.line = line;
  return true;
}

function rulesOf(line: string): string[] | undefined {
  if (!/^(?:-\S|[:|])/.test(line) || /[^-:|\s]/.test(line)) return undefined;
  const rules = cellsOf(line);
  const isTable = line.includes("|") || rules.length > 1 || line.includes(":");
  return isTable && rules.length > 0 && rules.every((rule) => /^:?-+:?$/.test(rule)) ? rules : undefined;
}

function pushRow(state: StateBlock, line: number): void {
  const row = state.push("tr_open", "tr", 1);
  row.map = [line, line + 1];
  const source = lineAt(state, line).trimEnd();
  for (const cell of cellsOf(source)) {
    const token = state.push("inline", "", 0);
    token.content = cell;
    token.children = [];
    token.map = [line, line + 1];
    // A cell with its bar behind it is whole.
    token.meta = { ended: source.endsWith("|") && !source.endsWith("\\|") };
  }
  state.push("tr_close", "tr", -1);
}

/** The cells of a row, whose bars are not escaped. */
function cellsOf(line: string): string[] {
  const cells: string[] = [];
  const source = line.trim();
  let cell = "";
  for (let at = source.startsWith("|") ? 1 : 0; at < source.length; at += 1) {
    const char = source.charAt(at);
    if (char === "|") {
      cells.push(cell.trim());
      cell = "";
    } else if (char === "\\" && source.charAt(at + 1) === "|") {
      cell += "|";
      at += 1;
    } else if (char === "\\") {
      cell += char + source.charAt(at + 1);
      at += 1;
    } else cell += char;
  }
  if (cell.trim() !== "") cells.push(cell.trim());
  return cells;
}
