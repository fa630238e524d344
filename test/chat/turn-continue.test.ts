/** Turns that go on with an answer which was cut at the length limit. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { goOn, shownText } from "../../src/chat/continuation.ts";
import { textParts } from "../../src/ports/content.ts";
import { noteWords } from "../support/note-words.ts";
import { conversation, createTurnScene, cut, delta, end } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { ask, abort, history, turn, asked } = scene;

/** An answer that was cut, in message 60. */
async function begun(text = "one, "): Promise<void> {
  scene.script = [delta(text), cut];
  await ask();
  await scene.store.setTurnMessages(conversation, 50, 1, [60]);
}

const onward = (changes: object = {}) => ask({ id: 60, root: 50, run: 2, continuing: 50, ...changes });

describe("a continuation", () => {
  it("is a turn of its own, asks the model as the user to go on, and writes the same exchange", async () => {
    await asked("earlier", { id: 40, root: 40, run: 0, asked: "before" });
    await begun();
    scene.script = [delta("two"), cut];
    expect(await onward()).toBe("complete");
    expect(scene.requests[2]?.messages.map(({ role, content }) => `${role}: ${content}`)).toEqual([
      "system: Be brief.",
      "user: before",
      "assistant: earlier",
      "user: why?",
      "assistant: one, ",
      `user: ${goOn}`,
    ]);
    expect(scene.views[2]).toEqual({ markdown: "two", note: noteWords.cutAtLength, button: "continue" });
    expect(await turn(60)).toMatchObject({ root: 50, state: "done", continues: { question: 50, length: 5 } });
    expect((await scene.store.newestTurn(conversation))?.question).toBe(60);
    expect(await history()).toEqual([
      ["before", "earlier"],
      ["why?", "one, two"],
    ]);
  });

  it("adds its text once, however often it is delivered", async () => {
    await begun();
    scene.script = [delta("tw"), abort("shutdown"), end()];
    await expect(onward()).rejects.toThrow();
    expect(await history()).toEqual([["why?", "one, "]]);
    scene.stop = new AbortController();
    scene.script = [delta("two"), end()];
    scene.finishing = () => Promise.reject(new Error("Telegram is out of order"));
    await expect(onward()).rejects.toThrow("out of order");
    scene.finishing = async () => undefined;
    expect(await onward()).toBe("complete");
    expect(await onward()).toBe("complete");
    expect(scene.requests).toHaveLength(3);
    expect(await history()).toEqual([["why?", "one, two"]]);
    expect(scene.endings.map(({ outcome }) => outcome)).toEqual(["complete", "complete"]);
  });

  it("that is written anew takes the place of its own text alone", async () => {
    await begun();
    scene.script = [delta("tw"), abort("stop"), end()];
    expect(await onward()).toBe("stopped");
    expect(await history()).toEqual([["why?", "one, tw"]]);
    scene.stop = new AbortController();
    await asked("two", { id: 60, root: 50, run: 3 });
    expect(scene.requests[2]?.messages.at(-2)?.content).toBe("one, ");
    expect(await history()).toEqual([["why?", "one, two"]]);
  });

  it("that fails leaves the exchange alone", async () => {
    await begun();
    scene.script = [delta("tw"), new ModelError("truncated", "a/one", "no finish_reason")];
    expect(await onward()).toBe("failed");
    expect(scene.views[1]).toEqual({ markdown: "tw", note: noteWords.modelFailed("truncated"), button: "retry" });
    expect(await history()).toEqual([["why?", "one, "]]);
  });

  it("of an answer that is not there any more does nothing", async () => {
    await begun();
    await scene.store.forget(conversation);
    expect(await onward()).toBe("superseded");
    expect(scene.requests).toHaveLength(1);
    expect(scene.opened).toHaveLength(1);
    expect(await turn(60)).toBeUndefined();
  });

  it("is shown what it goes on with, however little history the model is shown", async () => {
    scene.limits = { maxTokens: 0, maxMessages: 0 };
    await begun();
    scene.script = [delta("two"), end()];
    await onward();
    expect(scene.requests[1]?.messages.map(({ content }) => content)).toEqual(["Be brief.", "why?", "one, ", goOn]);
  });

  it("of a very long answer is shown the end of it, and adds to the whole of it", async () => {
    const long = Array.from({ length: 3_000 }, (_, n) => `word${n}`).join(" ");
    await begun(long);
    scene.script = [delta(" more"), end()];
    await onward();
    const shown = scene.requests[1]?.messages.at(-2)?.content ?? "";
    expect(shown).toMatch(/^word0 word1 .*are left out here.* word2998 word2999$/s);
    expect((await history())[0]?.[1]).toBe(`${long} more`);
  });
});

describe("an answer that was continued and is written anew", () => {
  async function continuedTwice(): Promise<void> {
    await begun();
    scene.script = [delta("two, "), cut];
    await onward();
    await scene.store.setTurnMessages(conversation, 60, 2, [61, 62], 63);
    scene.script = [delta("three"), end()];
    await onward({ id: 62, run: 3 });
    await scene.store.setTurnMessages(conversation, 62, 3, [64]);
  }

  it("takes up all messages, and the turns that had gone on with it are forgotten", async () => {
    await continuedTwice();
    expect(await history()).toEqual([["why?", "one, two, three"]]);
    await asked("fresh", { run: 4 });
    const { turn: again, former, dropped } = scene.opened.at(-1) ?? {};
    expect(again?.messages).toEqual([60, 61, 62, 64]);
    expect(former?.answer).toBe("one, two, three");
    expect(dropped?.map(({ question, file }) => [question, file])).toEqual([
      [60, 63],
      [62, undefined],
    ]);
    expect(await history()).toEqual([["why?", "fresh"]]);
    expect([await turn(60), await turn(62)]).toEqual([undefined, undefined]);
    expect((await scene.store.newestTurn(conversation))?.question).toBe(50);
    expect(scene.requests.at(-1)?.messages.at(-1)?.content).toBe("why?");
  });

  it("and fails before its first word stands there as the whole that it was", async () => {
    await continuedTwice();
    scene.script = [new ModelError("upstream", "a/one", "500")];
    expect(await ask({ run: 4 })).toBe("failed");
    expect(scene.views.at(-1)).toEqual({
      markdown: "one, two, three",
      note: noteWords.modelFailed("upstream"),
      button: "retry",
    });
    expect(await history()).toEqual([["why?", "one, two, three"]]);
  });
});

describe("a continuation of code", () => {
  const of = (openFence: string | undefined) => ({
    question: 1,
    exchange: { question: 1, asked: textParts(""), answered: "", tokens: 0, at: 0 },
    ...(openFence === undefined ? {} : { openFence }),
  });

  it.each([
    ["goes on in it", "```js", "x()\n```\nDone.", "```js\nx()\n```\nDone."],
    ["goes on in the next line", "~~~", "\nx()", "~~~\nx()"],
    ["closes it at once", "```js", "```\nDone.", "```js\n```\nDone."],
    ["opens it again", "```js", "```js\nx()\n```", "```js\nx()\n```"],
    ["has not begun", "```js", "", ""],
    ["goes on elsewhere", undefined, "x()", "x()"],
  ])("that %s", (_what, fence, text, shown) => {
    expect(shownText(of(fence), text)).toBe(shown);
  });

  it.each([
    ["a\n```js\nx(", "```js"],
    ["a\n```js\nx()\n```\nb", undefined],
    ["````md\n```\ninner\n```\n", "````md"],
    ["~~~~\n~~~\n```", "~~~~"],
    ["```js\n```\n  ```py", "```py"],
    ["inline ```code``` only", undefined],
    ["```not a `fence`\ntext", undefined],
    ["    ```\nindented", undefined],
  ])("finds the open fence of %j", async (text, fence) => {
    await begun(text);
    scene.script = [delta("MORE"), end()];
    await onward();
    expect(scene.views[1]?.markdown).toBe(fence === undefined ? "MORE" : `${fence}\nMORE`);
    expect((await history())[0]?.[1]).toBe(`${text}MORE`);
  });
});
