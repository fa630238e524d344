/** Whether an answer is shown as a native draft while it is written. */

/** Telegram forgets a draft after 30 s. */
const keepAliveMs = 20_000;

export interface Drafting {
  readonly active: boolean;
  /** A draft has been shown; it is to be shown again before Telegram forgets it. */
  shown(): void;
  /** The answer goes on by edits. */
  giveUp(): void;
  stop(): void;
}

/** `onFading`: the draft that stands will soon be forgotten. */
export function createDrafting(active: boolean, onFading: () => void): Drafting {
  let drafting = active;
  let keepAlive: NodeJS.Timeout | undefined;
  return {
    get active() {
      return drafting;
    },
    shown() {
      clearTimeout(keepAlive);
      keepAlive = setTimeout(onFading, keepAliveMs);
    },
    giveUp() {
      drafting = false;
    },
    stop: () => clearTimeout(keepAlive),
  };
}
