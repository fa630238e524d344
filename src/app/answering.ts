/**
 * The bot with its models, as a worker needs it to handle an update. Loaded with the first one: a process that only waits
 * holds none of it in memory.
 */
import { Api } from "grammy";
import { createByteGate } from "../base/byte-gate.ts";
import type { InHand } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import type { AnswerCache } from "../chat/answer-cache.ts";
import { createSummaries, type Summaries } from "../chat/summaries.ts";
import { createSummaryPayment } from "../chat/summary-payment.ts";
import { createTokenFactors } from "../chat/token-factors.ts";
import { historyShare } from "../chat/turn-prompt.ts";
import type { Config } from "../config/config.ts";
import { createByteCache } from "../media/byte-cache.ts";
import { createFileReader } from "../media/child/reader.ts";
import { createDocuments } from "../media/documents.ts";
import { createMediaReader } from "../media/reader.ts";
import { createSoundConversion } from "../media/sound.ts";
import { createMediaSource } from "../media/source.ts";
import { createModels } from "../models/chain.ts";
import { cheapestOf } from "../models/prices.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { Models } from "../ports/models.ts";
import type { Outbox } from "../screen/outbox.ts";
import { type BotOptions, createBot, type ParleyBot } from "../telegram/bot.ts";
import type { BotDeps } from "../telegram/context.ts";
import type { Identity } from "../telegram/identity.ts";
import { allowedBy } from "../telegram/senders.ts";
import { textsFor } from "../texts/texts.ts";
import type { Engines } from "./engines.ts";
import { privacyFacts } from "./privacy-facts.ts";
import { openTools } from "./tools.ts";

export interface AnsweringDeps {
  readonly config: Config;
  readonly engines: Engines;
  readonly client: BotOptions["client"];
  readonly outbox: Outbox;
  readonly inHand: InHand;
  readonly alerts: Alerts;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Stands between the bot and its models. */
  readonly watchModels: ((models: Models) => Models) | undefined;
}

export interface Answering extends Pick<ParleyBot, "handle"> {
  /** Says that the process begins to leave: nothing that is only being fetched holds it up. */
  leave(): void;
  /** Ends every answer that is still being written. */
  stop(): Promise<void>;
}

/** Builds the bot of a process over its queue and its store. */
export function createAnswering(deps: AnsweringDeps, identity: Identity): Answering {
  const { config, engines, client, outbox, inHand, alerts, log, metrics } = deps;
  const { store, queue, directory } = engines;
  const models = createModels({
    models: config.models,
    shared: engines.shared,
    proxies: config.proxies,
    log,
    metrics,
    alerts,
    convertSound: createSoundConversion({ log, path: config.searchPath }),
  });
  tellLimits(config, models.capabilities, log);
  const asked = deps.watchModels?.(models) ?? models;
  const tokenFactors = createTokenFactors();
  const observer = observerOf(metrics);
  const spending = { budgets: config.budgets, maxTokens: config.models.maxTokens, alerts };
  const source = openSource(deps);
  const leaving = new AbortController();
  const reader = createFileReader({ log });
  const cache = createByteCache(pictureBytes);
  const gate = createByteGate(mostGatedBytes);
  const documents = createDocuments({ source, reader, pages: cache, log });
  const tools = openTools({ config, store, draw: models.media?.draw, alerts, log });
  const summaries = openSummaries(deps, asked, observer, { spending, tokenFactors });
  const bot = createBot(
    {
      token: config.telegram.token,
      identity,
      client,
      transformer: (log) => outbox.transformer(log),
      admitted: outbox.admitted,
    },
    {
      store,
      directory,
      models: asked,
      summaries,
      tools,
      memory: memoryIn(config),
      newTopicAfterMs: config.newTopicAfterMs,
      outbox,
      log,
      inHand,
      leaving: leaving.signal,
      defaultPersona: config.systemPrompt,
      historyLimits: config.history,
      tokenFactors,
      spending,
      media: createMediaReader({ source, documents, reader, cache }),
      answerCache: answerCacheOf(config),
      files: { ...documents, maxTokens: config.documentMaxTokens },
      speaking: models.media?.speak && models.media,
      brush: models.media?.draw && { ...models.media, source, gate },
      hearing: models.media?.hear && { ...models.media, source, gate },
      drafts: draftSupport(config.streamMode),
      textsFor,
      allowed: allowedBy(config.access),
      admins: config.access.admins,
      privacy: privacyFacts(config),
      eraseDead: (matches) => queue.dead.erase(matches),
      async forgetRates(userId) {
        await Promise.all([engines.rateLimiter.forget(userId), engines.commandLimiter.forget(userId)]);
      },
      figures: () => metrics.summary(),
      queueStats: () => queue.stats(),
      async examine() {
        const { examine } = await import("./doctor/doctor.ts");
        return await examine({ config, running: true });
      },
      now: () => Date.now(),
      observer,
    },
  );
  return {
    handle: bot.handle,
    leave: () => leaving.abort(),
    async stop() {
      await tools?.stop();
      await summaries?.stop();
      await models.stop();
      await reader.stop();
      source.stop();
    },
  };
}

/** Of pictures, in memory: those of a conversation are sent again with the next questions. A few dozen; others are fetched again. */
const pictureBytes = 16 * 2 ** 20;

/** What people have sent, from Telegram. It is the source that asks again. */
function openSource({ config: { telegram, proxies }, client, outbox, log }: AnsweringDeps) {
  const api = new Api(telegram.token, client);
  api.config.use(outbox.admitted);
  return createMediaSource({
    getFile: (fileId, signal) => api.getFile(fileId, signal as unknown as Parameters<Api["getFile"]>[1]),
    ...telegram,
    proxies,
    log,
  });
}

/** Of recordings, and of pictures that are to be changed, in memory at once; what goes out of each is about as much again. */
const mostGatedBytes = 32 * 2 ** 20;

function observerOf(metrics: Metrics): BotDeps["observer"] {
  return {
    firstText: (milliseconds) => metrics.firstTextShown(milliseconds),
    turnEnded(outcome, milliseconds) {
      metrics.turnEnded(outcome);
      metrics.finalShown(milliseconds);
    },
    answerCached: metrics.answerCached,
    usage: metrics.tokensUsed,
  };
}

/** Everything besides the question that an answer depends on. */
function answerCacheOf({ answerCache, models }: Config): AnswerCache | undefined {
  const { chains, auto, maxTokens, temperature } = models;
  return answerCache && { ...answerCache, settings: JSON.stringify([chains, auto, maxTokens, temperature]) };
}

/** Who is told of what users want remembered. */
function memoryIn({ memory }: Config): BotDeps["memory"] {
  const { providers } = memory ?? {};
  return memory && { mayBeTold: (model) => providers?.includes(model.slice(0, model.indexOf("/"))) ?? true };
}

/** What summarises conversations, if that is wanted: its own model, or the cheapest that is offered. */
function openSummaries(
  { config, engines: { store }, log }: AnsweringDeps,
  models: Models,
  observer: BotDeps["observer"],
  paying: Pick<BotDeps, "spending" | "tokenFactors">,
): Summaries | undefined {
  const model = config.summaryModel ?? cheapestOf(models, Date.now());
  if (model === undefined || model === "off") return undefined;
  return createSummaries({
    store,
    models,
    model,
    alone: config.redis === undefined,
    log,
    paymentOf: (order) => createSummaryPayment({ store, models, ...paying, observer, now: Date.now }, model, order),
    now: () => Date.now(),
  });
}

/** Warns once, at the start, of settings that none of the offered models can meet. */
function tellLimits(
  { models, history }: Config,
  capabilities: Models["capabilities"],
  log: Pick<Logger, "warn">,
): void {
  const told = "MODEL_CAPABILITIES says otherwise if that is wrong";
  for (const model of models.names) {
    const { contextTokens, answerTokens = Infinity } = capabilities(model);
    if (history.maxTokens > contextTokens * historyShare)
      log.warn({ model, contextTokens }, `HISTORY_MAX_TOKENS is above what this model reads, and cut for it; ${told}`);
    if (models.maxTokens !== undefined && models.maxTokens > answerTokens)
      log.warn({ model, answerTokens }, `MODEL_MAX_TOKENS is above what this model writes, and cut for it; ${told}`);
  }
}

/** Drafts are tried until Telegram refuses one: a Bot API server of one's own may be too old for them. */
function draftSupport(streamMode: Config["streamMode"]) {
  const refused = new Set<number>();
  return {
    enabled: (chatId: number) => streamMode === "draft" && !refused.has(chatId),
    refused: (chatId: number) => void refused.add(chatId),
  };
}
