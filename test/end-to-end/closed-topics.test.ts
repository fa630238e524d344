/** The real process where the topic that it was asked in takes no messages any more. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { answersIn, seen, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("a topic that is closed or gone", { timeout: 180_000 }, () => {
  const rig = sharedRig({ faulty: true, env: { STREAM_MODE: "draft" } });
  let people = 6_000;

  /** A forum with a topic that can be closed while somebody asks in it. */
  function forum() {
    const ada = ++people;
    const { user } = rig.botApi;
    const chatId = user.createGroup({ title: "A forum", memberIds: [ada], forum: true });
    const { threadId } = user.createTopic(chatId, "old matters", ada);
    return {
      ada,
      chatId,
      threadId,
      say: (text: string) => user.sendText(chatId, ada, text, { threadId }).message_id,
      sees: (what: string | RegExp, after = 0) => seen(rig.botApi, chatId, what, after),
      /** What the bot has sent there, refused or not. */
      sends: () => rig.botApi.calls.filter((call) => call.chatId === chatId && call.method === "sendMessage"),
    };
  }

  test.for(["closeTopic", "deleteTopic"] as const)("after %s the answer goes to the chat", async (ending) => {
    const { chatId, threadId, say, sees, sends } = forum();
    const asked = say(`@parley_bot just before ${ending}`);
    rig.botApi.user[ending](chatId, threadId);
    const answer = await sees("Regenerate", asked);
    expect(answer.threadId).toBeUndefined();
    expect(answer.replyTo).toBeUndefined();
    expect(sends()).toHaveLength(2);
  });

  test("a command is answered in the chat, too", async () => {
    const { chatId, threadId, say, sees } = forum();
    say("/help");
    rig.botApi.user.closeTopic(chatId, threadId);
    await sees(/Commands:/);
  });

  test("an answer that is being written there goes on in the chat", async () => {
    const { chatId, threadId, say, sees } = forum();
    rig.answers("a long one for the topic", { text: words(900), tokensPerSecond: 200 });
    const asked = say("@parley_bot a long one for the topic");
    await sees("Stop", asked);
    rig.botApi.user.deleteTopic(chatId, threadId);
    const answer = await sees("Regenerate", asked);
    expect(answer.threadId).toBeUndefined();
    const shown = answersIn(rig.botApi, chatId).map(({ text }) => text);
    expect(shown.join(" ")).toBe(words(900));
  });

  test("an answer that no place takes ends with one line in the log, and the next one is answered", async () => {
    const { ada, chatId, threadId, say, sends } = forum();
    const refuse = rig.botApi.faults.fail({
      method: "sendMessage",
      chatId,
      status: 400,
      description: "Bad Request: TOPIC_CLOSED",
    });
    say("@parley_bot into the void");
    rig.botApi.user.closeTopic(chatId, threadId);
    await until(() => rig.output().includes("the chat takes no message without it"));
    await until(() => rig.requests("into the void").length === 1);
    // Nothing goes on being sent: a message of its status and the answer, each in its topic and outside of it, and a notice so.
    await sleep(1_500);
    const sent = sends().length;
    expect(sent).toBeLessThanOrEqual(6);
    await sleep(1_500);
    expect(sends()).toHaveLength(sent);
    expect(rig.output()).not.toContain("an update failed");
    refuse();
    rig.botApi.user.sendText(chatId, ada, "@parley_bot and now");
    await seen(rig.botApi, chatId, "Regenerate");
  });

  test("drafts of a private topic that is deleted go on outside of it", async () => {
    const visitor = rig.visitor({ topics: true });
    const { threadId } = rig.botApi.user.createTopic(visitor.chatId, "mine", visitor.userId);
    rig.answers("drafted in a topic", { text: words(200), tokensPerSecond: 100 });
    visitor.say("drafted in a topic", { threadId });
    await until(() => rig.botApi.chat(visitor.chatId).drafts.length === 1);
    rig.botApi.user.deleteTopic(visitor.chatId, threadId);
    const answer = await visitor.sees("Regenerate");
    expect(answer.text).toBe(words(200));
    expect(answer.threadId).toBeUndefined();
    const drafts = rig.botApi.chat(visitor.chatId).draftViews.filter((draft) => draft.threadId === undefined);
    expect(drafts.length).toBeGreaterThan(1);
  });
});
