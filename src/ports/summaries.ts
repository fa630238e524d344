/** What stands for the beginning of a conversation that the model is not shown any more. */

export interface Summary {
  /** In the model's words. */
  readonly text: string;
  /** Estimated when it was stored. */
  readonly tokens: number;
  /** Question of the exchange with which prompts begin beside it: all before that is shown by the summary alone. */
  readonly from: number;
  /**
   * Question of the newest exchange that it covers. Never that of the newest there is: that one may still be edited or answered
   * again, and what it said then must not be told for ever.
   */
  readonly through: number;
  /** `provider/model` that wrote it. */
  readonly model: string;
  /** Somebody outside has written something of what it covers; left out where nobody has, or it is not known. */
  readonly fromOutside?: true;
}

/**
 * What a conversation keeps about its summary: it lives and is forgotten together with the history. Compared as a whole when
 * it is replaced, so nothing in it may be undefined.
 */
export interface SummaryRecord {
  readonly summary?: Summary;
  /** Somebody writes the next one, or failed to. */
  readonly work?: SummaryWork;
}

export interface SummaryWork {
  /** Nobody else begins before this time (milliseconds since the epoch). */
  readonly until: number;
  /** Tells this attempt from all others; empty when nobody is at it: it has failed, or was given up. */
  readonly token: string;
  /** How often it has failed since the prompts begin where they do, and which question that is (0: the first). */
  readonly failures: number;
  readonly boundary: number;
}
