/** So that no host is asked more often than once in a while, whoever wants it. */
import { waitFor } from "../base/long-wait.ts";

export interface HostPace {
  /** Resolves with true when the host may be asked; with false when too many wait for it already, or nobody waits any more. */
  turn(host: string, signal: AbortSignal): Promise<boolean>;
}

export interface HostPaceOptions {
  /** Milliseconds. */
  readonly everyMs: number;
  /** Nobody waits longer. Milliseconds. */
  readonly mostWaitMs: number;
  /** A clock that never goes back. Milliseconds. */
  readonly now?: () => number;
  readonly wait?: typeof waitFor;
}

/** Hosts that are remembered before those are forgotten that may be asked again. */
const mostHosts = 1_000;

/** Creates the pace of a process. */
export function createHostPace(options: HostPaceOptions): HostPace {
  const { everyMs, mostWaitMs, now = () => performance.now(), wait = waitFor } = options;
  /** When each may be asked next. */
  const freeAt = new Map<string, number>();
  return {
    async turn(host, signal) {
      const at = now();
      const mine = Math.max(at, freeAt.get(host) ?? at);
      if (mine - at > mostWaitMs) return false;
      if (freeAt.size >= mostHosts) for (const [one, free] of freeAt) if (free <= at) freeAt.delete(one);
      freeAt.set(host, mine + everyMs);
      return mine === at ? !signal.aborted : await wait(mine - at, signal);
    },
  };
}
