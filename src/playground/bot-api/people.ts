/** What people do in their clients: each deed changes what Telegram holds, and becomes an update for the bot. */

import type { CallbackQuery, Message, MessageEntity, Update, User } from "grammy/types";
import { type AttachmentOptions, attachmentOf } from "./attachments.ts";
import { checkCaption, createFileSide, type FileSide, type WriteOptions } from "./file-side.ts";
import { createGroupSide, type GroupSide } from "./groups.ts";
import type { Presses } from "./presses.ts";
import { impossible } from "./refusal.ts";
import { createSharingSide, type SharingSide } from "./sharing.ts";
import { type ChatRecord, type MessageRecord, type TelegramState, textFields } from "./state.ts";
import { formatOwnText, partsOf } from "./text.ts";
import type { PressAnswer } from "./types.ts";
import type { UpdateBody, UpdateQueue } from "./updates.ts";

export interface PersonOptions {
  readonly userId: number;
  readonly firstName: string;
  readonly username?: string;
}

/**
 * The hands of people. Every function throws when a person could not do it either: no such chat, not a member, no such
 * message.
 */
export interface UserSide extends GroupSide, FileSide, SharingSide {
  /** Opens a private chat; its id is the user's. With `topics` the person may open topics in it. Sends no update. */
  createPrivateChat(options: PersonOptions & { readonly topics?: boolean }): number;
  /**
   * A supergroup with the bot in it. `memberIds` are people known from private chats; others come into being, named
   * after their ids. Sends no update.
   */
  createGroup(options: {
    readonly title: string;
    readonly memberIds: readonly number[];
    readonly forum?: boolean;
    readonly username?: string;
  }): number;
  /** Somebody who is in no chat yet. */
  createPerson(options: PersonOptions): void;
  /** Opens a topic by its service message. `by` is a member or the bot itself. */
  createTopic(
    chatId: number,
    name: string,
    by: number | "bot",
  ): { readonly threadId: number; readonly message: Message };
  /**
   * A text. What is longer than a message goes on in further ones, as clients do; the first is returned. Entities are
   * found as a client finds them, unless given.
   */
  sendText(
    chatId: number,
    userId: number,
    text: string,
    options?: WriteOptions & { readonly entities?: readonly MessageEntity[] },
  ): Message;
  /** Puts another photo into a person's own message, which keeps its caption. */
  replacePhoto(chatId: number, messageId: number, options?: AttachmentOptions): Message;
  /** Changes a person's own message, its caption if it has one. */
  edit(chatId: number, messageId: number, text: string): Message;
  /** Takes a message away; a bot is not told. */
  remove(chatId: number, messageId: number): void;
  /**
   * Presses a button, found by its label, its data, or a part of its label. Resolves with the bot's answer; undefined when
   * there was none within `waitMs`.
   */
  press(
    chatId: number,
    messageId: number,
    button: string,
    userId: number,
    waitMs?: number,
  ): Promise<PressAnswer | undefined>;
  /** Presses the Stop of a draft; false when none is shown that can be stopped. */
  stopDraft(chatId: number, threadId?: number): boolean;
  block(chatId: number): void;
  unblock(chatId: number): void;
  /** Any update. With an `update_id` of the past it is a repeated delivery. */
  raw(update: UpdateBody & { readonly update_id?: number }): void;
}

/** What has room for a caption. */
const captioned = ["photo", "video", "animation", "document", "audio", "voice"] as const;
const pressWaitMs = 15_000;

/** Creates the people's side of a Telegram. */
export function createUserSide(state: TelegramState, queue: UpdateQueue, presses: Presses): UserSide {
  const people = new Map<number, User>();
  let groups = 0;

  function personOf(id: number): User {
    const known = people.get(id);
    if (known !== undefined) return known;
    const person: User = { id, is_bot: false, first_name: `User ${id}`, language_code: "en" };
    people.set(id, person);
    return person;
  }

  function createPerson({ userId, firstName, username }: PersonOptions): User {
    const person: User = {
      id: userId,
      is_bot: false,
      first_name: firstName,
      ...(username === undefined ? {} : { username }),
      language_code: "en",
    };
    people.set(userId, person);
    return person;
  }

  function chatOf(chatId: number): ChatRecord {
    const chat = state.chats.get(chatId);
    if (chat === undefined) throw impossible(`there is no chat ${chatId}`);
    return chat;
  }

  function memberOf(chat: ChatRecord, userId: number): User {
    const member = chat.people.find(({ id }) => id === userId);
    if (member === undefined) throw impossible(`${userId} is not in chat ${chat.chat.id}`);
    return member;
  }

  function messageIn(chat: ChatRecord, messageId: number): MessageRecord {
    const record = chat.messages.get(messageId);
    if (record === undefined) throw impossible(`there is no message ${messageId} in chat ${chat.chat.id}`);
    return record;
  }

  function ownMessage(chat: ChatRecord, messageId: number): MessageRecord {
    const record = messageIn(chat, messageId);
    if (record.fromBot) throw impossible(`message ${messageId} is the bot's`);
    return record;
  }

  function write(chatId: number, userId: number, options: WriteOptions, content: Partial<Message>): Message {
    const chat = chatOf(chatId);
    const from = memberOf(chat, userId);
    if (chat.migratedTo !== undefined) throw impossible(`chat ${chatId} has become ${chat.migratedTo}`);
    if (options.threadId !== undefined && !chat.topics.has(options.threadId)) {
      throw impossible(`there is no topic ${options.threadId} in chat ${chatId}`);
    }
    if (chat.blocked) unblock(chatId);
    const replyTo = options.replyTo === undefined ? undefined : messageIn(chat, options.replyTo);
    const { message } = state.addMessage(chat, { from, threadId: options.threadId, replyTo, content });
    if (!chat.botLeft) queue.push({ message } as UpdateBody);
    return message;
  }

  function setBlocked(chatId: number, blocked: boolean): void {
    const chat = chatOf(chatId);
    if (chat.chat.type !== "private") throw impossible("only a private chat can block the bot");
    if (chat.blocked === blocked) return;
    chat.blocked = blocked;
    const member = { user: state.bot, status: "member" } as const;
    const kicked = { user: state.bot, status: "kicked", until_date: 0 } as const;
    const [before, after] = blocked ? [member, kicked] : [kicked, member];
    const [from = state.bot] = chat.people;
    const date = Math.floor(Date.now() / 1000);
    const change = { chat: chat.chat, from, date, old_chat_member: before, new_chat_member: after };
    queue.push({ my_chat_member: change } as UpdateBody);
    state.emit({ type: "chat-changed", chatId });
  }

  const unblock = (chatId: number) => setBlocked(chatId, false);

  return {
    ...createGroupSide(state, queue, personOf),
    ...createFileSide(state.files, write),
    ...createSharingSide(write),
    createPerson,
    createPrivateChat(options) {
      const person = createPerson(options);
      const { id, first_name, username } = person;
      const chat = { id, type: "private", first_name, ...(username === undefined ? {} : { username }) } as const;
      state.addChat(chat, [person], options.topics ?? false);
      return id;
    },
    createGroup({ title, memberIds, forum, username }) {
      groups += 1;
      const id = -1_001_000_000_000 - groups;
      const chat = {
        id,
        type: "supergroup",
        title,
        ...(username === undefined ? {} : { username }),
        ...(forum ? { is_forum: true as const } : {}),
      } as const;
      state.addChat(chat, memberIds.map(personOf), forum ?? false);
      return id;
    },
    createTopic(chatId, name, by) {
      const chat = chatOf(chatId);
      if (!chat.topicsAllowed) throw impossible(`chat ${chatId} has no topics`);
      const from = by === "bot" ? state.bot : memberOf(chat, by);
      const threadId = chat.nextMessageId;
      chat.topics.set(threadId, { threadId, name });
      const content = { forum_topic_created: { name, icon_color: 0x6fb9f0 } } as const;
      const { message } = state.addMessage(chat, { from, threadId, replyTo: undefined, content });
      state.emit({ type: "chat-changed", chatId });
      queue.push({ message } as UpdateBody);
      return { threadId, message };
    },
    sendText(chatId, userId, text, options = {}) {
      const formatted = formatOwnText(text, options.entities);
      if (formatted.text === "") throw impossible("an empty text cannot be sent");
      const [first, ...rest] = partsOf(formatted).map((part) => textFields(part));
      const message = write(chatId, userId, options, first ?? {});
      for (const part of rest) write(chatId, userId, options, part);
      return message;
    },
    replacePhoto(chatId, messageId, options = {}) {
      const chat = chatOf(chatId);
      const record = ownMessage(chat, messageId);
      if (record.message.photo === undefined) throw impossible(`message ${messageId} has no photo`);
      Object.assign(record.message, attachmentOf(state.files, "photo", options));
      state.editMessage(chat, record, undefined);
      queue.push({ edited_message: record.message } as UpdateBody);
      return record.message;
    },
    edit(chatId, messageId, text) {
      const chat = chatOf(chatId);
      const record = ownMessage(chat, messageId);
      const formatted = formatOwnText(text);
      if (formatted.text === "" && record.message.text !== undefined) throw impossible("an empty text cannot be sent");
      if (record.message.text === undefined) {
        if (!captioned.some((field) => field in record.message)) throw impossible(`message ${messageId} has no words`);
        checkCaption(formatted.text);
      }
      state.editMessage(chat, record, undefined, formatted);
      queue.push({ edited_message: record.message } as UpdateBody);
      return record.message;
    },
    remove(chatId, messageId) {
      const chat = chatOf(chatId);
      messageIn(chat, messageId);
      state.deleteMessages(chat, [messageId]);
    },
    press(chatId, messageId, button, userId, waitMs = pressWaitMs) {
      const chat = chatOf(chatId);
      const { message } = messageIn(chat, messageId);
      const data = dataOf(message, button);
      const { id, answer } = presses.open({ chatId, messageId }, waitMs);
      const from = memberOf(chat, userId);
      const query = { id, from, message, chat_instance: String(chatId), data } as CallbackQuery;
      queue.push({ callback_query: query });
      return answer;
    },
    stopDraft(chatId, threadId) {
      const chat = chatOf(chatId);
      const draft = chat.drafts.get(threadId ?? 0);
      if (draft === undefined || !draft.view.canStop) return false;
      const { draftId } = draft.view;
      chat.stoppedDrafts.add(draftId);
      if (!draft.keepOnStop) state.removeDraft(chat, threadId);
      const thread = threadId === undefined ? {} : { message_thread_id: threadId };
      queue.push({ stopped_message_generation: { chat: chat.chat, ...thread, draft_id: draftId } } as UpdateBody);
      return true;
    },
    block: (chatId) => setBlocked(chatId, true),
    unblock,
    raw: (update) => void queue.push(update as Omit<Update, "update_id">),
  };
}

function dataOf(message: Message, button: string): string {
  const buttons = message.reply_markup?.inline_keyboard.flat() ?? [];
  const found =
    buttons.find(({ text }) => text === button) ??
    buttons.find((known) => "callback_data" in known && known.callback_data === button) ??
    buttons.find(({ text }) => text.includes(button));
  if (found === undefined) throw impossible(`message ${message.message_id} has no button "${button}"`);
  if (!("callback_data" in found)) throw impossible(`the button "${button}" has nothing to send`);
  return found.callback_data;
}
