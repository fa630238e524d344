/** What a message says to us: its text without our name, its command, its place. Pure functions of a message. */
import type { Chat, Message, MessageEntity } from "grammy/types";
import type { ConversationId } from "../ports.ts";

/** Ourselves, as far as addressing needs it. */
export interface Me {
  readonly id: number;
  readonly username: string;
}

/** The topic of a message. A thread id without `is_topic_message` is only a chain of replies. */
export function threadOf(message: Message | undefined): number | undefined {
  return message?.is_topic_message ? message.message_thread_id : undefined;
}

/** The conversation of a chat or of one of its topics. */
export function conversationOf(chatId: number, threadId: number | undefined): ConversationId {
  return threadId === undefined ? String(chatId) : `${chatId}:${threadId}`;
}

const contentFields = [
  "text",
  "caption",
  "photo",
  "voice",
  "audio",
  "document",
  "sticker",
  "video",
  "video_note",
  "animation",
  "location",
  "contact",
  "poll",
  "dice",
  "story",
  "venue",
  "rich_message",
] as const;

/** Whether somebody wrote or sent it: service messages (a topic was created, a member joined) have no content. */
export function hasContent(message: Message): boolean {
  return contentFields.some((field) => field in message);
}

export function isPrivate(chat: Pick<Chat, "type">): boolean {
  return chat.type === "private";
}

function textOf(message: Message): { text: string; entities: readonly MessageEntity[] } {
  if (message.text !== undefined) return { text: message.text, entities: message.entities ?? [] };
  return { text: message.caption ?? "", entities: message.caption_entities ?? [] };
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

function mentionPattern(username: string): RegExp {
  return new RegExp(`(?<![\\w@])@${username}(?![\\w])`, "giu");
}

/** Whether the text or caption names us: `@username` as a whole word in any case, or a mention by id. */
export function mentions(message: Message, me: Me): boolean {
  const { text, entities } = textOf(message);
  if (mentionPattern(me.username).test(text)) return true;
  return entities.some((entity) => entity.type === "text_mention" && entity.user.id === me.id);
}

/** Whether it answers something that we wrote. In a topic every message "replies" to the topic's own service message. */
export function repliesTo(message: Message, me: Me): boolean {
  const target = message.reply_to_message;
  return target?.from?.id === me.id && hasContent(target as Message);
}

/**
 * The question in a message: text or caption without our name. A message that names us in reply to another one brings
 * that one along, quoted. Empty when nothing is asked.
 */
export function questionOf(message: Message, me: Me): string {
  const { text } = textOf(message);
  const named = mentions(message, me);
  const asked = (named ? text.replace(mentionPattern(me.username), "") : text).replace(/[^\S\n]{2,}/gu, " ").trim();
  const target = message.reply_to_message as Message | undefined;
  if (!named || target === undefined || target.from?.id === me.id || !hasContent(target)) return asked;
  const quoted = (message.quote?.text ?? textOf(target).text).trim();
  if (quoted === "") return asked;
  const quote = quoted.split("\n").map((line) => `> ${line}`);
  return [...quote, "", asked].join("\n").trim();
}
