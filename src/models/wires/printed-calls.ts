/** Calls of tools that small models print as text: held back while they may be such, and no text then. */
import type { CallPiece } from "./calls.ts";
import { callsIn, fence, keys, markAt, marks, nameKeys, namespace, openings } from "./printed-forms.ts";

export interface PrintedCalls {
  /** Takes the next piece of the text and returns what of it may be shown: what may be a call is held back. */
  push(text: string): string;
  /** The text has ended: what was held back is calls, or text after all. */
  end(): { readonly text: string; readonly calls: readonly CallPiece[] };
  /** The text begins anew. */
  clear(): void;
  /** Something is held back. */
  readonly holds: boolean;
}

/** Nobody calls at such length. Characters. */
const longestHeld = 64_000;
/** By then it is known whether a text begins like a call. */
const decidedAfter = 600;

const openFence = /^```[a-z_]{0,12}[ \t]{0,8}\r?$/i;
/** What may stand behind a name, as far as the text has come. */
const mayFollow =
  /^(?:$|"?(?:$|>)|\s{0,8}(?:$|\{|`{1,2}$|`{3}|:(?:$|\d)|\[(?:$|A)|<(?:$|[|｜]|a(?:$|r))|\(\s{0,8}(?:$|[{)]|[A-Za-z_]\w{0,63}\s{0,8}(?:$|=))))/;

/** Creates the filter of one answer's text, by the names of the tools that were offered; without any it holds nothing back. */
export function createPrintedCalls(offered: ReadonlySet<string>): PrintedCalls {
  let held = "";
  let plain = offered.size === 0;

  function release(): string {
    const text = held;
    held = "";
    plain = true;
    return text;
  }

  return {
    push(text) {
      if (plain || text === "") return text;
      const undecided = held.length < decidedAfter;
      held += text;
      if (held.length > longestHeld || (undecided && !mayBeCalls(held.slice(0, decidedAfter), offered)))
        return release();
      return "";
    },
    end() {
      const text = release();
      const calls = text.trim() === "" ? undefined : callsIn(text, offered);
      return calls === undefined ? { text, calls: [] } : { text: "", calls };
    },
    clear() {
      held = "";
      plain = offered.size === 0;
    },
    get holds() {
      return held.trim() !== "";
    },
  };
}

/** Whether a text that begins so may be nothing but calls. */
function mayBeCalls(beginning: string, offered: ReadonlySet<string>): boolean {
  let text = beginning.trimStart();
  for (;;) {
    if (text === "" || isBegun(marks, text) || fence.startsWith(text)) return true;
    const length = markAt(text, 0);
    if (length === 0) break;
    text = text.slice(length).trimStart();
  }
  if (text.startsWith(fence)) return openFence.test(text);
  const first = text.startsWith("[") ? text.slice(1).trimStart() : text;
  if (first.startsWith("{")) return mayBeObject(first, offered);
  return first === "" || isBegun(openings, first) || mayBeNamed(first, offered);
}

function isBegun(any: readonly string[], text: string): boolean {
  const lower = text.toLowerCase();
  return any.some((one) => one.startsWith(lower));
}

function mayBeNamed(text: string, offered: ReadonlySet<string>): boolean {
  const lower = text.toLowerCase();
  const rest = text.slice(openings.find((opening) => lower.startsWith(opening))?.length ?? 0);
  return [...offered].some(
    (name) => name.startsWith(rest) || (rest.startsWith(name) && mayFollow.test(rest.slice(name.length))),
  );
}

function mayBeObject(text: string, offered: ReadonlySet<string>): boolean {
  const key = /^\{\s{0,40}(?:"(\w{0,40})("?)|$)/.exec(text);
  if (key === null) return false;
  const [whole, name, ended] = key;
  if (name === undefined) return true;
  if (ended === "") return whole === text && [...keys].some((one) => one.startsWith(name));
  if (!keys.has(name)) return false;
  const value = nameKeys.includes(name) ? /^\s{0,8}:\s{0,8}"([\w.-]{0,80})("?)/.exec(text.slice(whole.length)) : null;
  if (value === null) return true;
  const [, begun = "", closed] = value;
  const spelled = [...offered].flatMap((one) => [one, `${namespace}${one}`]);
  return spelled.some((one) => (closed === "" ? one.startsWith(begun) : one === begun));
}
