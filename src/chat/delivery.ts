/** The end of a turn: on the screen, and in its record. */
import type { ModelErrorKind, Whose } from "../base/errors.ts";
import type { Store } from "../ports/store.ts";
import type { Turn, TurnOutcome } from "../ports/turns.ts";
import type { Payment } from "./payment.ts";
import { leaveUnallowed } from "./permission.ts";
import type { Screen } from "./screen.ts";
import { type AnswerEnd, finalView, type Writing } from "./turn-end.ts";

/** How a turn ended, for metrics and the log. */
export interface TurnEnding {
  readonly outcome: TurnOutcome;
  /** `provider/model` that wrote or failed last; left out for an end that an earlier delivery has reached. */
  readonly model?: string;
  readonly finish?: AnswerEnd["finish"] | undefined;
  /** The answer was kept from before; no model was asked. */
  readonly cached?: true;
  readonly failure?: ModelErrorKind;
  /** Whose budget it did not fit into. */
  readonly overBudget?: Whose;
}

/** What metrics and the log are told of a run. */
export function endingOf(outcome: TurnOutcome, { model, finish, error, overBudget, cached }: Writing): TurnEnding {
  if (overBudget !== undefined) return { outcome, model, overBudget: overBudget.whose };
  if (error !== undefined) return { outcome, model: error.model, failure: error.kind };
  return { outcome, model, finish, ...(cached ? { cached } : {}) };
}

/** A turn that fails with an exception must not go on typing and writing beside its next delivery. */
export async function orLeave<T>(screen: Screen, work: Promise<T>, payment?: Payment): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await screen.leave();
    await payment?.leave(true);
    throw error;
  }
}

/** Brings the end of a turn to the screen and closes its record. */
export async function deliver(
  { store }: { readonly store: Pick<Store, "closeTurn"> },
  turn: Turn,
  screen: Screen,
  /** Done once it stands there, and before its record is closed. */
  afterwards: (screen: Screen) => Promise<void>,
): Promise<TurnOutcome> {
  const { outcome, notes } = turn;
  if (outcome !== "blocked") {
    const stays = turn.answer === undefined || (outcome === "stopped" && notes === undefined);
    if (stays) await screen.leave(turn.button === "retry" ? "retry" : undefined, notes);
    else await screen.finish(finalView(turn));
  }
  if (!screen.gone.aborted) await afterwards(screen);
  await store.closeTurn(turn.conversation, turn.question, turn.run);
  return screen.gone.aborted ? "blocked" : (outcome ?? "complete");
}

/** Ends a turn that was stopped on its way to ask whether a call may be made: nobody is asked any more. */
export async function endUnasked(
  { store, now }: { readonly store: Store; readonly now: () => number },
  turn: Turn,
  screen: Screen,
): Promise<TurnOutcome> {
  const ended = await leaveUnallowed(store, turn, turn.run, "stopped", now());
  if (ended === undefined) return "superseded";
  return await deliver({ store }, ended, screen, async () => undefined);
}
