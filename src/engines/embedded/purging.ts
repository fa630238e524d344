/** What has expired is forgotten, soon: in slices, so that nobody's write waits for long. */
import type { Database } from "./database.ts";

const everyMs = 10 * 60_000;

export interface Purging {
  /** Resolves when nothing is being forgotten any more. */
  stop(): Promise<void>;
}

/** Forgets now and every ten minutes. `slice` forgets a little, and is true when there may be more. */
export function startPurging(
  database: Pick<Database, "write">,
  slice: () => boolean,
  onTrouble: (error: unknown) => void,
): Purging {
  let stopped = false;

  async function purge(): Promise<void> {
    try {
      while (!stopped && (await database.write(slice)));
    } catch (error) {
      // The next round tries again.
      onTrouble(error);
    }
  }

  let purged = purge();
  const timer = setInterval(() => {
    purged = purged.then(purge);
  }, everyMs);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await purged;
    },
  };
}
