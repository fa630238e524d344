/** The places at a provider (`<PROVIDER>_CONCURRENCY`), counted over all processes that serve the same bot. */
export interface SharedPlaces {
  /**
   * Tells how many calls this process makes at a provider that takes `limit` at once, and for how long each of those has waited
   * that wait here, the longest first. Resolves with how many of them may begin now. Rejects when the others cannot be asked.
   */
  settle(provider: string, limit: number, held: number, waitedMs: readonly number[]): Promise<number>;
  /** Calls `listener` when a place has come free for this process, and when it may have missed that. */
  listen(listener: (provider: string | undefined) => void): void;
}
