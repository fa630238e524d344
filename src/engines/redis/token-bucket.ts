/** The rate limit of many processes: one token bucket per user, in Redis. */
import type { RateLimiter } from "../../ports/rate-limit.ts";
import { clockSetMs, roundingError } from "../lanes/token-bucket.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";

export interface RedisTokenBucketOptions {
  readonly link: RedisLink;
  readonly messages: number;
  readonly windowSeconds: number;
  readonly burst: number;
  /** Buckets of one name are a user's own. */
  readonly name: string;
  /** Told each time a verdict could not be had, and the question was let through. */
  onFailure(error: unknown): void;
}

/**
 * KEYS bucket (a hash: `tokens`, `filled` and, once told, `told`). ARGV at, burst, tokens per millisecond, windowMs, keptMs.
 * Returns allowed, tell, tokens.
 */
const takeToken = `
  local at, burst, perMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'filled', 'told')
  local tokens, filled, told = tonumber(bucket[1] or burst), tonumber(bucket[2] or at), tonumber(bucket[3] or '-inf')
  if at < filled - ${clockSetMs} then
    tokens, filled, told = burst, at, -math.huge
    redis.call('HDEL', KEYS[1], 'told')
  end
  tokens = math.min(burst, tokens + math.max(0, at - filled) * perMs)
  filled = math.max(filled, at)
  local allowed = tokens >= 1 - ${roundingError}
  local tell = not allowed and at - told >= tonumber(ARGV[4])
  if allowed then tokens = math.max(0, tokens - 1) end
  local exact = string.format('%.17g', tokens)
  redis.call('HSET', KEYS[1], 'tokens', exact, 'filled', string.format('%.0f', filled))
  if tell then redis.call('HSET', KEYS[1], 'told', ARGV[1]) end
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return { allowed and 1 or 0, tell and 1 or 0, exact }
`;

/**
 * The bucket of `createTokenBucket`, for all processes together: one atomic step per question, on the link's commands
 * connection. While Redis fails every question is let through: a limit that cannot be asked must not silence the bot.
 */
export function createRedisTokenBucket(options: RedisTokenBucketOptions): RateLimiter {
  const { link, burst } = options;
  const windowMs = options.windowSeconds * 1000;
  const perMs = options.messages / windowMs;
  // A bucket that is full again, of a user who may be told again, is like a new one.
  const keptMs = Math.ceil(Math.max(windowMs, burst / perMs)) + 1_000;

  return {
    async take(payer, at) {
      try {
        const args = [at, burst, perMs, windowMs, keptMs];
        const result = await runScript(link.commands, takeToken, [`${link.prefix}${options.name}:${payer}`], args);
        const [allowed, tell, tokens] = result as [number, number, string];
        if (allowed === 1) return { allowed: true, tell: false, waitSeconds: 0 };
        const missing = 1 - Number(tokens);
        const waitSeconds = Math.max(1, Math.ceil(missing / perMs / 1000 - roundingError));
        return { allowed: false, tell: tell === 1, waitSeconds };
      } catch (error) {
        options.onFailure(error);
        return { allowed: true, tell: false, waitSeconds: 0 };
      }
    },
    forget: async (payer) => void (await link.commands.del(`${link.prefix}${options.name}:${payer}`)),
  };
}
