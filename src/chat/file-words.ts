/** Files in the words that a model is given. What is in them is data, and cannot end its own frame. Pure. */
import { type Content, type FileExtent, type FilePart, wordsOf } from "../ports/content.ts";
import type { FileText, PartOfFile } from "../ports/files.ts";
import { framed } from "./framing.ts";
import { countTokens, firstTokens } from "./tokens.ts";

/** What stands behind a file that came without a word. */
const withoutWords = "(The file came without a question: say in two lines what it is, and ask what is wanted.)";

/** The words of content as a model gets them, those of files that were read included. */
export function wordsForModel(content: Content): string {
  const parts = content.map((part) => {
    if (part.type !== "file") return wordsOf(part);
    if (part.text !== undefined) return framed(headOf(part), part.text);
    return part.kept && !part.quoted ? inPieces(part) : wordsOf(part);
  });
  const asks = content.some((part) => part.type === "text" || part.type === "voice");
  const files = content.some((part) => part.type === "file");
  return [...parts, ...(files && !asks ? [withoutWords] : [])].filter((words) => words !== "").join("\n");
}

/** What stands in the history for a file of which only pieces are shown. */
function inPieces({ name }: FilePart): string {
  return `[file: ${name ?? "without a name"}; long: pieces of it that may help stand before the newest question]`;
}

/** Pieces of a file beside a question that is asked behind it. */
export function piecesInWords({ name }: FilePart, pieces: string): string {
  const called = name === undefined ? "a file" : `the file "${name}"`;
  return framed(`Pieces of ${called} from above that may help with what is asked now.`, pieces);
}

function headOf({ name, extent }: FilePart): string {
  const called = name === undefined ? "A file" : `The file "${name}"`;
  return extent === undefined ? `${called}.` : `${called}, ${shownOf(extent)}.`;
}

/** How much of a file is shown, for the model. */
function shownOf({ unit, to, total }: FileExtent): string {
  if (unit === undefined) return "only its beginning";
  return to === 1 ? `${unit} 1 of ${total} and nothing further` : `${unit}s 1–${to} of ${total} and nothing further`;
}

/** The beginning of a file's text within so many tokens, and how much that is. */
export function beginningOf(file: FileText, maxTokens: number): Pick<FilePart, "text" | "extent"> & { tokens: number } {
  const { unit, parts, total } = file;
  const shown: string[] = [];
  let left = maxTokens;
  let to = 0;
  let whole = !file.cut;
  for (const part of parts) {
    const words = labelled(part, unit);
    const taken = firstTokens(words, left);
    if (taken !== "") {
      shown.push(taken);
      left -= countTokens(taken);
      to = part.number;
    }
    if (taken.length < words.length) {
      whole = false;
      break;
    }
  }
  const read = shown.join("\n\n");
  const all =
    whole && to >= (parts.at(-1)?.number ?? 0) && (unit === undefined || total <= parts.length || isLast(file));
  return { text: read, tokens: maxTokens - left, ...(all ? {} : { extent: { unit, to, total } }) };
}

/** What stands behind the beginning of a file; undefined when nothing does. */
export function restOf(file: FileText, { text = "", extent }: Pick<FilePart, "text" | "extent">): FileText | undefined {
  const { unit, parts } = file;
  const [first] = parts;
  const behind =
    unit === undefined && first !== undefined
      ? [{ ...first, text: first.text.slice(text.length) }]
      : parts.filter(({ number }) => number > (extent?.to ?? 0));
  return behind.some((part) => part.text !== "") ? { ...file, parts: behind } : undefined;
}

/** Parts that are blank are left out; behind the last one there is nothing more. */
function isLast({ parts, total }: FileText): boolean {
  return (parts.at(-1)?.number ?? 0) >= total;
}

/** A part of a file, or a piece of one, below the page that it stands on. */
export function labelled({ number, name, text }: PartOfFile, unit: FileText["unit"]): string {
  if (unit === undefined) return text;
  return `[${unit} ${number}${name === undefined ? "" : `: ${name}`}]\n${text}`;
}
