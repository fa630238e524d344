/** Who pays for a summary: whoever has asked last, as for an answer. */
import type { Settlement } from "../ports/ledger.ts";
import { createPayment, type PaymentDeps } from "./payment.ts";
import type { SummaryOrder, SummaryPayment } from "./summaries.ts";

/** Creates what pays for one summary. `model` writes it. */
export function createSummaryPayment(deps: PaymentDeps, model: string, order: SummaryOrder): SummaryPayment {
  const { conversation, question: id, userId } = order;
  const payer = createPayment(deps, { conversation, id, userId, summary: true }, () => undefined);
  return {
    payer,
    lost: (messages) => payer.lost({ model, messages }, ""),
    async settle(forgotten) {
      const calls = payer.take().map((call) => (forgotten ? nameless(call) : call));
      if (calls.length > 0) await deps.store.ledger.settle(calls);
    },
  };
}

/**
 * The call of somebody who may have deleted their data meanwhile: their name must not come back into the ledger. One with a
 * reservation keeps it: reservations are settled before a name is taken out.
 */
function nameless(call: Settlement): Settlement {
  const { reservation, userId, chatId } = call;
  return reservation === undefined ? { ...call, userId: 0, turn: 0, chatId: chatId === userId ? 0 : chatId } : call;
}
