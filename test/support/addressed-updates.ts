/** Updates as Telegram brings them, and what the bot makes of their address. */
import type { Message, Update } from "grammy/types";
import type { Addressed } from "../../src/ports/updates.ts";
import { addressUpdate } from "../../src/telegram/lanes.ts";

export const me = { id: 999, username: "Parley_Bot" };
export const ada = { id: 7, is_bot: false, first_name: "Ada" };
export const admin = { id: 8, is_bot: false, first_name: "Eve" };
export const stranger = { id: 66, is_bot: false, first_name: "Mallory" };
export const bot = { id: me.id, is_bot: true, first_name: "Parley" };
export const privateChat = { id: 7, type: "private", first_name: "Ada" };
export const group = { id: -100, type: "supergroup", title: "Family" };

export type Parts = Record<string, unknown>;

export function written(text: string, parts: Parts = {}): Message {
  const command = /^\/[\w@]+/.exec(text)?.[0];
  const entities =
    command === undefined ? {} : { entities: [{ type: "bot_command", offset: 0, length: command.length }] };
  return content({ text, ...entities, ...parts });
}

export function content(parts: Parts): Message {
  return { message_id: 50, date: 1_790_000_000, chat: privateChat, from: ada, ...parts } as unknown as Message;
}

export const inGroup = (text: string, parts: Parts = {}) => written(text, { chat: group, ...parts });

function addressWhole(update: Parts): Addressed | undefined {
  const whole = { update_id: 1, ...update } as unknown as Update;
  return addressUpdate(whole, { me, allowed: (userId) => userId !== stranger.id, admins: new Set([admin.id]) });
}

/** Without what it tells of what it belongs to. */
export function address(update: Parts): Addressed | undefined {
  const addressed = addressWhole(update);
  if (addressed === undefined) return undefined;
  const { piece: _piece, ...rest } = addressed;
  return rest;
}

/** All that a message makes of itself. */
export const arrivesWhole = (message: Message) => addressWhole({ message });
export const editedWhole = (message: Message) => addressWhole({ edited_message: message });

export const arrives = (message: Message) => address({ message });
export const edited = (message: Message) => address({ edited_message: { ...message, edit_date: 1_790_000_100 } });
export const pressed = (data: string | undefined, parts: Parts = {}) =>
  address({
    callback_query: {
      id: "1",
      from: ada,
      chat_instance: "1",
      data,
      message: content({ from: bot, text: "x" }),
      ...parts,
    },
  });

export const question = { conversation: "7", lane: "turn", question: 50, payer: 7, kind: "question" };
export const groupQuestion = { ...question, conversation: "-100" };
