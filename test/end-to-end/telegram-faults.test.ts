/** The real process while Telegram fails: nothing is lost, nothing is shown twice. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, plain, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the bot in trouble with Telegram", { timeout: 600_000 }, () => {
  const rig = sharedRig({ faulty: true });

  const callsIn = (chatId: number, method: string) =>
    rig.botApi.calls.filter((call) => call.chatId === chatId && call.method === method);

  test("a 429 holds its own chat for as long as it says, no other, and the whole answer arrives", async () => {
    const held = rig.visitor();
    const other = rig.visitor();
    rig.botApi.faults.fail({ method: "editMessageText", chatId: held.chatId, status: 429, retryAfter: 4, times: 1 });
    rig.answers("in the held chat", { text: words(120), tokensPerSecond: 50 });
    rig.answers("in the other chat", { text: words(150, "o"), tokensPerSecond: 50 });
    const asked = held.say("in the held chat");
    await held.sees("Stop", asked);
    const answers = Promise.all([held.sees("Regenerate", asked), other.ask("in the other chat")]);
    const refused = await until(() =>
      rig.botApi.calls.find((call) => call.chatId === held.chatId && call.status === 429),
    );
    const [answer, beside] = await answers;
    expect(answer.text).toBe(words(120));
    const between = rig.botApi.calls.filter(
      (call) =>
        call.chatId === held.chatId && call.at > refused.at + refused.durationMs && call.at < refused.at + 3_900,
    );
    expect(between.map(({ method }) => method)).toEqual([]);
    expect(beside.text).toBe(words(150, "o"));
    expect(beside.at).toBeLessThan(answer.at);
  });

  test.for(["sendMessage", "editMessageText"])(
    "repeats %s after 429s, 500s and connections that are cut",
    async (method) => {
      const visitor = rig.visitor();
      const { chatId } = visitor;
      rig.botApi.faults.fail({ method, chatId, status: 429, retryAfter: 1, times: 1 });
      rig.botApi.faults.fail({ method, chatId, status: 502, html: true, times: 1 });
      rig.botApi.faults.fail({ method, chatId, cut: "before", times: 1 });
      rig.botApi.faults.fail({ method, chatId, status: 500, times: 1 });
      rig.answers(`bad weather for ${method}`, { text: words(100), tokensPerSecond: 50 });
      const answer = await visitor.ask(`bad weather for ${method}`);
      expect(answer.text).toBe(words(100));
      expect(visitor.written()).toHaveLength(1);
      expect(rig.requests(`bad weather for ${method}`)).toHaveLength(1);
    },
  );

  test("an edit whose answer is lost is a success when it is repeated", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({ method: "editMessageText", chatId: visitor.chatId, cut: "after", times: 2 });
    rig.answers("lost answers", { text: words(100), tokensPerSecond: 60 });
    expect((await visitor.ask("lost answers")).text).toBe(words(100));
    expect(visitor.written()).toHaveLength(1);
  });

  test("sends short notices again, too", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({ method: "sendMessage", chatId: visitor.chatId, status: 500, times: 2 });
    await visitor.sees(/Commands:/, visitor.say("/help"));
    expect(visitor.written()).toHaveLength(1);
  });

  test("goes on in a new message when the user deletes the one being written", async () => {
    const visitor = rig.visitor();
    rig.answers("delete under the pen", { text: words(160), tokensPerSecond: 50 });
    const asked = visitor.say("delete under the pen");
    const writing = await visitor.sees("Stop", asked);
    rig.botApi.user.remove(visitor.chatId, writing.id);
    const answer = await visitor.sees("Regenerate", asked);
    expect(answer.id).not.toBe(writing.id);
    expect(answer.text).toBe(words(160));
    expect(visitor.written()).toHaveLength(1);
  });

  test("an answer whose message is gone is regenerated in a new one", async () => {
    const visitor = rig.visitor();
    rig.answers("gone before the edit", { text: "before" });
    rig.answers("gone before the second edit", { text: "after" });
    const asked = visitor.say("gone before the edit");
    const answer = await visitor.sees("Regenerate", asked);
    rig.botApi.user.remove(visitor.chatId, answer.id);
    rig.botApi.user.edit(visitor.chatId, asked, "gone before the second edit");
    const again = await visitor.sees("Regenerate", answer.id);
    expect(again.text).toBe("after");
    expect(visitor.written()).toHaveLength(1);
  });

  test("writes a long answer in order again after one of its messages was deleted", async () => {
    const visitor = rig.visitor();
    const shown = () =>
      plain(
        visitor
          .written()
          .map(({ text }) => text)
          .join(""),
      );
    rig.answers("delete the middle", { text: words(2_500) }, { text: words(2_600, "z") });
    rig.answers("delete the last", { text: words(2_500, "k"), delayFirstMs: 1_000 });
    const asked = visitor.say("delete the middle");
    const last = await visitor.sees("Regenerate", asked);
    const middle = visitor.written()[1]?.id ?? 0;
    rig.botApi.user.remove(visitor.chatId, middle);
    await visitor.press(last, "Regenerate");
    await until(() => shown() === plain(words(2_600, "z")), 60_000);
    const end = await visitor.sees("Regenerate", asked);
    expect(visitor.written().flatMap(buttonsOf)).toHaveLength(1);
    // Here the keyboard's own edit meets the message that is gone.
    rig.botApi.user.remove(visitor.chatId, end.id);
    rig.botApi.user.edit(visitor.chatId, asked, "delete the last");
    await until(() => shown() === plain(words(2_500, "k")), 60_000);
    await visitor.sees("Regenerate", asked);
    expect(visitor.written().flatMap(buttonsOf)).toHaveLength(1);
  });

  test("answers a Stop at once while its chat is held", async () => {
    const visitor = rig.visitor();
    const { chatId } = visitor;
    rig.answers("stop while held", { text: words(2_000), tokensPerSecond: 30 });
    const writing = await visitor.ask("stop while held", "Stop");
    rig.botApi.faults.fail({ method: "editMessageText", chatId, status: 429, retryAfter: 6, times: 1 });
    const held = await until(() => rig.botApi.calls.find((call) => call.chatId === chatId && call.status === 429));
    expect((await visitor.press(writing, "Stop"))?.text).toContain("Stopped");
    const abandonedAt = await until(() => rig.requests("stop while held")[0]?.abandonedAt);
    expect(abandonedAt).toBeLessThan(held.at + 6_000);
    const stopped = await visitor.sees("Retry");
    expect(stopped.text).toMatch(/^w0 [\s\S]*\n\n⏹ Stopped\.$/);
  });

  test("the questions that waited in a chat when it was blocked are dropped", async () => {
    const visitor = rig.visitor();
    rig.answers("blocked with others", { text: words(2_000), tokensPerSecond: 30 });
    await visitor.ask("blocked with others", "Stop");
    visitor.say("waiting behind the block");
    rig.botApi.user.block(visitor.chatId);
    await until(() => rig.requests("blocked with others")[0]?.abandonedAt);
    // Time for the lane to come to it: nothing that could be seen tells that it was dropped.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await visitor.ask("first words after the block");
    expect(rig.requests("waiting behind the block")).toEqual([]);
    expect(dialogueOf(rig.requests("first words after the block")[0])).toEqual([
      persona,
      "user: first words after the block",
    ]);
  });

  test("shows the plain text when Telegram refuses the entities", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({
      chatId: visitor.chatId,
      match: ({ params }) => params["entities"] !== undefined,
      status: 400,
      description: "Bad Request: ENTITY_BOUNDS_INVALID",
    });
    rig.answers("refused entities", { text: "this is **bold** text" });
    const answer = await visitor.ask("refused entities");
    expect(answer.text).toBe("this is bold text");
    expect(answer.entities).toEqual([]);
  });

  test("a blocked chat ends its turn quietly and stops the model, and the next message is answered again", async () => {
    const visitor = rig.visitor();
    rig.answers("blocked meanwhile", { text: words(3_000), tokensPerSecond: 30 });
    await visitor.ask("blocked meanwhile", "Stop");
    rig.botApi.user.block(visitor.chatId);
    await until(() => rig.requests("blocked meanwhile")[0]?.abandonedAt);
    const before = visitor.written().length;
    // Writing again is what unblocks.
    const answer = await visitor.ask("friends again");
    expect(answer.text).toContain("friends again");
    expect(visitor.written().length).toBe(before + 1);
    expect(rig.requests("blocked meanwhile")).toHaveLength(1);
  });

  test("a press on an old answer's button is answered and takes the button away", async () => {
    const visitor = rig.visitor();
    rig.botApi.faults.fail({
      method: "editMessageReplyMarkup",
      chatId: visitor.chatId,
      status: 400,
      description: "Bad Request: scripted refusal",
      times: 1,
    });
    const first = await visitor.ask("older answer");
    await visitor.ask("newer answer");
    await until(() => callsIn(visitor.chatId, "editMessageReplyMarkup").length >= 1);
    const old = visitor.message(first.id);
    if (old === undefined) throw new Error("the first answer is gone");
    expect((await visitor.press(old, "Regenerate"))?.text).toMatch(/newest answer/);
    await until(() => buttonsOf(visitor.message(first.id)).length === 0);
    expect(rig.requests("older answer")).toHaveLength(1);
  });

  test("an update that is delivered twice is answered once", async () => {
    const visitor = rig.visitor();
    const from = rig.botApi.chat(visitor.chatId).people[0];
    const { chat } = rig.botApi.chat(visitor.chatId);
    if (from === undefined) throw new Error("nobody there");
    const message = { message_id: 900, from, chat, date: 1_790_000_000, text: "delivered twice" } as never;
    rig.botApi.user.raw({ update_id: 900_000, message });
    await visitor.sees("Regenerate");
    rig.botApi.user.raw({ update_id: 900_000, message });
    await visitor.ask("behind the repetition");
    expect(rig.requests("delivered twice")).toHaveLength(1);
  });
});
