import { GrammyError } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { type EndingApi, endBelow } from "./end-below.ts";

/**
 * Takes the buttons from a message of ours, with what its turn is at, except for those that are `left`. Never rejects: the message
 * may be gone, or have no buttons, and nothing depends on it. False when Telegram did not answer.
 */
export async function takeButtons(
  api: EndingApi,
  { chatId, messageId }: { readonly chatId: number; readonly messageId: number },
  log: Pick<Logger, "debug">,
  left?: InlineKeyboardMarkup,
): Promise<boolean> {
  try {
    await endBelow(api, chatId, messageId, { keyboard: left });
    return true;
  } catch (error) {
    log.debug({ reason: messageOf(error) }, "buttons could not be taken away");
    return error instanceof GrammyError;
  }
}
