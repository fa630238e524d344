/** Turns that end before their answer is whole. */
import { describe, expect, it } from "vitest";
import { BudgetError, ModelError } from "../../src/base/errors.ts";
import { answerQuestion, type TurnDeps } from "../../src/chat/turn.ts";
import { english as texts } from "../../src/texts/english.ts";
import { noteWords } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";
import { conversation, createTurnScene, delta, end, question, type Step } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { deps, openScreen, ask, abort, turn, history, asked } = scene;

describe("a stop", () => {
  it("keeps what was written, with a line, Retry and a place in the history", async () => {
    scene.script = [delta("half an"), delta(" answer"), abort("stop"), delta(" more"), end()];
    expect(await ask()).toBe("stopped");
    expect(scene.views).toEqual([{ markdown: "half an answer", note: texts.stopped, button: "retry" }]);
    expect(await history()).toEqual([["why?", "half an answer"]]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "stopped" });
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 1 });
    expect(scene.observed).toEqual(["usage a/one", "stopped"]);
  });

  it("is obeyed although the model goes on", async () => {
    const deaf: TurnDeps = {
      ...deps(),
      models: {
        ...deps().models,
        async *answer() {
          yield delta("half");
          scene.stop.abort("stop");
          yield delta(" an answer");
          throw new Error("was read on");
        },
      },
    };
    expect(await answerQuestion(deaf, question, openScreen, scene.stop.signal)).toBe("stopped");
    expect(scene.views[0]?.note).toBe(texts.stopped);
  });

  it("before the first word says only that, and leaves history and ledger alone", async () => {
    scene.script = [abort("new"), delta("late"), end()];
    expect(await ask()).toBe("stopped");
    expect(scene.views).toEqual([{ markdown: "", note: texts.stopped, button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 0 });
  });

  it("that came before the start asks no model", async () => {
    scene.stop.abort("stop");
    expect(await ask()).toBe("stopped");
    expect(scene.requests).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done" });
  });

  it("of a Regenerate before its first word leaves the former answer, with Retry", async () => {
    await asked("Because.");
    await scene.store.setTurnMessages(conversation, 50, 1, [60]);
    scene.script = [abort("stop"), end()];
    expect(await ask({ run: 2 })).toBe("stopped");
    expect(scene.shown.at(-1)).toBe("leave retry");
    expect(scene.views).toHaveLength(1);
    expect(await history()).toEqual([["why?", "Because."]]);
    expect(await turn()).toMatchObject({ state: "done", answer: "Because.", button: "retry", messages: [60] });
  });

  it("is no failure, although the model throws because of it", async () => {
    const throwing: TurnDeps = {
      ...deps(),
      models: {
        ...deps().models,
        async *answer() {
          yield delta("half");
          scene.stop.abort("stop");
          throw new ModelError("connection", "a/one", "aborted");
        },
      },
    };
    expect(await answerQuestion(throwing, question, openScreen, scene.stop.signal)).toBe("stopped");
    expect(scene.views[0]?.note).toBe(texts.stopped);
    expect(scene.warn).not.toHaveBeenCalled();
  });
});

describe("a failure of the model", () => {
  it("keeps the partial answer with one plain line and Retry, out of the history", async () => {
    scene.script = [delta("half"), new ModelError("truncated", "a/one", "no finish_reason", { status: 200 })];
    expect(await ask()).toBe("failed");
    expect(scene.views).toEqual([{ markdown: "half", note: noteWords.modelFailed("truncated"), button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "failed", answer: "half" });
    // The call has its line already, from those who made it.
    expect(scene.warn).not.toHaveBeenCalled();
    expect(scene.endings).toEqual([{ outcome: "failed", model: "a/one", failure: "truncated" }]);
  });

  it("has no Retry where retrying cannot help", async () => {
    scene.script = [new ModelError("auth", "a/one", "401")];
    expect(await ask()).toBe("failed");
    expect(scene.views).toEqual([{ markdown: "", note: noteWords.modelFailed("auth") }]);
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 0 });
  });

  it("tells the seconds that the provider asks for", async () => {
    scene.script = [new ModelError("rate-limit", "a/one", "429", { retryAfterMs: 12_000 })];
    await ask();
    expect(scene.views[0]?.note).toContain("12 seconds");
  });

  it.each([
    ["upstream", 41_000, "⚠️ The model's provider has a problem. Please try again in 45 seconds."],
    ["timeout", 121_000, "⚠️ The model took too long. Please try again in about 3 minutes."],
    ["busy", 7_300_000, /Please try again in about 3 hours\.$/],
    ["connection", 900, "⚠️ The connection to the model's provider failed. Please try again."],
    ["empty", 5_000, /Please try again in 5 seconds, or choose another model/],
  ] as const)(
    "tells when it is worth trying again, as people would: %s after %d ms",
    async (kind, retryAfterMs, words) => {
      scene.script = [new ModelError(kind, "a/one", "no", { retryAfterMs })];
      await ask();
      expect(scene.views[0]).toMatchObject({ note: expect.stringMatching(words), button: "retry" });
    },
  );

  it("of a Regenerate leaves the former answer on the screen and in the history", async () => {
    await asked("Because.");
    scene.script = [new ModelError("upstream", "a/one", "500")];
    expect(await ask({ run: 2 })).toBe("failed");
    expect(scene.views[1]).toEqual({ markdown: "Because.", note: noteWords.modelFailed("upstream"), button: "retry" });
    expect(await history()).toEqual([["why?", "Because."]]);
  });

  it("of an edited question does not show the answer to the former words", async () => {
    await asked("Because.");
    scene.script = [new ModelError("upstream", "a/one", "500")];
    await ask({ run: 2, asked: "when?" });
    expect(scene.views[1]?.markdown).toBe("");
  });
});

describe("an empty answer", () => {
  it.each([
    ["nothing at all", [end()]],
    ["invisible Markdown", [delta("** **"), delta("\n"), end()]],
    ["an error of that kind", [new ModelError("empty", "a/one", "nothing")]],
  ] as [string, Step[]][])("of %s gets the sentence for that and stays out of the history", async (_name, steps) => {
    scene.script = steps;
    expect(await ask()).toBe("empty");
    expect(scene.views).toEqual([{ markdown: "", note: noteWords.modelFailed("empty"), button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "empty" });
  });

  it("is charged when the provider says what it cost", async () => {
    scene.script = [delta("**"), end()];
    await ask();
    expect(await readUsage(scene.store, 7, 0)).toMatchObject({ answers: 1, outputTokens: 5 });
  });
});

describe("a chat that blocks the bot", () => {
  it("ends the turn quietly, stops the model and is remembered as done", async () => {
    scene.script = [delta("half"), () => scene.gone.abort(), delta(" more"), end()];
    expect(await ask()).toBe("blocked");
    expect(scene.shown).toEqual(["half"]);
    expect(scene.views).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "blocked" });
    expect(await history()).toEqual([]);
    expect(scene.observed).toContain("blocked");
  });

  it("at the very end leaves the answer in the history", async () => {
    scene.script = [delta("x"), end()];
    scene.finishing = async () => scene.gone.abort();
    expect(await ask()).toBe("blocked");
    expect(await history()).toEqual([["why?", "x"]]);
    expect(scene.observed).toContain("blocked");
  });
});

it("says whose budget is used up, below nothing, when a question would cost more than is left", async () => {
  const resetsAt = Date.UTC(2026, 10, 28);
  scene.script = [new BudgetError("user-day", resetsAt)];
  expect(await ask()).toBe("failed");
  const note = "💸 Your budget for today is used up. It resets at 2026-11-28 00:00 UTC.";
  expect(scene.views).toEqual([{ markdown: "", note, button: "retry" }]);
  expect(await turn()).toMatchObject({ state: "done", notes: [{ kind: "over-budget", whose: "user-day", resetsAt }] });
  expect(await history()).toEqual([]);
});
