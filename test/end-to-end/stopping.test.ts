/** What stops an answer of the real process, and what is left of it then. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, plain, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("an answer that is stopped", { timeout: 180_000 }, () => {
  const rig = sharedRig();

  test.for(["button", "command"])("stops by %s, keeping all that the model had written", async (means) => {
    const visitor = rig.visitor();
    const question = `stop me by ${means}`;
    // The model falls silent after the 60th word, so what it "had written" does not depend on the clock.
    rig.answers(question, { text: words(600), tokensPerSecond: 60, stallAfterChunks: 60 });
    const asked = visitor.say(question);
    const writing = await visitor.sees("Stop", asked);
    await until(() => rig.requests(question)[0]?.firstTextAt);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    if (means === "button") expect((await visitor.press(writing, "Stop"))?.text).toContain("Stopped");
    else visitor.say("/stop");
    const stopped = await visitor.sees("Retry", asked);
    expect(stopped.id).toBe(writing.id);
    expect(stopped.text).toBe(`${words(60)}\n\n⏹ Stopped.`);
    expect(buttonsOf(stopped)).toHaveLength(1);
    await until(() => rig.requests(question)[0]?.abandonedAt);
    // The stopped part is what the model remembers having said.
    await visitor.ask(`after ${question}`);
    expect(dialogueOf(rig.requests(`after ${question}`)[0])).toEqual([
      persona,
      `user: ${question}`,
      `assistant: ${words(60)}`,
      `user: after ${question}`,
    ]);
    expect(visitor.written()).toHaveLength(2);
  });

  test("says so when there is nothing to stop", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/nothing to stop/, visitor.say("/stop"));
  });

  test("drops the questions that wait when it is stopped", async () => {
    const visitor = rig.visitor();
    rig.answers("the long one", { text: words(900), tokensPerSecond: 30 });
    await visitor.ask("the long one", "Stop");
    visitor.say("dropped one");
    visitor.say("dropped two");
    await visitor.sees(/2 waiting questions were dropped/, visitor.say("/stop"));
    await visitor.sees("Retry");
    await visitor.ask("asked afterwards");
    expect(rig.requests("dropped one")).toEqual([]);
    expect(rig.requests("dropped two")).toEqual([]);
  });

  test.for(["/new", "/reset"])("%s interrupts the answer and forgets the conversation", async (command) => {
    const visitor = rig.visitor();
    await visitor.ask(`known before ${command}`);
    rig.answers(`interrupted by ${command}`, { text: words(900), tokensPerSecond: 30 });
    const writing = await visitor.ask(`interrupted by ${command}`, "Stop");
    const sent = visitor.say(command);
    await visitor.sees(/forgotten/, sent);
    await until(() => rig.requests(`interrupted by ${command}`)[0]?.abandonedAt);
    expect(visitor.message(writing.id)?.text).toMatch(/^w0\b[\s\S]*\n\n⏹ Stopped\.$/);
    await visitor.ask(`unknowing after ${command}`);
    expect(dialogueOf(rig.requests(`unknowing after ${command}`)[0])).toEqual([
      persona,
      `user: unknowing after ${command}`,
    ]);
    expect(buttonsOf(visitor.message(writing.id))).toEqual([]);
  });

  test("/new drops the questions before it, and edits of what was forgotten do nothing", async () => {
    const visitor = rig.visitor();
    const forgotten = visitor.say("to be forgotten");
    await visitor.sees("Regenerate", forgotten);
    rig.answers("new drops", { text: words(900), tokensPerSecond: 30 });
    await visitor.ask("new drops", "Stop");
    visitor.say("dropped by new");
    const sent = visitor.say("/new");
    visitor.say("right behind the new");
    await visitor.sees(/right behind the new/, sent);
    rig.botApi.user.edit(visitor.chatId, forgotten, "forgotten, edited");
    await visitor.ask("and one more");
    expect(rig.requests("dropped by new")).toEqual([]);
    expect(rig.requests("forgotten, edited")).toEqual([]);
    expect(dialogueOf(rig.requests("right behind the new")[0])).toEqual([persona, "user: right behind the new"]);
  });

  test("a stop before the first word says so, and Retry asks again in the same message", async () => {
    const visitor = rig.visitor();
    rig.answers("never begins", { hangBeforeHeaders: true }, { text: "begins now" });
    const asked = visitor.say("never begins");
    await until(() => rig.requests("never begins").length === 1);
    visitor.say("/stop");
    const stopped = await visitor.sees("Retry", asked);
    expect(stopped.text).toBe("⏹ Stopped.");
    await visitor.press(stopped, "Retry");
    expect((await visitor.sees("Regenerate", asked)).id).toBe(stopped.id);
    expect(visitor.written()).toHaveLength(1);
  });

  test("a stop far into a long answer keeps all its messages", async () => {
    const visitor = rig.visitor();
    rig.answers("stop far in", { text: words(9_000), tokensPerSecond: 1_000, stallAfterChunks: 2_000 });
    const asked = visitor.say("stop far in");
    const last = await visitor.sees(/w1999$/, asked);
    await visitor.press(last, "Stop");
    await visitor.sees("Retry", asked);
    expect(
      plain(
        visitor
          .written()
          .map(({ text }) => text)
          .join(""),
      ),
    ).toBe(plain(`${words(2_000)}⏹ Stopped.`));
    expect(visitor.written().flatMap(buttonsOf)).toHaveLength(1);
  });

  test("a Regenerate that is stopped before its first word leaves the old answer, also in the history", async () => {
    const visitor = rig.visitor();
    rig.answers("stop regenerate", { text: "the old answer" }, { hangBeforeHeaders: true });
    const answer = await visitor.ask("stop regenerate");
    await visitor.press(answer, "Regenerate");
    await visitor.press(await visitor.sees("Stop"), "Stop");
    const stopped = await visitor.sees("Retry");
    expect(stopped.id).toBe(answer.id);
    expect(stopped.text).toContain("the old answer");
    await visitor.ask("what was it");
    expect(dialogueOf(rig.requests("what was it")[0])).toContain("assistant: the old answer");
  });
});
