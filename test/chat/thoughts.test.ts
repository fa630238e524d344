/** What a model offers to be shown of its thoughts: with the turn, below the answer, and nowhere else. */
import { describe, expect, it } from "vitest";
import { createShownThoughts } from "../../src/chat/thoughts.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { conversation, createTurnScene, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { ask, history, turn } = scene;
const thought = (text: string): ModelEvent => ({ type: "thought-delta", text });

describe("a summary of thoughts", () => {
  it("is asked for when the user wants it, stands below the answer, and stays out of the history", async () => {
    await scene.store.setSetting("7", "thoughts", "shown");
    scene.script = [thought("First this, "), thought("then that."), delta("Paris."), end()];
    expect(await ask()).toBe("complete");
    expect(scene.views).toEqual([{ markdown: "Paris.", thoughts: "First this, then that.", button: "regenerate" }]);
    expect(await history()).toEqual([["why?", "Paris."]]);
    expect((await turn())?.thoughts).toBe("First this, then that.");
    expect(scene.activities).toContainEqual({ kind: "thinking", seconds: 0 });
  });

  it("is shown again by a delivery of the finished turn", async () => {
    scene.script = [thought("Hm."), delta("Paris."), end()];
    scene.finishing = async () => {
      throw new Error("Telegram is out of reach");
    };
    await expect(ask()).rejects.toThrow("out of reach");
    scene.finishing = async () => undefined;
    scene.script = [];
    expect(await ask()).toBe("complete");
    expect(scene.views.at(-1)).toMatchObject({ markdown: "Paris.", thoughts: "Hm." });
    expect(conversation).not.toBe("");
  });

  it("is that of the model that has answered", async () => {
    scene.script = [
      { type: "attempt", model: "a/one" },
      thought("wrong"),
      { type: "restart" },
      { type: "attempt", model: "b/two" },
      thought("right"),
      delta("Paris."),
      end("b/two"),
    ];
    await ask();
    expect(scene.views[0]).toMatchObject({ thoughts: "right" });
  });

  it("does not stand below an answer that failed or was stopped", async () => {
    scene.script = [thought("Hm."), delta("Par"), () => scene.stop.abort("stop")];
    expect(await ask()).toBe("stopped");
    expect((await turn())?.thoughts).toBeUndefined();
  });
});

it("keeps the beginning of long thoughts, and no half of a character", () => {
  const thoughts = createShownThoughts();
  for (let at = 0; at < 3_000; at += 1) thoughts.add("a😀");
  expect(thoughts.text.length).toBeLessThanOrEqual(3_501);
  expect(thoughts.text).toMatch(/^(?:a😀)+a?…$/u);
  thoughts.clear();
  expect(thoughts.text).toBe("");
});
