import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildPrompt, exchangesNeeded, type HistoryLimits, halfOf, showHistory } from "../../src/chat/prompt.ts";
import { countTokens, firstTokens, lastTokens } from "../../src/chat/tokens.ts";
import { textOf, textParts } from "../../src/ports/content.ts";
import type { Exchange } from "../../src/ports/store.ts";
import { inWords } from "../support/messages.ts";

function exchange(question: number, tokens: number): Exchange {
  return { question, asked: textParts(`question ${question}`), answered: `answer ${question}`, tokens, at: question };
}

/** An exchange whose tokens are counted as they are when it is stored. */
function told(question: number, asked: string, answered: string): Exchange {
  return {
    question,
    asked: textParts(asked),
    answered,
    tokens: countTokens(asked) + countTokens(answered),
    at: question,
  };
}

const histories = fc
  .array(fc.integer({ min: 1, max: 400 }), { maxLength: 120 })
  .map((sizes) => sizes.map((tokens, i) => exchange(i + 1, tokens)));
const someLimits = fc.record({
  maxTokens: fc.integer({ min: 1, max: 3000 }),
  maxMessages: fc.integer({ min: 1, max: 60 }),
});

const sum = (history: readonly Exchange[]) => history.reduce((total, { tokens }) => total + tokens, 0);
const ids = (exchanges: readonly Exchange[]) => exchanges.map(({ question }) => question);

/** What is shown with each question of a conversation, and the exchanges as they are stored with its answers. */
function converse(history: readonly Exchange[], limits: HistoryLimits, needed = exchangesNeeded(limits)) {
  const stored: Exchange[] = [];
  const shown = history.map((one) => {
    const now = showHistory(stored.slice(-needed), limits);
    stored.push({ ...one, ...(now.since === undefined ? {} : { since: now.since }) });
    return now;
  });
  return { shown, last: showHistory(stored.slice(-needed), limits) };
}

describe("the history that is shown", () => {
  it("is all of a history within its limits", () => {
    const history = [exchange(1, 10), exchange(2, 10), exchange(3, 10)];
    expect(showHistory(history, { maxTokens: 30, maxMessages: 6 })).toEqual({ exchanges: history, tellsCut: false });
    expect(showHistory([], { maxTokens: 30, maxMessages: 6 })).toEqual({ exchanges: [], tellsCut: false });
  });

  it("is cut to half of a limit once it is exceeded", () => {
    const history = [1, 2, 3, 4].map((id) => exchange(id, 10));
    const shown = (limits: HistoryLimits) => ids(showHistory(history, limits).exchanges);
    expect(shown({ maxTokens: 1000, maxMessages: 6 })).toEqual([4]);
    expect(shown({ maxTokens: 39, maxMessages: 100 })).toEqual([4]);
    expect(shown({ maxTokens: 40, maxMessages: 8 })).toEqual([1, 2, 3, 4]);
  });

  it("begins where the prompt before began, and says the first time that something is left out", () => {
    const limits = { maxTokens: 1000, maxMessages: 6 };
    const { shown } = converse(
      [1, 2, 3, 4, 5, 6, 7].map((id) => exchange(id, 10)),
      limits,
    );
    expect(shown.map(({ exchanges }) => ids(exchanges))).toEqual([[], [1], [1, 2], [1, 2, 3], [4], [4, 5], [4, 5, 6]]);
    expect(shown.map(({ since }) => since)).toEqual([undefined, undefined, undefined, undefined, 4, 4, 4]);
    expect(shown.map(({ tellsCut }) => tellsCut)).toEqual([false, false, false, false, true, false, false]);
  });

  it("has the newest exchange in any case, with its beginning and its end when all of it is too long", () => {
    const lines = Array.from({ length: 1_000 }, (_, n) => `line ${n} of the program`);
    const long = told(1, "write a program", lines.join("\n"));
    const limits = { maxTokens: 2_000, maxMessages: 40 };
    expect(long.tokens).toBeGreaterThan(2 * limits.maxTokens);
    const shown = showHistory([exchange(9, 10), long], limits);
    expect(shown).toMatchObject({ since: 9, tellsCut: true });
    const [, cut] = shown.exchanges;
    expect(cut?.asked).toEqual(textParts("write a program"));
    expect(cut?.answered).toMatch(/^line 0 of the program\nline 1 of/);
    expect(cut?.answered).toMatch(/line 998 of the program\nline 999 of the program$/);
    expect(cut?.answered).toMatch(/\n\n\[… \d+ characters in the middle of this message are left out here …\]\n\n/);
    expect(sum(shown.exchanges)).toBeLessThanOrEqual(limits.maxTokens);
    expect(sum(shown.exchanges)).toBeGreaterThan(0.4 * limits.maxTokens);
    // The questions after it show it in the same words.
    const next = showHistory([exchange(9, 10), { ...long, since: 9 }, exchange(10, 10)], limits);
    expect(next.exchanges.slice(0, 2).map(({ answered }) => answered)).toEqual(
      shown.exchanges.map(({ answered }) => answered),
    );
  });

  it("keeps the newest exchange although it alone is above half of the limit", () => {
    const limits = { maxTokens: 1000, maxMessages: 40 };
    expect(showHistory([exchange(1, 600), exchange(2, 600)], limits).exchanges).toEqual([exchange(2, 600)]);
    expect(showHistory([exchange(1, 600), exchange(2, 2)], limits).exchanges).toHaveLength(2);
  });

  it("cuts a long question, too, and neither in the middle of a character", () => {
    const long = told(1, "👩‍🚀".repeat(3_000), "🙂".repeat(5_001));
    const [cut] = showHistory([long], { maxTokens: 1_000, maxMessages: 40 }).exchanges;
    for (const text of [textOf(cut?.asked ?? []), cut?.answered ?? ""]) {
      expect(text).toContain("are left out here");
      expect(text.isWellFormed()).toBe(true);
    }
    expect(cut?.tokens).toBeLessThanOrEqual(1_000);
  });

  it("keeps what stands beside the words of a long question", () => {
    const picture = { type: "picture", fileId: "f", uniqueId: "u", width: 1, height: 1 } as const;
    const words = told(1, "long ".repeat(5_000), "short");
    const long = { ...words, asked: [picture, ...words.asked] };
    const [cut] = showHistory([long], { maxTokens: 1_000, maxMessages: 40 }).exchanges;
    expect(cut?.asked).toEqual([picture, { type: "text", text: expect.stringContaining("are left out here") }]);
    expect(buildPrompt("", [long], []).map(({ content }) => textOf(content))[0]).toMatch(/^\[photo\]\nlong /);
  });

  it("begins behind an exchange of which nothing could be understood", () => {
    const limits = { maxTokens: 100, maxMessages: 10 };
    expect(showHistory([exchange(1, 5), exchange(2, 500)], limits)).toMatchObject({ exchanges: [], since: 2 });
    expect(showHistory([exchange(1, 5)], { maxTokens: 100, maxMessages: 1 })).toMatchObject({
      exchanges: [],
      since: 1,
    });
  });

  it("never exceeds a limit, and is the newest in their order", () => {
    fc.assert(
      fc.property(histories, someLimits, (history, limits) => {
        const { exchanges } = converse(history, limits).last;
        expect(sum(exchanges)).toBeLessThanOrEqual(limits.maxTokens);
        expect(2 * exchanges.length).toBeLessThanOrEqual(limits.maxMessages);
        expect(ids(exchanges)).toEqual(ids(history.slice(history.length - exchanges.length)));
        if (limits.maxTokens >= 128 && limits.maxMessages >= 2 && history.length > 0) {
          expect(exchanges.length).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("follows from the newest exchanges alone: reading more of them changes nothing", () => {
    fc.assert(
      fc.property(histories, someLimits, (history, limits) => {
        expect(converse(history, limits)).toEqual(converse(history, limits, Infinity));
      }),
    );
  });

  it("tells once that something is left out, and from then on always begins somewhere", () => {
    fc.assert(
      fc.property(histories, someLimits, (history, limits) => {
        const { shown } = converse(history, limits);
        const first = shown.findIndex(({ since }) => since !== undefined);
        expect(shown.map(({ tellsCut }) => tellsCut)).toEqual(shown.map((_, index) => index === first));
        if (first >= 0) for (const { since } of shown.slice(first)) expect(since).toBeDefined();
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
        for (const { exchanges: now } of converse(history, limits).shown) {
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

describe("half the history", () => {
  const limits = { maxTokens: 10_000, maxMessages: 40 };
  const half = (history: readonly Exchange[]) => halfOf(showHistory(history, limits), history);

  it("is the newer one", () => {
    const history = [1, 2, 3, 4].map((id) => exchange(id, 100));
    expect(half(history)).toEqual({ exchanges: history.slice(2), since: 3, tellsCut: true });
    expect(half(history.map((one) => ({ ...one, since: 1 })))?.tellsCut).toBe(false);
    expect(ids(half([exchange(1, 100), exchange(2, 101)])?.exchanges ?? [])).toEqual([2]);
  });

  it("of one exchange is its beginning and its end", () => {
    const only = told(1, "count", Array.from({ length: 500 }, (_, n) => n).join(" "));
    const shown = half([only]);
    expect(shown?.since).toBe(1);
    expect(shown?.exchanges[0]?.answered).toMatch(/^0 1 2 .* 498 499$/s);
    expect(sum(shown?.exchanges ?? [])).toBeLessThanOrEqual(only.tokens / 2 + 5);
  });

  it("is nothing where the only exchange is short, and there is none of no history", () => {
    expect(half([exchange(1, 5)])?.exchanges).toEqual([]);
    expect(half([])).toBeUndefined();
  });
});

describe("the beginning and the end of a text", () => {
  it("are not counted with half a character, which makes a word of what stands around it", () => {
    expect(countTokens(lastTokens("⺀𐀀A𐀀0A𐀀0À", 3))).toBeLessThanOrEqual(3);
  });

  it("have as many tokens as they may, or are the whole text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 2_000 }), fc.nat(500), (text, atMost) => {
        const [first, last] = [firstTokens(text, atMost), lastTokens(text, atMost)];
        expect(text.startsWith(first)).toBe(true);
        expect(text.endsWith(last)).toBe(true);
        expect([first.isWellFormed(), last.isWellFormed()]).toEqual([true, true]);
        if (countTokens(text) <= atMost - 10) expect([first, last]).toEqual([text, text]);
        // Cut elsewhere, or in half a character, a text has some tokens more or less.
        const many = 1.5 * atMost + 4;
        for (const part of [first, last]) expect(countTokens(part)).toBeLessThanOrEqual(many);
      }),
    );
  });
});

describe("the prompt", () => {
  it("is persona, history and question, in this order", () => {
    expect(inWords(buildPrompt("Be brief.", [exchange(1, 5)], textParts("why?")))).toEqual([
      { role: "system", content: "Be brief." },
      { role: "user", content: "question 1" },
      { role: "assistant", content: "answer 1" },
      { role: "user", content: "why?" },
    ]);
  });

  it("has no system message without a persona", () => {
    expect(inWords(buildPrompt(" \n", [], textParts("why?")))).toEqual([{ role: "user", content: "why?" }]);
  });
});
