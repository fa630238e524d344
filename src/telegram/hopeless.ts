/** Failures of an update that would come again with each further delivery. */
import { BotError } from "grammy";

/** Whether a failed update would fail again. Our own mistakes would: repeating them only keeps a lane waiting. */
export function isHopeless(error: unknown): boolean {
  const cause = error instanceof BotError ? error.error : error;
  // A `fetch` that fails throws a TypeError too, and says why.
  if (!(cause instanceof Error) || cause.cause !== undefined) return false;
  return [TypeError, RangeError, ReferenceError, SyntaxError].some((mistake) => cause instanceof mistake);
}
