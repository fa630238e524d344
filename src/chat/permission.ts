/** A turn that waits until somebody allows a call: it holds no lane meanwhile, and goes on wherever the answer comes. */

import type { Note } from "../ports/notes.ts";
import type { Step } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { ToolResult } from "../ports/tool-results.ts";
import type { AskedCall, Turn } from "../ports/turns.ts";
import type { ConversationId } from "../ports/updates.ts";
import { wordsForModel } from "./file-words.ts";
import { rememberedNote } from "./remembered.ts";
import { refusedResult, withNote } from "./step-messages.ts";
import { countTokens } from "./tokens.ts";

/** Where somebody is asked. */
export interface Permission {
  /** Asks whether the call may be made, once for each `asks` without a message. Resolves with the id of what was sent. */
  ask(turn: Turn, call: AskedFor): Promise<number | undefined>;
}

/** What is asked for. */
export interface AskedFor {
  readonly name: string;
  /** JSON as the model has written it. */
  readonly arguments: string;
}

export type Decision = "once" | "always" | "refuse";

/** Why nobody allowed it: something else was asked, time has passed, or it was stopped. */
export type LeftBecause = "asked-else" | "expired" | "stopped";

/** The call that a waiting turn asks for; undefined when it is there no more. */
export function askedIn(steps: readonly Step[], asks: Pick<AskedCall, "step" | "call">): AskedFor | undefined {
  return steps.find(({ number }) => number === asks.step)?.calls[asks.call];
}

/** Names the call that a waiting turn asks for, for ever: a crash may ask for it in two messages. */
export function nameOfAsked({ run }: Pick<Turn, "run">, { step, call }: Pick<AskedCall, "step" | "call">): string {
  return `${run}.${step}.${call}`;
}

/** Whether the turn waits for this press: one about a call that was decided before is none. */
export function waitsFor(
  turn: Turn | undefined,
  { call, below }: { readonly call: string | undefined; readonly below: number | undefined },
): boolean {
  if (turn?.state !== "waiting" || turn.asks === undefined) return false;
  // Buttons of the version before name no call.
  return call === undefined ? (turn.asks.message ?? 0) === (below ?? 0) : call === nameOfAsked(turn, turn.asks);
}

/**
 * Takes what somebody has decided, and lets the turn go on as `run`. Resolves with its record; undefined when it does not wait
 * for this any more. With the same run it may be called again: it decides once, however far the turn has come meanwhile.
 */
export async function decide(
  store: Store,
  { conversation, question }: { readonly conversation: ConversationId; readonly question: number },
  run: number,
  decision: Decision,
): Promise<Turn | undefined> {
  const former = await store.readTurn(conversation, question);
  // It went on, and may wait for another call by now, about which nothing was decided.
  if (former?.run === run && (former.state !== "writing" || former.asks === undefined)) return former;
  const turn = await store.resumeTurn(conversation, question, run);
  if (turn?.asks === undefined) return undefined;
  const { step, call } = turn.asks;
  const now = { ...turn, run };
  const asked = (await store.readSteps(now)).find(({ number }) => number === step)?.calls[call];
  // Decided before, by a delivery that died behind it.
  if (asked?.state === "asked") {
    if (decision === "always") await store.allowTool(conversation, asked.name);
    const refused = { state: "done", result: refusedResult } as const;
    await store.changeCall(now, { step, call, ...(decision === "refuse" ? refused : { state: "allowed" }) });
  }
  return turn;
}

/**
 * Ends a waiting turn whose call nobody has allowed: what it has said stays, and the history tells what was refused. Resolves
 * with its record as `run` leaves it, to be shown; undefined when it does not wait any more.
 */
export async function leaveUnallowed(
  store: Store,
  { conversation, question }: { readonly conversation: ConversationId; readonly question: number },
  run: number,
  why: LeftBecause,
  now: number,
): Promise<Turn | undefined> {
  const turn = await store.resumeTurn(conversation, question, run);
  if (turn?.asks === undefined) return undefined;
  const { asks: _asks, button: _button, ...record } = turn;
  const left: Turn = { ...record, run, state: "answered", outcome: "stopped" };
  const steps = (await store.readSteps(left)).map(withRefusals);
  const remembered = rememberedNote(turn.asks.userId, steps);
  const ended: Turn = { ...left, notes: [noteOf(why), ...(remembered === undefined ? [] : [remembered])] };
  const answered = turn.answer ?? "";
  const asked = withNote(turn.asked, steps);
  const tokens = countTokens(wordsForModel(asked)) + countTokens(answered);
  const model = steps.at(-1)?.model;
  const exchange = { question: turn.root, asked, answered, tokens, at: now, ...(model === undefined ? {} : { model }) };
  // An answer without a word would be refused by models.
  await store.finishTurn(ended, answered === "" ? undefined : exchange, []);
  return ended;
}

function noteOf(why: LeftBecause): Note {
  return why === "stopped" ? { kind: why } : { kind: "not-allowed", why };
}

function withRefusals(step: Step): Step {
  const result: ToolResult = refusedResult;
  return { ...step, calls: step.calls.map((call) => (call.state === "asked" ? { ...call, result } : call)) };
}
