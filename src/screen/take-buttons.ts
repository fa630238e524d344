import { messageOf } from "../base/errors.ts";
import { type EndingApi, endBelow } from "./end-below.ts";

/** Takes the buttons from a message of ours, with what its turn is at. Never rejects: it may be gone, or have none, and nothing depends on it. */
export async function takeButtons(
  api: EndingApi,
  { chatId, messageId }: { readonly chatId: number; readonly messageId: number },
  log: { debug(fields: object, message: string): void },
): Promise<void> {
  try {
    await endBelow(api, chatId, messageId, {});
  } catch (error) {
    log.debug({ reason: messageOf(error) }, "buttons could not be taken away");
  }
}
