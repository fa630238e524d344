/** What Telegram is told and asked at a start: who we are, the menu of commands, the descriptions, where updates shall go. */
import { type Api, GrammyError } from "grammy";
import type { BotCommand, UserFromGetMe } from "grammy/types";
import { messageOf, StartError } from "../base/errors.ts";
import { insist } from "../base/insist.ts";
import type { Logger } from "../base/log.ts";
import { retryAfterMs } from "../base/long-wait.ts";
import type { WebhookConfig } from "../config/config.ts";
import { allowedUpdates } from "./allowed-updates.ts";

/** Below the path of `WEBHOOK_URL`. Not secret: the secret token is. */
export const webhookPath = "/telegram";
/** Telegram's limit: it delivers so many chats' updates side by side. */
const webhookConnections = 100;
const firstPauseMs = 500;
const longestPauseMs = 15_000;

/** What ends the process when Telegram refuses the token, at the start or later. */
export function tokenRefused(): StartError {
  return new StartError(["BOT_TOKEN is refused by Telegram; copy the token that @BotFather shows for this bot."]);
}

export interface RegistrationDeps {
  readonly api: Pick<
    Api,
    | "getMe"
    | "setMyCommands"
    | "setWebhook"
    | "getMyDescription"
    | "setMyDescription"
    | "getMyShortDescription"
    | "setMyShortDescription"
  >;
  readonly log: Logger;
  onCall(method: string, status: number | "network"): void;
  /** Telegram did not answer a call that the start waits for; it is repeated. */
  onTrouble(): void;
  /** Ends the repetition. */
  readonly signal: AbortSignal;
}

export interface Registration {
  /** Rejects with a `StartError` when Telegram refuses the token, and when the signal is aborted. */
  introduce(): Promise<UserFromGetMe>;
  /** A menu that cannot be set is only logged. */
  setMenu(commands: readonly BotCommand[]): Promise<void>;
  /** Fills in the descriptions that the bot does not have; its owner's own ones stay. Tried once; a failure is only logged. */
  describe(descriptions: Descriptions): Promise<void>;
  setWebhook(webhook: WebhookConfig): Promise<void>;
}

/** What people read about the bot before they write to it. */
export interface Descriptions {
  /** In the empty chat; up to 512 characters. */
  readonly long: string;
  /** In the profile; up to 120 characters. */
  readonly short: string;
}

/** Creates the calls of a start. Each is repeated until Telegram answers. */
export function createRegistration(deps: RegistrationDeps): Registration {
  const { api, log, signal } = deps;

  function repeated<T>(
    method: string,
    call: () => Promise<T>,
    onTrouble: (error: unknown) => void = deps.onTrouble,
  ): Promise<T> {
    return insist(() => attempt(method, call), {
      signal,
      afterMs(error, failures) {
        const refusal = error instanceof GrammyError ? error : undefined;
        // A token that is none; one that was revoked (401) is noticed below, at every call.
        if (refusal?.error_code === 404) throw tokenRefused();
        onTrouble(error);
        const retryAfter = refusal?.parameters.retry_after;
        const pauseMs = Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
        const waitMs = retryAfter === undefined ? pauseMs : retryAfterMs(retryAfter);
        log.warn({ method, reason: messageOf(error), waitMs }, "Telegram did not do as asked; trying again");
        return waitMs;
      },
    });
  }

  /** One call. */
  async function attempt<T>(method: string, call: () => Promise<T>): Promise<T> {
    try {
      const result = await call();
      deps.onCall(method, 200);
      return result;
    } catch (error) {
      deps.onCall(method, error instanceof GrammyError ? error.error_code : "network");
      throw error;
    }
  }

  async function fillIn(name: string, read: () => Promise<string>, write: () => Promise<unknown>): Promise<void> {
    try {
      if ((await attempt(`getMy${name}`, read)) === "") await attempt(`setMy${name}`, write);
    } catch (error) {
      if (!signal.aborted) log.warn({ reason: messageOf(error) }, "a description of the bot could not be set");
    }
  }

  return {
    introduce: () => repeated("getMe", async () => ourselves(await api.getMe())),
    async setMenu(commands) {
      try {
        // Updates come without it, too: that it has to wait says nothing about them. What is wrong with it stays wrong.
        await repeated(
          "setMyCommands",
          () => api.setMyCommands(commands),
          (error) => {
            if (error instanceof GrammyError && error.error_code === 400) throw error;
          },
        );
      } catch (error) {
        if (!signal.aborted)
          log.warn({ reason: messageOf(error) }, "the menu of commands could not be set; it stays as it was");
      }
    },
    async describe({ long, short }) {
      const readLong = async () => (await api.getMyDescription()).description;
      await fillIn("Description", readLong, () => api.setMyDescription(long));
      const readShort = async () => (await api.getMyShortDescription()).short_description;
      await fillIn("ShortDescription", readShort, () => api.setMyShortDescription(short));
    },
    async setWebhook({ url, secret }) {
      await repeated("setWebhook", () =>
        api.setWebhook(`${url}${webhookPath}`, {
          secret_token: secret,
          allowed_updates: [...allowedUpdates],
          max_connections: webhookConnections,
        }),
      );
      log.info({ url: `${url}${webhookPath}` }, "webhook set");
    },
  };
}

/** Who we are, as `getMe` says. Throws when it does not: without id and name no message could be told to be for us. */
export function ourselves(me: Partial<UserFromGetMe> | null | undefined): UserFromGetMe {
  if (typeof me?.id === "number" && typeof me.username === "string") return me as UserFromGetMe;
  throw new Error("the answer does not say who we are");
}
