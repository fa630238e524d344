/** Where state lives: a folder of this machine, or a Redis. */
import { constants } from "node:fs";
import { access, stat, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { messageOf, StartError } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { Finding } from "../../ports/operators.ts";
import { databasePath } from "../engines.ts";
import { askOperatorSocket } from "../operator/socket.ts";
import { bad, ok, warn } from "./findings.ts";

const mega = 1_000_000;
/** Below it the next long conversation may not fit. */
const scarceBytes = 500 * mega;
const tooFewBytes = 50 * mega;

/** Checks where the configuration stores. Opens no database: a running bot holds it. */
export async function examineStorage(config: Config, running: boolean): Promise<readonly Finding[]> {
  return config.redis === undefined ? await examineFolder(config, running) : await examineRedis(config, config.redis);
}

async function examineFolder({ dataDir }: Config, running: boolean): Promise<readonly Finding[]> {
  const about = "DATA_DIR";
  const folder = resolve(dataDir);
  const standing = await nearestFolder(folder);
  try {
    if (!(await stat(standing)).isDirectory()) return [bad(about, `${standing} is no folder`, "set DATA_DIR to one")];
    await access(standing, constants.W_OK | constants.X_OK);
    const free = await freeBytes(standing);
    const room = free === undefined ? "free space unknown" : `${sizeOf(free)} free`;
    const use = standing === folder ? await useOf(dataDir, running) : "made at the first start";
    if (free !== undefined && free < tooFewBytes)
      return [bad(about, `${folder}: only ${room}; ${use}`, "make room, or the bot cannot take updates")];
    const says = `${folder}: writable, ${room}; ${use}`;
    return [
      free !== undefined && free < scarceBytes ? warn(about, says, "make room before it is full") : ok(about, says),
    ];
  } catch (error) {
    if (error instanceof StartError) return error.lines.map((line) => warn(about, line.replace(/^DATA_DIR: /, "")));
    const code = error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
    return [
      bad(
        about,
        `${standing} cannot be written to (${code})`,
        "make it writable for the bot's user, or set DATA_DIR to another folder",
      ),
    ];
  }
}

/** The folder itself, or the one in which it would be made. */
async function nearestFolder(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found !== undefined || dirname(at) === at) return at;
  }
}

async function useOf(dataDir: string, running: boolean): Promise<string> {
  if (running) return "in use by this bot";
  const path = databasePath({ dataDir });
  if ((await stat(path).catch(() => undefined)) === undefined) return "no database yet: the first start makes it";
  return (await askOperatorSocket(dataDir, ["stats"])) === undefined ? "no bot runs on it" : "in use by a running bot";
}

async function freeBytes(folder: string): Promise<number | undefined> {
  const { bavail, bsize } = await statfs(folder);
  // Some file systems do not say.
  return bavail > 0 || bsize > 0 ? bavail * bsize : undefined;
}

function sizeOf(bytes: number): string {
  return bytes < 1_000 * mega ? `${Math.floor(bytes / mega)} MB` : `${(bytes / 1_000 / mega).toFixed(1)} GB`;
}

async function examineRedis(
  { telegram }: Config,
  { url, prefix }: NonNullable<Config["redis"]>,
): Promise<readonly Finding[]> {
  const [{ checkRedis }, { readRedisUrl }] = await Promise.all([
    import("../../engines/redis/check.ts"),
    import("../../engines/redis/address.ts"),
  ]);
  try {
    const address = readRedisUrl(url);
    const startedMs = performance.now();
    const [botId] = telegram.token.split(":");
    const check = { address, prefix: `{${prefix}}:`, botId, looksOnly: true, log: { warn: () => undefined } };
    const { version, evicts = "unknown", keeps } = await checkRedis(check);
    const tookMs = Math.round(performance.now() - startedMs);
    return [
      ok("Redis", `${address.place}: version ${version}; every command and script is allowed (tried in ${tookMs} ms)`),
      evicts === "noeviction" || evicts === "unknown"
        ? ok("eviction", evicts === "unknown" ? "Redis does not say its policy; it must be noeviction" : evicts)
        : bad(
            "eviction",
            `${evicts}: messages are thrown away when its memory is full`,
            "set maxmemory-policy to noeviction",
          ),
      persistence[keeps],
    ];
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return error.lines.map((line) => bad("Redis", line.replace(/^REDIS_URL: /, "")));
  }
}

const persistence = {
  appendonly: ok("persistence", "appendonly: a restart of Redis loses a second at most"),
  snapshots: warn(
    "persistence",
    "snapshots alone: a restart of Redis loses minutes of messages",
    "set appendonly to yes",
  ),
  nothing: bad("persistence", "none: a restart of Redis loses every message", "set appendonly to yes"),
  unknown: ok("persistence", "Redis may not be asked; see that its service keeps what it is given"),
} as const;
