/**
 * The ledger in Redis, of bounded size: a user has a total, a total for each day (UTC) of 400, and the single entries of
 * the two days before the newest one.
 */
import type { Redis } from "ioredis";
import { dayMs, perDollar, type UsageEntry, type UsageTotals } from "../../ports/ledger.ts";
import type { ScriptArgument } from "./script.ts";

const recentMs = 2 * dayMs;
const keptDays = 400;

/**
 * Defines `add_usage(key, arg)`. KEYS[key] totals (a hash: `total` and days), KEYS[key + 1] entries (a sorted set by time);
 * ARGV[arg]… time, day, record, oldest day kept, milliseconds that entries stay, time before which they go. A record is six
 * whole numbers.
 */
export const addUsage = `
  local function add_numbers(key, field, record)
    local sums = {}
    local former = redis.call('HGET', key, field) or '0 0 0 0 0 0'
    for number in string.gmatch(former, '%S+') do sums[#sums + 1] = tonumber(number) end
    local n = 0
    for number in string.gmatch(record, '%S+') do
      n = n + 1
      sums[n] = string.format('%.0f', sums[n] + tonumber(number))
    end
    redis.call('HSET', key, field, table.concat(sums, ' '))
    return sums[1]
  end
  local function add_usage(key, arg)
    local totals, entries = KEYS[key], KEYS[key + 1]
    local serial = add_numbers(totals, 'total', ARGV[arg + 2])
    add_numbers(totals, ARGV[arg + 1], ARGV[arg + 2])
    if redis.call('HLEN', totals) > ${keptDays + 20} then
      for _, day in ipairs(redis.call('HKEYS', totals)) do
        if day ~= 'total' and tonumber(day) < tonumber(ARGV[arg + 3]) then redis.call('HDEL', totals, day) end
      end
    end
    redis.call('ZADD', entries, ARGV[arg], serial .. ' ' .. ARGV[arg + 2])
    redis.call('ZREMRANGEBYSCORE', entries, '-inf', '(' .. ARGV[arg + 5])
    redis.call('PEXPIRE', entries, ARGV[arg + 4])
  end
`;

function usageKeys(prefix: string, userId: number): [totals: string, entries: string] {
  return [`${prefix}usage:${userId}`, `${prefix}usage-recent:${userId}`];
}

/** What `add_usage` is called with, for each entry in turn. */
export function usageArguments(prefix: string, entries: readonly UsageEntry[]): [string[], ScriptArgument[]] {
  const keys = entries.flatMap(({ userId }) => usageKeys(prefix, userId));
  const args = entries.flatMap(({ inputTokens, cachedTokens, outputTokens, cost, at }) => {
    const day = Math.floor(at / dayMs);
    const money = cost === undefined ? [0, 1] : [Math.round(cost * perDollar), 0];
    const record = [1, inputTokens, cachedTokens, outputTokens, ...money].join(" ");
    return [at, day, record, day - keptDays, recentMs, at - recentMs];
  });
  return [keys, args];
}

/**
 * A user's use since `since`: exact for 0, for the beginning of a day (UTC) and for the two days before the newest entry;
 * otherwise since the beginning of the day that `since` is in.
 */
export async function readUsage(redis: Redis, prefix: string, userId: number, since: number): Promise<UsageTotals> {
  const [totalsKey, entriesKey] = usageKeys(prefix, userId);
  if (since <= 0) return sum([(await redis.hget(totalsKey, "total")) ?? ""]);
  const [totals, entries] = await Promise.all([
    redis.hgetall(totalsKey),
    redis.zrangebyscore(entriesKey, "-inf", "+inf", "WITHSCORES"),
  ]);
  const times = entries.filter((_, n) => n % 2 === 1).map(Number);
  if (since >= (times.at(-1) ?? Number.POSITIVE_INFINITY) - recentMs) {
    const records = entries.filter((_, n) => n % 2 === 0).map((record) => record.slice(record.indexOf(" ") + 1));
    return sum(records.filter((_, n) => (times[n] ?? 0) >= since));
  }
  const firstDay = Math.floor(since / dayMs);
  return sum(Object.entries(totals).flatMap(([day, record]) => (Number(day) >= firstDay ? [record] : [])));
}

function sum(records: readonly string[]): UsageTotals {
  const sums = [0, 0, 0, 0, 0, 0];
  for (const record of records) {
    for (const [n, number] of record.split(" ").entries()) sums[n] = (sums[n] ?? 0) + Number(number);
  }
  const [answers = 0, inputTokens = 0, cachedTokens = 0, outputTokens = 0, money = 0, unpriced = 0] = sums;
  return { answers, inputTokens, cachedTokens, outputTokens, cost: money / perDollar, unpriced };
}
