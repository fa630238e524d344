import { beforeEach, describe, expect, it, vi } from "vitest";
import { answerQuestion, type FinalView, type Question, type Screen, type TurnDeps } from "../src/chat/turn.ts";
import { ModelError } from "../src/errors.ts";
import type { AbortReason, ModelEvent, ModelRequest, Store, Turn } from "../src/ports.ts";
import { createMemoryStore } from "../src/store/memory.ts";
import { texts } from "../src/texts.ts";

const conversation = "7";
const usage = { inputTokens: 11, cachedTokens: 3, outputTokens: 5 };
const question: Question = { conversation, id: 50, root: 50, run: 1, userId: 7, asked: "why?" };

/** One step of a scripted model: an event, an error to throw, or something that happens meanwhile. */
type Step = ModelEvent | Error | (() => void);

const delta = (text: string): ModelEvent => ({ type: "text-delta", text });
const endWithoutUsage: ModelEvent = { type: "answer-end", model: "a/one", finish: "stop" };
const end = (model = "a/one"): ModelEvent => ({ type: "answer-end", model, finish: "stop", usage });

let store: Store;
let script: Step[];
let requests: ModelRequest[];
/** What happened on the screens, in order. */
let shown: string[];
let opened: { turn: Turn; former: Turn | undefined }[];
let views: FinalView[];
let stop: AbortController;
let gone: AbortController;
let finishing: () => Promise<void>;
let observed: string[];
let warn: ReturnType<typeof vi.fn<TurnDeps["log"]["warn"]>>;

beforeEach(() => {
  store = createMemoryStore({ historyTtlSeconds: 3600, now: () => 5000 });
  [script, requests, shown, opened, views, observed] = [[], [], [], [], [], []];
  [stop, gone] = [new AbortController(), new AbortController()];
  finishing = async () => undefined;
  warn = vi.fn();
});

function deps(): TurnDeps {
  return {
    store,
    models: {
      names: ["a/one", "b/two"],
      async *answer(request, signal) {
        requests.push(structuredClone(request));
        for (const step of script) {
          await Promise.resolve();
          if (signal.aborted) return;
          if (step instanceof Error) throw step;
          if (typeof step === "function") step();
          else yield step;
        }
      },
      cost: (model, { outputTokens }) => (model === "a/one" ? outputTokens / 100 : undefined),
    },
    defaultPersona: "Be brief.",
    historyLimits: { maxTokens: 1000, maxMessages: 20 },
    visible: (markdown) => markdown.replace(/[*\s]/g, "") !== "",
    observer: {
      turnEnded: (outcome) => observed.push(outcome),
      usage: (entry) => observed.push(`usage ${entry.model}`),
    },
    log: { warn },
    now: () => 5000,
  };
}

function openScreen(turn: Turn, former: Turn | undefined): Screen {
  opened.push({ turn, former });
  return {
    gone: gone.signal,
    waiting: (provider) => void shown.push(`waiting ${provider}`),
    show: (markdown) => void shown.push(markdown),
    async finish(view) {
      await finishing();
      views.push(view);
      shown.push("finish");
    },
    leave: async (button, note) => void shown.push(["leave", button, note].filter(Boolean).join(" ")),
  };
}

const ask = (changes: Partial<Question> = {}) =>
  answerQuestion(deps(), { ...question, ...changes }, openScreen, stop.signal);
const abort = (reason: AbortReason) => () => stop.abort(reason);
const turn = (id = 50) => store.readTurn(conversation, id);
const history = async () => (await store.readHistory(conversation)).map(({ asked, answered }) => [asked, answered]);

async function asked(answers: string, changes: Partial<Question> = {}): Promise<void> {
  script = [delta(answers), end()];
  await ask(changes);
}

describe("a complete answer", () => {
  it("is shown as it grows, finished with Regenerate, and enters history and ledger", async () => {
    script = [{ type: "attempt", model: "a/one" }, { type: "thinking" }, delta("Be"), delta("cause."), end()];
    expect(await ask()).toBe("complete");
    expect(shown).toEqual(["Be", "Because.", "finish"]);
    expect(views).toEqual([{ markdown: "Because.", button: "regenerate" }]);
    expect(await turn()).toMatchObject({
      state: "done",
      outcome: "complete",
      answer: "Because.",
      asked: "why?",
      run: 1,
    });
    expect(await store.readHistory(conversation)).toEqual([
      { question: 50, asked: "why?", answered: "Because.", tokens: expect.any(Number), at: 5000 },
    ]);
    expect((await store.readHistory(conversation))[0]?.tokens).toBeGreaterThan(2);
    const totals = { answers: 1, ...usage, cost: 0.05, unpriced: 0 };
    expect(await store.readUsage(7, 0)).toEqual(totals);
    expect(observed).toEqual(["usage a/one", "complete"]);
  });

  it("has its record written before the screen opens, and its end before the screen shows it", async () => {
    const states: (string | undefined)[] = [];
    script = [delta("x"), end()];
    finishing = async () => {
      states.push((await turn())?.state, (await history())[0]?.[1]);
    };
    await answerQuestion(
      deps(),
      question,
      (begun, former) => {
        expect(begun.state).toBe("writing");
        void turn().then((record) => states.push(record?.state));
        return openScreen(begun, former);
      },
      stop.signal,
    );
    expect(states).toEqual(["writing", "answered", "x"]);
  });

  it("is asked for with persona and history, of the model that the conversation has chosen", async () => {
    await asked("first answer", { id: 40, root: 40, asked: "first" });
    await store.setSetting(conversation, "model", "b/two");
    await store.setSetting(conversation, "persona", "Be rude.");
    script = [delta("x"), end("b/two")];
    await ask({ run: 2 });
    expect(requests[0]?.model).toBe("a/one");
    expect(requests[0]?.messages[0]).toEqual({ role: "system", content: "Be brief." });
    expect(requests[1]).toEqual({
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
    await store.setSetting(conversation, "model", "c/gone");
    await asked("x");
    expect(requests[0]?.model).toBe("a/one");
    expect(views[0]).not.toHaveProperty("note");
  });

  it("says which other model wrote it, and charges that one", async () => {
    script = [delta("x"), end("b/two")];
    await ask();
    expect(views).toEqual([{ markdown: "x", note: texts.answeredBy("b/two"), button: "regenerate" }]);
    expect(await history()).toEqual([["why?", "x"]]);
    expect(await store.readUsage(7, 0)).toMatchObject({ unpriced: 1, cost: 0 });
  });

  it("has its tokens counted here when the provider sent no usage", async () => {
    script = [delta("one two three"), endWithoutUsage];
    const finish = vi.spyOn(store, "finishTurn");
    await ask();
    const [entry] = finish.mock.calls[0]?.[2] ?? [];
    expect(entry).toMatchObject({ userId: 7, model: "a/one", estimated: true, cachedTokens: 0 });
    expect(entry?.outputTokens).toBe(3);
    expect(entry?.inputTokens).toBeGreaterThan(3);
    script = [delta("x"), end()];
    await ask({ id: 51, root: 51, run: 2 });
    expect(finish.mock.calls[1]?.[2]).toMatchObject([{ estimated: false, ...usage }]);
  });

  it("tells that it waits for a place at the provider", async () => {
    script = [{ type: "waiting", provider: "ollama" }, delta("x"), end()];
    await ask();
    expect(shown).toEqual(["waiting ollama", "x", "finish"]);
  });

  it("stays one when the stop comes after its last word", async () => {
    script = [delta("x"), end(), abort("stop")];
    expect(await ask()).toBe("complete");
    expect(views[0]?.button).toBe("regenerate");
  });
});

describe("a stop", () => {
  it("keeps what was written, with a line, Retry and a place in the history", async () => {
    script = [delta("half an"), delta(" answer"), abort("stop"), delta(" more"), end()];
    expect(await ask()).toBe("stopped");
    expect(views).toEqual([{ markdown: "half an answer", note: texts.stopped, button: "retry" }]);
    expect(await history()).toEqual([["why?", "half an answer"]]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "stopped" });
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 1 });
    expect(observed).toEqual(["usage a/one", "stopped"]);
  });

  it("is obeyed although the model goes on", async () => {
    const deaf: TurnDeps = {
      ...deps(),
      models: {
        ...deps().models,
        async *answer() {
          yield delta("half");
          stop.abort("stop");
          yield delta(" an answer");
          throw new Error("was read on");
        },
      },
    };
    expect(await answerQuestion(deaf, question, openScreen, stop.signal)).toBe("stopped");
    expect(views[0]?.note).toBe(texts.stopped);
  });

  it("before the first word says only that, and leaves history and ledger alone", async () => {
    script = [abort("new"), delta("late"), end()];
    expect(await ask()).toBe("stopped");
    expect(views).toEqual([{ markdown: "", note: texts.stopped, button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 0 });
  });

  it("that came before the start asks no model", async () => {
    stop.abort("stop");
    expect(await ask()).toBe("stopped");
    expect(requests).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done" });
  });

  it("of a Regenerate before its first word leaves the former answer, with Retry", async () => {
    await asked("Because.");
    await store.setTurnMessages(conversation, 50, 1, [60]);
    script = [abort("stop"), end()];
    expect(await ask({ run: 2 })).toBe("stopped");
    expect(shown.at(-1)).toBe("leave retry");
    expect(views).toHaveLength(1);
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
          stop.abort("stop");
          throw new ModelError("connection", "a/one", "aborted");
        },
      },
    };
    expect(await answerQuestion(throwing, question, openScreen, stop.signal)).toBe("stopped");
    expect(views[0]?.note).toBe(texts.stopped);
    expect(warn).not.toHaveBeenCalled();
  });
});

describe("a failure of the model", () => {
  it("keeps the partial answer with one plain line and Retry, out of the history", async () => {
    script = [delta("half"), new ModelError("truncated", "a/one", "no finish_reason", { status: 200 })];
    expect(await ask()).toBe("failed");
    expect(views).toEqual([{ markdown: "half", note: texts.modelFailed("truncated"), button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "failed", answer: "half" });
    expect(warn).toHaveBeenCalledExactlyOnceWith(
      { kind: "truncated", model: "a/one", status: 200, reason: "no finish_reason" },
      expect.any(String),
    );
  });

  it("has no Retry where retrying cannot help", async () => {
    script = [new ModelError("auth", "a/one", "401")];
    expect(await ask()).toBe("failed");
    expect(views).toEqual([{ markdown: "", note: texts.modelFailed("auth") }]);
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 0 });
  });

  it("tells the seconds that the provider asks for", async () => {
    script = [new ModelError("rate-limit", "a/one", "429", { retryAfterMs: 12_000 })];
    await ask();
    expect(views[0]?.note).toContain("12 seconds");
  });

  it("of a Regenerate leaves the former answer on the screen and in the history", async () => {
    await asked("Because.");
    script = [new ModelError("upstream", "a/one", "500")];
    expect(await ask({ run: 2 })).toBe("failed");
    expect(views[1]).toEqual({ markdown: "Because.", note: texts.modelFailed("upstream"), button: "retry" });
    expect(await history()).toEqual([["why?", "Because."]]);
  });

  it("of an edited question does not show the answer to the former words", async () => {
    await asked("Because.");
    script = [new ModelError("upstream", "a/one", "500")];
    await ask({ run: 2, asked: "when?" });
    expect(views[1]?.markdown).toBe("");
  });
});

describe("an empty answer", () => {
  it.each([
    ["nothing at all", [end()]],
    ["invisible Markdown", [delta("** **"), delta("\n"), end()]],
    ["an error of that kind", [new ModelError("empty", "a/one", "nothing")]],
  ] as [string, Step[]][])("of %s gets the sentence for that and stays out of the history", async (_name, steps) => {
    script = steps;
    expect(await ask()).toBe("empty");
    expect(views).toEqual([{ markdown: "", note: texts.modelFailed("empty"), button: "retry" }]);
    expect(await history()).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "empty" });
  });

  it("is charged when the provider says what it cost", async () => {
    script = [delta("**"), end()];
    await ask();
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 1, outputTokens: 5 });
  });
});

describe("a chat that blocks the bot", () => {
  it("ends the turn quietly, stops the model and is remembered as done", async () => {
    script = [delta("half"), () => gone.abort(), delta(" more"), end()];
    expect(await ask()).toBe("blocked");
    expect(shown).toEqual(["half"]);
    expect(views).toEqual([]);
    expect(await turn()).toMatchObject({ state: "done", outcome: "blocked" });
    expect(await history()).toEqual([]);
    expect(observed).toContain("blocked");
  });

  it("at the very end leaves the answer in the history", async () => {
    script = [delta("x"), end()];
    finishing = async () => gone.abort();
    expect(await ask()).toBe("blocked");
    expect(await history()).toEqual([["why?", "x"]]);
    expect(observed).toContain("blocked");
  });
});

describe("an edit while the answer is written", () => {
  it("supersedes the run without a word, and the next run writes into the same messages", async () => {
    script = [delta("half"), abort("edit"), delta(" more"), end()];
    expect(await ask()).toBe("superseded");
    expect(shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing", run: 1 });
    expect(await history()).toEqual([]);
    await store.setTurnMessages(conversation, 50, 1, [60, 61], 62);
    stop = new AbortController();
    await asked("Now.", { run: 2, asked: "when?" });
    expect(opened[1]?.turn).toMatchObject({ run: 2, messages: [60, 61], file: 62, asked: "when?" });
    expect(await history()).toEqual([["when?", "Now."]]);
  });
});

describe("a shutdown", () => {
  it.each(["shutdown", "lease-lost"] as const)("by %s throws, and the turn stays to be written", async (reason) => {
    script = [delta("half"), abort(reason), delta(" more"), end()];
    await expect(ask()).rejects.toMatchObject({ code: "shutdown", retryable: true });
    expect(shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing" });
    expect(await history()).toEqual([]);
    expect(observed).toEqual([]);
  });

  it("is followed by the same run, from the start, in the same messages", async () => {
    script = [delta("half"), abort("shutdown"), end()];
    await expect(ask()).rejects.toThrow();
    await store.setTurnMessages(conversation, 50, 1, [60]);
    stop = new AbortController();
    await asked("whole");
    expect(requests).toHaveLength(2);
    expect(opened[1]?.turn.messages).toEqual([60]);
    expect(views).toEqual([{ markdown: "whole", button: "regenerate" }]);
  });
});

describe("a run that is delivered again", () => {
  it("and finished is a no-op", async () => {
    await asked("Because.");
    expect(await ask()).toBe("complete");
    expect(requests).toHaveLength(1);
    expect(opened).toHaveLength(1);
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 1 });
  });

  it("and answered is brought to the screen without the model", async () => {
    script = [delta("x"), end("b/two")];
    finishing = () => Promise.reject(new Error("Telegram is out of order"));
    await expect(ask()).rejects.toThrow("out of order");
    await store.setTurnMessages(conversation, 50, 1, [60]);
    expect(await turn()).toMatchObject({ state: "answered" });
    finishing = async () => undefined;
    expect(await ask()).toBe("complete");
    expect(requests).toHaveLength(1);
    expect(opened[1]).toMatchObject({ turn: { messages: [60] }, former: undefined });
    expect(views).toEqual([{ markdown: "x", note: texts.answeredBy("b/two"), button: "regenerate" }]);
    expect(await turn()).toMatchObject({ state: "done" });
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 1 });
  });

  it.each([
    ["a stop", () => stop.abort("stop"), { outcome: "stopped", note: texts.stopped, button: "retry" }],
    ["a failure", () => undefined, { outcome: "failed", note: texts.modelFailed("upstream"), button: "retry" }],
  ] as [string, () => void, Partial<Turn>][])(
    "and ended by %s before its first word keeps what stands there",
    async (_what, before, ended) => {
      script = [delta("half"), abort("shutdown"), end()];
      await expect(ask()).rejects.toThrow();
      await store.setTurnMessages(conversation, 50, 1, [60]);
      stop = new AbortController();
      before();
      script = [new ModelError("upstream", "a/one", "500")];
      expect(await ask()).toBe(ended.outcome);
      expect(shown.at(-1)).toBe(`leave retry ${ended.note}`);
      expect(views).toEqual([]);
      expect(await turn()).toMatchObject({ state: "done", messages: [60], ...ended });
      expect(await turn()).not.toHaveProperty("answer");
    },
  );

  it("after such an end that was not shown shows it", async () => {
    stop.abort("stop");
    await store.beginTurn({ ...question, question: 50, state: "writing", messages: [60] });
    const close = vi.spyOn(store, "closeTurn").mockRejectedValueOnce(new Error("disk full"));
    await expect(ask()).rejects.toThrow("disk full");
    expect(await ask()).toBe("stopped");
    expect(shown).toEqual([`leave retry ${texts.stopped}`, `leave retry ${texts.stopped}`]);
    expect(close).toHaveBeenCalledTimes(2);
  });

  it("and older than the record is ignored", async () => {
    await asked("new", { run: 5 });
    expect(await ask({ run: 4 })).toBe("superseded");
    expect(requests).toHaveLength(1);
    expect(await turn()).toMatchObject({ run: 5, answer: "new" });
  });
});

describe("answering again", () => {
  it("replaces the exchange in its place and does not show the model the former answer", async () => {
    await asked("one", { id: 40, root: 40, asked: "first" });
    await asked("two", { id: 50, root: 50, asked: "second", run: 2 });
    await asked("another two", { id: 50, root: 50, asked: "second", run: 3 });
    expect(requests[2]?.messages.map(({ content }) => content)).toEqual(["Be brief.", "first", "one", "second"]);
    expect(await history()).toEqual([
      ["first", "one"],
      ["second", "another two"],
    ]);
    expect(opened[2]?.former).toMatchObject({ answer: "two", run: 2 });
  });

  it("by /retry is a turn of its own for the same exchange", async () => {
    await asked("one", { asked: "first" });
    await asked("better", { id: 70, root: 50, asked: "first", run: 2 });
    expect(requests[1]?.messages.map(({ content }) => content)).toEqual(["Be brief.", "first"]);
    expect(await history()).toEqual([["first", "better"]]);
    expect(opened[1]).toMatchObject({ turn: { messages: [] }, former: undefined });
  });

  it("in another conversation does not see this one", async () => {
    await asked("one");
    await asked("two", { conversation: "7:12", run: 2 });
    expect(requests[1]?.messages).toHaveLength(2);
  });
});

describe("an exception", () => {
  it("of anything but the model reaches the queue, and the screen is left", async () => {
    script = [delta("half"), new TypeError("a bug")];
    await expect(ask()).rejects.toThrow("a bug");
    expect(shown).toEqual(["half", "leave"]);
    expect(await turn()).toMatchObject({ state: "writing" });
  });

  it("of the store at the end reaches the queue, and the screen is left", async () => {
    script = [delta("x"), end()];
    store.finishTurn = () => Promise.reject(new Error("disk full"));
    await expect(ask()).rejects.toThrow("disk full");
    expect(shown).toEqual(["x", "leave"]);
  });
});

describe("a conversation that is forgotten meanwhile", () => {
  it("keeps neither turn nor exchange of the answer that was being written", async () => {
    script = [delta("half"), () => void store.forget(conversation), abort("new"), end()];
    expect(await ask()).toBe("stopped");
    expect(await history()).toEqual([]);
    expect(await turn()).toBeUndefined();
    expect(await store.readUsage(7, 0)).toMatchObject({ answers: 1 });
  });
});
