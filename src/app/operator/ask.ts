/** `npm run queue` from the operator's side: through the bot that runs, or on the queue itself when none does. */
import { statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { StartError } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Config } from "../../config/config.ts";
import type { OperatorAnswer } from "../../ports/operators.ts";
import { databasePath, openEngines } from "../engines.ts";
import { answerOperator } from "./commands.ts";
import { askOperatorSocket } from "./socket.ts";

/** A bot that is starting or stopping holds the database for a moment without listening. Each try waits for the lock, too. */
const tries = 3;
const pauseMs = 200;

/** Prints lines; resolves when there is room for more. */
export type Print = (lines: readonly string[]) => Promise<void>;

/**
 * Has a command carried out on the queue, or the ledger, of this configuration. What it has to say is printed as it comes.
 * Resolves with the exit code. Throws a `StartError` of one line when there is no such queue,
 * or no way to it.
 */
export async function askQueue(args: readonly string[], config: Config, log: Logger, print: Print): Promise<number> {
  if (config.redis !== undefined) return await openAndAsk(args, config, log, print);
  for (let tried = 1; ; tried += 1) {
    expectDatabase(config);
    const answered = await askOperatorSocket(config.dataDir, args);
    if (answered !== undefined) return await printed(answered, print);
    try {
      return await openAndAsk(args, config, log, print);
    } catch (error) {
      if (!(error instanceof StartError && error.code === "database-busy")) throw error;
      if (tried === tries) {
        throw new StartError([
          `DATA_DIR: the process that works on ${databasePath(config)} cannot be asked: it is a playground, or its log says why. Stop it first.`,
        ]);
      }
      await sleep(pauseMs);
    }
  }
}

async function printed({ exitCode, lines, more = nothing() }: OperatorAnswer, print: Print): Promise<number> {
  await print(lines);
  for await (const some of more) await print(some);
  return exitCode;
}

async function* nothing(): AsyncGenerator<readonly string[], void> {}

async function openAndAsk(args: readonly string[], config: Config, log: Logger, print: Print): Promise<number> {
  const engines = await openEngines(config, log, () => undefined);
  try {
    if (config.redis !== undefined && (await engines.shared?.used()) === false) {
      throw new StartError([
        `REDIS_PREFIX: there is nothing of a bot under ${config.redis.prefix} in the Redis at ${new URL(config.redis.url).host}; are REDIS_URL, its database number and REDIS_PREFIX those of the bot?`,
      ]);
    }
    const subjects = { queue: engines.queue, ledger: engines.store.ledger };
    return await printed(await answerOperator(args, subjects), print);
  } finally {
    await engines.stop();
  }
}

/** Opening it would create one. */
function expectDatabase(config: Config): void {
  const path = databasePath(config);
  try {
    statSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    throw new StartError([
      code === "ENOENT" || code === "ENOTDIR"
        ? `DATA_DIR: there is no database at ${path}; set DATA_DIR to the bot's, or start the bot once.`
        : `DATA_DIR: ${path} cannot be reached by this user (${code}); run this command as the bot's user.`,
    ]);
  }
}
