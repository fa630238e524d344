import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildPrompt, trimHistory } from "../src/chat/prompt.ts";
import type { Exchange } from "../src/ports.ts";

function exchange(question: number, tokens: number): Exchange {
  return { question, asked: `question ${question}`, answered: `answer ${question}`, tokens, at: question };
}

const histories = fc
  .array(fc.integer({ min: 1, max: 400 }), { maxLength: 120 })
  .map((sizes) => sizes.map((tokens, i) => exchange(i + 1, tokens)));
const someLimits = fc.record({
  maxTokens: fc.integer({ min: 1, max: 3000 }),
  maxMessages: fc.integer({ min: 1, max: 60 }),
});

const sum = (history: readonly Exchange[]) => history.reduce((total, { tokens }) => total + tokens, 0);

describe("trimming", () => {
  it("shows all of a history within its limits", () => {
    const history = [exchange(1, 10), exchange(2, 10), exchange(3, 10)];
    expect(trimHistory(history, { maxTokens: 30, maxMessages: 6 })).toEqual(history);
    expect(trimHistory([], { maxTokens: 30, maxMessages: 6 })).toEqual([]);
  });

  it("cuts to half of a limit once it is exceeded", () => {
    const history = [1, 2, 3, 4].map((id) => exchange(id, 10));
    const ids = (limits: { maxTokens: number; maxMessages: number }) =>
      trimHistory(history, limits).map(({ question }) => question);
    expect(ids({ maxTokens: 1000, maxMessages: 6 })).toEqual([4]);
    expect(ids({ maxTokens: 39, maxMessages: 100 })).toEqual([4]);
    expect(ids({ maxTokens: 40, maxMessages: 8 })).toEqual([1, 2, 3, 4]);
  });

  it("shows nothing of an exchange that alone exceeds the limit", () => {
    expect(trimHistory([exchange(1, 5), exchange(2, 500)], { maxTokens: 100, maxMessages: 10 })).toEqual([]);
  });

  it("never exceeds a limit, and keeps the newest in their order", () => {
    fc.assert(
      fc.property(histories, someLimits, (history, limits) => {
        const kept = trimHistory(history, limits);
        expect(sum(kept)).toBeLessThanOrEqual(limits.maxTokens);
        expect(2 * kept.length).toBeLessThanOrEqual(limits.maxMessages);
        expect(kept).toEqual(history.slice(history.length - kept.length));
      }),
    );
  });

  it("follows from the history alone: the same history is always cut in the same place", () => {
    fc.assert(
      fc.property(histories, someLimits, (history, limits) => {
        expect(trimHistory(structuredClone(history), limits)).toEqual(trimHistory(history, limits));
      }),
    );
  });

  it("keeps the beginning of the prompt the same for many questions", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 20, max: 60 }), { minLength: 200, maxLength: 200 }), (sizes) => {
        const history = sizes.map((tokens, i) => exchange(i + 1, tokens));
        const limits = { maxTokens: 1200, maxMessages: 40 };
        let changes = 0;
        let shown = 0;
        let former: readonly Exchange[] = [];
        for (let length = 1; length <= history.length; length++) {
          const now = trimHistory(history.slice(0, length), limits);
          if (former.some(({ question }, i) => question !== now[i]?.question)) changes++;
          shown += now.length;
          former = now;
        }
        // A block is at least ten exchanges of sixty tokens: a sliding window would change 180 times.
        expect(changes).toBeLessThanOrEqual(sizes.length / 9);
        expect(changes).toBeGreaterThan(0);
        // And it is no answer to forget everything at once.
        expect(shown / sizes.length).toBeGreaterThan(10);
      }),
      { numRuns: 20 },
    );
  });
});

describe("the prompt", () => {
  const limits = { maxTokens: 100, maxMessages: 10 };

  it("is persona, history and question, in this order", () => {
    expect(buildPrompt("Be brief.", [exchange(1, 5)], "why?", limits)).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "question 1" },
      { role: "assistant", content: "answer 1" },
      { role: "user", content: "why?" },
    ]);
  });

  it("has no system message without a persona", () => {
    expect(buildPrompt(" \n", [], "why?", limits)).toEqual([{ role: "user", content: "why?" }]);
  });

  it("puts persona and question on top of the limits", () => {
    const roles = buildPrompt("x".repeat(5000), [exchange(1, 500)], "y".repeat(5000), limits).map(({ role }) => role);
    expect(roles).toEqual(["system", "user"]);
  });
});
