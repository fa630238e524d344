/** The environment, read once into one frozen value. Never imported as a value: `main.ts` reads it and passes it on. */
import { StartError } from "../base/errors.ts";
import type { Proxies } from "../base/proxies.ts";
import { type AnswerCacheConfig, answerCacheOf } from "./answer-cache.ts";
import { type Budgets, budgetsOf } from "./budgets.ts";
import {
  defaults,
  type Environment,
  environmentFields,
  linesOf,
  providerFields,
  variableNames,
} from "./environment.ts";
import { readFields } from "./fields.ts";
import { type MemoryConfig, memoryOf } from "./memory.ts";
import { type ModelsConfig, readModels } from "./models.ts";
import { type ProviderConfig, prefixOf, providerPrefixes } from "./provider-settings.ts";
import { proxyNames, readProxies } from "./proxies.ts";
import { answersIn, type RunMode, unread } from "./run-mode.ts";
import { secretsIn } from "./secrets.ts";
import { type ToolsConfig, toolsOf } from "./tools.ts";
import { unusedSettings } from "./unused-settings.ts";
import { type KnownNames, misspelledNames } from "./variable-names.ts";
import { checkWebhook, derivedSecret } from "./webhook.ts";

export type { ModelTarget } from "./models.ts";
export type { ProviderConfig } from "./provider-settings.ts";
export type { RunMode } from "./run-mode.ts";

export interface WebhookConfig {
  /** Public base URL without a slash at its end; a path in it is kept. */
  readonly url: string;
  readonly secret: string;
}

export interface Config {
  readonly mode: RunMode;
  readonly telegram: {
    /** Empty in the playground, which is given its own Telegram. */
    readonly token: string;
    /** Without a slash at its end. */
    readonly apiRoot: string;
    /** Left out: long polling. In `dev`, which always polls, it is there only to be mentioned. */
    readonly webhook?: WebhookConfig | undefined;
    /** Folder in which a Bot API server of one's own keeps its files. */
    readonly localFolder?: string | undefined;
  };
  readonly http: {
    readonly host: string;
    readonly port: number;
    /** Metrics are here alone, instead of at `port`. */
    readonly metricsPort?: number | undefined;
    /** Asked for at `/metrics`. */
    readonly metricsToken?: string | undefined;
  };
  /** Left out: calls go straight to Telegram and the models. */
  readonly proxies?: Proxies | undefined;
  readonly dataDir: string;
  /** Set: state and queue are in Redis, for many processes; the prefix is without its hash tag. */
  readonly redis?: { readonly url: string; readonly prefix: string } | undefined;
  /** Opens the dashboard. */
  readonly adminToken?: string | undefined;
  readonly models: ModelsConfig;
  /** Left out: models are offered no tools. */
  readonly tools?: ToolsConfig | undefined;
  /** Left out: nothing is remembered for users. */
  readonly memory?: MemoryConfig | undefined;
  readonly budgets: Budgets;
  /** How long calls are kept one by one. */
  readonly ledgerDays: number;
  /** `provider/model` that summarises conversations; left out: the cheapest of those that are offered. */
  readonly summaryModel?: string | undefined;
  /** Milliseconds; 0: a pause changes nothing. */
  readonly newTopicAfterMs: number;
  /** Left out: no answer is given again. */
  readonly answerCache?: AnswerCacheConfig | undefined;
  /** Empty: none. */
  readonly systemPrompt: string;
  readonly history: {
    readonly maxTokens: number;
    readonly maxMessages: number;
    /** Both limits are the default ones: where older messages are nearly free, more may be shown. */
    readonly mayShowMore: boolean;
    readonly ttlSeconds: number;
  };
  /** Of the files of a question, what the model is shown. */
  readonly documentMaxTokens: number;
  readonly rateLimit: { readonly messages: number; readonly windowSeconds: number; readonly burst: number };
  readonly access: {
    /** Users. Empty, as `allowedChats`: everyone. */
    readonly allowed: ReadonlySet<number>;
    /** Groups whose members are let in, there alone. */
    readonly allowedChats: ReadonlySet<number>;
    readonly admins: ReadonlySet<number>;
  };
  readonly streamMode: "edit" | "draft";
  /** Turns at once. */
  readonly concurrency: number;
  /** Where other programs are looked for. */
  readonly searchPath?: string | undefined;
  readonly logLevel: string;
  readonly logFormat: Environment["LOG_FORMAT"];
  /** What is no mistake, but probably not meant so: a line each, without any value. */
  readonly warnings: readonly string[];
  /** Every secret in this configuration: what logs and messages must never contain. */
  readonly secrets: readonly string[];
}

type Variables = Readonly<Record<string, string | undefined>>;

/** The playground's own Telegram and model. */
const loopback = "127.0.0.1,localhost";

/**
 * Reads the configuration of a run mode. A variable that is empty counts as left out, but for `SYSTEM_PROMPT`. Throws a
 * `StartError` with every mistake as a line of its own, that names the variable and never repeats a value.
 *
 * `notes` say what was found before, and stand among the warnings or behind the mistakes.
 *
 * In the playground nothing about Telegram or Redis is read, and no model at all is no mistake: `models.names` is then
 * empty. In `web` nothing about models is read, in `queue` only where the queue is.
 */
export function readConfig(mode: RunMode, env: Variables, notes: readonly string[] = []): Config {
  const mistakes: string[] = [];
  const warnings = [...notes];
  const given = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value]) =>
        value !== undefined && (value.trim() !== "" || name === ("SYSTEM_PROMPT" satisfies keyof Environment)),
    ),
  );
  const playground = mode === "playground";
  for (const name of unread[mode]) delete given[name];
  const { values, wrong } = readVariables(given, mistakes);
  const needs = (name: keyof Environment, advice: string) => {
    if (values[name] === undefined && !wrong.has(name)) mistakes.push(`${name} is missing; ${advice}`);
  };

  if (!playground && mode !== "queue")
    needs("BOT_TOKEN", "get a token from @BotFather in Telegram, or try the bot without one: npm run playground");
  if (mode === "web" || mode === "worker")
    needs("REDIS_URL", `the ${mode} mode needs REDIS_URL; on one machine use npm start`);
  if (mode === "web") needs("WEBHOOK_URL", "the web mode needs WEBHOOK_URL, the public https address of this server");
  if (values.WEBHOOK_URL !== undefined && !wrong.has("TELEGRAM_API_ROOT"))
    checkWebhook(values.WEBHOOK_URL, values.TELEGRAM_API_ROOT, mistakes);

  const { models, summaryModel } = readModels(mode, given, { values, wrong }, { mistakes, warnings });

  if (values.METRICS_PORT !== undefined && values.METRICS_PORT !== 0 && values.METRICS_PORT === values.PORT)
    mistakes.push("METRICS_PORT is that of PORT; set it to another one, or leave it out to have /metrics at PORT");

  const tools = answersIn(mode) ? toolsOf(values, wrong, given, { mistakes, warnings }) : undefined;
  const memory = answersIn(mode) ? memoryOf(values, models.providers, { warnings }) : undefined;
  const budgets = budgetsOf(values, mistakes, warnings);
  const proxies = mode === "queue" ? undefined : readProxies(given, mistakes, playground ? loopback : "");

  const stray = strayNames(mode, Object.keys(given), models.providers);
  warnings.push(...stray.misspelled);
  // Behind a mistake nobody knows what would have been named.
  if (mistakes.length === 0) warnings.push(...stray.unused);
  if (mistakes.length > 0) throw new StartError([...mistakes, ...warnings]);

  const token = values.BOT_TOKEN ?? "";
  const webhook =
    values.WEBHOOK_URL === undefined
      ? undefined
      : { url: values.WEBHOOK_URL, secret: values.WEBHOOK_SECRET ?? derivedSecret(token) };
  const urls = [
    values.TELEGRAM_API_ROOT,
    values.WEBHOOK_URL,
    values.REDIS_URL,
    values.SEARXNG_URL,
    ...models.providers.map(({ baseUrl }) => baseUrl),
    proxies?.HTTPS_PROXY,
    proxies?.HTTP_PROXY,
  ];
  return deepFreeze<Config>({
    mode,
    telegram: {
      token,
      apiRoot: values.TELEGRAM_API_ROOT,
      webhook,
      localFolder: values.TELEGRAM_LOCAL_FILES,
    },
    http: {
      host: values.HOST ?? (takesDeliveries(mode, webhook) || given["PORT"] !== undefined ? "0.0.0.0" : "127.0.0.1"),
      port: values.PORT,
      metricsPort: values.METRICS_PORT,
      metricsToken: values.METRICS_TOKEN,
    },
    proxies,
    dataDir: values.DATA_DIR,
    redis: values.REDIS_URL === undefined ? undefined : { url: values.REDIS_URL, prefix: values.REDIS_PREFIX },
    adminToken: values.ADMIN_TOKEN,
    models,
    tools,
    memory,
    budgets,
    ledgerDays: values.LEDGER_DAYS,
    summaryModel,
    newTopicAfterMs: values.NEW_TOPIC_AFTER_MINUTES * 60_000,
    answerCache: answerCacheOf(values),
    systemPrompt: values.SYSTEM_PROMPT,
    history: {
      maxTokens: values.HISTORY_MAX_TOKENS,
      maxMessages: values.HISTORY_MAX_MESSAGES,
      mayShowMore:
        values.HISTORY_MAX_TOKENS === Number(defaults.HISTORY_MAX_TOKENS) &&
        values.HISTORY_MAX_MESSAGES === Number(defaults.HISTORY_MAX_MESSAGES),
      ttlSeconds: values.HISTORY_TTL_SECONDS,
    },
    documentMaxTokens: values.DOCUMENT_MAX_TOKENS,
    rateLimit: {
      messages: values.RATE_LIMIT_MESSAGES,
      windowSeconds: values.RATE_LIMIT_WINDOW_SECONDS,
      burst: values.RATE_LIMIT_BURST ?? Math.ceil(values.RATE_LIMIT_MESSAGES / 2),
    },
    access: {
      allowed: values.ALLOWED_USER_IDS,
      allowedChats: values.ALLOWED_CHAT_IDS,
      admins: values.ADMIN_USER_IDS,
    },
    streamMode: values.STREAM_MODE,
    concurrency: values.CONCURRENCY,
    searchPath: given["PATH"],
    logLevel: values.LOG_LEVEL,
    logFormat: values.LOG_FORMAT,
    warnings,
    secrets: secretsIn(
      [
        token,
        webhook?.secret,
        values.ADMIN_TOKEN,
        values.METRICS_TOKEN,
        tools?.search?.apiKey,
        ...(tools?.mcp?.secrets ?? []),
      ],
      models.providers,
      urls,
    ),
  });
}

/** Parses each variable; those that are wrong are reported and then read as if left out, so that the rest is checked too. */
function readVariables(given: Variables, mistakes: string[]): { values: Environment; wrong: ReadonlySet<string> } {
  const trimmed = Object.fromEntries(
    Object.keys(environmentFields).map((name) => [name, given[name]?.trim()] as const),
  );
  const { values, wrong } = readFields(environmentFields, trimmed);
  mistakes.push(...linesOf(wrong));
  return { values, wrong: new Set(wrong.keys()) };
}

/** Whether Telegram brings updates to this process: it must be reached from elsewhere then. */
function takesDeliveries(mode: RunMode, webhook: WebhookConfig | undefined): boolean {
  return webhook !== undefined && (mode === "start" || mode === "web");
}

/** A line for what nothing reads, though it was probably meant for us. */
function strayNames(mode: RunMode, given: readonly string[], providers: readonly ProviderConfig[]) {
  const misspelled = misspelledNames(given, knownNames(mode, providers));
  const others = given.filter((name) => misspelled.every((one) => one.given !== name));
  const inUse = providers.map(({ name }) => prefixOf(name));
  return {
    misspelled: misspelled.map((one) => `${one.given} is not read by Parley; did you mean ${one.meant}?`),
    unused: answersIn(mode) ? unusedSettings(others, inUse) : [],
  };
}

function knownNames(mode: RunMode, providers: readonly ProviderConfig[]): KnownNames {
  const prefixes = answersIn(mode) ? providerPrefixes(providers) : [];
  const ofProviders = prefixes.flatMap((prefix) => Object.keys(providerFields).map((field) => prefix + field));
  const ours = variableNames.filter((name) => !unread[mode].includes(name));
  return { read: [...ours, ...ofProviders, ...proxyNames], providers: prefixes };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
