/** Pictures below answers: kept before they are sent, shown once, gone with the answer that they belong to. */
import { describe, expect, it } from "vitest";
import { largestPictureBytes } from "../../src/base/picture-formats.ts";
import { formerPictures, openGallery } from "../../src/chat/gallery.ts";
import type { ShownPicture } from "../../src/chat/screen.ts";
import { textParts } from "../../src/ports/content.ts";
import type { Turn, TurnPicture } from "../../src/ports/turns.ts";
import { conversation, createTurnScene } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { turn } = scene;

const picture = (name: string, caption?: string): ShownPicture => ({
  bytes: Buffer.from(name),
  mime: "image/png",
  ...(caption === undefined ? {} : { caption }),
});

/** The gallery of a turn that is being written, as its record tells of it. */
async function open(pictures: readonly TurnPicture[] = []) {
  const known = await turn();
  const begun: Turn = known ?? {
    ...{ conversation, question: 50, root: 50, run: 1, state: "writing", messages: [], asked: textParts("why?") },
    pictures,
  };
  if (known === undefined) await scene.store.beginTurn(begun);
  return { gallery: openGallery(scene.store, begun), screen: scene.openScreen(begun, undefined, []) };
}

const standing = async () => (await turn())?.pictures;
const bytesKept = (key: string) => scene.store.readDialog(`${conversation}/picture/50/1/${key}`);

describe("a picture of an answer", () => {
  it("is kept before it is sent, and its message after", async () => {
    const { gallery, screen } = await open();
    expect(await gallery.add("a", picture("sun", "the sun"))).toBe(true);
    expect(await standing()).toEqual([{ key: "a" }]);
    let keptMeanwhile: unknown;
    scene.sending = async () => {
      keptMeanwhile = await bytesKept("a");
    };
    await gallery.show(screen);
    expect(keptMeanwhile).toContain(Buffer.from("sun").toString("base64"));
    expect(scene.shown).toEqual(["picture image/png sun the sun"]);
    expect(await standing()).toEqual([{ key: "a", message: 900 }]);
    expect(await bytesKept("a")).toBeUndefined();
  });

  it("is shown once for a key, whatever comes between", async () => {
    const before = await open();
    await before.gallery.add("a", picture("sun"));
    await before.gallery.add("b", picture("moon"));
    scene.sending = async () => {
      if (scene.shown.length === 1) throw new Error("killed");
    };
    await expect(before.gallery.show(before.screen)).rejects.toThrow("killed");
    scene.sending = async () => undefined;
    const after = await open();
    // What makes them is done again, too.
    expect(await after.gallery.add("a", picture("another sun"))).toBe(true);
    expect(await after.gallery.add("b", picture("another moon"))).toBe(true);
    await after.gallery.show(after.screen);
    await after.gallery.show(after.screen);
    expect(scene.shown).toEqual(["picture image/png sun", "picture image/png moon"]);
    expect((await standing())?.map(({ key }) => key)).toEqual(["a", "b"]);
  });

  it("may come with others at once: as many as there is room for", async () => {
    const { gallery, screen } = await open();
    const names = ["a", "b", "c", "d", "e", "f"];
    const took = await Promise.all(names.map((name) => gallery.add(name, picture(name))));
    expect(took).toEqual([true, true, true, true, false, false]);
    expect(gallery.size).toBe(4);
    await gallery.show(screen);
    expect(scene.shown).toHaveLength(4);
    expect((await standing())?.map(({ message }) => message)).toEqual([900, 901, 902, 903]);
  });

  it("is not taken when it is larger than Telegram takes", async () => {
    const { gallery } = await open();
    const large = { ...picture("x"), bytes: new Uint8Array(largestPictureBytes + 1) };
    expect(await gallery.add("a", large)).toBe(false);
    expect(await gallery.add("a", { ...large, bytes: large.bytes.subarray(1) })).toBe(true);
  });

  it("that could not be kept has not taken a place, and may come again", async () => {
    const { gallery, screen } = await open();
    const { writeDialog } = scene.store;
    scene.store.writeDialog = () => Promise.reject(new Error("the disk is full"));
    await expect(gallery.add("a", picture("sun"))).rejects.toThrow("the disk is full");
    scene.store.writeDialog = writeDialog;
    expect(await gallery.add("a", picture("sun"))).toBe(true);
    await gallery.show(screen);
    expect(scene.shown).toEqual(["picture image/png sun"]);
  });

  it("that the chat does not take is given up, and the next is sent", async () => {
    const { gallery, screen } = await open();
    await gallery.add("a", picture("sun"));
    await gallery.add("b", picture("moon"));
    const ids = [undefined, 7];
    scene.pictureIds = () => ids.shift();
    await gallery.show(screen);
    await gallery.show(screen);
    expect(scene.shown).toHaveLength(2);
    expect(await standing()).toEqual([{ key: "b", message: 7 }]);
    expect(await bytesKept("a")).toBeUndefined();
  });

  it("stays to be shown while nobody can be shown anything", async () => {
    const { gallery, screen } = await open();
    await gallery.add("a", picture("sun"));
    scene.gone.abort();
    await gallery.show(screen);
    expect(scene.shown).toEqual([]);
    expect(await standing()).toEqual([{ key: "a" }]);
  });

  it("is forgotten with its conversation", async () => {
    const { gallery } = await open();
    await gallery.add("a", picture("sun"));
    await scene.store.eraseUser(7);
    expect(await turn()).toBeUndefined();
    expect(await bytesKept("a")).toBeUndefined();
  });
});

describe("pictures of the answer before", () => {
  const former = (message: number): TurnPicture => ({ key: "0", message, former: true });

  it("are those that stand there", () => {
    const turns = [{ pictures: [{ key: "0", message: 5 }, { key: "1" }] }, undefined, { pictures: [former(4)] }];
    expect(formerPictures(turns)).toEqual([former(5), former(4)]);
  });

  it("go when those of the new one come, under the same keys", async () => {
    const { gallery, screen } = await open([former(5)]);
    expect(gallery.size).toBe(0);
    await gallery.add("0", picture("moon"));
    await gallery.leaveFormer();
    await gallery.show(screen);
    expect(scene.shown).toEqual(["remove picture 5", "picture image/png moon"]);
    expect(await standing()).toEqual([{ key: "0", message: 900 }]);
  });

  it("stay with the answer that stays", async () => {
    const { gallery, screen } = await open([former(5)]);
    await gallery.leaveFormer();
    await gallery.show(screen);
    expect(scene.shown).toEqual([]);
    expect(await standing()).toEqual([{ key: "0", message: 5 }]);
  });
});
