/** What Telegram holds: people, chats with their messages, topics and drafts, files, commands. It knows no HTTP. */
import type { BotCommand, Chat, InlineKeyboardMarkup, Message, User } from "grammy/types";
import { createFiles, type Files } from "./files.ts";
import type { Markup } from "./markup.ts";
import type { FormattedText } from "./text.ts";
import type { BotApiEvent, DraftView, MessageState, ReplyKeyboardView, StoredFile, Topic } from "./types.ts";

export interface MessageRecord {
  message: Message;
  readonly fromBot: boolean;
  readonly file: StoredFile | undefined;
  /** It came with a reply keyboard, or took one away: Telegram edits only messages with an inline keyboard, or none. */
  readonly unchangeable: boolean;
  /** The last one is what is shown. */
  readonly views: MessageState[];
  deletedAt?: number;
}

interface ShownDraft {
  view: DraftView;
  readonly keepOnStop: boolean;
  readonly timer: NodeJS.Timeout;
}

export interface ChatRecord {
  readonly chat: Chat.PrivateChat | Chat.GroupChat | Chat.SupergroupChat;
  readonly people: User[];
  /** In the order of their ids. */
  readonly messages: Map<number, MessageRecord>;
  readonly deleted: MessageRecord[];
  readonly topics: Map<number, Topic>;
  readonly closedTopics: Set<number>;
  readonly topicsAllowed: boolean;
  /** By thread; 0 outside of topics. */
  readonly drafts: Map<number, ShownDraft>;
  readonly draftViews: DraftView[];
  /** What stands in place of the letters, by thread; 0 outside of topics. */
  readonly replyKeyboards: Map<number, ReplyKeyboardView>;
  /** Drafts that their reader has stopped. */
  readonly stoppedDrafts: Set<number>;
  readonly typing: Map<number, { readonly action: string; readonly until: number }>;
  blocked: boolean;
  botLeft: boolean;
  /** The supergroup that has taken its place. */
  migratedTo: number | undefined;
  nextMessageId: number;
}

/** What a new message consists of, besides what every message has. */
export interface NewMessage {
  readonly from: User;
  readonly threadId: number | undefined;
  readonly replyTo: MessageRecord | undefined;
  /** `text`, or what stands in its place: `document`, `photo`, `caption`, … */
  readonly content: Partial<Message>;
  readonly markup?: Markup | undefined;
  readonly file?: StoredFile;
}

export interface DraftUpdate extends FormattedText {
  readonly draftId: number;
  readonly threadId: number | undefined;
  readonly canStop: boolean;
  readonly keepOnStop: boolean;
}

export interface TelegramState {
  readonly bot: User;
  readonly chats: ReadonlyMap<number, ChatRecord>;
  readonly files: Files;
  /** By scope and language, as JSON. */
  readonly commands: Map<string, readonly BotCommand[]>;
  /** By kind and language. */
  readonly descriptions: Map<string, string>;
  addChat(chat: ChatRecord["chat"], people: readonly User[], topicsAllowed: boolean): ChatRecord;
  addMessage(chat: ChatRecord, message: NewMessage): MessageRecord;
  /** Without `content` only the keyboard changes. */
  editMessage(
    chat: ChatRecord,
    record: MessageRecord,
    replyMarkup: InlineKeyboardMarkup | undefined,
    content?: FormattedText,
  ): void;
  deleteMessages(chat: ChatRecord, ids: readonly number[]): void;
  showDraft(chat: ChatRecord, draft: DraftUpdate): void;
  removeDraft(chat: ChatRecord, threadId: number | undefined): void;
  showTyping(chat: ChatRecord, threadId: number | undefined, action: string): void;
  emit(event: BotApiEvent): void;
  /** Ends its timers. */
  stop(): void;
}

export interface StateOptions {
  readonly bot: User;
  readonly keepViews: boolean;
  /** Milliseconds that a draft is shown without a word from the bot. */
  readonly draftMs: number;
  /** Of files, the newest of them. */
  readonly keptFileBytes: number;
  emit(event: BotApiEvent): void;
}

/** What a Telegram client shows a chat action. */
const typingMs = 5000;

/** Creates an empty Telegram with one bot in it. */
export function createTelegramState(options: StateOptions): TelegramState {
  const { bot, keepViews, emit } = options;
  const chats = new Map<number, ChatRecord>();

  function remember(record: MessageRecord, state: MessageState): void {
    if (!keepViews) record.views.length = 0;
    record.views.push(state);
  }

  function showReplyKeyboard(
    chat: ChatRecord,
    view: ReplyKeyboardView | undefined,
    threadId: number | undefined,
  ): void {
    if (view !== undefined) chat.replyKeyboards.set(threadId ?? 0, view);
    else if (!chat.replyKeyboards.delete(threadId ?? 0)) return;
    emit({ type: "reply-keyboard", ...placeOf(chat, threadId), ...(view && { view }) });
  }

  function removeDraft(chat: ChatRecord, threadId: number | undefined): void {
    const draft = chat.drafts.get(threadId ?? 0);
    if (draft === undefined) return;
    clearTimeout(draft.timer);
    chat.drafts.delete(threadId ?? 0);
    emit({ type: "draft-gone", ...placeOf(chat, threadId), draftId: draft.view.draftId });
  }

  return {
    bot,
    chats,
    files: createFiles(options.keptFileBytes),
    commands: new Map(),
    descriptions: new Map(),
    emit,
    removeDraft,
    addChat(chat, people, topicsAllowed) {
      const record: ChatRecord = {
        chat,
        people: [...people],
        messages: new Map(),
        deleted: [],
        topics: new Map(),
        closedTopics: new Set(),
        topicsAllowed,
        drafts: new Map(),
        draftViews: [],
        replyKeyboards: new Map(),
        stoppedDrafts: new Set(),
        typing: new Map(),
        blocked: false,
        botLeft: false,
        migratedTo: undefined,
        nextMessageId: 1,
      };
      chats.set(chat.id, record);
      emit({ type: "chat-changed", chatId: chat.id });
      return record;
    },
    addMessage(chat, { from, threadId, replyTo, content, markup, file }) {
      const message = {
        message_id: chat.nextMessageId,
        ...threadFields(chat, threadId, replyTo),
        from,
        chat: chat.chat,
        date: Math.floor(Date.now() / 1000),
        ...replyFields(chat, threadId, replyTo),
        ...content,
        ...(markup !== undefined && "inline_keyboard" in markup ? { reply_markup: markup } : {}),
      } as Message;
      chat.nextMessageId += 1;
      const unchangeable = markup !== undefined && !("inline_keyboard" in markup);
      const record: MessageRecord = { message, fromBot: from.id === bot.id, file, unchangeable, views: [] };
      remember(record, stateOf(message));
      chat.messages.set(message.message_id, record);
      if (record.fromBot) {
        removeDraft(chat, threadId);
        chat.typing.delete(threadId ?? 0);
      }
      emit({ type: "message-new", chatId: chat.chat.id, message });
      if (markup !== undefined && "keyboard" in markup) {
        const view = { messageId: message.message_id, threadId, keyboard: markup };
        showReplyKeyboard(chat, view, threadId);
      } else if (unchangeable) showReplyKeyboard(chat, undefined, threadId);
      return record;
    },
    editMessage(chat, record, replyMarkup, content) {
      const { reply_markup: _former, ...kept } = record.message;
      const message = { ...kept, edit_date: Math.floor(Date.now() / 1000) } as Message;
      if (content !== undefined) Object.assign(message, contentFields(message, content));
      if (content?.entities.length === 0) {
        delete message.entities;
        delete message.caption_entities;
      }
      if (content?.text === "") delete message.caption;
      if (replyMarkup !== undefined) message.reply_markup = replyMarkup;
      record.message = message;
      remember(record, stateOf(message));
      emit({ type: "message-edited", chatId: chat.chat.id, message });
    },
    deleteMessages(chat, ids) {
      for (const id of ids) {
        const record = chat.messages.get(id);
        if (record === undefined) continue;
        chat.messages.delete(id);
        record.deletedAt = Date.now();
        if (keepViews) chat.deleted.push(record);
        // A keyboard goes with its message.
        for (const view of [...chat.replyKeyboards.values()]) {
          if (view.messageId === id) showReplyKeyboard(chat, undefined, view.threadId);
        }
      }
      emit({ type: "message-deleted", chatId: chat.chat.id, messageIds: ids });
    },
    showDraft(chat, { draftId, threadId, text, entities, canStop, keepOnStop }) {
      if (chat.stoppedDrafts.has(draftId)) return;
      const view: DraftView = { draftId, threadId, text, entities, canStop, at: Date.now() };
      const known = chat.drafts.get(threadId ?? 0);
      const timer = known?.timer.refresh() ?? setTimeout(() => removeDraft(chat, threadId), options.draftMs).unref();
      chat.drafts.set(threadId ?? 0, { view, keepOnStop, timer });
      if (keepViews) chat.draftViews.push(view);
      emit({ type: "draft", ...placeOf(chat, threadId), draft: view });
    },
    showTyping(chat, threadId, action) {
      if (action === "cancel") chat.typing.delete(threadId ?? 0);
      else chat.typing.set(threadId ?? 0, { action, until: Date.now() + typingMs });
      emit({ type: "typing", ...placeOf(chat, threadId), action });
    },
    stop() {
      for (const chat of chats.values()) for (const { timer } of chat.drafts.values()) clearTimeout(timer);
    },
  };
}

/** What a message shows right now. */
export function stateOf(message: Message): MessageState {
  return {
    at: Date.now(),
    text: message.text ?? message.caption ?? "",
    entities: message.entities ?? message.caption_entities ?? [],
    replyMarkup: message.reply_markup,
  };
}

/** The fields of a text, for a message that has one. */
export function textFields({ text, entities }: FormattedText): Partial<Message> {
  return { text, ...(entities.length === 0 ? {} : { entities: [...entities] }) };
}

/** The fields of a caption; none when it is empty. */
export function captionFields({ text, entities }: FormattedText): Partial<Message> {
  if (text === "") return {};
  return { caption: text, ...(entities.length === 0 ? {} : { caption_entities: [...entities] }) };
}

function contentFields(message: Message, content: FormattedText): Partial<Message> {
  return message.text === undefined ? captionFields(content) : textFields(content);
}

function placeOf(chat: ChatRecord, threadId: number | undefined): { chatId: number; threadId: number | undefined } {
  return { chatId: chat.chat.id, threadId };
}

/** A reply in a plain supergroup has a thread id as well, that of the message the chain of replies began with. */
function threadFields(chat: ChatRecord, threadId: number | undefined, replyTo: MessageRecord | undefined) {
  if (threadId !== undefined) return { message_thread_id: threadId, is_topic_message: true };
  if (replyTo === undefined || chat.chat.type !== "supergroup" || chat.chat.is_forum) return {};
  return { message_thread_id: replyTo.message.message_thread_id ?? replyTo.message.message_id };
}

/** In a forum's topic whatever answers nothing answers the message that opened the topic. */
function replyFields(chat: ChatRecord, threadId: number | undefined, replyTo: MessageRecord | undefined) {
  const opener = chat.chat.type === "supergroup" ? chat.messages.get(threadId ?? 0) : undefined;
  const target = replyTo ?? opener;
  if (target === undefined) return {};
  // Telegram shows one level, not the chain.
  const { reply_to_message: _deeper, ...shown } = target.message;
  return { reply_to_message: shown as Message["reply_to_message"] };
}
