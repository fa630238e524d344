/** The text of a file as it is found, up to the length that is read. */
import type { FileUnit } from "../../ports/content.ts";
import type { FileText, PartOfFile } from "../../ports/files.ts";
import { maxCharacters, maxNameCharacters } from "./limits.ts";
import { Refused } from "./refusal.ts";

export interface Collector {
  /** Nothing more is taken. */
  readonly full: boolean;
  readonly parts: readonly PartOfFile[];
  /** What is added from now on belongs to another part. */
  begin(name?: string): void;
  add(text: string): void;
  /** Adds on a line of its own, and without a sound what is blank. */
  line(text: string): void;
}

/** Creates a collector that takes `limit` characters. */
export function createCollector(limit = maxCharacters): Collector {
  const pieces: { readonly name: string | undefined; readonly texts: string[] }[] = [];
  let left = limit;
  let full = false;
  function add(text: string): void {
    if (full || text === "") return;
    if (pieces.length === 0) pieces.push({ name: undefined, texts: [] });
    const taken = text.length > left ? text.slice(0, left).toWellFormed() : text;
    pieces.at(-1)?.texts.push(taken);
    left -= taken.length;
    if (taken.length < text.length || left === 0) full = true;
  }
  return {
    get full() {
      return full;
    },
    get parts() {
      return pieces.map(({ name, texts }, index) => ({
        number: index + 1,
        ...(name === undefined ? {} : { name }),
        text: tidied(texts.join("")),
      }));
    },
    begin(name) {
      const words = name?.replaceAll(/\s+/g, " ").slice(0, maxNameCharacters).toWellFormed();
      if (full) return;
      pieces.push({ name: words, texts: [] });
      // Nobody is sent more names than text.
      left -= words?.length ?? 0;
      if (left <= 0) full = true;
    },
    add,
    line(text) {
      const trimmed = text.trimEnd();
      if (trimmed.trim() !== "") add(`${trimmed}\n`);
    },
  };
}

/** What was found in a file, without its parts that are blank; refused when all are. */
export function textOfFile(format: FileText["format"], collector: Collector, unit?: FileUnit, total = 1): FileText {
  const parts = collector.parts.filter(({ text }) => text !== "");
  if (parts.length === 0) throw new Refused("empty");
  return { kind: "text", format, unit, parts, total, cut: collector.full };
}

/** Without blanks at ends of lines, and with one empty line at most between two others. */
function tidied(text: string): string {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines
    .filter((line, index) => line !== "" || (index > 0 && lines[index - 1] !== ""))
    .join("\n")
    .trimEnd();
}
