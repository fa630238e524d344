/** How an update comes into its lane in Redis, and what its interrupt does there. Keys: see `lane-scripts.ts`. */
import type { IncomingUpdate } from "../../ports/updates.ts";
import { gatheringFunctions, inheritingFunctions, joiningFunctions } from "./gathering-scripts.ts";
import { basics, burying, compact } from "./lane-scripts.ts";

const known = `${basics}
local id, conversation, kind, at, body, question, refusal = unpack(ARGV, 1, 7)
local mostInAll, mostInLane = tonumber(ARGV[8]), tonumber(ARGV[9])
local reason, run, edited, fullRefusal, interrupt = unpack(ARGV, 10, 14)
local lane = kind .. ':' .. conversation
local turnLane = 'turn:' .. conversation
local begun, fresh, aborted, pivot, side = {}, {}, false, nil, nil

local block = P .. 'seen:' .. string.format('%d', math.floor(tonumber(id) / 32768))
local bit = tonumber(id) % 32768
if redis.call('GETBIT', block, bit) == 1 then return {'duplicate', begun} end
local function see()
  redis.call('SETBIT', block, bit, 1)
  redis.call('EXPIRE', block, 172800)
end
`;

const limit = `
if redis.call('ZCARD', P .. 'waiting') + redis.call('ZCARD', P .. 'running') >= mostInAll then return {'full', begun} end
`;

/** What it aborts, what it drops, where its own update goes. `holdsEdited` says whether an edit is about a part of a question. */
const planning = (holdsEdited: string) => `
for _, open in ipairs(redis.call('LRANGE', laneKey(turnLane), 0, -1)) do
  local found = redis.call('HMGET', updateKey(open), 'question', 'attempts', 'cancelled', 'message')
  if found[1] and (reason ~= 'edit' or found[1] == edited${holdsEdited}) then
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
`;

interface Steps {
  /** What an interrupt does besides being stored. */
  readonly carryOut?: string;
  /** Adds to `fields`, and may set `waitMs` and `question`. */
  readonly fields?: string;
}

const storing = ({ carryOut = "", fields = "" }: Steps) => `
local function store(target, fields, waitMs)
  if waitMs > 0 then
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
  ${carryOut}
  if redis.call('LLEN', laneKey(lane)) >= mostInLane then
    if redis.call('SET', P .. 'full:' .. lane, '1', 'EX', 86400, 'NX') then store('quick', {'refusal', fullRefusal}, 0) end
    return {'lane-full', begun}
  end
end
redis.call('DEL', P .. 'full:' .. lane)
local fields, waitMs = {}, 0
${fields}
if question ~= '' then fields[#fields + 1] = 'question' fields[#fields + 1] = question end
if refusal ~= '' then fields[#fields + 1] = 'refusal' fields[#fields + 1] = refusal end
if interrupt ~= '' then fields[#fields + 1] = 'interrupt' fields[#fields + 1] = interrupt end
if reason ~= '' then
  fields[#fields + 1] = 'outcome'
  fields[#fields + 1] = '{"aborted":' .. tostring(aborted) .. ',"dropped":' .. #fresh .. '}'
end
store(kind, fields, waitMs)
if pivot then ${carryOut} end
return {'queued', begun}
`;

const inheriting = `
local version = fresh[#fresh] or begun[#begun]
if version then
  question = redis.call('HGET', updateKey(version), 'question')
  waitMs = inherit(version, #fresh == 0, fields)
end
`;
const holdsEdited = `
  or (piece.message ~= ''
    and (found[4] == piece.message or redis.call('HEXISTS', updateKey(open), 'part:' .. piece.message) == 1))`;
const edits = gatheringFunctions + inheritingFunctions + planning(holdsEdited);

const scripts = {
  dead: compact(`${known}${burying}
see()
redis.call('HSET', updateKey(id), 'conversation', conversation, 'lane', kind, 'at', at, 'body', body)
bury(lane, id, ARGV[16], ARGV[15])
return {'queued', begun}
`),
  edit: compact(known + limit + edits + storing({ carryOut: "carryOut()", fields: inheriting })),
  interrupt: compact(known + limit + planning("") + storing({ carryOut: "carryOut()" })),
  piece: compact(known + gatheringFunctions + joiningFunctions + limit + storing({ fields: "waitMs = begin(fields)" })),
  other: compact(known + limit + storing({})),
};

/**
 * The script that enqueues this update, with no more text than that takes: Redis reads all of it each time.
 * ARGV: id, conversation, lane kind, received at, body, question, refusal, most updates in all, most in the lane, kind of the
 * interrupt, its run, its question, refusal of a full lane, the interrupt, why it is dead, now, then what is known of its message
 * (see `gatheringFunctions`) or empty strings. Returns the result and the ids of
 * what was aborted. What an interrupt does is planned as `planInterrupt` does it, here so that
 * it is one step with the enqueueing; the queue's contract holds both to the same.
 */
export function enqueueScriptOf({ dead, interrupt, piece }: IncomingUpdate): string {
  if (dead !== undefined) return scripts.dead;
  if (interrupt !== undefined) return interrupt.kind === "edit" ? scripts.edit : scripts.interrupt;
  return piece === undefined ? scripts.other : scripts.piece;
}
