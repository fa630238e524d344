/**
 * What Redis does in one step each. All keys of a script lie below the prefix, its first key:
 *
 * - `update:ID` hash: the update and its counts; deleted at its end, kept for a month when dead
 * - `lane:KIND:CONVERSATION` list: ids in their order, the running one first
 * - `owner:KIND:CONVERSATION`: fence of whoever has the lane, for as long as the process lives that its first update names
 * - `ready:KIND` sorted set: lanes that may be taken, in their order · `wake:KIND`: there is one, for one worker to look
 * - `lanes` sorted set: lanes in which something waits and that nobody has, by the time to look after them
 * - `alive:PROCESS`: expires with its lease; `2` when it knows what belongs together · `held:PROCESS` set: its lanes · `workers` set: processes that may have lanes
 * - `cancelled:PROCESS` hash: ids of what it runs and interrupts have ended, with reason and fence
 * - `took:FENCE`: lanes that were taken with this fence, for who has not heard of it
 * - `seen:BLOCK` bitmap: update ids of the last two days · `full:KIND:CONVERSATION`: its chat was told that it is full
 * - `waiting`, `running`, `delayed`, `dead`: sorted sets of ids, by time
 * - `hung:PROCESS`: the update in which it hung · `hangs` hash: how often a process hung in an update
 * - `alone`: lane of the suspect that runs with nothing beside it, or is about to
 * - `era`: a name that is lost with all the rest
 * - `beat:3`: time of the last heartbeat of any worker · `grace`: there was none for a while, so nobody is declared dead yet
 * - `beat:2`: the same of workers of the version before, which read stored forms 1 and 2 alone; gone when none of them lives
 */

import { crashesBeforeAlone, mostHangs, mostLoneCrashes } from "../lanes/suspects.ts";
import { keepDeadMs } from "../lanes/worker.ts";
import { lateFunctions } from "./gathering-scripts.ts";
import type { RedisLink } from "./link.ts";

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

/** A script without what is only there for its readers: Redis goes through the whole text each time. */
export function compact(script: string): string {
  const lines = script.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("--")).join("\n");
}

/** What even the shortest scripts share. Times are milliseconds, by the clock of Redis where nothing else is said. */
export const basics = `
local P = KEYS[1]
local function updateKey(id) return P .. 'update:' .. id end
local function laneKey(lane) return P .. 'lane:' .. lane end
local function ownerKey(lane) return P .. 'owner:' .. lane end
local time = redis.call('TIME')
local NOW = time[1] * 1000 + math.floor(time[2] / 1000)
local function announce(lane)
  local kind = string.match(lane, '^%a+')
  -- Finer than milliseconds, in which much happens.
  redis.call('ZADD', P .. 'ready:' .. kind, 'NX', time[1] * 1000000 + time[2], lane)
  redis.call('ZADD', P .. 'wake:' .. kind, 0, '1')
end
-- Something waits in a lane: its owner goes on with it, or somebody is to take it.
local function offer(lane)
  if redis.call('EXISTS', ownerKey(lane)) == 1 then return end
  redis.call('ZADD', P .. 'lanes', 'NX', NOW + 2000, lane)
  announce(lane)
end
`;

/** What makes an update dead. */
export const burying = `
local KEEP_DEAD = ${keepDeadMs}
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

/** What most scripts share. */
export const common = `${basics}${burying}
-- What was to expire in a moment would stay for hours, should the clock of Redis be set back meanwhile.
local function shorten(key, most)
  if redis.call('PTTL', key) > 2 * most then redis.call('PEXPIRE', key, most) end
end
local function inGrace(lease, grace)
  if NOW - tonumber(redis.call('GET', P .. 'beat:3') or '0') > lease / 2 then redis.call('SET', P .. 'grace', '1', 'PX', grace) end
  shorten(P .. 'grace', grace)
  return redis.call('PTTL', P .. 'grace')
end
`;

/**
 * Takes the heads of lanes that nobody has: of one lane, or of as many as are ready. ARGV: lease, grace, most crashes, the
 * taker's fence, its process, `alone` when nothing else runs there, or `beside` to take a suspect all the same, how many exchanges
 * of its conversation come with a turn, then a lane, or a kind of lanes and their number. Returns a list, or nothing when the
 * process counts as dead. Each entry is a lane with `empty`, `wait` or `delayed` with milliseconds, `suspect` (to be taken by a
 * process in which nothing else runs; for two leases no other suspect is), or `run` or `doomed` with the id, the hash, and for a
 * turn an `OpeningAnswer`. With the same fence it returns the same again, as long as nobody
 * else has taken the lanes. What is held against an update is judged as `doomOf` and `suspectsOf` do it; the queue's contract
 * holds both to the same.
 */
export const takeScript = compact(`${common}
local lease, grace, mostCrashes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local fence, process, company, exchanges, count = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[9]
if redis.call('EXISTS', P .. 'alive:' .. process) == 0 then return false end

local function opening(lane, question)
  local conversation = string.match(lane, '^turn:(.*)$')
  if not conversation then return false end
  local newest = redis.call('LINDEX', P .. 'turn-order:' .. conversation, -1)
  local turns = redis.call('HMGET', P .. 'turns:' .. conversation, 'at', question or '', newest or '', 'summary', 'facts')
  local history = exchanges > 0 and redis.call('LRANGE', P .. 'history-order:' .. conversation, -exchanges, -1) or {}
  if #history > 0 then history = redis.call('HMGET', P .. 'history:' .. conversation, unpack(history)) end
  local size = 0
  for _, exchange in ipairs(history) do size = size + #(exchange or '') end
  -- Many lanes are taken at once, and an answer may have 200,000 characters.
  if size > 65536 then history = false end
  return {redis.call('HGETALL', P .. 'settings:' .. conversation), turns[1], newest, turns[2], turns[3], history, turns[4], turns[5]}
end

local fields = {'running', 'due', 'crashes', 'doom', 'process', 'alone', 'lone', 'backoff', 'at', 'question'}
local function take(lane)
local list = laneKey(lane)
local owner = redis.call('GET', ownerKey(lane))
-- Who has it in the way of the version before says so until it expires.
if owner and owner ~= fence and redis.call('PTTL', ownerKey(lane)) > 0 then
  shorten(ownerKey(lane), lease)
  return {'wait', lease / 5}
end

local id = redis.call('LINDEX', list, 0)
local found = id and redis.call('HMGET', updateKey(id), unpack(fields))
while id and not found[9] do
  redis.call('LPOP', list)
  redis.call('ZREM', P .. 'waiting', id)
  redis.call('ZREM', P .. 'running', id)
  id = redis.call('LINDEX', list, 0)
  found = id and redis.call('HMGET', updateKey(id), unpack(fields))
end
if not id then
  redis.call('ZREM', P .. 'lanes', lane)
  redis.call('DEL', ownerKey(lane))
  return {'empty'}
end

if found[1] == fence then
  if found[5] ~= process then
    redis.call('SMOVE', P .. 'held:' .. found[5], P .. 'held:' .. process, lane)
    redis.call('HSET', updateKey(id), 'process', process)
  end
  return {found[4] and 'doomed' or 'run', id, redis.call('HGETALL', updateKey(id))}
end
if found[1] then
  -- Its worker has not given it back. Where that one hangs, another would hang beside it, and be charged for it.
  local former = found[5] or ''
  if redis.call('EXISTS', P .. 'alive:' .. former) == 1 then return {'wait', lease / 5} end
  -- After an outage of Redis it may be alive and about to say so.
  local left = inGrace(lease, grace)
  if left > 0 then return {'wait', left} end
  redis.call('SREM', P .. 'held:' .. former, lane)
  redis.call('HDEL', updateKey(id), 'running', 'alone')
  redis.call('ZREM', P .. 'running', id)
  redis.call('ZADD', P .. 'waiting', found[9], id)
  redis.call('DEL', ownerKey(lane))
  redis.call('ZADD', P .. 'lanes', 'NX', NOW + 2000, lane)
  if redis.call('EXISTS', P .. 'hung:' .. former) == 0 then
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
if due > NOW and not found[4] then
  if due > NOW + backoff then
    due = NOW + backoff
    redis.call('HSET', updateKey(id), 'due', due)
    redis.call('ZADD', P .. 'delayed', due, id)
  end
  redis.call('ZADD', P .. 'lanes', due, lane)
  return {'delayed', due - NOW}
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

redis.call('ZREM', P .. 'lanes', lane)
redis.call('SET', ownerKey(lane), fence)
redis.call('SADD', P .. 'held:' .. process, lane)
redis.call('HSET', updateKey(id), 'running', fence, 'process', process)
redis.call('ZREM', P .. 'waiting', id)
if found[2] then redis.call('ZREM', P .. 'delayed', id) end
redis.call('ZADD', P .. 'running', NOW, id)
if found[4] then return {'doomed', id, redis.call('HGETALL', updateKey(id))} end
redis.call('HINCRBY', updateKey(id), 'attempts', 1)
return {'run', id, redis.call('HGETALL', updateKey(id)), opening(lane, found[10])}
end

local lanes = {ARGV[8]}
if count then
  local taken = redis.call('GET', P .. 'took:' .. fence)
  if taken then
    lanes = cjson.decode(taken)
  else
    local ready = redis.call('ZPOPMIN', P .. 'ready:' .. ARGV[8], count)
    lanes = {}
    for at = 1, #ready, 2 do lanes[#lanes + 1] = ready[at] end
    if #lanes == 0 then return {} end
    redis.call('SET', P .. 'took:' .. fence, cjson.encode(lanes), 'EX', 60)
    if #lanes == tonumber(count) and redis.call('ZCARD', P .. 'ready:' .. ARGV[8]) > 0 then
      redis.call('ZADD', P .. 'wake:' .. ARGV[8], 0, '1')
    end
  end
end
local answers = {}
for n, lane in ipairs(lanes) do answers[n] = {lane, unpack(take(lane))} end
return answers
`);

/**
 * Ends a delivery and gives the lane back. ARGV: lane, fence, id, how, now, back-off or 0, reason, how many of its
 * messages were handled, and when a turn is to be closed its conversation, the time before which that has expired, question and run. How: `finished`, `stays`,
 * `failed` (waits for its back-off), `dead`; `doomed` (will be dead) keeps the lane. Returns `lost` when the lane is not the
 * caller's any more.
 */
export const endScript = compact(`${common}
local lane, fence, id, how, now, backoff, reason, handled = unpack(ARGV, 1, 8)
${lateFunctions}
local found = redis.call('HMGET', updateKey(id), 'running', 'process', 'alone', 'at', 'count')
if found[1] ~= fence or redis.call('GET', ownerKey(lane)) ~= fence then return 'lost' end
if how == 'doomed' then
  redis.call('HSET', updateKey(id), 'doom', reason)
  return 'kept'
end
if ARGV[9] then
  local turns = P .. 'turns:' .. ARGV[9]
  local kept = redis.call('HMGET', turns, 'at', ARGV[11])
  local run, rest = string.match(kept[2] or '', '^([^\\n]*)\\n[^\\n]*\\n(.*)$')
  if run == ARGV[12] and tonumber(kept[1]) >= tonumber(ARGV[10]) then
    redis.call('HSET', turns, ARGV[11], run .. '\\ndone\\n' .. rest)
  end
end
redis.call('DEL', ownerKey(lane))
redis.call('SREM', P .. 'held:' .. found[2], lane)
redis.call('ZREM', P .. 'running', id)
if found[3] and redis.call('GET', P .. 'alone') == lane then redis.call('DEL', P .. 'alone') end
if how == 'finished' then
  if tonumber(found[5] or '0') > tonumber(handled) then succeed(id, tonumber(handled)) end
  redis.call('LREM', laneKey(lane), 1, id)
  redis.call('DEL', updateKey(id))
elseif how == 'dead' then
  bury(lane, id, now, reason)
else
  redis.call('HDEL', updateKey(id), 'running', 'alone')
  redis.call('ZADD', P .. 'waiting', found[4], id)
  -- Nothing ran beside it, and the process lives.
  if how == 'failed' and found[3] then redis.call('HDEL', updateKey(id), 'crashes', 'lone') end
  -- An interrupt that came meanwhile wants it delivered at once, to tidy up.
  if how == 'failed' and redis.call('HINCRBY', updateKey(id), 'failures', 1) > 0
    and redis.call('HEXISTS', updateKey(id), 'cancelled') == 0 then
    local due = NOW + backoff
    redis.call('HSET', updateKey(id), 'due', due, 'backoff', backoff)
    redis.call('ZADD', P .. 'delayed', due, id)
  end
end
if redis.call('LLEN', laneKey(lane)) > 0 then offer(lane) end
return 'ended'
`);
