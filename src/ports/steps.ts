/**
 * The journal of a turn: what its finished steps have said and called, written before any effect, so that a later delivery
 * repeats nothing that must not be repeated. Its members are guarded by the lane's fence, like all that touches a turn.
 */
import type { Settlement } from "./ledger.ts";
import type { NativeStep } from "./models.ts";
import type { ToolResult } from "./tool-results.ts";
import type { Turn } from "./turns.ts";
import type { ConversationId } from "./updates.ts";

/** One call of the model that ended in calls of tools. */
export interface Step {
  /** From 1. */
  readonly number: number;
  /** `provider/model` that wrote it. */
  readonly model: string;
  /** What it said beside the calls. */
  readonly text: string;
  readonly native?: NativeStep | undefined;
  /** A hash of what the model was sent before the turn's first step: behind any other prompt `native` means nothing. */
  readonly prefix: string;
  readonly calls: readonly StepCall[];
}

export interface StepCall {
  /** As the model has named the call. */
  readonly id: string;
  readonly name: string;
  /** JSON as the model has written it, or what it has written instead. */
  readonly arguments: string;
  /** What must go back with the call to the provider that sent it. */
  readonly native?: unknown;
  readonly state: CallState;
  /** Set when it is `done`. */
  readonly result?: ToolResult | undefined;
}

/**
 * - `new`: nothing was done.
 * - `asked`: somebody has to allow it; nothing was done.
 * - `allowed`: somebody has; nothing was done.
 * - `started`: it may have been carried out.
 * - `done`: it has its result, or was refused.
 */
export type CallState = "new" | "asked" | "allowed" | "started" | "done";

export interface CallChange {
  /** Number of the step. */
  readonly step: number;
  /** Place among its calls, from 0. */
  readonly call: number;
  readonly state: CallState;
  readonly result?: ToolResult | undefined;
}

/** A turn that waits for a person. */
export interface WaitingTurn {
  readonly conversation: ConversationId;
  readonly question: number;
  /** Since when; milliseconds since the epoch. */
  readonly at: number;
}

type RunOfTurn = Pick<Turn, "conversation" | "question" | "run">;

export interface StepStore {
  /** Steps of the turn, in their order; none once it has ended, was forgotten, or was begun by another run. */
  readSteps(turn: RunOfTurn): Promise<readonly Step[]>;
  /**
   * Adds a finished step with its calls, and writes the rows of its model calls, in one step. False, and nothing is written but
   * the rows, when the turn was forgotten or belongs to another run.
   */
  addStep(turn: RunOfTurn, step: Step, rows: readonly Settlement[]): Promise<boolean>;
  /** Changes a call, before or after its effect. Durable when it resolves. False as with `addStep`. */
  changeCall(turn: RunOfTurn, change: CallChange): Promise<boolean>;
  /**
   * The turn waits for a person, who may let it go on in `WaitingTurn`'s conversation, on any worker: its record becomes
   * `waiting` as given, its steps stay, and the rows are written. False as with `addStep`.
   */
  suspendTurn(turn: Turn, at: number, rows: readonly Settlement[]): Promise<boolean>;
  /**
   * A waiting turn goes on as `run`: its record becomes `writing`, its steps stay. Resolves with it as it was, for the first
   * who asks, and again for the same run; undefined when it does not wait any more.
   */
  resumeTurn(conversation: ConversationId, question: number, run: number): Promise<Turn | undefined>;
  /** The turns of a conversation that wait. */
  waitingTurns(conversation: ConversationId): Promise<readonly WaitingTurn[]>;
  /** All that wait since before this time (milliseconds since the epoch), oldest first, at most 100. */
  waitingSince(before: number): Promise<readonly WaitingTurn[]>;

  /** Tools that were allowed in the conversation, for good; forgotten with its history. */
  allowedTools(conversation: ConversationId): Promise<ReadonlySet<string>>;
  allowTool(conversation: ConversationId, name: string): Promise<void>;

  /** The hash under which a tool of a server is known, by its name; what nobody has seen is missing. */
  knownTools(): Promise<ReadonlyMap<string, string>>;
  knowTool(name: string, hash: string): Promise<void>;
  /** Knows a tool that nobody has seen before, in one step. Resolves with the hash under which it is known now. */
  meetTool(name: string, hash: string): Promise<string>;
}
