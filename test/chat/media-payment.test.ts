/** What calls that hear, speak and draw cost: reserved before, settled after, in rows of their own kind. */
import { beforeEach, describe, expect, it } from "vitest";
import { BudgetError } from "../../src/base/errors.ts";
import { createPayment, type Payment } from "../../src/chat/payment.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { UsageEntry } from "../../src/ports/ledger.ts";
import type { MediaStep, PayableCall, TokenUsage } from "../../src/ports/models.ts";

const now = 5_000;
const never = new AbortController().signal;
const heard: TokenUsage = { inputTokens: 120, cachedTokens: 0, outputTokens: 60, seconds: 12 };
const drawn: TokenUsage = { inputTokens: 5, cachedTokens: 0, outputTokens: 4_160, pictures: 1 };
const looked: TokenUsage = { inputTokens: 5, cachedTokens: 0, outputTokens: 0, searches: 1 };
/** A cent for each second, a dollar for each picture, and half of one for each search. */
const cost = (_: string, { seconds = 0, pictures = 0, searches = 0 }: TokenUsage) =>
  seconds / 100 + pictures + searches / 2;
const call = (media: MediaStep, expected = heard): PayableCall => ({ model: "a/ear", media, expected });

let store: ReturnType<typeof createMemoryStore>;
let observed: UsageEntry[];
beforeEach(() => {
  store = createMemoryStore({ historyTtlSeconds: 3600, now: () => now });
  observed = [];
});

function paying(budget?: { readonly unit: "money" | "tokens"; readonly amount: number }): Payment {
  return createPayment(
    {
      ...{ store, models: { cost }, tokenFactors: createTokenFactors(), now: () => now },
      spending: { budgets: budget === undefined ? {} : { "user-day": budget } },
      observer: { usage: (entry) => void observed.push(entry) },
    },
    { conversation: "7", id: 50, userId: 7 },
    () => undefined,
  );
}

const rows = () => Array.fromAsync(store.ledger.rows(0, 1));
async function standing(unit: "money" | "tokens") {
  const of = { userId: 7 };
  const [one] = await store.ledger.standing([{ whose: "user-day", of, fromDay: 0, toDay: 0, unit, amount: 0 }]);
  return [one?.spent, one?.reserved];
}

describe.each([
  ["hear", -1, heard, 0.12],
  ["speak", -2, heard, 0.12],
  ["draw", -3, drawn, 1],
  ["search", -4, looked, 0.5],
] as const)("a call to %s", (media, step, expected, dollars) => {
  it.each([
    ["money", 10e9, dollars * 1e9],
    ["tokens", 10_000, expected.inputTokens + expected.outputTokens],
  ] as const)("reserves of a budget in %s what it may cost, and settles what it has", async (unit, amount, whole) => {
    const payment = paying({ unit, amount });
    const open = await payment.open(call(media, expected), never);
    expect(await standing(unit)).toEqual([0, whole]);
    open?.close({ outcome: "complete", usage: expected, firstTokenMs: 3, durationMs: 9 });
    await payment.settle();
    expect(await standing(unit)).toEqual([whole, 0]);
    expect(payment.take()).toEqual([]);
    const { pictures: _, searches: __, ...usage } = expected;
    expect(await rows()).toMatchObject([{ step, turn: 50, model: "a/ear", ...usage, cost: dollars, estimated: false }]);
    expect(observed).toHaveLength(1);
  });

  it("is not made when it costs more than is left", async () => {
    const payment = paying({ unit: "money", amount: 1e6 });
    await expect(payment.open(call(media, expected), never)).rejects.toThrow(BudgetError);
    expect(await standing("money")).toEqual([0, 0]);
  });

  it("that failed before anything came costs nothing, and is as expected where nobody counts", async () => {
    const payment = paying();
    (await payment.open(call(media, expected), never))?.close({ outcome: "upstream", durationMs: 9 });
    (await payment.open(call(media, expected), never))?.close({ outcome: "complete", firstTokenMs: 3, durationMs: 9 });
    await payment.settle();
    expect(await rows()).toMatchObject([
      { step, attempt: 1, outcome: "upstream", inputTokens: 0, outputTokens: 0, cost: 0 },
      { step, attempt: 2, outcome: "complete", outputTokens: expected.outputTokens, cost: dollars, estimated: true },
    ]);
  });

  it("in which a process died is lost, as expected", async () => {
    const payment = paying();
    await payment.lost(call(media, expected), 0);
    await payment.settle();
    expect(await rows()).toMatchObject([{ step, outcome: "lost", cost: dollars, estimated: true }]);
    const former = paying({ unit: "money", amount: 10e9 });
    await former.open(call(media, expected), never);
    const later = paying({ unit: "money", amount: 10e9 });
    await later.open(call(media, expected), never);
    expect((await rows()).map(({ outcome }) => outcome)).toEqual(["lost", "lost"]);
  });
});
