/** Inline markup that is open at the end of a paragraph: closed where that is sure, held back where it is not. */
import { type FormulaMark, formulaEnd, mayBecomeFormula, mayOpenBehind } from "../markdown/formula.ts";

/** Longer than this, nothing is held back. */
const longestHeld = 200;
/** A link's address may be longer. */
const longestLink = 600;

interface Opener {
  readonly mark: string;
  length: number;
  readonly at: number;
}

interface Bracket {
  readonly at: number;
  readonly openers: number;
}

/** What the scan of a paragraph found at a position: where to go on, or where the text ends. */
type Step = { readonly next: number } | { readonly cut: number; readonly close?: string };

/** Cuts the paragraph where an undecided construct begins, and closes the emphasis and code that is open there. */
export function closeInline(paragraph: string): string {
  const text = paragraph.trimEnd();
  const openers: Opener[] = [];
  const brackets: Bracket[] = [];
  let at = 0;
  let end = text.length;
  let closing = "";
  while (at < text.length) {
    const step = stepAt(text, at, openers, brackets);
    if ("next" in step) at = step.next;
    else {
      end = step.cut;
      closing = step.close ?? "";
      break;
    }
  }
  const held = brackets.find((bracket) => text.length - bracket.at <= longestHeld && bracket.at < end);
  if (held !== undefined) {
    end = held.at;
    closing = "";
  }
  if (end === text.length && closing === "" && openers.length === 0) return paragraph;
  return finish(
    text.slice(0, end),
    closing,
    openers.filter((opener) => opener.at < end),
  );
}

function finish(text: string, closing: string, openers: readonly Opener[]): string {
  let kept = closing === "" ? text.trimEnd() : text;
  let left = [...openers];
  // An opening mark with nothing behind it shows nothing.
  for (let last = left.at(-1); last !== undefined && closing === ""; last = left.at(-1)) {
    if (last.at + last.length < kept.length) break;
    kept = kept.slice(0, last.at).trimEnd();
    left = left.slice(0, -1);
  }
  return (
    kept +
    closing +
    left
      .map((opener) => opener.mark.repeat(opener.length))
      .reverse()
      .join("")
  );
}

function stepAt(text: string, at: number, openers: Opener[], brackets: Bracket[]): Step {
  switch (text.charAt(at)) {
    case "\\":
      return backslash(text, at);
    case "`":
      return code(text, at);
    case "$":
      return dollar(text, at);
    case "[":
      brackets.push({ at: text.charAt(at - 1) === "!" ? at - 1 : at, openers: openers.length });
      return { next: at + 1 };
    case "]":
      return bracketEnd(text, at, openers, brackets);
    case "<":
      return tag(text, at);
    case "*":
    case "_":
    case "~":
      return emphasis(text, at, openers);
    case "&":
      return /^&(?:#?[A-Za-z0-9]{0,10})?$/.test(text.slice(at)) ? { cut: at } : { next: at + 1 };
    case "!":
      return at === text.length - 1 ? { cut: at } : { next: at + 1 };
    default:
      return { next: at + 1 };
  }
}

function backslash(text: string, at: number): Step {
  if (at === text.length - 1) return { cut: at };
  const mark = text.slice(at, at + 2);
  return mark === "\\(" || mark === "\\[" ? formula(text, at, mark) : { next: at + 2 };
}

function dollar(text: string, at: number): Step {
  const run = runLength(text, at);
  if (run > 2 || (run === 1 && !mayOpenBehind(text.charAt(at - 1) || " "))) return { next: at + run };
  if (at + run === text.length) return { cut: at };
  return formula(text, at, run === 2 ? "$$" : "$");
}

function formula(text: string, at: number, mark: FormulaMark): Step {
  const end = formulaEnd(text, at, mark);
  if (end === -1) return { next: at + mark.length };
  if (end !== "open") return { next: end };
  const content = text.slice(at + mark.length);
  const literal = mark === "$" && !mayBecomeFormula(content);
  return literal || content.length > longestHeld * 2 ? { next: at + mark.length } : { cut: at };
}

function code(text: string, at: number): Step {
  const run = runLength(text, at);
  for (let from = at + run; ; ) {
    const next = text.indexOf("`", from);
    if (next === -1) break;
    const length = runLength(text, next);
    // A last run that is still too short may grow.
    if (length === run) return { next: next + length };
    from = next + length;
  }
  const content = text
    .slice(at + run)
    .replace(/`+$/, "")
    .trimEnd();
  if (content.trim() === "") return { cut: at };
  if (content.length > longestHeld * 2) return { next: at + run };
  return { cut: at + run + content.length, close: "`".repeat(run) };
}

function runLength(text: string, at: number): number {
  const mark = text.charAt(at);
  let length = 1;
  while (text.charAt(at + length) === mark) length += 1;
  return length;
}

function bracketEnd(text: string, at: number, openers: Opener[], brackets: Bracket[]): Step {
  const bracket = brackets.pop();
  if (bracket === undefined) return { next: at + 1 };
  const next = text.charAt(at + 1);
  let end: number | undefined;
  if (next === "") end = undefined;
  else if (next === "(") end = destinationEnd(text, at + 1);
  else if (next === "[") end = text.indexOf("]", at + 2) + 1 || undefined;
  else return { next: at + 1 };
  if (end === undefined) {
    const undecided = text.length - bracket.at <= longestLink && !/\n[ \t>]*\n/.test(text.slice(at));
    return undecided ? { cut: bracket.at } : { next: at + 1 };
  }
  // Emphasis does not reach out of a link.
  openers.length = Math.min(openers.length, bracket.openers);
  return { next: end };
}

/** Behind the closing parenthesis of a link's address; undefined while it is missing. */
function destinationEnd(text: string, at: number): number | undefined {
  let depth = 0;
  let quote = "";
  for (let index = at; index < text.length && index - at < longestLink; index += 1) {
    const char = text.charAt(index);
    if (char === "\\") index += 1;
    else if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' && /\s/.test(text.charAt(index - 1))) quote = char;
    else if (char === "(") depth += 1;
    else if (char === ")") {
      depth -= 1;
      if (depth === 0) return index + 1;
    }
  }
  return undefined;
}

const openTag =
  /^<(?:\/?(?:[A-Za-z][\w-]*(?:\s[^<>]*)?)?|!-{0,2}|!--[^>]*|[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]*|[\w.+-]+@[\w.-]*)$/;

function tag(text: string, at: number): Step {
  const rest = text.slice(at, at + longestHeld + 1);
  return rest.length <= longestHeld && openTag.test(rest) ? { cut: at } : { next: at + 1 };
}

// === Emphasis =======================================================================================

const space = /\s/u;
const punctuation = /[\p{P}\p{S}]/u;
const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;

function emphasis(text: string, at: number, openers: Opener[]): Step {
  const mark = text.charAt(at);
  const run = runLength(text, at);
  const end = at + run;
  if (mark === "~" && run !== 2 && end < text.length) return { next: end };
  const before = text.charAt(at - 1) || " ";
  const after = text.charAt(end) || " ";
  const side = { before, after };
  let left = run;
  if (closes(mark, side)) left = closeRun(mark, left, openers, end === text.length);
  // What is left at the very end is a mark that is not whole yet.
  if (end === text.length) return left > 0 ? { cut: end - left } : { next: end };
  if (left > 0 && opens(mark, side)) openers.push({ mark, length: left, at: end - left });
  return { next: end };
}

function closeRun(mark: string, run: number, openers: Opener[], atEnd: boolean): number {
  let left = run;
  while (left > 0) {
    const index = openers.findLastIndex((opener) => opener.mark === mark);
    const opener = openers[index];
    if (opener === undefined) break;
    // At the end a shorter run is the beginning of the closing mark.
    if (left < opener.length && (atEnd || mark === "~")) break;
    // And one that would cross what is open within is part of a word: `_some **snake_`.
    if (atEnd && index < openers.length - 1) break;
    const used = Math.min(left, opener.length);
    left -= used;
    if (used === opener.length) openers.length = index;
    else {
      opener.length -= used;
      openers.length = index + 1;
    }
  }
  return left;
}

interface Sides {
  readonly before: string;
  readonly after: string;
}

function opens(mark: string, { before, after }: Sides): boolean {
  if (space.test(after)) return false;
  const flanks = !punctuation.test(after) || space.test(before) || punctuation.test(before) || cjk.test(before);
  return mark === "_" ? flanks && (space.test(before) || punctuation.test(before)) : flanks;
}

function closes(mark: string, { before, after }: Sides): boolean {
  if (space.test(before)) return false;
  const flanks = !punctuation.test(before) || space.test(after) || punctuation.test(after) || cjk.test(after);
  return mark === "_" ? flanks && (space.test(after) || punctuation.test(after)) : flanks;
}
