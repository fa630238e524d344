/** What one process has found out about models that fail, for all that serve the same bot. */

export type BreakerNews =
  /** A call has failed, as it may happen: several in a row open its breaker. */
  | { readonly type: "failed"; readonly model: string }
  /**
   * It is left alone for so long, for the `trips`th time in a row. Milliseconds from now on. `byHand`: somebody has to mend it; that is
   * not kept for processes that begin later.
   */
  | {
      readonly type: "opened";
      readonly model: string;
      readonly forMs: number;
      readonly trips: number;
      readonly byHand?: true;
    }
  /** It gives signs of life again. */
  | { readonly type: "closed"; readonly model: string }
  /** It has given a whole answer, as if it had never failed. */
  | { readonly type: "cleared"; readonly model: string }
  /** Nobody tries any more whether it works again, and nobody has found out. */
  | { readonly type: "released"; readonly model: string };

export interface SharedBreakers {
  /** Tells the other processes. Must not throw; what cannot be told is found out by each of them. */
  announce(news: BreakerNews): void;
  /** Calls `listener` with what other processes find out, and with what is open when this one begins. */
  listen(listener: (news: BreakerNews) => void): void;
  /**
   * Whether this process is the one that tries the model again, now that its time is over; nobody else is for so long, unless
   * one of the other news comes first. Milliseconds. Rejects when the others cannot be asked.
   */
  claim(model: string, forMs: number): Promise<boolean>;
}
