/** What a Redis must let us do, tried: a user may be kept from some commands, and something else may stand at our keys. */
import type { Redis } from "ioredis";
import { runScript } from "./script.ts";

/** The keys that are there once for all, below the prefix, and what they hold. */
const keyTypes: Readonly<Record<string, string>> = {
  ...ofType("string", "bot", "beat", "beat:2", "era", "grace", "sweep", "alone", "role:poller"),
  ...ofType("zset", "waiting", "running", "delayed", "dead", "lanes", "holds"),
  ...ofType("hash", "hangs", "lanes-turn:meta", "lanes-quick:meta"),
  ...ofType("list", "lanes-turn:wait", "lanes-turn:active", "lanes-quick:wait", "lanes-quick:active"),
  ...ofType("set", "lanes-turn:stalled", "lanes-quick:stalled"),
  ...ofType("zset", "lanes-turn:marker", "lanes-quick:marker", "lanes-turn:delayed", "lanes-quick:delayed"),
  ...ofType("string", "lanes-turn:id", "lanes-quick:id"),
  ...ofType("stream", "lanes-turn:events", "lanes-quick:events"),
};

function ofType(type: string, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, type]));
}

/** KEYS what all our keys begin with. ARGV now, how long it stays, then names and types. Returns key and type of what is wrong. */
const look = `
  redis.call('SET', KEYS[1] .. 'probe', ARGV[1], 'PX', ARGV[2])
  for at = 3, #ARGV, 2 do
    local found = redis.call('TYPE', KEYS[1] .. ARGV[at]).ok
    if found ~= 'none' and found ~= ARGV[at + 1] then return {KEYS[1] .. ARGV[at], found, ARGV[at + 1]} end
  end
  return {}
`;

const probeTtlMs = 1_000;

/**
 * Writes by a script, as everything is written, and looks whether each key holds what it must. Resolves with what is wrong;
 * rejects when Redis fails, or refuses.
 */
export async function lookAtKeys(redis: Redis, prefix: string, now: number): Promise<string | undefined> {
  const args = [now, probeTtlMs, ...Object.entries(keyTypes).flat()];
  const [key, found, due] = (await runScript(redis, look, [prefix], args)) as readonly string[];
  return key === undefined ? undefined : `what stands at ${key} is a ${found}, where a ${due} must be`;
}

/** KEYS what all our keys begin with. Every command of the scripts, ours and BullMQ's, once. */
export const rehearsal = `
  local K = KEYS[1] .. 'rehearsal:'
  local tried
  local function call(name, ...)
    tried = name
    return redis.call(name, ...)
  end
  local function clear() call('DEL', K .. 's', K .. 'h', K .. 'l', K .. 'm', K .. 'z', K .. 'u', K .. 'x', K .. 'b', K .. 'r') end
  local done, failure = pcall(function()
  clear()
  call('TIME')
  call('SET', K .. 's', '1') call('GET', K .. 's') call('INCR', K .. 's') call('EXISTS', K .. 's') call('TYPE', K .. 's')
  call('EXPIRE', K .. 's', 60) call('PEXPIRE', K .. 's', 60000) call('PTTL', K .. 's') call('PERSIST', K .. 's')
  call('RENAME', K .. 's', K .. 'r')
  call('SETBIT', K .. 'b', 0, 1) call('GETBIT', K .. 'b', 0)
  call('HSET', K .. 'h', 'a', 1) call('HMSET', K .. 'h', 'b', 1) call('HSETNX', K .. 'h', 'c', 1) call('HGET', K .. 'h', 'a')
  call('HMGET', K .. 'h', 'a') call('HGETALL', K .. 'h') call('HKEYS', K .. 'h') call('HLEN', K .. 'h')
  call('HEXISTS', K .. 'h', 'a') call('HINCRBY', K .. 'h', 'a', 1) call('HDEL', K .. 'h', 'a')
  call('RPUSH', K .. 'l', 'a', 'b') call('LPUSH', K .. 'l', 'c') call('LINSERT', K .. 'l', 'BEFORE', 'a', 'd')
  call('LINDEX', K .. 'l', 0) call('LLEN', K .. 'l') call('LRANGE', K .. 'l', 0, -1) call('LPOS', K .. 'l', 'a')
  call('LREM', K .. 'l', 1, 'a') call('LPOP', K .. 'l') call('RPOPLPUSH', K .. 'l', K .. 'm') call('LTRIM', K .. 'l', 0, 1)
  call('ZADD', K .. 'z', 1, 'a', 2, 'b') call('ZSCORE', K .. 'z', 'a') call('ZCARD', K .. 'z') call('ZCOUNT', K .. 'z', 0, 9)
  call('ZRANGE', K .. 'z', 0, -1) call('ZRANGEBYSCORE', K .. 'z', 0, 9) call('ZREVRANGE', K .. 'z', 0, -1)
  call('ZREVRANGEBYSCORE', K .. 'z', 9, 0) call('ZREM', K .. 'z', 'a') call('ZPOPMIN', K .. 'z')
  call('ZREMRANGEBYSCORE', K .. 'z', 0, 9) call('ZREMRANGEBYRANK', K .. 'z', 0, 9)
  call('SADD', K .. 'u', 'a') call('SMEMBERS', K .. 'u') call('SCARD', K .. 'u') call('SREM', K .. 'u', 'a')
  call('XADD', K .. 'x', '*', 'a', '1') call('XTRIM', K .. 'x', 'MAXLEN', 0)
  call('PUBLISH', K .. 'p', 'a')
  end)
  if not done then
    local words = (type(failure) == 'table' and failure.err or failure) .. ' (' .. tried .. ')'
    clear()
    return redis.error_reply(words)
  end
  clear()
`;

/** Does once what is done all the time. Rejects with Redis' own words when its user may not. */
export async function rehearse(redis: Redis, prefix: string): Promise<void> {
  await runScript(redis, rehearsal, [prefix], []);
  // BullMQ asks for scripts by their names, and waits for jobs in this way; interrupts come by subscription.
  await redis.evalsha("0".repeat(40), 0).catch((error: unknown) => {
    if (!/NOSCRIPT/.test(String(error))) throw error;
  });
  await redis.bzpopmin(`${prefix}rehearsal:z`, 0.01);
  await redis.subscribe(`${prefix}rehearsal:p`);
}
