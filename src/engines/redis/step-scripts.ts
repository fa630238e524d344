/**
 * The scripts of the journal. It stands among the turns of its conversation, with which it expires: for each question `run:Q` (whose
 * steps they are), `steps:Q` (how many calls each step has), `step:Q:N`, `call:Q:N:I` (the state, then the call), `result:Q:N:I` and `waiting:Q` (since when);
 * and `allowed`, the tools that need no permission. Beside them stands `asking`, an index of all that wait.
 */
import { ledgerFunctions } from "./ledger-scripts.ts";
import { find, present } from "./store-scripts.ts";

/** A worker of the version before ends a turn, or begins another run, without a look at what stands here. */
const isWaiting = `
  local function isWaiting(turns, question)
    local record = redis.call('HGET', turns, question)
    return record and string.match(record, '^[^\\n]*\\n([^\\n]*)') == 'waiting'
  end
`;

/**
 * KEYS turns, prefix. ARGV oldest, question, run, how the ledger is kept, number of the step, step, how many calls, two for each
 * (with its state; its result or nothing), settlements. Returns 1 unless the run is over.
 */
export const addStep = `${present}${find}${ledgerFunctions}
  local counts = redis.call('HGET', KEYS[1], 'steps:' .. ARGV[2]) or ''
  local _, before = string.gsub(counts, '%d+', '')
  local number, calls = tonumber(ARGV[5]), tonumber(ARGV[7])
  local state = find(ARGV[2], ARGV[3])
  -- Written before, and the answer was lost on its way: calls count once.
  if state and before >= number then return 1 end
  -- The last argument is that of the guard.
  for n = 8 + 2 * calls, #ARGV - 1 do settle(ARGV[4], ARGV[n]) end
  if not state then return 0 end
  local place = ARGV[2] .. ':' .. number
  redis.call('HSET', KEYS[1], 'run:' .. ARGV[2], ARGV[3], 'steps:' .. ARGV[2], counts .. ' ' .. calls)
  redis.call('HSET', KEYS[1], 'step:' .. place, ARGV[6])
  for at = 0, calls - 1 do
    redis.call('HSET', KEYS[1], 'call:' .. place .. ':' .. at, ARGV[8 + 2 * at])
    if ARGV[9 + 2 * at] ~= '' then redis.call('HSET', KEYS[1], 'result:' .. place .. ':' .. at, ARGV[9 + 2 * at]) end
  end
  return 1
`;

/** KEYS turns. ARGV oldest, question, run, place of the call, state, result (empty: as it was). Returns 1 unless the run is over. */
export const changeCall = `${present}${find}
  local call = find(ARGV[2], ARGV[3]) and redis.call('HGET', KEYS[1], 'call:' .. ARGV[4])
  if not call then return 0 end
  redis.call('HSET', KEYS[1], 'call:' .. ARGV[4], ARGV[5] .. string.match(call, '\\n.*$'))
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'result:' .. ARGV[4], ARGV[6]) end
  return 1
`;

/** KEYS turns. ARGV oldest, question, run. Returns for each step its record, the number of its calls, and two for each of them. */
export const readSteps = `${present}${find}
  if not find(ARGV[2], ARGV[3]) then return {} end
  local found, number = {}, 0
  for count in string.gmatch(redis.call('HGET', KEYS[1], 'steps:' .. ARGV[2]) or '', '%d+') do
    number = number + 1
    local place = ARGV[2] .. ':' .. number
    found[#found + 1] = redis.call('HGET', KEYS[1], 'step:' .. place) or '{}'
    found[#found + 1] = count
    for at = 0, tonumber(count) - 1 do
      found[#found + 1] = redis.call('HGET', KEYS[1], 'call:' .. place .. ':' .. at) or 'done\\n{}'
      found[#found + 1] = redis.call('HGET', KEYS[1], 'result:' .. place .. ':' .. at) or ''
    end
  end
  return found
`;

/**
 * KEYS turns, prefix, asking. ARGV oldest, question, run, how the ledger is kept, rest, since when, member of the index,
 * settlements. Returns 1 unless the run is over.
 */
export const suspendTurn = `${present}${find}${ledgerFunctions}
  local state, shown = find(ARGV[2], ARGV[3])
  -- Written before: calls count once.
  if state ~= 'waiting' then
    for n = 8, #ARGV - 1 do settle(ARGV[4], ARGV[n]) end
  end
  if not state then return 0 end
  change(ARGV[2], ARGV[3], 'waiting', shown, ARGV[5])
  if redis.call('HSETNX', KEYS[1], 'waiting:' .. ARGV[2], ARGV[6]) == 1 then redis.call('ZADD', KEYS[3], ARGV[6], ARGV[7]) end
  return 1
`;

/** KEYS turns, asking. ARGV oldest, question, run, member of the index. Returns the record as it was. */
export const resumeTurn = `${present}
  local record = present and redis.call('HGET', KEYS[1], ARGV[2])
  if not record then return false end
  local run, state, rest = string.match(record, '^([^\\n]*)\\n([^\\n]*)\\n(.*)$')
  if state == 'writing' and run == ARGV[3] then return record end
  if state ~= 'waiting' then return false end
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. '\\nwriting\\n' .. rest, 'run:' .. ARGV[2], ARGV[3])
  redis.call('HDEL', KEYS[1], 'waiting:' .. ARGV[2])
  redis.call('ZREM', KEYS[2], ARGV[4])
  return record
`;

/** KEYS turns. ARGV oldest. Returns questions and times in turn. */
export const waitingTurns = `${present}${isWaiting}
  local found = {}
  if not present then return found end
  for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
    local question = string.match(name, '^waiting:(.*)$')
    if question and isWaiting(KEYS[1], question) then
      found[#found + 1] = question
      found[#found + 1] = redis.call('HGET', KEYS[1], name)
    end
  end
  return found
`;

/**
 * KEYS asking, what keys of turns begin with. ARGV before, how many at most. Returns conversations, questions and times in turn.
 * What is not there any more leaves the index.
 */
export const waitingSince = `${isWaiting}
  local found, most = {}, tonumber(ARGV[2])
  local function look(member)
    local conversation, question = string.match(member, '^(.*)\\n(.*)$')
    local turns = KEYS[2] .. conversation
    local at = isWaiting(turns, question) and redis.call('HGET', turns, 'waiting:' .. question)
    if not at then return redis.call('ZREM', KEYS[1], member) end
    found[#found + 1] = conversation
    found[#found + 1] = question
    found[#found + 1] = at
  end
  -- What has left the index makes room for others.
  while #found < 3 * most do
    local some = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[1], 'LIMIT', #found / 3, most - #found / 3)
    if #some == 0 then break end
    for _, member in ipairs(some) do look(member) end
  end
  return found
`;

/** KEYS turns. ARGV oldest. */
export const allowedTools = `${present}
  return present and redis.call('HGET', KEYS[1], 'allowed') or ''
`;

/** KEYS turns. ARGV oldest, name. */
export const allowTool = `${present}
  local allowed = redis.call('HGET', KEYS[1], 'allowed') or ''
  if not present or string.find(' ' .. allowed .. ' ', ' ' .. ARGV[2] .. ' ', 1, true) then return end
  redis.call('HSET', KEYS[1], 'allowed', allowed .. ' ' .. ARGV[2])
`;
