/**
 * A wire: how a question is written for a provider, and how its answer is read. Pure: no network, no clock. What stands above
 * (timers, repeats, the chain, caps) knows none of them.
 */
import type { Capabilities, ChatMessage, Effort } from "../../ports/models.ts";
import type { ToolDefinition } from "../../ports/tool-results.ts";
import type { Dialect } from "./dialects.ts";
import type { Fields } from "./fields.ts";
import type { ChunkSays } from "./says.ts";
import type { Thinking } from "./thinking.ts";

/** How a model of a provider wants to be asked; what a refusal has taught holds for the life of the process. */
export interface Manner {
  /** Fields that it does not take. */
  readonly refused: ReadonlySet<string>;
  /** The length limit goes under its other name. */
  readonly swapped: boolean;
  /** The longest answer in tokens that may be asked for; undefined while that is not known. */
  readonly mostTokens?: number | undefined;
  readonly streams: boolean;
  /** False: the persona goes into the first question. */
  readonly takesSystem: boolean;
  /** It gives no summary of its thoughts. */
  readonly hidesThoughts: boolean;
  /** It calls tools only where it is told not to think (Chat Completions). */
  readonly callsUnthinking: boolean;
  /** It wants its thoughts back with its calls (Chat Completions). */
  readonly wantsThoughts: boolean;
  /** It wants something in the place of its signature at the calls of others (Chat Completions). */
  readonly signsCalls: boolean;
  /** It takes only schemas that are written in few words. */
  readonly plainSchemas: boolean;
}

export interface WireRequest {
  /** The model's name on the wire. */
  readonly model: string;
  /** `provider/model`: what it has written natively itself goes back to it as it was. */
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly dialect: Dialect;
  readonly manner: Manner;
  /** What the model can do, as far as anybody knows. */
  readonly can: Capabilities;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  /** What somebody has set; left out: the dialect's own. */
  readonly effort?: Effort | undefined;
  /** In the model's terms; undefined when nothing was set, or when it cannot be told. */
  readonly thinking?: Thinking | undefined;
  readonly thoughts?: boolean | undefined;
  readonly cacheKey?: string | undefined;
  /** What it may call; left out where nothing, and then `messages` hold no calls either. */
  readonly tools?: readonly ToolDefinition[] | undefined;
  /** It shall call none of them any more. */
  readonly noCalls?: boolean | undefined;
}

/** Fields that a request can do without: what a refusal names among them is left out from then on. */
export type OptionalFields = Readonly<Record<string, unknown>>;

/** Reads the events of one answer, or all of it at once. */
export interface ChunkReader {
  /** Takes an event as JSON. */
  read(event: Fields): ChunkSays;
  /** The step so far as it must go back to the model; undefined where plain text and calls are enough. */
  native(): readonly unknown[] | undefined;
}

export interface Wire {
  /** Behind the base URL. */
  readonly path: string;
  /** What proves who asks, and whatever else this wire wants beside the content's type. */
  headers(apiKey: string | undefined, provider: string): Readonly<Record<string, string>>;
  /** In the provider's dialect, whatever refusals have taught. */
  optionalFields(request: WireRequest): OptionalFields;
  /** The body of a request with these of its optional fields. */
  body(request: WireRequest, fields: OptionalFields): Record<string, unknown>;
  /** Creates a reader for one answer. */
  createChunkReader(): ChunkReader;
}
