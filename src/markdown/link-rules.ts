/** Links, images and references to them, footnotes' marks. At the open end, one that is not whole is held back. */
import type { StateInline } from "markdown-it";
import { isData } from "./addresses.ts";
import { footnoteKey, holdBack, isOpenEnd, longestHeld, parseState } from "./open-state.ts";

/** A link's address may be longer than what else is held back. */
const longestLink = 600;

/** What stands behind a label: where the construct ends and where it leads. */
interface Destination {
  readonly end: number;
  readonly href: string;
  /** The normalized label of a reference. */
  readonly label?: string;
}

/** A link, an image or a reference to one; a footnote's number. */
export function link(state: StateInline, silent: boolean): boolean {
  const { src, pos: start } = state;
  const isImage = src.charAt(start) === "!";
  const bracket = isImage ? start + 1 : start;
  if (src.charAt(bracket) !== "[") return false;
  if (!isImage && src.charAt(bracket + 1) === "^" && footnote(state, silent)) return true;
  const open = !silent && isOpenEnd(state);
  const labelEnd = state.md.helpers.parseLinkLabel(state, bracket, !isImage);
  if (labelEnd < 0) return open && src.length - start <= longestHeld && holdBack(state);
  const found = destinationAt(state, bracket + 1, labelEnd);
  if (found === "open") {
    const undecided = src.length - start <= longestLink || isData(src.slice(labelEnd + 2, labelEnd + 20));
    return open && undecided && holdBack(state);
  }
  if (found === undefined) return false;
  if (!silent) {
    if (isImage) pushImage(state, bracket + 1, labelEnd, found);
    else pushLink(state, bracket + 1, labelEnd, found);
  }
  state.pos = found.end;
  return true;
}

function destinationAt(state: StateInline, from: number, labelEnd: number): Destination | "open" | undefined {
  const { src, posMax } = state;
  const next = labelEnd + 1;
  if (next >= posMax) return isOpenEnd(state) ? "open" : reference(state, from, labelEnd, next);
  if (src.charAt(next) === "(") {
    const inline = inlineDestination(state, next);
    if (inline !== undefined) return inline;
    if (isOpenEnd(state) && closingParenthesis(src, next) === undefined) return "open";
    return reference(state, from, labelEnd, next);
  }
  const isNumber = /^\d{1,4}$/.test(src.slice(from, Math.min(labelEnd, from + 5)));
  if (src.charAt(next) !== "[") return reference(state, from, labelEnd, next);
  const second = src.indexOf("]", next + 1);
  if (second === -1 || second >= posMax) return isOpenEnd(state) ? "open" : reference(state, from, labelEnd, next);
  // `[1][2]`: two sources, not a source with a text.
  if (isNumber && /^\d{1,4}$/.test(src.slice(next + 1, Math.min(second, next + 6)))) {
    return reference(state, from, labelEnd, next);
  }
  const full = second - next <= 1_000 ? reference(state, next + 1, second, second + 1) : undefined;
  const collapsed = second === next + 1 ? reference(state, from, labelEnd, second + 1) : undefined;
  return full ?? collapsed ?? reference(state, from, labelEnd, next);
}

function reference(state: StateInline, from: number, to: number, end: number): Destination | undefined {
  if (to - from > 1_000 || to === from) return undefined;
  const label = state.md.utils.normalizeReference(state.src.slice(from, to));
  if (label === "") return undefined;
  const env = parseState(state);
  const known = env.references[label];
  if (known === undefined) env.missed.add(label);
  return known === undefined ? undefined : { end, href: known.href, label };
}

/** `(address "title")`, as CommonMark has it, or with blanks in a web address. */
function inlineDestination(state: StateInline, start: number): Destination | undefined {
  const { src, posMax, md } = state;
  let at = skipSpace(src, start + 1, posMax);
  const parsed = md.helpers.parseLinkDestination(src, at, posMax);
  if (parsed.ok || src.charAt(at) === ")") {
    if (parsed.ok) at = parsed.pos;
    const behind = skipSpace(src, at, posMax);
    const title = behind > at ? md.helpers.parseLinkTitle(src, behind, posMax) : undefined;
    const end = title?.ok ? skipSpace(src, title.pos, posMax) : behind;
    if (src.charAt(end) === ")" && end < posMax) return { end: end + 1, href: parsed.ok ? parsed.str : "" };
  }
  const closing = closingParenthesis(src, start);
  const from = skipSpace(src, start + 1, posMax);
  if (isData(src.slice(from, from + 5))) return cutOffAddress(state, from, closing);
  if (closing === undefined || closing >= posMax) return undefined;
  // A title stands in quotation marks behind the address.
  const address =
    src
      .slice(from, closing)
      .split(/(?<=[ \t])["']/, 1)[0]
      ?.trim() ?? "";
  const isAddress = /^(?:https?:\/\/|\/|\.\.?\/)/i.test(address) && !/[<>\n"]/.test(address);
  return isAddress ? { end: closing + 1, href: address } : undefined;
}

/** An address that holds its content and is not closed on its line ends with the line. */
function cutOffAddress(state: StateInline, from: number, closing: number | undefined): Destination | undefined {
  const { src, posMax } = state;
  if (closing === undefined && isOpenEnd(state)) return undefined;
  const lineEnd = src.indexOf("\n", from);
  const end = Math.min(posMax, lineEnd === -1 ? posMax : lineEnd, closing === undefined ? posMax : closing + 1);
  return { end, href: "data:" };
}

function skipSpace(src: string, from: number, max: number): number {
  let at = from;
  while (at < max && /\s/.test(src.charAt(at))) at += 1;
  return at;
}

/** Where the parenthesis of a link's address is closed; undefined while it is not. */
function closingParenthesis(src: string, start: number): number | undefined {
  let depth = 0;
  let quote = "";
  for (let at = start; at < src.length && at - start < longestLink; at += 1) {
    const char = src.charAt(at);
    if (char === "\\") at += 1;
    else if (quote !== "") quote = char === quote ? "" : quote;
    else if (char === '"' && /\s/.test(src.charAt(at - 1))) quote = char;
    else if (char === "(") depth += 1;
    else if (char === ")") {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return undefined;
}

function pushLink(state: StateInline, from: number, to: number, { href, label }: Destination): void {
  const { posMax } = state;
  const open = state.push("link_open", "a", 1);
  open.attrs = [["href", href]];
  if (label !== undefined) open.meta = { label };
  state.pos = from;
  state.posMax = to;
  state.linkLevel += 1;
  state.md.inline.tokenize(state);
  state.linkLevel -= 1;
  state.posMax = posMax;
  state.push("link_close", "a", -1);
}

function pushImage(state: StateInline, from: number, to: number, { href, label }: Destination): void {
  const image = state.push("image", "img", 0);
  image.attrs = [["src", href]];
  image.content = state.src.slice(from, to);
  if (label !== undefined) image.meta = { label };
}

/** A footnote's mark: its label is a number, or a name right behind a word. */
function footnote(state: StateInline, silent: boolean): boolean {
  const { src, pos } = state;
  const label = /^\[\^(\d{1,4}|[\p{L}][\p{L}\p{N}_-]{0,30})\]/u.exec(src.slice(pos, pos + 40))?.[1];
  if (label === undefined) return false;
  const { references, missed } = parseState(state);
  const isBehindWord = !/^$|[\s([]/.test(src.charAt(pos - 1));
  // Anything else may be a class of characters: unless a footnote has that name.
  if (!/^\d/.test(label) && !isBehindWord && references[footnoteKey(label)] === undefined) {
    missed.add(footnoteKey(label));
    return false;
  }
  if (!silent) state.push("footnote_mark", "", 0).content = label;
  state.pos = pos + label.length + 3;
  return true;
}
