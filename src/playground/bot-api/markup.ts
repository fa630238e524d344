/** Checks of what stands beside a text: keyboards, replies, link previews. */
import type {
  InlineKeyboardButton,
  InlineKeyboardMarkup,
  KeyboardButton,
  ReplyKeyboardMarkup,
  ReplyKeyboardRemove,
} from "grammy/types";
import { badRequest } from "./refusal.ts";
import { checkFields, type Fields, isLink, isObject, parseJson } from "./values.ts";

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

/** A keyboard in place of the letters, until another one, or its removal. */
export type ReplyKeyboard = Omit<ReplyKeyboardMarkup, "keyboard"> & {
  readonly keyboard: KeyboardButton.CommonButton[][];
};

export type Markup = InlineKeyboardMarkup | ReplyKeyboard | ReplyKeyboardRemove;

const keyFields: Fields = { text: "string", icon_custom_emoji_id: "string?", style: "string?" };
const replyKeyboardFields: Fields = {
  keyboard: "array",
  is_persistent: "boolean?",
  resize_keyboard: "boolean?",
  one_time_keyboard: "boolean?",
  input_field_placeholder: "string?",
  selective: "boolean?",
};
const mostKeys = 300;
const mostKeysInRow = 12;
const longestPlaceholder = 64;

/**
 * Reads what stands below a new message; undefined when the parameter is left out or empty. `force_reply` exists, but not
 * here: it is refused in words of our own, and so is more than one kind at once, of which Telegram would take the first.
 */
export function readMarkup(raw: unknown): Markup | undefined {
  if (raw === undefined) return undefined;
  const value = parseJson(raw, "can't parse reply keyboard markup JSON object");
  if (!isObject(value)) throw badRequest("object expected as reply markup");
  if (value["keyboard"] !== undefined) return readReplyKeyboard(value);
  if (value["remove_keyboard"] !== undefined) {
    const { remove_keyboard: removes } = checkFields(value, { remove_keyboard: "boolean", selective: "boolean?" }, "");
    return removes === true ? (value as unknown as ReplyKeyboardRemove) : undefined;
  }
  return readInlineKeyboard(value);
}

/** Reads an inline keyboard, the only kind that a message can be given later; undefined when it is left out or empty. */
export function readKeyboard(raw: unknown): InlineKeyboardMarkup | undefined {
  const markup = readMarkup(raw);
  if (markup === undefined || "inline_keyboard" in markup) return markup;
  throw badRequest("inline keyboard expected");
}

function readReplyKeyboard(value: Record<string, unknown>): ReplyKeyboard | undefined {
  const { keyboard: rows, ...rest } = checkFields(value, replyKeyboardFields, "");
  const placeholder = rest["input_field_placeholder"];
  if (placeholder !== undefined && !fits(placeholder, 1, longestPlaceholder)) {
    throw badRequest(`field "input_field_placeholder" must have 1 to ${longestPlaceholder} characters`);
  }
  const keyboard = rowsOf(rows, "keyboard", "ReplyKeyboardMarkup", readKey);
  // Telegram would leave out what is too much.
  if (keyboard.flat().length > mostKeys || keyboard.some((row) => row.length > mostKeysInRow)) {
    throw badRequest("reply markup is too long");
  }
  return keyboard.length === 0 ? undefined : ({ ...rest, keyboard } as ReplyKeyboard);
}

/** Keys that ask for a contact, a place or a chat exist, but not here. */
function readKey(value: unknown): KeyboardButton.CommonButton {
  const where = "can't parse keyboard button";
  if (typeof value !== "string" && !isObject(value))
    throw badRequest(`${where}: KeyboardButton must be a String or an Object`);
  const key = typeof value === "string" ? { text: value } : checkFields(value, keyFields, where);
  if (!styles.has(key["style" as keyof typeof key])) throw badRequest(`${where}: invalid button style specified`);
  if (String(key["text"]).trim() === "") throw badRequest("keyboard button text must be non-empty");
  return key as unknown as KeyboardButton.CommonButton;
}

function readInlineKeyboard(value: Record<string, unknown>): InlineKeyboardMarkup | undefined {
  const unknown = Object.keys(value).find((key) => key !== "inline_keyboard");
  if (unknown !== undefined) throw badRequest(`reply markup with "${unknown}" is not emulated`);
  const rows = value["inline_keyboard"];
  if (rows === undefined) return undefined;
  const keyboard = rowsOf(rows, "inline_keyboard", "InlineKeyboardMarkup", readButton);
  if (keyboard.flat().length > mostButtons) throw badRequest("reply markup is too long");
  return keyboard.length === 0 ? undefined : { inline_keyboard: keyboard };
}

/** Rows of buttons; those without a button count as left out. */
function rowsOf<T>(rows: unknown, field: string, type: string, read: (value: unknown) => T): T[][] {
  if (!Array.isArray(rows)) throw badRequest(`field "${field}" must be of type Array`);
  const keyboard = rows.map((row: unknown) => {
    if (!Array.isArray(row)) throw badRequest(`field "${field}" of the ${type} must be an Array of Arrays`);
    return row.map(read);
  });
  return keyboard.filter((row) => row.length > 0);
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
