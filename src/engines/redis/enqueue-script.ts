/** How an update comes into its lane in Redis, and what its interrupt does there. Keys: see `lane-scripts.ts`. */
import { gatheringFunctions } from "./gathering-scripts.ts";
import { common } from "./lane-scripts.ts";

/**
 * ARGV: id, conversation, lane kind, received at, body, question, refusal, most updates in all, most in the lane, kind of the
 * interrupt, its run, its question, refusal of a full lane, the interrupt, why it is dead, now, then what is known of its message
 * (see `gatheringFunctions`) or empty strings. Returns the result and the ids of
 * what was aborted. What an interrupt does is planned as `planInterrupt` does it, here so that
 * it is one step with the enqueueing; the queue's contract holds both to the same.
 */
export const enqueueScript = `${common}
local id, conversation, kind, at, body, question, refusal = unpack(ARGV, 1, 7)
local mostInAll, mostInLane = tonumber(ARGV[8]), tonumber(ARGV[9])
local reason, run, edited, fullRefusal, interrupt = unpack(ARGV, 10, 14)
local lane = kind .. ':' .. conversation
local turnLane = 'turn:' .. conversation

${gatheringFunctions}
local begun, fresh, aborted, pivot, side = {}, {}, false, nil, nil

local block = P .. 'seen:' .. string.format('%d', math.floor(tonumber(id) / 32768))
local bit = tonumber(id) % 32768
if redis.call('GETBIT', block, bit) == 1 then return {'duplicate', begun} end
local function see()
  redis.call('SETBIT', block, bit, 1)
  redis.call('EXPIRE', block, 172800)
end
if ARGV[15] ~= '' then
  see()
  redis.call('HSET', updateKey(id), 'conversation', conversation, 'lane', kind, 'at', at, 'body', body)
  bury(lane, id, ARGV[16], ARGV[15])
  return {'queued', begun}
end
if piece.message ~= '' and reason == '' then
  local joined = join()
  if joined or piece.aside ~= '' then
    see()
    if not joined then keepAside() end
    return {'queued', begun}
  end
end
if redis.call('ZCARD', P .. 'waiting') + redis.call('ZCARD', P .. 'running') >= mostInAll then return {'full', begun} end

-- The interrupt: what it aborts, what it drops, where its own update goes.
if reason ~= '' then
  for _, open in ipairs(redis.call('LRANGE', laneKey(turnLane), 0, -1)) do
    local found = redis.call('HMGET', updateKey(open), 'question', 'attempts', 'cancelled')
    if found[1] and (reason ~= 'edit' or found[1] == edited
      or (piece.message ~= '' and redis.call('HEXISTS', updateKey(open), 'part:' .. piece.message) == 1)) then
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
      -- For its process to find at its next heartbeat, should it not hear of it.
      local found = redis.call('HMGET', updateKey(open), 'running', 'process')
      if found[1] then
        redis.call('HSET', P .. 'cancelled:' .. found[2], open, found[1] .. ' ' .. reason)
        redis.call('EXPIRE', P .. 'cancelled:' .. found[2], 60)
      end
    end
  end
  for _, open in ipairs(fresh) do
    redis.call('LREM', laneKey(turnLane), 1, open)
    redis.call('DEL', updateKey(open))
    redis.call('ZREM', P .. 'waiting', open)
    redis.call('ZREM', P .. 'delayed', open)
  end
end

local function store(target, fields, waitMs)
  if (waitMs or 0) > 0 then
    local due = string.format('%.0f', NOW + waitMs)
    for _, one in ipairs({'due', due, 'backoff', string.format('%.0f', waitMs)}) do fields[#fields + 1] = one end
    redis.call('ZADD', P .. 'delayed', due, id)
  end
  redis.call('HSET', updateKey(id), 'conversation', conversation, 'lane', target, 'at', at, 'body', body, unpack(fields))
  local list = laneKey(target .. ':' .. conversation)
  if pivot and target == kind then redis.call('LINSERT', list, side, pivot, id) else redis.call('RPUSH', list, id) end
  redis.call('ZADD', P .. 'waiting', at, id)
  offer(target .. ':' .. conversation)
  -- What waited for its back-off there may be due now.
  if #begun > 0 then offer(turnLane) end
end

see()
-- An edit takes its place beside another version of its question, and is let in: with it dropped, nobody would answer.
if not pivot then
  carryOut()
  if redis.call('LLEN', laneKey(lane)) >= mostInLane then
    if redis.call('SET', P .. 'full:' .. lane, '1', 'EX', 86400, 'NX') then store('quick', {'refusal', fullRefusal}) end
    return {'lane-full', begun}
  end
end
redis.call('DEL', P .. 'full:' .. lane)
local fields, waitMs = {}, 0
local version = reason == 'edit' and (fresh[#fresh] or begun[#begun])
if version then
  question = redis.call('HGET', updateKey(version), 'question')
  waitMs = inherit(version, #fresh == 0, fields)
elseif piece.message ~= '' and reason == '' then
  waitMs = begin(fields)
end
if question ~= '' then fields[#fields + 1] = 'question' fields[#fields + 1] = question end
if refusal ~= '' then fields[#fields + 1] = 'refusal' fields[#fields + 1] = refusal end
if interrupt ~= '' then fields[#fields + 1] = 'interrupt' fields[#fields + 1] = interrupt end
if reason ~= '' then
  fields[#fields + 1] = 'outcome'
  fields[#fields + 1] = '{"aborted":' .. tostring(aborted) .. ',"dropped":' .. #fresh .. '}'
end
store(kind, fields, waitMs)
if pivot then carryOut() end
return {'queued', begun}
`;
