/** The kinds of update that Telegram is asked for, in both modes. A kind left out here is never delivered. */
export const allowedUpdates = [
  "message",
  "edited_message",
  "callback_query",
  "my_chat_member",
  "stopped_message_generation",
] as const;
