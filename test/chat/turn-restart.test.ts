/** Turns whose model fails in the middle of its answer: the next writes it anew, in the same message. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { answerQuestion } from "../../src/chat/turn.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { noteWords } from "../support/note-words.ts";
import { createTurnScene, cut, delta, end, question, type Step } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { deps, openScreen, ask, abort, turn, history } = scene;

const attempt = (model: string): Step => ({ type: "attempt", model });
/** A model writes so much and fails, and the other one is asked. */
const failing = (text: string): Step[] => [
  attempt("a/one"),
  delta(text),
  { type: "restart" },
  { type: "trying-again", reason: "connection" },
  attempt("b/two"),
];
const broken = (model: string) => new ModelError("connection", model, "cut");
const line = "A line of words that is longer than what a phone shows in one line. ";

describe("an answer whose model has failed in its middle", () => {
  it("stands until the new one is longer than a line, and nothing of it is left in the end", async () => {
    scene.script = [
      ...failing("It was the old"),
      delta("Begun"),
      delta(" anew"),
      delta(`. ${line}`),
      delta("End."),
      end("b/two"),
    ];
    expect(await ask()).toBe("complete");
    const whole = `Begun anew. ${line}End.`;
    expect(scene.shown).toEqual(["It was the old", `Begun anew. ${line}`, whole, "finish"]);
    expect(scene.views).toEqual([{ markdown: whole, note: noteWords.answeredBy("b/two"), button: "regenerate" }]);
    expect(await history()).toEqual([["why?", whole]]);
    expect(scene.activities.map(({ kind }) => kind)).toEqual(["thinking", "trying-again", "thinking"]);
  });

  it("gives way to a new one that is shorter than a line, at its end", async () => {
    scene.script = [...failing(line), delta("Yes."), end("b/two")];
    await ask();
    expect(scene.shown).toEqual([line, "finish"]);
    expect(scene.views[0]?.markdown).toBe("Yes.");
  });

  it("stays when it is stopped before the new one is longer than a line, and is its model's", async () => {
    scene.script = [...failing("It was the old"), delta("New"), abort("stop"), delta(line), end("b/two")];
    expect(await ask()).toBe("stopped");
    expect(scene.views).toEqual([{ markdown: "It was the old", note: noteWords.stopped, button: "retry" }]);
    expect((await scene.store.readHistory("7"))[0]).toMatchObject({ answered: "It was the old", model: "a/one" });
  });

  it("does not stay when it is stopped after that", async () => {
    scene.script = [...failing("It was the old"), delta(line), abort("stop"), end("b/two")];
    expect(await ask()).toBe("stopped");
    expect(scene.views[0]?.markdown).toBe(line);
    expect((await scene.store.readHistory("7"))[0]).toMatchObject({ answered: line, model: "b/two" });
  });

  it("stays with the failure and Retry when the next fails before it has written as much", async () => {
    scene.script = [...failing(`${line}${line}`), delta(line), broken("b/two")];
    expect(await ask()).toBe("failed");
    expect(scene.shown).toEqual([`${line}${line}`, line, "finish"]);
    expect(scene.views).toEqual([
      { markdown: `${line}${line}`, note: noteWords.modelFailed("connection"), button: "retry" },
    ]);
    expect(await history()).toEqual([]);
  });

  it("gives way to the longer one when all have failed", async () => {
    scene.script = [...failing(line), delta(`New: ${line}`), broken("b/two")];
    await ask();
    expect(scene.views[0]?.markdown).toBe(`New: ${line}`);
    scene.script = [...failing(line), broken("b/two")];
    await ask({ id: 51, root: 51, run: 2 });
    expect(scene.views[1]?.markdown).toBe(line);
  });

  it("stays though the next one answers nothing that can be seen", async () => {
    scene.script = [...failing(line), delta("** **"), end("b/two")];
    expect(await ask()).toBe("empty");
    expect(scene.views[0]).toMatchObject({ markdown: line, button: "retry" });
  });

  it("may be written anew more than once", async () => {
    const again: Step[] = [{ type: "restart" }, attempt("a/three")];
    scene.script = [
      ...failing(`${line}1`),
      delta(`${line}2`),
      ...again,
      delta("short"),
      ...again,
      delta(`${line}3`),
      end("a/three"),
    ];
    await ask();
    expect(scene.shown).toEqual([`${line}1`, `${line}2`, `${line}3`, "finish"]);
    expect(scene.views[0]?.markdown).toBe(`${line}3`);
  });

  it("is kept as it stands by an interrupt while the new one is short", async () => {
    const kept: (string | undefined)[] = [];
    const interrupting = new AbortController();
    const keeping = { interrupting: interrupting.signal, keep: async ({ answer }: Turn) => void kept.push(answer) };
    scene.script = [
      ...failing("It was the old"),
      delta("New"),
      () => interrupting.abort(),
      abort("stop"),
      end("b/two"),
    ];
    expect(await answerQuestion(deps(), question, openScreen, scene.stop.signal, keeping)).toBe("stopped");
    expect(kept).toEqual(["It was the old"]);
  });

  it("is written anew by the delivery after a crash, in the same messages", async () => {
    scene.script = [...failing(line), abort("shutdown"), end("b/two")];
    await expect(ask()).rejects.toThrow("shutting down");
    await scene.store.setTurnMessages("7", 50, 1, [60, 61]);
    scene.stop = new AbortController();
    scene.script = [attempt("a/one"), delta("Whole."), end()];
    expect(await ask()).toBe("complete");
    expect(scene.opened.at(-1)?.turn.messages).toEqual([60, 61]);
    expect(await turn()).toMatchObject({ state: "done", answer: "Whole." });
  });

  it("is only the part that is gone on with where an answer is continued", async () => {
    scene.script = [delta("one, "), cut];
    await ask();
    await scene.store.setTurnMessages("7", 50, 1, [60]);
    scene.script = [...failing("two, three"), delta("two"), end("b/two")];
    expect(await ask({ id: 60, root: 50, run: 2, continuing: 50 })).toBe("complete");
    expect(scene.views.at(-1)?.markdown).toBe("two");
    expect(await history()).toEqual([["why?", "one, two"]]);
  });
});
