/**
 * Summaries of conversations that are about to be cut: written in the background, at most one at a time for each
 * conversation whatever process it is answered by, and stored only if nothing of what it stands on was forgotten meanwhile.
 */
import { randomUUID } from "node:crypto";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Models, Payer } from "../ports/models.ts";
import type { Store } from "../ports/store.ts";
import type { Summary } from "../ports/summaries.ts";
import type { ConversationId } from "../ports/updates.ts";
import { exchangesNeeded, type HistoryLimits } from "./prompt.ts";
import { beginWork, failedWork, planSummary, type SummaryPlan, summaryTokens, type Thrift } from "./summary-plan.ts";
import { summaryRequest } from "./summary-words.ts";
import { countTokens, firstTokens } from "./tokens.ts";

/** Whose conversation is to be summarised. */
export interface SummaryOrder {
  readonly conversation: ConversationId;
  /** Who has asked last. */
  readonly userId: number;
  /** Id of the question. */
  readonly question: number;
  /** Within which the conversation is shown to its model. */
  readonly limits: HistoryLimits;
  /** Left out where prices are not known: it is summarised when its next cut comes soon. */
  readonly thrift?: Thrift | undefined;
}

/** What a summary costs somebody. */
export interface SummaryPayment {
  readonly payer?: Payer;
  /** Writes what it has cost, whatever came of it. */
  settle(): Promise<void>;
}

export interface Summaries {
  /** `provider/model` that writes them. */
  readonly model: string;
  /** Has the conversation summarised, soon, unless somebody does it or has failed to a moment ago. Returns at once. */
  begin(order: SummaryOrder): void;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
  /** Gives up what is being written; it is begun again after another answer. */
  stop(): Promise<void>;
}

export interface SummariesDeps {
  readonly store: Pick<Store, "readHistory" | "readSummary" | "replaceSummary">;
  readonly models: Pick<Models, "answer" | "capabilities">;
  /** `provider/model` that writes them. */
  readonly model: string;
  /** No other process writes into this store: what somebody else has begun was left behind. */
  readonly alone?: boolean | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
  /** Left out: nobody counts. */
  readonly paymentOf?: (order: SummaryOrder) => SummaryPayment;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Of one process. */
const mostAtOnce = 8;
/** What does not find a place here is begun after a later answer. */
const mostWaiting = 1_000;
const writtenWithinMs = 60_000;
/** Where there are several processes, one that has died has it for so long. */
const takenForMs = writtenWithinMs + 15_000;
/** A model that does not keep to its length is cut off at so many times of it. */
const mostTimesTooLong = 2;
/** Of most languages; for others the end is cut afterwards. */
const unitsPerToken = 4;

/** Creates them; nothing runs until one is begun. */
export function createSummaries(deps: SummariesDeps): Summaries {
  const { store, log, now } = deps;
  const waiting = new Map<ConversationId, SummaryOrder>();
  const running = new Map<ConversationId, Promise<void>>();
  const stopping = new AbortController();
  const ourselves = randomUUID();
  const isDead = (token: string) => deps.alone === true && !token.startsWith(ourselves);

  function next(): void {
    for (const [conversation, order] of waiting) {
      if (running.size >= mostAtOnce || stopping.signal.aborted) return;
      if (running.has(conversation)) continue;
      waiting.delete(conversation);
      const run = summarise(order)
        .catch((error: unknown) => log.warn({ conversation, reason: messageOf(error) }, "a summary was given up"))
        .finally(() => {
          running.delete(conversation);
          next();
        });
      running.set(conversation, run);
    }
  }

  async function summarise(order: SummaryOrder): Promise<void> {
    const { conversation } = order;
    const [before, history] = await Promise.all([
      store.readSummary(conversation),
      store.readHistory(conversation, 2 * exchangesNeeded(order.limits)),
    ]);
    const { contextTokens } = deps.models.capabilities(deps.model);
    const plan = planSummary(history, order.limits, before?.summary, contextTokens, order.thrift);
    if (plan === undefined) return;
    const work = beginWork(before, plan.boundary, {
      ...{ token: `${ourselves} ${randomUUID()}`, isDead },
      ...{ now: now(), forMs: takenForMs },
    });
    if (work === undefined) return;
    const taken = { ...before, work };
    if (!(await store.replaceSummary(conversation, before, taken))) return;
    try {
      const text = await write(order, plan);
      const summary: Summary = { ...plan.place, text, tokens: countTokens(text), model: deps.model };
      const stored = await store.replaceSummary(conversation, taken, { summary });
      const exchanges = plan.exchanges.length;
      log.info({ conversation, model: deps.model, exchanges, stored }, "a conversation was summarised");
    } catch (error) {
      const given = { ...work, until: 0 };
      const failed = stopping.signal.aborted ? given : failedWork(work, now());
      await store.replaceSummary(conversation, taken, { ...before, work: failed });
      throw error;
    }
  }

  async function write(order: SummaryOrder, plan: SummaryPlan): Promise<string> {
    const most = summaryTokens(order.limits) ?? 0;
    const messages = summaryRequest(plan.former?.text, plan.exchanges, most);
    const mostUnits = mostTimesTooLong * most * unitsPerToken;
    const payment = deps.paymentOf?.(order);
    const request = { model: deps.model, messages, log, effort: "off", payer: payment?.payer } as const;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(writtenWithinMs)]);
    let text = "";
    let ended = false;
    try {
      for await (const event of deps.models.answer(request, signal)) {
        if (event.type === "text-delta") text += event.text;
        // Of what was cut in its middle nothing is kept.
        if (event.type === "text-reset" || event.type === "restart") text = "";
        ended = event.type === "answer-end" || text.length > mostUnits;
        if (ended) break;
      }
    } finally {
      await payment?.settle();
    }
    if (!ended) throw new Error("it was not finished in time");
    const notes = firstTokens(text.trim(), mostTimesTooLong * most).trim();
    if (notes === "") throw new Error("the model wrote nothing");
    return notes;
  }

  return {
    model: deps.model,
    begin(order) {
      if (stopping.signal.aborted || (waiting.size >= mostWaiting && !waiting.has(order.conversation))) return;
      waiting.set(order.conversation, order);
      next();
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
    async stop() {
      stopping.abort();
      waiting.clear();
      await Promise.all(running.values());
    },
  };
}
