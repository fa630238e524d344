/**
 * What is kept: settings, history, turns, dialogs.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */
import type { AnswerSlot, AnswerToKeep, KnownAnswer } from "./answers.ts";
import type { Content } from "./content.ts";
import type { FactSnapshot, FactStore } from "./facts.ts";
import type { FileText } from "./files.ts";
import type { Lease } from "./fleet.ts";
import type { Ledger, Settlement } from "./ledger.ts";
import type { Effort } from "./models.ts";
import type { StepStore } from "./steps.ts";
import type { SummaryRecord } from "./summaries.ts";
import type { Turn, TurnPicture } from "./turns.ts";
import type { ConversationId } from "./updates.ts";

/** What a conversation has chosen. Written field by field, never as a whole. */
export interface Settings {
  /** `provider/model`. */
  readonly model?: string;
  /** System prompt. */
  readonly persona?: string;
  /** How much the model shall think. */
  readonly effort?: Effort;
  /** Set while who has this private chat wants to see summaries of thoughts, in whatever chat they ask. */
  readonly thoughts?: string;
  /** Set while answers are spoken as well: all, or those to what was spoken. */
  readonly voice?: "on" | "asked";
  /** Set where no tool shall be used. */
  readonly tools?: "off";
  /** Tools and servers that are switched off one by one: their names, with a blank between two. */
  readonly toolsOff?: string;
  /** Of a chat, for all its topics: set where no facts are to be remembered or told. */
  readonly memory?: "off";
  /** Set while the example questions of `/start` stand below the conversation. */
  readonly examples?: string;
  /** Id of the question after a pause whose earlier messages were asked for again. */
  readonly broughtBack?: string;
}

/** One question with its answer, as the model will see them again. */
export interface Exchange {
  /** Id of the question's message; one exchange per question. */
  readonly question: number;
  readonly asked: Content;
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
  readonly since?: number | undefined;
}

/** What is known of a conversation beside its settings. */
export interface KnownConversation {
  /** The newest exchanges, oldest first, at most as many as were asked for. */
  readonly history: readonly Exchange[];
  readonly summary: SummaryRecord | undefined;
  /** What `keepFacts` has kept last; undefined when it never has. */
  readonly facts: FactSnapshot | undefined;
}

/** What an engine can do whose queue and store share their transactions: keep what an answer has when it is interrupted. */
export interface AnswerKeeping {
  /**
   * Aborted in the moment in which an interrupt of the update is handed in, before its `signal`: what is kept right then is
   * on disk together with the interrupt, or not at all.
   */
  readonly interrupting: AbortSignal;
  /** Keeps `turn.answer` as what was written so far, while the stored record is that of the same run and still `writing`. */
  keep(turn: Turn): Promise<void>;
}

export interface Store extends StepStore, FactStore {
  /** Empty when the conversation has chosen nothing. */
  readSettings(conversation: ConversationId): Promise<Settings>;
  /** `undefined` restores the default. Other fields stay as they are, whoever writes at the same time. */
  setSetting<F extends keyof Settings>(
    conversation: ConversationId,
    field: F,
    value: Settings[F] | undefined,
  ): Promise<void>;

  /** What is known of a conversation at one moment; nothing once its time to live has passed. */
  readConversation(conversation: ConversationId, atMost: number): Promise<KnownConversation>;
  /** Its history alone; all that is kept when `atMost` is left out. */
  readHistory(conversation: ConversationId, atMost?: number): Promise<readonly Exchange[]>;
  /**
   * All exchanges kept, oldest first, read a few at a time however many there are. `from`: those from this question on; none
   * when it is not kept any more.
   */
  scanHistory(conversation: ConversationId, from?: number): AsyncIterable<Exchange>;
  /**
   * Replaces what is kept about the summary, if it is still exactly `former` (undefined: nothing) and the conversation has not
   * been forgotten. True when it did.
   */
  replaceSummary(
    conversation: ConversationId,
    former: SummaryRecord | undefined,
    next: SummaryRecord,
  ): Promise<boolean>;
  /**
   * The group `from` has become the supergroup `to`: history, turns and settings are under the new id from then on, before
   * what the new chat has already, whose settings count. The former id goes on being understood: what is asked or written
   * under it is found and stored under the new one. There the ids of the former group's messages are negative, since the
   * new chat has other messages with these ids; what turns have shown is forgotten. Moved already, nothing happens.
   */
  moveConversation(from: ConversationId, to: ConversationId): Promise<void>;
  /**
   * Forgets history, its summary, what it is told and turns of the conversation, not its settings or facts, nor answers that may be given again: it is
   * what is asked behind this that they are for.
   */
  forget(conversation: ConversationId): Promise<void>;

  /**
   * Forgets all that is a user's own: the private conversation with its topics and settings, facts, answers that may be given
   * again there, dialogs anywhere, notices that were told. What groups and everybody keep, and the ledger, stay.
   */
  eraseUser(userId: number): Promise<void>;

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
  /** Replaces what is known of the turn's pictures; does nothing when the turn was forgotten or belongs to another run. */
  setTurnPictures(
    conversation: ConversationId,
    question: number,
    run: number,
    pictures: readonly TurnPicture[],
  ): Promise<void>;
  /**
   * Keeps what a long file says for the questions that follow, as long as the conversation is kept; of each conversation the
   * newest ones. Does nothing when the turn was forgotten or belongs to another run.
   */
  keepFile(turn: Pick<Turn, "conversation" | "question" | "run">, uniqueId: string, file: FileText): Promise<void>;
  readFile(conversation: ConversationId, uniqueId: string): Promise<FileText | undefined>;
  /**
   * Replaces the record of a run that goes on, but for what `setTurnMessages` and `setTurnPictures` write; does nothing when the
   * turn was forgotten or belongs to another run.
   */
  renewTurn(turn: Turn): Promise<void>;
  /**
   * The turn's end in one write: the record becomes `answered`, `exchange` enters the history (in the place of the
   * question's former exchange, if there is one; `undefined` removes nothing and adds nothing), its
   * calls the ledger, and `kept` is what `readAnswer` finds. A turn that was forgotten meanwhile writes its calls only.
   */
  finishTurn(
    turn: Turn,
    exchange: Exchange | undefined,
    calls: readonly Settlement[],
    kept?: AnswerToKeep,
  ): Promise<void>;
  /** The final text is on the screen. */
  closeTurn(conversation: ConversationId, question: number, run: number): Promise<void>;

  /** The answer kept last in this slot, until it expires or too many others are kept. A chat that moves may leave its own behind. */
  readAnswer(slot: AnswerSlot): Promise<KnownAnswer | undefined>;

  /** What calls of models have cost. */
  readonly ledger: Ledger;

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
