/**
 * Turns that nobody has let go on for a day. They end by an update of our own in their lane, like everything that touches a turn:
 * whichever worker finds one, its lane is held, and nothing of it happens twice.
 */
import { createHash } from "node:crypto";
import type { UpdateQueue } from "../ports/queue.ts";
import type { WaitingTurn } from "../ports/steps.ts";
import type { Store } from "../ports/store.ts";
import type { AskedCall } from "../ports/turns.ts";
import { pressData } from "../screen/buttons.ts";

export interface ExpiredTurnsDeps {
  readonly store: Pick<Store, "waitingSince" | "readTurn">;
  readonly queue: Pick<UpdateQueue, "enqueue">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** So long somebody may take. */
export const permissionMs = 24 * 3_600_000;

/** Brings them to their end. Resolves with how many there were. */
export async function endExpiredTurns({ store, queue, now }: ExpiredTurnsDeps): Promise<number> {
  const waiting = await store.waitingSince(now() - permissionMs);
  for (const turn of waiting) {
    const { conversation, question } = turn;
    const asks = (await store.readTurn(conversation, question))?.asks;
    if (asks === undefined) continue;
    const updateId = idOf(turn);
    const body = JSON.stringify({ update_id: updateId, callback_query: pressOf(turn, asks) });
    await queue.enqueue({ updateId, conversation, lane: "turn", receivedAt: now(), body });
  }
  return waiting.length;
}

/** Below all that Telegram gives, and the same whoever finds the turn. */
function idOf({ conversation, question, at }: WaitingTurn): number {
  const name = JSON.stringify([conversation, question, at]);
  return -1 - createHash("sha256").update(name).digest().readUIntBE(0, 6);
}

/** What the press of a button would be that says so. */
function pressOf({ conversation, question }: WaitingTurn, { userId, message = 0 }: AskedCall): object {
  const [chatId, threadId] = conversation.split(":").map(Number);
  const thread = threadId === undefined ? {} : { message_thread_id: threadId, is_topic_message: true };
  const chat = { id: chatId, type: conversation.startsWith("-") ? "supergroup" : "private" };
  return {
    id: "0",
    from: { id: userId, is_bot: false, first_name: "" },
    chat_instance: "0",
    data: pressData({ action: "permit", choice: "expired", question }),
    message: { message_id: message, date: 1, chat, ...thread },
  };
}
