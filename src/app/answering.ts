/**
 * The bot with its models, as a worker needs it to handle an update. Loaded with the first one: a process that only waits
 * holds none of it in memory.
 */
import type { InHand } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { createTokenFactors } from "../chat/token-factors.ts";
import { historyShare } from "../chat/turn-prompt.ts";
import type { Config } from "../config/config.ts";
import { createModels } from "../models/chain.ts";
import type { Alerts } from "../ports/alerts.ts";
import type { Models } from "../ports/models.ts";
import type { Outbox } from "../screen/outbox.ts";
import { type BotOptions, createBot, type ParleyBot } from "../telegram/bot.ts";
import type { Identity } from "../telegram/identity.ts";
import { allowedBy } from "../telegram/senders.ts";
import { textsFor } from "../texts/texts.ts";
import type { Engines } from "./engines.ts";
import { privacyFacts } from "./privacy-facts.ts";

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
  });
  tellLimits(config, models.capabilities, log);
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
      models: deps.watchModels?.(models) ?? models,
      outbox,
      log,
      inHand,
      defaultPersona: config.systemPrompt,
      historyLimits: config.history,
      tokenFactors: createTokenFactors(),
      spending: { budgets: config.budgets, maxTokens: config.models.maxTokens, alerts },
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
  return { handle: bot.handle, stop: () => models.stop() };
}

/** Once in the life of the process: what of the settings no model that is offered can hold. */
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
