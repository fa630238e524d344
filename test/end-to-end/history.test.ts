/** How much of a conversation the model is shown, by the real process over both engines. */
import { describe, expect, test } from "vitest";
import { goOn } from "../../src/chat/continuation.ts";
import { createRig, dialogueOf, persona, type Rig, words } from "../support/bot-process.ts";
import { noteWords } from "../support/note-words.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const engines = redis.missing === undefined ? ["SQLite", "Redis"] : ["SQLite"];

const tooLong = { status: 400, body: { error: { message: "maximum context length is 8192 tokens" } } };

describe.concurrent.each(engines)("a conversation kept in %s", { timeout: 120_000 }, (engine) => {
  async function withRig(work: (rig: Rig) => Promise<void>): Promise<void> {
    const prefix = newPrefix();
    const rig = await createRig(engine === "Redis" ? { env: { REDIS_URL: redis.url, REDIS_PREFIX: prefix } } : {});
    try {
      await rig.start();
      await work(rig);
      expect(rig.botApi.violations).toEqual([]);
    } finally {
      await rig.stop();
      if (engine === "Redis") await deleteKeys(redis.url, prefix);
    }
  }

  test("shows both ends of a very long newest answer, says once that it is cut, and knows that after a restart", () =>
    withRig(async (rig) => {
      const visitor = rig.visitor();
      const program = Array.from({ length: 3_000 }, (_, n) => `const line${n} = 1;`).join("\n");
      expect(program.length).toBeGreaterThan(45_000);
      const fast = { tokensPerSecond: Infinity };
      rig.answers("write it", { text: program, ...fast });
      rig.answers("fix the bug in it", { text: "Fixed." });
      await visitor.ask("write it");
      const fixed = await visitor.ask("fix the bug in it");
      const [, asked, answered] = dialogueOf(rig.requests("fix the bug in it")[0]);
      expect(asked).toBe("user: write it");
      expect(answered).toMatch(
        /^assistant: const line0 = 1;\nconst line1 = 1;\n.*are left out here.*\nconst line2999 = 1;$/s,
      );
      expect(fixed.text).toBe(`Fixed.\n\n${noteWords.historyCut}`);
      expect(await rig.end("SIGTERM")).toBe(0);
      await rig.start();
      const next = await visitor.ask("thank you");
      expect(next.text).not.toContain(noteWords.historyCut);
      expect(dialogueOf(rig.requests("thank you")[0]).slice(0, 5)).toEqual([
        persona,
        asked,
        answered,
        "user: fix the bug in it",
        "assistant: Fixed.",
      ]);
      await visitor.sees(/New conversation/, visitor.say("/new"));
      await visitor.ask("write it");
      rig.answers("and again", { text: "Again." });
      expect((await visitor.ask("and again")).text).toBe(`Again.\n\n${noteWords.historyCut}`);
      expect((await visitor.ask("/retry")).text).toBe(`Again.\n\n${noteWords.historyCut}`);
    }));

  test("is asked about with half of it when the model finds it too long, and told only when that does not help", () =>
    withRig(async (rig) => {
      const visitor = rig.visitor();
      for (const question of ["one", "two", "three", "four"]) {
        rig.answers(question, { text: `${question}!` });
        await visitor.ask(question);
      }
      rig.answers("five", tooLong, { text: "five!" });
      expect((await visitor.ask("five")).text).toBe(`five!\n\n${noteWords.historyCut}`);
      expect(
        rig.requests("five").map((request) => dialogueOf(request).filter((line) => line.startsWith("user"))),
      ).toEqual([
        ["user: one", "user: two", "user: three", "user: four", "user: five"],
        ["user: three", "user: four", "user: five"],
      ]);
      rig.answers("six", tooLong);
      await visitor.sees(/too long for the model/, visitor.say("six"));
      expect(rig.requests("six")).toHaveLength(2);
      rig.answers("seven", { text: "seven!" });
      expect((await visitor.ask("seven")).text).toBe("seven!");
      expect(dialogueOf(rig.requests("seven")[0])[1]).toBe("user: three");
    }));

  test("has the whole of an answer that was continued, and only the new one when it is written again", () =>
    withRig(async (rig) => {
      const visitor = rig.visitor();
      rig.answers("count", { text: "1 2 ", finishReason: "length" }, { text: "9 8" });
      rig.answers(goOn, { text: words(30), finishReason: "length" }, { text: " 3" });
      const first = await visitor.ask("count", "Continue");
      await visitor.press(first, "Continue");
      const second = await visitor.sees("Continue", first.id);
      expect(await rig.end("SIGTERM")).toBe(0);
      await rig.start();
      await visitor.press(second, "Continue");
      const third = await visitor.sees("Regenerate", second.id);
      expect(dialogueOf(rig.requests(goOn)[1])).toEqual([
        persona,
        "user: count",
        `assistant: 1 2 ${words(30)}`,
        `user: ${goOn}`,
      ]);
      await visitor.press(third, "Regenerate");
      await visitor.sees(/^9 8$/);
      await visitor.sees("Regenerate");
      await visitor.ask("what then");
      expect(dialogueOf(rig.requests("what then")[0])).toEqual([
        persona,
        "user: count",
        "assistant: 9 8",
        "user: what then",
      ]);
      expect(visitor.written()).toHaveLength(2);
    }));
});
