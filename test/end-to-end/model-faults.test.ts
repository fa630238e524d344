/** The real process while the model fails: one plain sentence, and nobody is left waiting. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, modelKey, persona, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the bot in trouble with the model", { timeout: 600_000 }, () => {
  const rig = sharedRig();

  const secretBody = {
    error: { message: `Incorrect key ${modelKey} at https://x.example/?key=${modelKey}`, code: "invalid_api_key" },
  };

  test.for([
    ["refuses the key", { status: 401, body: secretBody }, /does not accept this bot's key/, false],
    [
      "has no credit left",
      { status: 402, body: { error: { message: "insufficient credit" } } },
      /run out of credit/,
      false,
    ],
    [
      "does not know the model",
      { status: 404, body: { error: { message: "no such model" } } },
      /does not know this model/,
      false,
    ],
    [
      "finds the conversation too long",
      { status: 400, body: { error: { message: "context length exceeded", code: "context_length_exceeded" } } },
      /too long for the model/,
      false,
    ],
    [
      "is overloaded for minutes",
      { status: 429, headers: { "retry-after": "120" }, body: { error: { message: "slow down" } } },
      /in 120 seconds/,
      true,
    ],
    ["is overloaded", { status: 429, body: { error: { message: "rate limit" } } }, /overloaded right now/, true],
    ["is out of order", { status: 500, body: { error: { message: "oh no" } } }, /has a problem/, true],
    ["cannot be reached", { cutAfterChunks: 0 }, /connection to the model's provider failed/, true],
    [
      "sends a web page",
      { body: "<html><body>Welcome to the proxy</body></html>", contentType: "text/html" },
      /not an answer/,
      true,
    ],
    [
      "sends an answer that is no stream",
      { body: "<html>Sign in to the network</html>", contentType: "text/html" },
      /not an answer/,
      true,
    ],
  ] as const)("says in one plain sentence when the provider %s", async ([what, script, sentence, retry]) => {
    const visitor = rig.visitor();
    const question = `provider ${what}`;
    rig.answers(question, script);
    const asked = visitor.say(question);
    const told = await until(() => visitor.written().find(({ text }) => text.startsWith("⚠️")), 60_000);
    expect(told.id).toBeGreaterThan(asked);
    expect(told.text).toMatch(sentence);
    expect(told.text).toMatch(/^⚠️ [^\n{}<>]+$/);
    expect(told.text).not.toContain("sk-");
    expect(buttonsOf(told).some((label) => label.includes("Retry"))).toBe(retry);
    expect(rig.requests(question).length).toBeLessThanOrEqual(8);
    expect(visitor.written()).toHaveLength(1);
    // What failed is not in the history.
    rig.answers(`${question} no more`, { text: "works again" });
    const answer = await visitor.ask(`${question} no more`);
    expect(answer.text).toBe("works again");
    expect(dialogueOf(rig.requests(`${question} no more`)[0])).toEqual([persona, `user: ${question} no more`]);
  });

  test("tries again before the first word, and has nothing of it in its answer", async () => {
    const visitor = rig.visitor();
    rig.answers("fails once", { status: 503, body: "busy" }, { text: "second time lucky" });
    expect((await visitor.ask("fails once")).text).toBe("second time lucky");
    expect(rig.requests("fails once")).toHaveLength(2);
  });

  test.for([
    ["is cut", { cutAfterChunks: 40 }, 40],
    ["reports an error", { errorEventAfterChunks: 40 }, 40],
    ["ends without a finish reason", { endWithoutFinish: true }, 90],
  ] as const)(
    "keeps what was written when the stream %s, and Retry writes it anew in its place",
    async ([what, fault, count]) => {
      const visitor = rig.visitor();
      const question = `stream ${what}`;
      rig.answers(question, { text: words(90), tokensPerSecond: 60, ...fault }, { text: "whole at last" });
      const broken = await visitor.ask(question, "Retry");
      const [text, line, ...more] = broken.text.split("\n\n");
      expect(text).toBe(words(count));
      expect(line).toMatch(/^⚠️ [^\n]+$/);
      expect(more).toEqual([]);
      await visitor.press(broken, "Retry");
      expect((await visitor.sees("Regenerate")).text).toBe("whole at last");
      expect(visitor.written().map(({ id }) => id)).toEqual([broken.id]);
      await visitor.ask(`after: ${question}`);
      expect(dialogueOf(rig.requests(`after: ${question}`)[0])).toEqual([
        persona,
        `user: ${question}`,
        "assistant: whole at last",
        `user: after: ${question}`,
      ]);
    },
  );

  test("a Retry that is stopped at once leaves the old text and its button where they were", async () => {
    const visitor = rig.visitor();
    rig.answers(
      "stop the retry",
      { text: words(90), tokensPerSecond: 90, cutAfterChunks: 30 },
      { hangBeforeHeaders: true },
    );
    const broken = await visitor.ask("stop the retry", "Retry");
    await visitor.press(broken, "Retry");
    await visitor.sees("Stop");
    visitor.say("/stop");
    const after = await visitor.sees("Retry");
    expect(after.id).toBe(broken.id);
    expect(after.text).toContain("w29");
  });
});
