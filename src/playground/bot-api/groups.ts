/** What becomes of groups: topics that are closed or deleted, groups that Telegram turns into supergroups. */
import type { Message, User } from "grammy/types";
import { ParleyError } from "../../base/errors.ts";
import type { ChatRecord, TelegramState } from "./state.ts";
import type { UpdateBody, UpdateQueue } from "./updates.ts";

export interface GroupSide {
  /** A small group, without topics, as it begins; `upgradeGroup` makes a supergroup of it. Sends no update. */
  createSmallGroup(options: { readonly title: string; readonly memberIds: readonly number[] }): number;
  /**
   * Makes a supergroup of a small group: a new chat with ids of its own, and one service message in each. Returns the new
   * chat's id. The updates go out in this order; without `tells` there is none.
   */
  upgradeGroup(chatId: number, tells?: readonly ("to" | "from")[]): number;
  /** Sends the updates of an upgrade again, with ids of their own. */
  tellUpgrade(chatId: number, tells: readonly ("to" | "from")[]): void;
  /** Closes a topic: who is no administrator, as the bot, cannot write there. */
  closeTopic(chatId: number, threadId: number): void;
  /** Deletes a topic with its messages. A bot is not told. */
  deleteTopic(chatId: number, threadId: number): void;
}

/** The hands of those who administer groups. */
export function createGroupSide(state: TelegramState, queue: UpdateQueue, personOf: (id: number) => User): GroupSide {
  let groups = 0;

  function chatOf(chatId: number): ChatRecord {
    const chat = state.chats.get(chatId);
    if (chat === undefined) throw new ParleyError("playground-impossible", `there is no chat ${chatId}`);
    return chat;
  }

  function tell(chat: ChatRecord, content: Partial<Message>, threadId?: number): void {
    const [from = state.bot] = chat.people;
    const { message } = state.addMessage(chat, { from, threadId, replyTo: undefined, content });
    queue.push({ message } as UpdateBody);
  }

  function tellUpgrade(chatId: number, tells: readonly ("to" | "from")[]): void {
    const small = chatOf(chatId);
    const { migratedTo } = small;
    if (migratedTo === undefined) throw new ParleyError("playground-impossible", `${chatId} is no former group`);
    for (const which of tells) {
      if (which === "to") tell(small, { migrate_to_chat_id: migratedTo });
      else tell(chatOf(migratedTo), { migrate_from_chat_id: chatId });
    }
  }

  return {
    createSmallGroup({ title, memberIds }) {
      groups += 1;
      const id = -4_000_000_000 - groups;
      state.addChat({ id, type: "group", title }, memberIds.map(personOf), false);
      return id;
    },
    upgradeGroup(chatId, tells = ["to", "from"]) {
      const small = chatOf(chatId);
      if (small.chat.type !== "group") throw new ParleyError("playground-impossible", `${chatId} is no small group`);
      const { title } = small.chat;
      const id = chatId - 1_002_000_000_000;
      small.migratedTo = id;
      state.addChat({ id, type: "supergroup", title }, small.people, false);
      tellUpgrade(chatId, tells);
      return id;
    },
    tellUpgrade,
    closeTopic(chatId, threadId) {
      const chat = chatOf(chatId);
      chat.closedTopics.add(threadId);
      tell(chat, { forum_topic_closed: {} }, threadId);
    },
    deleteTopic(chatId, threadId) {
      const chat = chatOf(chatId);
      const ids = [...chat.messages.values()]
        .filter(({ message }) => message.is_topic_message && message.message_thread_id === threadId)
        .map(({ message }) => message.message_id);
      chat.topics.delete(threadId);
      state.deleteMessages(chat, ids);
      state.emit({ type: "chat-changed", chatId });
    },
  };
}
