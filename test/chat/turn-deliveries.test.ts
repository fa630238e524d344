/** Turns that are cut short, and go on with another delivery. */
import { describe, expect, it, vi } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { answerQuestion } from "../../src/chat/turn.ts";
import { textParts } from "../../src/ports/content.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { english as texts } from "../../src/texts/english.ts";
import { linesOf } from "../../src/texts/texts.ts";
import { noteWords } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";
import { conversation, createTurnScene, delta, end, question } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { deps, openScreen, ask, abort, turn, history, asked } = scene;

describe("an edit while the answer is written", () => {
  it("supersedes the run without a word, and the next run writes into the same messages", async () => {
    scene.script = [delta("half"), abort("edit"), delta(" more"), end()];
    expect(await ask()).toBe("superseded");
    expect(scene.shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing", run: 1 });
    expect(await history()).toEqual([]);
    await scene.store.setTurnMessages(conversation, 50, 1, [60, 61], 62);
    scene.stop = new AbortController();
    await asked("Now.", { run: 2, asked: "when?" });
    expect(scene.opened[1]?.turn).toMatchObject({ run: 2, messages: [60, 61], file: 62, asked: textParts("when?") });
    expect(await history()).toEqual([["when?", "Now."]]);
  });
});

describe("a shutdown", () => {
  it.each(["shutdown", "lease-lost"] as const)("by %s throws, and the turn stays to be written", async (reason) => {
    scene.script = [delta("half"), abort(reason), delta(" more"), end()];
    await expect(ask()).rejects.toMatchObject({ code: "shutdown", retryable: true });
    expect(scene.shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing" });
    expect(await history()).toEqual([]);
    // What was used is counted, and no end.
    expect(scene.observed).toEqual(["usage a/one"]);
  });

  it("is followed by the same run, from the start, in the same messages", async () => {
    scene.script = [delta("half"), abort("shutdown"), end()];
    await expect(ask()).rejects.toThrow();
    await scene.store.setTurnMessages(conversation, 50, 1, [60]);
    scene.stop = new AbortController();
    await asked("whole");
    expect(scene.requests).toHaveLength(2);
    expect(scene.opened[1]?.turn.messages).toEqual([60]);
    expect(scene.views).toEqual([{ markdown: "whole", button: "regenerate" }]);
  });
});

describe("a run that is delivered again", () => {
  it("and finished is a no-op", async () => {
    await asked("Because.");
    expect(await ask()).toBe("complete");
    expect(scene.requests).toHaveLength(1);
    expect(scene.opened).toHaveLength(1);
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 1 });
  });

  it("and answered is brought to the screen without the model", async () => {
    scene.script = [delta("x"), end("b/two")];
    scene.finishing = () => Promise.reject(new Error("Telegram is out of order"));
    await expect(ask()).rejects.toThrow("out of order");
    await scene.store.setTurnMessages(conversation, 50, 1, [60]);
    expect(await turn()).toMatchObject({ state: "answered" });
    scene.finishing = async () => undefined;
    expect(await ask()).toBe("complete");
    expect(scene.requests).toHaveLength(1);
    expect(scene.opened[1]).toMatchObject({ turn: { messages: [60] }, former: undefined });
    expect(scene.views).toEqual([{ markdown: "x", note: noteWords.answeredBy("b/two"), button: "regenerate" }]);
    expect(await turn()).toMatchObject({ state: "done" });
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 1 });
  });

  it.each([
    ["a stop", () => scene.stop.abort("stop"), { outcome: "stopped", notes: [{ kind: "stopped" }], button: "retry" }],
    [
      "a failure",
      () => undefined,
      { outcome: "failed", notes: [{ kind: "failed", failure: "upstream" }], button: "retry" },
    ],
  ] as [string, () => void, Partial<Turn>][])(
    "and ended by %s before its first word keeps what stands there",
    async (_what, before, ended) => {
      scene.script = [delta("half"), abort("shutdown"), end()];
      await expect(ask()).rejects.toThrow();
      await scene.store.setTurnMessages(conversation, 50, 1, [60]);
      scene.stop = new AbortController();
      before();
      scene.script = [new ModelError("upstream", "a/one", "500")];
      expect(await ask()).toBe(ended.outcome);
      expect(scene.shown.at(-1)).toBe(`leave retry ${linesOf(texts, ended.notes ?? [])}`);
      expect(scene.views).toEqual([]);
      expect(await turn()).toMatchObject({ state: "done", messages: [60], ...ended });
      expect(await turn()).not.toHaveProperty("answer");
    },
  );

  it("after such an end that was not shown shows it", async () => {
    scene.stop.abort("stop");
    await scene.store.beginTurn({ ...question, question: 50, state: "writing", messages: [60] });
    const close = vi.spyOn(scene.store, "closeTurn").mockRejectedValueOnce(new Error("disk full"));
    await expect(ask()).rejects.toThrow("disk full");
    expect(await ask()).toBe("stopped");
    expect(scene.shown).toEqual([`leave retry ${texts.stopped}`, `leave retry ${texts.stopped}`]);
    expect(close).toHaveBeenCalledTimes(2);
  });

  it("and was stopped with a kept answer has that answer, also in the history", async () => {
    const interrupting = new AbortController();
    const keepAnswer = vi.fn(async (_turn: Turn) => undefined);
    scene.script = [
      delta("half"),
      delta(" an answer"),
      () => interrupting.abort(),
      delta(" more"),
      abort("shutdown"),
      end(),
    ];
    const run = answerQuestion(deps(), question, openScreen, scene.stop.signal, {
      interrupting: interrupting.signal,
      keep: keepAnswer,
    });
    await expect(run).rejects.toThrow();
    expect(keepAnswer).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ question: 50, run: 1, state: "writing", answer: "half an answer" }),
    );
    // So a process that was killed has left it.
    await scene.store.beginTurn({
      ...question,
      question: 50,
      state: "writing",
      messages: [60],
      answer: "half an answer",
    });
    scene.stop = new AbortController();
    scene.stop.abort("stop");
    expect(await ask()).toBe("stopped");
    expect(scene.requests).toHaveLength(1);
    expect(scene.views).toEqual([{ markdown: "half an answer", note: texts.stopped, button: "retry" }]);
    expect(await history()).toEqual([["why?", "half an answer"]]);
  });

  it("and older than the record is ignored", async () => {
    await asked("new", { run: 5 });
    expect(await ask({ run: 4 })).toBe("superseded");
    expect(scene.requests).toHaveLength(1);
    expect(await turn()).toMatchObject({ run: 5, answer: "new" });
  });
});

describe("an exception", () => {
  it("of anything but the model reaches the queue, and the screen is left", async () => {
    scene.script = [delta("half"), new TypeError("a bug")];
    await expect(ask()).rejects.toThrow("a bug");
    expect(scene.shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing" });
  });

  it("of the store at the end reaches the queue, and the screen is left", async () => {
    scene.script = [delta("x"), end()];
    scene.store.finishTurn = () => Promise.reject(new Error("disk full"));
    await expect(ask()).rejects.toThrow("disk full");
    expect(scene.shown).toEqual(["x", "leave"]);
  });
});
