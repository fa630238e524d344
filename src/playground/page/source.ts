/** What the chat page needs of whatever holds its chats, in the terms of the page. */
import type { BotCommand, Message, User } from "grammy/types";

/** One call of the Bot API, as the log shows it. */
export interface PageCall {
  readonly id: number;
  readonly method: string;
  readonly chatId?: number | undefined;
  readonly status: number;
  readonly ms: number;
  readonly params: Readonly<Record<string, unknown>>;
  readonly error?: string | undefined;
}

/** What the bot asked a model, and how it went so far. */
export interface PageRequest {
  /** Counts from 1. */
  readonly id: number;
  /** `provider/model`: the one asked first, then each that was tried. */
  readonly model: string;
  /** The newest of them, long texts cut. */
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  /** Of all messages. */
  readonly count: number;
  /** Names of those that the model may call. */
  readonly tools: readonly string[];
  /** Calls of a model, repetitions and fallbacks included. */
  readonly calls: number;
  /** Milliseconds since the bot asked. */
  readonly firstTokenMs?: number | undefined;
  readonly endMs?: number | undefined;
  /** Left out when the provider reported none. */
  readonly inputTokens?: number | undefined;
  readonly cachedTokens?: number | undefined;
  readonly outputTokens?: number | undefined;
  /** In a word: `waiting`, `writing`, how it ended. */
  readonly outcome: string;
  readonly failed: boolean;
}

export interface PageChat {
  readonly id: number;
  readonly kind: "private" | "group";
  readonly title: string;
  readonly people: readonly { readonly id: number; readonly name: string }[];
  readonly topics: readonly { readonly id: number; readonly name: string }[];
  readonly topicsAllowed: boolean;
  /** The person has blocked the bot. */
  readonly blocked: boolean;
  /** One a topic at most. */
  readonly replyKeyboards: readonly PageReplyKeyboard[];
}

/** Keys that send their label as the person's own message. */
export interface PageReplyKeyboard {
  /** The message that brought it. */
  readonly messageId: number;
  readonly threadId?: number | undefined;
  readonly rows: readonly (readonly string[])[];
  /** Hidden once a key was pressed. */
  readonly oneTime: boolean;
  /** As high as its keys; else as high as a keyboard of letters. */
  readonly small: boolean;
  /** In the empty box beside it. */
  readonly placeholder?: string | undefined;
}

export interface PageDraft {
  readonly draftId: number;
  readonly text: string;
  readonly entities: readonly unknown[];
  readonly canStop: boolean;
}

/** What a bot answers to a pressed button. */
export interface PressAnswer {
  readonly text?: string | undefined;
  readonly alert?: boolean | undefined;
  readonly url?: string | undefined;
}

/** A file as it leaves the page. */
export interface PageUpload {
  readonly kind: "photo" | "video" | "video_note" | "voice" | "audio" | "document";
  readonly name: string;
  readonly mimeType: string;
  readonly bytes: Uint8Array;
  /** Smaller forms of a photo, from small to large. */
  readonly smaller: readonly Uint8Array[];
  /** Of something that is played. */
  readonly seconds?: number | undefined;
  /** Of a video, in pixels. */
  readonly size?: { readonly width: number; readonly height: number } | undefined;
  /** A picture of a video, a JPEG. */
  readonly cover?: Uint8Array | undefined;
}

/** What is neither words nor a file. */
export type PageShared =
  | { readonly kind: "location"; readonly latitude: number; readonly longitude: number }
  | {
      readonly kind: "venue";
      readonly latitude: number;
      readonly longitude: number;
      readonly title: string;
      readonly address: string;
    }
  | { readonly kind: "contact"; readonly phoneNumber: string; readonly firstName: string }
  | { readonly kind: "poll"; readonly question: string; readonly options: readonly string[] }
  | { readonly kind: "dice"; readonly emoji: string }
  /** Of the kind that is played. */
  | { readonly kind: "sticker" };

/** A change that the page shows at once. */
export type PageChange =
  | { readonly type: "chat"; readonly data: PageChat }
  /** A new message, or a known one that has changed. */
  | { readonly type: "message"; readonly data: { readonly chatId: number; readonly message: Message } }
  | { readonly type: "deleted"; readonly data: { readonly chatId: number; readonly messageIds: readonly number[] } }
  | { readonly type: "action"; readonly data: Place & { readonly action: string } }
  /** Without `draft` the draft is gone. */
  | { readonly type: "draft"; readonly data: Place & { readonly draft?: PageDraft } }
  | { readonly type: "commands"; readonly data: readonly BotCommand[] }
  | { readonly type: "description"; readonly data: string }
  | { readonly type: "call"; readonly data: PageCall };

export interface Place {
  readonly chatId: number;
  /** Left out outside of topics. */
  readonly threadId?: number | undefined;
}

/** What the page needs of the emulated Bot API: what stands in its chats, and a person's hands. */
export interface PageSource {
  readonly bot: Pick<User, "id" | "first_name" | "username">;
  /** In the order of their creation, with their messages in the order of their ids. */
  chats(): readonly (PageChat & { readonly messages: readonly Message[] })[];
  commands(): readonly BotCommand[];
  /** What an empty chat says about the bot. */
  description(): string;
  /** The last calls, the newest last. */
  calls(): readonly PageCall[];
  /** Returns the function that ends it. */
  follow(listener: (change: PageChange) => void): () => void;

  createPrivateChat(name: string): { readonly chatId: number };
  createGroup(title: string, names: readonly string[]): { readonly chatId: number };
  createTopic(place: Place, name: string): { readonly threadId: number };
  sendText(
    message: Place & { readonly senderId: number; readonly text: string; readonly replyTo?: number | undefined },
  ): void;
  /**
   * Files of one kind go out together, as an album. The caption stands below the first; before those that take several albums
   * it is a message of its own.
   */
  sendFiles(
    message: Place & {
      readonly senderId: number;
      readonly files: readonly PageUpload[];
      readonly caption?: string | undefined;
      readonly replyTo?: number | undefined;
    },
  ): void;
  share(
    message: Place & {
      readonly senderId: number;
      readonly shared: PageShared;
      readonly replyTo?: number | undefined;
    },
  ): void;
  editText(edit: Place & { readonly senderId: number; readonly messageId: number; readonly text: string }): void;
  /** Resolves with the bot's answer; undefined when it gave none while a client would wait. */
  press(press: {
    readonly chatId: number;
    readonly senderId: number;
    readonly messageId: number;
    readonly data: string;
  }): Promise<PressAnswer | undefined>;
  stopDraft(stop: Place & { readonly draftId: number }): void;
  setBlocked(chatId: number, blocked: boolean): void;
  /** Undefined also when it is not kept any more. */
  readFile(fileId: string): Uint8Array | undefined;
}
