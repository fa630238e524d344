/** Which chats, threads and messages a call may touch, with Telegram's refusals for those that it may not. */
import type { ReplyTarget } from "./markup.ts";
import type { Parameters } from "./parameters.ts";
import { badRequest, Refused } from "./refusal.ts";
import type { ChatRecord, MessageRecord, TelegramState } from "./state.ts";

export interface Writable {
  readonly chat: ChatRecord;
}

export interface WritableThread extends Writable {
  readonly threadId: number | undefined;
}

/** The doors of the chats. */
export function chatAccess(state: TelegramState) {
  function chatNamed(id: unknown): ChatRecord {
    if (id === undefined) throw badRequest("chat_id is empty");
    const chat =
      typeof id === "number"
        ? state.chats.get(id)
        : [...state.chats.values()].find(({ chat: { username } }) => `@${username}` === id);
    if (chat === undefined) throw badRequest("chat not found");
    return chat;
  }

  function checkMember(chat: ChatRecord): void {
    if (chat.botLeft) throw new Refused(403, "Forbidden: bot is not a member of the supergroup chat");
  }

  function chatOf(params: Parameters): ChatRecord {
    const chat = chatNamed(params.integer("chat_id"));
    const { migratedTo } = chat;
    if (migratedTo === undefined) return chat;
    const description = "Bad Request: group chat was upgraded to a supergroup chat";
    throw new Refused(400, description, { migrate_to_chat_id: migratedTo });
  }

  const access = {
    checkMember,
    readable: chatOf,
    writable(params: Parameters): Writable {
      const chat = chatOf(params);
      checkMember(chat);
      if (chat.blocked) throw new Refused(403, "Forbidden: bot was blocked by the user");
      return { chat };
    },
    /** A group without topics passes over a thread; where there are topics it must be one of them. A reply goes to the topic of what it answers. */
    writableThread(params: Parameters, replyTo?: MessageRecord): WritableThread {
      const { chat } = access.writable(params);
      const threadId = params.integer("message_thread_id") ?? topicOf(replyTo);
      const mayHaveTopics = chat.chat.type === "private" || chat.chat.is_forum === true;
      if (threadId === undefined || threadId <= 0 || !mayHaveTopics) return { chat, threadId: undefined };
      if (!chat.topics.has(threadId)) throw badRequest("message thread not found");
      if (chat.closedTopics.has(threadId)) throw badRequest("TOPIC_CLOSED");
      return { chat, threadId };
    },
    replyTarget(chat: ChatRecord, reply: ReplyTarget): MessageRecord | undefined {
      const there = reply.chatId === undefined ? chat : chatNamed(reply.chatId);
      const record = there.messages.get(reply.messageId);
      if (record === undefined && !reply.optional && reply.messageId > 0) {
        throw badRequest("message to be replied not found");
      }
      if (record !== undefined && reply.quote !== undefined && !record.message.text?.includes(reply.quote)) {
        throw badRequest("QUOTE_TEXT_INVALID");
      }
      return record;
    },
    /** Its own messages everywhere, those of others in private chats only: it is no administrator here. */
    mayDelete(chat: ChatRecord, record: MessageRecord): boolean {
      return record.fromBot || chat.chat.type === "private";
    },
  };
  return access;
}

function topicOf(replyTo: MessageRecord | undefined): number | undefined {
  return replyTo?.message.is_topic_message ? replyTo.message.message_thread_id : undefined;
}
