/**
 * The pictures of an answer. Each is kept before it is sent, and the id of its message after, so that whoever comes after a crash
 * shows it once; only what was on its way then may stand there twice. They are shown below the answer's text, once that stands.
 */
import { largestPictureBytes, type PictureMime } from "../base/picture-formats.ts";
import type { Store } from "../ports/store.ts";
import type { Turn, TurnPicture } from "../ports/turns.ts";
import type { Screen, ShownPicture } from "./screen.ts";

export interface Gallery {
  /** How many of this run it holds. */
  readonly size: number;
  /**
   * Takes a picture of this run, to be shown below its answer. A key that it has already it takes and leaves as it is. Resolves
   * when it is kept; false: no more are shown with one answer, or none of this size. The key has no brackets.
   */
  add(key: string, picture: ShownPicture): Promise<boolean>;
  /** Takes those that a model has drawn. Resolves with how many of them will be shown. */
  addAll(key: string, pictures: readonly ShownPicture[] | undefined): Promise<number>;
  /** The run leaves the answer before where it stands: its pictures stay, too. */
  leaveFormer(): Promise<void>;
  /** Shows those that do not stand there yet, and takes away those of the answer before. */
  show(screen: Screen): Promise<void>;
}

/** An album has more, but nobody asks for it. */
const mostPictures = 4;

/** The pictures of a turn's record, as those of another run of it, and of what had gone on with it, leave them behind. */
export function formerPictures(turns: readonly (Pick<Turn, "pictures"> | undefined)[]): readonly TurnPicture[] {
  return turns
    .flatMap((turn) => turn?.pictures ?? [])
    .flatMap(({ key, message }) => (message === undefined ? [] : [{ key, message, former: true as const }]));
}

/** Opens what a turn's record tells of its pictures. */
export function openGallery(
  store: Pick<Store, "setTurnPictures" | "readDialog" | "writeDialog" | "deleteDialog">,
  turn: Pick<Turn, "conversation" | "question" | "run" | "pictures">,
): Gallery {
  const { conversation, question, run } = turn;
  let pictures = turn.pictures ?? [];
  /** Those that have a place: tools may make several at once. */
  const taken = new Set(pictures.flatMap(({ key, former }) => (former ? [] : [key])));
  let saving: Promise<void> = Promise.resolve();
  const kept = (key: string) => `${conversation}/picture/${question}/${run}/${key}`;

  /** In the order of the calls, whatever became of those before. */
  function save(next: readonly TurnPicture[]): Promise<void> {
    pictures = next;
    const write = () => store.setTurnPictures(conversation, question, run, pictures);
    saving = saving.then(write, write);
    return saving;
  }

  async function read(key: string): Promise<ShownPicture | undefined> {
    const text = await store.readDialog(kept(key));
    return text === undefined ? undefined : decode(text);
  }

  async function showOne(picture: TurnPicture, screen: Screen): Promise<void> {
    const { key, message, former } = picture;
    const others = () => pictures.filter((one) => one !== picture);
    if (former) {
      if (message !== undefined) await screen.removePicture(message);
      await save(others());
    } else if (message === undefined) {
      const shown = await read(key);
      const sent = shown && (await screen.picture(shown));
      await save(
        sent === undefined ? others() : pictures.map((one) => (one === picture ? { key, message: sent } : one)),
      );
      await store.deleteDialog(kept(key));
    }
  }

  async function add(key: string, picture: ShownPicture): Promise<boolean> {
    if (taken.has(key)) return true;
    if (taken.size >= mostPictures || picture.bytes.length > largestPictureBytes) return false;
    taken.add(key);
    try {
      await store.writeDialog(kept(key), encode(picture));
      await save([...pictures, { key }]);
    } catch (error) {
      taken.delete(key);
      throw error;
    }
    return true;
  }

  return {
    get size() {
      return taken.size;
    },
    add,
    async addAll(key, drawn = []) {
      let shown = 0;
      for (const [index, picture] of drawn.entries()) if (await add(`${key}:${index}`, picture)) shown += 1;
      return shown;
    },
    async leaveFormer() {
      if (taken.size > 0 || pictures.length === 0) return;
      await save(pictures.map(({ former: _former, ...picture }) => picture));
    },
    async show(screen) {
      for (const picture of pictures) {
        if (screen.gone.aborted) return;
        await showOne(picture, screen);
      }
    },
  };
}

interface Kept {
  readonly base64: string;
  readonly mime: PictureMime;
  readonly caption?: string | undefined;
}

function encode({ bytes, mime, caption }: ShownPicture): string {
  const picture: Kept = { base64: Buffer.from(bytes).toString("base64"), mime, caption };
  return JSON.stringify(picture);
}

function decode(text: string): ShownPicture {
  const { base64, mime, caption } = JSON.parse(text) as Kept;
  return { bytes: Buffer.from(base64, "base64"), mime, caption };
}
