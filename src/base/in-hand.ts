/** Which update the process is working on, written where another thread can read it while this one hangs. */

/**
 * Does synchronous work in the name of an update: should the process hang in it, that update is charged with it, and no
 * other. To stand around what may take long for what an update brings: parsing, a piece of a stream, rendering.
 */
export type Work = <T>(work: () => T) => T;

/** Where there is no update to be charged. */
export const inNobodysName: Work = (work) => work();

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

/**
 * What an engine does on a thread beside the loop, which has nothing else of this process: a module of plain JavaScript, by its
 * URL, whose `createBesideLoop(data)` makes a `ThreadDuties`. The data must be fit for a message between threads.
 */
export interface BesideLoop {
  readonly module: string;
  readonly data: object;
}

export interface ThreadDuties {
  /** Leaves the update in which the process hung, for the next one to count. */
  leave(updateId: number): Promise<void>;
  /** What must be done again and again, however busy the loop is, until it is decided to kill. Must not throw. */
  readonly again?: { readonly everyMs: number; readonly duty: () => void };
}
