import { describe, expect, it } from "vitest";
import { measureKilled } from "../../bench/tools/runs.ts";
import { type SeenRequest, stepFigures } from "../../bench/tools/turns.ts";

const rules = { minimum: 100, block: 50, ttlMs: 60_000 };
const long = "one two three four ".repeat(80);

/** A request of the one turn that there is. */
function request(results: number, at: number, pieces: readonly string[]): SeenRequest {
  return { chatId: 1, round: 1, results, at, endedAt: at + 10, pieces };
}

describe("what the benchmark of tools stands on", () => {
  it("counts what lies between two requests, without what a provider took for a search", () => {
    const requests = [
      request(0, 0, ["tools", long]),
      request(1, 160, ["tools", long, "call", "result"]),
      request(2, 200, ["tools", long, "call", "result", "call", "result"]),
    ];
    const figures = stepFigures(requests, [{ chatId: 1, round: 1, at: 20, endedAt: 120 }], rules);
    expect(figures).toMatchObject({ turns: 1, changed: 0, searchStepMs: { p50: 50 }, calculateStepMs: { p50: 30 } });
    expect(figures.cachedShare).toBe(figures.possibleShare);
    expect(figures.cachedShare).toBeGreaterThan(0.8);
    expect(stepFigures(requests, [], rules, 201).turns).toBe(0);
  });

  it("sees a prompt that does not go on as it began, and what that costs", () => {
    const requests = [request(0, 0, ["tools", long]), request(1, 100, ["other tools", long, "call", "result"])];
    const figures = stepFigures(requests, [], rules);
    expect(figures.changed).toBe(1);
    expect(figures.cachedShare).toBe(0);
    expect(figures.possibleShare).toBeGreaterThan(0.8);
  });

  it("finds that every request of the real bot begins with the one before it, also over a kill in mid-turn", async () => {
    const figures = await measureKilled(true, { chats: 6, seconds: 0, characters: 300, tokensPerSecond: 50 });
    expect(figures).toMatchObject({ lost: 0, steps: { turns: 6, changed: 0 } });
    expect(figures.steps.cachedShare).toBe(figures.steps.possibleShare);
    expect(figures.steps.cachedShare).toBeGreaterThan(0.5);
  });
});
