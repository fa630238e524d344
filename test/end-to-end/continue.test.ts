/** Continue: what a person does with an answer that was cut at the length limit. */
import { describe, expect, test } from "vitest";
import { goOn } from "../../src/chat/continuation.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { english as texts } from "../../src/texts/english.ts";
import {
  answersIn,
  buttonsOf,
  createRig,
  dialogueOf,
  persona,
  plain,
  seen,
  until,
  type Visitor,
  words,
} from "../support/bot-process.ts";
import { noteWords } from "../support/note-words.ts";
import { sharedRig } from "../support/shared-rig.ts";

/** What the model answers, by question; what it goes on with, by the question that it answers. */
function createScripts() {
  const scripts = new Map<string, Script[]>();
  const keyOf = ({ messages }: ScriptedRequest) =>
    messages.at(-1)?.content === goOn ? `${messages.at(-3)?.content} …` : (messages.at(-1)?.content ?? "");
  return {
    answers: (question: string, ...all: Script[]) => void scripts.set(question, all),
    goesOn: (question: string, ...all: Script[]) => void scripts.set(`${question} …`, all),
    keyOf,
    respond(request: ScriptedRequest): Script {
      const left = scripts.get(keyOf(request)) ?? [];
      return (left.length > 1 ? left.shift() : left[0]) ?? { text: `Heard: ${request.messages.at(-1)?.content}` };
    },
  };
}

const cut = (text: string, more: Script = {}): Script => ({ text, finishReason: "length", ...more });
const limitLine = `\n\n${noteWords.cutAtLength}`;

describe.concurrent("an answer that was cut at the length limit", { timeout: 180_000 }, () => {
  const { answers, goesOn, respond, keyOf } = createScripts();
  const rig = sharedRig({ model: { respond } });
  const goneOn = (question: string) => rig.model.requests.filter(({ body }) => keyOf(body) === `${question} …`);

  /** What the model is shown of the conversation with the next question. */
  async function history(visitor: Visitor, next: string): Promise<string[]> {
    await visitor.ask(next);
    return dialogueOf(rig.requests(next)[0]).slice(1, -1);
  }

  test("says so in one line, and goes on when its button is pressed: in the chat, and in the history", async () => {
    const visitor = rig.visitor();
    answers("begin", cut("One, two, th"));
    goesOn("begin", { text: "ree, four.", delayFirstMs: 300 });
    await visitor.ask("said before");
    const asked = visitor.say("begin");
    const answer = await visitor.sees("Continue", asked);
    expect(answer.text).toBe(`One, two, th${limitLine}`);
    expect(buttonsOf(answer)).toEqual(["▶️ Continue", "🔄 Regenerate"]);
    expect(await visitor.press(answer, "Continue")).toEqual({});
    // A second press, while the first is at work.
    expect((await visitor.press(answer, "Continue"))?.text ?? texts.notContinued).toBe(texts.notContinued);
    const further = await visitor.sees("Regenerate", answer.id);
    expect(further.text).toBe("ree, four.");
    expect(buttonsOf(further)).toEqual(["🔄 Regenerate"]);
    await until(() => buttonsOf(visitor.message(answer.id)).length === 0);
    expect(visitor.message(answer.id)?.text).toBe(`One, two, th${limitLine}`);
    expect(goneOn("begin").map(dialogueOf)).toEqual([
      [
        persona,
        "user: said before",
        "assistant: Heard: said before",
        "user: begin",
        "assistant: One, two, th",
        `user: ${goOn}`,
      ],
    ]);
    expect(await history(visitor, "after it")).toEqual([
      "user: said before",
      "assistant: Heard: said before",
      "user: begin",
      "assistant: One, two, three, four.",
    ]);
    expect(goneOn("begin")).toHaveLength(1);
    expect(visitor.written()).toHaveLength(4);
  });

  test("can be cut again, and again be continued", async () => {
    const visitor = rig.visitor();
    answers("three parts", cut("a"));
    goesOn("three parts", cut("b"), { text: "c" });
    const first = await visitor.ask("three parts", "Continue");
    await visitor.press(first, "Continue");
    const second = await visitor.sees("Continue", first.id);
    await visitor.press(second, "Continue");
    const third = await visitor.sees("Regenerate", second.id);
    expect([second.text, third.text]).toEqual([`b${limitLine}`, "c"]);
    expect(dialogueOf(goneOn("three parts")[1])).toEqual([
      persona,
      "user: three parts",
      "assistant: ab",
      `user: ${goOn}`,
    ]);
    expect(await history(visitor, "after three")).toEqual(["user: three parts", "assistant: abc"]);
  });

  test("is written anew as a whole by Regenerate: all that went on with it is dropped", async () => {
    const visitor = rig.visitor();
    answers("again whole", cut("old one"), { text: "fresh" });
    goesOn("again whole", cut("old two"), { text: "old three" });
    const first = await visitor.ask("again whole", "Continue");
    await visitor.press(first, "Continue");
    const second = await visitor.sees("Continue", first.id);
    await visitor.press(second, "Continue");
    const third = await visitor.sees("Regenerate", second.id);
    await visitor.press(third, "Regenerate");
    await visitor.sees(/^fresh$/);
    await until(() => visitor.written().length === 1);
    expect(visitor.written()[0]?.id).toBe(first.id);
    expect(buttonsOf(await visitor.sees("Regenerate"))).toEqual(["🔄 Regenerate"]);
    expect(await history(visitor, "after again whole")).toEqual(["user: again whole", "assistant: fresh"]);
  });

  test("can be continued anew after Regenerate was cut, too", async () => {
    const visitor = rig.visitor();
    answers("cut twice", cut("x1"), cut("y1"));
    goesOn("cut twice", { text: "x2" }, { text: "y2" });
    const first = await visitor.ask("cut twice", "Continue");
    await visitor.press(first, "Continue");
    const second = await visitor.sees("Regenerate", first.id);
    await visitor.press(second, "Regenerate");
    await visitor.sees(/^y1/);
    const anew = await visitor.sees("Continue");
    await visitor.press(anew, "Continue");
    await visitor.sees(/^y2$/);
    await visitor.sees("Regenerate", anew.id);
    expect(await history(visitor, "after cut twice")).toEqual(["user: cut twice", "assistant: y1y2"]);
  });

  test("is answered afresh by an edit and by /retry, without what went on with it", async () => {
    const visitor = rig.visitor();
    answers("to be edited", cut("1"));
    goesOn("to be edited", { text: "2" });
    answers("was edited", cut("3"), { text: "5" });
    goesOn("was edited", { text: "4" });
    const asked = visitor.say("to be edited");
    const first = await visitor.sees("Continue", asked);
    await visitor.press(first, "Continue");
    await visitor.sees("Regenerate", first.id);
    rig.botApi.user.edit(visitor.chatId, asked, "was edited");
    await visitor.sees(/^3/);
    const edited = await visitor.sees("Continue");
    await until(() => visitor.written().length === 1);
    expect(edited.id).toBe(first.id);
    await visitor.press(edited, "Continue");
    await visitor.sees("Regenerate", edited.id);
    const retried = await visitor.ask("/retry");
    expect(retried.text).toBe("5");
    await until(() => visitor.written().flatMap(buttonsOf).length === 1);
    expect(await history(visitor, "after both")).toEqual(["user: was edited", "assistant: 5"]);
  });

  test("gives way to an edit of the question in the middle of its continuation", async () => {
    const visitor = rig.visitor();
    answers("edited in it", cut("first part, "));
    goesOn("edited in it", { text: words(900), tokensPerSecond: 30 });
    answers("edited meanwhile", { text: "of the edit" });
    const asked = visitor.say("edited in it");
    const first = await visitor.sees("Continue", asked);
    await visitor.press(first, "Continue");
    await visitor.sees("Stop", first.id);
    rig.botApi.user.edit(visitor.chatId, asked, "edited meanwhile");
    await visitor.sees(/^of the edit$/);
    await until(() => visitor.written().length === 1);
    expect(goneOn("edited in it")[0]?.abandonedAt).toBeDefined();
    expect((await visitor.sees("Regenerate")).id).toBe(first.id);
    expect(await history(visitor, "after the edit in it")).toEqual([
      "user: edited meanwhile",
      "assistant: of the edit",
    ]);
  });

  test("keeps what was written of a continuation that is stopped, and Retry writes that part anew", async () => {
    const visitor = rig.visitor();
    const stalls = { text: words(900), tokensPerSecond: 30, stallAfterChunks: 20 };
    for (const question of ["stop in it", "stop it, retry it"]) {
      answers(question, cut("first part, "));
      goesOn(question, stalls, { text: "second part" });
      const first = await visitor.ask(question, "Continue");
      await visitor.press(first, "Continue");
      await visitor.sees("Stop", first.id);
      await visitor.sees(/w19/, first.id);
      visitor.say("/stop");
      const stopped = await visitor.sees("Retry", first.id);
      expect(stopped.text).toBe(`${words(20)}\n\n${texts.stopped}`);
    }
    const [last] = visitor.written().slice(-1);
    if (last !== undefined) await visitor.press(last, "Retry");
    await visitor.sees(/^second part$/);
    expect(await history(visitor, "after the stops")).toEqual([
      "user: stop in it",
      `assistant: first part, ${words(20)}`,
      "user: stop it, retry it",
      "assistant: first part, second part",
    ]);
  });

  test("goes on when the model has failed in the middle: Retry is about that part alone", async () => {
    const visitor = rig.visitor();
    answers("fail in it", cut("first part, "));
    goesOn("fail in it", { text: words(40), cutAfterChunks: 10 }, { text: "second part" });
    const first = await visitor.ask("fail in it", "Continue");
    await visitor.press(first, "Continue");
    const failed = await visitor.sees("Retry", first.id);
    await visitor.press(failed, "Retry");
    const second = await visitor.sees("Regenerate", first.id);
    expect([second.id, second.text]).toEqual([failed.id, "second part"]);
    expect(goneOn("fail in it")).toHaveLength(2);
    expect(rig.requests("fail in it")).toHaveLength(1);
    expect(await history(visitor, "after the failure")).toEqual([
      "user: fail in it",
      "assistant: first part, second part",
    ]);
  });

  test("of several messages is continued in several messages, and all of them are reused or deleted", async () => {
    const visitor = rig.visitor();
    const fast = { tokensPerSecond: 20_000 };
    answers("long parts", cut(words(2_000, "a"), fast), { text: words(1_200, "c"), ...fast });
    goesOn("long parts", { text: words(6_000, "b"), ...fast });
    const asked = visitor.say("long parts");
    const first = await visitor.sees("Continue", asked);
    await visitor.press(first, "Continue");
    await visitor.sees(/whole answer as a file/, first.id);
    const last = await visitor.sees("Regenerate", first.id);
    const shown = visitor.written().filter(({ document }) => document === undefined);
    expect(plain(shown.map(({ text }) => text).join("")).replace(plain(noteWords.cutAtLength), "")).toBe(
      plain(words(2_000, "a") + words(6_000, "b")),
    );
    await visitor.press(last, "Regenerate");
    await visitor.sees("Regenerate", asked);
    await until(
      () =>
        plain(
          visitor
            .written()
            .map(({ text }) => text)
            .join(""),
        ) === plain(words(1_200, "c")),
    );
    expect(visitor.written().filter(({ document }) => document !== undefined)).toEqual([]);
  });

  test("in the middle of a code block goes on as code", async () => {
    const visitor = rig.visitor();
    answers("code please", cut("Here:\n\n```python\nx = 1\n"));
    goesOn("code please", { text: "y = 2\n```\nThat was it." });
    const first = await visitor.ask("code please", "Continue");
    await visitor.press(first, "Continue");
    const second = await visitor.sees("Regenerate", first.id);
    expect(second.text).toBe("y = 2\nThat was it.");
    expect(second.entities).toMatchObject([{ type: "pre", language: "python", offset: 0, length: 5 }]);
    expect(await history(visitor, "after the code")).toContain(
      "assistant: Here:\n\n```python\nx = 1\ny = 2\n```\nThat was it.",
    );
  });

  test("has its button below the newest answer alone", async () => {
    const visitor = rig.visitor();
    answers("the older one", cut("older"));
    answers("the newer one", { text: words(300), tokensPerSecond: 60, delayFirstMs: 400 });
    const older = await visitor.ask("the older one", "Continue");
    visitor.say("the newer one");
    await until(() => rig.requests("the newer one").length === 1);
    // Already asked, not shown yet: the button is still there, and too late.
    expect((await visitor.press(older, "Continue"))?.text).toBe(texts.notContinued);
    await visitor.sees("Regenerate", older.id);
    await until(() => buttonsOf(visitor.message(older.id)).length === 0);
    expect(goneOn("the older one")).toEqual([]);
  });

  test("in a topic of a group goes on once, whoever presses and however often", async () => {
    const [ada, ben] = [6_001, 6_002];
    const { user } = rig.botApi;
    const chatId = user.createGroup({ title: "A group", memberIds: [ada, ben], forum: true });
    const { threadId } = user.createTopic(chatId, "A topic", ada);
    answers("in a topic", cut("left, "));
    goesOn("in a topic", { text: "right", delayFirstMs: 500 });
    user.sendText(chatId, ada, "@parley_bot in a topic", { threadId });
    const first = await seen(rig.botApi, chatId, "Continue");
    for (const id of [ben, ada, ben]) await user.press(chatId, first.id, "Continue", id);
    const second = await seen(rig.botApi, chatId, "Regenerate", first.id);
    expect([second.text, second.replyTo, second.threadId]).toEqual(["right", first.id, threadId]);
    user.sendText(chatId, ben, "@parley_bot after the topic", { threadId });
    await seen(rig.botApi, chatId, /Heard: after the topic/);
    expect(dialogueOf(rig.requests("after the topic")[0])).toContain("assistant: left, right");
    expect(goneOn("in a topic")).toHaveLength(1);
    expect(answersIn(rig.botApi, chatId)).toHaveLength(3);
  });
});

describe.concurrent("an answer that was cut, under other settings", { timeout: 180_000 }, () => {
  const { answers, goesOn, respond, keyOf } = createScripts();
  const rig = sharedRig({
    env: { STREAM_MODE: "draft", RATE_LIMIT_MESSAGES: "2", RATE_LIMIT_BURST: "2", RATE_LIMIT_WINDOW_SECONDS: "3600" },
    model: { respond },
  });

  test("is continued in a draft, and its press counts against the rate limit", async () => {
    const visitor = rig.visitor();
    answers("drafted", cut("one, "));
    goesOn("drafted", cut(words(60), { tokensPerSecond: 40 }));
    const first = await visitor.ask("drafted", "Continue");
    await visitor.press(first, "Continue");
    const second = await visitor.sees("Continue", first.id);
    expect(second.text).toBe(`${words(60)}${limitLine}`);
    expect(second.views).toHaveLength(1);
    const { drafts, draftViews } = rig.botApi.chat(visitor.chatId);
    expect(draftViews.filter(({ text }) => text.startsWith("w0")).length).toBeGreaterThan(2);
    expect(drafts).toEqual([]);
    expect((await visitor.press(second, "Continue"))?.text).toMatch(/faster than I may answer/);
    await visitor.sees(/Requests:/, visitor.say("/stats"));
    expect(rig.model.requests.filter(({ body }) => keyOf(body) === "drafted …")).toHaveLength(1);
  });
});

describe("a press of Continue", { timeout: 90_000 }, () => {
  test("counts once: delivered again, pressed again, and after a restart", async () => {
    const { answers, goesOn, respond, keyOf } = createScripts();
    const rig = await createRig({ botApi: { firstUpdateId: 5_000 }, model: { respond } });
    try {
      await rig.start();
      const visitor = rig.visitor();
      answers("pressed often", cut("one, "));
      goesOn("pressed often", { text: "two", delayFirstMs: 300 });
      const first = await visitor.ask("pressed often", "Continue");
      const button = JSON.stringify(first.replyMarkup?.inline_keyboard[0]?.[0]);
      const data = /continue:[\d:]+/.exec(button)?.[0];
      const press = (id: number) => {
        const from = { id: visitor.userId, is_bot: false, first_name: "Ada" };
        const chat = { id: visitor.chatId, type: "private", first_name: "Ada" };
        const message = { message_id: first.id, date: 1_790_000_000, chat, text: first.text };
        const query = { id: String(id), from, chat_instance: "1", message, data };
        rig.botApi.user.raw({ update_id: id, callback_query: query } as never);
      };
      for (const id of [6_000, 6_000, 6_001]) press(id);
      await visitor.sees(/^two$/);
      const second = await visitor.sees("Regenerate", first.id);
      for (const id of [6_000, 6_002]) press(id);
      await visitor.ask("settled");
      expect(await rig.end("SIGTERM")).toBe(0);
      await rig.start();
      for (const id of [6_000, 6_003]) press(id);
      await visitor.ask("settled again");
      expect(dialogueOf(rig.requests("settled again")[0]).slice(1, 3)).toEqual([
        "user: pressed often",
        "assistant: one, two",
      ]);
      expect(rig.model.requests.filter(({ body }) => keyOf(body) === "pressed often …")).toHaveLength(1);
      expect(
        visitor
          .written()
          .map(({ id }) => id)
          .slice(0, 2),
      ).toEqual([first.id, second.id]);
      expect(visitor.written()).toHaveLength(4);
    } finally {
      await rig.stop();
    }
  });
});
