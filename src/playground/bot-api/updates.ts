/** The updates that wait for the bot, and long polling over them. */
import type { Update } from "grammy/types";
import { badRequest, Refused } from "./refusal.ts";

/** An update's body, before it has its id. */
export type UpdateBody = Omit<Update, "update_id">;

export interface PendingUpdate {
  readonly update: Update;
  /** One after another in a webhook's delivery: the updates of one chat, the presses of one user. */
  readonly queueKey: string;
  /** Has an id of the past, to be delivered again: no offset has confirmed it. */
  readonly repeated: boolean;
}

export interface UpdatesRequest {
  readonly offset: number;
  readonly limit: number;
  readonly timeoutSeconds: number;
}

export interface UpdateQueue {
  /** Assigns the next `update_id` unless one is given; undefined when the bot does not want this kind. */
  push(body: UpdateBody & { update_id?: number }): Update | undefined;
  readonly size: number;
  /** What waits, the oldest first. */
  pending(): Iterable<PendingUpdate>;
  /** Confirmed: it will not be delivered again. */
  remove(entry: PendingUpdate): void;
  clear(): void;
  /** The kinds the bot asked for; undefined when it never asked. Sticks until it asks again. */
  allowedUpdates: readonly string[] | undefined;
  /** Called with each update that a webhook has to deliver. */
  onPush: ((entry: PendingUpdate) => void) | undefined;
  /** A poll. A second one ends the first with a 409. `onClose` is given the function to call when the bot hangs up. */
  poll(request: UpdatesRequest, onClose: (hangUp: () => void) => void): Promise<readonly Update[]>;
  /** Ends the poll that waits with a 409. */
  endPoll(reason: string): void;
}

/** All kinds of Bot API 10.3. Those with `false` come only when asked for by name. */
const kinds: ReadonlyMap<string, boolean> = new Map([
  ...[
    "message edited_message channel_post edited_channel_post business_connection business_message",
    "edited_business_message deleted_business_messages guest_message stopped_message_generation inline_query",
    "chosen_inline_result callback_query shipping_query pre_checkout_query purchased_paid_media poll poll_answer",
    "my_chat_member chat_join_request chat_boost removed_chat_boost managed_bot subscription",
  ].flatMap((line) => line.split(" ").map((kind) => [kind, true] as const)),
  ...["message_reaction", "message_reaction_count", "chat_member"].map((kind) => [kind, false] as const),
]);

/** Checks a list of update kinds. A kind that does not exist is a slip that Telegram would pass over in silence. */
export function checkAllowedUpdates(list: readonly unknown[]): readonly string[] {
  return list.map((kind) => {
    if (typeof kind !== "string" || !kinds.has(kind)) throw badRequest(`unknown update kind ${JSON.stringify(kind)}`);
    return kind;
  });
}

interface WaitingPoll {
  answer(): void;
  fail(refusal: Refused): void;
}

/** Creates the queue; the first update gets `firstId`. */
export function createUpdateQueue(firstId: number): UpdateQueue {
  const entries = new Set<PendingUpdate>();
  let nextId = firstId;
  let waiting: WaitingPoll | undefined;
  let delivered: readonly PendingUpdate[] = [];

  function wants(kind: string): boolean {
    if (queue.allowedUpdates === undefined || queue.allowedUpdates.length === 0) return kinds.get(kind) ?? true;
    return queue.allowedUpdates.includes(kind);
  }

  function confirm(offset: number): void {
    for (const entry of delivered) if (entry.repeated) entries.delete(entry);
    delivered = [];
    if (offset > 0) {
      for (const entry of entries) {
        if (entry.repeated) continue;
        if (entry.update.update_id >= offset) break;
        entries.delete(entry);
      }
    } else if (offset < 0) {
      for (const entry of entries) {
        if (entries.size <= -offset) break;
        entries.delete(entry);
      }
    }
  }

  function batch(limit: number): readonly Update[] {
    const taken: PendingUpdate[] = [];
    for (const entry of entries) {
      if (taken.length >= limit) break;
      taken.push(entry);
    }
    delivered = taken;
    return delivered.map(({ update }) => update);
  }

  function waitForUpdates(request: UpdatesRequest, onClose: (hangUp: () => void) => void) {
    return new Promise<readonly Update[]>((resolve, reject) => {
      const settle = (): boolean => {
        if (waiting !== poll) return false;
        waiting = undefined;
        clearTimeout(timer);
        return true;
      };
      const poll: WaitingPoll = {
        // All that one act of a person causes arrives as one batch.
        answer: () => setImmediate(() => settle() && resolve(batch(request.limit))),
        fail: (refusal) => settle() && reject(refusal),
      };
      const timer = setTimeout(poll.answer, request.timeoutSeconds * 1000);
      waiting = poll;
      onClose(() => settle() && resolve([]));
    });
  }

  const queue: UpdateQueue = {
    allowedUpdates: undefined,
    onPush: undefined,
    get size() {
      return entries.size;
    },
    pending: () => entries,
    push(body) {
      const kind = Object.keys(body).find((key) => key !== "update_id") ?? "";
      if (!wants(kind)) return undefined;
      const { update_id: givenId, ...rest } = body;
      const update: Update = { update_id: givenId ?? nextId, ...rest };
      const repeated = givenId !== undefined && givenId < nextId;
      nextId = Math.max(nextId, update.update_id + 1);
      const entry = { update, queueKey: queueKeyOf(kind, update), repeated };
      entries.add(entry);
      waiting?.answer();
      queue.onPush?.(entry);
      return update;
    },
    remove: (entry) => entries.delete(entry),
    clear: () => entries.clear(),
    async poll(request, onClose) {
      queue.endPoll("terminated by other getUpdates request; make sure that only one bot instance is running");
      confirm(request.offset);
      if (entries.size > 0 || request.timeoutSeconds === 0) return batch(request.limit);
      return await waitForUpdates(request, onClose);
    },
    endPoll: (reason) => waiting?.fail(new Refused(409, `Conflict: ${reason}`)),
  };
  return queue;
}

function queueKeyOf(kind: string, update: Update): string {
  // Tests bring updates that lack what Telegram's never do.
  const message = update.message ?? update.edited_message;
  if (message?.chat !== undefined) return `messages of ${message.chat.id}`;
  if (update.callback_query?.from !== undefined) return `presses of ${update.callback_query.from.id}`;
  const chat = update.my_chat_member?.chat ?? update.stopped_message_generation?.chat;
  return `${kind} of ${chat?.id ?? "all"}`;
}
