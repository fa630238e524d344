/** The composition root: the only file that knows every part. It starts them in order and stops them in reverse. */
import { join } from "node:path";
import { Api } from "grammy";
import type { Update } from "grammy/types";
import type { Config } from "./config.ts";
import { messageOf } from "./errors.ts";
import { allowedUpdates } from "./ingress/allowed-updates.ts";
import { createIngress, type Ingress } from "./ingress/chain.ts";
import { createPolling, type Polling } from "./ingress/polling.ts";
import { createRegistration, webhookPath } from "./ingress/registration.ts";
import { createWebhook } from "./ingress/webhook.ts";
import { createModels } from "./llm/fallback.ts";
import type { Logger } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import type { ActiveUpdate, Consumer, DeadUpdate } from "./ports.ts";
import { createSqliteQueue } from "./queue/sqlite.ts";
import { createOutbox } from "./reply/outbox.ts";
import { createHttpServer } from "./server/http.ts";
import { createSqliteStore } from "./store/sqlite.ts";
import { createSqliteDatabase } from "./store/sqlite-database.ts";
import { createTokenBucket } from "./store/token-bucket.ts";
import { createBot } from "./telegram/bot.ts";
import { commands } from "./telegram/commands.ts";
import { addressUpdate } from "./telegram/lanes.ts";
import { createTelegramTransport } from "./telegram/transport.ts";
import { texts } from "./texts.ts";

export interface App {
  /** Port of the HTTP listener. */
  readonly port: number;
  /** Resolves with the reason when the app can do nothing any more, before `stop` was called. */
  readonly failed: Promise<Error>;
  /** Takes nothing new, lets what runs end for `graceMs`, leaves the rest queued. Milliseconds. */
  stop(graceMs: number): Promise<void>;
}

/** Quick commands are short: these slots are never all taken by something slow for long. */
const quickSlots = 64;
const maxFailures = 5;
/** Deliveries that died with the process. High: after a crash nobody knows which of the many in flight was the cause. */
const maxCrashes = 50;

/** Starts the whole bot in one process. Throws a `StartError` when a person has to mend something first. */
export async function createApp(config: Config, log: Logger): Promise<App> {
  const metrics = createMetrics();
  const now = () => Date.now();
  const database = createSqliteDatabase(join(config.dataDir, "parley.db"));
  const store = createSqliteStore({ database, historyTtlSeconds: config.history.ttlSeconds });
  const queue = createSqliteQueue({ database, log });
  const models = createModels({ models: config.models, log, metrics });
  const rateLimiter = createTokenBucket(config.rateLimit);
  metrics.watchQueue(() => queue.stats());

  let telegram = "starting";
  let consumer: Consumer | undefined;
  let polling: Polling | undefined;
  let ingress: Ingress | undefined;
  let stopping = false;
  const starting = new AbortController();
  const failure = Promise.withResolvers<Error>();
  const { webhook } = config.telegram;
  const usesWebhook = webhook !== undefined && config.mode !== "dev";

  const outbox = createOutbox({
    log,
    onCall: (method, status) => metrics.telegramCalled(method, status),
    onHold: (milliseconds) => metrics.telegramHeld(milliseconds),
  });
  /** For calls about the bot itself; long polls hang longer than any other call may. */
  const transport = createTelegramTransport();
  const client = { apiRoot: config.telegram.apiRoot, fetch: transport.fetch };
  const api = new Api(config.telegram.token, { ...client, timeoutSeconds: 60 });
  const registration = createRegistration({
    api,
    log,
    onCall: (method, status) => metrics.telegramCalled(method, status),
    onTrouble() {
      telegram = "out of reach";
    },
    signal: starting.signal,
  });

  const http = await createHttpServer({
    ...config.http,
    log,
    health: { ready },
    metrics: () => metrics.text(),
    ...(usesWebhook ? { webhook: webhookRoute(webhook, () => (stopping ? undefined : ingress), log) } : {}),
  }).catch(async (error: unknown) => {
    await closeStorage();
    throw error;
  });

  async function ready() {
    const healthy = await store.healthy();
    const ok = healthy && consumer !== undefined && !stopping;
    return { ok, detail: { store: healthy ? "ok" : "failing", telegram, ...(stopping ? { stopping } : {}) } };
  }

  /** Everything that needs to know who we are in Telegram. */
  async function connect(): Promise<void> {
    const me = await registration.introduce();
    const bot = createBot(
      {
        token: config.telegram.token,
        me,
        client,
        transformer: outbox.transformer,
      },
      {
        store,
        models,
        outbox,
        log,
        defaultPersona: config.systemPrompt,
        historyLimits: config.history,
        drafts: draftSupport(config.streamMode),
        allowedUsers: config.access.allowed,
        admins: config.access.admins,
        figures: () => metrics.summary(),
        queueStats: () => queue.stats(),
        now,
        observer: {
          firstText: (milliseconds) => metrics.firstTextShown(milliseconds),
          turnEnded(outcome, milliseconds) {
            metrics.turnEnded(outcome);
            metrics.finalShown(milliseconds);
          },
          usage(entry) {
            metrics.tokensUsed(entry.model, "input", entry.inputTokens);
            metrics.tokensUsed(entry.model, "cached", entry.cachedTokens);
            metrics.tokensUsed(entry.model, "output", entry.outputTokens);
          },
        },
      },
    );
    consumer = queue.consume((job) => bot.handle(job), {
      turnSlots: config.concurrency,
      quickSlots,
      maxFailures,
      maxCrashes,
      backoffMs: (failure) => Math.min(1000 * 2 ** (failure - 1), 60_000),
      onFailure: (job, error) => logFailure(log, job, error),
      onDead: (job) => tellDead(bot.bot.api, job, log),
    });
    ingress = createIngress({
      token: config.telegram.token,
      me,
      address: (update: Update) => addressUpdate(update, { me, allowed: (id) => isAllowed(config, id) }),
      rateLimiter,
      queue,
      log,
      now,
      onUpdate(kind, result) {
        metrics.updateReceived(kind, result);
        if (result === "rate-limited") metrics.rateLimited();
        if (result === "lane-full") metrics.laneFullDropped();
      },
    });
    log.info({ username: me.username, mode: usesWebhook ? "webhook" : "polling", models: models.names }, "ready");
    void registration.setMenu(commands.map(({ name, description }) => ({ command: name, description })));
    if (!usesWebhook) return poll(ingress);
    await registration.setWebhook(webhook);
    telegram = "webhook set";
  }

  function poll(into: Ingress): void {
    if (webhook !== undefined) log.warn({}, "WEBHOOK_URL is set, but npm run dev always polls");
    polling = createPolling({
      api,
      allowedUpdates,
      consume: (updates) => into.accept(updates),
      log,
      onState(state) {
        telegram = state;
      },
      onFatal: (error) => failure.resolve(error instanceof Error ? error : new Error(String(error))),
    });
  }

  async function closeStorage(): Promise<void> {
    await models.stop();
    await queue.stop();
    await store.stop();
    await database.close();
  }

  // Telegram out of reach does not end the start: health and metrics answer meanwhile.
  connect().catch((error: unknown) => {
    if (!starting.signal.aborted) failure.resolve(error instanceof Error ? error : new Error(String(error)));
  });

  return {
    port: http.port,
    failed: failure.promise,
    async stop(graceMs) {
      stopping = true;
      starting.abort();
      await polling?.stop();
      const giveUp = setTimeout(() => outbox.stop(), graceMs + 1_000);
      const left = await consumer?.drain(graceMs);
      clearTimeout(giveUp);
      outbox.stop();
      transport.stop();
      await http.stop();
      await closeStorage();
      log.info({ leftQueued: left ?? 0 }, "stopped");
    },
  };
}

function webhookRoute(
  webhook: NonNullable<Config["telegram"]["webhook"]>,
  ingress: () => Ingress | undefined,
  log: Logger,
) {
  let handler: ReturnType<typeof createWebhook> | undefined;
  return {
    path: `${new URL(webhook.url).pathname.replace(/\/$/, "")}${webhookPath}`,
    async handler(...[request, response]: Parameters<ReturnType<typeof createWebhook>>) {
      const into = ingress();
      if (into === undefined) {
        request.resume();
        response.writeHead(503, { "retry-after": "2" }).end();
        return;
      }
      handler ??= createWebhook(into.bot, { secret: webhook.secret, log });
      await handler(request, response);
    },
  };
}

function isAllowed(config: Config, userId: number): boolean {
  return config.access.allowed.size === 0 || config.access.allowed.has(userId);
}

/** Drafts are tried until Telegram refuses one: a Bot API server of one's own may be too old for them. */
function draftSupport(streamMode: Config["streamMode"]) {
  const refused = new Set<number>();
  return {
    enabled: (chatId: number) => streamMode === "draft" && !refused.has(chatId),
    refused: (chatId: number) => void refused.add(chatId),
  };
}

function logFailure(log: Logger, job: ActiveUpdate, error: unknown): void {
  if (job.signal.reason === "shutdown") return;
  log.error({ updateId: job.updateId, lane: job.lane, attempt: job.attempt, err: error }, "an update failed");
}

/** One plain sentence to whoever waits for an answer that will not come. */
async function tellDead(api: Api, job: DeadUpdate, log: Logger): Promise<void> {
  log.error({ updateId: job.updateId, lane: job.lane, reason: job.reason }, "an update is dead");
  if (job.question === undefined) return;
  const [chatId = "", threadId] = job.conversation.split(":");
  const thread = threadId === undefined ? {} : { message_thread_id: Number(threadId) };
  const reply = { reply_parameters: { message_id: job.question, allow_sending_without_reply: true } };
  try {
    await api.sendMessage(Number(chatId), texts.turnDied, { ...thread, ...reply });
  } catch (error) {
    log.warn({ updateId: job.updateId, reason: messageOf(error) }, "the notice of a dead update was not delivered");
  }
}
