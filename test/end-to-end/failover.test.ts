/** The real process while a model fails in the middle of its answer, and another one writes it anew. */
import { describe, expect, test } from "vitest";
import { buttonsOf, plain, until, words } from "../support/bot-process.ts";
import { noteWords } from "../support/note-words.ts";
import { sharedRig } from "../support/shared-rig.ts";

const env = (_port: number, modelUrl: string) => ({ MODELS: "test/one>other/two", OTHER_BASE_URL: modelUrl });
const answeredBy = noteWords.answeredBy("other/two");

describe("a model that breaks off", () => {
  // A bot that is killed hangs up on Telegram.
  const rig = sharedRig({ env, faulty: true });
  const broken = { text: words(60), tokensPerSecond: 400, cutAfterChunks: 40 };
  /** It has begun, and is far from a line. */
  const begun = { chunks: ["New", " text"], stallAfterChunks: 1 };

  test("is followed by the next, which writes the answer anew, and nothing is left of its messages", async () => {
    const visitor = rig.visitor();
    const anew = words(90, "new");
    // More than one message, before it breaks off.
    const former = { text: words(1_400, "old"), tokensPerSecond: 600, cutAfterChunks: 1_300 };
    rig.answers("break off", former, { text: anew, tokensPerSecond: 60, delayFirstMs: 1_500 });
    const answer = await visitor.ask("break off");
    expect(visitor.written()).toHaveLength(1);
    expect(plain(answer.text)).toBe(plain(`${anew}${answeredBy}`));
    expect(rig.requests("break off")).toHaveLength(2);
  });

  test("leaves what it has written when the next one fails, with the failure and Retry", async () => {
    const visitor = rig.visitor();
    rig.answers("fail all", broken, { status: 400 });
    const answer = await visitor.ask("fail all", "Retry");
    expect(plain(answer.text)).toBe(plain(`${words(40)}${noteWords.modelFailed("connection")}`));
    expect(visitor.written()).toHaveLength(1);
  });

  test("leaves what it has written when the next is stopped at its beginning", async () => {
    const visitor = rig.visitor();
    rig.answers("stop me", broken, begun);
    visitor.say("stop me");
    const shown = await visitor.sees(/w39\b/);
    await until(() => rig.requests("stop me")[1]?.firstTextAt !== undefined);
    await visitor.press(shown, "Stop");
    const answer = await visitor.sees("Retry");
    expect(plain(answer.text)).toBe(plain(`${words(40)}${noteWords.stopped}`));
    expect(answer.id).toBe(shown.id);
  });

  test("is forgotten when the bot is killed before the next has written a line", async () => {
    const visitor = rig.visitor();
    rig.answers("kill me", broken, begun, { text: words(50, "x") });
    visitor.say("kill me");
    const shown = await visitor.sees(/w39\b/);
    await until(() => rig.requests("kill me")[1]?.firstTextAt !== undefined);
    await rig.end("SIGKILL");
    await rig.start();
    const answer = await visitor.sees("Regenerate");
    expect(answer.id).toBe(shown.id);
    expect(plain(answer.text)).toContain(plain(words(50, "x")));
    expect(plain(answer.text)).not.toContain("w39");
    expect(visitor.written()).toHaveLength(1);
    expect(buttonsOf(answer)).toHaveLength(1);
  });
});
