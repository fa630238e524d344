/** The journal of turns in memory, for tests. */
import type { Settlement } from "../../ports/ledger.ts";
import type { Step, StepStore, WaitingTurn } from "../../ports/steps.ts";
import type { Turn } from "../../ports/turns.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { suspended } from "../lanes/turn-records.ts";

export interface MemorySteps extends StepStore {
  /** Keeps the steps of a run that begins again, and forgets those of any other. */
  began(turn: Pick<Turn, "conversation" | "question" | "run">): void;
  ended(turn: Pick<Turn, "conversation" | "question">): void;
  /** Forgets those of turns that are not kept any more. */
  dropped(conversation: ConversationId, isDropped: (question: number) => boolean): void;
  forget(isForgotten: (conversation: ConversationId) => boolean): void;
  moved(from: ConversationId, to: ConversationId): void;
}

export interface MemoryStepsDeps {
  find(conversation: ConversationId, question: number): Turn | undefined;
  change(conversation: ConversationId, question: number, run: number, next: (turn: Turn) => Turn): boolean;
  write(rows: readonly Settlement[]): void;
}

interface Journal {
  run: number;
  readonly steps: Step[];
  waitingSince?: number | undefined;
}

/** Creates it, empty. */
export function createMemorySteps({ find, change, write }: MemoryStepsDeps): MemorySteps {
  const journals = new Map<string, Journal & { readonly conversation: ConversationId; readonly question: number }>();
  const allowed = new Map<ConversationId, Set<string>>();
  const known = new Map<string, string>();

  const keyOf = (conversation: ConversationId, question: number) => `${conversation}/${question}`;

  function journalOf({ conversation, question, run }: Pick<Turn, "conversation" | "question" | "run">) {
    if (find(conversation, question)?.run !== run) return undefined;
    const key = keyOf(conversation, question);
    const journal = journals.get(key) ?? { conversation, question, run, steps: [] };
    journals.set(key, journal);
    return journal.run === run ? journal : undefined;
  }

  const waiting = (): readonly WaitingTurn[] =>
    [...journals.values()].flatMap(({ conversation, question, waitingSince: at }) =>
      at === undefined || find(conversation, question)?.state !== "waiting" ? [] : [{ conversation, question, at }],
    );

  return {
    began({ conversation, question, run }) {
      const key = keyOf(conversation, question);
      if (journals.get(key)?.run !== run) journals.delete(key);
    },
    ended({ conversation, question }) {
      journals.delete(keyOf(conversation, question));
    },
    dropped(conversation, isDropped) {
      for (const [key, journal] of journals)
        if (journal.conversation === conversation && isDropped(journal.question)) journals.delete(key);
    },
    forget(isForgotten) {
      for (const [key, { conversation }] of journals) if (isForgotten(conversation)) journals.delete(key);
      for (const conversation of allowed.keys()) if (isForgotten(conversation)) allowed.delete(conversation);
    },
    moved(from, to) {
      const tools = allowed.get(from);
      if (tools !== undefined) allowed.set(to, new Set([...tools, ...(allowed.get(to) ?? [])]));
      allowed.delete(from);
      for (const [key, journal] of journals) {
        if (journal.conversation !== from) continue;
        journals.delete(key);
        const question = -journal.question;
        journals.set(keyOf(to, question), { ...journal, conversation: to, question });
      }
    },
    async readSteps(turn) {
      return structuredClone(journalOf(turn)?.steps ?? []);
    },
    async addStep(turn, step, rows) {
      write(rows);
      return journalOf(turn)?.steps.push(structuredClone(step)) !== undefined;
    },
    async changeCall(turn, { step: number, call, state, result }) {
      const steps = journalOf(turn)?.steps;
      const at = steps?.findIndex((one) => one.number === number) ?? -1;
      const step = steps?.[at];
      if (steps === undefined || step === undefined) return false;
      const calls = step.calls.map((one, place) => (place === call ? { ...one, state, result } : one));
      steps[at] = structuredClone({ ...step, calls });
      return true;
    },
    async suspendTurn(turn, at, rows) {
      write(rows);
      const journal = journalOf(turn);
      const { conversation, question, run } = turn;
      if (journal === undefined || !change(conversation, question, run, (stored) => suspended(turn, stored)))
        return false;
      journal.waitingSince ??= at;
      return true;
    },
    async resumeTurn(conversation, question, run) {
      const turn = find(conversation, question);
      if (turn?.run === run && turn.state === "writing") return structuredClone(turn);
      const journal = journals.get(keyOf(conversation, question));
      if (turn?.state !== "waiting" || journal === undefined) return undefined;
      journal.run = run;
      journal.waitingSince = undefined;
      change(conversation, question, turn.run, (stored) => ({ ...stored, run, state: "writing" }));
      return structuredClone(turn);
    },
    async waitingTurns(conversation) {
      return waiting().filter((turn) => turn.conversation === conversation);
    },
    async waitingSince(before) {
      return waiting()
        .filter(({ at }) => at < before)
        .sort((a, b) => a.at - b.at)
        .slice(0, 100);
    },
    async allowedTools(conversation) {
      return new Set(allowed.get(conversation));
    },
    async allowTool(conversation, name) {
      allowed.set(conversation, new Set([...(allowed.get(conversation) ?? []), name]));
    },
    async knownTools() {
      return new Map(known);
    },
    async knowTool(name, hash) {
      known.set(name, hash);
    },
    async meetTool(name, hash) {
      if (!known.has(name)) known.set(name, hash);
      return known.get(name) ?? hash;
    },
  };
}
