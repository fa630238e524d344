/** What names an update, and the answer that it asks for, in each line of the log that is about it. */
import type { Update } from "grammy/types";
import type { IncomingUpdate } from "../ports/updates.ts";
import { senderOf } from "./senders.ts";

type Named = Pick<IncomingUpdate, "updateId" | "conversation" | "question" | "body">;

/** Ids only: of the update, chat, topic, user, and of the turn (the message that asks). `update` is the body, if it was read. */
export function logFields(job: Named, update?: Update): object {
  const [, chat, thread] = /^(-?\d+)(?::(\d+))?$/.exec(job.conversation) ?? [];
  const user = senderIn(job, update);
  return {
    updateId: job.updateId,
    chat: chat && Number(chat),
    thread: thread && Number(thread),
    user,
    turn: job.question,
  };
}

function senderIn({ body }: Named, update: Update | undefined): number | undefined {
  try {
    return senderOf(update ?? (JSON.parse(body) as Update));
  } catch {
    // Updates that nobody can make sense of have lines, too.
    return undefined;
  }
}
