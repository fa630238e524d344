/** The forms in which models print calls of tools, and how a whole text of them is read. Pure. */
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, isFields, stringIn } from "./fields.ts";
import { pythonArguments } from "./python-arguments.ts";

/** What stands around calls, in small letters: it says nothing by itself. */
export const marks = [
  ...["<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>", "<tools>", "</tools>"],
  ...["<function_call>", "</function_call>", "<function_calls>", "</function_calls>", "</function>", "</invoke>"],
  ...["<minimax:tool_call>", "</minimax:tool_call>"],
  ...["<|python_tag|>", "<|python_start|>", "<|python_end|>", "<|tool_call|>", "<|/tool_call|>"],
  ...["<|tool_call_start|>", "<|tool_call_begin|>", "<|tool_call_end|>"],
  ...["<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"],
  // With DeepSeek's own bars and blanks.
  ...["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>"],
  ...["function<｜tool▁sep｜>", "<｜end▁of▁sentence｜>"],
  ...["<｜dsml｜function_calls>", "</｜dsml｜function_calls>", "</｜dsml｜invoke>"],
  ...["[tool_calls]", "[/tool_calls]", "[tool_call]", "[/tool_call]"],
  ...["<|eom_id|>", "<|eot_id|>", "<|im_end|>", "</s>"],
];
/** What stands right before a name, in small letters. */
export const openings = ["<function=", '<invoke name="', '<｜dsml｜invoke name="', "functions."];
/** What may stand between a name and its arguments: a bracket, Mistral's mark, Kimi's, DeepSeek's, its fence. */
const between = /\s{0,8}(?:\[ARGS\]|\(|:\d{1,4}\s?<\|tool_call_argument_begin\|>|<｜tool▁sep｜>|```json\r?\n)?\s{0,8}/y;
const bracketed = /\s{0,8}\(\s{0,8}/y;
const closed = /\s{0,8}\)/y;

export const fence = "```";
const fenceLine = /^```(?:json|tool_calls?|tool_code|tool|python|xml)?[ \t]{0,8}(?:\r?\n|$|(?=<))/i;
const functionTag = /<function=([\w.-]{1,64})>/iy;
const invokeTag = /<(?:｜DSML｜)?invoke name="([\w.-]{1,64})">/iy;
const parameterTags = [
  { tag: /<parameter=([\w.-]{1,64})>/iy, end: "</parameter>" },
  { tag: /<parameter name="([\w.-]{1,64})">/iy, end: "</parameter>" },
  { tag: /<｜DSML｜parameter name="([\w.-]{1,64})"(?: string="(true|false)")?>/iy, end: "</｜DSML｜parameter>" },
  { tag: /<arg_key>([^<>]{1,64})<\/arg_key>\s{0,8}<arg_value>/iy, end: "</arg_value>" },
];

/** `functions.search` is `search`. */
export const namespace = "functions.";
export const nameKeys = ["name", "tool", "tool_name", "function", "function_name", "action"];
const argumentKeys = ["arguments", "parameters", "args", "input", "action_input", "tool_input"];
const otherKeys = ["id", "type", "index"];
const listKeys = ["tool_calls", "calls"];
export const keys: ReadonlySet<string> = new Set([...nameKeys, ...argumentKeys, ...otherKeys, ...listKeys]);

/** The calls of offered tools that a text consists of; undefined when there is anything else in it. */
export function callsIn(text: string, offered: ReadonlySet<string>): readonly CallPiece[] | undefined {
  const calls: CallPiece[] = [];
  let at = 0;
  /** Between marks, and in a list, a call needs no arguments. */
  let marked = false;
  let isListed = false;

  function matched(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = at;
    const found = pattern.exec(text) ?? undefined;
    at += found?.[0].length ?? 0;
    return found;
  }

  /** Reads what begins here; false when it is no call. */
  function read(): boolean {
    const tag = matched(functionTag) ?? matched(invokeTag);
    if (tag !== undefined) return readTagged(tag[1] ?? "");
    const named = nameAt();
    if (named !== undefined) return readNamed(named);
    const value = readJson();
    const found = value === undefined ? [] : callsOf(value, offered, marked);
    calls.push(...found);
    return found.length > 0;
  }

  /** Takes the name of a tool. */
  function nameAt(): string | undefined {
    const from = text.startsWith(namespace, at) ? at + namespace.length : at;
    const name = [...offered].find((one) => text.startsWith(one, from) && !/[\w-]/.test(text[from + one.length] ?? ""));
    if (name !== undefined) at = from + name.length;
    return name;
  }

  function readJson(): unknown {
    const end = jsonEnd(text, at);
    if (end === undefined) return undefined;
    const json = text.slice(at, end);
    at = end;
    return parsed(json);
  }

  /** What follows a name: `{…}`, `({…})`, `(a="b")`, pairs of marks, or between marks nothing. */
  function readNamed(name: string): boolean {
    const given = pythonBehind(at) ?? objectBehind(at) ?? parametersBehind(at) ?? (marked ? {} : undefined);
    if (given !== undefined) calls.push({ name, arguments: given });
    return given !== undefined;
  }

  function pythonBehind(name: number): Fields | undefined {
    if (matched(bracketed) === undefined) return undefined;
    const found = pythonArguments(text, at);
    at = name;
    // Without any, only a list and marks tell it from words.
    if (found === undefined || (Object.keys(found.given).length === 0 && !marked)) return undefined;
    at = found.end;
    return found.given;
  }

  function objectBehind(name: number): Fields | undefined {
    matched(between);
    const value = readJson();
    if (!isFields(value)) at = name;
    else matched(closed);
    return isFields(value) ? value : undefined;
  }

  function parametersBehind(name: number): Fields | undefined {
    const given: [string, unknown][] = [];
    for (;;) {
      at = skipped(text, at);
      const parameter = parameterHere();
      if (parameter === undefined) break;
      given.push(parameter);
    }
    if (given.length === 0) at = name;
    return given.length === 0 ? undefined : Object.fromEntries(given);
  }

  function parameterHere(): [string, unknown] | undefined {
    for (const { tag, end } of parameterTags) {
      const begun = matched(tag);
      if (begun === undefined) continue;
      const [, name = "", isString] = begun;
      const to = text.indexOf(end, at);
      if (to < 0) return undefined;
      const value = text.slice(at, to).trim();
      at = to + end.length;
      return [name, isString === "true" ? value : (parsed(value) ?? value)];
    }
    return undefined;
  }

  /** Behind `<function=name>` or `<invoke name="name">`: an object, or a mark for each parameter. */
  function readTagged(name: string): boolean {
    at = skipped(text, at);
    const from = at;
    const value = readJson();
    if (value === undefined) at = from;
    const given = value ?? parametersBehind(from) ?? {};
    if (!offered.has(name) || !isFields(given)) return false;
    marked = true;
    calls.push({ name, arguments: given });
    return true;
  }

  for (;;) {
    at = skipped(text, at);
    const mark = markAt(text, at) || (isListed ? listEnd(text, at) : listStart(text, at, offered));
    if (mark > 0) {
      isListed = text[at] === "[" || isListed;
      marked = true;
      at += mark;
      continue;
    }
    if (at >= text.length) return calls.length > 0 ? calls : undefined;
    if (!read()) return undefined;
  }
}

/** A list of calls as Python writes it begins with a name. */
function listStart(text: string, at: number, offered: ReadonlySet<string>): number {
  const length = /^\[\s{0,8}/.exec(text.slice(at, at + 10))?.[0].length ?? 0;
  return length > 0 && [...offered].some((name) => text.startsWith(name, at + length)) ? length : 0;
}

function listEnd(text: string, at: number): number {
  return text[at] === "]" ? 1 : 0;
}

function skipped(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\s,;]/.test(text[at] ?? "")) at += 1;
  return at;
}

/** The length of the mark that stands here, 0 when there is none. */
export function markAt(text: string, at: number): number {
  const rest = text.slice(at, at + 40);
  const line = rest.startsWith(fence) ? fenceLine.exec(rest)?.[0] : undefined;
  if (line !== undefined) return line.length;
  const lower = rest.toLowerCase();
  return marks.find((mark) => lower.startsWith(mark))?.length ?? 0;
}

/** The calls that a value stands for; none when a part of it is none. */
function callsOf(value: unknown, offered: ReadonlySet<string>, marked: boolean): readonly CallPiece[] {
  const list = Array.isArray(value) ? value : listKeys.map((key) => fieldsOf(value)[key]).find(Array.isArray);
  const calls = (list ?? [value]).map((one) => callOf(one, offered, marked));
  return calls.every((call) => call !== undefined) ? calls : [];
}

function callOf(value: unknown, offered: ReadonlySet<string>, marked: boolean): CallPiece | undefined {
  if (!isFields(value) || Object.keys(value).some((key) => !keys.has(key))) return undefined;
  const inner = value["function"];
  if (isFields(inner)) return callOf(inner, offered, marked);
  const name = bareName(nameKeys.map((key) => stringIn(value[key])).find((one) => one !== "") ?? "");
  const key = argumentKeys.find((one) => one in value);
  if (!offered.has(name) || (key === undefined && !marked)) return undefined;
  const given = key === undefined ? {} : value[key];
  return isFields(given) || typeof given === "string" || given === null ? { name, arguments: given } : undefined;
}

function bareName(name: string): string {
  return name.startsWith(namespace) ? name.slice(namespace.length) : name;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

/** Behind the last character of the object or list that begins here. */
function jsonEnd(text: string, from: number): number | undefined {
  if (text[from] !== "{" && text[from] !== "[") return undefined;
  let depth = 0;
  let inString = false;
  for (let at = from; at < text.length; at++) {
    const one = text[at];
    if (inString) {
      if (one === "\\") at += 1;
      else if (one === '"') inString = false;
    } else if (one === '"') inString = true;
    else if (one === "{" || one === "[") depth += 1;
    else if (one === "}" || one === "]") {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return undefined;
}
