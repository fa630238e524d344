/** Where state lives and updates wait: in one file on this machine, or in one Redis that many processes share. */
import { join } from "node:path";
import { messageOf, StartError } from "../base/errors.ts";
import type { BesideLoop } from "../base/in-hand.ts";
import type { Logger } from "../base/log.ts";
import type { Config } from "../config/config.ts";
import type { SharedBreakers } from "../ports/breakers.ts";
import type { Directory } from "../ports/directory.ts";
import type { ChatHolds, Election } from "../ports/fleet.ts";
import type { QueueView } from "../ports/operators.ts";
import type { SharedPlaces } from "../ports/places.ts";
import type { UpdateQueue } from "../ports/queue.ts";
import type { RateLimiter } from "../ports/rate-limit.ts";
import type { Store } from "../ports/store.ts";
import { linesOf, textsFor } from "../texts/texts.ts";

/** What the parts of a process stand on. */
export interface Engines {
  readonly store: Store;
  readonly queue: UpdateQueue;
  readonly directory: Directory;
  /** Of questions, and whatever else asks the model. */
  readonly rateLimiter: RateLimiter;
  /** Of commands and buttons. */
  readonly commandLimiter: RateLimiter;
  /** What the thread that watches the loop does for the queue. */
  readonly besideLoop: BesideLoop;
  /** Only where several processes serve one bot. */
  readonly shared?: {
    readonly holds: ChatHolds;
    readonly places: SharedPlaces;
    readonly breakers: SharedBreakers;
    /** Who polls. */
    readonly poller: Election;
    /** What the dashboard shows. */
    readonly view: QueueView;
    /** Whether a bot has ever used this prefix of this Redis. */
    used(): Promise<boolean>;
  };
  /** Writes what waits and closes everything. */
  stop(): Promise<void>;
}

/** More than any person sends, and too few to keep the bot busy. */
const commandRate = { messages: 60, windowSeconds: 60, burst: 60 } as const;

/**
 * Opens the engines that the configuration asks for. Throws a `StartError` when a person has to mend something first.
 * `onLimiterFailure` is told when a question was let through because the rate limiter could not be asked.
 */
export async function openEngines(config: Config, log: Logger, onLimiterFailure: () => void): Promise<Engines> {
  return config.redis === undefined
    ? await openEmbedded(config, log)
    : await openRedis(config, config.redis, log, onLimiterFailure);
}

// Each engine is loaded only where it is used: the other one would cost start time and memory for nothing.

/** The file of the embedded engines. */
export function databasePath({ dataDir }: Pick<Config, "dataDir">): string {
  return join(dataDir, "parley.db");
}

async function openEmbedded(config: Config, log: Logger): Promise<Engines> {
  const [
    { createSqliteDatabase },
    { createSqliteStore },
    { createSqliteDirectory },
    { createSqliteQueue },
    { createTokenBucket },
  ] = await Promise.all([
    import("../engines/embedded/database.ts"),
    import("../engines/embedded/store.ts"),
    import("../engines/embedded/directory.ts"),
    import("../engines/embedded/queue.ts"),
    import("../engines/lanes/token-bucket.ts"),
  ]);
  const path = databasePath(config);
  const database = createSqliteDatabase(path, log);
  const hangFile = join(config.dataDir, "hangs");
  // An operator's command does not know how long the bot keeps conversations, so it must forget none.
  const operator = config.mode === "queue";
  const historyTtlSeconds = operator ? Number.POSITIVE_INFINITY : config.history.ttlSeconds;
  const ledgerDays = operator ? undefined : config.ledgerDays;

  /** Trouble with the disk, or with a part of the file that nobody has read yet, shows here. */
  function openParts() {
    try {
      const store = createSqliteStore({ database, historyTtlSeconds, ledgerDays });
      const directory = createSqliteDirectory(database);
      return { store, directory, queue: createSqliteQueue({ database, hangFile, log, keepAnswer: store.keepAnswer }) };
    } catch (error) {
      void database.close();
      const line = `DATA_DIR: ${path} cannot be used (${messageOf(error)}); see to its disk, or set DATA_DIR to another folder.`;
      throw new StartError([line], { retryable: /full/i.test(messageOf(error)) });
    }
  }
  const { store, queue, directory } = openParts();
  return {
    store,
    queue,
    directory,
    besideLoop: { module: new URL("../engines/embedded/hang-file.js", import.meta.url).href, data: { file: hangFile } },
    rateLimiter: createTokenBucket(config.rateLimit),
    commandLimiter: createTokenBucket(commandRate),
    async stop() {
      await queue.stop();
      await directory.stop();
      await store.stop();
      await database.close();
    },
  };
}

async function openRedis(
  config: Config,
  { url, prefix }: NonNullable<Config["redis"]>,
  log: Logger,
  onLimiterFailure: () => void,
): Promise<Engines> {
  const [
    { createRedisLink },
    { createRedisStore },
    { createRedisDirectory },
    { createRedisTokenBucket },
    { createChatHolds },
    { createRedisPlaces },
    { createRedisBreakers },
    { createElection },
    { exchangesNeeded },
  ] = await Promise.all([
    import("../engines/redis/link.ts"),
    import("../engines/redis/store.ts"),
    import("../engines/redis/directory.ts"),
    import("../engines/redis/token-bucket.ts"),
    import("../engines/redis/holds.ts"),
    import("../engines/redis/places.ts"),
    import("../engines/redis/breakers.ts"),
    import("../engines/redis/election.ts"),
    import("../chat/prompt.ts"),
  ]);
  const { createRedisQueue } = await import("../engines/redis/queue.ts");
  // An operator has no token, and claims nothing.
  const [botId = ""] = config.telegram.token.split(":");
  const link = await createRedisLink({ url, prefix, botId: botId === "" ? undefined : botId, log });
  const store = createRedisStore({
    link,
    historyTtlSeconds: config.history.ttlSeconds,
    ledgerDays: config.ledgerDays,
    noteWords: (notes) => linesOf(textsFor(undefined), notes),
  });
  const queue = createRedisQueue({ link, exchanges: exchangesNeeded(config.history), log });
  const directory = createRedisDirectory(link);
  const holds = createChatHolds({ link });
  const bucket = { link, onFailure: onLimiterFailure };
  return {
    store,
    queue,
    directory,
    besideLoop: queue.besideLoop,
    rateLimiter: createRedisTokenBucket({ ...config.rateLimit, ...bucket, name: "bucket" }),
    commandLimiter: createRedisTokenBucket({ ...commandRate, ...bucket, name: "command-bucket" }),
    shared: {
      holds,
      places: createRedisPlaces({ link, presence: queue.presence }),
      breakers: createRedisBreakers({ link }),
      poller: createElection({ link, role: "poller", log }),
      view: queue.view,
      used: () => queue.used(),
    },
    async stop() {
      await queue.stop();
      await directory.stop();
      await store.stop();
      await link.stop();
    },
  };
}
