/**
 * The models: a question to one of them, and its answer as it comes.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */

import type { ModelErrorKind } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { MadePicture } from "../base/picture-formats.ts";
import type { ModelContent } from "./content.ts";
import type { CallOutcome } from "./ledger.ts";
import type { ToolDefinition } from "./tool-results.ts";

export interface ChatMessage {
  /** `tool`: what came of one call; those of one step stand right behind it, all of them, in the order of its calls. */
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: ModelContent;
  /** An assistant's step of the turn that is going on: the model that has written it gets it back as it was. */
  readonly native?: NativeStep | undefined;
  /** What an assistant's step of the turn that is going on has called. */
  readonly calls?: readonly ModelCall[] | undefined;
  /** Of a `tool` message: the call that it answers. */
  readonly answers?: Pick<ModelCall, "id" | "name"> | undefined;
}

/** A call of a tool, as a model has made it. */
export interface ModelCall {
  readonly id: string;
  readonly name: string;
  /** JSON, or what the model has written instead. */
  readonly arguments: string;
  /** What must go back with the call to the provider that sent it. */
  readonly native?: unknown;
}

export interface TokenUsage {
  /** The cached ones included. */
  readonly inputTokens: number;
  readonly cachedTokens: number;
  /** Of the input, what was written to the provider's cache; left out where the provider does not say so. */
  readonly cacheWriteTokens?: number | undefined;
  /** The reasoning ones included. */
  readonly outputTokens: number;
  /** Left out where the provider does not say so. */
  readonly reasoningTokens?: number | undefined;
  /** Of sound that was heard or spoken; left out where there was none. */
  readonly seconds?: number | undefined;
  /** That were drawn; left out where none were. */
  readonly pictures?: number | undefined;
  /** Of the web; left out where none were made. */
  readonly searches?: number | undefined;
}

/** How much a model shall think before it answers. */
export type Effort = "off" | "low" | "high";

/** Which of its two models `auto` asks. */
export type Tier = "cheap" | "strong";

/** What a model can do, as far as anybody knows. */
export interface Capabilities {
  /** False: nobody has said anything of it, and what follows is a guess. */
  readonly known: boolean;
  /** Pictures; where nobody knows, it is tried. */
  readonly sees: boolean;
  /** Pictures that it is sent at once at most, the newest ones; left out when that is not known. */
  readonly mostPictures?: number | undefined;
  readonly tools: boolean;
  /** How it can be told to think, each in a way of its own; empty when it cannot. Asked for another, it does the nearest. */
  readonly efforts: readonly Effort[];
  /** What it reads, its answer included. */
  readonly contextTokens: number;
  /** Its longest answer; left out when that is not known. */
  readonly answerTokens?: number | undefined;
}

/** What a model has said in one step, in the words of its wire: thoughts with their signatures, text and calls. */
export interface NativeStep {
  /** `provider/model`: to any other the step means nothing. */
  readonly model: string;
  readonly content: readonly unknown[];
}

export type ModelEvent =
  /** The turn waits for a free place at the provider (`<PROVIDER>_CONCURRENCY`). */
  | { readonly type: "waiting"; readonly provider: string }
  /** The text so far will not be gone on with: its model has failed, and another one writes the answer anew. */
  | { readonly type: "restart" }
  /**
   * An attempt has failed in this way; another one follows, after a pause perhaps. `quiet`: another model takes over before
   * anything was shown, which the line below its answer tells early enough.
   */
  | { readonly type: "trying-again"; readonly reason: ModelErrorKind; readonly quiet?: true | undefined }
  /** The budget does not pay for the model whose turn it was, so the next one is asked. */
  | { readonly type: "passed-over" }
  /** An attempt begins to be sent to this model (`provider/model`): the messages, or the shorter ones. */
  | { readonly type: "attempt"; readonly model: string; readonly shorter?: true | undefined }
  /** The model is alive but has nothing to show yet (reasoning). */
  | { readonly type: "thinking" }
  /** A summary of its thoughts, as far as the provider offers one to be shown; only where the request asks for it. */
  | { readonly type: "thought-delta"; readonly text: string }
  | { readonly type: "text-delta"; readonly text: string }
  /** The text so far was no answer but thoughts, as its end has told: the answer begins anew. */
  | { readonly type: "text-reset" }
  /**
   * A call of a tool, whole, between the last text and the end of a complete answer: of a stream that was cut none is handed
   * on. `arguments` is JSON as the model has written it, or what it has written instead.
   */
  | {
      readonly type: "tool-call";
      readonly id: string;
      readonly name: string;
      readonly arguments: string;
      /** What must go back with the call to the provider that sent it. */
      readonly native?: unknown;
    }
  /** The last event of a complete answer. `usage` is left out when the provider sent none. */
  | {
      readonly type: "answer-end";
      readonly model: string;
      /** Ended by us, while the model had more to say: `too-long` at 200,000 characters, `budget` when no more could be paid. */
      readonly finish: "stop" | "length" | "filtered" | "too-long" | "budget";
      readonly usage?: TokenUsage | undefined;
      /** The model's name as the provider has told it, where that is another one. */
      readonly served?: string | undefined;
      /** How many pictures came with the answer; left out when none did. */
      readonly pictures?: number | undefined;
      /** Those of them that could be read and are not too large, the first few. */
      readonly drawn?: readonly MadePicture[] | undefined;
      /** The step as the provider gave it, where more of it than its text has to go back. */
      readonly native?: NativeStep | undefined;
    };

/** Who pays for the calls of one question: asked before each of them, told of it, and after it. */
export interface Payer {
  /**
   * Reserves what the call may cost, once it has its place and before it is sent. May wait for calls of others to end, and
   * tells `onWaiting` when it begins to: whoever has the place to spare gives it to them. Undefined when the signal is aborted
   * meanwhile. Rejects with a `BudgetError` when the call would cost more than is left.
   */
  open(call: PayableCall, signal: AbortSignal, onWaiting?: () => void): Promise<OpenCall | undefined>;
}

export type PayableCall = ChatCall | MediaCall;

interface ChatCall {
  /** `provider/model`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** What is offered: its definitions are read as well. */
  readonly tools?: readonly ToolDefinition[] | undefined;
}

/** What comes in one piece. */
interface MediaCall {
  /** `provider/model`; of who searches the web `provider/search`. */
  readonly model: string;
  readonly media: MediaStep;
  /** Reserved, and counted where the provider counts nothing. */
  readonly expected: TokenUsage;
}

/** What is done beside the steps of a turn. */
export type MediaStep = "hear" | "speak" | "draw" | "search";

export interface OpenCall {
  /** The answer has gone on with this. False: no more can be paid, end it here as at the length limit. Cheap. */
  wrote(text: string): boolean;
  /** Ends it, however it ended. Only the first time counts. */
  close(end: CallEnd): void;
}

export interface CallEnd {
  readonly outcome: CallOutcome;
  /** The model's name as the provider has told it, where that is another one. */
  readonly served?: string | undefined;
  /** Left out where the provider sent none: what was written is counted, or nothing if the model has not lived. */
  readonly usage?: TokenUsage | undefined;
  /** Left out when there was no sign of life. */
  readonly firstTokenMs?: number | undefined;
  readonly durationMs: number;
}

export interface ModelRequest {
  /** One of the choices. */
  readonly model: string;
  /** Where that is `auto`; left out: the cheap one. */
  readonly tier?: Tier | undefined;
  readonly messages: readonly ChatMessage[];
  /**
   * The question has pictures: in the place of models that cannot see one is asked that can, and none but those. Left out, a
   * model gets words in the place of pictures that it cannot see.
   */
  readonly pictures?: boolean | undefined;
  /** Left out: as the provider does by itself, or as a chat wants it. */
  readonly effort?: Effort | undefined;
  /** Whether `thought-delta` is wanted. */
  readonly thoughts?: boolean | undefined;
  /** Offered to the model, in an order that stays the same for all steps of a turn; left out where there are none. */
  readonly tools?: readonly ToolDefinition[] | undefined;
  /** No call is wanted any more: the model shall answer from what it has. The tools are sent as before. */
  readonly noCalls?: boolean | undefined;
  /** The same for all questions of a conversation, and tells nothing of it: who has its prefix in a cache is asked again. */
  readonly cacheKey?: string | undefined;
  /** Stands around each piece that is read; left out where nobody could be charged. */
  readonly work?: Work;
  /** Left out where nobody counts. */
  readonly payer?: Payer | undefined;
  /** Told of failures on the way to the answer, with the ids of who asks; left out: the adapter's own log. */
  readonly log?: Pick<Logger, "info" | "warn">;
  /**
   * What `provider/model` is sent of these messages, and of the tools, where not all may see everything; left out: all of it.
   * Asked again it says the same.
   */
  tailored?(model: string, messages: readonly ChatMessage[]): Pick<ModelRequest, "messages" | "tools">;
  /**
   * What a model is asked instead, once, that finds the messages too long (`context-overflow`); undefined when nothing can be
   * left out.
   */
  shorter?(): readonly ChatMessage[] | undefined;
}

export interface Models {
  /** The choices in their order, `provider/model` or `auto`; the first is the default. */
  readonly names: readonly string[];
  /** What stands behind one of these in `MODELS` and answers in its place when it fails, `provider/model`. */
  behind(name: string): readonly string[];
  /** The choice that leaves it to rules which of two models is asked, and these; left out where it is not offered. */
  readonly auto?: { readonly name: string; readonly models: Readonly<Record<Tier, string>> } | undefined;
  /**
   * Asks the chosen model, then those behind it. Text comes in deltas of one answer of one model, after a `restart` of another
   * one. Throws a `ModelError` when no answer, or only a part of one, could be had; of kind `blind` when there are pictures to
   * see and none of them sees. Ends quietly, without `answer-end`, when the signal was aborted.
   */
  answer(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent>;
  /** Which model, `provider/model`, a question with pictures goes to first; undefined when none of those that could sees. */
  seeing(request: Pick<ModelRequest, "model" | "tier">): string | undefined;
  /** US dollars, or undefined when the model's price is not known. */
  cost(model: string, usage: TokenUsage, at: number): number | undefined;
  /** What `provider/model` can do; changes with what its provider refuses. Of `auto`, what its strong model can. */
  capabilities(model: string): Capabilities;
}
