/** The real process while a model lets its users wait: what it is at stands below the answer, and never in its end. */
import { describe, expect, type TestContext, test } from "vitest";
import type { MessageView } from "../../src/playground/bot-api/bot-api.ts";
import { english as texts } from "../../src/texts/english.ts";
import {
  answersIn,
  buttonsOf,
  createRig,
  dialogueOf,
  persona,
  refusedCalls,
  seen,
  until,
  words,
} from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

/** Answers nothing within any test. */
const silent = { delayFirstMs: 3_600_000, text: "too late" };
const busy = (seconds: number) => ({ status: 429, headers: { "retry-after": String(seconds) }, body: "slow down" });
const viewsOf = (message: MessageView | undefined) => message?.views.map(({ text }) => text) ?? [];
const has = (message: MessageView | undefined, button: string) => buttonsOf(message).join().includes(button);

describe.concurrent("a bot whose model lets its users wait", { timeout: 180_000 }, () => {
  const rig = sharedRig();

  test("shows the seconds that it thinks, with Stop, and then the answer in the same message", async () => {
    const visitor = rig.visitor();
    rig.answers("think about it", { reasoning: words(130), text: "thought through", tokensPerSecond: 10 });
    const asked = visitor.say("think about it");
    const thinking = await visitor.sees(/Thinking… ([5-9]|1\d) s$/, asked);
    expect(has(thinking, "Stop")).toBe(true);
    const answer = await visitor.sees("Regenerate", asked);
    expect([answer.id, answer.text]).toEqual([thinking.id, "thought through"]);
    await visitor.ask("what did you say?");
    expect(dialogueOf(rig.requests("what did you say?")[0])).toEqual([
      persona,
      "user: think about it",
      "assistant: thought through",
      "user: what did you say?",
    ]);
  });

  test("shows that it is tried again, and why, and nothing of it in the end", async () => {
    const visitor = rig.visitor();
    rig.answers("busy twice", busy(2), { status: 503, body: "oh no" }, { text: "third time lucky" });
    const asked = visitor.say("busy twice");
    const trying = await visitor.sees(/Trying again… \(busy\)/, asked);
    expect(has(trying, "Stop")).toBe(true);
    const answer = await visitor.sees("Regenerate", asked);
    expect([answer.id, answer.text]).toEqual([trying.id, "third time lucky"]);
    expect(viewsOf(answer).some((text) => text.includes("(error)"))).toBe(true);
    expect(visitor.written()).toHaveLength(1);
  });

  test("can be stopped while nothing else stands there, and asked again", async () => {
    const visitor = rig.visitor();
    rig.answers("say nothing", silent, { text: "something after all" });
    const asked = visitor.say("say nothing");
    const thinking = await visitor.sees(/Thinking…/, asked);
    await visitor.press(thinking, "Stop");
    const stopped = await visitor.sees("Retry", asked);
    expect([stopped.id, stopped.text]).toEqual([thinking.id, texts.stopped]);
    await visitor.press(stopped, "Retry");
    expect((await visitor.sees("Regenerate", asked)).text).toBe("something after all");
    expect(visitor.written()).toHaveLength(1);
  });

  test("shows it below the former answer, which a stop leaves as it was", async () => {
    const visitor = rig.visitor();
    rig.answers("answer twice", { text: "**once**" }, silent);
    const answer = await visitor.ask("answer twice");
    await visitor.press(answer, "Regenerate");
    const thinking = await visitor.sees(/Thinking…/);
    expect([thinking.id, thinking.text.startsWith("once\n\n")]).toEqual([answer.id, true]);
    await visitor.press(thinking, "Stop");
    const left = await visitor.sees("Retry");
    await until(() => visitor.message(left.id)?.text === "once");
    expect(visitor.message(left.id)?.entities).toEqual([{ type: "bold", offset: 0, length: 4 }]);
  });

  test("shows nothing for a question that waits in its lane", async () => {
    const visitor = rig.visitor();
    rig.answers("the first of two", { reasoning: words(130), text: "one", tokensPerSecond: 10 });
    const first = visitor.say("the first of two");
    visitor.say("the second of two");
    await visitor.sees(/Thinking… ([5-9]|1\d) s$/, first);
    expect(visitor.written()).toHaveLength(1);
    await until(() => has(visitor.written()[1], "Regenerate"));
    expect(visitor.written().map(({ text }) => text.includes("Thinking…"))).toEqual([false, false]);
  });

  test("takes what it was at along when the question is edited, and ends with a word when that is stopped", async () => {
    const visitor = rig.visitor();
    rig.answers("say noting", silent);
    rig.answers("say nothing again", silent);
    const asked = visitor.say("say noting");
    const thinking = await visitor.sees(/Thinking…/, asked);
    rig.botApi.user.edit(visitor.chatId, asked, "say nothing again");
    await until(() => rig.requests("say nothing again").length > 0);
    visitor.say("/stop");
    expect((await visitor.sees("Retry", asked)).id).toBe(thinking.id);
    await until(() => visitor.message(thinking.id)?.text === texts.stopped);
  });

  test("in a group and its topic all the same", async () => {
    const userId = 6_001;
    const chatId = rig.botApi.user.createGroup({ title: "Thinkers", memberIds: [userId] });
    rig.answers("think, group", { reasoning: words(130), text: "thought", tokensPerSecond: 10 });
    const asked = rig.botApi.user.sendText(chatId, userId, "@parley_bot think, group").message_id;
    const thinking = await seen(rig.botApi, chatId, /Thinking…/, asked);
    const answer = await seen(rig.botApi, chatId, "Regenerate", asked);
    expect([answer.id, answer.text]).toEqual([thinking.id, "thought"]);
    // Fifteen seconds between two of them.
    expect(viewsOf(answer).filter((text) => text.includes("Thinking…"))).toHaveLength(1);
  });
});

describe.concurrent("the same in draft mode", { timeout: 180_000 }, () => {
  const rig = sharedRig({ env: { STREAM_MODE: "draft" } });
  const drafts = (chatId: number) => rig.botApi.chat(chatId).draftViews;

  test("is a draft with Telegram's own Stop, and one message in the end", async () => {
    const visitor = rig.visitor();
    rig.answers("think in a draft", busy(1), { reasoning: words(130), text: "drafted", tokensPerSecond: 10 });
    const answer = await visitor.ask("think in a draft");
    expect([answer.text, viewsOf(answer).length]).toEqual(["drafted", 1]);
    const shown = drafts(visitor.chatId);
    expect(shown.some(({ text }) => /Trying again… \(busy\)$/.test(text))).toBe(true);
    expect(shown.some(({ text }) => /Trying again… \(busy\)\n.*Thinking… \d+ s$/.test(text))).toBe(true);
    expect(shown.every(({ canStop }) => canStop)).toBe(true);
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("can be stopped before its first word", async () => {
    const visitor = rig.visitor();
    rig.answers("say nothing in a draft", silent);
    const asked = visitor.say("say nothing in a draft");
    await until(() => rig.botApi.chat(visitor.chatId).drafts[0]?.text.includes("Thinking…"));
    expect(rig.botApi.user.stopDraft(visitor.chatId)).toBe(true);
    expect((await visitor.sees("Retry", asked)).text).toBe(texts.stopped);
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
  });
});

describe.concurrent("a bot that is killed while it says what it is at", { timeout: 180_000 }, () => {
  /** Asks, waits until a message shows what the turn is at and has been edited, so that its id is stored, and kills the bot. */
  async function killedWhileThinking(question: string, { onTestFinished }: Pick<TestContext, "onTestFinished">) {
    const rig = await createRig();
    onTestFinished(rig.stop);
    rig.answers(question, silent);
    await rig.start();
    const visitor = rig.visitor();
    const asked = visitor.say(question);
    const thinking = await visitor.sees(/Thinking… ([5-9]|\d\d) s$/, asked);
    await rig.end("SIGKILL");
    return { rig, visitor, asked, thinking };
  }

  test("goes on in the same message", async (context) => {
    const { rig, visitor, asked, thinking } = await killedWhileThinking("go on slowly", context);
    rig.answers("go on slowly", { reasoning: words(150), tokensPerSecond: 10, text: "here I am" });
    const before = viewsOf(visitor.message(thinking.id)).length;
    await rig.start();
    await until(() =>
      viewsOf(visitor.message(thinking.id))
        .slice(before)
        .some((text) => text.includes("Thinking…")),
    );
    const answer = await visitor.sees("Regenerate", asked);
    expect([answer.id, answer.text]).toEqual([thinking.id, "here I am"]);
    expect(answersIn(rig.botApi, visitor.chatId)).toHaveLength(1);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test.for(["/stop", "/new"])("leaves nothing of it when %s ends the answer", async (command, context) => {
    const { rig, visitor, asked, thinking } = await killedWhileThinking("say nothing, crash", context);
    visitor.say(command);
    await rig.start();
    await until(() => !has(visitor.message(thinking.id), "Stop"));
    await until(() => visitor.message(thinking.id)?.text === texts.stopped);
    expect(
      answersIn(rig.botApi, visitor.chatId).filter(({ id }) => id > asked && id !== thinking.id).length,
    ).toBeLessThan(2);
    expect(rig.botApi.violations).toEqual([]);
  });
});
