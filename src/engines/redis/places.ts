/**
 * The places at providers, counted in Redis over all processes. Each process tells how many it has, never one more or one less:
 * what is lost on the way, or with the process, is mended by what is told next.
 *
 * - `places:PROVIDER` hash: process to the number of its calls · it counts as long as the process lives
 * - `places-wait:PROVIDER` sorted set: processes in which somebody waits, by since when
 * - `places-heard:PROVIDER` sorted set: the same, by when they asked last: who does not ask is not waited for
 */
import type { SharedPlaces } from "../../ports/places.ts";
import { common, runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import type { Presence } from "./presence.ts";

const channel = "places";
/** Of those that wait in a process as many may begin with one step. */
const mostAtOnce = 64;
/** Whoever waits asks each second. */
const heardWithinMs = 5_000;
/** After so long without a call nothing is known any more. */
const keepMs = 86_400_000;

/**
 * ARGV: provider, process, its name before that one or nothing, limit, number of its calls, then for how long each of those has
 * waited that wait in it, the longest first. Returns how many of them may begin. Whoever else has waited longest hears of what is
 * left.
 */
const settleScript = `${common}
local provider, process, former, limit, held = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local holders, waiters, heard = P .. 'places:' .. provider, P .. 'places-wait:' .. provider, P .. 'places-heard:' .. provider
local function forget(name)
  redis.call('HDEL', holders, name)
  redis.call('ZREM', waiters, name)
  redis.call('ZREM', heard, name)
end
if former ~= '' then forget(former) end
local function lives(name) return redis.call('EXISTS', P .. 'alive:' .. name) == 1 end

local free = limit - held
local all = redis.call('HGETALL', holders)
for at = 1, #all, 2 do
  if all[at] ~= process then
    if lives(all[at]) then free = free - tonumber(all[at + 1]) else forget(all[at]) end
  end
end
local nextName, nextSince
local others = redis.call('ZRANGE', waiters, 0, -1, 'WITHSCORES')
for at = 1, #others, 2 do
  local name = others[at]
  if name ~= process then
    if not lives(name) then
      forget(name)
    elseif nextName == nil and NOW - tonumber(redis.call('ZSCORE', heard, name) or 0) < ${heardWithinMs} then
      nextName, nextSince = name, tonumber(others[at + 1])
    end
  end
end

local admitted, waiting = 0, #ARGV - 5
while free > 0 and admitted < waiting do
  if nextSince and nextSince < NOW - tonumber(ARGV[6 + admitted]) then break end
  admitted, free = admitted + 1, free - 1
end
if held + admitted > 0 then redis.call('HSET', holders, process, held + admitted) else redis.call('HDEL', holders, process) end
if admitted < waiting then
  redis.call('ZADD', waiters, NOW - tonumber(ARGV[6 + admitted]), process)
  redis.call('ZADD', heard, NOW, process)
else
  redis.call('ZREM', waiters, process)
  redis.call('ZREM', heard, process)
end
for _, key in ipairs({holders, waiters, heard}) do redis.call('PEXPIRE', key, ${keepMs}) end
if free > 0 and nextName then redis.call('PUBLISH', P .. '${channel}', nextName .. ' ' .. provider) end
return admitted
`;

/** Shares places. `presence`: under whose name this process counts. */
export function createRedisPlaces({
  link,
  presence,
}: {
  readonly link: RedisLink;
  readonly presence: Pick<Presence, "name">;
}): SharedPlaces {
  /** By provider: under which name this process has been counted last. */
  const names = new Map<string, number>();

  return {
    async settle(provider, limit, held, waitedMs) {
      const { name } = presence;
      const former = names.get(provider);
      const waits = waitedMs.slice(0, mostAtOnce).map((ms) => Math.round(ms));
      const before = former === undefined || former === name ? "" : former;
      const admitted = await runStep(link, settleScript, provider, name, before, limit, held, ...waits);
      names.set(provider, name);
      return Number(admitted);
    },
    listen(listener) {
      link.subscribe(
        channel,
        (message) => {
          const [name, provider] = message.split(" ");
          if (Number(name) === presence.name) listener(provider);
        },
        () => listener(undefined),
      );
    },
  };
}
