/** Pictures of ours on their way to Telegram. */
import { type Api, GrammyError, InputFile } from "grammy";
import type { Message } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { PictureMime } from "../base/picture-formats.ts";
import type { ShownPicture } from "../chat/screen.ts";

/** Telegram's limit for a caption, in UTF-16 units. */
const longestCaption = 1_024;

const fileNames: Readonly<Record<PictureMime, string>> = {
  "image/png": "picture.png",
  "image/jpeg": "picture.jpg",
  "image/webp": "picture.webp",
};

type Options = Parameters<Api["sendPhoto"]>[2] & Parameters<Api["sendDocument"]>[2];

/** `below`: a line below its caption, however long that is. Sends it as a photo; as a file, where Telegram does not take it as one. */
export async function sendPicture(
  { api, log }: { readonly api: Pick<Api, "sendPhoto" | "sendDocument">; readonly log: Pick<Logger, "warn"> },
  chatId: number,
  { bytes, mime, caption, below }: ShownPicture & { readonly below?: string | undefined },
  options: Options,
): Promise<Message> {
  const file = () => new InputFile(bytes, fileNames[mime]);
  const more = { ...options, ...(caption === undefined ? {} : { caption: withLine(caption, below) }) };
  try {
    return await api.sendPhoto(chatId, file(), more);
  } catch (error) {
    if (!(error instanceof GrammyError) || error.error_code !== 400) throw error;
    log.warn({ reason: messageOf(error) }, "Telegram did not take a picture as one; it goes as a file");
    return await api.sendDocument(chatId, file(), more);
  }
}

function withLine(caption: string, below: string | undefined): string {
  const behind = below === undefined ? "" : `\n\n${below}`;
  return `${cut(caption, longestCaption - behind.length)}${behind}`;
}

function cut(caption: string, longest: number): string {
  return caption.length <= longest ? caption : `${caption.slice(0, longest - 1).toWellFormed()}…`;
}
