/** How many previews may be in flight in all chats together. */
export interface PreviewBudget {
  readonly most: number;
  /** The loop is this late. Told ten times a second. Milliseconds. */
  observe(lateMs: number): void;
}

/** A loop that is so late has more to do than it can. */
const busyLateMs = 30;
const least = 8;

/**
 * Previews are what can wait: first texts and ends cannot. While the loop is on time, many previews may wait for a slow
 * Telegram side by side; when the process falls behind, their number is cut, so that what cannot wait gets through.
 */
export function createPreviewBudget(ceiling: number): PreviewBudget {
  let most = ceiling;
  return {
    get most() {
      return most;
    },
    observe(lateMs) {
      most = lateMs > busyLateMs ? Math.max(least, Math.floor(most * 0.7)) : Math.min(ceiling, most + 2);
    },
  };
}
