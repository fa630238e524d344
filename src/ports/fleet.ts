/** Several processes that share one queue. */

/**
 * What a worker holds while it handles an update of a shared queue. Another worker that takes the lane over has another
 * `fence`, stored under `key`: a write of state compares it in the same atomic step.
 */
export interface Lease {
  /** Redis key, prefix included, whose value is the fence of the lane's holder. */
  readonly key: string;
  readonly fence: number;
  /**
   * Resolves when the lane is ours for sure: by a clock that no one sets, the last heartbeat is younger than the lease.
   * Waits for the next heartbeat when it is not (Redis is away, or this process was frozen). Rejects with a
   * `LeaseLostError` when another worker has taken over; the update's signal is then aborted with `lease-lost`. To be
   * asked before each call that can be seen. Resolves too when everything stored of the update has vanished: nobody else goes
   * on with it then.
   */
  hold(): Promise<void>;
  /**
   * Asks now, whatever was heard before: `held`, or `vanished` when all that was stored of this update is gone (its signal is
   * then aborted with `vanished`), so that no write of it means anything any more. Rejects as `hold` does.
   */
  look(): Promise<"held" | "vanished">;
}

/** What Telegram has asked one process (429) and what all must keep: nothing goes to a chat for so long. */
export interface ChatHolds {
  /** Tells the other processes. Must not throw; a hold that cannot be told is found out by another 429. */
  announce(chatId: number, milliseconds: number): void;
  /** Calls `listener` for each hold of another process, also for those that began before. */
  listen(listener: (chatId: number, milliseconds: number) => void): void;
}

/** A role that one of several processes has, such as polling. */
export interface Election {
  /**
   * Runs `lead` whenever this process has been elected, and aborts its signal when it is not any more; the role goes to
   * another only when `lead` has settled, or the process has died or has hung longer than the lease. Never rejects.
   */
  campaign(lead: (signal: AbortSignal) => Promise<void>): Campaign;
}

export interface Campaign {
  readonly leading: boolean;
  /** Gives the role back, at once when `lead` has settled. */
  stop(): Promise<void>;
}
