/** English: what is said of files. */
import type { FileExtent, FileUnit } from "../ports/content.ts";
import type { FileProblem, SpokenNote, UnreadFile } from "../ports/notes.ts";

/** Why a file could not be read. */
const unreadLines: Readonly<Record<FileProblem, string>> = {
  empty: "📄 There is nothing to read in this file.",
  damaged: "📄 This file is damaged, or not what its name says. Please send it again.",
  password: "📄 This file needs a password. Please send it without one.",
  legacy: "📄 This is an older format that I cannot read. Please save it as PDF, or as .docx, .xlsx or .pptx.",
  "picture-format": "📄 I cannot read this kind of picture. Please send it as a photo.",
  "too-many-pixels": "📄 This picture is too large for me. Please send it as a photo.",
  unknown:
    "📄 I cannot read this kind of file. I read PDF, office documents, books (EPUB), web pages, tables and text.",
  limits: "📄 This file takes more time or memory than I may spend on one. Please send a smaller part of it.",
  unavailable: "📄 I cannot read files at the moment. Please try again later.",
  "too-big": "📄 This file is too large: I can fetch 20 MB at most.",
  gone: "📄 Telegram does not give me this file any more. Please send it again.",
  unreachable: "📄 I could not fetch this file from Telegram. Please try again.",
  "too-many": "📄 I read 10 files at once; the others are left out.",
};

/** Which pictures were not looked at. */
export function picturesLine(
  note: Extract<SpokenNote, { kind: "pictures-lost" } | { kind: "pictures-left-out" }>,
): string {
  if (note.kind === "pictures-left-out")
    return `🖼 I look at ${note.shown} pictures at once, the last ones; the others are left out.`;
  return note.count === 1
    ? "🖼 I could not fetch a picture from Telegram; please send it again if it matters."
    : `🖼 I could not fetch ${note.count} pictures from Telegram; please send them again if they matter.`;
}

const previewNames = { video: "video", animation: "animation", file: "file" } as const;

/** What of a film or a file was not seen. */
export function previewLine({ of, seen }: Extract<SpokenNote, { kind: "preview" }>): string {
  if (!seen) return `📎 I cannot see this ${previewNames[of]}.`;
  if (of === "file") return "📎 I saw only the small preview of this picture. Sent as a photo, I see all of it.";
  return `📎 I saw only the cover of this ${previewNames[of]}.`;
}

/** Which file could not be read, where there are several, and why. */
export function unreadLine({ why, name }: UnreadFile): string {
  const line = unreadLines[why];
  return name === undefined ? line : line.replace("📄", () => `📄 ${name}:`);
}

const units: Readonly<Record<FileUnit, readonly [one: string, many: string]>> = {
  page: ["page", "pages"],
  slide: ["slide", "slides"],
  sheet: ["sheet", "sheets"],
  chapter: ["chapter", "chapters"],
};

/** How much of a file the answer goes by. */
export function fileCutLine({ unit, to, total, pieces = false }: FileExtent & { readonly pieces?: boolean }): string {
  const more = pieces ? ", and what else in it fits your question" : "";
  if (unit === undefined) return `📄 This file is long: I read its beginning${more}.`;
  const [one, many] = units[unit];
  const read = to < 2 ? `the beginning of ${one} ${to} of ${total}` : `${many} 1–${to} of ${total}`;
  return `📄 I read ${read}${more}.`;
}
