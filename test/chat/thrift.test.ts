/** Whether a summary pays, by prices, and that chats with summaries cost no more than chats without. */
import { describe, expect, it } from "vitest";
import { chatsOf, readDialogues } from "../../bench/cost/dialogues.ts";
import { replay } from "../../bench/cost/replay.ts";
import { planSummary, thriftyCut } from "../../src/chat/summary-plan.ts";
import { pricesOf, tariffOf, worthKeeping, worthShowing } from "../../src/chat/thrift.ts";
import { createPrices } from "../../src/models/prices.ts";
import { textParts } from "../../src/ports/content.ts";

const at = Date.UTC(2026, 10, 21, 12);
const cost = createPrices();
const [dear, nano, cheap] = ["openai/gpt-4.1", "openai/gpt-4.1-nano", "deepseek/deepseek-v4-flash"];
const limits = { maxTokens: 8_000, maxMessages: 40 };
const hour = 3_600_000;

function sizes(count: number, everyMs = 60_000) {
  return Array.from({ length: count }, (_, place) => ({ tokens: 100, at: place * everyMs }));
}

const tariffWith = (model: string, summariser: string, by = cost) =>
  tariffOf(pricesOf(by, model, at), pricesOf(by, summariser, at));

function cutOf(model: string, persona: number, count: number, everyMs?: number): number | undefined {
  const tariff = tariffWith(model, model === dear ? nano : cheap);
  return (
    tariff && thriftyCut(sizes(count, everyMs), undefined, { maxTokens: 32_000, maxMessages: 320 }, { tariff, persona })
  );
}

describe("whether a summary pays", () => {
  it("follows from prices, and is not known without them", () => {
    expect(tariffWith(dear, nano)?.answers).toMatchObject({ input: expect.closeTo(2e-6, 9) });
    expect(tariffWith(dear, nano, () => undefined)).toBeUndefined();
    expect(
      tariffWith(dear, nano, (model, ...rest) => (model === nano ? undefined : cost(model, ...rest))),
    ).toBeUndefined();
    expect(tariffWith(dear, nano, () => 0)).toBeUndefined();
  });

  it("is no question in a short chat, and comes sooner where a persona alone is cached", () => {
    const first = (persona: number) => Array.from({ length: 100 }, (_, n) => n).find((n) => cutOf(dear, persona, n));
    expect(first(137)).toBeGreaterThan(13);
    expect(first(1_200)).toBe(13);
  });

  it("is no where old messages are nearly free, unless pauses have made them dear", () => {
    expect(cutOf(cheap, 137, 110)).toBeUndefined();
    expect(cutOf(cheap, 137, 110, 3 * hour)).toBeGreaterThan(0);
  });

  it("is yes early for somebody who is often away, by the first question behind another pause", () => {
    const tariff = tariffWith(cheap, cheap);
    const first = (questionsBetweenPauses: number) =>
      Array.from({ length: 60 }, (_, n) => n).find((n) => {
        const shown = sizes(n).map((one, place) => ({
          ...one,
          at: one.at + Math.floor(place / questionsBetweenPauses) * 12 * hour,
        }));
        return (
          tariff && thriftyCut(shown, undefined, { maxTokens: 32_000, maxMessages: 320 }, { tariff, persona: 137 })
        );
      });
    // Sixty questions without a pause pay for none.
    expect(first(100)).toBeUndefined();
    // Those of chats of 40 have to pay for themselves by their end.
    expect(first(9)).toBeLessThanOrEqual(28);
    expect(first(4)).toBeLessThanOrEqual(21);
  });

  it("leaves enough beside it to be cached right away", () => {
    const of = (persona: number) => worthKeeping({ persona, summary: 100, exchanges: sizes(20) }, 3);
    expect(of(1_200)).toBe(3);
    expect(of(100)).toBeGreaterThan(7);
    expect(worthKeeping({ persona: 100, summary: 100, exchanges: sizes(2) }, 3)).toBe(2);
  });

  it("makes a plan before any limit is near, and none when prices are not known", () => {
    const tariff = tariffWith(dear, nano);
    const history = sizes(14).map((one, place) => ({
      ...one,
      ...{ question: place + 1, asked: textParts("why?"), answered: "because" },
    }));
    const thrift = tariff && { tariff, persona: 1_200 };
    expect(planSummary(history, limits, undefined, Infinity, thrift)?.place).toMatchObject({ from: 12, through: 13 });
    expect(planSummary(history, limits, undefined)).toBeUndefined();
  });

  it("lets more of a history be shown where its prices make that worth it", () => {
    expect(worthShowing(limits, pricesOf(cost, dear, at))).toEqual(limits);
    expect(
      worthShowing(
        limits,
        pricesOf(() => undefined, cheap, at),
      ),
    ).toEqual(limits);
    expect(
      worthShowing(
        limits,
        pricesOf(() => 0, cheap, at),
      ),
    ).toEqual(limits);
    expect(worthShowing(limits, pricesOf(cost, cheap, at)).maxMessages).toBeGreaterThan(limits.maxMessages);
  });
});

describe("a chat that is summarised", () => {
  const recordings = readDialogues("/nowhere");
  const everything = { HISTORY_MAX_TOKENS: "1000000", HISTORY_MAX_MESSAGES: "10000" };
  it.each(
    [12, 40].flatMap((turns) =>
      [dear, cheap].flatMap((model) => (["none", "usual"] as const).map((pauses) => [turns, model, pauses] as const)),
    ),
  )("of %i questions to %s (pauses: %s) costs no more than its whole history, cached", async (turns, model, pauses) => {
    const chats = chatsOf(recordings, turns, 1, pauses);
    const dollars = async (manner: Omit<Parameters<typeof replay>[1], "model">) => {
      const { calls, facts, factsPresent } = await replay(chats, { model, ...manner }, "Be brief.");
      expect(factsPresent).toBe(facts);
      return calls.reduce((sum, call) => sum + (cost(call.model, call.usage, at) ?? Number.NaN), 0);
    };
    const whole = await dollars({ env: everything });
    expect(await dollars({ summaries: model === dear ? nano : cheap })).toBeLessThanOrEqual(whole * (1 + 1e-9));
  });
});
