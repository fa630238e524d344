import { beforeEach, describe, expect, it } from "vitest";
import { answerOperator, readOperatorCommand } from "../../../src/app/operator/commands.ts";
import type { UpdateQueue } from "../../../src/ports/queue.ts";

const calls: unknown[] = [];
let lines: string[] = [];
beforeEach(() => {
  calls.length = 0;
  lines = [];
  deadOnes = [dead];
});
const dead = {
  updateId: 7,
  conversation: "-100:5",
  lane: "quick" as const,
  receivedAt: Date.now() - 60_000,
  body: '{"text":"private"}',
  reason: "boom\nat line 1",
};
let deadOnes = [dead];
const queue = {
  stats: async () => ({ waiting: 3, active: 2, delayed: 1, dead: 1, oldestWaitingMs: 4_000 }),
  dead: {
    list: async (limit: number) => deadOnes.slice(0, limit),
    requeue: async (updateId: number) => updateId === 7,
  },
  async drainLane(...args: unknown[]) {
    calls.push(args);
    return 4;
  },
} as unknown as UpdateQueue;
const ledger = { rows: async function* () {} };
async function run(...args: string[]): Promise<number> {
  const answer = await answerOperator(args, { queue, ledger });
  lines.push(...answer.lines);
  return answer.exitCode;
}

describe("the operator's commands", () => {
  it("tell how much waits", async () => {
    expect(await run("stats")).toBe(0);
    expect(lines).toEqual(["waiting 3 (delayed 1), active 2, dead 1, oldest 4 s"]);
  });

  it("list the dead in a line each, without their text", async () => {
    expect(await run("dead")).toBe(0);
    expect(lines).toEqual(["7  lane -100:5/quick  60 s old  boom at line 1"]);
  });

  it("say that nothing is dead, and when there is more than they list", async () => {
    deadOnes = [];
    expect(await run("dead")).toBe(0);
    expect(lines).toEqual(["no dead updates"]);
    deadOnes = Array.from({ length: 1_000 }, () => dead);
    await run("dead");
    expect(lines).toHaveLength(1_001);
    deadOnes.push(dead);
    lines = [];
    await run("dead");
    expect(lines).toHaveLength(1_001);
    expect(lines.at(-1)).toMatch(/more; these are the 1000 oldest/);
  });

  it("put a dead update back, and say when there is none", async () => {
    expect(await run("requeue", "7")).toBe(0);
    expect(await run("requeue", "8")).toBe(1);
    expect(lines[1]).toBe("there is no dead update 8");
  });

  it.each([
    ["42", "42", "turn"],
    ["-100:5", "-100:5", "turn"],
    ["-100:5/quick", "-100:5", "quick"],
    ["update:77/quick", "update:77", "quick"],
  ])("drain the lane %s", async (argument, conversation, kind) => {
    expect(await run("drain", argument)).toBe(0);
    expect(calls).toEqual([[conversation, kind, "drained by an operator"]]);
  });

  it.each([[], ["bury"], ["requeue"], ["requeue", "x"], ["drain", "a"], ["dead", "7"], ["drain", "1", "2"]])(
    "explain themselves to %j",
    async (...args) => {
      expect(() => readOperatorCommand(args)).toThrow("npm run queue -- dead");
      expect(await run(...args)).toBe(1);
      expect(lines).toHaveLength(4);
    },
  );

  it("show a reason as one line that no terminal obeys", async () => {
    deadOnes = [{ ...dead, reason: `said \u001b[2J\u009b1m\u202e${"x".repeat(500)}\r\n` }];
    await run("dead");
    expect(lines[0]).toMatch(/said \[2J 1m x+$/);
    expect(lines[0]?.length).toBeLessThan(250);
  });

  it("say what went wrong, whoever asks", async () => {
    const broken = { ...queue, stats: () => Promise.reject(new Error("the disk is full")) } as unknown as UpdateQueue;
    expect(await answerOperator(["stats"], { queue: broken, ledger })).toEqual({
      exitCode: 1,
      lines: ["the disk is full"],
    });
  });
});
