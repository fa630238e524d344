/**
 * Tools: what a model may have done while it answers.
 * The comment on a member is its contract.
 */
import type { Work } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Payer } from "./models.ts";
import type { Store } from "./store.ts";
import type { ToolDefinition, ToolResult } from "./tool-results.ts";
import type { ConversationId } from "./updates.ts";

/**
 * What follows when the process dies in the middle of a call. `safe`: it is made again. `keyed`: it is made again under the same
 * key, by which whoever carries it out knows that it is the same. `never`: it is not; nobody knows what came of it.
 */
export type ToolClass = "safe" | "keyed" | "never";

export interface Tool extends ToolDefinition {
  /** Undefined for what is built in; else the name of the server that it comes from. */
  readonly server?: string | undefined;
  /** Its name and description are those of a server that is not trusted: they may want something of the model. */
  readonly fromOutside?: true | undefined;
  readonly class: ToolClass;
  /** Who has asked is asked before each call, unless they have allowed the tool in their conversation. */
  readonly asks: boolean;
  /** It writes something, or carries data out: once anything untrusted was read in the turn, it asks though it was allowed. */
  readonly carriesOut: boolean;
  /** Whether a call with these arguments carries data out, for a tool that usually does not. Left out: none does. */
  carries?(args: unknown, turn: Pick<ToolTurn, "isPublic">): boolean;
  /** Offered in groups, too, though it is not `safe`. */
  readonly inGroups?: true | undefined;
  /** It keeps facts, or forgets them: offered where they are wanted, to models that may be told of them. */
  readonly ofMemory?: true | undefined;
  /** A call that takes longer has failed. Milliseconds. */
  readonly mostMs: number;
  /** A call with these arguments, as the screen tells of it. Never throws, whatever they are. */
  activity(args: unknown): ToolActivity;
  /**
   * Carries a call out. What cannot be done is a result, too, in words that help the model: rejects when the signal is
   * aborted, with a `BudgetError`, and when storage is out of order.
   */
  run(call: ToolCall, signal: AbortSignal): Promise<ToolResult>;
}

/** What a tool is doing. Data: the screen finds the words. */
export type ToolActivity =
  | { readonly doing: "searching"; readonly query: string }
  /** `host`: whose page is read. */
  | { readonly doing: "reading-page"; readonly host: string }
  | { readonly doing: "reading-file"; readonly name?: string | undefined }
  | { readonly doing: "calculating" }
  | { readonly doing: "drawing" }
  | { readonly doing: "remembering" }
  /** A tool of a server. */
  | { readonly doing: "calling"; readonly name: string; readonly server?: string | undefined };

export interface ToolCall {
  /** An object as the schema asks for it, as far as the model holds to it. */
  readonly args: unknown;
  /** 64 hexadecimal digits: the same for the same call, whoever makes it. */
  readonly key: string;
  readonly turn: ToolTurn;
}

/** The turn that a call is made in. */
export interface ToolTurn {
  readonly conversation: ConversationId;
  /** Id of the message that asks. */
  readonly question: number;
  readonly userId: number;
  /** Of who asks, as their client tells. */
  readonly language?: string | undefined;
  /** Compares the lane's fence. */
  readonly store: Store;
  readonly payer: Payer;
  /** Addresses that may be read, unchanged: those of the question, of search results and of pages read. */
  readonly addresses: ReadonlySet<string>;
  /** Whether anything untrusted was read in it. */
  readonly tainted: boolean;
  /** Whether these very words stand in the question, or in what the web has said in this turn. */
  isPublic(words: string): boolean;
  /** Stands around work that could block. */
  readonly work: Work;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** Who is offered tools. */
export interface ToolAsker {
  readonly conversation: ConversationId;
  readonly userId: number;
  /** A private chat: in groups only what is `safe` is offered, unless the operator has said so. */
  readonly isPrivate: boolean;
  /** Facts are wanted here. */
  readonly remembers?: boolean | undefined;
  /** Names of tools that calls of the turn wait for: their servers are waited for longer. */
  readonly awaits?: readonly string[] | undefined;
  /** What is switched off in the conversation, as `switchOf` names it. */
  readonly without?: ReadonlySet<string> | undefined;
}

/** By what a tool is switched on and off: one of our own by its name, those of a server all together. */
export function switchOf({ name, server }: Pick<Tool, "name" | "server">): string {
  return server ?? name;
}

/** What is switched off, as a conversation keeps it. */
export function switchedOff(setting: string | undefined): ReadonlySet<string> {
  return new Set((setting ?? "").split(" ").filter((name) => name !== ""));
}

export interface Tools {
  /** Whether they are tried with models of which nobody knows whether they can call any: small ones often only seem to. */
  readonly forUnknown: boolean;
  /** The tools for this asker, in an order that stays; those of servers that cannot be reached are left out. Never rejects. */
  offered(to: ToolAsker): Promise<readonly Tool[]>;
  /** What is there, for `/tools`: also what is disabled, and why. */
  listed(to: ToolAsker): Promise<readonly ListedTool[]>;
  /** Takes a changed definition of a server's tool as known, as an admin wishes. False when there is none. */
  confirm(name: string): Promise<boolean>;
  stop(): Promise<void>;
}

export interface ListedTool extends Pick<Tool, "name" | "description" | "server" | "asks"> {
  /** It is switched off in the conversation. */
  readonly off?: true | undefined;
  /** Left out while it can be used. `name-taken`, `no-room`: others came before it. */
  readonly disabled?: "changed" | "unreachable" | "name-taken" | "no-room" | undefined;
}
