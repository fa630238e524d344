/** What comes in, and what it does at the moment in which it is stored. */

/** One conversation: `chatId`, or `chatId:threadId` inside a topic of a group or of a private chat. */
export type ConversationId = string;

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

/**
 * A message that asks, as far as it matters for what belongs together: one thought comes as several messages (an album, a long
 * text that the client has cut, forwards with a comment, a question and its picture), and is one turn.
 */
export interface Piece {
  /** Id of the message itself. */
  readonly message: number;
  readonly sender: number;
  /** UTF-16 units of its words. */
  readonly units: number;
  /** What it is part of: `album:ID`, `paste:SENDER`, `forward:SENDER`. The first of a group waits for the others. */
  readonly group?: string;
  /** What it belongs to when that came from the same sender just before: the paste that it ends, the plain question before it. */
  readonly follows?: "paste" | "plain";
  /** A question of words alone, which what comes right behind it may be about. It waits for nothing. */
  readonly plain?: true;
  /** A part of an album that is not addressed to us: it counts only together with a part that is. */
  readonly aside?: true;
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
  readonly question?: number | undefined;
  readonly interrupt?: Interrupt | undefined;
  /** Of a question; left out for who handles it, who finds the parts. Of an edit: which message was edited. */
  readonly piece?: Piece | undefined;
  readonly refusal?: Refusal | undefined;
  /** Why nothing can be done with it: it is dead from the beginning, and stands in no lane until it is requeued. */
  readonly dead?: string;
}

/** What ingress has to know of an update that is addressed to us. Found by a pure function (`telegram/lanes.ts`). */
export interface Addressed {
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  /** See `IncomingUpdate`. */
  readonly question?: number | undefined;
  /** Left out for those who may not talk to the bot. */
  readonly interrupt?: Interrupt | undefined;
  readonly piece?: Piece | undefined;
  /**
   * Whose token bucket pays: the sender's of what is asked of the bot, a chat's where somebody writes as one. An update with a
   * `question` pays from the bucket of questions, any other from that of commands.
   */
  readonly payer?: number | undefined;
  /** A word for metrics: `question`, `command`, `edit`, … */
  readonly kind: string;
}
