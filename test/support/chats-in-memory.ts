import type { Message } from "grammy/types";
import type {
  PageCall,
  PageChange,
  PageChat,
  PageReplyKeyboard,
  PageRequest,
  PageSource,
  PressAnswer,
} from "../../src/playground/page/source.ts";

type Chat = PageChat & { readonly messages: Message[] };

const calm = { blocked: false, replyKeyboards: [] };

/** Parts of a message that a test cares for. */
export interface MessageParts {
  readonly message_id?: number;
  readonly message_thread_id?: number;
  readonly is_topic_message?: boolean;
  readonly text?: string;
  readonly date?: number;
  readonly edit_date?: number;
  readonly entities?: readonly object[];
  readonly reply_markup?: object;
  readonly reply_to_message?: Message | undefined;
  readonly document?: object;
  readonly photo?: readonly object[];
  readonly voice?: object;
  readonly caption?: string;
  readonly media_group_id?: string;
}

/** Chats in memory with no bot: what a person does can be read back, and whatever a bot would do can be made to happen. */
export function createChatsInMemory() {
  const chats: Chat[] = [];
  const calls: PageCall[] = [];
  const listeners = new Set<(change: PageChange) => void>();
  const done: unknown[] = [];
  const files = new Map<string, Uint8Array>([["report", Buffer.from("<script>")]]);
  const bot = { id: 1, first_name: "Parley", username: "parley_bot" };
  let lastId = 0;
  let answerPress: (data: string) => Promise<PressAnswer | undefined> = async (data) => ({ text: `pressed ${data}` });

  const change = (next: PageChange) => {
    for (const listener of listeners) listener(next);
  };
  const open = (chat: PageChat) => {
    chats.push({ ...chat, messages: [] });
    change({ type: "chat", data: chat });
    return { chatId: chat.id };
  };
  function put(
    chatId: number,
    from: { readonly id: number; readonly first_name: string },
    parts: MessageParts,
  ): Message {
    lastId = Math.max(lastId + 1, parts.message_id ?? 0);
    const message = {
      message_id: lastId,
      date: 1_790_000_000,
      from,
      chat: { id: chatId },
      ...parts,
    } as unknown as Message;
    const messages = chats.find(({ id }) => id === chatId)?.messages ?? [];
    const known = messages.findIndex(({ message_id }) => message_id === message.message_id);
    if (known === -1) messages.push(message);
    else messages[known] = message;
    change({ type: "message", data: { chatId, message } });
    return message;
  }

  const source: PageSource = {
    bot,
    chats: () => chats,
    commands: () => [
      { command: "help", description: "what I can do" },
      { command: "model", description: "switch the model" },
    ],
    description: () => "What this bot is for.",
    calls: () => calls,
    follow(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    createPrivateChat(name) {
      const id = 100 + chats.length;
      const people = [{ id, name }];
      return open({ id, kind: "private", title: name, people, topics: [], topicsAllowed: false, ...calm });
    },
    createGroup(title, names) {
      const people = names.map((name, index) => ({ id: 200 + index, name }));
      return open({
        id: -chats.length - 1,
        kind: "group",
        title,
        people,
        topics: [],
        topicsAllowed: true,
        ...calm,
      });
    },
    createTopic: () => ({ threadId: 7 }),
    sendText(message) {
      if (message.text === "refuse me") throw new Error("The chat does not take this.");
      done.push({ sent: message });
      const chat = chats.find(({ id }) => id === message.chatId);
      const name = chat?.people.find(({ id }) => id === message.senderId)?.name ?? "";
      const reply = chat?.messages.find(({ message_id }) => message_id === message.replyTo);
      put(message.chatId, { id: message.senderId, first_name: name }, { text: message.text, reply_to_message: reply });
    },
    sendFiles(message) {
      if (message.caption === "refuse me") throw new Error("The chat does not take this.");
      done.push({ files: message });
    },
    share: (message) => void done.push({ shared: message }),
    editText: (edit) => void done.push({ edited: edit }),
    press: ({ data }) => answerPress(data),
    stopDraft: (stop) => void done.push({ stopped: stop }),
    setBlocked: (chatId, blocked) => void done.push({ chatId, blocked }),
    readFile: (fileId) => files.get(fileId),
  };
  let lastRequest: PageRequest | undefined;
  const askers = new Set<(request: PageRequest) => void>();
  return {
    source,
    requests: {
      get last() {
        return lastRequest;
      },
      follow(listener: (request: PageRequest) => void) {
        askers.add(listener);
        return () => askers.delete(listener);
      },
    },
    /** The bot asks a model, or hears from it. */
    asks(request: PageRequest): void {
      lastRequest = request;
      for (const listener of askers) listener(request);
    },
    /** The bot puts keys in place of the letters, or takes them away. */
    showKeys(chatId: number, ...replyKeyboards: PageReplyKeyboard[]): void {
      const known = chats.findIndex(({ id }) => id === chatId);
      const chat = chats[known];
      if (chat === undefined) throw new Error("there is no such chat");
      chats[known] = { ...chat, replyKeyboards };
      const { messages: _kept, ...changed } = { ...chat, replyKeyboards };
      change({ type: "chat", data: changed });
    },
    change,
    done,
    /** What can be fetched, by its id. */
    files,
    /** The bot writes a message, or writes a known one anew. */
    botWrites: (chatId: number, parts: MessageParts) => put(chatId, bot, parts),
    onPress(answer: typeof answerPress): void {
      answerPress = answer;
    },
  };
}
