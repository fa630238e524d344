/** Who pays for a question: reserves before each call what it may cost, and keeps what each has cost for the ledger. */
import { randomUUID } from "node:crypto";
import type { Whose } from "../base/errors.ts";
import { waitFor } from "../base/long-wait.ts";
import type { Alerts } from "../ports/alerts.ts";
import {
  firstTokens,
  type LedgerRow,
  type Limit,
  perDollar,
  type Settlement,
  type UsageEntry,
} from "../ports/ledger.ts";
import type { CallEnd, MediaStep, Models, PayableCall, Payer, TokenUsage } from "../ports/models.ts";
import type { Store } from "../ports/store.ts";
import type { ConversationId } from "../ports/updates.ts";
import { type Budgets, budgetError, limitsAt, resetOf, spentOf } from "./limits.ts";
import { inputOf } from "./picture-tokens.ts";
import { createRunning, type Running, type RunningDeps } from "./running-call.ts";
import type { TokenFactors } from "./token-factors.ts";
import { countTokens, createEstimate, type estimatedTokens, plainUsage } from "./tokens.ts";

/** What may be spent, and who hears of it. */
export interface Spending {
  readonly budgets: Budgets;
  /** Tokens of the longest answer (`MODEL_MAX_TOKENS`), where there is one. */
  readonly maxTokens?: number | undefined;
  readonly alerts?: Alerts | undefined;
}

export interface PaymentDeps {
  readonly store: Pick<Store, "ledger" | "firstWithin">;
  readonly models: Pick<Models, "cost">;
  readonly spending: Spending;
  readonly tokenFactors: TokenFactors;
  /** Told of each call that has used anything, once, whoever writes it. */
  readonly observer: { usage(entry: UsageEntry): void };
  readonly now: () => number;
}

export interface PaidQuestion {
  readonly conversation: ConversationId;
  /** Id of the message that asks. */
  readonly id: number;
  readonly userId: number;
  /** What is paid for is the summary that is written after it. */
  readonly summary?: boolean | undefined;
  /** What is paid for is this call of a tool, beside all others. */
  readonly call?: string | undefined;
}

/** A budget of which so much, in percent, is used for the first time in its period. */
export interface BudgetMark {
  readonly whose: Whose;
  readonly share: 80 | 100;
  /** Milliseconds since the epoch. */
  readonly resetsAt: number;
}

export interface Payment extends Payer {
  /** Estimates a prompt; what it has counted for a call is not counted again. */
  readonly estimate: typeof estimatedTokens;
  /** What is called from now on belongs to this step, from 1. */
  beginStep(number: number): void;
  /** Writes what has ended before the turn has: whatever comes of it, that was paid. */
  settle(): Promise<void>;
  /** Calls that have ended and are not written yet. Whoever takes them writes them. */
  take(): Settlement[];
  /**
   * A delivery before this one died in the middle of a call: with budgets its reservation tells, else this much is guessed.
   * `signal` aborted: no call comes after it that would settle it.
   */
  lost(call: PayableCall, shown: string | number, signal?: AbortSignal): Promise<void>;
  /** Marks that the calls so far have reached. Alerts the operators of those of the whole bot, which are not returned. */
  marks(): Promise<readonly BudgetMark[]>;
  /** Writes what has ended without the end of its turn; `leaves` when the turn goes on with another delivery. Never rejects. */
  leave(leaves: boolean): Promise<void>;
}

/** How long others are waited for, and how often it is looked. Milliseconds. */
const waitsMs = 300_000;
const [shortestLookMs, longestLookMs] = [100, 1_000];
/** A message of Telegram's full length, in tokens. */
const tokensOfMessage = 1_000;

/** What call a row is about. */
interface Called extends Pick<LedgerRow, "model" | "step" | "attempt"> {
  /** Of what comes in one piece all is known before, and nothing is written. */
  readonly expected?: TokenUsage | undefined;
}

/** How the ledger calls what is no step of a turn. */
const mediaSteps: Readonly<Record<MediaStep, number>> = { hear: -1, speak: -2, draw: -3, search: -4 };

/** Creates what pays for one delivery of a question. `onWaiting` is told when it begins to wait for calls of others. */
export function createPayment(deps: PaymentDeps, question: PaidQuestion, onWaiting: () => void): Payment {
  const { store, models, spending, tokenFactors, now } = deps;
  const { ledger } = store;
  const chatId = Number(question.conversation.split(":")[0]);
  const who = { userId: question.userId, chatId };
  // A summary may still be written while its question is answered again.
  const beside = question.call === undefined ? "" : `:${question.call}`;
  const id = `${question.conversation}/${question.summary ? "summary" : question.id}${beside}`;
  const hasBudget = Object.keys(spending.budgets).length > 0;
  const reservedAtFirst = Math.min(spending.maxTokens ?? firstTokens, firstTokens);
  const estimate = createEstimate();
  let ended: Settlement[] = [];
  let calls = 0;
  let step = question.summary ? 0 : 1;

  function calledBy(call: PayableCall): Called {
    const ofMedia = "media" in call ? { step: mediaSteps[call.media], expected: call.expected } : undefined;
    return { model: call.model, attempt: ++calls, step, ...ofMedia };
  }

  const limits = () => limitsAt(spending.budgets, who, now());

  function rowOf({ model, step, attempt }: Called, end: CallEnd, counted: () => TokenUsage): LedgerRow {
    const all = end.usage ?? counted();
    const { pictures: _pictures, searches: _searches, ...usage } = all;
    const at = now();
    const cost = usage.inputTokens + usage.outputTokens === 0 ? 0 : models.cost(model, all, at);
    return {
      ...{ at, ...who, turn: question.id, step, attempt, model, served: end.served, ...usage },
      ...(cost === undefined ? {} : { cost }),
      estimated: end.usage === undefined,
      ...{
        firstTokenMs: end.firstTokenMs && Math.round(end.firstTokenMs),
        durationMs: Math.round(end.durationMs),
        outcome: end.outcome,
      },
    };
  }

  function hasEnded(row: Settlement): void {
    ended.push(row);
    observe(row);
  }

  function observe(row: LedgerRow): void {
    if (row.inputTokens + row.outputTokens > 0) deps.observer.usage(row);
  }

  /** True for the first who says so, in the limit's period. */
  async function isFirst(
    { of, whose, toDay, unit }: Limit,
    all: number,
    share: 80 | 100 | "refused",
  ): Promise<boolean> {
    const subject = of === "all" ? "all" : Object.values(of).join();
    const key = `budget:${subject}:${whose} ${toDay} ${unit} ${all} ${share}`;
    return await store.firstWithin(key, Math.max(1, resetOf({ toDay }) - now()));
  }

  /** The last of the whole bot's may be too little for any answer: then nobody ever comes to its end. */
  async function tellRefused(limit: Limit): Promise<void> {
    if (limit.whose !== "bot-day" || spending.alerts === undefined) return;
    const [{ spent } = { spent: 0 }] = await ledger.standing([limit]);
    const [share, resetsAt] = [spent / limit.amount, resetOf(limit)];
    // Below that others, which cost less, may still fit.
    const isAtItsEnd = share >= 0.8;
    if (!(await isFirst(limit, limit.amount, isAtItsEnd ? 100 : "refused"))) return;
    if (isAtItsEnd) spending.alerts.raise({ kind: "bot-budget", share: 100, resetsAt });
    else spending.alerts.raise({ kind: "bot-budget-refuses", spent: Math.floor(100 * share), resetsAt });
  }

  /** Billionths of a US dollar. */
  function moneyOf({ model, expected }: Called, inputTokens: number, outputTokens: number): number {
    const dollars = models.cost(model, expected ?? plainUsage(inputTokens, outputTokens), now());
    // Of an unknown price at least something: a budget in money that is used up holds for it as well.
    return dollars === undefined ? 1 : Math.ceil(dollars * perDollar);
  }

  function runningOf(called: Called, { factor, inputTokens }: Pick<RunningDeps, "factor" | "inputTokens">): Running {
    return createRunning({
      ...{ ledger, id, token: randomUUID(), who, factor, limits, now },
      firstTokens: called.expected?.outputTokens ?? reservedAtFirst,
      maxTokens: called.expected?.outputTokens ?? spending.maxTokens,
      inputTokens,
      moneyOf: (outputTokens) => moneyOf(called, inputTokens, outputTokens),
      lostRow: (outputTokens, durationMs) =>
        rowOf(called, { outcome: "lost", durationMs }, () => called.expected ?? plainUsage(inputTokens, outputTokens)),
    });
  }

  async function reserve(called: Called, running: Running, signal: AbortSignal, waits: () => void): Promise<boolean> {
    const deadline = performance.now() + waitsMs;
    for (let lookMs = shortestLookMs; ; lookMs = Math.min(lookMs * 1.5, longestLookMs)) {
      const current = limits();
      const settled = ended;
      const verdict = await ledger.reserve(running.reservation(), current, settled);
      ended = ended.filter((one) => !settled.includes(one));
      if (verdict.lost !== undefined) observe(verdict.lost);
      if (verdict.kind === "reserved") return true;
      if (verdict.kind === "refused") {
        const { limit, left } = verdict;
        await tellRefused(limit);
        const shortest = limit.unit === "tokens" ? reservedAtFirst : moneyOf(called, 0, reservedAtFirst);
        throw budgetError(limit, now(), left > shortest ? "too-little" : "used-up");
      }
      if (performance.now() > deadline) throw budgetError(verdict.limit, now(), "reserved");
      waits();
      // Not all at the same moment.
      if (!(await waitFor(lookMs * (0.5 + Math.random()), signal))) return false;
    }
  }

  return {
    estimate,
    beginStep(number) {
      step = number;
    },
    async open(call, signal, giveWay) {
      const called = calledBy(call);
      const { expected } = called;
      const factor = tokenFactors.of(call.model);
      const read = () => ("media" in call ? call.expected.inputTokens : inputOf(call, factor, estimate));
      const running = hasBudget ? runningOf(called, { factor, inputTokens: read() }) : undefined;
      const waits = () => {
        onWaiting();
        giveWay?.();
      };
      if (running !== undefined && !(await reserve(called, running, signal, waits))) return undefined;
      let text = "";
      let open = true;
      return {
        wrote(piece) {
          text += piece;
          return running?.wrote(piece) ?? true;
        },
        close(end) {
          if (!open) return;
          open = false;
          const lived = text !== "" || end.firstTokenMs !== undefined;
          const outcome = running?.cut ? ("over-budget" as const) : end.outcome;
          const row = rowOf(called, { ...end, outcome }, () => {
            if (!lived) return plainUsage(0, 0);
            return expected ?? plainUsage(running?.inputTokens ?? read(), Math.ceil(factor * countTokens(text)));
          });
          hasEnded(running === undefined ? row : { ...row, reservation: running.name });
        },
      };
    },
    async settle() {
      const settled = ended;
      if (settled.length === 0) return;
      await ledger.settle(settled);
      ended = ended.filter((one) => !settled.includes(one));
    },
    take() {
      const taken = ended;
      ended = [];
      return taken;
    },
    async lost(call, shown, signal) {
      if (hasBudget) {
        // What is open belongs to whoever has taken the lane over.
        const isLast = signal?.aborted === true && signal.reason !== "lease-lost";
        const row = isLast ? await ledger.lose(id) : undefined;
        if (row !== undefined) observe(row);
        return;
      }
      if (await ledger.wasLeft(id)) return;
      const factor = tokenFactors.of(call.model);
      const written = typeof shown === "string" ? countTokens(shown) : Math.max(0, shown - 1) * tokensOfMessage;
      const row = rowOf(calledBy(call), { outcome: "lost", durationMs: 0 }, () =>
        "media" in call ? call.expected : plainUsage(inputOf(call, factor, estimate), Math.ceil(factor * written)),
      );
      hasEnded(row);
    },
    async marks() {
      if (!hasBudget || ended.length === 0) return [];
      const found: BudgetMark[] = [];
      for (const { limit, spent, granted } of await ledger.standing(limits())) {
        const used = ended.reduce((sum, row) => sum + spentOf(row, limit), spent);
        const all = limit.amount + granted;
        const share = used >= all ? 100 : used >= 0.8 * all ? 80 : undefined;
        if (share === undefined) continue;
        const resetsAt = resetOf(limit);
        if (!(await isFirst(limit, all, share))) continue;
        if (limit.whose === "bot-day") spending.alerts?.raise({ kind: "bot-budget", share, resetsAt });
        else found.push({ whose: limit.whose, share, resetsAt });
      }
      return found;
    },
    async leave(leaves) {
      const settled = ended;
      ended = [];
      const goesOn = leaves && !hasBudget;
      if (settled.length === 0 && !goesOn) return;
      // What cannot be written now is settled as lost later.
      await ledger.settle(settled, goesOn ? id : undefined).catch(() => undefined);
    },
  };
}
