/** What names an update, and the answer that it asks for, in each line of the log that is about it. */
import type { Update } from "grammy/types";
import type { IncomingUpdate } from "../ports.ts";
import { senderOf } from "./senders.ts";

type Named = Pick<IncomingUpdate, "updateId" | "conversation" | "question" | "body">;

/** Ids only: of the update, chat, topic, user, and of the turn (the message that asks). */
export function logFields(job: Named, update = updateIn(job)): object {
  const [, chat, thread] = /^(-?\d+)(?::(\d+))?$/.exec(job.conversation) ?? [];
  const user = update === undefined ? undefined : senderOf(update);
  return {
    updateId: job.updateId,
    ...(chat === undefined ? {} : { chat: Number(chat) }),
    ...(thread === undefined ? {} : { thread: Number(thread) }),
    ...(user === undefined ? {} : { user }),
    ...(job.question === undefined ? {} : { turn: job.question }),
  };
}

function updateIn({ body }: Named): Update | undefined {
  try {
    return JSON.parse(body) as Update;
  } catch {
    return undefined;
  }
}
