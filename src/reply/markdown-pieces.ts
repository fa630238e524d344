/**
 * Markdown in pieces that are parsed alone: the parser's time grows with the square of the blocks in a document, and what
 * streams is parsed again and again. What would take too long or nests too deep is a piece shown as it is.
 */

export interface Piece {
  readonly source: string;
  /** Shown as it is. */
  readonly plain: boolean;
  /** Its first block goes on with the list that the piece before ended in. */
  readonly continues: boolean;
  /** A blank line stands before it. */
  readonly apart: boolean;
}

// === Where one piece ends ===========================================================================

/** A line of this length, though unfinished, shows whether it is a list's; one that begins with text always does. */
const longestMarker = 12;
const textAtOnce = /^\*{0,2}\p{L}/u;

const definition = /^ {0,3}\[(?!\^)(?:[^[\]\\]|\\.){1,200}\]:/;
/** A rule, or the beginning of one. */
const onlyMarks = /^[-*_ \t]*$/;
const listMarker = /^(?:[-*+]|\d{1,9}[.)])(?:[ \t]|$)/;
/** HTML that does not end at a blank line, with what ends it. */
const verbatim: readonly (readonly [RegExp, RegExp])[] = [
  [/^ {0,3}<(?:script|pre|style|textarea)(?:[\s>]|$)/i, /<\/(?:script|pre|style|textarea)>/i],
  [/^ {0,3}<!--/, /-->/],
  [/^ {0,3}<\?/, /\?>/],
  [/^ {0,3}<!(?:[a-z]|\[CDATA\[)/i, /\]\]>|>/],
];

/** Where a piece begins. */
export interface PieceStart {
  readonly at: number;
  readonly continues: boolean;
  readonly apart: boolean;
}

/** The first piece of every document. */
export const wholeDocument: PieceStart = { at: 0, continues: false, apart: true };

/**
 * Where pieces begin, the first at 0. What stands before such a place is the same whatever follows: a line at the margin
 * behind a blank line ends every paragraph, list, quote and table; the next mark of a list at the margin ends all that
 * its items hold. A document with reference definitions is one piece, since they hold for all of it.
 */
export function pieceStarts(markdown: string): PieceStart[] {
  const starts = [wholeDocument];
  let fence: { mark: string; indented: boolean } | undefined;
  let formula: string | undefined;
  /** The kind of the list at the margin whose items are cut apart. */
  let list: string | undefined;
  let listSeen = false;
  let blank = true;
  let at = 0;
  while (at < markdown.length) {
    const end = markdown.indexOf("\n", at);
    const line = markdown.slice(at, end === -1 ? markdown.length : end);
    const decided = end !== -1 || textAtOnce.test(line) || (line.length >= longestMarker && !onlyMarks.test(line));
    const margin = /^\S/.test(line);
    const kind = margin ? kindOfList(line) : undefined;
    if (margin && blank && kind === undefined && decided && fence?.indented && listSeen) fence = undefined;
    const free = fence === undefined && formula === undefined;
    const continues = kind !== undefined && kind === list;
    const begins = blank && (kind === undefined || (list === undefined && !listSeen));
    if (margin && decided && free && at > 0 && (continues || begins)) {
      starts.push({ at, continues, apart: blank });
      listSeen = false;
    }
    if (margin && free && (kind === undefined || blank || kind !== list)) list = blank && decided ? kind : undefined;
    const mark = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    if (fence !== undefined) {
      if (mark?.startsWith(fence.mark) && line.trim() === mark) fence = undefined;
    } else if (formula !== undefined) {
      if (line.includes(formula)) formula = undefined;
    } else if (mark !== undefined) {
      fence = { mark, indented: line.startsWith(" ") };
    } else {
      if (definition.test(line)) return [wholeDocument];
      if (verbatim.some(([opens, ends]) => opens.test(line) && !ends.test(line))) return starts;
      formula = openFormula(line);
      listSeen ||= listMarker.test(line.trimStart());
    }
    blank = line.trim() === "";
    if (end === -1) break;
    at = end + 1;
  }
  return starts;
}

/** The bullet, or what stands behind the number, of a line that is a list's item. */
function kindOfList(line: string): string | undefined {
  const marker = listMarker.exec(line);
  return marker === null || onlyMarks.test(line) ? undefined : marker[0].trim().at(-1);
}

/** The closing mark that a block formula opened on this line waits for. */
function openFormula(line: string): string | undefined {
  const open = /^(?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*(\$\$|\\\[)(.*)$/.exec(line);
  if (open === null) return undefined;
  const close = open[1] === "$$" ? "$$" : "\\]";
  return open[2]?.includes(close) ? undefined : close;
}

/** Cuts Markdown into pieces, in order. */
export function cutPieces(markdown: string): Piece[] {
  const starts = pieceStarts(markdown);
  return starts.flatMap(({ at, continues, apart }, index) => {
    const [lead, ...others] = setApart(markdown.slice(at, starts[index + 1]?.at));
    return lead === undefined ? [] : [{ ...lead, continues, apart }, ...others];
  });
}

// === What is not parsed =============================================================================

/** Nested deeper than anyone reads; the parser's time grows with the square of it. */
const deepestNesting = 32;
const widestIndent = 100;
/** Limits of one paragraph, or one list, above which the parser's time is no longer in proportion. */
const mostMarks = 3_000;
const mostLines = 1_500;
const longestChunk = 50_000;
const longestParse = 20_000;

/** Sets apart, between blank lines, what would take too long to parse. */
function setApart(source: string): Piece[] {
  const piece = (text: string, plain: boolean): Piece => ({ source: text, plain, continues: false, apart: true });
  if (source === "") return [];
  if (!maybeExcessive(source)) return [piece(source, false)];
  const pieces: Piece[] = [];
  let parsed = "";
  for (const chunk of chunksOf(source)) {
    if (!isExcessive(chunk)) {
      // Many short chunks that no boundary separates: a list of thousands of lines with blank ones between, say.
      if (parsed.length + chunk.length > longestParse && parsed !== "") {
        pieces.push(piece(parsed, false));
        parsed = "";
      }
      parsed += chunk;
      continue;
    }
    if (parsed !== "") pieces.push(piece(parsed, false));
    pieces.push(piece(chunk, true));
    parsed = "";
  }
  if (parsed !== "") pieces.push(piece(parsed, false));
  return pieces;
}

/** A cheap look at the whole: nearly every answer is done with it. */
function maybeExcessive(source: string): boolean {
  if (source.length > longestChunk || countMarks(source) > mostMarks || countLines(source) > mostLines) return true;
  return /^(?:[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])){33}|^[ \t]{100}/m.test(source);
}

function isExcessive(chunk: string): boolean {
  if (isFenced(chunk)) return false;
  if (chunk.length > longestChunk || countMarks(chunk) > mostMarks || countLines(chunk) > mostLines) return true;
  return chunk.split("\n").some((line) => {
    const prefix = /^(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])))*[ \t]*/.exec(line)?.[0] ?? "";
    const markers = prefix.match(/>|[-*+]|\d+/g)?.length ?? 0;
    return markers > deepestNesting || (markers > 0 && prefix.length > widestIndent);
  });
}

/** Code is only copied, whatever is in it. */
function isFenced(chunk: string): boolean {
  return /^ {0,3}(?:`{3}|~{3})/.test(chunk);
}

function countLines(text: string): number {
  let count = 1;
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}

/** Codes of ! $ & * < > [ \ ] _ ` ~ */
const markCodes = new Set([..."!$&*<>[\\]_`~"].map((mark) => mark.charCodeAt(0)));

function countMarks(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) if (markCodes.has(text.charCodeAt(index))) count += 1;
  return count;
}

/** Paragraphs with the blank lines behind them; a fenced block is one, whatever is in it. */
function chunksOf(source: string): string[] {
  const chunks: string[] = [];
  let chunk = "";
  let fence: string | undefined;
  let blank = false;
  for (const line of source.split(/(?<=\n)/)) {
    const mark = /^[ \t]*(`{3,}(?=[^`]*$)|~{3,})/.exec(line)?.[1];
    const opens = fence === undefined && mark !== undefined;
    const isBlank = /^\s*$/.test(line);
    if (chunk !== "" && fence === undefined && (opens || (blank && !isBlank))) {
      chunks.push(chunk);
      chunk = "";
    }
    chunk += line;
    blank = isBlank;
    if (opens) fence = mark;
    else if (fence !== undefined && mark?.startsWith(fence) && line.trim() === mark) {
      fence = undefined;
      blank = true;
    }
  }
  if (chunk !== "") chunks.push(chunk);
  return chunks;
}
