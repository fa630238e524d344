/**
 * What Redis does in one step each. All keys of a script lie below the prefix, its first key:
 *
 * - `update:ID` hash: the update and its counts; deleted at its end, kept for a month when dead
 * - `lane:KIND:CONVERSATION` list: ids in their order, the running one first
 * - `owner:KIND:CONVERSATION`: fence of the worker that has the lane; expires with its lease
 * - `seen:BLOCK` bitmap: update ids of the last two days · `full:KIND:CONVERSATION`: its chat was told that it is full
 * - `waiting`, `running`, `delayed`, `dead`: sorted sets of ids, by time · `lanes`: lanes by the time to look after them
 * - `beat`: time of the last heartbeat of any worker · `grace`: there was none for a while, so nobody is declared dead yet
 */
import type { RedisLink } from "../ports.ts";
import { keepDeadMs } from "./worker.ts";

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

/** What all scripts share. Times are milliseconds. */
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
 * ARGV: id, conversation, lane kind, received at, body, question, refusal, most updates in all, most in the lane, kind of the
 * interrupt, its run, its question, refusal of a full lane, now, the interrupt, why it is dead. Returns the result, the lanes that need a job,
 * and the ids of what was aborted. What an interrupt does is planned as `planInterrupt` does it, here so that it is one step
 * with the enqueueing; the queue's contract holds both to the same.
 */
export const enqueueScript = `${common}
local id, conversation, kind, at, body, question, refusal = unpack(ARGV, 1, 7)
local mostInAll, mostInLane = tonumber(ARGV[8]), tonumber(ARGV[9])
local reason, run, edited, fullRefusal, now = unpack(ARGV, 10, 14)
local lane = kind .. ':' .. conversation
local turnLane = 'turn:' .. conversation

local begun, fresh, aborted, pivot, side = {}, {}, false, nil, nil

local function answer(result)
  local found = {}
  for _, one in ipairs({turnLane, 'quick:' .. conversation}) do
    if lonely(one) then found[#found + 1] = one end
  end
  return {result, found, begun}
end

local block = P .. 'seen:' .. string.format('%d', math.floor(tonumber(id) / 32768))
local bit = tonumber(id) % 32768
if redis.call('GETBIT', block, bit) == 1 then return answer('duplicate') end
if ARGV[16] ~= '' then
  redis.call('SETBIT', block, bit, 1)
  redis.call('EXPIRE', block, 172800)
  redis.call('HSET', updateKey(id), 'conversation', conversation, 'lane', kind, 'at', at, 'body', body)
  bury(lane, id, now, ARGV[16])
  return {'queued', {}, {}}
end
if redis.call('ZCARD', P .. 'waiting') + redis.call('ZCARD', P .. 'running') >= mostInAll then return {'full', {}, {}} end

-- The interrupt: what it aborts, what it drops, where its own update goes.
if reason ~= '' then
  for _, open in ipairs(redis.call('LRANGE', laneKey(turnLane), 0, -1)) do
    local found = redis.call('HMGET', updateKey(open), 'question', 'attempts', 'cancelled')
    if found[1] and (reason ~= 'edit' or found[1] == edited) then
      if not found[2] then fresh[#fresh + 1] = open
      elseif run == '' or run == open then
        begun[#begun + 1] = open
        if not found[3] then aborted = true end
      end
    end
  end
  if run ~= '' and #begun == 0 then fresh = {} end
  if reason == 'edit' then
    if #begun > 0 then pivot, side = begun[#begun], 'AFTER'
    elseif #fresh > 0 then pivot, side = fresh[1], 'BEFORE' end
  end
end

local function carryOut()
  for _, open in ipairs(begun) do
    if redis.call('HSETNX', updateKey(open), 'cancelled', reason) == 1 then
      redis.call('HSET', updateKey(open), 'due', '0')
      redis.call('ZREM', P .. 'delayed', open)
      redis.call('PUBLISH', P .. 'cancel', open .. ' ' .. reason)
    end
  end
  for _, open in ipairs(fresh) do
    redis.call('LREM', laneKey(turnLane), 1, open)
    redis.call('DEL', updateKey(open))
    redis.call('ZREM', P .. 'waiting', open)
    redis.call('ZREM', P .. 'delayed', open)
  end
end

local function store(target, fields)
  redis.call('HSET', updateKey(id), 'conversation', conversation, 'lane', target, 'at', at, 'body', body, unpack(fields))
  local list = laneKey(target .. ':' .. conversation)
  if pivot and target == kind then redis.call('LINSERT', list, side, pivot, id) else redis.call('RPUSH', list, id) end
  redis.call('ZADD', P .. 'waiting', at, id)
  redis.call('ZADD', P .. 'lanes', 'NX', now + 2000, target .. ':' .. conversation)
end

redis.call('SETBIT', block, bit, 1)
redis.call('EXPIRE', block, 172800)
-- An edit takes its place beside another version of its question, and is let in: with it dropped, nobody would answer.
if not pivot then
  carryOut()
  if redis.call('LLEN', laneKey(lane)) >= mostInLane then
    if redis.call('SET', P .. 'full:' .. lane, '1', 'EX', 86400, 'NX') then store('quick', {'refusal', fullRefusal}) end
    return answer('lane-full')
  end
end
redis.call('DEL', P .. 'full:' .. lane)
local fields = {}
if question ~= '' then fields[#fields + 1] = 'question' fields[#fields + 1] = question end
if refusal ~= '' then fields[#fields + 1] = 'refusal' fields[#fields + 1] = refusal end
if ARGV[15] ~= '' then fields[#fields + 1] = 'interrupt' fields[#fields + 1] = ARGV[15] end
if reason ~= '' then
  fields[#fields + 1] = 'outcome'
  fields[#fields + 1] = '{"aborted":' .. tostring(aborted) .. ',"dropped":' .. #fresh .. '}'
end
store(kind, fields)
if pivot then carryOut() end
return answer('queued')
`;

/**
 * Takes the head of a lane that nobody has. ARGV: lane, lease, grace, now, most crashes, the taker's fence. Returns `empty`,
 * `held`, `wait` or `delayed` with milliseconds, or `run` or `doomed` with the id and the hash. With the same fence it
 * returns the same again, as long as nobody else has taken the lane.
 */
export const beginScript = `${common}
local lane, lease, grace, now, mostCrashes = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local fence = ARGV[6]
local list = laneKey(lane)
local owner = redis.call('GET', ownerKey(lane))
if owner and owner ~= fence then return {'held'} end

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

local found = redis.call('HMGET', updateKey(id), 'running', 'due', 'crashes', 'doom')
if found[1] == fence then
  redis.call('SET', ownerKey(lane), fence, 'PX', lease)
  return {found[4] and 'doomed' or 'run', id, redis.call('HGETALL', updateKey(id))}
end
if found[1] then
  -- Its worker has not given it back. After an outage of Redis it may be alive and about to say so.
  local at = stamp()
  if at - tonumber(redis.call('GET', P .. 'beat') or '0') > lease / 2 then redis.call('SET', P .. 'grace', '1', 'PX', grace) end
  local left = redis.call('PTTL', P .. 'grace')
  if left > 0 then return {'wait', left} end
  redis.call('HDEL', updateKey(id), 'running')
  redis.call('ZREM', P .. 'running', id)
  redis.call('ZADD', P .. 'waiting', redis.call('HGET', updateKey(id), 'at'), id)
  local crashes = redis.call('HINCRBY', updateKey(id), 'crashes', 1)
  if crashes >= mostCrashes and not found[4] then
    found[4] = 'the process died ' .. crashes .. ' times while this was handled'
    redis.call('HSET', updateKey(id), 'doom', found[4])
  end
end
local due = tonumber(found[2] or '0')
if due > now and not found[4] then
  redis.call('ZADD', P .. 'lanes', due, lane)
  return {'delayed', due - now}
end

redis.call('ZADD', P .. 'lanes', now + lease, lane)
redis.call('SET', ownerKey(lane), fence, 'PX', lease)
redis.call('HSET', updateKey(id), 'running', fence)
redis.call('ZREM', P .. 'waiting', id)
redis.call('ZREM', P .. 'delayed', id)
redis.call('ZADD', P .. 'running', now, id)
if found[4] then return {'doomed', id, redis.call('HGETALL', updateKey(id))} end
redis.call('HINCRBY', updateKey(id), 'attempts', 1)
return {'run', id, redis.call('HGETALL', updateKey(id))}
`;

/**
 * Ends a delivery and gives the lane back. ARGV: lane, fence, id, how, now, due or 0, reason. How: `finished`, `stays`, `failed`
 * (waits until due), `dead`; `doomed` (will be dead) keeps the lane. Returns `lost` when the lane is not the caller's any more,
 * `more` when something waits in it, `empty` when not.
 */
export const endScript = `${common}
local lane, fence, id, how, now, due, reason = unpack(ARGV, 1, 7)
if redis.call('GET', ownerKey(lane)) ~= fence or redis.call('HGET', updateKey(id), 'running') ~= fence then
  return 'lost'
end
if how == 'doomed' then
  redis.call('HSET', updateKey(id), 'doom', reason)
  return 'more'
end
redis.call('DEL', ownerKey(lane))
redis.call('ZREM', P .. 'running', id)
if how == 'finished' then
  redis.call('LREM', laneKey(lane), 1, id)
  redis.call('DEL', updateKey(id))
elseif how == 'dead' then
  bury(lane, id, now, reason)
else
  redis.call('HDEL', updateKey(id), 'running')
  redis.call('ZADD', P .. 'waiting', redis.call('HGET', updateKey(id), 'at'), id)
  -- An interrupt that came meanwhile wants it delivered at once, to tidy up.
  if how == 'failed' and redis.call('HINCRBY', updateKey(id), 'failures', 1) > 0
    and redis.call('HEXISTS', updateKey(id), 'cancelled') == 0 then
    redis.call('HSET', updateKey(id), 'due', due)
    redis.call('ZADD', P .. 'delayed', due, id)
  end
end
if redis.call('LLEN', laneKey(lane)) == 0 then
  redis.call('ZREM', P .. 'lanes', lane)
  return 'empty'
end
redis.call('ZADD', P .. 'lanes', now + 2000, lane)
return 'more'
`;

/**
 * The heartbeat of one worker. ARGV: lease, grace, then lane, fence and id of each update that it handles. Returns for each the
 * state of its lease, `kept` or `lost`, and what has cancelled it, or an empty string.
 */
export const beatScript = `${common}
local lease, grace = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = stamp()
if now - tonumber(redis.call('GET', P .. 'beat') or '0') > lease / 2 then redis.call('SET', P .. 'grace', '1', 'PX', grace) end
redis.call('SET', P .. 'beat', now, 'EX', 86400)
local states = {}
for at = 3, #ARGV, 3 do
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
    states[#states + 1] = 'lost'
  end
  states[#states + 1] = found[2] or ''
end
return states
`;
