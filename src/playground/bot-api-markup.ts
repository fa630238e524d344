/** Checks of what stands beside a text: keyboards, replies, link previews. */
import type { InlineKeyboardButton, InlineKeyboardMarkup } from "grammy/types";
import { badRequest } from "./bot-api-refusal.ts";
import { checkFields, type Fields, isLink, isObject, parseJson } from "./bot-api-values.ts";

const buttonFields: Fields = {
  text: "string",
  icon_custom_emoji_id: "string?",
  style: "string?",
  url: "string?",
  callback_data: "string?",
  switch_inline_query: "string?",
  switch_inline_query_current_chat: "string?",
  copy_text: "object?",
  disabled: "object?",
};
const styles: ReadonlySet<unknown> = new Set([undefined, "", "default", "primary", "danger", "success"]);
const mostButtons = 100;
const longestData = 64;

/**
 * Reads an inline keyboard; undefined when the parameter is left out or empty. Other keyboards exist, but not here: they
 * are refused in words of our own.
 */
export function readKeyboard(raw: unknown): InlineKeyboardMarkup | undefined {
  if (raw === undefined) return undefined;
  const value = parseJson(raw, "can't parse reply keyboard markup JSON object");
  if (!isObject(value)) throw badRequest("object expected as reply markup");
  const unknown = Object.keys(value).find((key) => key !== "inline_keyboard");
  if (unknown !== undefined) throw badRequest(`reply markup with "${unknown}" is not emulated`);
  const rows = value["inline_keyboard"];
  if (rows === undefined) return undefined;
  if (!Array.isArray(rows)) throw badRequest('field "inline_keyboard" must be of type Array');
  const keyboard = rows.map((row: unknown) => {
    if (!Array.isArray(row)) {
      throw badRequest('field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays');
    }
    return row.map(readButton);
  });
  const filled = keyboard.filter((row) => row.length > 0);
  if (filled.flat().length > mostButtons) throw badRequest("reply markup is too long");
  return filled.length === 0 ? undefined : { inline_keyboard: filled };
}

function readButton(value: unknown): InlineKeyboardButton {
  const where = "can't parse inline keyboard button";
  if (!isObject(value)) throw badRequest(`${where}: InlineKeyboardButton must be an Object`);
  const button = checkFields(value, buttonFields, where);
  if (!styles.has(button["style"])) throw badRequest(`${where}: invalid button style specified`);
  const { text, url, callback_data: data, copy_text: copy } = button;
  if (copy !== undefined) {
    const { text: copied } = checkFields(copy, { text: "string" }, where);
    if (!fits(copied, 1, 256)) throw badRequest("BUTTON_COPY_TEXT_INVALID");
  }
  const actions = Object.keys(button).filter((key) => !["text", "icon_custom_emoji_id", "style"].includes(key));
  if (actions.length === 0 || (actions.length === 1 && (data === "" || url === ""))) {
    throw badRequest(`${where}: Text buttons are unallowed in the inline keyboard`);
  }
  // Telegram would take the first and say nothing.
  if (actions.length > 1) throw badRequest(`${where}: a button does one thing, not ${actions.join(" and ")}`);
  if (typeof text !== "string" || text.trim() === "") throw badRequest("inline keyboard button text must be non-empty");
  if (typeof url === "string" && !isLink(url)) {
    throw badRequest(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
  }
  if (typeof data === "string" && Buffer.byteLength(data) > longestData) throw badRequest("BUTTON_DATA_INVALID");
  return button as unknown as InlineKeyboardButton;
}

function fits(value: unknown, least: number, most: number): boolean {
  return typeof value === "string" && value.length >= least && value.length <= most;
}

export interface ReplyTarget {
  readonly messageId: number;
  readonly chatId: number | string | undefined;
  readonly optional: boolean;
  readonly quote: string | undefined;
}

/** Reads `reply_parameters`; undefined when there are none. */
export function readReply(raw: unknown): ReplyTarget | undefined {
  if (raw === undefined) return undefined;
  const value = parseJson(raw, "can't parse reply parameters JSON object");
  if (!isObject(value)) throw badRequest("object expected as reply parameters");
  if (Object.keys(value).length === 0) return undefined;
  const fields: Fields = {
    message_id: "integer",
    chat_id: "identifier?",
    allow_sending_without_reply: "boolean?",
    quote: "string?",
    quote_parse_mode: "string?",
    quote_entities: "array?",
    quote_position: "integer?",
  };
  const reply = checkFields(value, fields, "");
  return {
    messageId: reply["message_id"] as number,
    chatId: reply["chat_id"] as number | string | undefined,
    optional: reply["allow_sending_without_reply"] === true,
    quote: reply["quote"] as string | undefined,
  };
}

/** Refuses link preview options of a wrong shape. */
export function checkLinkPreview(raw: unknown): void {
  if (raw === undefined) return;
  const value = parseJson(raw, "can't parse link preview options JSON object");
  if (!isObject(value)) throw badRequest("object expected as link preview options");
  const fields: Fields = {
    is_disabled: "boolean?",
    url: "string?",
    prefer_small_media: "boolean?",
    prefer_large_media: "boolean?",
    show_above_text: "boolean?",
  };
  checkFields(value, fields, "");
}
