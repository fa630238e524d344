/**
 * The outside world as short interfaces. The comment on a member is its contract; every adapter passes the
 * same suite in `test/contracts/`.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Redis } from "ioredis";

/** One conversation: `chatId`, or `chatId:threadId` inside a topic of a group or of a private chat. */
export type ConversationId = string;

/**
 * Does synchronous work in the name of an update: should the process hang in it, that update is charged with it, and no other
 * (`base/in-hand.ts`). To stand around what may take long for what an update brings: parsing, a piece of a stream, rendering.
 */
export type Work = <T>(work: () => T) => T;

// === Database =======================================================================================

/** One SQLite file that queue and store share, so that the writes of one tick are one transaction. */
export interface Database {
  /** For reads, and for creating tables before the first write. It does not see writes that wait for their tick. */
  readonly handle: DatabaseSync;
  /** The statement of this SQL, prepared at its first use and kept. What writes belongs inside `write`. */
  statement(sql: string): StatementSync;
  /**
   * Runs `work` in the transaction of this tick, in the order of the calls. Resolves when that transaction is on
   * disk, with what `work` returned. `work` that throws takes back its own writes only, and rejects only its own
   * promise; a transaction that cannot be committed rejects every promise of the tick.
   */
  write<T>(work: (handle: DatabaseSync) => T): Promise<T>;
  /** Writes what waits, then closes the file. */
  close(): Promise<void>;
}

// === Redis ==========================================================================================

/** The connections of one process to one Redis; all parts share them, so their number does not grow with the load. */
export interface RedisLink {
  /** Stands before every key: a prefix with a hash tag, `{parley}:`. */
  readonly prefix: string;
  /**
   * For commands that must fail soon rather than wait: nothing is kept for later while Redis is away, and no answer
   * within 1.5 s is a failure. Commands given one after another without waiting are carried out in that order.
   */
  readonly commands: Redis;
  /** A further connection of the same server, without those limits. The caller counts them: a process has at most 8. */
  connect(name: string): Redis;
  /**
   * Calls `listener` with each message of this channel (the prefix is put before it). `onJoined` runs each time the
   * subscription stands, at first and after a reconnection: what was published in between is lost, so read it up there.
   */
  subscribe(channel: string, listener: (message: string) => void, onJoined?: () => void): void;
  /** Ends the connections of the link itself; those of `connect` are ended by who made them. */
  stop(): Promise<void>;
}

/**
 * What a worker holds while it handles an update of a shared queue. Another worker that takes the lane over has another
 * `fence`, stored under `key`: a write of state compares it in the same atomic step.
 */
export interface Lease {
  /** Redis key, prefix included, whose value is the fence of the lane's holder. */
  readonly key: string;
  readonly fence: number;
  /**
   * Resolves when the lane is ours for sure: by a clock that no one sets, the last heartbeat is younger than the lease.
   * Waits for the next heartbeat when it is not (Redis is away, or this process was frozen). Rejects with a
   * `LeaseLostError` when another worker has taken over; the update's signal is then aborted with `lease-lost`. To be
   * asked before each call that can be seen. Resolves too when everything stored of the update has vanished: nobody else goes
   * on with it then.
   */
  hold(): Promise<void>;
  /**
   * Asks now, whatever was heard before: `held`, or `vanished` when all that was stored of this update is gone (its signal is
   * then aborted with `vanished`), so that no write of it means anything any more. Rejects as `hold` does.
   */
  look(): Promise<"held" | "vanished">;
}

// === Queue ==========================================================================================

/**
 * A conversation has two lanes. `turn` carries what touches the conversation, one after another; `quick` carries
 * every other command and button, so that none of them waits behind an answer that is being written.
 */
export type LaneKind = "turn" | "quick";

/** Why a user's update is answered with a notice instead of being carried out. */
export type Refusal =
  /** Over the rate limit. `tell` is true once a window; `waitSeconds` is the time until the next token. */
  | { readonly reason: "rate"; readonly tell: boolean; readonly waitSeconds: number }
  /** The turn lane was full, so this update was dropped; the first of an episode carries this to its chat. */
  | { readonly reason: "lane-full" };

/** What an update does to its conversation at the moment it is enqueued, before it has its own turn. */
export type Interrupt =
  /**
   * Aborts the question that is running in the conversation and drops the questions enqueued before. With `run`
   * (a Stop button, a draft's Stop) it does so only while that very update is running, or is waiting to run again.
   */
  | { readonly kind: "stop" | "new"; readonly run?: number }
  /**
   * An edited question: aborts the turn of that question alone if it is running, and then runs next in the lane;
   * if it is still waiting, takes its place in the lane.
   */
  | { readonly kind: "edit"; readonly question: number };

/** What an interrupt met. Stored with the update that carried it, so that its handler can tell the user. */
export interface InterruptOutcome {
  /** An answer was being written, and was aborted. */
  readonly aborted: boolean;
  /** Questions that waited and were dropped. */
  readonly dropped: number;
}

/** An update as ingress stores it. */
export interface IncomingUpdate {
  /** Telegram's `update_id`; the key under which a repeated delivery is recognised. */
  readonly updateId: number;
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  /** The raw update as JSON. */
  readonly body: string;
  /** Id of the message that asks, when the update wants an answer of the model: such an update can be dropped by an interrupt. */
  readonly question?: number;
  readonly interrupt?: Interrupt;
  readonly refusal?: Refusal;
  /** Why nothing can be done with it: it is dead from the beginning, and stands in no lane until it is requeued. */
  readonly dead?: string;
}

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
  /** All that was stored of it is gone: it is ended, and nothing of it can be kept. */
  | "vanished";

/** An update in the hands of a worker. */
export interface ActiveUpdate extends IncomingUpdate {
  /** 1 on the first delivery; higher after a crash, a shutdown or an exception. */
  readonly attempt: number;
  /** What its own interrupt met, when it carried one. */
  readonly outcome?: InterruptOutcome;
  /**
   * Aborted with an `AbortReason`. Already aborted at the start when the interrupt came while the update waited for
   * another delivery (after a crash, say): the handler then only tidies up.
   */
  readonly signal: AbortSignal;
  /**
   * Aborted in the moment in which an interrupt of this update is handed in, before `signal`: what the handler writes to the
   * store right then is on disk together with the interrupt, or not at all. Left out by an engine that cannot do this.
   */
  readonly interrupting?: AbortSignal;
  /**
   * Says that the handler only waits from now on, for something that may take hours (a chat that Telegram has asked to leave
   * alone): its slot goes to another lane, its own lane stays busy. For good, at once, and not more than once.
   */
  readonly stepAside?: () => void;
  /** Left out by an engine whose updates no other process can take over. */
  readonly lease?: Lease;
}

export interface DeadUpdate {
  readonly updateId: number;
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  readonly receivedAt: number;
  readonly body: string;
  readonly question?: number;
  /** The last error's message. */
  readonly reason: string;
}

export interface QueueStats {
  readonly waiting: number;
  readonly active: number;
  /** Waiting for their back-off to pass. Counted in `waiting` too. */
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
   * An update stays queued when its signal was aborted with `shutdown` or `lease-lost` and the handler threw.
   */
  consume(handler: (update: ActiveUpdate) => Promise<void>, options: ConsumeOptions): Consumer;
  stats(): Promise<QueueStats>;
  /** Dead updates, each for 30 days from its death; then it is forgotten, and not counted any more. */
  readonly dead: {
    list(limit: number): Promise<readonly DeadUpdate[]>;
    /** Puts a dead update at the end of its lane with fresh counts; false when there is none of that id. */
    requeue(updateId: number): Promise<boolean>;
  };
  /**
   * Makes what waits in a lane dead, with `reason`, so that the lane is free and nothing is lost; what runs goes on.
   * Resolves with the number.
   */
  drainLane(conversation: ConversationId, lane: LaneKind, reason: string): Promise<number>;
  stop(): Promise<void>;
}

// === Addressing =====================================================================================

/** What ingress has to know of an update that is addressed to us. Found by a pure function (`telegram/lanes.ts`). */
export interface Addressed {
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  /** See `IncomingUpdate`. */
  readonly question?: number;
  /** Left out for those who may not talk to the bot. */
  readonly interrupt?: Interrupt;
  /**
   * Whose token bucket pays: the sender's of what is asked of the bot, a chat's where somebody writes as one. An update with a
   * `question` pays from the bucket of questions, any other from that of commands.
   */
  readonly payer?: number;
  /** A word for metrics: `question`, `command`, `edit`, … */
  readonly kind: string;
}

// === Store ==========================================================================================

/** What a conversation has chosen. Written field by field, never as a whole. */
export interface Settings {
  /** `provider/model`. */
  readonly model?: string;
  /** System prompt. */
  readonly persona?: string;
  /** Set while the example questions of `/start` stand below the conversation. */
  readonly examples?: string;
}

/** One question with its answer, as the model will see them again. */
export interface Exchange {
  /** Id of the question's message; one exchange per question. */
  readonly question: number;
  readonly asked: string;
  readonly answered: string;
  /** Tokens of both texts, estimated when the exchange was stored. */
  readonly tokens: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** `provider/model` that wrote the answer, or the last part of it. */
  readonly model?: string;
  /**
   * Once the model is not shown the whole history any more: the question of the oldest exchange that it was shown with this
   * one. The next prompt begins there, too, so that prompts keep their beginning, and nothing before it is read again.
   */
  readonly since?: number;
}

/**
 * - `writing`: the model is being asked, or was when the process died.
 * - `answered`: the answer is stored, the final text may not be on the screen yet.
 * - `done`: nothing left to do.
 */
export type TurnState = "writing" | "answered" | "done";

/** A question on its way to its answer: what a repeated delivery needs in order not to answer twice. */
export interface Turn {
  readonly conversation: ConversationId;
  /** Id of the message that asks. With the conversation, the turn's key. */
  readonly question: number;
  /**
   * Id of the message whose exchange in the history this turn writes: `question` itself, but for a `/retry` the question
   * that it answers again.
   */
  readonly root: number;
  /** `update_id` of the update that asked for the current run: the question, its edit, a Regenerate. */
  readonly run: number;
  readonly state: TurnState;
  readonly asked: string;
  /** Lines about the question, for below each answer to it. */
  readonly notes?: readonly string[];
  /** Ids of the messages that show the answer, in their order. */
  readonly messages: readonly number[];
  /** Id of the message that carries the whole of a long answer as a file. */
  readonly file?: number;
  /** What the screen shows at the end: the answer's Markdown, as far as it came. Left out when that is not known. */
  readonly answer?: string;
  /** A plain line below the answer: why it ended early, which other model wrote it. */
  readonly note?: string;
  /** The button below the last message; Continue stands beside Regenerate. */
  readonly button?: "regenerate" | "retry" | "continue";
  /** How the run ended. */
  readonly outcome?: TurnOutcome;
  /**
   * Of a turn that goes on with an answer that was cut at the length limit (Continue): the turn whose answer it is, and how
   * many UTF-16 units of the exchange stood there before. Its `question` is the last message of what it goes on with.
   */
  readonly continues?: { readonly question: number; readonly length: number };
  /** Set when it was begun before its group became a supergroup: it runs in the lane of the one, and writes in the other. */
  readonly moved?: { readonly from: ConversationId; readonly to: ConversationId };
}

export type TurnOutcome = "complete" | "stopped" | "failed" | "empty" | "blocked" | "superseded";

/** One answer's use of a model. */
export interface UsageEntry {
  readonly userId: number;
  /** `provider/model` that was charged. */
  readonly model: string;
  /** Input tokens, the cached ones included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** US dollars; left out when the model has no known price. */
  readonly cost?: number;
  /** The provider sent no usage, so the tokens were counted here. */
  readonly estimated: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export interface UsageTotals {
  readonly answers: number;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** US dollars of the answers whose price is known. */
  readonly cost: number;
  /** Answers whose price is not known. */
  readonly unpriced: number;
}

export interface Store {
  /** Empty when the conversation has chosen nothing. */
  readSettings(conversation: ConversationId): Promise<Settings>;
  /** `undefined` restores the default. Other fields stay as they are, whoever writes at the same time. */
  setSetting<F extends keyof Settings>(
    conversation: ConversationId,
    field: F,
    value: Settings[F] | undefined,
  ): Promise<void>;

  /**
   * The newest exchanges, oldest first, at most so many (all kept when left out); those older than the time to live are not
   * returned.
   */
  readHistory(conversation: ConversationId, atMost?: number): Promise<readonly Exchange[]>;
  /**
   * All exchanges kept, oldest first, read a few at a time however many there are. `from`: those from this question on; none
   * when it is not kept any more.
   */
  scanHistory(conversation: ConversationId, from?: number): AsyncIterable<Exchange>;
  /**
   * The group `from` has become the supergroup `to`: history, turns and settings are under the new id from then on, before
   * what the new chat has already, whose settings count. The former id goes on being understood: what is asked or written
   * under it is found and stored under the new one. There the ids of the former group's messages are negative, since the
   * new chat has other messages with these ids; what turns have shown is forgotten. Moved already, nothing happens.
   */
  moveConversation(from: ConversationId, to: ConversationId): Promise<void>;
  /** Forgets history and turns of the conversation, not its settings. */
  forget(conversation: ConversationId): Promise<void>;

  readTurn(conversation: ConversationId, question: number): Promise<Turn | undefined>;
  /** The turn begun last in the conversation. */
  newestTurn(conversation: ConversationId): Promise<Turn | undefined>;
  /**
   * Writes a turn's record before its first message exists. A turn of a new question becomes the conversation's newest; a
   * further run of a known one keeps its place. In the same step the turns of the questions `dropped` are forgotten.
   */
  beginTurn(turn: Turn, dropped?: readonly number[]): Promise<void>;
  /**
   * Replaces the turn's message ids (and its file's); does nothing when the turn was forgotten or belongs to another
   * run.
   */
  setTurnMessages(
    conversation: ConversationId,
    question: number,
    run: number,
    messages: readonly number[],
    file?: number,
  ): Promise<void>;
  /**
   * Keeps `turn.answer` as what was written so far, while the stored record is that of the same run and still `writing`.
   * Left out by a store that does not share its transactions with a queue.
   */
  keepAnswer?(turn: Turn): Promise<void>;
  /**
   * The turn's end in one write: the record becomes `answered`, `exchange` enters the history (in the place of the
   * question's former exchange, if there is one; `undefined` removes nothing and adds nothing), usage the ledger.
   * A turn that was forgotten meanwhile writes its usage only.
   */
  finishTurn(turn: Turn, exchange: Exchange | undefined, usage: readonly UsageEntry[]): Promise<void>;
  /** The final text is on the screen. */
  closeTurn(conversation: ConversationId, question: number, run: number): Promise<void>;

  /** A user's use since `since` (milliseconds since the epoch; 0: ever). */
  readUsage(userId: number, since: number): Promise<UsageTotals>;

  readDialog(key: string): Promise<string | undefined>;
  writeDialog(key: string, value: string): Promise<void>;
  deleteDialog(key: string): Promise<void>;

  /** Marks a chat whose messages Telegram refuses (403). */
  markBlocked(chatId: number, at: number): Promise<void>;
  unmarkBlocked(chatId: number): Promise<void>;
  /** When the chat was marked, in milliseconds since the epoch; undefined when it is not. */
  blockedAt(chatId: number): Promise<number | undefined>;

  /** True for the first call with this key within `windowMs`, false for the others: a notice told once an hour, say. */
  firstWithin(key: string, windowMs: number): Promise<boolean>;

  /**
   * A view whose writes to turns, history and settings are refused with a `LeaseLostError` once another worker has taken the
   * lane over. Without a lease, the store itself.
   */
  guardedBy(lease: Lease | undefined): Store;

  /** Whether a write would succeed now; answers within a second. */
  healthy(): Promise<boolean>;
  stop(): Promise<void>;
}

// === Models =========================================================================================

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

export interface TokenUsage {
  /** The cached ones included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** The reasoning ones included. */
  readonly outputTokens: number;
}

export type ModelEvent =
  /** The turn waits for a free place at the provider (`<PROVIDER>_CONCURRENCY`). */
  | { readonly type: "waiting"; readonly provider: string }
  /** An attempt begins to be sent to this model (`provider/model`): the messages, or the shorter ones. */
  | { readonly type: "attempt"; readonly model: string; readonly shorter?: true }
  /** The model is alive but has nothing to show yet (reasoning). */
  | { readonly type: "thinking" }
  | { readonly type: "text-delta"; readonly text: string }
  /** The text so far was no answer but thoughts, as its end has told: the answer begins anew. */
  | { readonly type: "text-reset" }
  /** The last event of a complete answer. `usage` is left out when the provider sent none. */
  | {
      readonly type: "answer-end";
      readonly model: string;
      /** `too-long`: ended by us, at 200,000 characters; the model had more to say. */
      readonly finish: "stop" | "length" | "filtered" | "too-long";
      readonly usage?: TokenUsage;
      /** Pictures that came with the answer and were dropped unread; left out when none came. */
      readonly pictures?: number;
    };

export interface ModelRequest {
  /** `provider/model` as written in `MODELS`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Stands around each piece that is read; left out where nobody could be charged. */
  readonly work?: Work;
  /** Told of failures on the way to the answer, with the ids of who asks; left out: the adapter's own log. */
  readonly log?: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /**
   * What a model is asked instead, once, that finds the messages too long (`context-overflow`); undefined when nothing can be
   * left out.
   */
  shorter?(): readonly ChatMessage[] | undefined;
}

export interface Models {
  /** The choices in their order, `provider/model`; the first is the default. */
  readonly names: readonly string[];
  /**
   * Asks the chosen model, then the fallbacks. Text comes in deltas of one answer of one model. Throws a `ModelError` when
   * no answer, or only a part of one, could be had; ends quietly, without `answer-end`, when the signal was aborted.
   */
  answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
  /** US dollars, or undefined when the model's price is not known. */
  cost(model: string, usage: TokenUsage, at: number): number | undefined;
}

// === Rate limit =====================================================================================

export interface RateVerdict {
  readonly allowed: boolean;
  /** Over the limit, and not told yet in this window. */
  readonly tell: boolean;
  /** Seconds until the next token, rounded up; 0 when allowed. */
  readonly waitSeconds: number;
}

export interface RateLimiter {
  /** Takes one token of the payer's bucket at the time `at` (milliseconds since the epoch). */
  take(payer: number, at: number): Promise<RateVerdict>;
}

// === Operators ======================================================================================

/** What an operator's command has to say, whoever carried it out. */
export interface OperatorAnswer {
  readonly exitCode: number;
  /** To be printed; never a text of a message. */
  readonly lines: readonly string[];
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

// === Several processes ==============================================================================

/** What Telegram has asked one process (429) and what all must keep: nothing goes to a chat for so long. */
export interface ChatHolds {
  /** Tells the other processes. Must not throw; a hold that cannot be told is found out by another 429. */
  announce(chatId: number, milliseconds: number): void;
  /** Calls `listener` for each hold of another process, also for those that began before. */
  listen(listener: (chatId: number, milliseconds: number) => void): void;
}

/** A role that one of several processes has, such as polling. */
export interface Election {
  /**
   * Runs `lead` whenever this process has been elected, and aborts its signal when it is not any more; the role goes to
   * another only when `lead` has settled, or the process has died or has hung longer than the lease. Never rejects.
   */
  campaign(lead: (signal: AbortSignal) => Promise<void>): Campaign;
}

export interface Campaign {
  readonly leading: boolean;
  /** Gives the role back, at once when `lead` has settled. */
  stop(): Promise<void>;
}
