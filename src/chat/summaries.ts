/**
 * Summaries of conversations that are about to be cut: written in the background, at most one at a time for each
 * conversation whatever process it is answered by, and stored only if nothing of what it stands on was forgotten meanwhile.
 */
import { randomUUID } from "node:crypto";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { ChatMessage, ModelEvent, Models, Payer } from "../ports/models.ts";
import type { Store } from "../ports/store.ts";
import type { SummaryRecord } from "../ports/summaries.ts";
import type { ConversationId } from "../ports/updates.ts";
import { coveredBy, exchangesNeeded, type HistoryLimits, tokensOf } from "./prompt.ts";
import {
  beginWork,
  failedWork,
  leftWork,
  planSummary,
  type SummaryPlan,
  summaryTokens,
  type Thrift,
  wasBegun,
} from "./summary-plan.ts";
import { notesIn, summaryRequest } from "./summary-words.ts";
import { countTokens } from "./tokens.ts";

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
  /** A process has died after it had begun to ask this, more or less. */
  lost?(messages: readonly ChatMessage[]): Promise<void>;
  /** Writes what it has cost, whatever came of it. `forgotten`: the conversation is gone, by the wish to be forgotten perhaps. */
  settle(forgotten: boolean): Promise<void>;
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
  readonly store: Pick<Store, "readConversation" | "replaceSummary">;
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
/** So many exchanges are read when the last summary is far behind: its model was down, or there was none. */
const mostRead = 400;
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

  async function look({ conversation, limits, thrift }: SummaryOrder) {
    const usual = 2 * exchangesNeeded(limits);
    const read = await store.readConversation(conversation, usual);
    const isBehind = read.history.length === usual && coveredBy(read.summary?.summary, read.history) === 0;
    const { history, summary: record } =
      isBehind && usual < mostRead ? await store.readConversation(conversation, mostRead) : read;
    const { contextTokens } = deps.models.capabilities(deps.model);
    return { record, plan: planSummary(history, limits, record?.summary, contextTokens, thrift) };
  }

  async function summarise(order: SummaryOrder): Promise<void> {
    const { conversation } = order;
    const before = await look(order);
    if (before.plan === undefined) return;
    const beginner = { token: `${ourselves} ${randomUUID()}`, now: now(), forMs: takenForMs, isDead };
    const work = beginWork(before.record, before.plan.boundary, beginner);
    if (work === undefined) return;
    const taken = { ...before.record, work };
    const instead = (next: SummaryRecord) => store.replaceSummary(conversation, taken, next);
    if (!(await store.replaceSummary(conversation, before.record, taken))) return;
    const payment = deps.paymentOf?.(order);
    let stored = false;
    try {
      // What was read before may be of a conversation that was forgotten in between: nothing stands in the way in a new one.
      const { record, plan } = await look(order);
      if (record?.work?.token !== work.token) return;
      if (plan === undefined) return void (await instead({ ...taken, work: leftWork(work) }));
      const text = await write(order, plan, payment, wasBegun(before.record));
      stored = await instead({ summary: { ...plan.place, text, tokens: countTokens(text), model: deps.model } });
      const exchanges = plan.exchanges.length;
      log.info({ conversation, model: deps.model, exchanges, stored }, "a conversation was summarised");
    } catch (error) {
      stored = await instead({ ...taken, work: stopping.signal.aborted ? leftWork(work) : failedWork(work, now()) });
      throw error;
    } finally {
      await payment?.settle(!stored);
    }
  }

  async function write(
    { limits }: SummaryOrder,
    { former, exchanges }: SummaryPlan,
    payment: SummaryPayment | undefined,
    wasLost: boolean,
  ): Promise<string> {
    const most = summaryTokens(limits, (former?.tokens ?? 0) + tokensOf(exchanges)) ?? 0;
    const messages = summaryRequest(former?.text, exchanges, most);
    if (wasLost) await payment?.lost?.(messages);
    const mostUnits = mostTimesTooLong * most * unitsPerToken;
    const request = { model: deps.model, messages, log, effort: "off", payer: payment?.payer } as const;
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(writtenWithinMs)]);
    let text = "";
    let finish: Extract<ModelEvent, { type: "answer-end" }>["finish"] | undefined;
    for await (const event of deps.models.answer(request, signal)) {
      if (event.type === "text-delta") text += event.text;
      // Of what was cut in its middle nothing is kept.
      if (event.type === "text-reset" || event.type === "restart") text = "";
      if (event.type === "answer-end") finish = event.finish;
      else if (text.length > mostUnits) finish = "too-long";
      if (finish !== undefined) break;
    }
    if (finish === undefined) throw new Error("it was not finished in time");
    const notes = finish === "filtered" ? "" : notesIn(text, finish === "stop", mostTimesTooLong * most);
    if (notes === "") throw new Error("the model wrote no notes");
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
