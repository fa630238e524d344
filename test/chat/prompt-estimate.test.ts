/** That no message of a prompt is counted twice, since that is the dearest work of an answer. */
import { expect, it } from "vitest";
import { createPayment } from "../../src/chat/payment.ts";
import { createTokenFactors } from "../../src/chat/token-factors.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import { textParts } from "../../src/ports/content.ts";
import type { ChatMessage } from "../../src/ports/models.ts";

it("a message is counted once, for what two calls may cost and for what is learnt from them", async () => {
  let reads = 0;
  const message: ChatMessage = {
    role: "user",
    content: textParts("how many ships?"),
    get calls() {
      reads++;
      return [];
    },
  };
  const payment = createPayment(
    {
      store: createMemoryStore({ historyTtlSeconds: 60 }),
      models: { cost: () => 0 },
      spending: { budgets: { "user-day": { unit: "tokens", amount: 1_000_000 } } },
      tokenFactors: createTokenFactors(),
      observer: { usage: () => undefined },
      now: () => 5_000,
    },
    { conversation: "7", id: 50, userId: 7 },
    () => undefined,
  );
  for (const messages of [[message], [message, { role: "assistant", content: textParts("three") } as const]]) {
    await payment.open({ model: "a/one", messages }, new AbortController().signal);
  }
  expect(payment.estimate([message])).toBeGreaterThan(0);
  expect(reads).toBe(1);
});
