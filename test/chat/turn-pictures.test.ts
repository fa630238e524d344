/** Pictures that come with an answer, from the model to the screen. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { photoWords } from "../../src/ports/content.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { noteWords } from "../support/note-words.ts";
import { conversation, createTurnScene, delta, end, question } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { ask, turn, history, asked } = scene;

const ends = (names: readonly string[], pictures = names.length): ModelEvent => ({
  ...(end() as Extract<ModelEvent, { type: "answer-end" }>),
  pictures,
  drawn: names.map((name) => ({ bytes: Buffer.from(name), mime: "image/png" as const })),
});

describe("an answer with pictures", () => {
  it("shows them once its text stands there", async () => {
    scene.script = [delta("Here."), ends(["sun", "moon"])];
    expect(await ask()).toBe("complete");
    expect(scene.shown).toEqual(["Here.", "finish", "picture image/png sun", "picture image/png moon"]);
    expect(scene.views).toEqual([{ markdown: "Here.", button: "regenerate" }]);
    expect(await turn()).toMatchObject({
      state: "done",
      pictures: [
        { key: "model:0:0", message: 900 },
        { key: "model:0:1", message: 901 },
      ],
    });
    expect(await history()).toEqual([["why?", "Here."]]);
  });

  it("may be nothing else, and says so", async () => {
    scene.script = [ends(["sun"])];
    expect(await ask()).toBe("complete");
    expect(scene.views).toEqual([{ markdown: "", button: "regenerate", note: noteWords.picturesAlone(1) }]);
    expect(scene.shown).toEqual(["finish", "picture image/png sun"]);
    // No model takes an empty answer.
    expect(await history()).toEqual([["why?", photoWords]]);
  });

  it("tells how many could not be shown", async () => {
    scene.script = [delta("Here."), ends(["1", "2", "3", "4", "5"], 7)];
    await ask();
    expect(scene.shown.filter((one) => one.startsWith("picture"))).toHaveLength(4);
    expect(scene.views[0]?.note).toBe(noteWords.picturesDropped(3));
  });

  it("is brought to the screen by whoever comes after a crash, without the model", async () => {
    scene.script = [delta("Here."), ends(["sun", "moon"])];
    scene.sending = async () => {
      if (scene.shown.includes("picture image/png sun")) throw new Error("killed");
    };
    await expect(ask()).rejects.toThrow("killed");
    scene.sending = async () => undefined;
    expect(await ask()).toBe("complete");
    expect(scene.requests).toHaveLength(1);
    expect(scene.shown.filter((one) => one.startsWith("picture"))).toEqual([
      "picture image/png sun",
      "picture image/png moon",
    ]);
  });

  it("shows what a delivery before has kept, and not what comes anew under the same key", async () => {
    scene.script = [delta("Here."), ends(["sun"])];
    const { finishTurn } = scene.store;
    scene.store.finishTurn = () => Promise.reject(new Error("killed"));
    await expect(ask()).rejects.toThrow("killed");
    scene.store.finishTurn = finishTurn;
    scene.script = [delta("There."), ends(["another sun"])];
    await ask();
    expect(scene.shown.filter((one) => one.startsWith("picture"))).toEqual(["picture image/png sun"]);
  });
});

describe("another answer to the same question", () => {
  async function drawn(): Promise<void> {
    scene.script = [delta("Here."), ends(["sun"])];
    await ask();
    scene.shown.length = 0;
  }

  it("takes the former pictures away", async () => {
    await drawn();
    await asked("No picture.", { run: 2 });
    expect(scene.shown).toEqual(["No picture.", "finish", "remove picture 900"]);
    expect(await turn()).not.toHaveProperty("pictures");
  });

  it("takes them away when it is a picture alone", async () => {
    await drawn();
    scene.script = [ends(["moon"])];
    await ask({ run: 2 });
    expect(scene.shown).toEqual(["finish", "remove picture 900", "picture image/png moon"]);
    expect(await turn()).toMatchObject({ pictures: [{ key: "model:0:0", message: 901 }] });
  });

  it("that comes to nothing leaves them where they are, with the former text", async () => {
    await drawn();
    scene.script = [new ModelError("upstream", "a/one", "500")];
    expect(await ask({ run: 2 })).toBe("failed");
    expect(scene.views.at(-1)).toMatchObject({ markdown: "Here." });
    expect(scene.shown).toEqual(["finish"]);
    expect(await turn()).toMatchObject({ pictures: [{ key: "model:0:0", message: 900 }] });
    // They belong to it again, and go with it.
    await asked("At last.", { run: 3 });
    expect(scene.shown).toContain("remove picture 900");
  });

  it("that comes to nothing takes them away when something else was asked", async () => {
    await drawn();
    scene.script = [new ModelError("upstream", "a/one", "500")];
    await ask({ run: 2, asked: "what else?" });
    expect(scene.shown).toEqual(["finish", "remove picture 900"]);
  });

  it("takes away those of what had gone on with it", async () => {
    scene.script = [delta("Half"), { ...ends(["sun"]), finish: "length" } as ModelEvent];
    await ask();
    await scene.store.setTurnMessages(conversation, 50, 1, [60]);
    scene.script = [delta(" and half"), ends(["moon"])];
    await ask({ id: 60, run: 2, continuing: 50 });
    scene.shown.length = 0;
    await asked("Whole.", { id: question.id, run: 3 });
    expect(scene.shown).toEqual(["Whole.", "finish", "remove picture 900", "remove picture 901"]);
  });
});
