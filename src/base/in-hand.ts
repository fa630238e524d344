/** Which update the process works for at this moment, written where another thread can read it while this one hangs. */

/**
 * Does synchronous work in the name of an update: should the process hang in it, that update is charged with it, and no
 * other. To stand around what may take long for what an update brings: parsing, a piece of a stream, rendering.
 */
export type Work = <T>(work: () => T) => T;

export interface InHand {
  /**
   * Does work in the name of an update: everything that could block on what the update brings. Only what runs before `work`
   * returns counts, so a promise that it returns is settled in nobody's name.
   */
  during<T>(updateId: number, work: () => T): T;
  /** The same for one update. */
  workOf(updateId: number): Work;
  /** One number, the id of that update; NaN while there is none. */
  readonly memory: SharedArrayBuffer;
}

/** Creates it: a few nanoseconds each time, so that it may stand around every piece of a stream. */
export function createInHand(): InHand {
  const memory = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const named = new Float64Array(memory).fill(Number.NaN);

  function during<T>(updateId: number, work: () => T): T {
    // Work for one update may start work for another, and goes on after it.
    const before = named[0] ?? Number.NaN;
    named[0] = updateId;
    try {
      return work();
    } finally {
      named[0] = before;
    }
  }

  return { during, workOf: (updateId) => (work) => during(updateId, work), memory };
}

/** Commands to Redis, word by word; null stands where the id of an update belongs. */
export type RedisCommands = readonly (readonly (string | null)[])[];

/**
 * Where a thread that has nothing else of this process leaves the update in which the process hung, for the next one to count:
 * as a line of a file (a name of its own, a space, the id), or by commands to Redis. There it also tells, while the loop stands
 * still, that the process lives: its lanes are not taken over by others, to hang in the same update.
 */
export type HangNote =
  | { readonly file: string }
  | {
      readonly redis: {
        readonly host?: string | undefined;
        readonly port?: number | undefined;
        readonly username?: string | undefined;
        readonly password?: string | undefined;
        readonly db?: number | undefined;
        /** Left out: no TLS. */
        readonly tls?: object | undefined;
      };
      readonly hung: RedisCommands;
      /** Given again and again while the loop stands still, until it is decided to kill. */
      readonly standing: RedisCommands;
    };
