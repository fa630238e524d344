/**
 * That this process lives, as Redis knows it. A process has its lanes under a name, and nobody takes them while the heartbeats of
 * that name arrive, which the loop sends and, however busy it is, a thread beside it. A name that has once expired is never used
 * again: what it had may have gone to others, so whoever goes on under a new one looks first.
 */
import { randomInt } from "node:crypto";

export interface Presence {
  readonly name: number;
  /** Goes on under another name. */
  rename(): void;
  /** A heartbeat of this name that was sent then has arrived. Milliseconds of `steadyNow`. */
  renewed(name: number, sentAt: number): void;
  /** Whether nobody can have taken a lane that stands under this name. */
  covers(name: number): boolean;
  /** Three numbers, shared with the thread: the name, then the name and the time of the thread's last good heartbeat. */
  readonly memory: SharedArrayBuffer;
}

/** Milliseconds of a clock that nobody sets, and that all threads share. */
export function steadyNow(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Creates it, with a name that Redis does not know yet. */
export function createPresence(leaseMs: number): Presence {
  const memory = new SharedArrayBuffer(3 * Float64Array.BYTES_PER_ELEMENT);
  const shared = new Float64Array(memory);
  /** Short of the lease: the heartbeat may have been carried out a little before its answer says so. */
  const validMs = leaseMs * 0.8;
  let own = { name: 0, at: 0 };
  const rename = () => {
    shared[0] = randomInt(1, 2 ** 48 - 1);
  };
  rename();
  return {
    memory,
    get name() {
      return shared[0] ?? 0;
    },
    rename,
    renewed(name, at) {
      own = { name, at };
    },
    covers(name) {
      const [, theirs, theirsAt = 0] = shared;
      const renewedAt = Math.max(own.name === name ? own.at : 0, theirs === name ? theirsAt : 0);
      return steadyNow() - renewedAt < validMs;
    },
  };
}
