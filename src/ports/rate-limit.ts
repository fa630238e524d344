/**
 * How much a user may ask.
 * The comment on a member is its contract; every adapter passes the same suite in `test/contracts/`.
 */

import type { Piece } from "./updates.ts";

export interface RateVerdict {
  readonly allowed: boolean;
  /** Over the limit, and not told yet in this window. */
  readonly tell: boolean;
  /** Seconds until the next token, rounded up; 0 when allowed. */
  readonly waitSeconds: number;
}

export interface RateLimiter {
  /**
   * Takes one token of the payer's bucket at the time `at` (milliseconds since the epoch). What belongs together takes one in
   * all: the messages behind the first of a group, and the end of a paste, have its verdict, and are refused in silence.
   */
  take(payer: number, at: number, piece?: Piece): Promise<RateVerdict>;
  /** Keeps nothing more of the payer. */
  forget(payer: number): Promise<void>;
}
