/** What falls out of the window stands in a summary, by the real process, through a crash in the middle of one. */
import { expect, test } from "vitest";
import { createRig, dialogueOf, until } from "../support/bot-process.ts";

test("what was said first is known after it has fallen out of the window, whatever was killed meanwhile", {
  timeout: 120_000,
}, async () => {
  const isSummary = (content: string | undefined) => content?.startsWith("You keep the notes") === true;
  let hangs = true;
  const rig = await createRig({
    env: { HISTORY_MAX_MESSAGES: "8", SUMMARY_MODEL: "test/two" },
    model: {
      tokensPerSecond: Infinity,
      respond: ({ messages }) =>
        isSummary(messages[0]?.content)
          ? { text: "- The visitor is called Ada.", ...(hangs ? { tokensPerSecond: 0.01 } : {}) }
          : { text: "Yes." },
    },
  });
  try {
    await rig.start();
    const visitor = rig.visitor();
    await visitor.ask("I am Ada.");
    for (let n = 2; n <= 4; n++) await visitor.ask(`question ${n}`);
    const summaries = () => rig.model.requests.filter(({ body }) => isSummary(body.messages[0]?.content));
    await until(() => summaries().length === 1);
    expect(summaries()[0]?.body.model).toBe("two");
    expect(summaries()[0]?.body.messages.at(-1)?.content).toContain('{"user":"I am Ada.","assistant":"Yes."}');
    await rig.end("SIGKILL");
    hangs = false;
    await rig.start();
    await visitor.ask("question 5");
    await until(() => rig.output().includes("a conversation was summarised"));
    await visitor.ask("question 6");
    const [asked] = rig.requests("question 6");
    expect(dialogueOf(asked)[0]).toContain("- The visitor is called Ada.");
    expect(dialogueOf(asked).slice(1)).toEqual(["user: question 5", "assistant: Yes.", "user: question 6"]);
    expect(visitor.written().map(({ text }) => text)).not.toContain(expect.stringContaining("no longer"));
    await visitor.sees(/New conversation/, visitor.say("/new"));
    await visitor.ask("question 7");
    expect(dialogueOf(rig.requests("question 7")[0])).toEqual([expect.not.stringContaining("Ada"), "user: question 7"]);
    expect(rig.botApi.violations).toEqual([]);
    expect(await rig.end("SIGTERM")).toBe(0);
  } finally {
    await rig.stop();
  }
});
