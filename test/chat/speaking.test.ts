/** Answers that are spoken: what was spoken is paid for once, whatever becomes of the process that has had it spoken. */
import { describe, expect, it } from "vitest";
import { type Speaking, speakAnswer } from "../../src/chat/speaking.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { Turn } from "../../src/ports/turns.ts";

const { signal } = new AbortController();
const turnOf = (run: number): Turn => ({
  ...{ conversation: "7", question: 50, root: 50, run, state: "done", asked: [], messages: [51] },
  ...{ answer: "Yes.", outcome: "complete" },
});

async function scene() {
  const store = createMemoryStore({ historyTtlSeconds: 3600, now: () => 0 });
  await store.setSetting("7", "voice", "on");
  const spoken: string[] = [];
  const said: string[] = [];
  const say: Speaking["say"] = async ({ bytes, seconds }) => said.push(`${Buffer.from(bytes)} ${seconds}`);
  const speaking: Speaking = {
    async speak(words) {
      spoken.push(words);
      return { bytes: Buffer.from(`voice ${spoken.length}`), seconds: 2, model: "a/voice" };
    },
    wordsOf: (markdown) => markdown,
    say,
  };
  return {
    ...{ store, spoken, said },
    async speak(run: number, instead: Partial<Speaking> = {}) {
      const turn = turnOf(run);
      await store.beginTurn({ ...turn, state: "writing" });
      await store.finishTurn(turn, undefined, []);
      const deps = {
        ...{ store, models: { cost: () => 0 }, tokenFactors: createTokenFactors(), now: () => 0 },
        ...{ spending: { budgets: {} }, observer: { usage: () => undefined }, speaking: { ...speaking, ...instead } },
        ...{ log: { info: () => undefined, warn: () => undefined }, work: <T>(work: () => T) => work() },
      };
      await speakAnswer(deps, turn, 7, signal);
    },
  };
}

describe("an answer that is spoken", () => {
  it("is not spoken again when the process dies before it is known to stand in the chat", async () => {
    const { speak, spoken, said, store } = await scene();
    const dies = () => Promise.reject(new Error("killed"));
    await expect(speak(1, { say: dies })).rejects.toThrow("killed");
    await speak(1);
    expect([spoken, said]).toEqual([["Yes."], ["voice 1 2"]]);
    expect(await store.readDialog("7/speech/50/1")).toBeUndefined();
    expect((await store.readTurn("7", 50))?.spoken).toBe(1);
  });

  it("is spoken anew when it is answered anew", async () => {
    const { speak, spoken, said } = await scene();
    await speak(1);
    await speak(2);
    expect([spoken, said]).toEqual([
      ["Yes.", "Yes."],
      ["voice 1 2", "voice 2 2"],
    ]);
  });

  it("is not kept where nobody takes it", async () => {
    const { speak, store } = await scene();
    await speak(1, { say: async () => undefined });
    expect(await store.readDialog("7/speech/50/1")).toBeUndefined();
  });
});
