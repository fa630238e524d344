/** What users want remembered: numbered facts, which every conversation of theirs is told. */
import type { ConversationId } from "./updates.ts";

export interface Fact {
  /** From 1; never given again, so that a button below an old message means no other fact. */
  readonly number: number;
  /** One line of at most 200 characters. */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** What it has taken the place of, if anything. */
  readonly former?: string | undefined;
}

/** What came of adding one. */
export interface AddedFact extends Fact {
  /** One that says the same was there before; this is it. */
  readonly known?: true | undefined;
}

/** What a conversation is told, since it began or since its history was last cut. */
export interface FactSnapshot {
  readonly facts: readonly Fact[];
}

/** Whose facts are told in a conversation: its chat's, which is the user in a private one. */
export function ownerOf(conversation: ConversationId): number {
  return Number.parseInt(conversation, 10);
}

export interface HowToAdd {
  /**
   * With the same key a fact is added once, also when it was removed since. Of an owner the newest hundred are known; none has a
   * line break or a space in it.
   */
  readonly key: string;
  readonly atMost: number;
  /** The number of the fact that it takes the place of; when there is none any more, it is added as any other. */
  readonly replaces?: number | undefined;
}

/**
 * `owner`: a user's id in private chats, in groups the chat's (they never see the other); that is the chat of the conversation.
 * Facts do not expire. They move with their group.
 */
export interface FactStore {
  /** By their numbers, lowest first. */
  readFacts(owner: number): Promise<readonly Fact[]>;
  /**
   * Adds a fact, or puts it under the number of the one that it replaces. Undefined when there are `atMost` already. What says the
   * same as another one, in any case of letters, is not added.
   */
  addFact(owner: number, fact: Omit<Fact, "number">, how: HowToAdd): Promise<AddedFact | undefined>;
  /**
   * Takes back that this was remembered under this number: what it has taken the place of stands there again, else nothing. False
   * when another text, or none, stands there.
   */
  undoFact(owner: number, number: number, text: string): Promise<boolean>;
  /** False when there is none of this number. What snapshots tell stays. */
  removeFact(owner: number, number: number): Promise<boolean>;
  /** Forgets all of them, in snapshots too. */
  clearFacts(owner: number): Promise<void>;
  /**
   * Keeps what there is now as what the conversation is told (`KnownConversation.facts`), until it is forgotten or expires, and
   * resolves with it. Before the conversation's first turn has begun nothing is kept.
   */
  keepFacts(conversation: ConversationId): Promise<FactSnapshot>;
}
