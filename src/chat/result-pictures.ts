/**
 * The pictures of results: the chat is shown them as they came, models that see get them small. Both are kept beside the journal
 * before their call is done, and the journal holds references.
 */
import type { ImagePart, ModelContent } from "../ports/content.ts";
import { textParts } from "../ports/content.ts";
import { MediaError, type MediaReader } from "../ports/media.ts";
import type { Step } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { ResultPicture, SeenPicture, ToolResult } from "../ports/tool-results.ts";
import type { Turn } from "../ports/turns.ts";
import type { Gallery } from "./gallery.ts";

export interface ResultPictures {
  /**
   * Takes the pictures out of what a call has returned, and says in its text what has become of those that nobody gets. Resolves
   * with the result as it is kept. The key is the call's.
   */
  take(key: string, result: ToolResult, signal: AbortSignal): Promise<ToolResult>;
  /** What a model is sent of the pictures of a result. */
  of(result: ToolResult): ModelContent;
}

export interface ResultPicturesDeps {
  readonly store: Pick<Store, "readDialog" | "writeDialog">;
  readonly media: Pick<MediaReader, "fitted">;
  readonly log: { warn(fields: object, message: string): void };
}

type OfTurn = Pick<Turn, "conversation" | "question">;

/** Of one that models could see, and that is not there any more. */
const gone = "[a picture that is not there any more]";
const unshown = "[the user is not shown this picture]";

/** Opens them, with those of the steps that deliveries before this one have finished. */
export async function openResultPictures(
  { store, media, log }: ResultPicturesDeps,
  { turn, gallery, steps }: { readonly turn: OfTurn; readonly gallery: Gallery; readonly steps: readonly Step[] },
): Promise<ResultPictures> {
  const images = new Map<string, ImagePart>();
  for (const picture of seenIn(steps)) {
    const base64 = await store.readDialog(nameOf(turn, picture.key));
    if (base64 !== undefined) images.set(picture.key, imageOf(picture, Buffer.from(base64, "base64")));
  }

  /** Undefined when it is no picture that anybody could look at. */
  async function fitted(bytes: Uint8Array, signal: AbortSignal): Promise<ImagePart | "unread" | undefined> {
    try {
      return await media.fitted(bytes, signal);
    } catch (error) {
      // The call was made, whoever is not waited for any more.
      if (signal.aborted) return "unread";
      if (!(error instanceof MediaError)) throw error;
      log.warn(
        { kind: error.kind, reason: error.message, bytes: bytes.length },
        "a picture of a tool could not be read",
      );
      return error.kind === "unreachable" ? "unread" : undefined;
    }
  }

  /** Takes one; resolves with how models get it, with nothing when only the chat does, with `false` when nobody does. */
  async function takeOne(key: string, { base64, ...picture }: ResultPicture, own: boolean, signal: AbortSignal) {
    const bytes = Buffer.from(base64, "base64");
    const image = own ? "unread" : await fitted(bytes, signal);
    if (image === undefined) return false;
    const shown = await gallery.add(key, { ...picture, bytes });
    if (image === "unread") return shown ? undefined : false;
    const { width, height } = image;
    await store.writeDialog(nameOf(turn, key), Buffer.from(image.data).toString("base64"));
    images.set(key, image);
    return { key, width, height, ...(shown ? {} : { unshown: true as const }) };
  }

  return {
    async take(key, { pictures = [], ...result }, signal) {
      if (pictures.length === 0) return result;
      const seen: SeenPicture[] = [];
      const lost: string[] = [];
      for (const [at, picture] of pictures.entries()) {
        const taken = await takeOne(`${key}/${at}`, picture, !result.untrusted, signal);
        if (taken === false) lost.push(`\n[picture ${at + 1} cannot be shown to anybody]`);
        else if (taken !== undefined) seen.push(taken);
      }
      return { ...result, text: result.text + lost.join(""), ...(seen.length === 0 ? {} : { seen }) };
    },
    of: ({ seen = [] }) =>
      seen.flatMap(({ key, unshown: hidden }): ModelContent => {
        const image = images.get(key);
        if (image === undefined) return textParts(gone);
        return hidden ? [image, ...textParts(unshown)] : [image];
      }),
  };
}

/** Forgets what models have seen, once the turn of these steps is over: nobody asks for it any more. */
export async function forgetSeen(
  store: Pick<Store, "deleteDialog">,
  turn: OfTurn,
  steps: readonly Step[],
): Promise<void> {
  for (const { key } of seenIn(steps)) await store.deleteDialog(nameOf(turn, key));
}

function seenIn(steps: readonly Step[]): readonly SeenPicture[] {
  return steps.flatMap(({ calls }) => calls.flatMap(({ result }) => result?.seen ?? []));
}

function nameOf({ conversation, question }: OfTurn, key: string): string {
  return `${conversation}/seen/${question}/${key}`;
}

function imageOf({ width, height }: SeenPicture, data: Uint8Array): ImagePart {
  return { type: "image", mime: "image/jpeg", data, width, height };
}
