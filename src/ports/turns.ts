/** A question on its way to its answer, as it is kept. */
import type { Content } from "./content.ts";
import type { AutoReason, Note, RememberedNote } from "./notes.ts";
import type { ConversationId } from "./updates.ts";

/**
 * - `writing`: the model is being asked, or was when the process died.
 * - `waiting`: somebody has to allow a call of a tool; nothing is done until then.
 * - `answered`: the answer is stored, the final text may not be on the screen yet.
 * - `done`: nothing left to do.
 */
export type TurnState = "writing" | "waiting" | "answered" | "done";

/** One message of a question that came as several. */
export interface QuestionPart {
  /** Its id. */
  readonly message: number;
  readonly asked: Content;
  /** The next one goes on where it ends, without a break. */
  readonly cut?: true;
  /** What it carries besides words, and whether it has words about that. */
  readonly shows?: "picture" | "file";
  readonly caption?: true;
}

/** A picture that stands below an answer, or will. */
export interface TurnPicture {
  /** Names it within its run; without brackets. */
  readonly key: string;
  /** Id of the message that shows it; left out until it was sent. */
  readonly message?: number | undefined;
  /** It belongs to the answer before this run, and goes once another one stands there. */
  readonly former?: true | undefined;
}

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
  readonly asked: Content;
  /** Of a question that came as several messages: what each of them asks. */
  readonly parts?: readonly QuestionPart[] | undefined;
  /** Ids of the messages that show what was heard in the recordings of the question. */
  readonly transcript?: readonly number[] | undefined;
  /** Id of the voice message that says the answer. */
  readonly spoken?: number | undefined;
  /** When the question was written; milliseconds since the epoch. */
  readonly askedAt?: number | undefined;
  /** What is said about the question below each answer to it. */
  readonly questionNotes?: readonly Note[] | undefined;
  /** Ids of the messages that show the answer, in their order. */
  readonly messages: readonly number[];
  /** Id of the message that carries the whole of a long answer as a file. */
  readonly file?: number | undefined;
  /** Pictures below the answer, in their order. Their bytes are kept elsewhere until they were sent. */
  readonly pictures?: readonly TurnPicture[] | undefined;
  /** What the screen shows at the end: the answer's Markdown, as far as it came. Left out when that is not known. */
  readonly answer?: string;
  /** What its model has offered to be shown of its thoughts, below the answer; bounded. */
  readonly thoughts?: string;
  /** What is said below the answer: why it ended early, which other model wrote it. Left out when there is nothing to say. */
  readonly notes?: readonly Note[];
  /** Where the conversation leaves it to `auto`: which model, `provider/model`, was to answer the question, and why. */
  readonly auto?: { readonly model: string; readonly because: AutoReason } | undefined;
  /** While a fallback writes it: `provider/model` that was asked. */
  readonly asking?: string | undefined;
  /** The button below the last message; Continue and `earlier` (messages from before a pause) stand beside Regenerate. */
  readonly button?: "regenerate" | "retry" | "continue" | "earlier";
  /** While it is `waiting`: the call that somebody has to allow. */
  readonly asks?: AskedCall | undefined;
  /** How the run ended. */
  readonly outcome?: TurnOutcome;
  /**
   * Of a turn that goes on with an answer that was cut at the length limit (Continue): the turn whose answer it is, and how
   * many UTF-16 units of the exchange stood there before. Its `question` is the last message of what it goes on with.
   */
  readonly continues?: { readonly question: number; readonly length: number } | undefined;
  /** The last message of the answer before: its buttons go when this one's first text stands, but for `undo`. */
  readonly retires?:
    | { readonly chatId: number; readonly messageId: number; readonly undo?: RememberedNote | undefined }
    | undefined;
  /**
   * Set when it was begun before its group became a supergroup, and when it is read by the former id: it runs in the lane of
   * the one, and its messages are in the other.
   */
  readonly moved?: { readonly from: ConversationId; readonly to: ConversationId };
}

export type TurnOutcome = "complete" | "stopped" | "failed" | "empty" | "blocked" | "superseded";

/** A call of a tool that somebody has to allow. */
export interface AskedCall {
  /** Whose word counts. */
  readonly userId: number;
  /** Number of its step, and its place among the calls of that. */
  readonly step: number;
  readonly call: number;
  /** It is asked whatever the conversation allows, since something from outside was read. */
  readonly fromOutside?: true;
  /** Id of the message that asks; left out until it was sent. */
  readonly message?: number | undefined;
}
