/** Lines below a finished answer, and what of the history the model is shown. */
import { describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import type { ModelEvent } from "../../src/ports/models.ts";
import { english as texts } from "../../src/texts/english.ts";
import { noteWords, saying } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";
import { conversation, createTurnScene, cut, delta, end, usage } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { ask, abort, history, turn } = scene;

const ends = (finish: "stop" | "length" | "filtered" | "too-long", more: object = {}): ModelEvent => ({
  type: "answer-end",
  model: "a/one",
  finish,
  usage,
  ...more,
});
const notes = () => scene.views.map(({ note }) => note);

describe("one line below the answer", () => {
  it.each([
    ["the length limit", ends("length"), noteWords.cutAtLength, "continue"],
    ["a filter", ends("filtered"), noteWords.cutByFilter, "regenerate"],
    ["our own limit", ends("too-long"), noteWords.cutAsTooLong, "regenerate"],
    ["nothing", ends("stop"), undefined, "regenerate"],
    ["nothing, with a picture", ends("stop", { pictures: 1 }), noteWords.picturesDropped(1), "regenerate"],
    [
      "a filter, with pictures",
      ends("filtered", { pictures: 2 }),
      `${noteWords.cutByFilter}\n${noteWords.picturesDropped(2)}`,
    ],
  ] as [string, ModelEvent, string | undefined, string | undefined][])(
    "of an answer that ended by %s, outside of the history",
    async (_what, last, note, button = "regenerate") => {
      scene.script = [delta("text"), last];
      expect(await ask()).toBe("complete");
      expect(scene.views).toEqual([{ markdown: "text", button, ...(note === undefined ? {} : { note }) }]);
      expect(await history()).toEqual([["why?", "text"]]);
    },
  );

  it("never becomes a third one, and the more important stand first", async () => {
    scene.limits = { maxTokens: 1000, maxMessages: 2 };
    await scene.asked("one");
    await scene.asked("two", { id: 51, root: 51, run: 2 });
    scene.script = [delta("x"), ends("length", { model: "b/two", pictures: 3 })];
    await ask({ id: 52, root: 52, run: 3, questionNotes: [saying("unseen")] });
    expect(notes()[2]).toBe(`${noteWords.cutAtLength}\n${noteWords.historyCut}`);
  });

  it("of pictures stands below an answer that is nothing else", async () => {
    scene.script = [ends("stop", { pictures: 1 })];
    expect(await ask()).toBe("empty");
    expect(notes()).toEqual([`${noteWords.modelFailed("empty")}\n${noteWords.picturesDropped(1)}`]);
  });
});

describe("older messages that fall out of the prompt", () => {
  it("are cut at three quarters of what the model reads, however much the settings allow", async () => {
    const long = "word ".repeat(60);
    scene.script = [delta(long), end()];
    for (let at = 1; at < 9; at += 1) await ask({ id: at, root: at, run: at, asked: `question ${at}` });
    expect(scene.requests.at(-1)?.messages).toHaveLength(16);
    scene.contextTokens = 400;
    await ask({ id: 9, root: 9, run: 9, asked: "question 9" });
    expect(scene.requests.at(-1)?.messages.length).toBeLessThan(9);
    expect(notes().at(-1)).toBe(noteWords.historyCut);
  });

  /** Questions with answers, from 1 on. */
  async function converse(count: number, from = 1): Promise<void> {
    for (let id = from; id < from + count; id++) await scene.asked(`answer ${id}`, { id, root: id, run: id });
  }

  it("are told once, and what the model is shown begins there from then on", async () => {
    scene.limits = { maxTokens: 1000, maxMessages: 8 };
    await converse(12);
    const told = notes().map((note, index) => (note === noteWords.historyCut ? index + 1 : 0));
    expect(told.filter(Boolean)).toEqual([6]);
    const exchanges = scene.requests.map(({ messages }) => (messages.length - 2) / 2);
    expect(exchanges).toEqual([0, 1, 2, 3, 4, 2, 3, 4, 2, 3, 4, 2]);
  });

  it("are told again in a new conversation, and with an answer that is written anew", async () => {
    scene.limits = { maxTokens: 1000, maxMessages: 2 };
    await converse(3);
    expect(notes()).toEqual([undefined, undefined, noteWords.historyCut]);
    await scene.asked("anew", { id: 3, root: 3, run: 10 });
    expect(notes()[3]).toBe(noteWords.historyCut);
    await converse(1, 11);
    expect(notes()[4]).toBeUndefined();
    await scene.store.forget(conversation);
    await converse(3, 12);
    expect(notes().slice(5)).toEqual([undefined, undefined, noteWords.historyCut]);
  });

  it("are told with the first answer that the conversation keeps", async () => {
    scene.limits = { maxTokens: 1000, maxMessages: 2 };
    await converse(2);
    scene.script = [new ModelError("upstream", "a/one", "500")];
    await ask({ id: 3, root: 3, run: 3 });
    expect(notes()[2]).toBe(noteWords.modelFailed("upstream"));
    scene.script = [delta("half"), abort("stop"), end()];
    await ask({ id: 4, root: 4, run: 4 });
    expect(notes()[3]).toBe(`${texts.stopped}\n${noteWords.historyCut}`);
    scene.stop = new AbortController();
    await converse(1, 5);
    expect(notes()[4]).toBeUndefined();
  });

  it("never are the newest exchange: of a very long answer the model is shown both ends", async () => {
    scene.limits = { maxTokens: 600, maxMessages: 40 };
    const program = Array.from({ length: 1_500 }, (_, n) => `line ${n};`).join("\n");
    await scene.asked(program, { id: 1, root: 1, run: 1, asked: "write it" });
    await scene.asked("mended", { id: 2, root: 2, run: 2, asked: "now fix the bug in it" });
    const [, asked, answered, question] = scene.requests[1]?.messages ?? [];
    expect([asked?.content, question?.content]).toEqual(["write it", "now fix the bug in it"]);
    expect(answered?.content).toMatch(/^line 0;\nline 1;\n/);
    expect(answered?.content).toMatch(/are left out here.*\nline 1499;$/s);
    expect(notes()).toEqual([undefined, noteWords.historyCut]);
    expect((await history())[0]?.[1]).toBe(program);
  });

  it("are left out as well when the model says that it is too long, and are told then", async () => {
    await converse(4);
    scene.script = [
      { type: "attempt", model: "a/one" },
      { type: "attempt", model: "a/one", shorter: true },
      delta("after all"),
      end(),
    ];
    expect(await ask({ id: 5, root: 5, run: 5 })).toBe("complete");
    expect(scene.requests[4]?.messages).toHaveLength(2 + 8);
    expect(scene.shorter[4]?.map(({ content }) => content).slice(1)).toEqual([
      "why?",
      "answer 3",
      "why?",
      "answer 4",
      "why?",
    ]);
    expect(notes()[4]).toBe(noteWords.historyCut);
    // The next question does not begin with what was too long.
    await converse(1, 6);
    expect(scene.requests[5]?.messages.slice(1, -1).map(({ content }) => content)).toEqual([
      "why?",
      "answer 3",
      "why?",
      "answer 4",
      "why?",
      "after all",
    ]);
    expect(notes()[5]).toBeUndefined();
  });

  it("cannot be left out where there are none: the sentence says that it is too long", async () => {
    scene.script = [new ModelError("context-overflow", "a/one", "400")];
    await ask();
    expect(scene.shorter).toEqual([undefined]);
    expect(notes()).toEqual([noteWords.modelFailed("context-overflow")]);
  });

  it("are charged as they were asked when the provider sent no usage", async () => {
    await converse(4);
    const fetched = await readUsage(scene.store, 7, 0);
    const { usage: _usage, ...withoutUsage } = cut as ModelEvent & { usage?: object };
    scene.script = [{ type: "attempt", model: "a/one", shorter: true }, delta("x"), withoutUsage as ModelEvent];
    await ask({ id: 5, root: 5, run: 5 });
    const whole = (scene.requests[4]?.messages ?? []).map(({ content }) => content).join(" ");
    const spent = (await readUsage(scene.store, 7, 0)).inputTokens - fetched.inputTokens;
    expect(spent).toBeGreaterThan(0);
    expect(spent).toBeLessThan(whole.length / 4);
    expect((await turn(5))?.outcome).toBe("complete");
  });
});
