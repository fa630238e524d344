/** The emulated Bot API on its own, and ways to call it. */
import type { Server } from "node:http";
import type { MessageEntity, Update } from "grammy/types";
import { afterEach, beforeEach, expect } from "vitest";
import { type BotApi, type BotApiOptions, createBotApi } from "../../src/playground/bot-api/bot-api.ts";
import { patienceMs } from "./patience.ts";
import { ada } from "./wrong-calls.ts";

export const token = "42:a-token_of-the-playground";
export const patience = { timeout: patienceMs, interval: 10 };

export interface Answer {
  readonly ok: boolean;
  readonly result?: unknown;
  readonly error_code?: number;
  readonly description?: string;
  readonly parameters?: Record<string, number>;
}

export const ids = (list: readonly Update[]) => list.map((update) => update.update_id);
export const bold = (offset: number, length: number): MessageEntity => ({ type: "bold", offset, length });

export function textsOf(list: readonly Update[]): (string | undefined)[] {
  return list.map(({ message }) => message?.text);
}

/** To be called at the top of a file: each of its tests begins with a Bot API without chats. */
export function createBotApiScene() {
  let started: BotApi | undefined;
  const scene = {
    /** Closed after the test. */
    hooks: [] as Server[],
    get api(): BotApi {
      if (started === undefined) throw new Error("the Bot API is started before each test, not before");
      return started;
    },
    async restart(options: Partial<BotApiOptions>): Promise<void> {
      await started?.stop();
      started = await createBotApi({ token, ...options });
    },
    async post(method: string, params: object = {}): Promise<{ status: number; body: Answer }> {
      const response = await fetch(`${scene.api.url}/bot${token}/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(params),
      });
      return { status: response.status, body: (await response.json()) as Answer };
    },
    /** The result of a call that must succeed. */
    async call<T = unknown>(method: string, params: object = {}): Promise<T> {
      const { body } = await scene.post(method, params);
      expect(body.description).toBeUndefined();
      return body.result as T;
    },
    updates: (params: object = {}) => scene.call<Update[]>("getUpdates", params),
    /** A private chat with `count` messages in it. */
    chatWith(count: number, userId = ada): number {
      const { user } = scene.api;
      const chatId = user.createPrivateChat({ userId, firstName: "Ada", username: "ada" });
      for (let index = 1; index <= count; index += 1) user.sendText(chatId, userId, `message ${index}`);
      return chatId;
    },
  };

  beforeEach(async () => {
    scene.hooks = [];
    started = await createBotApi({ token });
  });
  afterEach(async () => {
    await started?.stop();
    for (const hook of scene.hooks) {
      hook.closeAllConnections();
      hook.close();
    }
  });
  return scene;
}
