/**
 * The models: a question to one of them, and its answer as it comes.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */

import type { ModelErrorKind } from "../base/errors.ts";
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Content } from "./content.ts";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: Content;
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
  /** An attempt has failed in this way before it showed anything; another one follows, after a pause perhaps. */
  | { readonly type: "trying-again"; readonly reason: ModelErrorKind }
  /** An attempt begins to be sent to this model (`provider/model`): the messages, or the shorter ones. */
  | { readonly type: "attempt"; readonly model: string; readonly shorter?: true | undefined }
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
      readonly usage?: TokenUsage | undefined;
      /** Pictures that came with the answer and were dropped unread; left out when none came. */
      readonly pictures?: number | undefined;
    };

export interface ModelRequest {
  /** `provider/model` as written in `MODELS`. */
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  /** Stands around each piece that is read; left out where nobody could be charged. */
  readonly work?: Work;
  /** Told of failures on the way to the answer, with the ids of who asks; left out: the adapter's own log. */
  readonly log?: Pick<Logger, "info" | "warn">;
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
