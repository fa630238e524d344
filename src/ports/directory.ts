/**
 * Who has used the bot: what admins find people by, and call them in what they are shown.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */

export interface Person {
  /** A person's id, or the (negative) one of a chat that somebody writes as. */
  readonly id: number;
  /** As Telegram shows it. */
  readonly name: string;
  /** Without the `@`; left out for those who have none. */
  readonly username?: string | undefined;
}

export interface KnownPerson extends Person {
  /** Milliseconds since the epoch, exact to a day. */
  readonly seenAt: number;
}

export interface Directory {
  /**
   * Remembers who was there, for 400 days. Returns at once: what is new is written within a second, together with all that is
   * new by then; for each once a day (UTC), or when a name has changed.
   */
  seen(person: Person): void;
  /** The one who was seen last under this name (without `@`, in any case). */
  find(username: string): Promise<KnownPerson | undefined>;
  /** Those of them who are known. */
  read(ids: readonly number[]): Promise<readonly KnownPerson[]>;
  /** Forgets somebody, whom the next message may bring back. */
  forget(id: number): Promise<void>;
  /** Writes what waits. */
  stop(): Promise<void>;
}
