/** What an interrupt does to the questions of its conversation. Pure: it decides, the engine carries out. */
import type { AbortReason } from "../../ports/queue.ts";
import type { Interrupt, InterruptOutcome } from "../../ports/updates.ts";
import type { Place } from "./lanes.ts";

/** A question of the conversation's turn lane that is not over, as the interrupt meets it. */
export interface OpenQuestion {
  readonly updateId: number;
  readonly question: number;
  /** It is running, or has run and waits to run again: something of its answer may be on the screen. */
  readonly begun: boolean;
  /** A former interrupt has cancelled it already. */
  readonly cancelled: boolean;
  /** The message that an edit is about has joined it. */
  readonly holdsEdited: boolean;
}

export interface InterruptPlan {
  readonly reason: AbortReason;
  /** Begun: they are aborted if they run, and delivered with an aborted signal if they wait. */
  readonly cancel: readonly number[];
  /** Never begun: they are over. */
  readonly drop: readonly number[];
  /** Where the interrupting update itself goes; the end of its lane when left out. */
  readonly place?: Place;
  /** Of an edit: the question that it asks anew. */
  readonly version?: OpenQuestion;
  readonly outcome: InterruptOutcome;
}

/** Plans an interrupt. `questions` are those of its conversation, in the order of their lane. */
export function planInterrupt(interrupt: Interrupt, questions: readonly OpenQuestion[]): InterruptPlan {
  if (interrupt.kind === "edit") return planEdit(interrupt.question, questions);
  const { kind, run } = interrupt;
  const begun = questions.filter((one) => one.begun && (run === undefined || one.updateId === run));
  // A button below one answer stops nothing else, and nothing at all once that answer is over.
  const drop = run !== undefined && begun.length === 0 ? [] : questions.filter((one) => !one.begun);
  return plan(kind, begun, drop);
}

function planEdit(question: number, questions: readonly OpenQuestion[]): InterruptPlan {
  const versions = questions.filter((one) => one.question === question || one.holdsEdited);
  const begun = versions.filter((one) => one.begun);
  const waiting = versions.filter((one) => !one.begun);
  const [last, first] = [begun.at(-1), waiting[0]];
  const place =
    last !== undefined ? { behind: last.updateId } : first !== undefined ? { before: first.updateId } : undefined;
  const version = waiting.at(-1) ?? last;
  return {
    ...plan("edit", begun, waiting),
    ...(place === undefined ? {} : { place }),
    ...(version === undefined ? {} : { version }),
  };
}

function plan(reason: AbortReason, begun: readonly OpenQuestion[], drop: readonly OpenQuestion[]): InterruptPlan {
  return {
    reason,
    cancel: begun.map(({ updateId }) => updateId),
    drop: drop.map(({ updateId }) => updateId),
    outcome: { aborted: begun.some(({ cancelled }) => !cancelled), dropped: drop.length },
  };
}
