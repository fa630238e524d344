/** The end of a message of which only Telegram knows what it shows. */
import type { Api } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { markupOf } from "./place.ts";
import { maxMessageUnits } from "./split.ts";
import { withoutStatus } from "./status-lines.ts";

export interface MessageEnd {
  /** Left out: none. */
  readonly keyboard?: InlineKeyboardMarkup | undefined;
  /** The line below what stands there; left out when that shall stay as it is. */
  readonly note?: string | undefined;
  /** Stands in the place of what was nothing but status lines; left out, such a message is deleted. */
  readonly otherwise?: string | undefined;
}

export type EndingApi = Pick<Api, "editMessageReplyMarkup" | "editMessageText" | "deleteMessage">;

/**
 * Puts an end below what a message shows, in the place of its status lines. What it shows Telegram tells when its keyboard is
 * changed. False when it is no text.
 */
export async function endBelow(
  api: EndingApi,
  chatId: number,
  message: number,
  { keyboard, note, otherwise }: MessageEnd,
): Promise<boolean> {
  const markup = markupOf(keyboard);
  const standing = await api.editMessageReplyMarkup(chatId, message, markup);
  if (standing === true || standing.text === undefined) return false;
  const answer = withoutStatus(standing.text);
  // An end that was cut short behind the text has said it already.
  const said = note !== undefined && answer.endsWith(note);
  const whole = (said ? answer : [answer, note].filter(Boolean).join("\n\n")) || otherwise;
  // Where no line fits any more, the button alone has to do.
  const text = whole !== undefined && whole.length > maxMessageUnits ? answer : whole;
  if (text === standing.text) return true;
  if (text === undefined) return await api.deleteMessage(chatId, message);
  const entities = standing.entities === undefined ? {} : { entities: standing.entities };
  const options = { ...entities, ...markup };
  await api.editMessageText(chatId, message, text, options);
  return true;
}
