/** The part of a process that takes updates in: by webhook, by polling, or, in a worker beside `web` processes, not at all. */
import { Api } from "grammy";
import type { UserFromGetMe } from "grammy/types";
import { UnaddressableError } from "../base/errors.ts";
import type { InHand } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import { allowedUpdates } from "../ingress/allowed-updates.ts";
import { createIngress, type Ingress } from "../ingress/chain.ts";
import { createPolling } from "../ingress/polling.ts";
import { createRegistration, webhookPath } from "../ingress/registration.ts";
import { createWebhook } from "../ingress/webhook.ts";
import { createWebhookHealth, type WebhookHealth, type WebhookState } from "../ingress/webhook-health.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { HttpServerOptions } from "../server/http.ts";
import { createArrivals } from "../telegram/arrivals.ts";
import type { BotOptions } from "../telegram/bot.ts";
import { commandLines } from "../telegram/commands.ts";
import type { Identity } from "../telegram/identity.ts";
import { allowedBy } from "../telegram/senders.ts";
import { grammyTimeoutSeconds } from "../telegram/transport.ts";
import { textsFor } from "../texts/texts.ts";
import type { Engines } from "./engines.ts";

export interface AppEntranceDeps {
  readonly config: Config;
  readonly engines: Engines;
  readonly inHand: InHand;
  readonly client: BotOptions["client"];
  /** For the answers to presses that wait in their lane. */
  readonly api: Api;
  readonly alerts: Alerts;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Telegram refuses the token: no more updates will come. */
  onFatal(error: Error): void;
}

export interface AppEntrance {
  /** Telegram as this process sees it, in a few words. */
  readonly telegram: string;
  /** Whether Telegram has told us who we are. */
  readonly known: boolean;
  /** How the webhook does, also that of other processes; undefined where there is none, and before the first look. */
  readonly webhook: WebhookState | undefined;
  /** Undefined until it is open, and where nothing is taken in. */
  readonly ingress: Ingress | undefined;
  /** Whether updates are stored: the last one was, or some time has passed since one was not. */
  readonly storing: boolean;
  /** Asks Telegram who we are, until it answers. Rejects with a `StartError` when it refuses the token. */
  introduce(): Promise<UserFromGetMe>;
  /** Begins to take updates. Rejects when `stop` comes before Telegram has taken the webhook. */
  open(identity: Identity): Promise<void>;
  /** Takes nothing more. */
  stop(): Promise<void>;
}

/** While an update cannot be stored, it is delivered again sooner than this. */
const refusalCountsMs = 12_000;

/** Of processes that start together, the one that has the webhook has set it by then. */
const lookBesideAfterMs = 20_000;

/** Creates the entrance of a process; closed until `open`. */
export function createAppEntrance(deps: AppEntranceDeps): AppEntrance {
  const { config, engines, log, metrics } = deps;
  const { webhook } = config.telegram;
  const stopped = new AbortController();
  let telegram = "starting";
  let known = false;
  let ingress: Ingress | undefined;
  let health: WebhookHealth | undefined;
  let closePolling: (() => Promise<void>) | undefined;

  const api = new Api(config.telegram.token, { ...deps.client, timeoutSeconds: grammyTimeoutSeconds });
  const registration = createRegistration({
    api,
    log,
    onCall: (method, status) => metrics.telegramCalled(method, status),
    onTrouble() {
      telegram = "out of reach";
    },
    signal: stopped.signal,
  });

  function createChain(identity: Identity): Ingress {
    const { store } = engines;
    const { inHand, api } = deps;
    const access = { allowed: allowedBy(config.access), admins: config.access.admins };
    const arrivals = createArrivals({ identity, inHand, ...access, store, api, textsFor, log });
    return createIngress({
      token: config.telegram.token,
      me: identity.me,
      async address(update) {
        if (engines.queue.hung(update.update_id))
          throw new UnaddressableError("the process hung each time that this arrived");
        return await arrivals.address(update);
      },
      onQueued: (update, addressed) => arrivals.queued(update, addressed),
      rateLimiter: engines.rateLimiter,
      commandLimiter: engines.commandLimiter,
      queue: { known: (updateId) => noting(engines.queue.known(updateId)), enqueue },
      log,
      now: () => Date.now(),
      onUpdate(kind, result, updateId) {
        metrics.updateReceived(kind, result);
        if (result === "rate-limited") metrics.rateLimited();
        if (result === "lane-full") metrics.laneFullDropped();
        if (result !== "dead") return;
        metrics.updateDied();
        deps.alerts.raise({ kind: "dead-update", updateId });
      },
    });
  }

  let refusedAt: number | undefined;
  async function noting<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (error) {
      refusedAt = performance.now();
      throw error;
    }
  }

  const enqueue: Engines["queue"]["enqueue"] = async (update) => {
    const begun = performance.now();
    const result = await noting(engines.queue.enqueue(update));
    metrics.enqueued(performance.now() - begun);
    refusedAt = undefined;
    return result;
  };

  function startPolling(into: Ingress, mayPoll = () => true) {
    return createPolling({
      api,
      allowedUpdates,
      consume: (updates) => into.accept(updates),
      mayPoll,
      log,
      onState(state) {
        telegram = state;
      },
      onFatal: (error) => deps.onFatal(error instanceof Error ? error : new Error(String(error))),
    });
  }

  /** Polls while this process is the elected one. After being frozen it knows by `leading` before its signal tells it. */
  async function pollAsElected(into: Ingress, signal: AbortSignal, leading: () => boolean): Promise<void> {
    metrics.pollerElected(true);
    log.info({}, "this process polls");
    const polling = startPolling(into, leading);
    const step = () => void polling.stop();
    signal.addEventListener("abort", step, { once: true });
    if (signal.aborted) step();
    await polling.done;
    signal.removeEventListener("abort", step);
    metrics.pollerElected(false);
    telegram = "polled by another process";
  }

  function watchWebhook(which: { readonly url: string | undefined; readonly firstMs?: number }): WebhookHealth {
    health = createWebhookHealth({
      ...which,
      api,
      log,
      onLook({ pendingUpdates, trouble }) {
        metrics.webhookSeen(pendingUpdates, trouble === undefined);
        telegram = trouble === undefined ? "webhook set" : "webhook in trouble";
        if (trouble !== undefined) deps.alerts.raise({ kind: "webhook-failing", reason: trouble, pendingUpdates });
      },
      signal: stopped.signal,
    });
    return health;
  }

  function openPolling(into: Ingress): void {
    if (webhook !== undefined) log.warn({}, "WEBHOOK_URL is set, but npm run dev always polls");
    if (engines.shared === undefined) {
      metrics.pollerElected(true);
      const polling = startPolling(into);
      closePolling = () => polling.stop();
      return;
    }
    telegram = "polled by another process";
    const campaign = engines.shared.poller.campaign((signal) => pollAsElected(into, signal, () => campaign.leading));
    closePolling = () => campaign.stop();
  }

  return {
    get telegram() {
      return telegram;
    },
    get known() {
      return known;
    },
    get webhook() {
      return health?.state;
    },
    get storing() {
      // Kept away for good, Telegram would never bring the update that shows that storing works again.
      return refusedAt === undefined || performance.now() - refusedAt > refusalCountsMs;
    },
    get ingress() {
      return ingress;
    },
    async introduce() {
      const me = await registration.introduce();
      known = true;
      telegram = "known";
      return me;
    },
    async open(identity) {
      if (stopped.signal.aborted) return;
      // Where processes are split, those that take updates in tell Telegram where to bring them. Only the others can notice that
      // none of those is left.
      if (entranceOf(config) === "none") return watchWebhook({ url: undefined, firstMs: lookBesideAfterMs }).watch();
      ingress = createChain(identity);
      const texts = textsFor(undefined);
      const menu = commandLines(texts, "everybody").map(({ name, description }) => ({ command: name, description }));
      void registration.setMenu(menu);
      void registration.describe({ long: texts.description, short: texts.shortDescription });
      if (webhook === undefined || entranceOf(config) === "polling") return openPolling(ingress);
      const looks = watchWebhook({ url: `${webhook.url}${webhookPath}` });
      await looks.prepare();
      await registration.setWebhook(webhook);
      telegram = "webhook set";
      looks.watch();
    },
    async stop() {
      stopped.abort();
      await closePolling?.();
    },
  };
}

/** How this process takes updates in: not at all as a worker beside processes that have the webhook. */
export function entranceOf({ mode, telegram }: Config): "webhook" | "polling" | "none" {
  if (mode === "dev" || telegram.webhook === undefined) return "polling";
  return mode === "worker" ? "none" : "webhook";
}

/** The route of the webhook, in a process that has one. Until the ingress is open Telegram is asked to come again. */
export function webhookRoute(
  config: Config,
  ingress: () => Ingress | undefined,
  log: Logger,
): Pick<HttpServerOptions, "webhook"> {
  const { webhook } = config.telegram;
  if (webhook === undefined || entranceOf(config) !== "webhook") return {};
  let handler: ReturnType<typeof createWebhook> | undefined;
  return {
    webhook: {
      // A proxy in front of us may strip the path of the public address.
      paths: [...new Set([`${new URL(webhook.url).pathname.replace(/\/$/, "")}${webhookPath}`, webhookPath])],
      async handler(request, response) {
        const into = ingress();
        if (into === undefined) {
          request.resume();
          response.writeHead(503, { "retry-after": "2" }).end();
          return;
        }
        handler ??= createWebhook(into.bot, { secret: webhook.secret, log });
        await handler(request, response);
      },
    },
  };
}
