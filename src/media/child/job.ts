/** What the bot and the child that reads its files say to each other. */

import type { FileFormat, FilePicture, FileReading, FileRefusal, FileToRead, PartOfFile } from "../../ports/files.ts";
import type { PageLink, PageReading, PageToRead } from "../../ports/pages.ts";
import { maxCharacters, maxLinks, maxNameCharacters, maxReadParts, maxScannedPages } from "./limits.ts";

/** A file, or a page of the web. */
export type Task = FileToRead | PageTask;

interface PageTask extends PageToRead {
  /** What of it is wanted: its article, or only its words. */
  readonly page: "article" | "words";
}

export type Job = Task & { readonly id: number };

/** As it is sent: the bytes stand behind it. */
export type JobHead = (Omit<FileToRead, "bytes"> | Omit<PageTask, "bytes">) & { readonly id: number };

/**
 * From the child: once when it is loaded, and once for each job. `program`: itself, as a child begins faster with it; from one that
 * was given none. `spent`: it must not be used again.
 */
export type Said =
  | { readonly type: "ready"; readonly program?: string | undefined }
  | {
      readonly type: "read";
      readonly id: number;
      readonly reading: FileReading | PageReading;
      readonly spent: boolean;
    };

/** A little more than a text may have: the words that say what was left out. */
const slack = 100_000;
const maxPictureBytes = 4 * 1024 * 1024;
/** Of one message of the child: its pictures, or a text of two bytes a character, and what stands around them. */
export const mostSaidBytes = maxScannedPages * maxPictureBytes + 2 * (maxCharacters + slack);

const refusals: Readonly<Record<FileRefusal, true>> = {
  empty: true,
  damaged: true,
  password: true,
  legacy: true,
  "picture-format": true,
  "too-many-pixels": true,
  unknown: true,
  limits: true,
  unavailable: true,
  "too-big": true,
  gone: true,
  unreachable: true,
};

const formats: Readonly<Record<FileFormat, true>> = {
  pdf: true,
  docx: true,
  pptx: true,
  xlsx: true,
  odt: true,
  odp: true,
  ods: true,
  epub: true,
  html: true,
  text: true,
  picture: true,
};

const units = ["page", "slide", "sheet", "chapter"] as const;

/** What the child says of a file, made anew field by field: a child that a file has taken over says what it likes. */
export function readingOf(said: unknown): FileReading | undefined {
  if (!isRecord(said)) return undefined;
  const format = isKey(formats, said["format"]) ? said["format"] : undefined;
  const { kind, parts, pictures, reason, cut } = said;
  if (kind === "refused") return isKey(refusals, reason) ? { kind, reason, format } : undefined;
  const total = count(said["total"]);
  if (total === undefined || format === undefined) return undefined;
  if (kind === "pictures" && Array.isArray(pictures) && (format === "pdf" || format === "picture")) {
    const read = pictures.slice(0, maxScannedPages).map(pictureOf);
    return read.length > 0 && isWhole(read) ? { kind, format, pictures: read, total } : undefined;
  }
  if (kind !== "text" || !Array.isArray(parts) || format === "picture") return undefined;
  // A list with nothing in it may be as long as a list can be.
  if (parts.length > maxReadParts) return undefined;
  const read = parts.map(partOf);
  if (read.length === 0 || !isWhole(read)) return undefined;
  if (read.reduce((sum, part) => sum + part.text.length, 0) > maxCharacters + slack) return undefined;
  const unit = units.find((name) => name === said["unit"]);
  return { kind, format, unit, parts: read, total, cut: cut === true };
}

/** The same of a page of the web. */
export function pageReadingOf(said: unknown): PageReading | undefined {
  if (!isRecord(said)) return undefined;
  const { kind, reason, title, text, links, cut } = said;
  if (kind === "refused") return isKey(refusals, reason) ? { kind, reason } : undefined;
  if (kind !== "page" || typeof text !== "string" || text.length > maxCharacters) return undefined;
  if (!Array.isArray(links) || links.length > maxLinks) return undefined;
  const read = links.map(linkOf);
  const named = typeof title === "string" ? title.slice(0, maxNameCharacters).toWellFormed() : undefined;
  return isWhole(read) ? { kind, title: named, text, links: read, cut: cut === true } : undefined;
}

function linkOf(said: unknown): PageLink | undefined {
  if (!isRecord(said) || typeof said["words"] !== "string" || typeof said["address"] !== "string") return undefined;
  return { words: said["words"].slice(0, maxNameCharacters).toWellFormed(), address: said["address"] };
}

function partOf(said: unknown): PartOfFile | undefined {
  if (!isRecord(said) || typeof said["text"] !== "string") return undefined;
  const number = count(said["number"]);
  if (number === undefined) return undefined;
  const name = typeof said["name"] === "string" ? said["name"].slice(0, maxNameCharacters).toWellFormed() : undefined;
  return { number, name, text: said["text"] };
}

function pictureOf(said: unknown): FilePicture | undefined {
  if (!isRecord(said)) return undefined;
  const [number, width, height] = [count(said["number"]), count(said["width"]), count(said["height"])];
  const jpeg = said["jpeg"];
  if (number === undefined || width === undefined || height === undefined) return undefined;
  if (!(jpeg instanceof Uint8Array) || jpeg.length > maxPictureBytes) return undefined;
  // What it is a view of may be all that the child has said.
  return { number, jpeg: new Uint8Array(jpeg), width, height };
}

function isWhole<T>(list: (T | undefined)[]): list is T[] {
  return !list.includes(undefined);
}

function count(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function isKey<K extends string>(table: Readonly<Record<K, true>>, value: unknown): value is K {
  return typeof value === "string" && Object.hasOwn(table, value);
}
