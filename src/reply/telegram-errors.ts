import { GrammyError, HttpError } from "grammy";

/**
 * What a failed call means for the message it was about:
 * - `unchanged`: the message shows this already, which is a success
 * - `message-gone`: the message was deleted, or cannot be edited any more
 * - `blocked`: nobody reads here any more (403)
 * - `held`: a 429, to be waited for
 * - `transport`: 5xx or a broken connection, to be repeated
 * - `refused`: Telegram will not take this as it is
 * - `unknown`: not an error of Telegram's
 */
export type TelegramVerdict = "unchanged" | "message-gone" | "blocked" | "held" | "transport" | "refused" | "unknown";

/** Sorts an error of a Bot API call by what to do next. */
export function classify(error: unknown): TelegramVerdict {
  if (error instanceof HttpError) return "transport";
  if (!(error instanceof GrammyError)) return "unknown";
  if (error.error_code === 429) return "held";
  if (error.error_code >= 500) return "transport";
  if (error.error_code === 403) return "blocked";
  const description = error.description.toLowerCase();
  if (description.includes("message is not modified")) return "unchanged";
  if (
    description.includes("message to edit not found") ||
    description.includes("message to delete not found") ||
    description.includes("message can't be edited") ||
    description.includes("message can't be deleted") ||
    description.includes("message_id_invalid")
  ) {
    return "message-gone";
  }
  return "refused";
}
