/** What users want remembered: numbered facts, which every conversation of theirs is told. */

export interface Fact {
  /** From 1; never given again while others are kept. */
  readonly number: number;
  /** One line of at most 200 characters. */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** What a conversation is told, since it began or since its history was last cut. */
export interface FactSnapshot {
  readonly facts: readonly Fact[];
}

/** `owner`: a user's id in private chats, in groups the chat's (they never see the other). */
export interface FactStore {
  /** Oldest first. */
  readFacts(owner: number): Promise<readonly Fact[]>;
  /**
   * Adds a fact, or puts it in the place of the one that it replaces. With the same key it is added once. Undefined when there
   * are `atMost` already.
   */
  addFact(
    owner: number,
    fact: Omit<Fact, "number">,
    how: { readonly key: string; readonly atMost: number; readonly replaces?: number | undefined },
  ): Promise<Fact | undefined>;
  /** False when there is none of this number. */
  removeFact(owner: number, number: number): Promise<boolean>;
  /** Forgets all of them, in snapshots too. */
  clearFacts(owner: number): Promise<void>;
}
