/** The connections of this process to Redis. */
import { Redis, type RedisOptions } from "ioredis";
import { StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { withinTime } from "../../base/within-time.ts";
import { type RedisAddress, readRedisUrl, reasonOf } from "./address.ts";
import { checkRedis } from "./check.ts";
import { setDeadlines } from "./deadlines.ts";
import { speakPlainly } from "./plain-errors.ts";

/** The connections of one process to one Redis; all parts share them, so their number does not grow with the load. */
export interface RedisLink {
  /** Stands before every key: a prefix with a hash tag, `{parley}:`. */
  readonly prefix: string;
  /** Where the server is, for a connection without this client. */
  readonly options: RedisAddress["options"];
  /**
   * For commands that must fail soon rather than wait: nothing is kept for later while Redis is away, and no answer
   * within 1.5 s is a failure. Commands given one after another without waiting are carried out in that order.
   */
  readonly commands: Redis;
  /** A further connection of the same server, without those limits. The caller counts them: a process has at most 8. */
  connect(name: string): Redis;
  /**
   * Calls `listener` with each message of this channel (the prefix is put before it). `onJoined` runs each time the
   * subscription stands, at first and after a reconnection: what was published in between is lost, so read it up there.
   */
  subscribe(channel: string, listener: (message: string) => void, onJoined?: () => void): void;
  /** Ends the connections of the link itself; those of `connect` are ended by who made them. */
  stop(): Promise<void>;
}

export interface RedisLinkOptions {
  /** `redis://user:password@host:port/database`, `rediss://` for TLS. */
  readonly url: string;
  /** Without the hash tag, which is put around it. */
  readonly prefix?: string;
  /** The public half of the bot's token: the prefix becomes that bot's alone. Left out: nothing is claimed. */
  readonly botId?: string | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
}

const commandTimeoutMs = 1_500;
/** A connection on which nothing comes back any more is replaced. */
const silenceMs = 5_000;
const startWithinMs = 5_000;
const quitWithinMs = 1_000;
const resubscribeAfterMs = 1_000;

type Options = Omit<RedisOptions, "replyMapping">;

interface Subscription {
  readonly listener: (message: string) => void;
  readonly onJoined: (() => void) | undefined;
}

/**
 * Connects to Redis. Throws a `StartError` of one line when it cannot be used (see `checkRedis`); once it stands, its
 * connections come back by themselves, for ever, and one line of the log says that Redis is away, one that it is back.
 *
 * Opens one connection, and a second one with the first `subscribe`. Scripts that have to keep the order of commands are
 * run with `eval`, never with `defineCommand`: a script that Redis has forgotten is sent again there, behind later commands.
 */
export async function createRedisLink(options: RedisLinkOptions): Promise<RedisLink> {
  const { log } = options;
  const address = readRedisUrl(options.url);
  const prefix = `{${options.prefix ?? "parley"}}:`;
  await checkRedis({ address, prefix, botId: options.botId, log });

  const shared: Options = {
    ...address.options,
    retryStrategy: (attempt) => Math.min(50 * 2 ** attempt, 1_000),
    connectTimeout: startWithinMs,
    // A peer that has vanished is found out after about 20 s of silence.
    keepAlive: 10_000,
  };
  const failingSoon: Options = {
    ...shared,
    enableOfflineQueue: false,
    // What was under way when the connection broke is a failure at once, and never sent a second time.
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  };

  function open(role: string, settings: Options): Redis {
    const redis = new Redis({ ...settings, connectionName: `parley-${role}` });
    speakPlainly(redis);
    // Each failed attempt is an error; that Redis is away is said once, below.
    redis.on("error", (error) => {
      lastReason = reasonOf(error, address.password);
    });
    return redis;
  }

  // === Commands =====================================================================================

  let [away, stopped] = [false, false];
  let lastReason = "the connection was closed";
  const commands = open("commands", failingSoon);
  setDeadlines(commands, { commandMs: commandTimeoutMs, silenceMs });
  commands.on("close", () => {
    if (away || stopped) return;
    away = true;
    // An error of the same moment comes first or a little later; the next attempt's is as good.
    log.warn({ place: address.place, reason: lastReason }, "Redis is away");
  });
  commands.on("ready", () => {
    if (away) log.info({ place: address.place }, "Redis is back");
    away = false;
    lastReason = "the connection was closed";
  });
  if (!(await becomesReady(commands, startWithinMs))) {
    stopped = true;
    commands.disconnect();
    const line = `REDIS_URL: the Redis at ${address.place} cannot be reached or used: ${lastReason}`;
    throw new StartError([line], { retryable: true });
  }

  // === Subscriptions ================================================================================

  const subscriptions = new Map<string, Subscription[]>();
  let subscriber: Redis | undefined;
  let again: NodeJS.Timeout | undefined;

  function openSubscriber(): Redis {
    const redis = open("subscriber", { ...failingSoon, autoResubscribe: false, socketTimeout: silenceMs });
    redis.on("message", (channel: string, message: string) => {
      for (const { listener } of subscriptions.get(channel) ?? []) listener(message);
    });
    redis.on("ready", () => void join([...subscriptions.keys()]));
    return redis;
  }

  /** Joins these channels, and tells who listens there. */
  async function join(channels: readonly string[]): Promise<void> {
    if (subscriber?.status !== "ready" || channels.length === 0) return;
    try {
      await subscriber.subscribe(...channels);
    } catch (error) {
      // A connection that broke joins when it is ready again; what Redis refuses may be allowed later.
      if (subscriber.status !== "ready" || stopped) return;
      log.warn({ reason: reasonOf(error, address.password) }, "Redis refuses a subscription");
      clearTimeout(again);
      again = setTimeout(() => void join([...subscriptions.keys()]), resubscribeAfterMs);
      return;
    }
    for (const channel of channels) for (const { onJoined } of subscriptions.get(channel) ?? []) onJoined?.();
  }

  return {
    prefix,
    options: address.options,
    commands,
    connect: (name) => open(name, { ...shared, maxRetriesPerRequest: null }),
    subscribe(name, listener, onJoined) {
      const channel = `${prefix}${name}`;
      const others = subscriptions.get(channel) ?? [];
      subscriptions.set(channel, [...others, { listener, onJoined }]);
      if (subscriber === undefined) subscriber = openSubscriber();
      else void join([channel]);
    },
    async stop() {
      stopped = true;
      clearTimeout(again);
      await Promise.all([commands, subscriber].map((redis) => redis && end(redis)));
    },
  };
}

/** Whether the connection stands before the time is over. */
async function becomesReady(redis: Redis, milliseconds: number): Promise<boolean> {
  if (redis.status === "ready") return true;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  redis.once("ready", () => resolve(true));
  return await withinTime(milliseconds, promise, false);
}

/** Waits for the answers that are due, but not for long, and closes. */
async function end(redis: Redis): Promise<void> {
  await withinTime(quitWithinMs, redis.quit(), undefined);
  redis.disconnect();
}
