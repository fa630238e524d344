/**
 * Whose turn it is in a chat: one request in flight, previews spaced, everything held after a 429. Several answers in one
 * chat take turns; what is urgent overtakes previews.
 */
import { ParleyError } from "../base/errors.ts";
import { longestTimerMs } from "../base/long-wait.ts";
import type { LoopDelay } from "../base/loop-delay.ts";
import { createPreviewBudget } from "./preview-budget.ts";

/** How long a request waits for its chat: `now` for neither spacing nor previews, a preview for its spacing. */
export type Pace = "now" | "edit" | "draft";

export interface Spacing {
  /** Milliseconds from the end of one request of a chat to its next preview. */
  readonly privateEditMs: number;
  readonly groupEditMs: number;
  readonly draftMs: number;
}

/** Edits share Telegram's budget for messages: about one a second in a chat, twenty a minute in a group. */
export const defaultSpacing: Spacing = { privateEditMs: 1100, groupEditMs: 3100, draftMs: 400 };

interface Waiter {
  readonly pace: Pace;
  start(): void;
  giveUp(): void;
}

interface Chat {
  readonly id: number;
  busy: boolean;
  /** Times of `performance.now()`. */
  heldUntil: number;
  lastEndedAt: number;
  readonly waiting: Waiter[];
  timer: NodeJS.Timeout | undefined;
}

export interface ChatGate {
  /** The process has more to do than it can: what is worth little should not be done at all. */
  readonly overloaded: boolean;
  /** Whether a request could start at once. */
  free(chatId: number): boolean;
  /** Whether nothing goes to this chat for now. */
  held(chatId: number): boolean;
  /** Resolves when the request may start; `leave` must follow. Rejects when `signal` is aborted first, or the gate stops. */
  enter(chatId: number, pace: Pace, signal?: AbortSignal): Promise<void>;
  /** The request has ended. A `quiet` one (a typing action) does not push the next preview away. */
  leave(chatId: number, pace: Pace, quiet?: boolean): void;
  /** Nothing goes to this chat for so long. Milliseconds. */
  hold(chatId: number, milliseconds: number): void;
  /** Rejects all that waits. */
  stop(): void;
}

/** Creates the gate of one process. At most `maxPreviews` previews are in flight in all chats together; fewer while `loop` is late. */
export function createChatGate(spacing: Spacing, maxPreviews: number, loop?: LoopDelay): ChatGate {
  const chats = new Map<number, Chat>();
  const crowded = new Set<Chat>();
  const budget = createPreviewBudget(maxPreviews);
  const endMeasuring = loop?.onMeasured(budget.observe);
  let previews = 0;
  let sweepAt = 1000;
  let stopped = false;

  function chatOf(id: number): Chat {
    let chat = chats.get(id);
    if (chat === undefined) {
      if (chats.size >= sweepAt) sweep();
      chat = { id, busy: false, heldUntil: 0, lastEndedAt: 0, waiting: [], timer: undefined };
      chats.set(id, chat);
    }
    return chat;
  }

  function sweep(): void {
    const now = performance.now();
    for (const [id, chat] of chats) {
      const idle = !chat.busy && chat.waiting.length === 0 && chat.heldUntil < now;
      if (idle && chat.lastEndedAt + spacing.groupEditMs < now) chats.delete(id);
    }
    sweepAt = Math.max(1000, 2 * chats.size);
  }

  function held(chatId: number): boolean {
    return (chats.get(chatId)?.heldUntil ?? 0) > performance.now();
  }

  function startsAt(chat: Chat, pace: Pace): number {
    if (pace === "now") return chat.heldUntil;
    const edit = chat.id > 0 ? spacing.privateEditMs : spacing.groupEditMs;
    return Math.max(chat.heldUntil, chat.lastEndedAt + (pace === "draft" ? spacing.draftMs : edit));
  }

  function advance(chat: Chat): void {
    if (chat.busy || stopped) return;
    clearTimeout(chat.timer);
    const urgent = chat.waiting.findIndex((waiter) => waiter.pace === "now");
    const index = Math.max(urgent, 0);
    const next = chat.waiting[index];
    if (next === undefined) return;
    const waitMs = startsAt(chat, next.pace) - performance.now();
    if (waitMs > 0) {
      chat.timer = setTimeout(advance, Math.min(Math.ceil(waitMs), longestTimerMs), chat);
      return;
    }
    if (next.pace !== "now") {
      if (previews >= budget.most) {
        crowded.add(chat);
        return;
      }
      previews += 1;
    }
    chat.waiting.splice(index, 1);
    chat.busy = true;
    next.start();
  }

  function endPreview(): void {
    previews -= 1;
    for (const chat of crowded) {
      if (previews >= budget.most) return;
      crowded.delete(chat);
      advance(chat);
    }
  }

  return {
    get overloaded() {
      return budget.most < maxPreviews / 2;
    },
    free: (chatId) => chats.get(chatId)?.busy !== true && !held(chatId),
    held,
    enter(chatId, pace, signal) {
      const chat = chatOf(chatId);
      return new Promise((resolve, reject) => {
        if (signal?.aborted || stopped) {
          reject(givenUp());
          return;
        }
        const waiter: Waiter = {
          pace,
          start() {
            signal?.removeEventListener("abort", waiter.giveUp);
            resolve();
          },
          giveUp() {
            signal?.removeEventListener("abort", waiter.giveUp);
            const index = chat.waiting.indexOf(waiter);
            if (index !== -1) chat.waiting.splice(index, 1);
            reject(givenUp());
            advance(chat);
          },
        };
        signal?.addEventListener("abort", waiter.giveUp, { once: true });
        chat.waiting.push(waiter);
        advance(chat);
      });
    },
    leave(chatId, pace, quiet = false) {
      const chat = chatOf(chatId);
      chat.busy = false;
      if (!quiet) chat.lastEndedAt = performance.now();
      if (pace !== "now") endPreview();
      advance(chat);
    },
    hold(chatId, milliseconds) {
      const chat = chatOf(chatId);
      chat.heldUntil = Math.max(chat.heldUntil, performance.now() + milliseconds);
    },
    stop() {
      stopped = true;
      endMeasuring?.();
      for (const chat of chats.values()) {
        clearTimeout(chat.timer);
        for (const waiter of [...chat.waiting]) waiter.giveUp();
      }
    },
  };
}

/** Rejection of a call whose turn never came. */
export function givenUp(): ParleyError {
  return new ParleyError("call-given-up", "the call was given up before its turn came", { retryable: true });
}
