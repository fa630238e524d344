/** A user's name taken out of the ledger in Redis. */
import { dayOf, decodeRow, encodeRow, erasedKnownMs, sumDays, withoutName } from "../lanes/ledger-sums.ts";
import { keepingArgument, ledgerFunctions, shortDays } from "./ledger-scripts.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";

const rowsAtOnce = 500;

/** KEYS prefix. ARGV user, the first day whose use goes on counting in budgets (empty: none), now, how long that is known, first days of nobody's sums, keeping. */
const eraseSums = `${ledgerFunctions}
  local P, user, first = KEYS[1], ARGV[1], tonumber(ARGV[2])
  local function all(key)
    local flat, found = redis.call('HGETALL', key), {}
    for n = 1, #flat, 2 do found[#found + 1] = {flat[n], flat[n + 1]} end
    return found
  end
  local function carry_on(subject, day, money, tokens)
    if first and tonumber(day) and tonumber(day) >= first then carry(P, subject, day, money, tokens) end
  end
  local function merge(key, to)
    for _, pair in ipairs(all(key)) do add(to, pair[1], pair[2]) end
    redis.call('DEL', key)
  end
  -- Or it would be written under the name when somebody finds it.
  for _, pair in ipairs(all(P .. 'reservations')) do
    local behind = string.sub(pair[1], #user + 1, #user + 1)
    if string.sub(pair[1], 1, #user) == user and (behind == '/' or behind == ':') then
      book(ARGV[7], take(P, pair[1])[6])
    end
  end
  redis.call('SET', erased_key(P, user), ARGV[3] .. (first and ' 1' or ' 0'), 'PX', ARGV[4])
  for _, kind in ipairs({{'usage:', 'user:'}, {'usage-chat:', 'chat:'}}) do
    for _, pair in ipairs(all(P .. kind[1] .. user)) do
      local sums = numbers(pair[2])
      carry_on(kind[2] .. user, pair[1], sums[5] or 0, (sums[2] or 0) + (sums[4] or 0))
    end
  end
  for _, pair in ipairs(all(P .. 'grants:' .. user)) do
    local sums = numbers(pair[2])
    carry_on('user:' .. user, pair[1], -(sums[1] or 0), -(sums[2] or 0))
  end
  for _, pair in ipairs(all(P .. 'usage:' .. user)) do
    local users = P .. 'usage-users:' .. pair[1]
    local counts = redis.call('HGET', users, user)
    if counts then
      add(users, '0', counts)
      redis.call('HDEL', users, user)
    end
  end
  merge(P .. 'usage:' .. user, P .. 'usage:0')
  merge(P .. 'usage-models:' .. user, P .. 'usage-models:0')
  -- Nobody's calls are written by day, so nothing else forgets theirs.
  forget(P .. 'usage:0', tonumber(ARGV[5]))
  forget(P .. 'usage-models:0', tonumber(ARGV[6]))
  local ttl = redis.call('PTTL', P .. 'usage-chat:' .. user)
  merge(P .. 'usage-chat:' .. user, P .. 'usage-chat:0')
  if ttl > 0 then redis.call('PEXPIRE', P .. 'usage-chat:0', ttl) end
  redis.call('DEL', P .. 'usage-recent:' .. user, P .. 'grants:' .. user)
`;

/** KEYS a day's calls. ARGV three for each: its place, the line that is there, the line that shall be. */
const replaceRows = `
  for n = 1, #ARGV, 3 do
    if redis.call('LINDEX', KEYS[1], ARGV[n]) == ARGV[n + 1] then redis.call('LSET', KEYS[1], ARGV[n], ARGV[n + 2]) end
  end
`;

/** See `Ledger.erase`. `now`: milliseconds since the epoch. */
export async function eraseFromLedger(
  { commands: redis, prefix }: Pick<RedisLink, "commands" | "prefix">,
  { userId, budgetsGoOn, ledgerDays, now }: EraseArguments,
): Promise<void> {
  const firstDay = budgetsGoOn ? dayOf(now) - sumDays(0) : "";
  await runScript(
    redis,
    eraseSums,
    [prefix],
    [
      ...[userId, firstDay, now, erasedKnownMs],
      ...[dayOf(now) - sumDays(ledgerDays), dayOf(now) - shortDays],
      keepingArgument({ prefix, ledgerDays }),
    ],
  );
  for (let day = dayOf(now) - ledgerDays - 1; day <= dayOf(now) + 1; day++) {
    const key = `${prefix}ledger:${day}`;
    for (let at = 0; ; at += rowsAtOnce) {
      const lines = await redis.lrange(key, at, at + rowsAtOnce - 1);
      const changes = lines.flatMap((line, n) => {
        const row = decodeRow(line);
        return row.userId === userId ? [at + n, line, encodeRow(withoutName(row))] : [];
      });
      if (changes.length > 0) await runScript(redis, replaceRows, [key], changes);
      if (lines.length < rowsAtOnce) break;
    }
  }
}

interface EraseArguments {
  readonly userId: number;
  readonly budgetsGoOn: boolean;
  readonly ledgerDays: number;
  readonly now: number;
}
