/** What a Redis must let us do, tried: a user may be kept from some commands, and something else may stand at our keys. */
import type { Redis } from "ioredis";
import { runScript } from "./script.ts";

/** The keys that are there once for all, below the prefix, and what they hold. */
const keyTypes: Readonly<Record<string, string>> = {
  ...ofType("string", "bot", "beat:2", "beat:3", "era", "grace", "sweep", "alone", "role:poller"),
  ...ofType("zset", "waiting", "running", "delayed", "dead", "lanes", "holds", "asking"),
  ...ofType("zset", "ready:turn", "ready:quick", "wake:turn", "wake:quick"),
  ...ofType("hash", "hangs", "known-tools"),
  ...ofType("set", "workers"),
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

/** KEYS what all our keys begin with. Every command of the scripts, once. */
export const rehearsal = `
  local K = KEYS[1] .. 'rehearsal:'
  local tried
  local function call(name, ...)
    tried = name
    return redis.call(name, ...)
  end
  local function clear() call('DEL', K .. 's', K .. 'h', K .. 'l', K .. 'z', K .. 'u', K .. 'v', K .. 'b') end
  local done, failure = pcall(function()
  clear()
  call('TIME')
  call('SET', K .. 's', '1') call('GET', K .. 's') call('EXISTS', K .. 's') call('TYPE', K .. 's')
  call('EXPIRE', K .. 's', 60) call('PEXPIRE', K .. 's', 60000) call('PTTL', K .. 's') call('PERSIST', K .. 's')
  call('INCR', K .. 's') call('SETBIT', K .. 'b', 0, 1) call('GETBIT', K .. 'b', 0)
  call('HSET', K .. 'h', 'a', 1) call('HSETNX', K .. 'h', 'c', 1) call('HGET', K .. 'h', 'a')
  call('HMGET', K .. 'h', 'a') call('HGETALL', K .. 'h') call('HKEYS', K .. 'h') call('HLEN', K .. 'h')
  call('HEXISTS', K .. 'h', 'a') call('HINCRBY', K .. 'h', 'a', 1) call('HDEL', K .. 'h', 'a')
  call('RPUSH', K .. 'l', 'a', 'b') call('LPUSH', K .. 'l', 'c') call('LINSERT', K .. 'l', 'BEFORE', 'a', 'd')
  call('LINDEX', K .. 'l', 0) call('LLEN', K .. 'l') call('LRANGE', K .. 'l', 0, -1)
  call('LREM', K .. 'l', 1, 'a') call('LSET', K .. 'l', 0, 'e') call('LPOP', K .. 'l') call('LTRIM', K .. 'l', 0, 1)
  call('ZADD', K .. 'z', 1, 'a', 2, 'b') call('ZSCORE', K .. 'z', 'a') call('ZCARD', K .. 'z') call('ZCOUNT', K .. 'z', 0, 9)
  call('ZRANGE', K .. 'z', 0, -1) call('ZRANGEBYSCORE', K .. 'z', 0, 9) call('ZREM', K .. 'z', 'a') call('ZPOPMIN', K .. 'z')
  call('ZREMRANGEBYSCORE', K .. 'z', 0, 9)
  call('SADD', K .. 'u', 'a') call('SMEMBERS', K .. 'u') call('SRANDMEMBER', K .. 'u', 1) call('SMOVE', K .. 'u', K .. 'v', 'a')
  call('SREM', K .. 'v', 'a')
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
  // So what is a user's own is found.
  await redis.scan("0", "MATCH", `${prefix}rehearsal:*`, "COUNT", 1);
  // So a worker waits for lanes; interrupts come by subscription.
  await redis.bzpopmin(`${prefix}rehearsal:z`, 0.01);
  await redis.subscribe(`${prefix}rehearsal:p`);
}
