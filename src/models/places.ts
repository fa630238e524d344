/** The places at one provider: at most so many calls at once, first come, first served. */

export interface Places {
  /** Takes a place when one is free; undefined when one must wait. */
  tryTake(): (() => void) | undefined;
  /** Waits for a place; undefined when the signal was aborted before. */
  take(signal: AbortSignal): Promise<(() => void) | undefined>;
}

/** Creates the places of a provider; `limit` undefined means as many as anyone wants. */
export function createPlaces(limit: number | undefined): Places {
  let taken = 0;
  const queue = new Set<() => void>();

  function occupy(): () => void {
    taken += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      taken -= 1;
      const next = queue.values().next();
      if (!next.done) next.value();
    };
  }

  function tryTake(): (() => void) | undefined {
    // Whoever waits already comes first.
    return limit === undefined || (taken < limit && queue.size === 0) ? occupy() : undefined;
  }

  return {
    tryTake,
    take(signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      const free = tryTake();
      if (free !== undefined) return Promise.resolve(free);
      return new Promise((resolve) => {
        const enter = () => {
          leave();
          resolve(occupy());
        };
        const abort = () => {
          leave();
          resolve(undefined);
        };
        const leave = () => {
          queue.delete(enter);
          signal.removeEventListener("abort", abort);
        };
        queue.add(enter);
        signal.addEventListener("abort", abort, { once: true });
      });
    },
  };
}
