/**
 * All waiting and repeating on the way to Telegram, in one place: one request in flight a chat, the spacing of previews,
 * the hold after a 429, and the repetition of what failed in transport. No other limiter stands beside it: only a
 * 429 slows us, and only its chat.
 */
import { type ApiCallFn, HttpError, type RawApi, type Transformer } from "grammy";
import { messageOf, ParleyError } from "../errors.ts";

/** How long a request waits for its chat: `now` for neither spacing nor previews, a preview for its spacing. */
export type Pace = "now" | "edit" | "draft";

export interface Spacing {
  /** Milliseconds from the end of one request of a chat to its next preview. */
  readonly privateEditMs: number;
  readonly groupEditMs: number;
  readonly draftMs: number;
}

/** Bot API 10.3 clients show edits well at these distances, and Telegram rarely answers 429 to them. */
export const defaultSpacing: Spacing = { privateEditMs: 1100, groupEditMs: 3100, draftMs: 400 };

export interface OutboxDeps {
  readonly log: { warn(details: object, message: string): void };
  /** Told each answer of Telegram: `status` is an HTTP-like code, or `network` when there was none. */
  onCall(method: string, status: number | "network", durationMs: number): void;
  onHold(): void;
  readonly spacing?: Spacing;
  /** How long a request is repeated that fails in transport or with 5xx; a 429 is waited for as long as it takes. */
  readonly giveUpAfterMs?: number;
  /** Previews in flight at once in all chats: what is more waits, so that first texts and ends overtake them. */
  readonly maxPreviews?: number;
}

export interface Outbox {
  /** Installed on the bot's API. Calls that name a chat wait for it and are repeated until they have an answer. */
  readonly transformer: Transformer;
  /**
   * Runs `task` when the chat's turn for it has come. API calls that carry the signal which it is given are sent at once
   * and once: their failure reaches the caller, who knows a newer text by then. Rejects when `signal` is aborted before
   * the turn came.
   */
  run<T>(chatId: number, pace: Pace, task: (admitted: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Rejects all that waits or would be repeated: the process is about to end. */
  stop(): void;
}

interface Waiter {
  readonly pace: Pace;
  start(): void;
  giveUp(): void;
}

interface Chat {
  readonly id: number;
  busy: boolean;
  heldUntil: number;
  lastEndedAt: number;
  readonly waiting: Waiter[];
  timer: NodeJS.Timeout | undefined;
}

/** Calls about a chat that are worth nothing when late. */
const fleeting: ReadonlySet<string> = new Set(["sendChatAction", "sendMessageDraft"]);

/** Creates the outbox of one bot. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const spacing = deps.spacing ?? defaultSpacing;
  const giveUpAfterMs = deps.giveUpAfterMs ?? 150_000;
  const maxPreviews = deps.maxPreviews ?? 150;
  const chats = new Map<number, Chat>();
  const admitted = new WeakSet<AbortSignal>();
  const sleepers = new Set<() => void>();
  let stopped = false;
  const crowded = new Set<Chat>();
  let previews = 0;
  let sweepAt = 1000;

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

  /** When a request of this pace may start, in the time of `performance.now()`. */
  function startsAt(chat: Chat, pace: Pace): number {
    if (pace === "now") return chat.heldUntil;
    const edit = chat.id > 0 ? spacing.privateEditMs : spacing.groupEditMs;
    return Math.max(chat.heldUntil, chat.lastEndedAt + (pace === "draft" ? spacing.draftMs : edit));
  }

  function advance(chat: Chat): void {
    if (chat.busy || stopped) return;
    clearTimeout(chat.timer);
    chat.timer = undefined;
    const urgent = chat.waiting.findIndex((waiter) => waiter.pace === "now");
    const index = urgent === -1 ? 0 : urgent;
    const next = chat.waiting[index];
    if (next === undefined) return;
    const waitMs = startsAt(chat, next.pace) - performance.now();
    if (waitMs > 0) {
      chat.timer = setTimeout(advance, Math.ceil(waitMs), chat);
      return;
    }
    if (next.pace !== "now" && previews >= maxPreviews) {
      crowded.add(chat);
      return;
    }
    chat.waiting.splice(index, 1);
    chat.busy = true;
    if (next.pace !== "now") previews += 1;
    next.start();
  }

  function release(chat: Chat, pace: Pace): void {
    chat.busy = false;
    chat.lastEndedAt = performance.now();
    if (pace !== "now") {
      previews -= 1;
      for (const other of crowded) {
        crowded.delete(other);
        advance(other);
        if (previews >= maxPreviews) break;
      }
    }
    advance(chat);
  }

  /** Resolves when the request may start; the caller must `release`. */
  function acquire(chat: Chat, pace: Pace, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted || stopped) {
        reject(stoppedError());
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
          reject(stoppedError());
          if (!stopped) advance(chat);
        },
      };
      signal?.addEventListener("abort", waiter.giveUp, { once: true });
      chat.waiting.push(waiter);
      advance(chat);
    });
  }

  /** Waits before a repetition; rejects when the outbox is stopped. */
  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (stopped) {
        reject(stoppedError());
        return;
      }
      const wake = () => {
        clearTimeout(timer);
        sleepers.delete(wake);
        if (stopped) reject(stoppedError());
        else resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      sleepers.add(wake);
    });
  }

  function hold(chat: Chat, seconds: number): void {
    chat.heldUntil = Math.max(chat.heldUntil, performance.now() + seconds * 1000);
    deps.onHold();
  }

  type Call = Parameters<ApiCallFn<RawApi>>;

  async function once(prev: ApiCallFn<RawApi>, call: Call) {
    const [method, payload, signal] = call;
    const startedAt = performance.now();
    try {
      const response = await prev(method, payload, signal);
      deps.onCall(method, response.ok ? 200 : response.error_code, performance.now() - startedAt);
      if (!response.ok && response.error_code === 429) {
        const chatId = chatIdOf(payload);
        if (chatId !== undefined) hold(chatOf(chatId), response.parameters?.retry_after ?? 1);
      }
      return response;
    } catch (error) {
      deps.onCall(method, "network", performance.now() - startedAt);
      throw error;
    }
  }

  /** Repeats a call until Telegram has answered it with something other than 429 or 5xx. */
  async function patiently(prev: ApiCallFn<RawApi>, call: Call, giveUpMs: number) {
    const [method, payload] = call;
    const deadline = performance.now() + giveUpMs;
    for (let attempt = 1; ; attempt++) {
      const last = performance.now() > deadline;
      try {
        const response = await once(prev, call);
        if (response.ok) return response;
        const migratedTo = response.parameters?.migrate_to_chat_id;
        if (migratedTo !== undefined && chatIdOf(payload) !== migratedTo) {
          Object.assign(payload, { chat_id: migratedTo });
          continue;
        }
        if (response.error_code === 429) {
          await pause((response.parameters?.retry_after ?? 1) * 1000);
          continue;
        }
        if (response.error_code < 500 || last) return response;
        deps.log.warn({ method, status: response.error_code, attempt }, "Telegram failed; the call is repeated");
      } catch (error) {
        if (!(error instanceof HttpError) || last || stopped) throw error;
        deps.log.warn({ method, attempt, reason: messageOf(error) }, "Telegram is out of reach; the call is repeated");
      }
      await pause(Math.min(500 * 2 ** (attempt - 1), 15_000));
    }
  }

  const transformer: Transformer = async (prev, method, payload, signal) => {
    const call: Call = [method, payload, signal];
    const native = signal as unknown as AbortSignal | undefined;
    if (native !== undefined && admitted.has(native)) return (await once(prev, call)) as never;
    const chatId = chatIdOf(payload);
    if (chatId === undefined) {
      // A button waits for its answer some seconds; other calls that name no chat are repeated by those who make them.
      const answers = method === "answerCallbackQuery";
      return (await (answers ? patiently(prev, call, 10_000) : once(prev, call))) as never;
    }
    const chat = chatOf(chatId);
    if (fleeting.has(method)) {
      if (chat.busy || chat.heldUntil > performance.now()) return { ok: true, result: true } as never;
      await acquire(chat, "now", native);
      try {
        return (await once(prev, call)) as never;
      } finally {
        releaseQuietly(chat);
      }
    }
    await acquire(chat, "now", native);
    try {
      return (await patiently(prev, call, giveUpAfterMs)) as never;
    } finally {
      release(chat, "now");
    }
  };

  /** After a typing action: it is no message, so it does not push the next preview away. */
  function releaseQuietly(chat: Chat): void {
    chat.busy = false;
    advance(chat);
  }

  return {
    transformer,
    async run(chatId, pace, task, signal) {
      const chat = chatOf(chatId);
      await acquire(chat, pace, signal);
      const permit = new AbortController().signal;
      admitted.add(permit);
      try {
        return await task(permit);
      } finally {
        release(chat, pace);
      }
    },
    stop() {
      stopped = true;
      for (const chat of chats.values()) {
        clearTimeout(chat.timer);
        for (const waiter of [...chat.waiting]) waiter.giveUp();
      }
      for (const wake of [...sleepers]) wake();
    },
  };
}

function chatIdOf(payload: unknown): number | undefined {
  if (typeof payload !== "object" || payload === null || !("chat_id" in payload)) return undefined;
  return typeof payload.chat_id === "number" ? payload.chat_id : undefined;
}

function stoppedError(): ParleyError {
  return new ParleyError("call-given-up", "the call was given up before its turn came", { retryable: true });
}
