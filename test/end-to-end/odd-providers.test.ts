/** Slightly wrong providers behind the real process: what the chat sees of it. */
import { describe, expect, test } from "vitest";
import type { Script } from "../../src/playground/model/script.ts";
import { createRig, dialogueOf, plain, refusedCalls, until, words } from "../support/bot-process.ts";
import { event } from "../support/llm-server.ts";
import { sharedRig } from "../support/shared-rig.ts";

const rig = sharedRig();
const word = (content: string) => event({ content });
const done = `${event({}, "stop")}data: [DONE]\n\n`;

describe("behind a slightly wrong provider", { timeout: 90_000 }, () => {
  test("thoughts that only end take their text back, and the messages it had filled", async () => {
    const visitor = rig.visitor();
    const thoughts = words(1_200, "thought");
    expect(thoughts.length).toBeGreaterThan(8_192);
    const pieces = [thoughts.slice(0, 3_000), thoughts.slice(3_000, 6_000), thoughts.slice(6_000)];
    const script: Script = {
      rawChunks: [...pieces.map(word), word("\n</think>\n\nOnly"), word(" this."), done],
      rawEveryMs: 1_500,
    };
    rig.answers("think first", script);
    const answer = await visitor.ask("think first");
    expect(answer.text).toBe("Only this.");
    await until(() => visitor.written().length === 1);
    rig.answers("what did you say?", { text: "That." });
    await visitor.ask("what did you say?");
    expect(dialogueOf(rig.requests("what did you say?")[0])).toContain("assistant: Only this.");
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("an error without data: is told at once, as what it is", async () => {
    const visitor = rig.visitor();
    rig.answers("with a bad key", {
      rawChunks: [JSON.stringify({ error: { message: "Invalid API key", code: 401 } })],
    });
    const message = await visitor.sees(/^⚠️/, visitor.say("with a bad key"));
    expect(message.text).toMatch(/does not accept this bot's key/);
    expect(rig.requests("with a bad key")).toHaveLength(1);
  });

  test("an answer without end stops at 200,000 characters", async () => {
    const visitor = rig.visitor();
    rig.answers("without end", { rawChunks: Array.from({ length: 4_000 }, () => word(`${words(900)}\n\n`)) });
    await visitor.ask("without end");
    const shown = visitor.written().map(({ text }) => text);
    expect(plain(shown.join("")).length).toBeLessThanOrEqual(200_000);
    expect(shown.join("\n")).toContain("Cut here: I read 200,000 characters");
    await expect.poll(() => rig.requests("without end")[0]?.abandonedAt).toBeDefined();
  });
});

describe("SYSTEM_PROMPT= (set and empty)", { timeout: 60_000 }, () => {
  test("asks the model without any persona", async () => {
    const own = await createRig({ env: { SYSTEM_PROMPT: "" } });
    try {
      await own.start();
      own.answers("who are you?", { text: "Nobody." });
      await own.visitor().ask("who are you?");
      expect(dialogueOf(own.requests("who are you?")[0])).toEqual(["user: who are you?"]);
    } finally {
      await own.stop();
    }
  });
});
