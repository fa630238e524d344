/** A run of a turn: what is asked, and what it takes to answer. */
import type { Content } from "../ports/content.ts";
import type { UsageEntry } from "../ports/ledger.ts";
import type { MediaReader } from "../ports/media.ts";
import type { ModelRequest } from "../ports/models.ts";
import type { Note } from "../ports/notes.ts";
import type { Step } from "../ports/steps.ts";
import type { Tools } from "../ports/tools.ts";
import type { Turn } from "../ports/turns.ts";
import type { ConversationId } from "../ports/updates.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { Continued } from "./continuation.ts";
import type { TurnEnding } from "./delivery.ts";
import type { Gallery } from "./gallery.ts";
import type { Hearing, Listened } from "./listening.ts";
import type { Payment, Spending } from "./payment.ts";
import type { Permission } from "./permission.ts";
import type { Screen } from "./screen.ts";
import type { Speaking } from "./speaking.ts";
import type { TokenFactors } from "./token-factors.ts";
import type { PromptDeps } from "./turn-prompt.ts";

/** A question as it comes from the chat. */
export interface Question extends Pick<Turn, "parts" | "askedAt" | "retires"> {
  readonly conversation: ConversationId;
  /** Id of the message that asks: the turn's key. */
  readonly id: number;
  /** Id of the message whose exchange in the history is written; differs from `id` for a `/retry`. */
  readonly root: number;
  /** `update_id` that asks for this run. */
  readonly run: number;
  readonly userId: number;
  readonly asked: Content;
  /** Of who asks, as their client tells. */
  readonly language?: string | undefined;
  /** What is said about the question below its answer: that something of it could not be seen, say. */
  readonly questionNotes?: readonly Note[] | undefined;
  /** The turn whose answer this one goes on with. Its `id` is then the last message of what it goes on with. */
  readonly continuing?: number | undefined;
  /** Its turn has waited for a person, and goes on where it was. */
  readonly resumes?: boolean | undefined;
  /** The record of its turn, where that has been read already. */
  readonly known?: Turn | undefined;
}

/** What metrics, `/stats` and the log want to know of a turn. */
export interface TurnObserver {
  turnEnded(ending: TurnEnding): void;
  usage(entry: UsageEntry): void;
}

/** Opens the screen of a run. `former` is the turn's record of before, `dropped` the turns that had gone on with its answer. */
export type OpenScreen = (turn: Turn, former: Turn | undefined, dropped: readonly Turn[]) => Screen;

export interface TurnDeps extends PromptDeps {
  readonly spending: Spending;
  readonly media: MediaReader;
  /** Left out: every question goes to a model. */
  readonly answerCache?: AnswerCache | undefined;
  /** Whether anything of this Markdown can be seen when it is rendered. */
  readonly visible: (markdown: string) => boolean;
  readonly observer: TurnObserver;
  readonly tokenFactors: TokenFactors;
  /** Left out: nothing is looked up or done. */
  readonly tools?: Pick<Tools, "offered" | "forUnknown"> | undefined;
  /** Asks who has asked whether a call may be made. Left out: no tool that has to ask is used. */
  readonly permission?: Permission | undefined;
  /** Left out: no answer is spoken. */
  readonly speaking?: Speaking | undefined;
  /** Left out: nothing that is spoken can be heard. */
  readonly hearing?: Hearing | undefined;
  readonly log: NonNullable<ModelRequest["log"]>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** A run whose record is stored and whose screen is open: its model can be asked. */
export interface Run {
  readonly question: Question;
  readonly turn: Turn;
  /** What its text goes on with. */
  readonly continued: Continued | undefined;
  readonly screen: Screen;
  readonly payment: Payment;
  /** What the question was answered before this run. */
  readonly before: Turn | undefined;
  /** The run as a delivery before this one has left it. */
  readonly died: Turn | undefined;
  /** Nobody has answered the question before. */
  readonly isNew: boolean;
  readonly listened: Listened;
  /** Takes pictures that shall stand below the answer. */
  readonly gallery: Gallery;
  /** What deliveries before this one have finished of it. */
  readonly steps: readonly Step[];
  /** Who pays for what a call of a tool costs, by its key. */
  payFor(key: string): Payment;
}
