/**
 * The variables one by one: default, shape, and the words for a mistake. What several of them mean together is in
 * `config.ts`. A message says what is right and never repeats a value, which might be a secret in the wrong place.
 */
import { readAmount } from "../base/amounts.ts";
import { standIns } from "../base/stand-ins.ts";
import { budgetMistake } from "./budgets.ts";
import { type Field, field, Mistake, matching, oneOf, text, type ValuesOf, whole } from "./fields.ts";
import { readCapabilities } from "./model-capabilities.ts";
import { type ModelName, readAutoChain, readFallbacks, readModelChains } from "./model-list.ts";
import { wireNames } from "./providers.ts";
import { searchProviders, toolList } from "./tool-list.ts";

/** The official Bot API, the only one that insists on HTTPS and on certain ports for webhooks. */
export const officialApiRoot = "https://api.telegram.org";

const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

/** What holds when a variable is left out, as it is written in `.env.example`. A variable without an entry has none. */
export const defaults = {
  TELEGRAM_API_ROOT: officialApiRoot,
  PORT: "8080",
  DATA_DIR: "./data",
  REDIS_PREFIX: "parley",
  SYSTEM_PROMPT:
    "You are a helpful assistant in a Telegram chat. Answer in the language of the question, clearly and to the point.",
  LEDGER_DAYS: "400",
  HISTORY_MAX_TOKENS: "8000",
  HISTORY_MAX_MESSAGES: "40",
  HISTORY_TTL_SECONDS: "2592000",
  NEW_TOPIC_AFTER_MINUTES: "240",
  DOCUMENT_MAX_TOKENS: "30000",
  SPEAK_VOICE: "alloy",
  TOOLS: "auto",
  MEMORY: "on",
  ANSWER_CACHE: "off",
  ANSWER_CACHE_HOURS: "24",
  RATE_LIMIT_MESSAGES: "10",
  RATE_LIMIT_WINDOW_SECONDS: "60",
  STREAM_MODE: "edit",
  CONCURRENCY: "4000",
  LOG_LEVEL: "info",
  LOG_FORMAT: "auto",
} as const;

/** Every variable but those of the providers, whose names depend on `MODELS`. */
export const environmentFields = {
  BOT_TOKEN: matching(
    /^\d+:[A-Za-z0-9_-]{20,}$/,
    "is not a bot token; copy the whole line from @BotFather, like 123456789:ABC…",
  ).optional(),
  TELEGRAM_API_ROOT: url().prefault(defaults.TELEGRAM_API_ROOT),
  TELEGRAM_LOCAL_FILES: matching(
    /^\//,
    "must be the whole path of a folder, like /var/lib/telegram-bot-api",
  ).optional(),
  WEBHOOK_URL: url().optional(),
  WEBHOOK_SECRET: matching(
    /^[A-Za-z0-9_-]{1,256}$/,
    "may hold only 1 to 256 of A-Z a-z 0-9 _ and -; leave it out to have one derived from the bot token",
  ).optional(),
  HOST: matching(/^[^\s/]+$/, "must be an address of this machine, like 0.0.0.0 or 127.0.0.1").optional(),
  PORT: whole(0, 65_535, "").prefault(defaults.PORT),
  METRICS_PORT: whole(0, 65_535, "").optional(),
  METRICS_TOKEN: token("and /metrics is open to whoever reaches it").optional(),
  DATA_DIR: text().prefault(defaults.DATA_DIR),
  REDIS_URL: redisUrl().optional(),
  REDIS_PREFIX: matching(
    /^[A-Za-z0-9_-]{1,64}$/,
    "may hold only 1 to 64 of A-Z a-z 0-9 _ and -; bots that share a Redis need one each",
  ).prefault(defaults.REDIS_PREFIX),
  ADMIN_TOKEN: token("and there is no dashboard").optional(),
  MODELS: list(readModelChains, ({ names, chains }) => ({ names, chains })).optional(),
  AUTO_CHEAP: list(readAutoChain, ({ chain }) => chain).optional(),
  AUTO_STRONG: list(readAutoChain, ({ chain }) => chain).optional(),
  FALLBACK_MODELS: list(readFallbacks, ({ models }) => models).optional(),
  VISION_MODELS: list(readFallbacks, ({ models }) => models.map(({ name }) => name)).optional(),
  MODEL_CAPABILITIES: list(readCapabilities, ({ stated }) => stated).optional(),
  MODEL_MAX_TOKENS: whole(1, 10_000_000, "tokens").optional(),
  MODEL_TEMPERATURE: temperature().optional(),
  PRICES_FILE: text().optional(),
  BUDGET_USER_DAY: budget().optional(),
  BUDGET_USER_MONTH: budget().optional(),
  BUDGET_CHAT_DAY: budget().optional(),
  BUDGET_BOT_DAY: budget().optional(),
  LEDGER_DAYS: whole(1, 36_500, "days").prefault(defaults.LEDGER_DAYS),
  SYSTEM_PROMPT: text().prefault(defaults.SYSTEM_PROMPT),
  DOCUMENT_MAX_TOKENS: whole(100, 10_000_000, "tokens").prefault(defaults.DOCUMENT_MAX_TOKENS),
  HISTORY_MAX_TOKENS: whole(0, 10_000_000, "tokens").prefault(defaults.HISTORY_MAX_TOKENS),
  HISTORY_MAX_MESSAGES: whole(0, 10_000, "messages").prefault(defaults.HISTORY_MAX_MESSAGES),
  HISTORY_TTL_SECONDS: whole(1, 315_360_000, "seconds").prefault(defaults.HISTORY_TTL_SECONDS),
  SUMMARY_MODEL: summaryModel().optional(),
  TRANSCRIBE_MODEL: mediaModel("openai/gpt-4o-mini-transcribe").optional(),
  SPEAK_MODEL: mediaModel("openai/gpt-4o-mini-tts").optional(),
  SPEAK_VOICE: matching(/^\S{1,100}$/, "must be the name of a voice, without blanks, like alloy").prefault(
    defaults.SPEAK_VOICE,
  ),
  IMAGE_MODEL: mediaModel("openai/gpt-image-2").optional(),
  TOOLS: toolList().prefault(defaults.TOOLS),
  SEARCH_PROVIDER: oneOf(searchProviders, `must be one of ${searchProviders.join(", ")}`).optional(),
  TAVILY_API_KEY: key().optional(),
  BRAVE_API_KEY: key().optional(),
  EXA_API_KEY: key().optional(),
  SERPER_API_KEY: key().optional(),
  SEARXNG_URL: url().optional(),
  MCP_SERVERS: text().optional(),
  MEMORY: oneOf(["on", "off"], "must be on or off").prefault(defaults.MEMORY),
  MEMORY_PROVIDERS: providerNames().optional(),
  NEW_TOPIC_AFTER_MINUTES: whole(0, 525_600, "minutes").prefault(defaults.NEW_TOPIC_AFTER_MINUTES),
  ANSWER_CACHE: oneOf(["off", "chat", "shared"], "must be off, chat or shared").prefault(defaults.ANSWER_CACHE),
  ANSWER_CACHE_HOURS: whole(1, 8_760, "hours").prefault(defaults.ANSWER_CACHE_HOURS),
  RATE_LIMIT_MESSAGES: whole(1, 1_000_000, "messages").prefault(defaults.RATE_LIMIT_MESSAGES),
  RATE_LIMIT_WINDOW_SECONDS: whole(1, 86_400, "seconds").prefault(defaults.RATE_LIMIT_WINDOW_SECONDS),
  RATE_LIMIT_BURST: whole(1, 1_000_000, "messages").optional(),
  ALLOWED_USER_IDS: userIds().prefault(""),
  ALLOWED_CHAT_IDS: chatIds().prefault(""),
  ADMIN_USER_IDS: userIds().prefault(""),
  STREAM_MODE: oneOf(["edit", "draft"], "must be edit or draft").prefault(defaults.STREAM_MODE),
  CONCURRENCY: whole(1, 100_000, "turns at once").prefault(defaults.CONCURRENCY),
  LOG_LEVEL: oneOf(logLevels, `must be one of ${logLevels.join(", ")}`).prefault(defaults.LOG_LEVEL),
  LOG_FORMAT: oneOf(["auto", "json", "pretty"], "must be auto, json or pretty").prefault(defaults.LOG_FORMAT),
};

export type Environment = ValuesOf<typeof environmentFields>;

export const variableNames = Object.keys(environmentFields) as readonly (keyof Environment)[];

/** The variables of one provider, without their prefix. */
export const providerFields = {
  API_KEY: key().optional(),
  BASE_URL: url().optional(),
  CONCURRENCY: whole(1, 100_000, "calls at once").optional(),
  // Read by itself: each header has a mistake of its own.
  HEADERS: text().optional(),
  WIRE: oneOf(wireNames, `must be one of ${wireNames.join(", ")}`).optional(),
};

/** One line for each variable that is wrong; `prefix` begins their names in the environment. */
export function linesOf(wrong: ReadonlyMap<string, string>, prefix = ""): string[] {
  const usual = new Map<string, string>(Object.entries(defaults));
  return [...wrong].map(([name, mistake]) => {
    const otherwise = usual.get(prefix + name);
    return `${prefix}${name} ${mistake}${otherwise === undefined ? "" : `; left out, it is ${otherwise}`}`;
  });
}

/** Anything else cannot stand in an HTTP header, and the client's own complaint would quote the key. */
function key() {
  return matching(/^[\x21-\x7e]+$/, "holds spaces or characters that no key has; copy it again");
}

/** One of our own choice, that opens something; `otherwise` says what holds without it. */
function token(otherwise: string) {
  return matching(/^[\x21-\x7e]{16,256}$/, `must be 16 to 256 characters without spaces; leave it out ${otherwise}`);
}

function temperature(): Field<number> {
  const number = matching(/^([01](\.\d+)?|2(\.0+)?|\.\d+)$/, "must be a number from 0 to 2, like 0.7");
  return field((given) => Number(number.read(given)));
}

function budget() {
  return field((given) => {
    const found = readAmount(given);
    if (found === undefined) throw new Mistake(budgetMistake);
    return found;
  });
}

/** Without a slash at its end: paths are appended. */
function url() {
  return field((given) => {
    const parsed = URL.canParse(given) ? new URL(given) : undefined;
    if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) {
      throw new Mistake("is not a URL; write it like https://example.com/path");
    }
    if (parsed.search !== "" || parsed.hash !== "") {
      throw new Mistake("must end with its path; leave out everything from ? or # on");
    }
    return parsed.href.replace(/(?<!\/)\/+$/, "");
  });
}

/** As it was written: the client reads it in its own way. */
function redisUrl() {
  const mistake =
    "is not a Redis URL; write it like redis://user:password@host:6379/0, or rediss:// for TLS, with nothing behind it (special characters of a password as %40 and the like, % itself as %25)";
  // A bare / ? or # in a password would end the address there, and what stands before it would pass for host and port.
  const whole = /^rediss?:\/\/([^\s/?#@]*@)?(\[[\da-fA-F:.]+\]|[^\s/:@?#[\]]+)(:\d{1,5})?(\/\d*)?$/;
  return field((given) => {
    if (!whole.test(given) || !URL.canParse(given) || /%(?![\da-f]{2})/i.test(given)) throw new Mistake(mistake);
    return given;
  });
}

/** A list whose reader finds what is wrong with it. */
function list<L extends { readonly mistakes: readonly string[] }, T>(
  read: (text: string) => L,
  resultOf: (list: L) => T,
) {
  return field((given) => {
    const found = read(given);
    if (found.mistakes.length > 0) throw new Mistake(found.mistakes.join("; it "));
    return resultOf(found);
  });
}

/** A model, or `off`. */
function summaryModel() {
  return field((given) => {
    if (given === "off") return given;
    const { models, mistakes } = readFallbacks(given);
    const [model, ...others] = models;
    if (model !== undefined && others.length === 0) {
      if (mistakes.length > 0) throw new Mistake(mistakes.join("; it "));
      return model;
    }
    throw new Mistake("must be one model, like openai/gpt-6-luna, or off");
  });
}

/** One chain, or `off`. None of these models thinks: an effort behind a name is a mistake. */
function mediaModel(example: string): Field<"off" | readonly ModelName[]> {
  return field((given) => {
    if (given === "off") return given;
    const { chain, mistakes } = readAutoChain(given);
    if (chain !== undefined && mistakes.length === 0 && chain.every(({ effort }) => effort === undefined)) return chain;
    throw new Mistake(`must be one provider/model, like ${example}; others may stand behind a >; or off`);
  });
}

/** As they stand before the slash in `MODELS`. */
function providerNames() {
  return field((given) => {
    const names = split(given);
    const misplaced = names.flatMap((name, index) => (/^[^/@>:]{1,64}$/.test(name) ? [] : [index + 1]));
    if (names.length > 0 && misplaced.length === 0) return [...new Set(names)];
    throw new Mistake(
      `must be names of providers separated by commas, like ollama,anthropic${names.length > 0 ? `; there is none in place ${misplaced.join(", ")}` : ""}`,
    );
  });
}

function userIds() {
  return idList(
    [
      (entry) => !/^[1-9]\d{0,15}$/.test(entry),
      (places) =>
        `has no user id in place ${places}; ids are whole numbers like 123456789, separated by commas (@names do not work; a group's id belongs in ALLOWED_CHAT_IDS)`,
    ],
    [
      (entry) => standIns.has(Number(entry)),
      (places) =>
        `has an id of Telegram's own in place ${places}, which everyone has who writes as a group or a channel; to let a group in, with its anonymous admins, put the group's id into ALLOWED_CHAT_IDS`,
    ],
  );
}

function chatIds() {
  return idList([
    (entry) => !/^-[1-9]\d{0,15}$/.test(entry),
    (places) =>
      `has no id of a group in place ${places}; they are whole numbers below zero like -1001234567890, separated by commas (a person's id belongs in ALLOWED_USER_IDS)`,
  ]);
}

/** Each mistake is a test of an entry, and what to say of the places (from 1) that fail it. */
function idList(...mistakes: [isWrong: (entry: string) => boolean, say: (places: string) => string][]) {
  return field((given) => {
    const entries = split(given);
    for (const [isWrong, say] of mistakes) {
      const misplaced = entries.flatMap((entry, index) => (isWrong(entry) ? [index + 1] : []));
      if (misplaced.length > 0) throw new Mistake(say(misplaced.join(", ")));
    }
    return new Set(entries.map(Number));
  });
}

function split(list: string): string[] {
  return list.split(/[\s,]+/).filter((entry) => entry !== "");
}
