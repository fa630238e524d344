/** The files of a question: read before a model is asked, each time, and shown to it as far as they fit. */
import type { Work } from "../base/in-hand.ts";
import {
  type Content,
  type FileExtent,
  type FilePart,
  type PicturePart,
  type TextPart,
  textOf,
} from "../ports/content.ts";
import { type Documents, type FilePictures, type FileReading, type FileText, pageId } from "../ports/files.ts";
import type { FileProblem, Note, UnreadFile } from "../ports/notes.ts";
import type { Store } from "../ports/store.ts";
import type { Turn } from "../ports/turns.ts";
import type { ConversationId } from "../ports/updates.ts";
import { matchingPieces, piecesFor } from "./file-pieces.ts";
import { beginningOf, piecesInWords, restOf } from "./file-words.ts";
import { countTokens } from "./tokens.ts";

export interface FilesDeps extends Documents {
  /** Of all files of a question together, what the model is shown. */
  readonly maxTokens: number;
}

/** What the files of a question say, by their `uniqueId`. */
export interface ReadFiles {
  readonly texts: ReadonlyMap<string, FileText>;
  /** Those that are nothing but pictures. */
  readonly pictures: ReadonlyMap<string, FilePictures>;
  /** Those of which only a small preview can be seen. */
  readonly previewed: ReadonlySet<string>;
  /** Those that could not be read. */
  readonly refused: ReadonlySet<string>;
  /** The first of them, and why. */
  readonly problem?: UnreadFile | undefined;
  /** Nothing is left to be asked: none of what was sent could be read. */
  readonly unread: boolean;
}

/** Files of one question that are read. */
const mostFiles = 10;
/** What stays with an exchange: whoever asks on about a file of this size has all of it before them. */
const keptTokens = 8_000;
/** Of what a model reads, the files of a question; the rest is for the history, the question and the answer. */
const shareOfContext = 0.5;

interface ReadingFiles {
  readonly language: string | undefined;
  /** Is called when there are any. */
  reading(): void;
  /** What an answer before has left of a file: it need not be read again. */
  recall(uniqueId: string): Promise<FileText | undefined>;
  readonly signal: AbortSignal;
}

/** Of what a question may be shown of a long file, the part for what fits the question behind the beginning. */
const shareOfMatches = 0.2;
/** Long files from before of which a question gets pieces, and how much of them in all. */
const mostInPieces = 3;
const pieceTokens = 8_000;
const shareOfPieces = 0.25;

/** Why a picture that was sent as a file may be seen small alone. */
const onlySmall: ReadonlySet<FileProblem> = new Set([
  "picture-format",
  "too-many-pixels",
  "too-big",
  "limits",
  "unknown",
]);

const nothing: ReadFiles = {
  ...{ texts: new Map(), pictures: new Map(), previewed: new Set(), refused: new Set() },
  unread: false,
};

/** Reads the files of a question; what was read when the signal is aborted is all that there will be. */
export async function readFiles(
  files: FilesDeps | undefined,
  asked: Content,
  { language, reading: begin, recall, signal }: ReadingFiles,
): Promise<ReadFiles> {
  const unread = asked.filter((part) => part.type === "file");
  if (files === undefined || unread.length === 0) return nothing;
  begin();
  const texts = new Map<string, FileText>();
  const pictures = new Map<string, FilePictures>();
  const previewed = new Set<string>();
  const refused = new Set(unread.slice(mostFiles).map(({ uniqueId }) => uniqueId));
  let problem: UnreadFile | undefined = refused.size > 0 ? { why: "too-many" } : undefined;
  for (const part of unread.slice(0, mostFiles)) {
    const reading = (await recall(part.uniqueId)) ?? (await readOne(files, part, language, signal));
    if (reading === undefined) break;
    if (reading.kind === "text") texts.set(part.uniqueId, reading);
    else if (reading.kind === "pictures") pictures.set(part.uniqueId, reading);
    else if (isPreviewed(part, reading.reason)) previewed.add(part.uniqueId);
    else {
      refused.add(part.uniqueId);
      problem ??= { why: reading.reason, ...(unread.length > 1 ? { name: part.name } : {}) };
    }
  }
  const own = unread.filter(({ quoted }) => !quoted);
  const isThere = (id: string) => texts.has(id) || pictures.has(id) || previewed.has(id);
  const lost = own.length > 0 && !own.some(({ uniqueId }) => isThere(uniqueId));
  const isOver = lost && problem !== undefined && asked.every(isWordOrFile);
  return { texts, pictures, previewed, refused, problem, unread: isOver };
}

/** Of a document that is none, what Telegram shows of it would only be its first page, too small to be read. */
function isPreviewed({ preview, mime }: FilePart, reason: FileProblem): boolean {
  const isPicture = reason === "picture-format" || reason === "too-many-pixels" || mime?.startsWith("image/") === true;
  return preview !== undefined && isPicture && onlySmall.has(reason);
}

function isWordOrFile({ type }: Content[number]): boolean {
  return type === "text" || type === "file";
}

/** Undefined when nobody waits for it any more. */
async function readOne(
  files: FilesDeps,
  part: FilePart,
  language: string | undefined,
  signal: AbortSignal,
): Promise<FileReading | undefined> {
  if (signal.aborted) return undefined;
  try {
    return await files.read(part, language, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

/** The question with a picture for each page of those files that are nothing but pictures, or with their preview. */
export function withPages({ pictures, previewed }: ReadFiles, asked: Content): Content {
  return asked.flatMap((part): Content => {
    if (part.type !== "file") return [part];
    const { fileId, uniqueId, quoted, preview } = part;
    const found = pictures.get(uniqueId);
    if (preview !== undefined && previewed.has(uniqueId)) {
      return [part, { ...preview, type: "picture", shows: "file", ...(quoted === undefined ? {} : { quoted }) }];
    }
    if (found === undefined) return [part];
    const pages = found.pictures.map(
      ({ number, width, height }): PicturePart => ({
        ...{ type: "picture", fileId, uniqueId: pageId(uniqueId, number), page: number, width, height },
        ...(quoted === undefined ? {} : { quoted }),
      }),
    );
    return [part, ...pages];
  });
}

/** The question, in which each file says so that could not be read: nobody else tells the model. */
function withUnread({ refused }: ReadFiles, asked: Content): Content {
  return asked.map((part) => (part.type === "file" && refused.has(part.uniqueId) ? { ...part, unread: true } : part));
}

/** How far the first of these files is shown that has more pages than are shown. */
function pagesLeftOut(pictures: ReadFiles["pictures"]): FileExtent | undefined {
  for (const { pictures: shown, total } of pictures.values()) {
    if (shown.length < total) return { unit: "page", to: shown.at(-1)?.number ?? 0, total };
  }
  return undefined;
}

/** What a model that reads so many tokens is shown of a question with files, and what is said of that. */
export function shownWith(
  read: ReadFiles,
  asked: Content,
  files: FilesDeps | undefined,
  contextTokens: number,
): { readonly asked: Content; readonly notes: readonly Note[] } {
  const { texts, pictures, problem } = read;
  const most = Math.min(files?.maxTokens ?? 0, Math.floor(contextTokens * shareOfContext));
  const { shown, cut = pagesLeftOut(pictures) } = withTexts(withUnread(read, asked), texts, most);
  return {
    asked: shown,
    notes: [
      ...(problem === undefined ? [] : [{ kind: "file-unread" as const, ...problem }]),
      ...(cut === undefined ? [] : [{ kind: "file-cut" as const, ...cut }]),
    ],
  };
}

/** What is known of the files of a question from an answer to it before: a short one stands in its exchange, a long one is kept. */
export function recallFrom(
  store: Pick<Store, "readHistory" | "readFile">,
  { conversation, root }: Pick<Turn, "conversation" | "root">,
): ReadingFiles["recall"] {
  let reading: ReturnType<typeof store.readHistory> | undefined;
  return async (uniqueId) => {
    reading ??= store.readHistory(conversation, 1);
    const [exchange] = await reading;
    const asked = exchange?.question === root ? exchange.asked : [];
    const known = asked.find((part) => part.type === "file" && part.uniqueId === uniqueId);
    if (known?.type !== "file" || known.text === undefined) return await store.readFile(conversation, uniqueId);
    // Its pages, if it has any, are named in its text.
    return { kind: "text", format: "text", total: 1, cut: false, parts: [{ number: 1, text: known.text }] };
  };
}

/** What stays of a question with files in the history: short ones with their text, of long ones that they are kept. */
export function keptWith(read: ReadFiles, asked: Content): Content {
  const { texts } = read;
  let left = keptTokens;
  return withUnread(read, asked).map((part) => {
    const text = part.type === "file" ? texts.get(part.uniqueId) : undefined;
    if (part.type !== "file" || text === undefined) return part;
    const { tokens, ...whole } = beginningOf(text, left);
    const most = text.parts.at(-1)?.number ?? 0;
    const fits = whole.extent === undefined || (!text.cut && whole.extent.to === most && tokens < left);
    if (!fits) return { ...part, kept: true as const };
    left -= tokens;
    return { ...part, ...whole };
  });
}

/** Keeps what the long ones of these files say, for the questions that follow. */
export async function keepLong(
  store: Pick<Store, "keepFile">,
  turn: Pick<Turn, "conversation" | "question" | "run">,
  { texts }: ReadFiles,
  kept: Content,
): Promise<void> {
  for (const part of kept) {
    const text = part.type === "file" && part.kept ? texts.get(part.uniqueId) : undefined;
    if (part.type === "file" && text !== undefined) await store.keepFile(turn, part.uniqueId, text);
  }
}

/** Pieces of the long files in what was asked before, the newest files first, that may help with this question. */
export async function piecesOfKept(
  { store, work }: { readonly store: Pick<Store, "readFile">; readonly work: Work },
  conversation: ConversationId,
  shown: readonly Content[],
  asked: Content,
  contextTokens: number,
): Promise<Content> {
  const present = new Set(asked.map((part) => (part.type === "file" ? part.uniqueId : "")));
  const long = new Map<string, FilePart>();
  for (const part of shown.toReversed().flat()) {
    if (part.type === "file" && part.kept && !present.has(part.uniqueId)) long.set(part.uniqueId, part);
  }
  const files = [...long.values()].slice(0, mostInPieces);
  const question = textOf(asked);
  const most = Math.floor(Math.min(pieceTokens, contextTokens * shareOfPieces) / Math.max(1, files.length));
  const pieces: TextPart[] = [];
  for (const part of files) {
    const file = await store.readFile(conversation, part.uniqueId);
    const found = file === undefined ? "" : work(() => piecesFor(question, file, most));
    if (found !== "") pieces.push({ type: "text", text: piecesInWords(part, found) });
  }
  return pieces;
}

interface FittedFiles {
  readonly shown: Content;
  /** How far the first of them was read that is too long. */
  readonly cut: Omit<Extract<Note, { kind: "file-cut" }>, "kind"> | undefined;
}

/** The files with as much of their texts as fits, one after another; of long ones the beginning, and what fits the question. */
function withTexts(asked: Content, texts: ReadFiles["texts"], maxTokens: number): FittedFiles {
  const question = textOf(asked.filter(({ type }) => type === "text"));
  let left = maxTokens;
  let cut: FittedFiles["cut"];
  const shown = asked.flatMap((part): Content => {
    const text = part.type === "file" ? texts.get(part.uniqueId) : undefined;
    if (part.type !== "file" || text === undefined) return [part];
    let fitted = beginningOf(text, left);
    const rest = fitted.extent && question !== "" ? restOf(text, fitted) : undefined;
    const pieces = rest === undefined ? "" : matchingPieces(question, rest, Math.floor(left * shareOfMatches));
    if (pieces !== "") {
      const words = countTokens(pieces);
      fitted = beginningOf(text, left - words);
      left -= words;
    }
    const { tokens, ...beginning } = fitted;
    left -= tokens;
    if (beginning.extent !== undefined) cut ??= { ...beginning.extent, ...(pieces === "" ? {} : { pieces: true }) };
    const more: TextPart[] = pieces === "" ? [] : [{ type: "text", text: piecesInWords(part, pieces) }];
    return [{ ...part, ...beginning }, ...more];
  });
  return { shown, cut };
}
