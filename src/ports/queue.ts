/**
 * The queue: updates from the durable write to their end.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */
import type { LoopDelay } from "../base/loop-delay.ts";
import type { Lease } from "./fleet.ts";
import type { AnswerKeeping } from "./store.ts";
import type { ConversationId, IncomingUpdate, InterruptOutcome, LaneKind } from "./updates.ts";

/**
 * `queued` and `duplicate`: it is on disk, Telegram may forget it. `lane-full`: its lane holds its limit; the
 * update is recorded as seen and dropped, and the first one since the lane was last below its limit is stored in
 * the conversation's quick lane with the refusal `lane-full` (one notice). `full`: the backlog as a whole holds its
 * limit; nothing was stored, Telegram must deliver again.
 */
export type EnqueueResult = "queued" | "duplicate" | "lane-full" | "full";

/** Why a running update's signal was aborted. It is the signal's `reason`. */
export type AbortReason =
  | "stop"
  | "new"
  | "edit"
  | "shutdown"
  | "lease-lost"
  /** Another part of the question has come while nothing of its answer was shown: it is delivered again, with all of them. */
  | "joined"
  /** All that was stored of it is gone: it is ended, and nothing of it can be kept. */
  | "vanished";

/** One message of a question that came as several. */
export interface Part {
  readonly updateId: number;
  /** Id of the message. */
  readonly message: number;
  readonly body: string;
}

/** An update in the hands of a worker. */
export interface ActiveUpdate extends IncomingUpdate {
  /** 1 on the first delivery; higher after a crash, a shutdown or an exception. */
  readonly attempt: number;
  /**
   * Of a question that came as several messages: all of them, its own update included, in the order of the messages. With it
   * all of them are finished. Left out for a single message.
   */
  readonly parts?: readonly Part[] | undefined;
  /** What its own interrupt met, when it carried one. */
  readonly outcome?: InterruptOutcome | undefined;
  /**
   * Aborted with an `AbortReason`. Already aborted at the start when the interrupt came while the update waited for
   * another delivery (after a crash, say): the handler then only tidies up.
   */
  readonly signal: AbortSignal;
  /** Left out by an engine that cannot do this. */
  readonly keeping?: AnswerKeeping;
  /**
   * Says that the handler only waits from now on, for something that may take hours (a chat that Telegram has asked to leave
   * alone): its slot goes to another lane, its own lane stays busy. For good, at once, and not more than once.
   */
  readonly stepAside?: () => void;
  /**
   * Says that something of the answer is shown from now on: what joins the question later does not abort it, and is a question
   * of its own behind it.
   */
  readonly showing?: () => void;
  /**
   * Says that only so many of its messages are handled, in the order in which they came: a delivery before this one has ended
   * with these, and was cut short. The others are a question of their own behind it.
   */
  readonly handlesOnly?: (messages: number) => void;
  /** Left out by an engine whose updates no other process can take over. */
  readonly lease?: Lease;
}

export interface DeadUpdate
  extends Pick<IncomingUpdate, "updateId" | "conversation" | "lane" | "receivedAt" | "body" | "question"> {
  /** The last error's message. */
  readonly reason: string;
}

export interface QueueStats {
  readonly waiting: number;
  readonly active: number;
  /** Waiting for their back-off to pass, or for their other parts. Counted in `waiting` too. */
  readonly delayed: number;
  readonly dead: number;
  /** Age of the oldest update that waits, 0 when none does. Milliseconds. */
  readonly oldestWaitingMs: number;
}

export interface ConsumeOptions {
  /** Turn-lane updates at once, besides those that have stepped aside. */
  readonly turnSlots: number;
  /** Quick-lane updates at once; slots of their own. */
  readonly quickSlots: number;
  /** An update whose handler threw this often is dead. */
  readonly maxFailures: number;
  /** An update that was running this often when the process died is dead. */
  readonly maxCrashes: number;
  /** While it is late, turn lanes wait for what runs; quick lanes do not. Left out: they begin as slots are free. */
  readonly loop?: LoopDelay;
  /** Milliseconds to wait before the next delivery after the n-th failure (n from 1). */
  backoffMs(failure: number): number;
  /** Called once for an update that has become dead, before its lane moves on. Must not throw. */
  onDead(update: DeadUpdate): Promise<void>;
  /** Whether a handler that threw this would throw it again: its update is dead at once. Left out: never. */
  isHopeless?(error: unknown): boolean;
  /** Called for each failure, for the log. */
  onFailure?(update: ActiveUpdate, error: unknown): void;
  /** Called when another worker has taken over what this one was handling. */
  onLeaseLost?(update: ActiveUpdate): void;
}

export interface Consumer {
  /** Updates being handled now. */
  readonly active: number;
  /**
   * Takes nothing more, waits up to `graceMs` for what runs, then aborts the rest with `shutdown` and waits for it to
   * settle. Those stay queued and no attempt is counted. Resolves with their number.
   */
  drain(graceMs: number): Promise<number>;
}

export interface UpdateQueue {
  /**
   * Stores an update, once, and carries out its interrupt in the same atomic step. Resolves when it is durable;
   * rejects when it could not be stored, and then nothing was. Calls made one after another, without waiting, are
   * stored in that order.
   */
  enqueue(update: IncomingUpdate): Promise<EnqueueResult>;
  /** Whether an update of this id was stored within the last 24 hours, or is being stored right now. */
  known(updateId: number): Promise<boolean>;
  /**
   * Whether the process hung so often in the work for this update that nothing is to be tried with it, stored or not. Of what
   * other processes met it hears within seconds.
   */
  hung(updateId: number): boolean;
  /**
   * Hands updates to `handler`: one lane's in order, one at a time, lanes side by side. A handler that resolves has
   * finished its update; one that throws is tried again after the back-off, the lane waiting behind it.
   * An update stays queued when its signal was aborted with `shutdown`, `lease-lost` or `joined` and the handler threw, and when
   * the handler threw a `ParleyError` of the code `shutdown`: it leaves with the process before it is aborted.
   * What belongs together (`Piece`) is one update with `parts`, in the place of the first of them, handed out when it is whole:
   * a lane that waits for that has no slot. A part that comes when its handler has finished is an update of its own.
   */
  consume(handler: (update: ActiveUpdate) => Promise<void>, options: ConsumeOptions): Consumer;
  stats(): Promise<QueueStats>;
  /** Dead updates, each for 30 days from its death; then it is forgotten, and not counted any more. */
  readonly dead: {
    list(limit: number): Promise<readonly DeadUpdate[]>;
    /** Puts a dead update at the end of its lane with fresh counts; false when there is none of that id. */
    requeue(updateId: number): Promise<boolean>;
    /**
     * Keeps nothing more of those that `matches` says, but that they were there; nor of parts of albums that nobody has addressed
     * to us yet. Resolves with their number.
     */
    erase(matches: (update: DeadUpdate) => boolean): Promise<number>;
  };
  /**
   * Makes what waits in a lane dead, with `reason`, so that the lane is free and nothing is lost; what runs goes on.
   * Resolves with the number.
   */
  drainLane(conversation: ConversationId, lane: LaneKind, reason: string): Promise<number>;
  stop(): Promise<void>;
}
