/**
 * The scripts of the store. A conversation has four keys, which live and expire together: its turns (a hash: `at`, when it
 * was last active, `summary`, `facts`, a record for each question, and what long files say: `file:ID`, in the order of `files`), their order (a list of questions), its exchanges and their order.
 */

import { droppedAtOnce } from "../lanes/turn-records.ts";
import { ledgerFunctions } from "./ledger-scripts.ts";

/** What is older than this is not there, whether Redis has removed it or not. KEYS[1] turns, ARGV[1] oldest. */
export const present = `
  local active = redis.call('HGET', KEYS[1], 'at')
  local present = active and tonumber(active) >= tonumber(ARGV[1])
`;

/** KEYS turns, turn order, exchanges, exchange order. ARGV oldest, now, ttlMs. */
const keepAlive = `
  if not active or tonumber(ARGV[2]) > tonumber(active) then redis.call('HSET', KEYS[1], 'at', ARGV[2]) end
  for n = 1, 4 do redis.call('PEXPIRE', KEYS[n], ARGV[3]) end
`;

/** Puts a record into a hash, and its question at the end of the list if it is new; the oldest ones go, many at once. */
const put = `
  local function put(records, order, question, record, kept, forget)
    if redis.call('HSET', records, question, record) == 0 then return end
    if redis.call('RPUSH', order, question) < kept + ${droppedAtOnce} then return end
    local gone = redis.call('LRANGE', order, 0, ${droppedAtOnce} - 1)
    redis.call('HDEL', records, unpack(gone))
    if forget then for _, one in ipairs(gone) do forget(records, one) end end
    redis.call('LTRIM', order, ${droppedAtOnce}, -1)
  end
`;

/** Reads the record of a run: nil when it is forgotten, or belongs to another run. */
export const find = `
  local function find(question, wanted)
    local record = present and redis.call('HGET', KEYS[1], question)
    if not record then return nil end
    local run, state, shown, rest = string.match(record, '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
    if run ~= wanted then return nil end
    return state, shown, rest
  end
  local function change(question, run, state, shown, rest)
    redis.call('HSET', KEYS[1], question, run .. '\\n' .. state .. '\\n' .. shown .. '\\n' .. rest)
  end
`;

/** Forgets the steps of a question. `turns`: the key of the hash. */
const forgetSteps = `
  local function forgetSteps(turns, question)
    local counts = redis.call('HGET', turns, 'steps:' .. question)
    if counts then
      local number = 0
      for count in string.gmatch(counts, '%d+') do
        number = number + 1
        local place = question .. ':' .. number
        redis.call('HDEL', turns, 'step:' .. place)
        for at = 0, tonumber(count) - 1 do
          redis.call('HDEL', turns, 'call:' .. place .. ':' .. at, 'result:' .. place .. ':' .. at)
        end
      end
    end
    redis.call('HDEL', turns, 'run:' .. question, 'steps:' .. question, 'waiting:' .. question)
  end
`;

/** KEYS the four. ARGV oldest, now, ttlMs, kept, question, record, then the questions whose turns are dropped. */
export const beginTurn = `${present}${put}${forgetSteps}
  if not present then
    redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
    active = false
  end
  local former = redis.call('HGET', KEYS[1], 'run:' .. ARGV[5])
  -- First of all what a full Redis refuses: behind any other write it would take it.
  put(KEYS[1], KEYS[2], ARGV[5], ARGV[6], ARGV[4], forgetSteps)
  -- What another run has done means nothing to this one. A worker of the version before may have begun that in between, and left
  -- the steps: so they say whose they are.
  if former ~= string.match(ARGV[6], '^[^\\n]*') then forgetSteps(KEYS[1], ARGV[5]) end
  -- The last argument is that of the guard.
  for n = 7, #ARGV - 1 do
    forgetSteps(KEYS[1], ARGV[n])
    if redis.call('HDEL', KEYS[1], ARGV[n]) == 1 then redis.call('LREM', KEYS[2], -1, ARGV[n]) end
  end
  ${keepAlive}
`;

/** KEYS turns. ARGV oldest, question, run, shown. */
export const setTurnMessages = `${present}${find}
  local state, former, rest = find(ARGV[2], ARGV[3])
  if not state then return end
  local pictures = string.match(former, ',"pictures":%b[]')
  local shown = pictures and string.sub(ARGV[4], 1, -2) .. pictures .. '}' or ARGV[4]
  change(ARGV[2], ARGV[3], state, shown, rest)
`;

/** KEYS turns. ARGV oldest, question, run, what stands there of pictures. */
export const setTurnPictures = `${present}${find}
  local state, former, rest = find(ARGV[2], ARGV[3])
  if not state then return end
  local shown = string.gsub(former, ',"pictures":%b[]', '', 1)
  change(ARGV[2], ARGV[3], state, string.sub(shown, 1, -2) .. ARGV[4] .. '}', rest)
`;

/** KEYS turns. ARGV oldest, question, run, rest. */
export const renewTurn = `${present}${find}
  local state, shown = find(ARGV[2], ARGV[3])
  if state then change(ARGV[2], ARGV[3], state, shown, ARGV[4]) end
`;

/** KEYS turns. ARGV oldest, question, run, id of the file, what it says, how many are kept. */
export const keepFile = `${present}${find}
  if not find(ARGV[2], ARGV[3]) then return end
  local names = {}
  for name in string.gmatch(redis.call('HGET', KEYS[1], 'files') or '', '%S+') do
    if name ~= ARGV[4] then names[#names + 1] = name end
  end
  names[#names + 1] = ARGV[4]
  while #names > tonumber(ARGV[6]) do redis.call('HDEL', KEYS[1], 'file:' .. table.remove(names, 1)) end
  redis.call('HSET', KEYS[1], 'files', table.concat(names, ' '), 'file:' .. ARGV[4], ARGV[5])
`;

/** KEYS turns. ARGV oldest, id of the file. */
export const readFile = `${present}
  return present and redis.call('HGET', KEYS[1], 'file:' .. ARGV[2])
`;

/** What these write stands in the turns alone. */
export const ofTurns: ReadonlySet<string> = new Set([beginTurn, setTurnMessages, setTurnPictures, renewTurn, keepFile]);

/** KEYS turns. ARGV oldest, question, run, state. */
export const closeTurn = `${present}${find}
  local state, shown, rest = find(ARGV[2], ARGV[3])
  if state then change(ARGV[2], ARGV[3], ARGV[4], shown, rest) end
`;

/**
 * KEYS the four, prefix, that of an answer. ARGV oldest, now, ttlMs, kept, question, run, state, rest, root (empty: no
 * exchange), exchange, how the ledger is kept, the answer that may be given again (empty: none) and for how long, settlements.
 */
export const finishTurn = `${present}${put}${find}${forgetSteps}${ledgerFunctions}
  local state, shown = find(ARGV[5], ARGV[6])
  -- Written before, and the answer was lost on its way: calls count once.
  if state == ARGV[7] then return end
  -- The last argument is that of the guard.
  for n = 14, #ARGV - 1 do settle(ARGV[11], ARGV[n]) end
  if not state then return end
  change(ARGV[5], ARGV[6], ARGV[7], shown, ARGV[8])
  forgetSteps(KEYS[1], ARGV[5])
  if ARGV[9] ~= '' then put(KEYS[3], KEYS[4], ARGV[9], ARGV[10], ARGV[4]) end
  if ARGV[12] ~= '' then redis.call('SET', KEYS[6], ARGV[12], 'PX', ARGV[13]) end
  ${keepAlive}
`;

/** KEYS turns, order. ARGV oldest, question (empty: the newest). */
export const readTurn = `${present}
  local question = ARGV[2]
  if question == '' then question = redis.call('LINDEX', KEYS[2], -1) end
  if not present or not question then return false end
  return redis.call('HGET', KEYS[1], question)
`;

/**
 * KEYS turns, exchanges, exchange order. ARGV oldest, the first place in the order (from the end: negative). Returns what is
 * kept about the summary, then the exchanges, then what of facts the conversation is told.
 */
export const readConversation = `${present}
  if not present then return {false, {}, false} end
  local questions = redis.call('LRANGE', KEYS[3], ARGV[2], -1)
  local exchanges = #questions > 0 and redis.call('HMGET', KEYS[2], unpack(questions)) or {}
  return {redis.call('HGET', KEYS[1], 'summary'), exchanges, redis.call('HGET', KEYS[1], 'facts')}
`;

/** KEYS the four. */
export const forget = "redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])";

/** KEYS dialog. ARGV now, value, milliseconds that it is kept. */
export const writeDialog = `
  redis.call('HSET', KEYS[1], 'at', ARGV[1], 'value', ARGV[2])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
`;

/** KEYS turns. ARGV oldest, what stands there (empty: nothing), what shall stand there. Returns 1 when it does. */
export const replaceSummary = `${present}
  if not present or (redis.call('HGET', KEYS[1], 'summary') or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'summary', ARGV[3])
  return 1
`;

/** KEYS turns, exchange order. ARGV oldest. */
export const readOrder = `${present}
  return present and redis.call('LRANGE', KEYS[2], 0, -1) or {}
`;

/**
 * Writes records anew that are still as they were read, unless the former form is wanted. KEYS records, the key that is there
 * while it is. ARGV three for each: question, former record, record. Returns 0 when it is wanted.
 */
export const renew = `
  if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
  for n = 1, #ARGV, 3 do
    if redis.call('HGET', KEYS[1], ARGV[n]) == ARGV[n + 1] then redis.call('HSET', KEYS[1], ARGV[n], ARGV[n + 2]) end
  end
  return 1
`;

/** KEYS key. ARGV now, windowMs. */
export const firstWithin = `
  local left = tonumber(redis.call('GET', KEYS[1]) or '0') - ARGV[1]
  if left > 0 and left <= tonumber(ARGV[2]) then return 0 end
  redis.call('SET', KEYS[1], string.format('%.0f', ARGV[1] + ARGV[2]), 'PX', ARGV[2])
  return 1
`;

/**
 * Puts a conversation under another id, before what is there. KEYS turns, turn order, exchanges, exchange order and settings
 * of the former id, the same of the present one, the one that says where to, the index of turns that wait, and
 * the conversations that the present owner's facts are told in. ARGV oldest, ttlMs, from, to.
 */
export const moveConversation = `
  local function alive(turns)
    local at = redis.call('HGET', turns, 'at')
    return at and tonumber(at) >= tonumber(ARGV[1]) and at
  end
  -- Ids of messages of the former chat are negative in the other. The first is the record's own: inside of texts quotes have
  -- a backslash before them.
  local function negative(record, ...)
    for _, field in ipairs({...}) do
      record = string.gsub(record, '"' .. field .. '":([1-9])', '"' .. field .. '":-%1', 1)
    end
    return record
  end
  local function turn(record)
    local run, state, _, rest = string.match(record, '^([^\\n]*)\\n([^\\n]*)\\n([^\\n]*)\\n(.*)$')
    local moved = '"conversation":"' .. ARGV[4] .. '","moved":{"from":"' .. ARGV[3] .. '","to":"' .. ARGV[4] .. '"}'
    rest = string.gsub(rest, '"conversation":"[^"]*"', moved, 1)
    rest = string.gsub(rest, '"continues":{"question":(%d)', '"continues":{"question":-%1', 1)
    return run .. '\\n' .. state .. '\\n{"messages":[]}\\n' .. negative(rest, 'question', 'root')
  end
  local function exchange(record) return negative(record, 'question', 'since') end
  local function put(from, to, change)
    local questions = redis.call('LRANGE', KEYS[from + 1], 0, -1)
    for n = #questions, 1, -1 do
      local record = redis.call('HGET', KEYS[from], questions[n])
      if record then
        redis.call('HSET', KEYS[to], '-' .. questions[n], change(record))
        redis.call('LPUSH', KEYS[to + 1], '-' .. questions[n])
      end
    end
  end
  redis.call('SET', KEYS[11], ARGV[4])
  local settings = redis.call('HGETALL', KEYS[5])
  for n = 1, #settings, 2 do redis.call('HSETNX', KEYS[10], settings[n], settings[n + 1]) end
  local former, present = alive(KEYS[1]), alive(KEYS[6])
  if former then
    if not present then redis.call('DEL', KEYS[6], KEYS[7], KEYS[8], KEYS[9]) end
    put(1, 6, turn)
    put(3, 8, exchange)
    local files = redis.call('HGET', KEYS[1], 'files')
    if files and redis.call('HSETNX', KEYS[6], 'files', files) == 1 then
      for name in string.gmatch(files, '%S+') do
        redis.call('HSET', KEYS[6], 'file:' .. name, redis.call('HGET', KEYS[1], 'file:' .. name) or '')
      end
    end
    for _, name in ipairs(redis.call('HKEYS', KEYS[1])) do
      local kind, question, rest = string.match(name, '^(%a+):(%d+)(.*)$')
      if kind == 'run' or kind == 'steps' or kind == 'step' or kind == 'call' or kind == 'result' or kind == 'waiting' then
        local value = redis.call('HGET', KEYS[1], name)
        redis.call('HSET', KEYS[6], kind .. ':-' .. question .. rest, value)
        if kind == 'waiting' then
          redis.call('ZREM', KEYS[12], ARGV[3] .. '\\n' .. question)
          redis.call('ZADD', KEYS[12], value, ARGV[4] .. '\\n-' .. question)
        end
      end
    end
    local allowed = redis.call('HGET', KEYS[1], 'allowed')
    if allowed then redis.call('HSET', KEYS[6], 'allowed', allowed .. ' ' .. (redis.call('HGET', KEYS[6], 'allowed') or '')) end
    local summary = redis.call('HGET', KEYS[1], 'summary')
    if summary then redis.call('HSETNX', KEYS[6], 'summary', negative(summary, 'from', 'through', 'boundary')) end
    local facts = redis.call('HGET', KEYS[1], 'facts')
    if facts and redis.call('HSETNX', KEYS[6], 'facts', facts) == 1 then redis.call('SADD', KEYS[13], ARGV[4]) end
    if not present or tonumber(former) > tonumber(present) then redis.call('HSET', KEYS[6], 'at', former) end
    for n = 6, 9 do redis.call('PEXPIRE', KEYS[n], ARGV[2]) end
  end
  redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5])
`;
