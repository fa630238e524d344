import { GrammyError, HttpError } from "grammy";

/**
 * What a failed call means for the message it was about:
 * - `unchanged`: the message shows this already, which is a success
 * - `message-gone`: the message was deleted, or cannot be edited any more
 * - `blocked`: nobody reads this chat any more (403)
 * - `held`: a 429, to be waited for
 * - `transport`: 5xx or a broken connection, to be repeated
 * - `moved`: its group has become a supergroup, whose id `parameters.migrate_to_chat_id` has; no message went along
 * - `topic-gone`: its topic is closed or was deleted
 * - `refused`: Telegram will not take this as it is
 * - `unknown`: no error of Telegram
 */
export type TelegramVerdict =
  | "unchanged"
  | "message-gone"
  | "blocked"
  | "held"
  | "transport"
  | "moved"
  | "topic-gone"
  | "refused"
  | "unknown";

/** Sorts an error of a Bot API call by what to do next. */
export function classify(error: unknown): TelegramVerdict {
  if (error instanceof HttpError) return "transport";
  if (!(error instanceof GrammyError)) return "unknown";
  if (error.error_code === 429) return "held";
  if (error.error_code >= 500) return "transport";
  if (error.error_code === 403) return "blocked";
  if (error.parameters.migrate_to_chat_id !== undefined) return "moved";
  if (isTopicGone(error.description)) return "topic-gone";
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

/** Whether Telegram refuses a call for its topic. */
export function isTopicGone(description: string): boolean {
  return /message thread not found|TOPIC_(CLOSED|DELETED|ID_INVALID)/i.test(description);
}
