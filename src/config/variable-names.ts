/** Names in the environment that nothing reads, but that somebody may have meant for one that is. */

import { distance } from "../base/edit-distance.ts";

/** `given` stands in the environment, `meant` is what it was probably to be. */
export interface Misspelling {
  readonly given: string;
  readonly meant: string;
}

export interface KnownNames {
  /** Every variable that is read. */
  readonly read: readonly string[];
  /** The beginnings of providers' variables (`OPENAI_`), in use or not. */
  readonly providers: readonly string[];
}

/** What other bots and tools call our variables; said only while ours are not set. */
const aliases: Readonly<Record<string, readonly string[]>> = {
  BOT_TOKEN: ["TOKEN", "TELEGRAM_TOKEN", "TELEGRAM_BOT_TOKEN", "TELEGRAM_API_TOKEN", "TELEGRAM_API_KEY"].concat(
    "TELEGRAM_BOT_API_TOKEN",
    "TG_TOKEN",
    "TG_BOT_TOKEN",
    "BOT_API_TOKEN",
    "BOT_API_KEY",
    "BOT_KEY",
  ),
  TELEGRAM_API_ROOT: ["TELEGRAM_API_URL", "TELEGRAM_API_BASE_URL", "TELEGRAM_BASE_URL"],
  MODELS: ["MODEL", "LLM_MODEL", "MODEL_NAME", "DEFAULT_MODEL", "OPENAI_MODEL"],
  ALLOWED_USER_IDS: ["ALLOWED_USERS", "ALLOWED_IDS", "ALLOWED_TELEGRAM_USER_IDS", "USER_IDS"],
  ADMIN_USER_IDS: ["ADMIN_IDS", "ADMINS", "ADMIN_ID", "ADMIN_USERS"],
  SYSTEM_PROMPT: ["PERSONA", "SYSTEM_MESSAGE"],
};
const aliasesOfKeys = ["KEY", "TOKEN", "API_TOKEN", "SECRET_KEY", "API_SECRET"];
const aliasesOfBaseUrls = ["URL", "API_BASE", "API_URL", "API_BASE_URL", "BASE", "ENDPOINT"];
/** What others set by names of their own: npm, and Kubernetes for each service near by. */
const foreign = /^npm_|_SERVICE_(HOST|PORT)|_PORT_\d/;
/** The name of a provider may be any: only a slip in one that is known counts. */
const ofProvider = /^([A-Z][A-Z0-9_]*)_(API_KEY|BASE_URL|CONCURRENCY|HEADERS|WIRE)$/;
/** Below it, one letter makes another word: PORT and POST, HOST and HOSTS. */
const shortestName = 6;
const longestName = 48;

/**
 * The names of an environment that are near to ones that are read, or usual elsewhere for them. Names with a meaning of their
 * own are left alone: those of platforms, and `<NAME>_API_KEY` of a provider that is not in use.
 */
export function misspelledNames(given: readonly string[], { read, providers }: KnownNames): Misspelling[] {
  const known = new Set(read);
  const set = new Set(given);
  return given.flatMap((name) => {
    if (known.has(name) || name.length > longestName || foreign.test(name)) return [];
    const meant =
      aliasOf(name, providers).find((one) => known.has(one) && !set.has(one)) ?? nearest(name, read, providers);
    return meant === undefined ? [] : [{ given: name, meant }];
  });
}

function aliasOf(name: string, providers: readonly string[]): string[] {
  const usual = Object.entries(aliases).flatMap(([ours, theirs]) => (theirs.includes(name) ? [ours] : []));
  const prefix = providers.find((one) => name.startsWith(one));
  if (prefix === undefined) return usual;
  const rest = name.slice(prefix.length);
  if (aliasesOfKeys.includes(rest)) return [...usual, `${prefix}API_KEY`];
  return aliasesOfBaseUrls.includes(rest) ? [...usual, `${prefix}BASE_URL`] : usual;
}

function nearest(name: string, read: readonly string[], providers: readonly string[]): string | undefined {
  const written = name.toUpperCase();
  if (written.length < shortestName) return undefined;
  const [, provider, field] = ofProvider.exec(written) ?? [];
  if (provider !== undefined && field !== undefined) {
    // A digit more is a second key, and another first letter another provider (LLAMA, OLLAMA).
    const meant = providers.find(
      (one) =>
        one.length > shortestName &&
        one[0] === provider[0] &&
        !/\d/.test(provider) &&
        distance(provider, one.slice(0, -1), 1) === 1,
    );
    if (meant !== undefined) return `${meant}${field}`;
    if (written === name) return undefined;
  }
  return read.find((one) => one.length >= shortestName && isNear(written, one));
}

/** One slip in all, a lost or doubled `_`, or slips in several words none of which becomes another word. */
function isNear(written: string, meant: string): boolean {
  if (Math.abs(written.length - meant.length) > 3) return false;
  if (written.replaceAll("_", "") === meant.replaceAll("_", "") || distance(written, meant, 1) <= 1) return true;
  const words = meant.split("_");
  const others = written.split("_");
  if (words.length !== others.length) return false;
  const slips = words.map((word, index) => {
    const most = word.length < 4 ? 0 : word.length < 8 ? 1 : 2;
    const found = distance(others[index] ?? "", word, most);
    return found <= most ? found : Infinity;
  });
  return slips.reduce((sum, one) => sum + one, 0) <= 2;
}
