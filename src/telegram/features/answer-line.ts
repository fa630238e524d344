/** The line that the log has of each answer. */

import type { Logger } from "../../base/log.ts";
import type { TurnObserver } from "../../chat/turn.ts";

/**
 * Gathers what there is to say of an answer, and says it at its end. Milliseconds count from the arrival of what asked; the
 * ids of the answer are the log's own.
 */
export function answerLine(
  log: Pick<Logger, "info">,
  sinceArrival: () => number,
): TurnObserver & { firstText(): void } {
  let firstTextMs: number | undefined;
  let tokens = {};
  return {
    firstText() {
      firstTextMs = sinceArrival();
    },
    usage({ inputTokens, cachedTokens, outputTokens, estimated }) {
      tokens = { inputTokens, cachedTokens, outputTokens, ...(estimated ? { estimated } : {}) };
    },
    turnEnded(ending) {
      log.info({ ...ending, ...tokens, firstTextMs, lastTextMs: sinceArrival() }, "an answer ended");
    },
  };
}
