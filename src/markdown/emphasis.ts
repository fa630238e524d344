/**
 * Emphasis as a reader of the source sees it. CommonMark decides by what stands beside a mark; what it leaves over
 * (`**Note:**This`, quotation marks beside letters that no space divides) is paired once more. Inside a product or an
 * identifier (`2*3*4`, `__init__`) marks are text.
 */
import type { Delimiter, StateInline } from "markdown-it";
import { isOpenEnd } from "./open-state.ts";

/** A longer run of marks is a line that somebody drew. */
const longestRun = 8;
/** How far an opening mark within a word looks for its closing one. */
const longestPartOfWord = 40;

interface Mark extends Delimiter {
  /** May open, or close, where CommonMark does not let it. */
  readonly mayOpen: boolean;
  readonly mayClose: boolean;
}

interface Role {
  readonly open: boolean;
  readonly close: boolean;
  readonly mayOpen: boolean;
  readonly mayClose: boolean;
}

/** Marks of emphasis, to be paired when the whole text is known. */
export function emphasisMarks(state: StateInline, silent: boolean): boolean {
  const { src, pos: start } = state;
  const mark = src.charAt(start);
  if (silent || (mark !== "*" && mark !== "_" && mark !== "~")) return false;
  let end = start + 1;
  while (end < state.posMax && src.charAt(end) === mark) end += 1;
  const length = end - start;
  // At the end of what is there so far it may be the half of a mark, and shows nothing.
  if (end === state.posMax && isOpenEnd(state)) {
    state.pos = end;
    return true;
  }
  const name = mark === "_" && length === 2 ? identifierAt(src, start) : undefined;
  if (name !== undefined || length > longestRun || (mark === "~" && length !== 2)) {
    const text = name ?? src.slice(start, end);
    state.pending += text;
    state.pos = start + text.length;
    return true;
  }
  const role = roleOf(state, start, end);
  // A token for each asterisk, as the rule that pairs them expects it; one for both tildes.
  const count = mark === "~" ? 1 : length;
  for (let index = 0; index < count; index += 1) {
    state.push("text", "", 0).content = mark === "~" ? "~~" : mark;
    const token = state.tokens.length - 1;
    const delimiter: Mark = { marker: mark.charCodeAt(0), length: mark === "~" ? 0 : length, token, end: -1, ...role };
    state.delimiters.push(delimiter);
  }
  state.pos = end;
  return true;
}

const space = /\s/u;
const punctuation = /[\p{P}\p{S}]/u;
const latin = /[\p{Script=Latin}\p{N}]/u;
const letter = /\p{L}/u;

function roleOf(state: StateInline, start: number, end: number): Role {
  const { src } = state;
  const mark = src.charAt(start);
  const { can_open: open, can_close: close } = state.scanDelims(start, mark !== "_");
  const before = characterBefore(src, start);
  const after = end < state.posMax ? String.fromCodePoint(src.codePointAt(end) ?? 32) : " ";
  const behindLatin = latin.test(before) || before === ")" || before === "]";
  const mayOpen = !space.test(after) && !behindLatin && (mark !== "_" || !punctuation.test(before));
  const mayClose =
    !space.test(before) && (mark !== "_" || punctuation.test(before) || (letter.test(after) && !latin.test(after)));
  // `src/*.ts`, "*.js": names of files.
  const isFile =
    /^\*\.[a-z]{1,5}(?![A-Za-z*])/.test(src.slice(start, end + 7)) || (before === "/" && punctuation.test(after));
  if (isFile && mark === "*") return { open: false, close: false, mayOpen: false, mayClose: false };
  if (mark !== "*" || !behindLatin || !(latin.test(after) || after === "(")) return { open, close, mayOpen, mayClose };
  // Within a word, a product or a power.
  const letters = !/[\p{N}()\]]/u.test(before + after);
  if (end - start === 1) return { open: false, close: close && letters, mayOpen: false, mayClose: false };
  const partOfWord = letters && isPartOfWord(src, start, end);
  return { open: open && partOfWord, close, mayOpen: false, mayClose: mayClose && !/\p{N}/u.test(before) };
}

/** `Hyper**T**ext`: emphasis that begins in a word of more than one letter and ends in it. */
function isPartOfWord(src: string, start: number, end: number): boolean {
  const mark = src.slice(start, end);
  const rest = src.slice(end, end + longestPartOfWord);
  const closing = rest.indexOf(mark);
  return closing > 0 && !space.test(rest.slice(0, closing)) && latin.test(src.charAt(start - 2));
}

function characterBefore(src: string, at: number): string {
  if (at === 0) return " ";
  const unit = src.charCodeAt(at - 1);
  return unit >= 0xdc00 && unit <= 0xdfff && at > 1 ? src.slice(at - 2, at) : src.charAt(at - 1);
}

/** Names that Python and JavaScript write between two underscores. */
const dunders = new Set(
  (
    "abs add aenter aexit aiter all and anext annotations author await bases bool builtins bytes cached call ceil class code " +
    "complex contains copy debug deepcopy del delattr delete delitem dict dir dirname divmod doc enter eq exit file " +
    "filename float floor floordiv format fspath func future ge get getattr getattribute getitem getstate globals gt hash " +
    "iadd import imul index init int invert isub iter kwdefaults le len loader lshift lt main matmul missing mod module mro " +
    "mul name ne neg new next or package path pos post pow prepare proto qualname radd reduce repr reversed rmul round " +
    "rshift rsub set setattr setitem setstate sizeof slots spec str sub subclasses truediv trunc typename version wrapped xor"
  ).split(" "),
);

/** A name such as `__init__`, whose marks belong to it. */
function identifierAt(src: string, start: number): string | undefined {
  const name = /^__([a-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*)__(?![\w])(\(|\.\w)?/.exec(src.slice(start, start + 80));
  const inner = name?.[1];
  if (name === null || inner === undefined) return undefined;
  const isName = dunders.has(inner) || inner.includes("_") || name[2] !== undefined || src.charAt(start - 1) === ".";
  return isName ? `__${inner}__` : undefined;
}

// === Pairs ==========================================================================================

/** Pairs marks that CommonMark leaves over, and closes at the open end what is open there. */
export function pairLooseMarks(state: StateInline): void {
  pairLoose(state.delimiters as Mark[]);
  for (const meta of state.tokens_meta) if (meta?.delimiters) pairLoose(meta.delimiters as Mark[]);
  if (isOpenEnd(state)) closeAtEnd(state);
}

/** A run of marks that nothing is paired with, or a pair that holds what stands in it together. */
interface Run {
  readonly first: number;
  readonly length: number;
}

function pairLoose(marks: readonly Mark[]): void {
  const isCloser = closersOf(marks);
  /** Runs that may open, in order, and `undefined` where a pair begins: nothing reaches out of it. */
  const open: (Run | undefined)[] = [];
  /** Where in `open` the runs of each kind stand. */
  const places = new Map<string, number[]>();
  const barriers: number[] = [];
  const dropFrom = (place: number): void => {
    for (const run of open.splice(place)) if (run !== undefined) places.get(kindOf(marks, run))?.pop();
  };
  for (let at = 0; at < marks.length; ) {
    const mark = marks[at];
    if (mark === undefined) break;
    if (mark.end >= 0) {
      barriers.push(open.length);
      open.push(undefined);
      at += 1;
    } else if (isCloser.has(at)) {
      dropFrom(barriers.pop() ?? 0);
      at += 1;
    } else {
      const run = runAt(marks, at, isCloser);
      at += run.length;
      // A run of which a part is paired is left as it is.
      if (run.length === Math.max(1, mark.length ?? 1)) pairRun(run, mark);
    }
  }

  function pairRun(run: Run, mark: Mark): void {
    const kind = kindOf(marks, run);
    const same = places.get(kind) ?? [];
    const place = same.at(-1);
    const opener = place === undefined ? undefined : open[place];
    const reachable = place !== undefined && place > (barriers.at(-1) ?? -1);
    if (reachable && opener !== undefined && (mark.close || mark.mayClose)) {
      for (let index = 0; index < run.length; index += 1) {
        const one = marks[opener.first + index];
        if (one !== undefined) one.end = run.first + run.length - 1 - index;
      }
      dropFrom(place);
    } else if (mark.open || mark.mayOpen) {
      places.set(kind, same);
      same.push(open.length);
      open.push(run);
    }
  }
}

function closersOf(marks: readonly Mark[]): Set<number> {
  return new Set(marks.flatMap(({ end }) => (end >= 0 ? [end] : [])));
}

function kindOf(marks: readonly Mark[], run: Run): string {
  return `${marks[run.first]?.marker} ${run.length}`;
}

function runAt(marks: readonly Mark[], first: number, isCloser: ReadonlySet<number>): Run {
  const start = marks[first];
  let length = 1;
  for (let next = marks[first + length]; next !== undefined && start !== undefined; next = marks[first + length]) {
    const goesOn = next.token === start.token + length && next.marker === start.marker && next.length !== 0;
    if (!goesOn || next.end >= 0 || isCloser.has(first + length)) break;
    length += 1;
  }
  return { first, length };
}

/** What is open at the end of an unfinished text is closed there: it will be, further on. */
function closeAtEnd(state: StateInline): void {
  const marks = state.delimiters as Mark[];
  const openers: number[] = [];
  for (let at = 0; at < marks.length; at += 1) {
    const mark = marks[at];
    if (mark === undefined) continue;
    if (mark.end >= 0) at = mark.end;
    else if (mark.open || mark.mayOpen) openers.push(at);
  }
  for (const opener of openers.reverse()) {
    const mark = marks[opener];
    if (mark === undefined) continue;
    state.push("text", "", 0).content = state.tokens[mark.token]?.content ?? "";
    mark.end = marks.length;
    marks.push({ ...mark, token: state.tokens.length - 1, end: -1, open: false, close: true });
  }
}
