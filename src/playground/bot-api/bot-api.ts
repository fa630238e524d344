/**
 * A small Bot API on the loopback address, strict where Telegram is: it refuses what Telegram refuses, in Telegram's
 * words, and what it would mend in silence it writes down. The bot talks to it over HTTP only; people, faults and the
 * view of what stands in the chats are on the handle. It knows nothing of the bot.
 */
import type { BotCommand, User } from "grammy/types";
import { ParleyError } from "../../base/errors.ts";
import { defaultScope, descriptionOf } from "./commands.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createBotApiHttp } from "./http.ts";
import { createMethods } from "./methods.ts";
import { createUserSide, type UserSide } from "./people.ts";
import { createPresses } from "./presses.ts";
import { createTelegramState } from "./state.ts";
import type { ApiCall, BotApiEvent, ChatView, StoredFile } from "./types.ts";
import type { Delivery } from "./update-methods.ts";
import { createUpdateQueue } from "./updates.ts";
import { viewOf } from "./views.ts";

export type * from "./types.ts";

export interface BotApiOptions {
  readonly token: string;
  /** 0, the default, takes a free port. */
  readonly port?: number;
  /** The number that a token begins with, when left out. */
  readonly botId?: number;
  /** Of the first update. */
  readonly firstUpdateId?: number;
  /** Keeps the log of calls, the newest `maxCalls` of them (50,000); true. */
  readonly keepCalls?: boolean;
  readonly maxCalls?: number;
  /** Keeps every state of every message and draft, and what was deleted; true. */
  readonly keepViews?: boolean;
  /** Milliseconds that a draft is shown without a word from the bot: 30,000. */
  readonly draftMs?: number;
  /** What it keeps of the files that were sent, the newest of them: 64 MiB. */
  readonly keptFileBytes?: number;
  /** Milliseconds in which a pressed button can be answered: 60,000. */
  readonly pressMs?: number;
  /** Milliseconds before a webhook's second repetition: 1,000. The first comes at once. */
  readonly webhookRetryMs?: number;
}

export interface BotApi {
  /** `http://127.0.0.1:PORT`, for `TELEGRAM_API_ROOT`. */
  readonly url: string;
  readonly bot: User;
  /** Gives the bot another name; nobody is told. */
  rename(username: string): void;
  readonly user: UserSide;
  /** The newest last; grows while it is looked at. */
  readonly calls: readonly ApiCall[];
  /** What Telegram would mend or pass over in silence, and a bot should not have sent. */
  readonly violations: readonly string[];
  readonly faults: Faults;
  /** Tells every change from now on; returns the function that ends it. */
  onEvent(listener: (event: BotApiEvent) => void): () => void;
  /** Throws when there is no such chat. */
  chat(chatId: number): ChatView;
  /** In the order of their creation. */
  chats(): readonly ChatView[];
  /** The menu that everybody sees. */
  commands(): readonly BotCommand[];
  /** What everybody reads in an empty chat with the bot; empty when nobody has set it. */
  description(): string;
  file(fileId: string): StoredFile | undefined;
  /** Updates that the bot has not confirmed. */
  updatesPending(): number;
  /** Forgets the log of calls and the violations. */
  clearLog(): void;
  stop(): Promise<void>;
}

const mostViolations = 1000;

/** Starts listening on 127.0.0.1. Rejects when the port is taken. */
export async function createBotApi(options: BotApiOptions): Promise<BotApi> {
  const maxCalls = options.maxCalls ?? 50_000;
  const keepCalls = options.keepCalls ?? true;
  const listeners = new Set<(event: BotApiEvent) => void>();
  const calls: ApiCall[] = [];
  const violations: string[] = [];
  let callCount = 0;

  const bot: User = {
    id: options.botId ?? (Number.parseInt(options.token, 10) || 1),
    is_bot: true,
    first_name: "Parley",
    username: "parley_bot",
  };
  const emit = (event: BotApiEvent) => {
    for (const listener of listeners) listener(event);
  };
  const onViolation = (what: string) => {
    if (violations.length < mostViolations) violations.push(what);
  };
  const state = createTelegramState({
    bot,
    keepViews: options.keepViews ?? true,
    draftMs: options.draftMs ?? 30_000,
    keptFileBytes: options.keptFileBytes ?? 64 * 2 ** 20,
    emit,
  });
  const queue = createUpdateQueue(options.firstUpdateId ?? 1);
  const presses = createPresses(options.pressMs ?? 60_000, (press, answer) =>
    emit({ type: "callback-answered", ...press, ...answer }),
  );
  const delivery: Delivery = {
    queue,
    webhookRetryMs: options.webhookRetryMs ?? 1000,
    webhook: undefined,
    onViolation,
  };
  const faults = createFaults();
  const http = await createBotApiHttp({
    token: options.token,
    port: options.port ?? 0,
    methods: createMethods({ state, presses, delivery, onViolation }),
    faults,
    files: state.files,
    logsCalls: () => keepCalls || listeners.size > 0,
    onCall(entry) {
      callCount += 1;
      const call: ApiCall = { id: callCount, ...entry };
      if (keepCalls) calls.push(call);
      // Cut in larger steps: moving a long list costs time.
      if (calls.length > maxCalls * 1.1) calls.splice(0, calls.length - maxCalls);
      emit({ type: "call", call });
    },
  });

  return {
    url: http.url,
    bot,
    rename(username) {
      bot.username = username;
    },
    user: createUserSide(state, queue, presses),
    calls,
    violations,
    faults,
    onEvent(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    chat(chatId) {
      const record = state.chats.get(chatId);
      if (record === undefined) throw new ParleyError("playground-no-chat", `there is no chat ${chatId}`);
      return viewOf(record);
    },
    chats: () => [...state.chats.values()].map(viewOf),
    commands: () => state.commands.get(defaultScope) ?? [],
    description: () => descriptionOf(state),
    file: (fileId) => state.files.get(fileId),
    updatesPending: () => queue.size,
    clearLog() {
      calls.length = 0;
      violations.length = 0;
    },
    async stop() {
      delivery.webhook?.stop();
      presses.stop();
      state.stop();
      await http.stop();
    },
  };
}
