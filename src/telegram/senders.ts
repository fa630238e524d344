/** Who is behind an update, and whether they may talk to the bot. */
import type { Chat, Message, Update, User } from "grammy/types";
import { standIns } from "../base/stand-ins.ts";
import { isPrivate } from "./messages.ts";

/** Whom an operator lets in; everyone when both are empty. */
export interface AccessLists {
  readonly allowed: ReadonlySet<number>;
  /** Groups: whoever writes there is let in, there alone. */
  readonly allowedChats: ReadonlySet<number>;
}

/** Says whether a sender may talk to the bot in a chat. */
export function allowedBy({ allowed, allowedChats }: AccessLists) {
  return (sender: number | undefined, chatId: number | undefined): boolean =>
    (allowed.size === 0 && allowedChats.size === 0) ||
    (sender !== undefined && allowed.has(sender)) ||
    (chatId !== undefined && allowedChats.has(chatId));
}

/**
 * Whose update it is: a person's id, or the (negative) one of the chat that somebody writes as. It is what buckets, ledger,
 * dialogs and lists of users go by. Undefined when the update names nobody.
 */
export function senderOf(update: Update): number | undefined {
  const message = update.message ?? update.edited_message;
  if (message !== undefined) return message.sender_chat?.id ?? personOf(message.from, message.chat);
  const query = update.callback_query;
  if (query !== undefined) return personOf(query.from, query.message?.chat);
  // It names no sender; a private chat's id is its user's.
  const chat = update.stopped_message_generation?.chat;
  return chat !== undefined && !standIns.has(chat.id) ? chat.id : undefined;
}

function personOf(from: User | undefined, chat: Message["chat"] | Chat | undefined): number | undefined {
  if (from === undefined || !standIns.has(from.id)) return from?.id;
  return chat === undefined || isPrivate(chat) ? undefined : chat.id;
}

/** The language of the client that an update came from, as its body says; undefined when it says none, or cannot be read. */
export function languageIn(body: string): string | undefined {
  try {
    const update = JSON.parse(body) as Update;
    return (update.message ?? update.edited_message ?? update.callback_query)?.from?.language_code;
  } catch {
    return undefined;
  }
}
