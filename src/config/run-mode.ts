/** The run modes, and which variables each has no use for. */
import { type Environment, variableNames } from "./environment.ts";

/** `queue`: the commands of an operator; `doctor`: a look at everything. */
export type RunMode = "start" | "dev" | "web" | "worker" | "playground" | "queue" | "doctor";

const ofWebhook = ["WEBHOOK_URL", "WEBHOOK_SECRET"] as const;
const ofModels = [
  ...([
    "MODELS",
    "AUTO_CHEAP",
    "AUTO_STRONG",
    "FALLBACK_MODELS",
    "SUMMARY_MODEL",
    "TRANSCRIBE_MODEL",
    "SPEAK_MODEL",
    "SPEAK_VOICE",
    "IMAGE_MODEL",
    "TOOLS",
    "SEARCH_PROVIDER",
    "TAVILY_API_KEY",
    "BRAVE_API_KEY",
    "EXA_API_KEY",
    "SERPER_API_KEY",
    "SEARXNG_URL",
    "MCP_SERVERS",
    "MEMORY",
    "MEMORY_PROVIDERS",
    "VISION_MODELS",
    "MODEL_CAPABILITIES",
    "MODEL_MAX_TOKENS",
    "MODEL_TEMPERATURE",
    "PRICES_FILE",
    "ANSWER_CACHE",
    "ANSWER_CACHE_HOURS",
  ] as const),
] as const;
const ofBudgets = ["BUDGET_USER_DAY", "BUDGET_USER_MONTH", "BUDGET_CHAT_DAY", "BUDGET_BOT_DAY", "LEDGER_DAYS"] as const;

/** What a mode has no use for: a mistake in it must not keep that mode from starting. */
export const unread: Readonly<Record<RunMode, readonly (keyof Environment)[]>> = {
  start: [],
  dev: [],
  worker: [],
  doctor: [],
  web: ["TELEGRAM_LOCAL_FILES", ...ofModels, ...ofBudgets],
  // It only looks for the queue and the ledger.
  queue: allBut("DATA_DIR", "REDIS_URL", "REDIS_PREFIX", "LEDGER_DAYS", "LOG_LEVEL", "LOG_FORMAT"),
  playground: [
    ...(["BOT_TOKEN", "TELEGRAM_API_ROOT", "TELEGRAM_LOCAL_FILES", ...ofWebhook, "REDIS_URL", "REDIS_PREFIX"] as const),
    ...(["ADMIN_TOKEN", "METRICS_PORT", "METRICS_TOKEN"] as const),
  ],
};

/** Whether questions are answered in this mode. */
export function answersIn(mode: RunMode): boolean {
  return mode !== "web" && mode !== "queue";
}

function allBut(...read: readonly (keyof Environment)[]): (keyof Environment)[] {
  return variableNames.filter((name) => !read.includes(name));
}
