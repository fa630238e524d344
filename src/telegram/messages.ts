/** What a message is to us: its place, its command, whether it answers us. Pure functions of a message. */
import type { Chat, Message } from "grammy/types";
import type { ConversationId } from "../ports/updates.ts";
import { hasContent } from "./content.ts";
import type { Me } from "./mentions.ts";

/** The topic of a message. A thread id without `is_topic_message` is only a chain of replies. */
export function threadOf(message: Message | undefined): number | undefined {
  return message?.is_topic_message ? message.message_thread_id : undefined;
}

/** The conversation of a chat or of one of its topics. */
export function conversationOf(chatId: number, threadId: number | undefined): ConversationId {
  return threadId === undefined ? String(chatId) : `${chatId}:${threadId}`;
}

export function isPrivate(chat: Pick<Chat, "type">): boolean {
  return chat.type === "private";
}

/** A group that has become a supergroup, by their ids. */
export interface Upgrade {
  readonly from: number;
  readonly to: number;
}

/** What a service message tells of that: there is one in the former chat, and one in the new one. */
export function upgradeIn({ chat, migrate_to_chat_id, migrate_from_chat_id }: Message): Upgrade | undefined {
  const from = migrate_from_chat_id ?? chat.id;
  const to = migrate_to_chat_id ?? chat.id;
  return from !== to && Number.isSafeInteger(from) && Number.isSafeInteger(to) ? { from, to } : undefined;
}

/** A command at the beginning of a message's text. */
export interface CommandCall {
  /** Lower case, without slash and bot name. */
  readonly name: string;
  /** What follows, trimmed. */
  readonly argument: string;
  /** The bot it names, lower case; undefined when it names none. */
  readonly bot: string | undefined;
}

/** Reads the command at the beginning of a message; a caption holds none. */
export function commandOf(message: Message): CommandCall | undefined {
  const { text = "", entities = [] } = message;
  const entity = entities.find(({ type, offset }) => type === "bot_command" && offset === 0);
  if (entity === undefined) return undefined;
  const [name = "", bot] = text.slice(1, entity.length).toLowerCase().split("@", 2);
  return { name, argument: text.slice(entity.length).trim(), bot };
}

/** Whether it answers something that we wrote. In a topic every message "replies" to the topic's own service message. */
export function repliesTo(message: Message, me: Me): boolean {
  const target = message.reply_to_message;
  return target?.from?.id === me.id && hasContent(target as Message);
}
