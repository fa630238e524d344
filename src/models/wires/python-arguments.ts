/** Arguments as Python writes them, `query="Paris", days=3`, which some models are trained to. Pure. */
import type { Fields } from "./fields.ts";

export interface PythonArguments {
  readonly given: Fields;
  /** Behind the bracket that closes them. */
  readonly end: number;
}

/** Deeper ones nobody writes. */
const deepest = 20;
const name = /[A-Za-z_]\w{0,63}/y;
const number = /[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?(?![\w.])/y;
const blanks = /\s*/y;
const words: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["True", true],
  ["False", false],
  ["None", null],
  ["true", true],
  ["false", false],
  ["null", null],
]);
const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", "0": "\0", "\n": "" };
const hexLengths: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Not what JavaScript has for it: that is a value. */
const none = Symbol("no value");

/**
 * Reads the arguments that begin behind an opening bracket, each of them with its name; undefined when they are none, or anything
 * in them is no literal.
 */
export function pythonArguments(text: string, from: number): PythonArguments | undefined {
  let at = from;

  function matched(pattern: RegExp): string | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  }

  /** Takes this sign, and the blanks before it. */
  function took(sign: string): boolean {
    matched(blanks);
    if (text[at] !== sign) return false;
    at += 1;
    return true;
  }

  function value(depth: number): unknown {
    matched(blanks);
    const sign = text[at];
    if (depth > deepest || sign === undefined) return none;
    if (sign === '"' || sign === "'") return string(sign);
    if (sign === "[" || sign === "(") return list(sign === "[" ? "]" : ")", depth);
    if (sign === "{") return dictionary(depth);
    const digits = matched(number);
    if (digits !== undefined) return Number(digits);
    const word = matched(name) ?? "";
    return words.has(word) ? words.get(word) : none;
  }

  function string(quote: string): unknown {
    at += 1;
    let read = "";
    for (;;) {
      const sign = text[at];
      at += 1;
      if (sign === quote) return read;
      if (sign === undefined) return none;
      read += sign === "\\" ? escaped() : sign;
    }
  }

  function escaped(): string {
    const sign = text[at] ?? "";
    at += 1;
    const length = hexLengths[sign];
    if (length === undefined) return escapes[sign] ?? (/["'\\]/.test(sign) ? sign : `\\${sign}`);
    const digits = text.slice(at, at + length);
    const code = Number.parseInt(digits, 16);
    if (!/^[\da-f]+$/i.test(digits) || digits.length < length || code > 0x10ffff) return `\\${sign}`;
    at += length;
    return String.fromCodePoint(code);
  }

  /** What stands between commas, up to this sign; false when anything of it is not as `one` takes it. */
  function separated(closing: string, one: () => boolean): boolean {
    for (let isFirst = true; !took(closing); isFirst = false) {
      if (!isFirst && !took(",")) return false;
      // A comma may stand behind the last one.
      if (!isFirst && took(closing)) return true;
      if (!one()) return false;
    }
    return true;
  }

  function list(closing: string, depth: number): unknown {
    at += 1;
    const values: unknown[] = [];
    const isList = separated(closing, () => values.push(value(depth + 1)) > 0 && values.at(-1) !== none);
    return isList ? values : none;
  }

  function dictionary(depth: number): unknown {
    at += 1;
    const entries: [string, unknown][] = [];
    const isDictionary = separated("}", () => {
      const key = value(depth + 1);
      if (typeof key !== "string" || !took(":")) return false;
      const one = value(depth + 1);
      return entries.push([key, one]) > 0 && one !== none;
    });
    return isDictionary ? Object.fromEntries(entries) : none;
  }

  const given: [string, unknown][] = [];
  const areArguments = separated(")", () => {
    matched(blanks);
    const key = matched(name);
    if (key === undefined || !took("=")) return false;
    const one = value(0);
    return given.push([key, one]) > 0 && one !== none;
  });
  return areArguments ? { given: Object.fromEntries(given), end: at } : undefined;
}
