/** The pictures of a prompt: which of them a model is shown, and the words that stand in the place of the others. */
import {
  type Content,
  type ContentPart,
  type ImagePart,
  isIncidental,
  isText,
  type ModelContent,
  type PicturePart,
  textParts,
  wordsOf,
} from "../ports/content.ts";
import { MediaError, type MediaReader } from "../ports/media.ts";
import type { ChatMessage, ModelRequest, Models } from "../ports/models.ts";
import type { Note } from "../ports/notes.ts";
import { wordsForModel } from "./file-words.ts";

/** A message of a prompt, with references in it. */
export interface AskedMessage {
  readonly role: ChatMessage["role"];
  readonly content: Content;
}

export interface Pictures {
  /** The question is about pictures that can be shown: a model is to be asked that sees. */
  readonly asked: boolean;
  /** Set where it was nothing but pictures, of which none could be had or is seen: what is said of that. */
  readonly unseen: readonly Note[] | undefined;
  /** What is said of those that are only the cover of something, or a small preview. */
  readonly previews: readonly Note[];
  /** Pictures of all that is sent that could not be had. */
  readonly lost: number;
  /** What is said of those of the question that nobody has looked for. */
  readonly notes: readonly Note[];
  /** The messages as a model is sent them. */
  fill(messages: readonly AskedMessage[]): readonly ChatMessage[];
  fill(messages: readonly AskedMessage[] | undefined): readonly ChatMessage[] | undefined;
}

export interface PicturesDeps {
  readonly media: Pick<MediaReader, "picture">;
  readonly models: Pick<Models, "seeing" | "capabilities">;
  readonly log: Pick<NonNullable<ModelRequest["log"]>, "warn">;
}

/** Exchanges whose pictures are sent again: people ask about what they have just sent. */
const exchangesShown = 2;
const fetchedAtOnce = 4;
/** Of a prompt, the newest: no provider is sent more, and some take fewer. */
const mostShown = 20;

/** What is sent to a model beside pictures that came without a word. */
const uncaptioned =
  "[These pictures came without a word. Describe briefly what is to be seen, and ask what is wanted of you.]";
/** In the place of a picture. */
const lost = "[a picture that could not be fetched]";
/** In the place of one that the same message shows already. */
const sameAgain = "[the same picture again]";

/** Whether there is a picture in it that somebody has to see. */
export function holdsPicture(content: Content): boolean {
  return content.some((part) => isPicture(part) && !isIncidental(part));
}

/** The questions of a prompt, oldest first: older ones in words alone, so that what stands before the newest stays the same. */
export function inWordsButNewest(asked: readonly Content[]): readonly Content[] {
  const older = Math.max(0, asked.length - exchangesShown);
  return asked.map((content, at) => (at < older ? textParts(wordsForModel(content)) : content));
}

/**
 * Fetches the pictures of a prompt, each once, if anybody sees those of its question. Never rejects for a picture that cannot be
 * had.
 */
export async function fetchPictures(
  { media, models, log }: PicturesDeps,
  question: Content,
  {
    messages,
    choice,
    model,
  }: {
    readonly messages: readonly AskedMessage[];
    readonly choice: Parameters<Models["seeing"]>[0];
    /** That is asked first where nobody has to see anything. */
    readonly model: string;
  },
  signal: AbortSignal,
): Promise<Pictures> {
  const isAsked = holdsPicture(question);
  const isSeen = !isAsked || models.seeing(choice) !== undefined;
  const seesIncidental = isSeen && (isAsked || models.capabilities(model).sees);
  const parts = isSeen ? messages.flatMap(({ content }) => content.filter(isPicture)) : [];
  const asks = (isAsked && models.seeing(choice)) || model;
  const most = Math.min(mostShown, models.capabilities(asks).mostPictures ?? mostShown);
  const fitting = parts.filter((part) => seesIncidental || !isIncidental(part));
  const wanted = newestOf(fitting, most);
  const isLeftOut = (part: PicturePart) =>
    isSeen && wanted.size === most && !isIncidental(part) && !wanted.has(part.uniqueId);
  const images = new Map<string, ImagePart>();
  const waiting = wanted.values();
  await Promise.all(
    Array.from({ length: fetchedAtOnce }, async () => {
      for (const part of waiting) {
        const image = await fetched(part);
        if (image !== undefined) images.set(part.uniqueId, image);
      }
    }),
  );

  async function fetched(part: PicturePart): Promise<ImagePart | undefined> {
    if (signal.aborted) return undefined;
    try {
      return await media.picture(part, signal);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      if (!signal.aborted) log.warn({ kind: error.kind, reason: error.message }, "a picture could not be fetched");
      return undefined;
    }
  }

  function fill(asked: readonly AskedMessage[]): readonly ChatMessage[];
  function fill(asked: readonly AskedMessage[] | undefined): readonly ChatMessage[] | undefined;
  function fill(asked: readonly AskedMessage[] | undefined) {
    return asked && filled(asked, images, isLeftOut);
  }

  const isThere = (part: PicturePart) => images.has(part.uniqueId);
  const own = question.filter(isPicture);
  const isShown = own.some(isThere);
  // Words tell what a sticker says; of a film that came without any nothing is left.
  const speaks = own.some(({ shows }) => shows === "sticker");
  const missing = [...wanted.values()].filter((part) => !isThere(part) && !isIncidental(part));
  const previews = signal.aborted ? [] : previewsOf(own, isThere);
  const nothingElse = isSeen && !isShown && !speaks && own.length > 0 && own.length === question.length;
  return {
    asked: isAsked && (own.some((part) => isThere(part) && !isIncidental(part)) || !isSeen),
    unseen: nothingElse ? previews : undefined,
    previews,
    lost: signal.aborted ? 0 : missing.length,
    notes: isSeen && own.some(isLeftOut) ? [{ kind: "pictures-left-out", shown: most }] : [],
    fill,
  };
}

/** A note for each kind of them. */
function previewsOf(own: readonly PicturePart[], isThere: (part: PicturePart) => boolean): readonly Note[] {
  return (["video", "animation", "file"] as const).flatMap((of): Note[] => {
    const parts = own.filter(({ shows }) => shows === of);
    const seen = parts.some(isThere);
    // Of a file that is not even seen small, the reason is told elsewhere.
    return parts.length === 0 || (of === "file" && !seen) ? [] : [{ kind: "preview", of, seen }];
  });
}

/** Those that are shown, by their `uniqueId`, in their order. */
function newestOf(parts: readonly PicturePart[], most: number): ReadonlyMap<string, PicturePart> {
  const newest = new Set<string>();
  for (const { uniqueId } of parts.toReversed()) if (newest.size < most) newest.add(uniqueId);
  return new Map(parts.flatMap((part) => (newest.has(part.uniqueId) ? [[part.uniqueId, part]] : [])));
}

/** The newest of several that are the same is shown. `isLeftOut`: nobody has looked for it. */
function filled(
  messages: readonly AskedMessage[],
  images: ReadonlyMap<string, ImagePart>,
  isLeftOut: (part: PicturePart) => boolean,
): readonly ChatMessage[] {
  const shown = new Set<string>();
  function asSent(part: PicturePart, at: number, all: readonly PicturePart[]): ModelContent {
    const image = images.get(part.uniqueId);
    const words = textParts(part.shows === undefined ? "" : wordsOf(part));
    if (image === undefined && isLeftOut(part)) return textParts(wordsOf(part));
    if (image === undefined) return isIncidental(part) ? words : textParts(lost);
    const isFirstHere = all.findIndex(({ uniqueId }) => uniqueId === part.uniqueId) === at;
    if (!isFirstHere) return textParts(sameAgain);
    if (shown.has(part.uniqueId)) return textParts(wordsOf(part));
    shown.add(part.uniqueId);
    return [image, ...words];
  }
  return messages
    .toReversed()
    .map(({ role, content }) => {
      const sent = content.filter(isPicture).flatMap(asSent);
      const isSilent = content.every((part) => isPicture(part) && part.shows !== "sticker") && !isText(sent);
      const words = wordsForModel(content.filter((part) => !isPicture(part)));
      return { role, content: [...sent, ...textParts(isSilent ? uncaptioned : words)] };
    })
    .toReversed();
}

function isPicture(part: ContentPart): part is PicturePart {
  return part.type === "picture";
}
