/**
 * What Redis does in one step each. All keys of a script lie below the prefix, its first key:
 *
 * - `update:ID` hash: the update and its counts; deleted at its end, kept for a month when dead
 * - `lane:KIND:CONVERSATION` list: ids in their order, the running one first
 * - `owner:KIND:CONVERSATION`: fence of the worker that has the lane; expires with its lease
 * - `seen:BLOCK` bitmap: update ids of the last two days · `full:KIND:CONVERSATION`: its chat was told that it is full
 * - `waiting`, `running`, `delayed`, `dead`: sorted sets of ids, by time · `lanes`: lanes by the time to look after them
 * - `hung:PROCESS`: the update in which it hung · `alive:PROCESS`: its loop stands still, but it lives
 * - `hangs` hash: how often a process hung in an update · `alone`: lane of the suspect that runs with nothing beside it, or is
 *   about to
 * - `era`: a name that is lost with all the rest
 * - `beat:2`: time of the last heartbeat of any worker · `grace`: there was none for a while, so nobody is declared dead yet
 * - `beat`: the same of workers of the version before, which read stored form 1 alone; gone when none of them lives
 */

import { crashesBeforeAlone, mostHangs, mostLoneCrashes } from "../lanes/suspects.ts";
import { keepDeadMs } from "../lanes/worker.ts";
import type { RedisLink } from "./link.ts";

/** For so long a hang is held against its update. Seconds. */
const keepHangSeconds = 172_800;

/** What the watchdog of a process tells Redis: the update in which it hung, and that it lives while its loop stands still. */
export function hangNote(prefix: string, process: string, leaseMs: number) {
  const hung = [
    ["SET", `${prefix}hung:${process}`, null, "EX", String(keepHangSeconds)],
    ["HINCRBY", `${prefix}hangs`, null, "1"],
    ["EXPIRE", `${prefix}hangs`, String(keepHangSeconds)],
  ];
  return { hung, standing: [["SET", `${prefix}alive:${process}`, "1", "PX", String(leaseMs)]] };
}

/**
 * Runs a script. Its text is sent each time: by its name alone, a script that Redis has forgotten would be sent a second time,
 * behind commands that were given later.
 */
export function runStep(
  { commands, prefix }: RedisLink,
  script: string,
  ...args: (string | number)[]
): Promise<unknown> {
  return commands.eval(script, 1, prefix, ...args);
}

/** What all scripts share. Times are milliseconds, by the clock of Redis where nothing else is said. */
export const common = `
local P = KEYS[1]
local KEEP_DEAD = ${keepDeadMs}
local function updateKey(id) return P .. 'update:' .. id end
local function laneKey(lane) return P .. 'lane:' .. lane end
local function ownerKey(lane) return P .. 'owner:' .. lane end
local function stamp()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end
-- What was to expire in a moment would stay for hours, should the clock of Redis be set back meanwhile.
local function shorten(key, most)
  if redis.call('PTTL', key) > 2 * most then redis.call('PEXPIRE', key, most) end
end
local function lonely(lane)
  return redis.call('EXISTS', ownerKey(lane)) == 0 and redis.call('LLEN', laneKey(lane)) > 0
end
local function bury(lane, id, now, reason)
  redis.call('LREM', laneKey(lane), 1, id)
  redis.call('HDEL', updateKey(id), 'running')
  redis.call('HSET', updateKey(id), 'doom', reason)
  redis.call('PEXPIRE', updateKey(id), KEEP_DEAD)
  for _, set in ipairs({'waiting', 'running', 'delayed'}) do redis.call('ZREM', P .. set, id) end
  redis.call('ZREMRANGEBYSCORE', P .. 'dead', '-inf', now - KEEP_DEAD)
  redis.call('ZADD', P .. 'dead', now, id)
end
`;

/**
 * Takes the head of a lane that nobody has. ARGV: lane, lease, grace, most crashes, the taker's fence, its process, and
 * `alone` when nothing else runs there, or `beside` to take a suspect all the same. Returns `empty`, `held`, `wait` or `delayed` with milliseconds, `suspect` (to be taken by a
 * process in which nothing else runs; for two leases no other suspect is), or `run` or `doomed` with the id and the hash. With
 * the same fence it returns the same again, as long as nobody else has taken the lane. What is held against an update is
 * judged as `doomOf` and `suspectsOf` do it; the queue's contract holds both to the same.
 */
export const beginScript = `${common}
local lane, lease, grace, mostCrashes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local fence, process, company = ARGV[5], ARGV[6], ARGV[7]
local now = stamp()
local list = laneKey(lane)
local owner = redis.call('GET', ownerKey(lane))
if owner and owner ~= fence then
  shorten(ownerKey(lane), lease)
  return {'held'}
end

local id = redis.call('LINDEX', list, 0)
while id and redis.call('EXISTS', updateKey(id)) == 0 do
  redis.call('LPOP', list)
  redis.call('ZREM', P .. 'waiting', id)
  redis.call('ZREM', P .. 'running', id)
  id = redis.call('LINDEX', list, 0)
end
if not id then
  redis.call('ZREM', P .. 'lanes', lane)
  return {'empty'}
end

local found = redis.call('HMGET', updateKey(id), 'running', 'due', 'crashes', 'doom', 'process', 'alone', 'lone', 'backoff')
if found[1] == fence then
  redis.call('SET', ownerKey(lane), fence, 'PX', lease)
  return {found[4] and 'doomed' or 'run', id, redis.call('HGETALL', updateKey(id))}
end
if found[1] then
  -- Its worker has not given it back. Where that one hangs, another would hang beside it, and be charged for it.
  if redis.call('EXISTS', P .. 'alive:' .. (found[5] or '')) == 1 then return {'wait', lease / 5} end
  -- After an outage of Redis it may be alive and about to say so.
  if now - tonumber(redis.call('GET', P .. 'beat:2') or '0') > lease / 2 then redis.call('SET', P .. 'grace', '1', 'PX', grace) end
  shorten(P .. 'grace', grace)
  local left = redis.call('PTTL', P .. 'grace')
  if left > 0 then return {'wait', left} end
  redis.call('HDEL', updateKey(id), 'running', 'alone')
  redis.call('ZREM', P .. 'running', id)
  redis.call('ZADD', P .. 'waiting', redis.call('HGET', updateKey(id), 'at'), id)
  if redis.call('EXISTS', P .. 'hung:' .. (found[5] or '')) == 0 then
    found[3] = redis.call('HINCRBY', updateKey(id), 'crashes', 1)
    if found[6] then found[7] = redis.call('HINCRBY', updateKey(id), 'lone', 1) end
  end
end
local crashes, lone = tonumber(found[3] or '0'), tonumber(found[7] or '0')
if not found[4] then
  local hangs = tonumber(redis.call('HGET', P .. 'hangs', id) or '0')
  if hangs >= ${mostHangs} then found[4] = 'the process hung ' .. hangs .. ' times in the work for this'
  elseif lone >= ${mostLoneCrashes} then found[4] = 'the process died ' .. lone .. ' times while this alone was handled'
  elseif crashes >= mostCrashes then found[4] = 'the process died ' .. crashes .. ' times while this was handled' end
  if found[4] then redis.call('HSET', updateKey(id), 'doom', found[4]) end
end
local due, backoff = tonumber(found[2] or '0'), tonumber(found[8] or '0')
if due > now and not found[4] then
  if due > now + backoff then
    due = now + backoff
    redis.call('HSET', updateKey(id), 'due', due)
    redis.call('ZADD', P .. 'delayed', due, id)
  end
  redis.call('ZADD', P .. 'lanes', due, lane)
  return {'delayed', due - now}
end

if company == 'beside' and redis.call('GET', P .. 'alone') == lane then redis.call('DEL', P .. 'alone') end
if crashes >= ${crashesBeforeAlone} and not found[4] and company ~= 'beside' then
  local other = redis.call('GET', P .. 'alone')
  if other and other ~= lane and (redis.call('PTTL', P .. 'alone') > 0 or redis.call('EXISTS', ownerKey(other)) == 1) then
    return {'wait', lease / 5}
  end
  redis.call('SET', P .. 'alone', lane, 'PX', 2 * lease)
  if company ~= 'alone' then return {'suspect'} end
  redis.call('PERSIST', P .. 'alone')
  redis.call('HSET', updateKey(id), 'alone', '1')
end

redis.call('ZADD', P .. 'lanes', now + lease, lane)
redis.call('SET', ownerKey(lane), fence, 'PX', lease)
redis.call('HSET', updateKey(id), 'running', fence, 'process', process)
redis.call('ZREM', P .. 'waiting', id)
redis.call('ZREM', P .. 'delayed', id)
redis.call('ZADD', P .. 'running', now, id)
if found[4] then return {'doomed', id, redis.call('HGETALL', updateKey(id))} end
redis.call('HINCRBY', updateKey(id), 'attempts', 1)
return {'run', id, redis.call('HGETALL', updateKey(id))}
`;

/**
 * Ends a delivery and gives the lane back. ARGV: lane, fence, id, how, now, back-off or 0, reason. How: `finished`, `stays`,
 * `failed` (waits for its back-off), `dead`; `doomed` (will be dead) keeps the lane. Returns `lost` when the lane is not the caller's any more,
 * `more` when something waits in it, `empty` when not.
 */
export const endScript = `${common}
local lane, fence, id, how, now, backoff, reason = unpack(ARGV, 1, 7)
if redis.call('GET', ownerKey(lane)) ~= fence or redis.call('HGET', updateKey(id), 'running') ~= fence then
  return 'lost'
end
if how == 'doomed' then
  redis.call('HSET', updateKey(id), 'doom', reason)
  return 'more'
end
redis.call('DEL', ownerKey(lane))
redis.call('ZREM', P .. 'running', id)
if redis.call('GET', P .. 'alone') == lane then redis.call('DEL', P .. 'alone') end
local wasAlone = redis.call('HDEL', updateKey(id), 'alone') == 1
if how == 'finished' then
  redis.call('LREM', laneKey(lane), 1, id)
  redis.call('DEL', updateKey(id))
elseif how == 'dead' then
  bury(lane, id, now, reason)
else
  redis.call('HDEL', updateKey(id), 'running')
  redis.call('ZADD', P .. 'waiting', redis.call('HGET', updateKey(id), 'at'), id)
  -- Nothing ran beside it, and the process lives.
  if how == 'failed' and wasAlone then redis.call('HDEL', updateKey(id), 'crashes', 'lone') end
  -- An interrupt that came meanwhile wants it delivered at once, to tidy up.
  if how == 'failed' and redis.call('HINCRBY', updateKey(id), 'failures', 1) > 0
    and redis.call('HEXISTS', updateKey(id), 'cancelled') == 0 then
    local due = stamp() + backoff
    redis.call('HSET', updateKey(id), 'due', due, 'backoff', backoff)
    redis.call('ZADD', P .. 'delayed', due, id)
  end
end
if redis.call('LLEN', laneKey(lane)) == 0 then
  redis.call('ZREM', P .. 'lanes', lane)
  return 'empty'
end
redis.call('ZADD', P .. 'lanes', stamp() + 2000, lane)
return 'more'
`;

/**
 * The heartbeat of one worker. ARGV: lease, grace, a name for the time since Redis began to be empty, then lane, fence and id of
 * each update that it handles. Returns the name of that time, and for each update the state of its lease (`kept`, `lost`, or
 * `gone` when nothing is stored of it) and what has cancelled it, or an empty string.
 */
export const beatScript = `${common}
local lease, grace = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = stamp()
if now - tonumber(redis.call('GET', P .. 'beat:2') or '0') > lease / 2 then redis.call('SET', P .. 'grace', '1', 'PX', grace) end
redis.call('SET', P .. 'beat:2', now, 'EX', 86400)
-- After an outage they may be about to beat again.
local former = redis.call('EXISTS', P .. 'grace') == 0 and redis.call('GET', P .. 'beat')
if former and math.abs(now - tonumber(former)) > 4 * lease then redis.call('DEL', P .. 'beat') end
redis.call('SET', P .. 'era', ARGV[3], 'NX')
local states = {redis.call('GET', P .. 'era')}
for at = 4, #ARGV, 3 do
  local lane, fence, id = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local owner = redis.call('GET', ownerKey(lane))
  local found = redis.call('HMGET', updateKey(id), 'running', 'cancelled')
  -- It expired while Redis was away, and nobody has taken the lane since.
  if not owner and found[1] == fence then owner = fence end
  if owner == fence then
    redis.call('SET', ownerKey(lane), fence, 'PX', lease)
    redis.call('ZADD', P .. 'lanes', 'XX', now + lease, lane)
    states[#states + 1] = 'kept'
  else
    states[#states + 1] = redis.call('EXISTS', updateKey(id)) == 0 and 'gone' or 'lost'
  end
  states[#states + 1] = found[2] or ''
end
return states
`;
