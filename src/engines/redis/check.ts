/** What a Redis must be like for Parley, found out before anything starts. */
import { Redis } from "ioredis";
import { StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { type RedisAddress, reasonOf } from "./address.ts";
import { lookAtKeys, rehearse } from "./rehearsal.ts";

export interface RedisCheck {
  readonly address: RedisAddress;
  /** Stands before every key. */
  readonly prefix: string;
  /** The public half of the bot's token; left out when nobody's state is to be claimed. */
  readonly botId?: string | undefined;
  /** Nobody's state is claimed, only looked whose it is. */
  readonly looksOnly?: boolean;
  readonly log: Pick<Logger, "warn">;
}

/** What a Redis says of itself. */
export interface RedisFacts {
  readonly version: string;
  /** What it does when its memory is full; undefined where it does not say. */
  readonly evicts: string | undefined;
  /** How it keeps what it is given over a restart; `unknown` where it may not be asked. */
  readonly keeps: "appendonly" | "snapshots" | "nothing" | "unknown";
}

/** What the queue's engine and our scripts need. */
const oldestVersion = [6, 2] as const;
const withinMs = 5_000;

/**
 * Connects once and looks around; resolves with what it has found. Throws a `StartError` of one line, without any secret, when this Redis cannot be used;
 * warns in the log about settings under which state may be lost. Takes at most 6 s.
 */
export async function checkRedis(check: RedisCheck): Promise<RedisFacts> {
  const { address } = check;
  const redis = new Redis({
    ...address.options,
    connectionName: "parley-check",
    lazyConnect: true,
    retryStrategy: () => null,
    connectTimeout: withinMs,
    // A server that is loading its data is told apart below.
    enableReadyCheck: false,
  });
  let failure: unknown;
  redis.on("error", (error) => {
    failure ??= error;
  });
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no answer within ${withinMs / 1000} s`)), withinMs);
  try {
    return await Promise.race([look(redis, check, () => failure), late.promise]);
  } catch (error) {
    if (error instanceof StartError) throw error;
    const reason = reasonOf(failure ?? error, address.password);
    throw new StartError([refusal(reason, address)], { retryable: mayPass(reason) });
  } finally {
    clearTimeout(timer);
    redis.disconnect();
  }
}

async function look(redis: Redis, check: RedisCheck, failure: () => unknown): Promise<RedisFacts> {
  const { place } = check.address;
  await redis.connect();
  // A database that does not exist is such an error: the client would go on in number 0.
  if (failure() !== undefined) throw failure();
  const facts = factsOf(await redis.info());
  const version = facts.get("redis_version");
  if (version === undefined) throw new StartError([`REDIS_URL: what answers at ${place} is not Redis`]);
  if (!recentEnough(version)) {
    const line = `REDIS_URL: the Redis at ${place} is version ${version}; it must be ${oldestVersion.join(".")} or newer`;
    throw new StartError([line]);
  }
  if (facts.get("loading") === "1") {
    const line = `REDIS_URL: the Redis at ${place} is still loading its data; start again when it has`;
    throw new StartError([line], { retryable: true });
  }
  if (facts.get("redis_mode") === "cluster" || facts.get("cluster_enabled") === "1") {
    throw new StartError([`REDIS_URL: the Redis at ${place} is a cluster, which is not supported; use a single Redis`]);
  }
  if (facts.get("role") === "slave") {
    const line = `REDIS_URL: the Redis at ${place} is a read-only replica; give the address of its primary`;
    throw new StartError([line], { retryable: true });
  }
  const evicts = facts.get("maxmemory_policy");
  const found: RedisFacts = { version, evicts, keeps: await persistenceOf(redis, facts) };
  warn(found, check);
  const wrong = await lookAtKeys(redis, check.prefix, Date.now());
  if (wrong !== undefined) {
    throw new StartError([`REDIS_PREFIX: ${wrong}, in the Redis at ${place}; delete it, or use another REDIS_PREFIX`]);
  }
  await claim(redis, check);
  // The last: a connection that has subscribed can do nothing else.
  await rehearse(redis, check.prefix);
  return found;
}

function factsOf(info: string): Map<string, string> {
  const pairs = info.split("\r\n").map((line) => line.split(":"));
  return new Map(pairs.flatMap(([name, ...value]) => (name === undefined ? [] : [[name, value.join(":")] as const])));
}

function recentEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1]);
}

function warn({ evicts, keeps }: RedisFacts, { log }: RedisCheck): void {
  if (evicts !== undefined && evicts !== "noeviction") {
    log.warn(
      { policy: evicts },
      "Redis may throw messages away when its memory is full: set maxmemory-policy to noeviction",
    );
  }
  if (keeps === "nothing") {
    log.warn({}, "Redis keeps nothing on disk, so a restart of it loses every message: set appendonly to yes");
  }
}

async function persistenceOf(redis: Redis, facts: ReadonlyMap<string, string>): Promise<RedisFacts["keeps"]> {
  const appends = facts.get("aof_enabled");
  if (appends !== "0") return appends === undefined ? "unknown" : "appendonly";
  // Managed services refuse CONFIG, and keep the data in ways of their own.
  const save = await redis.config("GET", "save").catch(() => undefined);
  if (!Array.isArray(save)) return "unknown";
  return save[1] === "" ? "nothing" : "snapshots";
}

/** Two bots on one prefix would answer each other's messages, and take each other's updates for repeated ones. */
async function claim(redis: Redis, { prefix, botId, address, looksOnly }: RedisCheck): Promise<void> {
  if (botId === undefined) return;
  const key = `${prefix}bot`;
  if (looksOnly !== true) await redis.set(key, botId, "NX");
  const owner = await redis.get(key);
  if (owner === botId || (owner === null && looksOnly === true)) return;
  throw new StartError([
    `REDIS_PREFIX: another bot (${owner}) keeps its state under ${prefix} in the Redis at ${address.place}; ` +
      "use another REDIS_PREFIX, or another database number in REDIS_URL",
  ]);
}

/** Out of reach, cut off, or a replica for the moment: where Redis is restarted or fails over, that ends by itself. */
function mayPass(reason: string): boolean {
  return /ECONN|ETIMEDOUT|UNREACH|ENOTFOUND|EAI_AGAIN|EPIPE|no answer|connection is closed|READONLY|LOADING|MASTERDOWN/i.test(
    reason,
  );
}

/** One line for what kept us out. */
function refusal(reason: string, { place, options }: RedisAddress): string {
  if (/NOAUTH|Authentication required/i.test(reason)) {
    return `REDIS_URL: the Redis at ${place} wants a password: redis://:password@host:port`;
  }
  if (/WRONGPASS|invalid password|invalid username/i.test(reason)) {
    return `REDIS_URL: the Redis at ${place} refuses the user name or the password`;
  }
  if (/NOPERM|no permissions|ACL failure|user executing the script can't/i.test(reason))
    return `REDIS_URL: its user may not do what is needed: ${reason}`;
  if (/WRONGTYPE/.test(reason)) {
    return `REDIS_PREFIX: at one of our keys in the Redis at ${place} stands something else; use another REDIS_PREFIX`;
  }
  if (/READONLY/.test(reason)) {
    return `REDIS_URL: the Redis at ${place} cannot be written to; give the address of its primary`;
  }
  if (/DB index/i.test(reason)) return `REDIS_URL: the Redis at ${place} has no database ${options.db}`;
  if (/RESP|protocol|connection is closed|unknown command|wrong version number/i.test(reason)) {
    const hint = options.tls === undefined ? "it may want rediss:// (TLS)" : "it may want redis:// (no TLS)";
    return `REDIS_URL: what answers at ${place} does not speak as a Redis; ${hint}`;
  }
  if (/certificate|self[- ]signed|altnames/i.test(reason)) {
    // No authority mends a wrong name or an old date.
    const cure = /self[- ]signed|issuer|verify/i.test(reason)
      ? "; name the file of its authority in NODE_EXTRA_CA_CERTS, or use a Redis whose certificate a public authority has signed"
      : "";
    return `REDIS_URL: the certificate of the Redis at ${place} is not trusted (${reason})${cure}`;
  }
  const question = options.tls !== undefined && reason.startsWith("no answer") ? "; does it speak TLS?" : "";
  return `REDIS_URL: the Redis at ${place} cannot be reached or used: ${reason}${question}`;
}
