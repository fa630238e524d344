/** The pictures of a prompt: which of them a model is shown, and the words that stand in the place of the others. */
import {
  type Content,
  type ContentPart,
  type ImagePart,
  isText,
  type ModelContent,
  type PicturePart,
  textParts,
  wordsOf,
} from "../ports/content.ts";
import { MediaError, type MediaReader } from "../ports/media.ts";
import type { ChatMessage, ModelRequest, Models } from "../ports/models.ts";
import { wordsForModel } from "./file-words.ts";

/** A message of a prompt, with references in it. */
export interface AskedMessage {
  readonly role: ChatMessage["role"];
  readonly content: Content;
}

export interface Pictures {
  /** The question is about pictures that can be shown: a model is to be asked that sees. */
  readonly asked: boolean;
  /** It was nothing but pictures, of which none could be had. */
  readonly nothingElse: boolean;
  /** Pictures of all that is sent that could not be had. */
  readonly lost: number;
  /** The messages as a model is sent them. */
  fill(messages: readonly AskedMessage[]): readonly ChatMessage[];
  fill(messages: readonly AskedMessage[] | undefined): readonly ChatMessage[] | undefined;
}

export interface PicturesDeps {
  readonly media: Pick<MediaReader, "picture">;
  readonly models: Pick<Models, "seeing">;
  readonly log: Pick<NonNullable<ModelRequest["log"]>, "warn">;
}

/** Exchanges whose pictures are sent again: people ask about what they have just sent. */
const exchangesShown = 2;
const fetchedAtOnce = 4;

/** What is sent to a model beside pictures that came without a word. */
const uncaptioned =
  "[These pictures came without a word. Describe briefly what is to be seen, and ask what is wanted of you.]";
/** In the place of a picture. */
const lost = "[a picture that could not be fetched]";

/** Whether there is a picture in it. */
export function holdsPicture(content: Content): boolean {
  return content.some(({ type }) => type === "picture");
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
  }: { readonly messages: readonly AskedMessage[]; readonly choice: Parameters<Models["seeing"]>[0] },
  signal: AbortSignal,
): Promise<Pictures> {
  const isAsked = holdsPicture(question);
  const isSeen = !isAsked || models.seeing(choice) !== undefined;
  const parts = isSeen ? messages.flatMap(({ content }) => content.filter(isPicture)) : [];
  const wanted = new Map(parts.map((part) => [part.uniqueId, part]));
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
    return asked && filled(asked, images);
  }

  const isShown = question.some((part) => isPicture(part) && images.has(part.uniqueId));
  return {
    asked: isAsked && (isShown || !isSeen),
    nothingElse: isAsked && isSeen && !isShown && question.every(isPicture),
    lost: signal.aborted ? 0 : wanted.size - images.size,
    fill,
  };
}

/** The newest of several that are the same is shown. */
function filled(messages: readonly AskedMessage[], images: ReadonlyMap<string, ImagePart>): readonly ChatMessage[] {
  const shown = new Set<string>();
  function asSent(part: PicturePart): ModelContent {
    const image = images.get(part.uniqueId);
    if (image === undefined) return textParts(lost);
    if (shown.has(part.uniqueId)) return textParts(wordsOf(part));
    shown.add(part.uniqueId);
    return [image];
  }
  return messages
    .toReversed()
    .map(({ role, content }) => {
      const sent = content.filter(isPicture).flatMap(asSent);
      const isSilent = content.every(isPicture) && !isText(sent);
      const words = wordsForModel(content.filter((part) => !isPicture(part)));
      return { role, content: [...sent, ...textParts(isSilent ? uncaptioned : words)] };
    })
    .toReversed();
}

function isPicture(part: ContentPart): part is PicturePart {
  return part.type === "picture";
}
