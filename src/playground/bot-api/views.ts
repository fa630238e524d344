import { type ChatRecord, type MessageRecord, stateOf } from "./state.ts";
import type { ChatView, MessageState, MessageView } from "./types.ts";

/** What stands in a chat right now, as values that do not change any more. */
export function viewOf(record: ChatRecord): ChatView {
  const { chat } = record;
  const now = Date.now();
  return {
    id: chat.id,
    chat,
    kind: chat.type === "private" ? "private" : "group",
    title: chat.type === "private" ? chat.first_name : chat.title,
    people: [...record.people],
    topics: [...record.topics.values()],
    topicsAllowed: record.topicsAllowed,
    blocked: record.blocked,
    messages: [...record.messages.values()].map(messageView),
    deleted: record.deleted.map(messageView),
    drafts: [...record.drafts.values()].map(({ view }) => view),
    replyKeyboards: [...record.replyKeyboards.values()],
    draftViews: [...record.draftViews],
    typing: [...record.typing]
      .filter(([, { until }]) => until > now)
      .map(([threadId, { action }]) => ({ threadId: threadId || undefined, action })),
  };
}

function messageView({ message, fromBot, file, views, deletedAt }: MessageRecord): MessageView {
  const shown: MessageState = views.at(-1) ?? stateOf(message);
  const answered = message.reply_to_message;
  const isReply = answered !== undefined && answered.message_id !== message.message_thread_id;
  const isPlainReply = answered !== undefined && !message.is_topic_message;
  return {
    ...shown,
    id: message.message_id,
    fromBot,
    threadId: message.is_topic_message ? message.message_thread_id : undefined,
    replyTo: isReply || isPlainReply ? answered.message_id : undefined,
    document: file,
    views: [...views],
    deletedAt,
    message,
  };
}
