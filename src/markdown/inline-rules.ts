/**
 * Rules for what stands within a line, beside markdown-it's own. At the open end of a text that is still being written, a
 * construct that is not whole is closed where that is sure (code), or held back where it is not (a formula, a tag).
 */
import type { StateInline } from "markdown-it";
import { addressEndAt, hasUserinfo } from "./addresses.ts";
import { type FormulaMark, formulaEnd, mayBecomeFormula, mayOpenBehind } from "./formula.ts";
import { holdBack, isOpenEnd, longestHeld } from "./open-state.ts";

const longestOpen = 2 * longestHeld;

/** Marks of which one more character would make something else. */
export function undecidedEnd(state: StateInline, silent: boolean): boolean {
  if (silent || !isOpenEnd(state)) return false;
  const { src, pos } = state;
  const left = src.length - pos;
  switch (src.charAt(pos)) {
    case "\\":
    case "!":
      return left === 1 && holdBack(state);
    case "&":
      return left < 13 && /^&#?[A-Za-z0-9]{0,10}$/.test(src.slice(pos)) && holdBack(state);
    case "<":
      return isOpenTag(src, pos) && holdBack(state);
    case "`":
      return openCode(state);
    default:
      return false;
  }
}

const openTag =
  /^<(?:\/?(?:[A-Za-z][\w-]*(?:\s[^<>]*)?)?|!-{0,2}|!--[^>]*|[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]*|[\w.+-]+@[\w.-]*)$/;

function isOpenTag(src: string, at: number): boolean {
  if (src.length - at <= longestHeld) return openTag.test(src.slice(at));
  return isTagWithData(src, at) && !src.includes(">", at);
}

/** Whether a tag begins here whose address holds its content: however long that is, nobody reads it. */
function isTagWithData(src: string, at: number): boolean {
  return /^<(?:img|a|source|video|audio|iframe|embed)\s[^<>]{0,200}=\s?["']?data:/i.test(src.slice(at, at + 300));
}

/** A tag with data that is never closed, because the answer was cut off in it. */
export function cutOffData(state: StateInline, silent: boolean): boolean {
  const { src, pos, posMax } = state;
  if (src.charAt(pos) !== "<" || !isTagWithData(src, pos)) return false;
  const end = src.indexOf(">", pos);
  if (end !== -1 && end < posMax) return false;
  if (!silent) state.push("html_inline", "", 0).content = `${src.slice(pos, posMax)}>`;
  state.pos = posMax;
  return true;
}

/** Code that is not closed yet. */
function openCode(state: StateInline): boolean {
  const { src, pos } = state;
  let from = pos + 1;
  while (src.charAt(from) === "`") from += 1;
  if (lastRuns(state)[from - pos] !== pos) return false;
  const content = withoutTrailing(src.slice(from), "`").trimEnd();
  if (content.length > longestOpen) return false;
  if (content.trim() !== "") state.push("code_inline", "code", 0).content = content.replaceAll("\n", " ");
  return holdBack(state);
}

/** Where the last run of back-ticks of each length stands; markdown-it's own rule reads it, too. */
function lastRuns(state: StateInline): Record<number, number> {
  if (!state.backticksScanned) {
    const runs: Record<number, number> = {};
    for (const match of state.src.matchAll(/`+/g)) runs[match[0].length] = match.index;
    state.backticks = runs;
    state.backticksScanned = true;
  }
  return state.backticks;
}

function withoutTrailing(text: string, mark: string): string {
  let end = text.length;
  while (end > 0 && text.charAt(end - 1) === mark) end -= 1;
  return text.slice(0, end);
}

// === Formulas =======================================================================================

/** The mark of a formula that opens at a position. */
export function formulaMarkAt(text: string, at: number): FormulaMark | undefined {
  const two = text.slice(at, at + 2);
  if (two === "\\(" || two === "\\[") return two;
  if (!two.startsWith("$") || !mayOpenBehind(text.charAt(at - 1) || " ")) return undefined;
  if (two !== "$$") return "$";
  return text.charAt(at + 2) === "$" ? undefined : "$$";
}

/** A formula within a line. */
export function formula(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  const mark = formulaMarkAt(src, pos);
  if (mark === undefined) return false;
  const open = !silent && isOpenEnd(state);
  if (open && mark.startsWith("$") && pos + mark.length === src.length) return holdBack(state);
  const end = formulaEnd(src, pos, mark);
  if (end === "open") {
    const content = src.slice(pos + mark.length, pos + mark.length + longestOpen + 1);
    const literal = content.length > longestOpen || (mark === "$" && !mayBecomeFormula(content));
    return open && !literal && holdBack(state);
  }
  if (end === -1 || end > state.posMax) return false;
  const content = src.slice(pos + mark.length, end - mark.length);
  if (content.trim() === "") return false;
  if (!silent) Object.assign(state.push("formula", "", 0), { content, markup: mark });
  state.pos = end;
  return true;
}

// === Addresses ======================================================================================

/** A web address without marks around it. */
export function bareAddress(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  if (state.linkLevel > 0 || !src.startsWith("://", pos)) return false;
  const scheme = /(?:^|[^A-Za-z0-9])(https?)$/i.exec(src.slice(Math.max(0, pos - 7), pos))?.[1];
  const end = scheme === undefined ? 0 : addressEndAt(src, pos + 3, state.posMax);
  if (scheme === undefined || end <= pos + 3) return false;
  if (!silent) {
    // What stands before may have been taken as an escape or a part of another construct.
    if (!state.pending.endsWith(scheme)) return false;
    const address = src.slice(pos - scheme.length, end);
    state.pending = state.pending.slice(0, -scheme.length);
    pushAddress(state, address);
  }
  state.pos = end;
  return true;
}

function pushAddress(state: StateInline, address: string): void {
  // As a link it would lead elsewhere than it seems to; Telegram makes none of code.
  if (hasUserinfo(address)) {
    state.push("code_inline", "code", 0).content = address;
    return;
  }
  const open = state.push("link_open", "a", 1);
  open.attrs = [["href", address]];
  open.info = "auto";
  state.push("text", "", 0).content = address;
  state.push("link_close", "a", -1);
}

/** An address between angle brackets that seems to lead elsewhere than it does. */
export function deceptiveAddress(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  if (src.charAt(pos) !== "<") return false;
  const address = /^<(https?:[^\s<>]{1,2000})>/i.exec(src.slice(pos, pos + 2_003))?.[1];
  if (address === undefined || !hasUserinfo(address)) return false;
  if (!silent) pushAddress(state, address);
  state.pos = pos + address.length + 2;
  return true;
}
