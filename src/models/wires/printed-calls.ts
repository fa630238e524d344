/** Calls of tools that small models print as text: as JSON, in a fence, between marks of their own. */
import type { CallPiece } from "./calls.ts";
import { type Fields, fieldsOf, isFields, stringIn } from "./fields.ts";

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

/** What stands around calls: it says nothing by itself. */
const marks = [
  ...["<tool_call>", "</tool_call>", "<tool_calls>", "</tool_calls>", "<tools>", "</tools>"],
  ...["<function_call>", "</function_call>", "<function_calls>", "</function_calls>", "</function>"],
  ...["<|python_tag|>", "<|tool_call|>", "<|tool_call_start|>", "<|tool_call_end|>", "<|/tool_call|>"],
  ...["[tool_calls]", "[/tool_calls]", "[tool_call]", "[/tool_call]"],
  ...["<|eom_id|>", "<|eot_id|>", "<|im_end|>", "</s>"],
];
const fence = "```";
const fenceLine = /^```(?:json|tool_calls?|tool_code|tool|xml)?[ \t]{0,8}(?:\r?\n|$)/i;
const openFence = /^```[a-z_]{0,12}[ \t]{0,8}\r?$/i;
const functionTag = /^<function=([\w.-]{1,64})>/i;
const functionEnd = "</function>";
const parameterTag = /^<parameter=([\w.-]{1,64})>/i;
const parameterEnd = "</parameter>";

/** `functions.search` is `search`. */
const namespace = "functions.";
const nameKeys = ["name", "tool", "tool_name", "function", "function_name", "action"];
const argumentKeys = ["arguments", "parameters", "args", "input", "action_input", "tool_input"];
const otherKeys = ["id", "type", "index"];
const listKeys = ["tool_calls", "calls"];
const keys: ReadonlySet<string> = new Set([...nameKeys, ...argumentKeys, ...otherKeys, ...listKeys]);

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
    const lower = text.toLowerCase();
    if (text === "" || marks.some((mark) => mark.startsWith(lower)) || fence.startsWith(text)) return true;
    const length = markAt(text, 0);
    if (length === 0) break;
    text = text.slice(length).trimStart();
  }
  if (text.startsWith(fence)) return openFence.test(text);
  if (text.startsWith("<")) return functionTag.test(text) || mayBeTag(text);
  const first = text.startsWith("[") ? text.slice(1).trimStart() : text;
  if (first === "" || first.startsWith("{")) return first === "" || mayBeObject(first, offered);
  return mayBeName(text, offered);
}

function mayBeTag(text: string): boolean {
  const begun = "<function=";
  return begun.startsWith(text.toLowerCase()) || /^<function=[\w.-]{0,64}$/i.test(text);
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

function mayBeName(text: string, offered: ReadonlySet<string>): boolean {
  return [...offered].some((name) => {
    if (name.startsWith(text)) return true;
    return text.startsWith(name) && /^\s{0,8}(?:$|[{(]|\[(?:$|A))/.test(text.slice(name.length));
  });
}

/** The calls that a text consists of; undefined when there is anything else in it. */
function callsIn(text: string, offered: ReadonlySet<string>): readonly CallPiece[] | undefined {
  const calls: CallPiece[] = [];
  let at = 0;
  /** Between marks a call needs no arguments. */
  let marked = false;

  /** Reads what begins here; false when it is no call. */
  function read(): boolean {
    const rest = text.slice(at, at + 100);
    const tag = functionTag.exec(rest);
    if (tag !== null) return readFunction(tag[1] ?? "", tag[0].length);
    const named = [...offered].find((name) => rest.startsWith(name) && !/^[\w-]/.test(rest.slice(name.length)));
    if (named !== undefined) return readNamed(named);
    const value = readJson();
    const found = value === undefined ? [] : callsOf(value, offered, marked);
    calls.push(...found);
    return found.length > 0;
  }

  function readJson(): unknown {
    const end = jsonEnd(text, at);
    if (end === undefined) return undefined;
    const json = text.slice(at, end);
    at = end;
    return parsed(json);
  }

  /** `name{…}`, `name({…})`, `name[ARGS]{…}` */
  function readNamed(name: string): boolean {
    at += name.length;
    at += /^\s{0,8}(?:\[ARGS\]|\()?\s{0,8}/.exec(text.slice(at, at + 30))?.[0].length ?? 0;
    const value = readJson();
    at += /^\s{0,8}\)/.exec(text.slice(at, at + 10))?.[0].length ?? 0;
    if (!isFields(value)) return false;
    calls.push({ name, arguments: value });
    return true;
  }

  /** `<function=name>{…}</function>`, or with a mark for each parameter. */
  function readFunction(name: string, length: number): boolean {
    const from = at + length;
    const end = text.indexOf(functionEnd, from);
    const body = text.slice(from, end < 0 ? undefined : end).trim();
    at = end < 0 ? text.length : end + functionEnd.length;
    const given = body === "" ? {} : body.startsWith("{") ? parsed(body) : parametersIn(body);
    if (!offered.has(name) || !isFields(given)) return false;
    calls.push({ name, arguments: given });
    return true;
  }

  for (;;) {
    at = skipped(text, at);
    const mark = markAt(text, at);
    marked ||= mark > 0;
    at += mark;
    if (mark > 0) continue;
    if (at >= text.length) return calls.length > 0 ? calls : undefined;
    if (!read()) return undefined;
  }
}

function skipped(text: string, from: number): number {
  let at = from;
  while (at < text.length && /[\s,;]/.test(text[at] ?? "")) at += 1;
  return at;
}

/** The length of the mark that stands here. */
function markAt(text: string, at: number): number {
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

function parametersIn(body: string): Fields | undefined {
  const given: Record<string, unknown> = {};
  for (let at = 0; at < body.length; ) {
    at = skipped(body, at);
    const tag = parameterTag.exec(body.slice(at, at + 100));
    if (tag === null) return undefined;
    const from = at + tag[0].length;
    const end = body.indexOf(parameterEnd, from);
    if (end < 0) return undefined;
    const value = body.slice(from, end).trim();
    given[tag[1] ?? ""] = parsed(value) ?? value;
    at = skipped(body, end + parameterEnd.length);
  }
  return given;
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
