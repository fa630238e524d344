/** LaTeX formulas as readable text: what has a Unicode form gets it, what is not known stays as it was written. */
import {
  accents,
  environments,
  functionNames,
  silent,
  symbols,
  toDoubleStruck,
  toScript,
  transparent,
} from "./latex-symbols.ts";

/** Deeper groups are shown as they were written. */
const deepestGroup = 24;

interface Reader {
  readonly source: string;
  at: number;
  depth: number;
}

/** A formula as text. Formulas on one line show their rows behind each other, with `;` between them. */
export function readableFormula(source: string, oneLine: boolean): string {
  const reader: Reader = { source, at: 0, depth: 0 };
  let out = "";
  // A closing brace without its opening one is text.
  while (reader.at < source.length)
    out += readUntil(reader, undefined) + (reader.at < source.length ? take(reader) : "");
  const rows = out
    .split("\n")
    .map((row) => row.replace(/[ \t]+/g, " ").trim())
    .filter((row) => row !== "");
  return rows.join(oneLine ? "; " : "\n");
}

function take(reader: Reader): string {
  const char = reader.source.charAt(reader.at);
  reader.at += 1;
  return char;
}

/** Reads to the closing character, which is left standing, or to the end. */
function readUntil(reader: Reader, closing: string | undefined): string {
  let out = "";
  /** The end of it, kept apart: to look at the end of a text that is being put together costs its whole length. */
  let end = "";
  while (reader.at < reader.source.length) {
    const char = reader.source.charAt(reader.at);
    if (char === closing || char === "}") break;
    const piece = readOne(reader, end);
    out += piece;
    if (piece !== "") end = piece.slice(-2);
  }
  return out;
}

function readOne(reader: Reader, before: string): string {
  const char = take(reader);
  if (char === "\\") return readCommand(reader, before);
  if (char === "{") return readGroup(reader);
  if (char === "^" || char === "_") return toScript(char, readArgument(reader).trim());
  if (char === "~" || char === "\t") return " ";
  if (char === "\n") return " ";
  if (char === "&") return " ";
  if (char === "'") return "′";
  return char;
}

/** Behind `{`: the group's text, without its braces. */
function readGroup(reader: Reader): string {
  if (reader.depth >= deepestGroup) return "{";
  reader.depth += 1;
  const text = readUntil(reader, undefined);
  reader.depth -= 1;
  if (reader.at >= reader.source.length) return `{${text}`;
  reader.at += 1;
  return text;
}

/** A group, a command or a single character. */
function readArgument(reader: Reader): string {
  while (/[ \t]/.test(reader.source.charAt(reader.at))) reader.at += 1;
  const point = reader.source.codePointAt(reader.at);
  if (point === undefined) return "";
  if (point <= 0x7f) {
    if (reader.source.charAt(reader.at) === "}") return "";
    if (reader.depth >= deepestGroup) return take(reader);
    reader.depth += 1;
    const text = readOne(reader, "");
    reader.depth -= 1;
    return text;
  }
  const char = String.fromCodePoint(point);
  reader.at += char.length;
  return char;
}

function readOption(reader: Reader): string | undefined {
  if (reader.source.charAt(reader.at) !== "[") return undefined;
  const end = reader.source.indexOf("]", reader.at);
  if (end === -1 || end - reader.at > 40) return undefined;
  const option = reader.source.slice(reader.at + 1, end);
  reader.at = end + 1;
  return option;
}

function readCommand(reader: Reader, before: string): string {
  const name = /^(?:[A-Za-z]+\*?|[\s\S])?/.exec(reader.source.slice(reader.at, reader.at + 40))?.[0] ?? "";
  const plain = name.endsWith("*") && name.length > 1 ? name.slice(0, -1) : name;
  reader.at += name.length;
  if (name === "\\") {
    reader.at += /^\[-?[\d.]+ ?[a-z]{2}\]/.exec(reader.source.slice(reader.at, reader.at + 20))?.[0].length ?? 0;
    return "\n";
  }
  const symbol = symbols.get(plain);
  if (symbol !== undefined) return wordSpace(before, symbol) + symbol;
  if (functionNames.has(plain)) return wordSpace(before, plain) + plain + (/[A-Za-z0-9]/.test(peek(reader)) ? " " : "");
  if (silent.has(plain)) return readSilent(reader, plain);
  if (transparent.has(plain)) return readText(reader, plain);
  if (plain === "mathbb") return toDoubleStruck(readArgument(reader));
  if (/^[dtc]?frac$/.test(plain)) return readFraction(reader);
  if (/^[dt]?binom$/.test(plain)) return `C(${readArgument(reader).trim()}, ${readArgument(reader).trim()})`;
  if (plain === "sqrt") return readRoot(reader);
  if (plain === "begin" || plain === "end") return readEnvironment(reader, plain);
  if (plain === "tag") return ` (${readArgument(reader)})`;
  if (plain === "not") return `${readArgument(reader)}\u0338`.normalize("NFC");
  if (plain === "pmod") return ` (mod ${readArgument(reader)})`;
  if (plain === "bmod") return " mod ";
  const accent = accents.get(plain);
  if (accent !== undefined) return readAccent(reader, plain, accent);
  if (name.length === 1 && /[^A-Za-z]/.test(name))
    return name === "|" ? "‖" : name === " " || name === "\n" ? " " : name;
  return `\\${name}${readRaw(reader)}`;
}

function peek(reader: Reader): string {
  return reader.source.charAt(reader.at);
}

/** A word that follows a letter at once needs a space: `2\sin x` is `2 sin x`. */
function wordSpace(before: string, word: string): string {
  return /^[A-Za-z]{2}/.test(word) && /[\p{L}\p{N})]$/u.test(before) ? " " : "";
}

function readSilent(reader: Reader, name: string): string {
  if (/^[,;:>]$/.test(name) || name === "enspace" || name === "thinspace") return " ";
  if (name === "quad" || name === "qquad") return "  ";
  // `\left.` is a delimiter that is not printed.
  if ((name === "left" || name === "right") && peek(reader) === ".") reader.at += 1;
  return "";
}

/** The argument of `\text` and its like: letters are printed as they stand. */
function readText(reader: Reader, name: string): string {
  if (peek(reader) !== "{" && !/[\s\\A-Za-z0-9]/.test(peek(reader))) return `\\${name}`;
  return readArgument(reader);
}

function readFraction(reader: Reader): string {
  return `${bracketed(readArgument(reader))}/${bracketed(readArgument(reader))}`;
}

function bracketed(text: string): string {
  const inner = text.trim();
  return /^[\p{L}\p{N}.]*$/u.test(inner) ? inner : `(${inner})`;
}

function readRoot(reader: Reader): string {
  const degree = readOption(reader);
  const inner = readArgument(reader).trim();
  const sign = degree === undefined || degree === "2" ? "√" : degree === "3" ? "∛" : `${toScript("^", degree)}√`;
  return sign + (/^[\p{L}\p{N}]$|^\d+$/u.test(inner) ? inner : `(${inner})`);
}

function readEnvironment(reader: Reader, command: string): string {
  const match = /^\{([A-Za-z]+)\*?\}/.exec(reader.source.slice(reader.at, reader.at + 40));
  if (match === null || !environments.has(match[1] ?? "")) return `\\${command}${readRaw(reader)}`;
  reader.at += match[0].length;
  if (command === "begin" && match[1] === "array") {
    const columns = /^\{[lcr| ]*\}/.exec(reader.source.slice(reader.at, reader.at + 40))?.[0] ?? "";
    reader.at += columns.length;
  }
  return "\n";
}

function readAccent(reader: Reader, name: string, accent: string): string {
  const start = reader.at;
  const inner = readArgument(reader).trim();
  if ([...inner].length === 1) return `${inner}${accent}`.normalize("NFC");
  return `\\${name}${reader.source.slice(start, reader.at)}`;
}

/** The braces behind an unknown command stay, with what is in them. */
function readRaw(reader: Reader): string {
  let out = "";
  while (peek(reader) === "{" && reader.depth < deepestGroup) {
    reader.at += 1;
    reader.depth += 1;
    out += `{${readUntil(reader, undefined)}`;
    reader.depth -= 1;
    if (reader.at < reader.source.length) out += take(reader);
  }
  return out;
}
