/**
 * How messages come together in one question, in Redis. It is done as `groups.ts` does it, here so that it is one step with the
 * enqueueing; the queue's contract holds both to the same. Keys, besides those of `lane-scripts.ts`:
 *
 * - `newest:CONVERSATION WHO`: of a sender, or of a group, the newest question; for a minute
 * - `aside:CONVERSATION GROUP` hash: parts of an album that has not been addressed to us, by their messages; for a minute
 * - `asides:CONVERSATION SENDER`: how many such parts have come within a minute
 *
 * An update's hash has, besides, `message`, `sender`, `group`, `plain`, `first`, `last`, `units`, `count`, `closed`, and under
 * `part:MESSAGE` what has joined it: number, id, body, a line each.
 */
import { groupRules } from "../lanes/groups.ts";

const newestMs = 60_000;

function table(numbers: Readonly<Record<string, number>>): string {
  return `{${Object.entries(numbers)
    .map(([kind, number]) => `${kind} = ${number}`)
    .join(", ")}}`;
}

/**
 * Functions of the script that enqueues: they use its `id`, `conversation`, `at` and `body`, and know the message from the
 * arguments `piece` begins with: its id, sender, units, group, what it follows, whether it is plain, and aside;
 * then what stands in for the time of quiet, or an empty string.
 */
export const gatheringFunctions = `
local piece = {}
piece.message, piece.sender, piece.units, piece.group, piece.follows, piece.plain, piece.aside = unpack(ARGV, 17, 23)
local function newest(who) return P .. 'newest:' .. conversation .. ' ' .. who end
local gatheringFields = {'message', 'sender', 'group', 'plain', 'first', 'last', 'units', 'count', 'closed'}
local function readGathering(open)
  local found = redis.call('HMGET', updateKey(open), unpack(gatheringFields))
  if not found[1] then return nil end
  return {
    message = found[1], sender = found[2], group = found[3] or '', plain = found[4] or '', first = tonumber(found[5]),
    last = tonumber(found[6]), units = tonumber(found[7]), count = tonumber(found[8]), closed = found[9] or '',
  }
end
local function fieldsOf(g, fields)
  for _, name in ipairs(gatheringFields) do
    if g[name] ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = (name == 'first' or name == 'last') and string.format('%.0f', g[name]) or g[name]
    end
  end
  return fields
end
-- As the newest, or in the place of the one that was it; one that was dropped is it no more.
local function remember(who, version)
  local last = version and redis.call('GET', newest(who))
  if not last or last == version or redis.call('EXISTS', updateKey(last)) == 0 then redis.call('SET', newest(who), id, 'PX', ${newestMs}) end
end
`;

const unripeFunctions = `
local QUIET, MOST = ${table(groupRules.quietMs)}, ${table(groupRules.mostParts)}
local function kindOf(group)
  local kind = string.match(group, '^%a+')
  return QUIET[kind] and kind or 'forward'
end
local function unripeFor(g)
  if g.group == '' or g.closed ~= '' then return 0 end
  local quiet = tonumber(ARGV[24]) or QUIET[kindOf(g.group)]
  return math.min(quiet, math.max(0, math.min(g.last + quiet, g.first + ${groupRules.longestMs}) - at))
end
`;

/**
 * The same of a message that asks something, behind `gatheringFunctions`. Most messages are plain, behind nothing that they could
 * be a part of: for those nothing is done but to keep what they are.
 */
export const joiningFunctions = `
-- The newest question of the same sender.
local former = redis.call('GET', newest(piece.sender))
local formerGathering = former and readGathering(former)
local prepare = nil
if piece.group ~= '' or piece.follows == 'plain' or (formerGathering and formerGathering.group ~= '') then
${unripeFunctions}
local asides = P .. 'aside:' .. conversation .. ' ' .. piece.group
local function add(g, units, when)
  if g.group == '' then g.group = piece.group end
  g.last, g.units, g.count = math.max(g.last, when), g.units + units, g.count + 1
  if (g.group ~= '' and g.count >= MOST[kindOf(g.group)]) or piece.follows == 'paste' then g.closed = '1' end
end

-- A worker of the version before would answer a part of it, and stop at what tells it that there is more.
local function allUnderstand()
  for _, process in ipairs(redis.call('SMEMBERS', P .. 'workers')) do
    if redis.call('GET', P .. 'alive:' .. process) == '1' then return false end
  end
  return true
end
local function joins(open, g)
  local found = redis.call('HMGET', updateKey(open), 'attempts', 'cancelled', 'doom')
  if found[2] or found[3] or g.sender ~= piece.sender then return false end
  local late = at - g.first > ${groupRules.longestMs}
  local within = g.units + piece.units <= ${groupRules.mostUnits}
  if piece.group ~= '' and piece.group == g.group then
    local kind = kindOf(g.group)
    if g.count >= MOST[kind] then return false end
    return kind == 'album' or (g.closed == '' and not late and within)
  end
  if g.closed ~= '' or (found[1] and late) then return false end
  if piece.follows == 'paste' then
    return g.group == 'paste:' .. piece.sender and at - g.last <= QUIET.paste and within
  end
  return piece.follows == 'plain' and g.plain ~= '' and at - g.last <= ${groupRules.followsWithinMs}
end
local function wait(open, ms)
  local due = ms > 0 and string.format('%.0f', NOW + ms) or '0'
  redis.call('HSET', updateKey(open), 'due', due, 'backoff', string.format('%.0f', ms))
  if redis.call('HEXISTS', updateKey(open), 'running') == 0 then
    if ms > 0 then redis.call('ZADD', P .. 'delayed', due, open) else redis.call('ZREM', P .. 'delayed', open) end
  end
  offer(turnLane)
end

-- Makes the message part of a question that is stored already; false when it is none.
local function join()
  local ofGroup = piece.group ~= '' and redis.call('GET', newest(piece.group))
  for n = 1, 2 do
    local open, g = former, formerGathering
    if n == 1 then open, g = ofGroup, ofGroup and readGathering(ofGroup) end
    if g and (n == 2 or g.group == piece.group) and joins(open, g) and allUnderstand() then
      add(g, tonumber(piece.units), tonumber(at))
      local value = g.count .. '\\n' .. id .. '\\n' .. body
      redis.call('HSET', updateKey(open), 'part:' .. piece.message, value, unpack(fieldsOf(g, {})))
      if piece.group ~= '' then redis.call('SET', newest(piece.group), open, 'PX', ${newestMs}) end
      local found = redis.call('HMGET', updateKey(open), 'running', 'process', 'failures')
      -- A back-off goes on.
      if found[1] or not found[3] then wait(open, unripeFor(g)) end
      if found[1] then
        redis.call('PUBLISH', P .. 'cancel', open .. ' joined')
        redis.call('HSET', P .. 'cancelled:' .. found[2], open, found[1] .. ' joined')
        redis.call('EXPIRE', P .. 'cancelled:' .. found[2], 60)
      end
      return true
    end
  end
  return false
end

local function keepAside()
  local asideOf = P .. 'asides:' .. conversation .. ' ' .. piece.sender
  local count = redis.call('INCR', asideOf)
  if count == 1 then redis.call('PEXPIRE', asideOf, ${groupRules.asideMs}) end
  if count > ${groupRules.mostAside} then return end
  redis.call('HSET', asides, piece.message, at .. '\\n' .. piece.units .. '\\n' .. id .. '\\n' .. body)
  redis.call('PEXPIRE', asides, ${groupRules.asideMs})
end
-- Parts of an album that came before it was addressed to us.
local function takeAside(g, fields)
  local kept = redis.call('HGETALL', asides)
  for n = 1, #kept, 2 do
    local when, units, other, text = string.match(kept[n + 1], '^(%d+)\\n(%d+)\\n(%d+)\\n(.*)$')
    if at - when < ${groupRules.asideMs} then
      add(g, tonumber(units), tonumber(when))
      fields[#fields + 1] = 'part:' .. kept[n]
      fields[#fields + 1] = g.count .. '\\n' .. other .. '\\n' .. text
    end
  end
  redis.call('DEL', asides)
end

local joined = join()
if joined or piece.aside ~= '' then
  see()
  if not joined then keepAside() end
  return {'queued', begun}
end

-- Before it begins a question of its own. Returns for how long that waits.
function prepare(own, fields)
  local g = formerGathering
  if g and g.group ~= '' and g.closed == '' and redis.call('HEXISTS', updateKey(former), 'attempts') == 0 then
    redis.call('HSET', updateKey(former), 'closed', '1')
    wait(former, 0)
  end
  -- Each is a question of its own then, as that version has it.
  if piece.group ~= '' and not allUnderstand() then own.group = '' end
  if string.match(own.group, '^album:') then takeAside(own, fields) end
  return unripeFor(own)
end
end

-- Adds to the fields of its update. Returns for how long it waits.
local function begin(fields)
  local own = {
    message = piece.message, sender = piece.sender, group = piece.group, plain = piece.plain, first = at,
    last = at, units = piece.units, count = 1, closed = '',
  }
  local waitMs = prepare and prepare(own, fields) or 0
  fieldsOf(own, fields)
  remember(own.sender)
  if own.group ~= '' then remember(own.group) end
  return waitMs
end
`;

/** The same of an edit. */
export const inheritingFunctions = `${unripeFunctions}
-- An edit asks all that its question asks. Adds that to the fields of its update; returns for how long it waits.
local function inherit(version, isBegun, fields)
  local g = readGathering(version)
  if not g then return 0 end
  local message = piece.message ~= '' and piece.message or g.message
  local all = redis.call('HGETALL', updateKey(version))
  for n = 1, #all, 2 do
    if string.match(all[n], '^part:') and all[n] ~= 'part:' .. message then
      fields[#fields + 1] = all[n]
      fields[#fields + 1] = all[n + 1]
    elseif all[n] == 'body' and g.message ~= message then
      fields[#fields + 1] = 'part:' .. g.message
      fields[#fields + 1] = '1\\n' .. version .. '\\n' .. all[n + 1]
    end
  end
  g.message = message
  fieldsOf(g, fields)
  -- What its sender has asked since stays their newest question.
  remember(g.sender, version)
  if g.group ~= '' then remember(g.group, version) end
  return isBegun and 0 or unripeFor(g)
end
`;

/**
 * For the script that ends deliveries: what has joined an update after so many of its messages were handed out takes its place.
 * It uses `lane`.
 */
export const lateFunctions = `
local function succeed(id, handled)
  local all = redis.call('HGETALL', updateKey(id))
  local fields, late = {}, {}
  for n = 1, #all, 2 do
    fields[all[n]] = all[n + 1]
    local message = string.match(all[n], '^part:(.*)$')
    if message then
      local number, other, text = string.match(all[n + 1], '^(%d+)\\n(%d+)\\n(.*)$')
      if tonumber(number) > handled then late[#late + 1] = {tonumber(number), other, message, text} end
    end
  end
  -- What interrupts it drops, or asks, all that has joined it.
  if #late == 0 or fields.cancelled then return end
  table.sort(late, function(a, b) return a[1] < b[1] end)
  local _, first, message, text = unpack(late[1])
  local group = fields.group or ''
  redis.call('HSET', updateKey(first), 'conversation', fields.conversation, 'lane', fields.lane, 'at', fields.last,
    'body', text, 'question', message, 'message', message, 'sender', fields.sender, 'group', group, 'plain', '',
    'first', fields.first, 'last', fields.last, 'units', fields.units, 'count', #late, 'closed', '1')
  for n = 2, #late do
    redis.call('HSET', updateKey(first), 'part:' .. late[n][3], n .. '\\n' .. late[n][2] .. '\\n' .. late[n][4])
  end
  -- What comes still later joins it there.
  for _, who in ipairs({fields.sender, group}) do
    local newest = P .. 'newest:' .. fields.conversation .. ' ' .. who
    if redis.call('GET', newest) == id then redis.call('SET', newest, first, 'PX', ${newestMs}) end
  end
  redis.call('LINSERT', laneKey(lane), 'AFTER', id, first)
  redis.call('ZADD', P .. 'waiting', fields.last, first)
end
`;
