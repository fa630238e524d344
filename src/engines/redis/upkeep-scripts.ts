/** Steps in Redis around the way of an update: looking in, mending, and what an operator may do. Keys: see `lane-scripts.ts`. */
import { common } from "./lane-scripts.ts";

/** For a back-off, or for a look at a lane that somebody works in. */
const longestWaitMs = 120_000;

/**
 * The heartbeat of a process that may have lanes. ARGV: lease, grace, its name, a name for the time since Redis began to be empty,
 * and `begin` for the first one of this name: one whose heartbeat has failed for a lease is dead for ever. Returns whether it
 * lives, the name of that time, and what interrupts have ended of what it runs: id, then fence and reason.
 */
export const beatScript = `${common}
local lease, grace, process = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local alive = P .. 'alive:' .. process
inGrace(lease, grace)
redis.call('SET', P .. 'beat:3', NOW, 'EX', 86400)
-- After an outage they may be about to beat again.
local former = redis.call('EXISTS', P .. 'grace') == 0 and redis.call('GET', P .. 'beat:2')
if former and math.abs(NOW - tonumber(former)) > 4 * lease then redis.call('DEL', P .. 'beat:2') end
redis.call('SET', P .. 'era', ARGV[4], 'NX')
local lives = 1
if ARGV[5] == 'begin' then
  redis.call('SET', alive, '2', 'PX', lease)
  redis.call('SADD', P .. 'workers', process)
else
  lives = redis.call('PEXPIRE', alive, lease)
end
return {lives, redis.call('GET', P .. 'era'), redis.call('HGETALL', P .. 'cancelled:' .. process)}
`;

/**
 * Looks what has become of lanes that a process has taken, perhaps under a name of before. ARGV: its name, then lane, fence and
 * id of each update that it handles. Returns nothing when that name counts as dead; else for each update whether its lane is
 * `kept`, `lost`, or `gone` when nothing is stored of it, and what has cancelled it, or an empty string.
 */
export const lookScript = `${common}
local process = ARGV[1]
if redis.call('EXISTS', P .. 'alive:' .. process) == 0 then return false end
local states = {}
for at = 2, #ARGV, 3 do
  local lane, fence, id = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local found = redis.call('HMGET', updateKey(id), 'running', 'process', 'cancelled')
  if found[1] == fence then
    if found[2] ~= process then
      redis.call('SMOVE', P .. 'held:' .. found[2], P .. 'held:' .. process, lane)
      redis.call('HSET', updateKey(id), 'process', process)
    end
    states[#states + 1] = 'kept'
  else
    states[#states + 1] = redis.call('EXISTS', updateKey(id)) == 0 and 'gone' or 'lost'
  end
  states[#states + 1] = found[3] or ''
end
return states
`;

/** A lane may be taken. ARGV: lane. */
export const offerScript = `${common}
offer(ARGV[1])
`;

/**
 * Offers the lanes of processes that have died, and those that wait and that nobody was told of, which is how the version before
 * leaves them. One worker at a time looks. ARGV: for how long nobody else needs to look, most lanes.
 */
export const sweepScript = `${common}
local every, most = tonumber(ARGV[1]), tonumber(ARGV[2])
shorten(P .. 'sweep', every)
if not redis.call('SET', P .. 'sweep', '1', 'PX', every, 'NX') then return end
for _, process in ipairs(redis.call('SMEMBERS', P .. 'workers')) do
  shorten(P .. 'alive:' .. process, every * 5)
  if redis.call('EXISTS', P .. 'alive:' .. process) == 0 then
    local held = redis.call('SRANDMEMBER', P .. 'held:' .. process, most)
    if #held == 0 then redis.call('SREM', P .. 'workers', process) end
    for _, lane in ipairs(held) do announce(lane) end
  end
end
local lanes = redis.call('ZRANGEBYSCORE', P .. 'lanes', '-inf', NOW, 'LIMIT', 0, most)
-- Nobody waits for longer than this: the clock has been set back.
for _, lane in ipairs(redis.call('ZRANGEBYSCORE', P .. 'lanes', NOW + ${longestWaitMs}, '+inf', 'LIMIT', 0, most)) do
  lanes[#lanes + 1] = lane
end
for _, lane in ipairs(lanes) do
  if redis.call('LLEN', laneKey(lane)) == 0 then
    redis.call('ZREM', P .. 'lanes', lane)
  else
    shorten(ownerKey(lane), every * 5)
    local owned = redis.call('EXISTS', ownerKey(lane)) == 1
    if not owned then announce(lane) end
    -- What is ready stays so until it is taken: under load much waits for long.
    redis.call('ZADD', P .. 'lanes', NOW + (owned and 2000 or 15000), lane)
  end
end
for _, kind in ipairs({'turn', 'quick'}) do
  if redis.call('ZCARD', P .. 'ready:' .. kind) > 0 then redis.call('ZADD', P .. 'wake:' .. kind, 0, '1') end
end
`;

/** ARGV: now. Returns waiting, running, delayed, dead, and the time of the oldest that waits. */
export const statsScript = `${common}
local oldest = redis.call('ZRANGE', P .. 'waiting', 0, 0, 'WITHSCORES')
return {
  redis.call('ZCARD', P .. 'waiting'), redis.call('ZCARD', P .. 'running'),
  redis.call('ZCOUNT', P .. 'delayed', '(' .. NOW, '+inf'),
  redis.call('ZCOUNT', P .. 'dead', '(' .. (ARGV[1] - KEEP_DEAD), '+inf'), oldest[2] or ARGV[1],
}
`;

/** Dead updates, the oldest first. ARGV: now, most, how many before them are left out. */
export const deadScript = `${common}
local found = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', P .. 'dead', '(' .. (ARGV[1] - KEEP_DEAD), '+inf', 'LIMIT', ARGV[3], ARGV[2])) do
  local hash = redis.call('HGETALL', updateKey(id))
  if #hash == 0 then redis.call('ZREM', P .. 'dead', id) else found[#found + 1] = {id, hash} end
end
return found
`;

/** Keeps nothing more of dead updates. ARGV: ids. Returns how many there were. */
export const eraseDeadScript = `${common}
local count = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', P .. 'dead', id) == 1 then
    redis.call('DEL', updateKey(id))
    redis.call('HDEL', P .. 'hangs', id)
    count = count + 1
  end
end
return count
`;

/** Puts a dead update at the end of its lane. ARGV: id, now. Returns whether there is one of that id. */
export const requeueScript = `${common}
local id = ARGV[1]
if tonumber(redis.call('ZSCORE', P .. 'dead', id) or 0) <= ARGV[2] - KEEP_DEAD then return 0 end
redis.call('ZREM', P .. 'dead', id)
if redis.call('EXISTS', updateKey(id)) == 0 then return 0 end
local found = redis.call('HMGET', updateKey(id), 'lane', 'conversation', 'at')
local lane = found[1] .. ':' .. found[2]
redis.call('PERSIST', updateKey(id))
redis.call('HDEL', updateKey(id), 'attempts', 'failures', 'crashes', 'lone', 'due', 'backoff', 'doom', 'cancelled')
redis.call('HDEL', P .. 'hangs', id)
redis.call('RPUSH', laneKey(lane), id)
redis.call('ZADD', P .. 'waiting', found[3], id)
offer(lane)
return 1
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
