/** What operators ask and see. */
import type { QueueStats } from "./queue.ts";
import type { ConversationId, LaneKind } from "./updates.ts";

/** What an operator's command has to say, whoever carried it out. */
export interface OperatorAnswer {
  readonly exitCode: number;
  /** To be printed; never a text of a message. */
  readonly lines: readonly string[];
  /** Lines behind these, a few at a time, however many there are; left out when that is all. */
  readonly more?: AsyncIterable<readonly string[]>;
}

/** What an operator may see of an update in a shared queue: never what anybody wrote. */
export interface UpdateView {
  readonly updateId: number;
  readonly state: UpdateState;
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  readonly receivedAt: number;
  /** Since when it is in its state. Milliseconds since the epoch. */
  readonly since: number;
  /** Deliveries so far. */
  readonly attempts: number;
  /** The message that asks. */
  readonly question?: number;
  /** Why it is dead. */
  readonly reason?: string;
}

/** `delayed` ones are `waiting`, too. */
export type UpdateState = "waiting" | "active" | "delayed" | "dead";

/** A shared queue as a dashboard shows it. */
export interface QueueView {
  stats(): Promise<QueueStats>;
  /** The updates in a state from the `start`th on, the oldest first. */
  list(state: UpdateState, start: number, most: number): Promise<readonly UpdateView[]>;
  find(updateId: number): Promise<UpdateView | undefined>;
  /** What the server says of itself, as Redis' INFO writes it. */
  serverInfo(): Promise<string>;
}

/** One thing that was looked at, and how it is. Each text is one line, without a secret. */
export interface Finding {
  /** `bad`: something must be mended before all is well. `warn`: it works, but probably not as meant. */
  readonly state: "ok" | "warn" | "bad";
  readonly about: string;
  readonly says: string;
  /** What to do; left out where there is nothing. */
  readonly todo?: string | undefined;
}
