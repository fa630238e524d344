/** How many previews may be in flight in all chats together. */
export interface PreviewBudget {
  readonly most: number;
  /** A timer fired this much too late. Milliseconds. */
  observe(lateMs: number): void;
}

const adjustEveryMs = 100;
/** A timer that fires this much too late means that the process has more to do than it can. */
const busyLateMs = 40;
const least = 8;

/**
 * Previews are what can wait: first texts and ends cannot. While timers fire in time, many previews may wait for a slow
 * Telegram side by side; when the process falls behind, their number is cut, so that what cannot wait gets through.
 */
export function createPreviewBudget(ceiling: number): PreviewBudget {
  let most = ceiling;
  let latest = 0;
  let adjustedAt = 0;
  return {
    get most() {
      return most;
    },
    observe(lateMs) {
      latest = Math.max(latest, lateMs);
      const now = performance.now();
      if (now - adjustedAt < adjustEveryMs) return;
      most = latest > busyLateMs ? Math.max(least, Math.floor(most * 0.7)) : Math.min(ceiling, most + 2);
      latest = 0;
      adjustedAt = now;
    },
  };
}
