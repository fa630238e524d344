/**
 * All waiting and repeating on the way to Telegram. No other limiter stands beside it: only a 429 slows us, and only its
 * chat.
 */
import { type ApiCallFn, HttpError, type RawApi, type Transformer } from "grammy";
import type { ApiError } from "grammy/types";
import { messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import { callAfter, retryAfterMs } from "../base/long-wait.ts";
import type { LoopDelay } from "../base/loop-delay.ts";
import { createChatGate, defaultSpacing, givenUp, type Pace, type Spacing } from "./chat-gate.ts";
import { isTopicGone } from "./telegram-errors.ts";

export interface OutboxDeps {
  readonly log: Pick<Logger, "warn">;
  /** Told each answer of Telegram: `status` is an HTTP-like code, or `network` when there was none. */
  onCall(method: string, status: number | "network"): void;
  /** Telegram asked (429) to leave a chat alone for so long; `chatId` is left out when the call named none. */
  onHold(milliseconds: number, chatId?: number): void;
  readonly spacing?: Spacing;
  /** Previews in flight at once in all chats: what is more waits, so that first texts and ends overtake them. */
  readonly maxPreviews?: number;
  /** While it is late there are fewer. */
  readonly loop?: LoopDelay;
}

export interface Outbox {
  /**
   * Installed on the bot's API. Calls that name a chat wait for it and are repeated until they have an answer. `log` is told
   * of those that failed; left out: the outbox's own.
   */
  transformer(log?: Pick<Logger, "warn">): Transformer;
  /**
   * Installed instead on an API for the calls of tasks that `run` has started: they are sent at once and once, and their
   * failure reaches the caller, who knows a newer text by then.
   */
  readonly admitted: Transformer;
  /** Runs `task` when the chat's turn for it has come. Rejects when `signal` is aborted before. */
  run<T>(chatId: number, pace: Pace, task: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** Nothing goes to this chat for so long: Telegram has asked another process. Milliseconds. */
  hold(chatId: number, milliseconds: number): void;
  /** Whether what goes to this chat now would have to wait. */
  held(chatId: number): boolean;
  /** Whether the process has more to do than it can: what is only nice to have waits. */
  late(): boolean;
  /** Rejects all that waits, is on its way or would be repeated: the process is about to end. */
  stop(): void;
}

type Call = Parameters<ApiCallFn<RawApi>>;
type Answer = Awaited<ReturnType<ApiCallFn<RawApi>>>;

/** Calls about a chat that are worth nothing when late. */
const fleeting: ReadonlySet<string> = new Set(["sendChatAction", "sendMessageDraft"]);
/** A pressed button waits for its answer so long; later it is of no use. */
const pressAnswerMs = 10_000;
const maxBackoffMs = 15_000;
/** Between that at which previews give way, and that at which nothing new begins. */
const mostLateMs = 100;
/** How long a call is repeated that fails in transport or with 5xx; a 429 is waited for as long as it takes. */
const giveUpAfterMs = 150_000;
/** To the supergroup that a group has become, and there out of a topic. */
const mostRedirections = 2;

/** Creates the outbox of one bot. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const gate = createChatGate(deps.spacing ?? defaultSpacing, deps.maxPreviews ?? 150, deps.loop);
  const sleepers = new Set<() => void>();
  const inFlight = new Set<AbortController>();
  let stopped = false;

  /** Waits before a repetition; rejects when the outbox is stopped. */
  function pause(milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = () => {
        cancel();
        sleepers.delete(wake);
        if (stopped) reject(givenUp());
        else resolve();
      };
      const cancel = callAfter(milliseconds, wake);
      sleepers.add(wake);
      if (stopped) wake();
    });
  }

  async function once(prev: ApiCallFn<RawApi>, call: Call, redirections = 0): Promise<Answer> {
    const [method, payload] = call;
    let next: Call | undefined;
    // A call that carries no signal of its own hangs at the end of the process only as long as we let it.
    const own = call[2] === undefined ? new AbortController() : undefined;
    if (own !== undefined) inFlight.add(own);
    const signal = call[2] ?? (own?.signal as unknown as Call[2]);
    try {
      const response = await prev(method, payload, signal);
      deps.onCall(method, response.ok ? 200 : response.error_code);
      if (!response.ok && response.error_code === 429) {
        const milliseconds = retryAfterMs(response.parameters?.retry_after);
        const chatId = chatIdOf(payload);
        if (chatId !== undefined) gate.hold(chatId, milliseconds);
        deps.onHold(milliseconds, chatId);
      }
      next = response.ok || redirections === mostRedirections ? undefined : redirected(call, response);
      if (next === undefined) return response;
      deps.log.warn(
        { method, reason: response.ok ? "" : response.description },
        "a call was refused where it was meant to go; it goes elsewhere",
      );
    } catch (error) {
      deps.onCall(method, "network");
      throw error;
    } finally {
      if (own !== undefined) inFlight.delete(own);
    }
    return await once(prev, next, redirections + 1);
  }

  /** Repeats a call until Telegram has answered it with something other than 429 or 5xx. */
  async function patiently(prev: ApiCallFn<RawApi>, call: Call, giveUpMs: number, log: Pick<Logger, "warn">) {
    const [method] = call;
    const deadline = performance.now() + giveUpMs;
    for (let failures = 0; ; ) {
      const last = performance.now() > deadline;
      try {
        const response = await once(prev, call);
        if (response.ok) return response;
        if (response.error_code === 429) {
          await pause(retryAfterMs(response.parameters?.retry_after));
          continue;
        }
        if (response.error_code < 500 || last) return response;
        log.warn({ method, status: response.error_code }, "Telegram failed; the call is repeated");
      } catch (error) {
        if (!(error instanceof HttpError) || last || stopped) throw error;
        log.warn({ method, reason: messageOf(error) }, "Telegram is out of reach; the call is repeated");
      }
      await pause(Math.min(500 * 2 ** failures, maxBackoffMs));
      failures += 1;
    }
  }

  async function carryOut(prev: ApiCallFn<RawApi>, call: Call, log: Pick<Logger, "warn">) {
    const [method, payload] = call;
    const signal = call[2] as unknown as AbortSignal | undefined;
    const chatId = chatIdOf(payload);
    if (chatId === undefined) {
      // Other calls that name no chat (getMe, setMyCommands) are repeated by those who make them.
      return await (method === "answerCallbackQuery" ? patiently(prev, call, pressAnswerMs, log) : once(prev, call));
    }
    const quiet = fleeting.has(method);
    if (quiet && (gate.overloaded || !gate.free(chatId))) return { ok: true as const, result: true };
    await gate.enter(chatId, "now", signal);
    try {
      return await (quiet ? once(prev, call) : patiently(prev, call, giveUpAfterMs, log));
    } finally {
      gate.leave(chatId, "now", quiet);
    }
  }

  return {
    transformer:
      (log = deps.log) =>
      async (prev, method, payload, signal) =>
        (await carryOut(prev as ApiCallFn<RawApi>, [method, payload, signal], log)) as never,
    admitted: async (prev, method, payload, signal) =>
      (await once(prev as ApiCallFn<RawApi>, [method, payload, signal])) as never,
    async run(chatId, pace, task, signal) {
      await gate.enter(chatId, pace, signal);
      try {
        return await task();
      } finally {
        gate.leave(chatId, pace);
      }
    },
    hold: gate.hold,
    held: gate.held,
    late: () => (deps.loop?.lateMs ?? 0) > mostLateMs,
    stop() {
      stopped = true;
      gate.stop();
      for (const wake of [...sleepers]) wake();
      for (const call of inFlight) call.abort();
    },
  };
}

/**
 * The same call to where it can go instead: to the supergroup that a group has become, or out of a topic that is closed or
 * gone. Undefined when there is no such place, and for what is about a message, which has no such id there; drafts follow
 * their message.
 */
function redirected([method, payload, signal]: Call, refusal: ApiError): Call | undefined {
  if ("message_id" in payload || method === "sendMessageDraft") return undefined;
  const { message_thread_id: thread, reply_parameters: _reply, ...rest } = payload as Record<string, unknown>;
  const chat = refusal.parameters?.migrate_to_chat_id;
  if (chat !== undefined && chat !== chatIdOf(payload)) return [method, { ...rest, chat_id: chat } as Call[1], signal];
  return thread !== undefined && isTopicGone(refusal.description) ? [method, rest as Call[1], signal] : undefined;
}

function chatIdOf(payload: unknown): number | undefined {
  if (typeof payload !== "object" || payload === null || !("chat_id" in payload)) return undefined;
  return typeof payload.chat_id === "number" ? payload.chat_id : undefined;
}
