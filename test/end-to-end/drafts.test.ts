/** The real process with native drafts, and with a fallback model. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, plain, refusedCalls, seen, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the bot in draft mode", { timeout: 180_000 }, () => {
  const rig = sharedRig({ env: { STREAM_MODE: "draft", FALLBACK_MODELS: "test/spare" }, faulty: true });

  const callsOf = (chatId: number) => rig.botApi.calls.filter((call) => call.chatId === chatId);

  test("shows growing drafts that can be stopped, then one message and no draft after it", async () => {
    const visitor = rig.visitor();
    rig.answers("draft it", { text: words(120), tokensPerSecond: 40 });
    const answer = await visitor.ask("draft it");
    const { draftViews, drafts } = rig.botApi.chat(visitor.chatId);
    expect(answer.text).toBe(words(120));
    expect(answer.views).toHaveLength(1);
    expect(draftViews.length).toBeGreaterThanOrEqual(4);
    for (const draft of draftViews) {
      expect(draft.canStop).toBe(true);
      expect(plain(answer.text).startsWith(plain(draft.text))).toBe(true);
    }
    expect(new Set(draftViews.map(({ draftId }) => draftId)).size).toBe(1);
    expect(drafts).toEqual([]);
    await visitor.ask("and another");
    const calls = callsOf(visitor.chatId);
    const after = calls.slice(calls.findIndex(({ method }) => method === "sendMessage"));
    // The next answer has a draft of its own.
    expect(after.filter(({ params }) => params["draft_id"] === draftViews[0]?.draftId)).toEqual([]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("stops by the draft's own button, keeping all that the model had written", async () => {
    const visitor = rig.visitor();
    rig.answers("stop the draft", { text: words(500), tokensPerSecond: 60, stallAfterChunks: 60 });
    const asked = visitor.say("stop the draft");
    await until(() => rig.botApi.chat(visitor.chatId).drafts[0]?.text.includes("w59"));
    expect(rig.botApi.user.stopDraft(visitor.chatId)).toBe(true);
    const stopped = await visitor.sees("Retry", asked);
    expect(stopped.text).toBe(`${words(60)}\n\n⏹ Stopped.`);
    await until(() => rig.requests("stop the draft")[0]?.abandonedAt);
    await visitor.ask("after the stopped draft");
    expect(dialogueOf(rig.requests("after the stopped draft")[0])).toContain(`assistant: ${words(60)}`);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("/stop and /new stop a draft, too", async () => {
    const visitor = rig.visitor();
    rig.answers("draft until stop", { text: words(900), tokensPerSecond: 30 });
    const asked = visitor.say("draft until stop");
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length > 0);
    visitor.say("/stop");
    expect((await visitor.sees("Retry", asked)).text).toContain("Stopped");
    rig.answers("draft until new", { text: words(900), tokensPerSecond: 30 });
    visitor.say("draft until new");
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length > 0);
    await visitor.sees(/New conversation/, visitor.say("/new"));
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("a long answer leaves its full messages behind and goes on as a draft", async () => {
    const visitor = rig.visitor();
    rig.answers("long draft", { text: words(1_500), tokensPerSecond: 500 });
    const asked = visitor.say("long draft");
    await visitor.sees("Regenerate", asked);
    const parts = visitor.written();
    expect(parts.length).toBeGreaterThan(1);
    expect(
      parts
        .map(({ text }) => text)
        .join(" ")
        .split(/\s+/)
        .join(" "),
    ).toBe(words(1_500));
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("drafts stay in their topic", async () => {
    const visitor = rig.visitor({ topics: true });
    const { threadId } = rig.botApi.user.createTopic(visitor.chatId, "drafts", visitor.userId);
    rig.answers("draft in a topic", { text: words(80), tokensPerSecond: 60 });
    const asked = visitor.say("draft in a topic", { threadId });
    expect((await visitor.sees("Regenerate", asked)).threadId).toBe(threadId);
    for (const draft of rig.botApi.chat(visitor.chatId).draftViews) expect(draft.threadId).toBe(threadId);
    expect(rig.botApi.chat(visitor.chatId).draftViews.length).toBeGreaterThan(0);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("an edit in mid-draft starts over, and Regenerate writes into the message by edits", async () => {
    const visitor = rig.visitor();
    rig.answers("draft, misspelt", { text: words(900), tokensPerSecond: 40 });
    rig.answers("draft, corrected", { text: words(40, "n") }, { text: words(120, "r"), tokensPerSecond: 40 });
    const asked = visitor.say("draft, misspelt");
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length > 0);
    rig.botApi.user.edit(visitor.chatId, asked, "draft, corrected");
    const answer = await visitor.sees("Regenerate", asked);
    expect(answer.text).toBe(words(40, "n"));
    await visitor.press(answer, "Regenerate");
    await visitor.sees("Stop");
    const again = await visitor.sees("Regenerate", asked);
    expect(again.text).toBe(words(120, "r"));
    expect(visitor.written().map(({ id }) => id)).toEqual([answer.id]);
    expect(rig.botApi.chat(visitor.chatId).drafts).toEqual([]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("waits out a 429 of drafts and repeats a final that fails", async () => {
    const visitor = rig.visitor();
    const { chatId } = visitor;
    rig.botApi.faults.fail({ method: "sendMessageDraft", chatId, status: 429, retryAfter: 1, times: 1 });
    rig.botApi.faults.fail({ method: "sendMessage", chatId, status: 500, times: 2 });
    rig.answers("drafts in trouble", { text: words(200), tokensPerSecond: 40 });
    const answer = await visitor.ask("drafts in trouble");
    expect(answer.text).toBe(words(200));
    expect(rig.botApi.chat(chatId).draftViews.length).toBeGreaterThan(0);
    expect(visitor.written()).toHaveLength(1);
  });

  test("in a group the answer is an edited message", async () => {
    const chatId = rig.botApi.user.createGroup({ title: "No drafts here", memberIds: [6_001] });
    rig.answers("no draft in a group", { text: words(60), tokensPerSecond: 12 });
    const asked = rig.botApi.user.sendText(chatId, 6_001, "@parley_bot no draft in a group").message_id;
    const answer = await seen(rig.botApi, chatId, "Regenerate", asked);
    expect(answer.views.length).toBeGreaterThan(1);
    expect(callsOf(chatId).some(({ method }) => method === "sendMessageDraft")).toBe(false);
    expect(refusedCalls(rig.botApi, chatId)).toEqual([]);
  });

  test("goes on by edits when Telegram refuses drafts, and tries none again", async () => {
    const visitor = rig.visitor();
    const description = "Bad Request: method is not supported here";
    rig.botApi.faults.fail({ method: "sendMessageDraft", chatId: visitor.chatId, status: 400, description });
    rig.answers("drafts refused", { text: words(120), tokensPerSecond: 40 });
    const answer = await visitor.ask("drafts refused");
    expect(answer.text).toBe(words(120));
    expect(answer.views.length).toBeGreaterThan(1);
    await visitor.ask("and the next one");
    expect(callsOf(visitor.chatId).filter(({ method }) => method === "sendMessageDraft")).toHaveLength(1);
  });

  test("goes on by edits when drafts keep failing", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({ method: "sendMessageDraft", chatId: visitor.chatId, status: 500 });
    rig.answers("drafts failing", { text: words(160), tokensPerSecond: 30 });
    const answer = await visitor.ask("drafts failing");
    expect(answer.text).toBe(words(160));
    expect(answer.views.length).toBeGreaterThan(1);
  });

  test("a fallback answers when the chosen model fails, and one small line says which", async () => {
    const visitor = rig.visitor();
    rig.answers("fall back", { status: 503, body: { error: { message: "overloaded" } } }, { text: "from the spare" });
    const answer = await visitor.ask("fall back");
    expect(answer.text).toBe("from the spare\n\nAnswered by test/spare");
    expect(rig.requests("fall back").map(({ body }) => body.model)).toEqual(["one", "spare"]);
    await visitor.ask("after the fallback");
    expect(dialogueOf(rig.requests("after the fallback")[0])).toEqual([
      persona,
      "user: fall back",
      "assistant: from the spare",
      "user: after the fallback",
    ]);
    expect(rig.requests("after the fallback")[0]?.body.model).toBe("one");
  });

  test("a fallback that fails in its middle, too, leaves the longer of both texts, with its line and Retry", async () => {
    const visitor = rig.visitor();
    rig.answers(
      "break late",
      { text: words(100), tokensPerSecond: 100, cutAfterChunks: 30 },
      { text: words(100), tokensPerSecond: 100, cutAfterChunks: 5 },
    );
    const answer = await visitor.ask("break late", "Retry");
    expect(answer.text).toMatch(/^w0 w1 [\s\S]* w29\n\n⚠️ [^\n]+$/);
    expect(rig.requests("break late").map(({ body }) => body.model)).toEqual(["one", "spare"]);
    expect(buttonsOf(answer)).toHaveLength(1);
  });
});
