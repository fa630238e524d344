import { describe, expect, it, vi } from "vitest";
import { answerQuestion } from "../../src/chat/turn.ts";
import { textParts } from "../../src/ports/content.ts";
import { noteWords, saying } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";
import { conversation, createTurnScene, delta, end, endWithoutUsage, question, usage } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { deps, openScreen, ask, abort, turn, history, asked } = scene;

describe("a complete answer", () => {
  it("is shown as it grows, finished with Regenerate, and enters history and ledger", async () => {
    scene.script = [{ type: "attempt", model: "a/one" }, { type: "thinking" }, delta("Be"), delta("cause."), end()];
    expect(await ask()).toBe("complete");
    expect(scene.shown).toEqual(["Be", "Because.", "finish"]);
    expect(scene.views).toEqual([{ markdown: "Because.", button: "regenerate" }]);
    expect(await turn()).toMatchObject({
      state: "done",
      outcome: "complete",
      answer: "Because.",
      asked: textParts("why?"),
      run: 1,
    });
    expect(await scene.store.readHistory(conversation)).toEqual([
      {
        question: 50,
        asked: textParts("why?"),
        answered: "Because.",
        tokens: expect.any(Number),
        at: 5000,
        model: "a/one",
      },
    ]);
    expect((await scene.store.readHistory(conversation))[0]?.tokens).toBeGreaterThan(2);
    const totals = { answers: 1, ...usage, cost: 0.05, unpriced: 0 };
    expect(await readUsage(scene.store, 7, 0)).toEqual(totals);
    expect(scene.observed).toEqual(["usage a/one", "complete"]);
  });

  it("has its record written before the screen opens, and its end before the screen shows it", async () => {
    const states: (string | undefined)[] = [];
    scene.script = [delta("x"), end()];
    scene.finishing = async () => {
      states.push((await turn())?.state, (await history())[0]?.[1]);
    };
    await answerQuestion(
      deps(),
      question,
      (begun, former, dropped) => {
        expect(begun.state).toBe("writing");
        void turn().then((record) => states.push(record?.state));
        return openScreen(begun, former, dropped);
      },
      scene.stop.signal,
    );
    expect(states).toEqual(["writing", "answered", "x"]);
  });

  it("is asked for with persona and history, of the model that the conversation has chosen", async () => {
    await asked("first answer", { id: 40, root: 40, asked: "first" });
    await scene.store.setSetting(conversation, "model", "b/two");
    await scene.store.setSetting(conversation, "persona", "Be rude.");
    scene.script = [delta("x"), end("b/two")];
    await ask({ run: 2 });
    expect(scene.requests[0]?.model).toBe("a/one");
    expect(scene.requests[0]?.messages[0]).toEqual({ role: "system", content: "Be brief." });
    expect(scene.requests[1]).toEqual({
      model: "b/two",
      messages: [
        { role: "system", content: "Be rude." },
        { role: "user", content: "first" },
        { role: "assistant", content: "first answer" },
        { role: "user", content: "why?" },
      ],
    });
  });

  it("comes from the default model when the chosen one is no longer offered", async () => {
    await scene.store.setSetting(conversation, "model", "c/gone");
    await asked("x");
    expect(scene.requests[0]?.model).toBe("a/one");
    expect(scene.views[0]).not.toHaveProperty("note");
  });

  it("says which other model wrote it, and charges that one", async () => {
    scene.script = [delta("x"), end("b/two")];
    await ask();
    expect(scene.views).toEqual([{ markdown: "x", note: noteWords.answeredBy("b/two"), button: "regenerate" }]);
    expect(await history()).toEqual([["why?", "x"]]);
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ unpriced: 1, cost: 0 });
  });

  it("puts at most two lines below an answer, first its own and then those of its question", async () => {
    await scene.asked("x", { questionNotes: [saying("unseen")] });
    scene.script = [delta("x"), end("b/two")];
    await scene.ask({ id: 51, root: 51, run: 2, questionNotes: [saying("unseen"), saying("unheard")] });
    expect(scene.views.map(({ note }) => note)).toEqual(["unseen", `${noteWords.answeredBy("b/two")}\nunseen`]);
    expect(await scene.history()).toEqual([
      ["why?", "x"],
      ["why?", "x"],
    ]);
  });

  it("has its tokens counted here when the provider sent no usage", async () => {
    scene.script = [delta("one two three"), endWithoutUsage];
    const finish = vi.spyOn(scene.store, "finishTurn");
    await ask();
    const [entry] = finish.mock.calls[0]?.[2] ?? [];
    expect(entry).toMatchObject({ userId: 7, model: "a/one", estimated: true, cachedTokens: 0 });
    expect(entry?.outputTokens).toBe(3);
    expect(entry?.inputTokens).toBeGreaterThan(3);
    scene.script = [delta("x"), end()];
    await ask({ id: 51, root: 51, run: 2 });
    expect(finish.mock.calls[1]?.[2]).toMatchObject([{ estimated: false, ...usage }]);
  });

  it("tells that it waits for a place at the provider", async () => {
    scene.script = [{ type: "waiting", provider: "ollama" }, delta("x"), end()];
    await ask();
    expect(scene.activities).toEqual([{ kind: "waiting-for-place", provider: "ollama" }]);
    expect(scene.shown).toEqual(["x", "finish"]);
  });

  it("tells what the model is at until text comes", async () => {
    const attempt = { type: "attempt", model: "a/one" } as const;
    const again = { type: "trying-again", reason: "rate-limit" } as const;
    scene.script = [attempt, { type: "thinking" }, again, attempt, delta("x"), end()];
    await ask();
    expect(scene.activities.map(({ kind }) => kind)).toEqual(["thinking", "thinking", "trying-again", "thinking"]);
    expect(scene.shown).toEqual(["x", "finish"]);
  });

  it("says nothing of a model that failed before anything was shown, but for the line below", async () => {
    const quiet = { type: "trying-again", reason: "auth", quiet: true } as const;
    const other = { type: "attempt", model: "b/two" } as const;
    scene.script = [{ type: "attempt", model: "a/one" }, quiet, other, delta("x"), end("b/two")];
    await ask();
    expect(scene.activities.map(({ kind }) => kind)).toEqual(["thinking", "thinking"]);
    expect(scene.views).toMatchObject([{ markdown: "x", note: noteWords.answeredBy("b/two") }]);
  });

  it("stays one when the stop comes after its last word", async () => {
    scene.script = [delta("x"), end(), abort("stop")];
    expect(await ask()).toBe("complete");
    expect(scene.views[0]?.button).toBe("regenerate");
  });
});

describe("answering again", () => {
  it("replaces the exchange in its place and does not show the model the former answer", async () => {
    await asked("one", { id: 40, root: 40, asked: "first" });
    await asked("two", { id: 50, root: 50, asked: "second", run: 2 });
    await asked("another two", { id: 50, root: 50, asked: "second", run: 3 });
    expect(scene.requests[2]?.messages.map(({ content }) => content)).toEqual(["Be brief.", "first", "one", "second"]);
    expect(await history()).toEqual([
      ["first", "one"],
      ["second", "another two"],
    ]);
    expect(scene.opened[2]?.former).toMatchObject({ answer: "two", run: 2 });
  });

  it("by /retry is a turn of its own for the same exchange", async () => {
    await asked("one", { asked: "first" });
    await asked("better", { id: 70, root: 50, asked: "first", run: 2 });
    expect(scene.requests[1]?.messages.map(({ content }) => content)).toEqual(["Be brief.", "first"]);
    expect(await history()).toEqual([["first", "better"]]);
    expect(scene.opened[1]).toMatchObject({ turn: { messages: [] }, former: undefined });
  });

  it("in another conversation does not see this one", async () => {
    await asked("one");
    await asked("two", { conversation: "7:12", run: 2 });
    expect(scene.requests[1]?.messages).toHaveLength(2);
  });
});

describe("a conversation that is forgotten meanwhile", () => {
  it("keeps neither turn nor exchange of the answer that was being written", async () => {
    scene.script = [delta("half"), () => void scene.store.forget(conversation), abort("new"), end()];
    expect(await ask()).toBe("stopped");
    expect(await history()).toEqual([]);
    expect(await turn()).toBeUndefined();
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 1 });
  });
});
