/** What the emulated Bot API tells those who drive it: the log of calls, the changes that a client would show, views. */
import type { BotCommand, Chat, InlineKeyboardMarkup, Message, MessageEntity, User } from "grammy/types";
import type { ReplyKeyboard } from "./markup.ts";

/** One call of the bot, as the log keeps it. The token is never in it. */
export interface ApiCall {
  /** Counts from 1. */
  readonly id: number;
  /** Milliseconds since the epoch, when the call arrived. */
  readonly at: number;
  readonly method: string;
  readonly chatId?: number | undefined;
  /** Files stand there by name and size, secrets as an ellipsis. */
  readonly params: Readonly<Record<string, unknown>>;
  /** HTTP status; 0 when the connection was cut by a fault or left by the bot. */
  readonly status: number;
  /** Telegram's words for a refusal; what a fault did. */
  readonly description?: string | undefined;
  readonly durationMs: number;
}

/** A chat, or a topic in it. */
export interface Place {
  readonly chatId: number;
  /** Left out outside of topics. */
  readonly threadId?: number | undefined;
}

/** A change that a Telegram client would show at once, and each call of the bot. */
export type BotApiEvent =
  /** A new chat, or one whose topics, members or block have changed. */
  | { readonly type: "chat-changed"; readonly chatId: number }
  | { readonly type: "message-new"; readonly chatId: number; readonly message: Message }
  | { readonly type: "message-edited"; readonly chatId: number; readonly message: Message }
  | { readonly type: "message-deleted"; readonly chatId: number; readonly messageIds: readonly number[] }
  | ({ readonly type: "draft" } & Place & { readonly draft: DraftView })
  | ({ readonly type: "draft-gone" } & Place & { readonly draftId: number })
  | ({ readonly type: "typing" } & Place & { readonly action: string })
  | ({ readonly type: "callback-answered"; readonly chatId: number; readonly messageId: number } & PressAnswer)
  /** Without `view` there is none any more. */
  | ({ readonly type: "reply-keyboard" } & Place & { readonly view?: ReplyKeyboardView })
  | { readonly type: "description-changed"; readonly description: string }
  | { readonly type: "commands-changed"; readonly commands: readonly BotCommand[] }
  | { readonly type: "call"; readonly call: ApiCall };

/** What the bot answers to a pressed button. */
export interface PressAnswer {
  readonly text?: string | undefined;
  readonly showAlert?: boolean | undefined;
  readonly url?: string | undefined;
}

export interface DraftView {
  readonly draftId: number;
  readonly threadId?: number | undefined;
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly canStop: boolean;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** A keyboard that stands in place of the letters. */
export interface ReplyKeyboardView {
  /** The message that brought it. */
  readonly messageId: number;
  readonly threadId?: number | undefined;
  readonly keyboard: ReplyKeyboard;
}

/** What a message showed from `at` on. */
export interface MessageState {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The caption, for a message with a file. */
  readonly text: string;
  readonly entities: readonly MessageEntity[];
  readonly replyMarkup?: InlineKeyboardMarkup | undefined;
}

export interface StoredFile {
  readonly fileId: string;
  /** The same for the same bytes, whoever sent them. */
  readonly uniqueId: string;
  readonly name: string;
  readonly mimeType: string;
  /** None once newer files have taken its place. */
  readonly bytes: Uint8Array;
}

export interface MessageView extends MessageState {
  readonly id: number;
  readonly fromBot: boolean;
  readonly threadId?: number | undefined;
  /** Id of the message that it answers; a topic's service message does not count. */
  readonly replyTo?: number | undefined;
  readonly document?: StoredFile | undefined;
  /** Everything that it ever showed, the first text first. Only the newest without `keepViews`. */
  readonly views: readonly MessageState[];
  /** Milliseconds since the epoch. */
  readonly deletedAt?: number | undefined;
  /** As the bot would get it. */
  readonly message: Message;
}

export interface Topic {
  readonly threadId: number;
  readonly name: string;
}

export interface ChatView {
  readonly id: number;
  readonly chat: Chat;
  readonly kind: "private" | "group";
  readonly title: string;
  readonly people: readonly User[];
  readonly topics: readonly Topic[];
  readonly topicsAllowed: boolean;
  /** The person of this private chat has blocked the bot. */
  readonly blocked: boolean;
  /** In the order of their ids. */
  readonly messages: readonly MessageView[];
  /** In the order of their deletion. Empty without `keepViews`. */
  readonly deleted: readonly MessageView[];
  /** What is shown right now, one a topic. */
  readonly drafts: readonly DraftView[];
  /** What stands in place of the letters, one a topic. */
  readonly replyKeyboards: readonly ReplyKeyboardView[];
  /** Every draft that was ever shown. Empty without `keepViews`. */
  readonly draftViews: readonly DraftView[];
  /** Chat actions shown right now. */
  readonly typing: readonly { readonly threadId?: number | undefined; readonly action: string }[];
}
