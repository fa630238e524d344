/** The rate limit of many processes: one token bucket per user, in Redis. */
import type { RateLimiter } from "../../ports/rate-limit.ts";
import { sharedForMs, sharedTokenOf } from "../lanes/groups.ts";
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
 * KEYS bucket (a hash: `tokens`, `filled` and, once told, `told`), the verdict of the group (a hash). ARGV at, burst, tokens per
 * millisecond, windowMs, keptMs, and for what shares its token: whether it ends the group, milliseconds behind the one before it,
 * most messages. Returns allowed, tell, tokens.
 */
const takeToken = `
  if ARGV[6] then
    local former = redis.call('HMGET', KEYS[2], 'first', 'last', 'count', 'allowed', 'tokens')
    if former[1] then
      local apart = math.abs(ARGV[1] - former[2]) > tonumber(ARGV[7]) or math.abs(ARGV[1] - former[1]) > ${sharedForMs}
        or tonumber(former[3]) >= tonumber(ARGV[8])
      if ARGV[6] == '1' or apart then redis.call('DEL', KEYS[2]) end
      if not apart then
        if ARGV[6] ~= '1' then
          redis.call('HSET', KEYS[2], 'last', string.format('%.0f', math.max(former[2], ARGV[1])), 'count', former[3] + 1)
        end
        return { tonumber(former[4]), 0, former[5] }
      end
    end
  end
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
  if ARGV[6] == '0' then
    redis.call('HSET', KEYS[2], 'first', ARGV[1], 'last', ARGV[1], 'count', 1, 'allowed', allowed and 1 or 0, 'tokens', exact)
    redis.call('PEXPIRE', KEYS[2], ${sharedForMs})
  end
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
    async take(payer, at, piece) {
      const shared = piece && sharedTokenOf(piece);
      const bucket = `${link.prefix}${options.name}:${payer}`;
      const keys = shared === undefined ? [bucket] : [bucket, `${bucket}:${shared.group}`];
      const sharing = shared === undefined ? [] : [shared.ends ? 1 : 0, shared.withinMs, shared.most];
      try {
        const args = [at, burst, perMs, windowMs, keptMs, ...sharing];
        const result = await runScript(link.commands, takeToken, keys, args);
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
