import type { Api } from "grammy";
import { messageOf } from "../base/errors.ts";

/** Takes the buttons from a message of ours. Never rejects: it may be gone, or have none, and nothing depends on it. */
export async function takeButtons(
  api: Pick<Api, "editMessageReplyMarkup">,
  { chatId, messageId }: { readonly chatId: number; readonly messageId: number },
  log: { debug(fields: object, message: string): void },
): Promise<void> {
  try {
    await api.editMessageReplyMarkup(chatId, messageId);
  } catch (error) {
    log.debug({ reason: messageOf(error) }, "buttons could not be taken away");
  }
}
