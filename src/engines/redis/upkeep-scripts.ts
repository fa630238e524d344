/** Steps in Redis around the way of an update: looking in, mending, and what an operator may do. Keys: see `lane-scripts.ts`. */
import { common } from "./lane-scripts.ts";

/** For a back-off, or for a look at a lane that somebody works in. */
const longestWaitMs = 120_000;

/**
 * Finds lanes that wait and have neither worker nor job, as a crash can leave them. One worker at a time looks. ARGV: for how
 * long nobody else needs to look, most lanes, the lease, and what BullMQ's keys begin with. Returns the lanes.
 */
export const sweepScript = `${common}
local now, every, most, lease = stamp(), tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
shorten(P .. 'sweep', every)
if not redis.call('SET', P .. 'sweep', '1', 'PX', ARGV[1], 'NX') then return {} end
for at = 4, #ARGV do
  shorten(ARGV[at] .. ':stalled-check', lease)
  for _, job in ipairs(redis.call('LRANGE', ARGV[at] .. ':active', 0, -1)) do shorten(ARGV[at] .. ':' .. job .. ':lock', lease) end
end
local lost = {}
local lanes = redis.call('ZRANGEBYSCORE', P .. 'lanes', '-inf', now, 'LIMIT', 0, most)
-- Nobody waits for longer than this: the clock has been set back.
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', P .. 'lanes', now + ${longestWaitMs}, '+inf', 'LIMIT', 0, most)) do
  lanes[#lanes + 1] = lane
end
for _, lane in ipairs(lanes) do
  if redis.call('LLEN', laneKey(lane)) == 0 then
    redis.call('ZREM', P .. 'lanes', lane)
  else
    if lonely(lane) then lost[#lost + 1] = lane end
    redis.call('ZADD', P .. 'lanes', now + 2000, lane)
  end
end
return lost
`;

/** ARGV: now. Returns waiting, running, delayed, dead, and the time of the oldest that waits. */
export const statsScript = `${common}
local oldest = redis.call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
return {
  redis.call('ZCARD', P .. 'waiting'), redis.call('ZCARD', P .. 'running'),
  redis.call('ZCOUNT', P .. 'delayed', '(' .. stamp(), '+inf'),
  redis.call('ZCOUNT', P .. 'dead', '(' .. (ARGV[1] - KEEP_DEAD), '+inf'), oldest[2] or ARGV[1],
}
`;

/** Dead updates, the oldest first. ARGV: now, most. */
export const deadScript = `${common}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'dead', '(' .. (ARGV[1] - KEEP_DEAD), '+inf', 'LIMIT', 0, ARGV[2])) do
  local hash = redis.call('HGETALL', updateKey(id))
  if #hash == 0 then redis.call('ZREM', P .. 'dead', id) else found[#found + 1] = {id, hash} end
end
return found
`;

/** Puts a dead update at the end of its lane. ARGV: id, now. Returns its lane, or nothing. */
export const requeueScript = `${common}
local id = ARGV[1]
if tonumber(redis.call('ZSCORE', P .. 'dead', id) or 0) <= ARGV[2] - KEEP_DEAD then return false end
redis.call('ZREM', P .. 'dead', id)
if redis.call('EXISTS', updateKey(id)) == 0 then return false end
local found = redis.call('HMGET', updateKey(id), 'lane', 'conversation', 'at')
local lane = found[1] .. ':' .. found[2]
redis.call('PERSIST', updateKey(id))
redis.call('HDEL', updateKey(id), 'attempts', 'failures', 'crashes', 'lone', 'due', 'backoff', 'doom', 'cancelled')
redis.call('HDEL', P .. 'hangs', id)
redis.call('RPUSH', laneKey(lane), id)
redis.call('ZADD', P .. 'waiting', found[3], id)
redis.call('ZADD', P .. 'lanes', 'NX', stamp() + 2000, lane)
return lane
`;

/** Makes dead what waits in a lane. ARGV: lane, now, reason. Returns the number. */
export const drainLaneScript = `${common}
local count = 0
for _, id in ipairs(redis.call('LRANGE', laneKey(ARGV[1]), 0, -1)) do
  if redis.call('HEXISTS', updateKey(id), 'running') == 0 then
    bury(ARGV[1], id, ARGV[2], ARGV[3])
    count = count + 1
  end
end
return count
`;

/**
 * What an operator may see of the updates in a set (`waiting`, `running`, `delayed`, `dead`), the oldest first; bodies stay here.
 * ARGV: set, first, last, or `one` and an id in place of these two.
 */
export const viewScript = `${common}
local found = {}
local function show(set, id)
  local since = redis.call('ZSCORE', P .. set, id)
  local fields = redis.call('HMGET', updateKey(id), 'conversation', 'lane', 'at', 'attempts', 'question', 'doom')
  if since and fields[1] then found[#found + 1] = {id, set, since, unpack(fields)} end
  return since
end
if ARGV[1] ~= 'one' then
  for _, id in ipairs(redis.call('ZRANGE', P .. ARGV[1], ARGV[2], ARGV[3])) do show(ARGV[1], id) end
else
  for _, set in ipairs({'running', 'dead', 'delayed', 'waiting'}) do
    if show(set, ARGV[2]) then break end
  end
end
return found
`;

/** Others may run beside a suspect again: it waits for Telegram. ARGV: lane, id. */
export const rejoinScript = `${common}
redis.call('HDEL', updateKey(ARGV[2]), 'alone')
if redis.call('GET', P .. 'alone') == ARGV[1] then redis.call('DEL', P .. 'alone') end
`;
