/** Answers that are given again: to whom, and which of them. */
import { beforeEach, describe, expect, it } from "vitest";
import { textParts } from "../../src/ports/content.ts";
import { english } from "../../src/texts/english.ts";
import { readUsage } from "../support/read-usage.ts";
import { conversation, createTurnScene, cut, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { asked, ask } = scene;
const line = english.note({ kind: "cached" });
const cache = { shared: false, keepMs: 1000, settings: "s" };

/** How many questions have gone to a model. */
const calls = () => scene.requests.length;
const newTopic = () => scene.store.forget(conversation);

/** Asks a new question, the first one of its conversation; the model says "new" if it is asked. */
async function askFirst(id: number, more: Parameters<typeof ask>[0] = {}): Promise<string | undefined> {
  await scene.store.forget(more.conversation ?? conversation);
  scene.script = [delta("new"), end()];
  await ask({ id, root: id, run: id, ...more });
  return (await scene.store.readTurn(more.conversation ?? conversation, id))?.answer;
}

describe("a first question that was asked before", () => {
  beforeEach(() => {
    scene.answerCache = cache;
  });

  it("gets the same answer, marked, without a call, and nothing is counted", async () => {
    await asked("old");
    const before = await readUsage(scene.store, 7, 0);
    expect(await askFirst(60)).toBe("old");
    expect(calls()).toBe(1);
    expect(scene.views.at(-1)).toMatchObject({ markdown: "old", button: "regenerate", note: line });
    expect(await scene.history()).toEqual([["why?", "old"]]);
    expect((await scene.store.readHistory(conversation))[0]).toMatchObject({ model: "a/one", question: 60 });
    expect(await readUsage(scene.store, 7, 0)).toEqual(before);
    expect(scene.observed).toEqual(["usage a/one", "complete", "complete"]);
    expect(scene.endings).toEqual([
      { outcome: "complete", model: "a/one", finish: "stop" },
      { outcome: "complete", model: "a/one", finish: "stop", cached: true },
    ]);
    // What comes behind it sees it.
    scene.script = [delta("more"), end()];
    await ask({ id: 61, root: 61, run: 61, asked: "and?" });
    expect(scene.requests.at(-1)?.messages.map(({ content }) => content)).toEqual(["Be brief.", "why?", "old", "and?"]);
  });

  it("gets it when nothing more may be spent, too", async () => {
    await asked("old");
    scene.spending = { budgets: { "user-day": { unit: "tokens", amount: 1 } } };
    expect(await askFirst(60)).toBe("old");
    await askFirst(61, { asked: "what else?" });
    expect((await scene.turn(61))?.notes).toMatchObject([{ kind: "over-budget" }]);
  });

  it("goes to the model where that was not asked for, and nothing is read or kept", async () => {
    scene.answerCache = undefined;
    const store = scene.store;
    scene.store = { ...store, readAnswer: () => Promise.reject(new Error("read")) };
    await asked("old");
    expect(await askFirst(60)).toBe("new");
    scene.store = store;
    scene.answerCache = cache;
    expect(await askFirst(61)).toBe("new");
    expect(calls()).toBe(3);
  });

  it("is not kept for a question with more than words, whose picture another one may have", async () => {
    const picture = { type: "picture", fileId: "f", uniqueId: "u", width: 1, height: 1 } as const;
    const withPicture = { asked: [picture, ...textParts("why?")] };
    await asked("old", withPicture);
    expect(await askFirst(60, withPicture)).toBe("new");
    expect(calls()).toBe(2);
  });

  it.each([
    ["other words", async () => askFirst(60, { asked: "why? " })],
    ["another chat", async () => askFirst(60, { conversation: "8" })],
    [
      "another persona",
      async () => {
        await scene.store.setSetting(conversation, "persona", "A pirate.");
        return await askFirst(60);
      },
    ],
    [
      "another model",
      async () => {
        await scene.store.setSetting(conversation, "model", "b/two");
        return await askFirst(60);
      },
    ],
    [
      "another effort",
      async () => {
        await scene.store.setSetting(conversation, "effort", "high");
        return await askFirst(60);
      },
    ],
    [
      "other settings of the operator",
      async () => {
        scene.answerCache = { ...cache, settings: "t" };
        return await askFirst(60);
      },
    ],
    [
      "a wish to see thoughts",
      async () => {
        await scene.store.setSetting(conversation, "thoughts", "on");
        return await askFirst(60);
      },
    ],
    ["something unseen beside it", async () => askFirst(60, { questionNotes: [{ kind: "unseen", what: "photo" }] })],
  ])("goes to the model with %s", async (_what, again) => {
    await asked("old");
    expect(await again()).toBe("new");
    expect(calls()).toBe(2);
  });

  it("goes to the model behind another question", async () => {
    await asked("old");
    await scene.asked("second", { id: 51, root: 51, run: 51, asked: "and?" });
    scene.script = [delta("new"), end()];
    await ask({ id: 52, root: 52, run: 52 });
    expect((await scene.turn(52))?.answer).toBe("new");
    expect(calls()).toBe(3);
  });

  it("goes to the model again for Regenerate, an edit and /retry, whose answer is given from then on", async () => {
    await asked("old");
    expect(await askFirst(60)).toBe("old");
    scene.script = [delta("regenerated"), end()];
    await ask({ id: 60, root: 60, run: 61 });
    expect([calls(), (await scene.turn(60))?.answer]).toEqual([2, "regenerated"]);
    await ask({ id: 62, root: 60, run: 62 });
    expect(calls()).toBe(3);
    expect(await askFirst(70)).toBe("regenerated");
    expect(calls()).toBe(3);
  });

  it("goes to the model after a crash, and what that says is not kept", async () => {
    await asked("old");
    await newTopic();
    const begun = { id: 60, root: 60, run: 60 };
    await scene.store.beginTurn({
      ...{ conversation, question: 60, root: 60, run: 60, state: "writing", asked: textParts("why?"), messages: [900] },
    });
    scene.script = [delta("after the crash"), end()];
    await ask(begun);
    expect([calls(), (await scene.turn(60))?.answer]).toEqual([2, "after the crash"]);
    expect(await askFirst(70)).toBe("old");
  });

  it("that is stopped before its answer is found has none", async () => {
    await asked("old");
    await newTopic();
    scene.stop.abort("stop");
    await ask({ id: 60, root: 60, run: 60 });
    expect([calls(), (await scene.turn(60))?.outcome]).toEqual([1, "stopped"]);
  });

  it("gets those of other chats where they are shared", async () => {
    scene.answerCache = { ...cache, shared: true };
    await asked("old");
    expect(await askFirst(60, { conversation: "8", userId: 8 })).toBe("old");
    await scene.store.eraseUser(7);
    expect(await askFirst(61, { conversation: "8", userId: 8 })).toBe("old");
  });

  it("gets those of other topics of its chat", async () => {
    await asked("old");
    expect(await askFirst(60, { conversation: "7:3" })).toBe("old");
  });

  it("is answered by the model that auto chooses for it", async () => {
    scene.auto = { name: "auto", models: { cheap: "a/one", strong: "b/two" } };
    await scene.store.setSetting(conversation, "model", "auto");
    await asked("old");
    expect(await askFirst(60)).toBe("old");
    expect((await scene.turn(60))?.notes).toEqual([
      { kind: "cached" },
      { kind: "auto-chose", model: "a/one", because: "short" },
    ]);
    await scene.store.setSetting(conversation, "effort", "high");
    await askFirst(61);
    expect(scene.tiers).toEqual(["cheap", "strong"]);
  });
});

describe("an answer is not kept", () => {
  beforeEach(() => {
    scene.answerCache = cache;
  });

  it.each([
    ["that was cut", () => [delta("old"), cut]],
    ["of a fallback", () => [delta("old"), end("b/two")]],
    ["with pictures", () => [delta("old"), { ...end(), pictures: 1 }]],
    ["that another model began anew", () => [delta("half"), { type: "restart" as const }, delta("old"), end()]],
    ["that was stopped", () => [delta("old"), scene.abort("stop"), end()]],
    ["of more than 16,000 characters", () => [delta("x".repeat(16_001)), end()]],
  ])("%s", async (_which, script) => {
    scene.script = script() as typeof scene.script;
    await ask();
    scene.stop = new AbortController();
    expect(await askFirst(60)).toBe("new");
    expect(calls()).toBe(2);
  });
});
