/**
 * The composition root: with its two halves, the only files that know every part. It starts them in order and stops them in
 * reverse.
 */
import { flushCompileCache } from "node:module";
import { Api } from "grammy";
import { createInHand } from "../base/in-hand.ts";
import { isPretty, type Logger } from "../base/log.ts";
import { createLoopDelay } from "../base/loop-delay.ts";
import { createMetrics } from "../base/metrics.ts";
import type { Config } from "../config/config.ts";
import { ourselves, tokenRefused } from "../ingress/registration.ts";
import { createOutbox } from "../screen/outbox.ts";
import { createHttpServer, type HttpServerOptions } from "../server/http.ts";
import { createIdentity, type Identity } from "../telegram/identity.ts";
import { createTelegramTransport, grammyTimeoutSeconds } from "../telegram/transport.ts";
import { createAppAlerts } from "./alerts.ts";
import { checkBudgets } from "./budget-check.ts";
import { type Engines, openEngines } from "./engines.ts";
import { createAppEntrance, entranceOf, webhookRoute } from "./entrance.ts";
import { answerOperator } from "./operator/commands.ts";
import { createOperatorSocket } from "./operator/socket.ts";
import { startWatchdog } from "./watchdog/watchdog.ts";
import { type AppWorkerDeps, createAppWorker } from "./worker.ts";

export interface App {
  /** Port of the HTTP listener. */
  readonly port: number;
  /** Resolves with the reason when the app can no longer work although `stop` was not called. */
  readonly failed: Promise<Error>;
  /** Takes nothing new, gives what runs `graceMs` to end, and leaves the rest queued. Milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Starts the bot, or the half of it that the run mode asks for; `watchModels` may look at what the models are asked. Throws a
 * `StartError` when a person has to mend something first.
 */
export async function createApp(config: Config, log: Logger, watchModels?: AppWorkerDeps["watchModels"]): Promise<App> {
  if (config.mode !== "web") await checkBudgets(config);
  const metrics = createMetrics();
  const inHand = createInHand();
  const loop = createLoopDelay();
  const engines = await openEngines(config, log, () => metrics.rateLimiterFailed());
  const { store, queue, shared } = engines;
  const watchdog = startWatchdog({
    inHand,
    besideLoop: engines.besideLoop,
    log: { level: config.logLevel, secrets: config.secrets, pretty: isPretty(config.logFormat) },
    onTrouble: (error) =>
      log.error({ err: error }, "the watchdog has failed; a process that hangs will no longer be ended"),
  });
  metrics.watchQueue(() => queue.stats());
  const failure = Promise.withResolvers<Error>();
  let stopping = false;
  /** Nothing can be shown to anybody any more: what runs goes back to the queue at once. */
  let hopeless = false;
  let identity: Identity | undefined;
  function giveUp(error: Error): void {
    hopeless = true;
    failure.resolve(error);
  }
  const transport = createTelegramTransport({
    proxies: config.proxies,
    onTokenRefused() {
      giveUp(tokenRefused());
    },
  });

  const { apiRoot, token } = config.telegram;
  const client = { apiRoot, fetch: transport.fetch };
  const outbox = createOutbox({
    log,
    loop,
    onCall: (method, status) => metrics.telegramCalled(method, status),
    onHold(milliseconds, chatId) {
      metrics.telegramHeld(milliseconds);
      if (chatId !== undefined) shared?.holds.announce(chatId, milliseconds);
    },
  });
  /** For calls outside of the bot chain. */
  const api = new Api(token, { ...client, timeoutSeconds: grammyTimeoutSeconds });
  api.config.use(outbox.transformer());
  const alerts = createAppAlerts({ config, store, api, log });
  const parts = { config, engines, client, outbox, inHand, loop, api, alerts, log, metrics };
  const worker = config.mode === "web" ? undefined : createAppWorker({ ...parts, watchModels, onFatal: giveUp });
  const entrance = createAppEntrance({ ...parts, onFatal: failure.resolve });
  const http = await createHttpServer({
    ...config.http,
    log,
    health: { ready },
    metrics: () => metrics.text(),
    ...(await dashboardRoute(config, engines)),
    ...webhookRoute(config, () => (stopping ? undefined : entrance.ingress), log),
  }).catch(async (error: unknown) => {
    await engines.stop();
    await watchdog.stop();
    throw error;
  });

  /** An operator cannot open the database beside us: its lock is ours. That of the playground goes with it. */
  const operators =
    config.redis === undefined && config.mode !== "playground"
      ? await createOperatorSocket({
          dataDir: config.dataDir,
          answer: (args) => answerOperator(args, { queue, ledger: store.ledger }),
          log,
        })
      : undefined;

  async function ready() {
    // A full disk still takes the little that this check writes, but no update.
    const healthy = (await store.healthy()) && entrance.storing;
    const ok = healthy && entrance.known && worker?.running !== false && !stopping;
    const webhook = entrance.webhook === undefined ? {} : { webhook: entrance.webhook };
    const detail = { store: healthy ? "ok" : "failing", telegram: entrance.telegram, ...webhook };
    return { ok, detail: stopping ? { ...detail, stopping } : detail };
  }

  /** Everything that needs to know who we are in Telegram. */
  async function connect(): Promise<void> {
    const me = await entrance.introduce();
    // Telegram may have answered while we were stopping: what waits is for the next start.
    if (stopping) return;
    identity = createIdentity({ me, getMe: async () => ourselves(await api.getMe()), log });
    worker?.start(identity);
    const mode = entranceOf(config) === "polling" ? "polling" : "webhook";
    log.info({ username: me.username, mode, models: worker?.models, wires: wiresOf(config) }, "ready");
    await entrance.open(identity);
    flushCompileCache();
  }

  // Telegram out of reach does not end the start: health and metrics answer meanwhile.
  connect().catch((error: unknown) => {
    if (!stopping) failure.resolve(error instanceof Error ? error : new Error(String(error)));
  });

  return {
    port: http.port,
    failed: failure.promise,
    async stop(graceMs) {
      stopping = true;
      identity?.stop();
      await entrance.stop();
      const left = await worker?.stop(hopeless ? 0 : graceMs);
      outbox.stop();
      loop.stop();
      transport.stop();
      await Promise.all([http.stop(), operators?.stop(), alerts.stop()]);
      await engines.stop();
      await watchdog.stop();
      log.info({ leftQueued: left ?? 0 }, "stopped");
    },
  };
}

/** The queue's dashboard, where there is one and a token lets somebody in. */
async function dashboardRoute(
  { adminToken }: Config,
  { shared }: Engines,
): Promise<Pick<HttpServerOptions, "dashboard">> {
  if (adminToken === undefined || shared === undefined) return {};
  // It costs half a second at the start: only those who asked for it pay.
  const { createDashboard } = await import("../server/admin/dashboard.ts");
  return { dashboard: createDashboard({ view: shared.view, adminToken }) };
}

/** How each provider will be spoken to; undefined where none will be. */
function wiresOf({ models, mode }: Config): Record<string, string> | undefined {
  if (mode === "web") return undefined;
  return Object.fromEntries(models.providers.map(({ name, wire = "chat" }) => [name, wire]));
}
