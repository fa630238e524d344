/**
 * The ledger in Redis. All keys lie below the prefix:
 *
 * - `ledger:DAY` list: the calls that ended on a day (UTC), a line each
 * - `usage:USER`, `usage-chat:CHAT`, `usage-all` hashes: sums by day; a user's has `total`, too. Versions before write the first
 *   six numbers of a sum, and leave those behind them as they are
 * - `usage-models:USER`, `usage-models` hashes: the same by day and model · `usage-users:DAY` hash: by user
 * - `reservations` hash: what is open, by name · `reservations-touched` sorted set: when it was touched last
 * - `reserved` hash: its sums, by subject · `grants:USER` hash: by day
 * - `left:TURN`: the turn was left in good order · `grant:ID`: it was granted
 * - `carried:SUBJECT` hash: by day, what those have used who had their name taken out, less what they were granted
 * - `erased:HASH`: when the name of this user was taken out, and whether budgets go on: calls may not have ended yet
 *
 * Arguments that hold several things have a line for each.
 */
import type { LedgerRow, Limit, Reservation, Settlement } from "../../ports/ledger.ts";
import { countsOf, dayOf, decodeRow, encodeRow, rowOf, subjectName, sumDays } from "../lanes/ledger-sums.ts";
import type { ScriptArgument } from "./script.ts";

/** Longer than an update can come again. */
const grantKnownMs = 7 * 24 * 3_600_000;
/** As long as a month may be. */
const carriedMs = sumDays(0) * 24 * 3_600_000;
/** A user's use by model is kept for so many days, a chat's use at all. */
export const shortDays = 62;

/** How the sums of a ledger are kept; to be passed to each of its scripts. */
export interface Keeping {
  readonly prefix: string;
  readonly ledgerDays: number;
}

/** Defines what the scripts below and the end of a turn call: `settle(keeping, text)`. */
export const ledgerFunctions = `
  local function lines(text, count)
    local found, from = {}, 1
    for n = 1, count - 1 do
      local at = string.find(text, '\\n', from, true)
      found[n] = string.sub(text, from, at - 1)
      from = at + 1
    end
    found[count] = string.sub(text, from)
    return found
  end
  local function numbers(text)
    local found = {}
    for number in string.gmatch(text or '', '%S+') do found[#found + 1] = tonumber(number) end
    return found
  end
  -- True when the field is a new one.
  local function add(key, field, counts)
    local sums, added = numbers(redis.call('HGET', key, field)), numbers(counts)
    for n, count in ipairs(added) do sums[n] = string.format('%.0f', (sums[n] or 0) + count) end
    for n = #added + 1, #sums do sums[n] = string.format('%.0f', sums[n]) end
    return redis.call('HSET', key, field, table.concat(sums, ' ')) == 1
  end
  local function forget(key, before)
    for _, field in ipairs(redis.call('HKEYS', key)) do
      local day = tonumber(string.match(field, '^%-?%d+'))
      if day and day < before then redis.call('HDEL', key, field) end
    end
  end
  local function erased_key(P, user) return P .. 'erased:' .. redis.sha1hex(user) end
  local function carry(P, subject, day, money, tokens)
    local key = P .. 'carried:' .. subject
    add(key, day, string.format('%.0f %.0f', money, tokens))
    redis.call('PEXPIRE', key, ${carriedMs})
  end
  -- Without the name that was taken out while the call was under way.
  local function as_named(P, user, chat, day, counts, row)
    local at, budgets = string.match(redis.call('GET', erased_key(P, user)) or '', '^(%d+) (%d)$')
    if not at then return user, chat, row end
    local fields = cjson.decode(row)
    if fields[1] - fields[17] > tonumber(at) then return user, chat, row end
    local sums, own = numbers(counts), chat == user
    if budgets == '1' and #sums > 0 then
      carry(P, 'user:' .. user, day, sums[5], sums[2] + sums[4])
      if own then carry(P, 'chat:' .. chat, day, sums[5], sums[2] + sums[4]) end
    end
    fields[2], fields[4] = 0, 0
    if own then fields[3] = 0 end
    return '0', own and '0' or chat, cjson.encode(fields)
  end
  -- A day is forgotten when the first call of another one is written, so that no call looks through many.
  local function book(keeping, text)
    local P, rowDays, sumDays = unpack(lines(keeping, 3))
    local user, chat, day, model, counts, row = unpack(lines(text, 6))
    user, chat, row = as_named(P, user, chat, day, counts, row)
    local now, dayMs = tonumber(day), 86400000
    if redis.call('RPUSH', P .. 'ledger:' .. day, row) == 1 then
      redis.call('PEXPIRE', P .. 'ledger:' .. day, rowDays * dayMs)
    end
    if counts == '' then return end
    local mine, models = P .. 'usage:' .. user, P .. 'usage-models:' .. user
    add(mine, 'total', counts)
    add(models, 'total ' .. model, counts)
    add(models, day .. ' ' .. model, counts)
    if add(mine, day, counts) then
      forget(mine, now - sumDays)
      forget(models, now - ${shortDays})
      -- Single answers of two days, as versions before have kept them: their day has these as well.
      redis.call('DEL', P .. 'usage-recent:' .. user)
    end
    local chats = P .. 'usage-chat:' .. chat
    if add(chats, day, counts) then
      forget(chats, now - ${shortDays})
      redis.call('PEXPIRE', chats, ${shortDays} * dayMs)
    end
    add(P .. 'usage-models', day .. ' ' .. model, counts)
    if add(P .. 'usage-all', day, counts) then
      for _, key in ipairs({P .. 'usage-all', P .. 'usage-models'}) do
        forget(key, now - sumDays)
        redis.call('PEXPIRE', key, sumDays * dayMs)
      end
    end
    local users = P .. 'usage-users:' .. day
    if add(users, user, counts) and redis.call('HLEN', users) == 1 then redis.call('PEXPIRE', users, rowDays * dayMs) end
  end
  local function reserve_for(P, user, chat, money, tokens)
    for _, subject in ipairs({'user:' .. user, 'chat:' .. chat, 'all'}) do
      local sums = numbers(redis.call('HGET', P .. 'reserved', subject))
      local all, some = (sums[1] or 0) + money, (sums[2] or 0) + tokens
      if all == 0 and some == 0 then redis.call('HDEL', P .. 'reserved', subject)
      else redis.call('HSET', P .. 'reserved', subject, string.format('%.0f %.0f', all, some)) end
    end
  end
  -- Takes a reservation out, and returns its lines: token, user, chat, money, tokens, what is lost.
  local function take(P, id, token)
    local record = redis.call('HGET', P .. 'reservations', id)
    if not record then return nil end
    local fields = lines(record, 6)
    if token and fields[1] ~= token then return nil end
    redis.call('HDEL', P .. 'reservations', id)
    redis.call('ZREM', P .. 'reservations-touched', id)
    reserve_for(P, fields[2], fields[3], -fields[4], -fields[5])
    return fields
  end
  local function keep(P, now, id, fields)
    redis.call('HSET', P .. 'reservations', id, table.concat(fields, '\\n'))
    redis.call('ZADD', P .. 'reservations-touched', now, id)
    reserve_for(P, fields[2], fields[3], fields[4], fields[5])
  end
  local function settle(keeping, text)
    local id, token, rest = unpack(lines(text, 3))
    -- Somebody else has settled it: he was first.
    if id ~= '' and not take(lines(keeping, 3)[1], id, token) then return end
    book(keeping, rest)
  end
`;

/** KEYS prefix. ARGV keeping, what the turn is called that is left (empty: none), how long that is known, settlements. */
export const settleScript = `${ledgerFunctions}
  for n = 4, #ARGV do settle(ARGV[1], ARGV[n]) end
  if ARGV[2] ~= '' then redis.call('SET', KEYS[1] .. 'left:' .. ARGV[2], '1', 'PX', ARGV[3]) end
`;

/** Defines `standing(P, limit)`: spent, reserved, granted, amount, and whether it is of tokens. */
const standingFunction = `
  local function standing(P, limit)
    local subject, key, grants, from, to, unit, amount = unpack(lines(limit, 7))
    local money = unit == 'money'
    local days = {}
    for day = tonumber(from), tonumber(to) do days[#days + 1] = string.format('%.0f', day) end
    local spent, granted = 0, 0
    for _, record in ipairs(redis.call('HMGET', P .. key, unpack(days))) do
      local sums = numbers(record or '')
      if #sums > 0 then spent = spent + (money and sums[5] or sums[2] + sums[4]) end
    end
    for _, record in ipairs(redis.call('HMGET', P .. 'carried:' .. subject, unpack(days))) do
      local sums = numbers(record or '')
      if #sums > 0 then spent = spent + (money and sums[1] or sums[2]) end
    end
    if grants ~= '' then
      for _, record in ipairs(redis.call('HMGET', P .. grants, unpack(days))) do
        local sums = numbers(record or '')
        if #sums > 0 then granted = granted + (money and sums[1] or sums[2]) end
      end
    end
    local open = numbers(redis.call('HGET', P .. 'reserved', subject))
    return spent, money and open[1] or open[2] or 0, granted, tonumber(amount), not money
  end
`;

/** Defines `judge(P, first, count, money, tokens)` over the limits in ARGV: the verdict, the limit's number and what is left of it. */
const judgeFunction = `${standingFunction}
  local function judge(P, first, count, money, tokens)
    local waits
    for n = 1, count do
      local spent, open, granted, amount, ofTokens = standing(P, ARGV[first + n - 1])
      local wanted = ofTokens and tokens or money
      local left = amount + granted - spent
      -- What costs nothing is not in the way of what is used up.
      if wanted ~= 0 and left < wanted then return 'refused', n, string.format('%.0f', left) end
      if wanted ~= 0 and left - wanted < (open or 0) then waits = waits or n end
    end
    return waits and 'wait' or 'reserved', waits or 0, '0'
  end
`;

/**
 * KEYS prefix. ARGV keeping, now, reservation (id and the fields of its record), number of limits, limits, settlements. Returns,
 * in lines, what `judge` does, and the lines of the dead call. Guarded.
 */
export const reserveScript = `${ledgerFunctions}${judgeFunction}
  local P, count = KEYS[1], tonumber(ARGV[4])
  for n = 5 + count, #ARGV - 1 do settle(ARGV[1], ARGV[n]) end
  local id, record = unpack(lines(ARGV[3], 2))
  local fields = lines(record, 6)
  local former = take(P, id)
  -- Its own, when the answer to the first time was lost.
  local lost = former and former[1] ~= fields[1] and former[6] or ''
  if lost ~= '' then book(ARGV[1], lost) end
  local verdict, limit, left = judge(P, 5, count, tonumber(fields[4]), tonumber(fields[5]))
  if verdict == 'reserved' then keep(P, ARGV[2], id, fields) end
  return table.concat({verdict, limit, left, lost}, '\\n')
`;

/** As `reserveScript`, of an open one. Returns 1 when it is as large as that now. */
export const extendScript = `${ledgerFunctions}${judgeFunction}
  local P = KEYS[1]
  local id, record = unpack(lines(ARGV[3], 2))
  local fields = lines(record, 6)
  local former = take(P, id, fields[1])
  if not former then return 0 end
  local fits = judge(P, 5, tonumber(ARGV[4]), tonumber(fields[4]), tonumber(fields[5])) == 'reserved'
  if not fits then fields[4], fields[5] = former[4], former[5] end
  keep(P, ARGV[2], id, fields)
  return fits and 1 or 0
`;

/** KEYS prefix. ARGV keeping, before when those were touched that go, how many. Returns their lines. */
export const sweepReservationsScript = `${ledgerFunctions}
  local dead = redis.call('ZRANGEBYSCORE', KEYS[1] .. 'reservations-touched', '-inf', '(' .. ARGV[2], 'LIMIT', 0, ARGV[3])
  local lost = {}
  for n, id in ipairs(dead) do
    local fields = take(KEYS[1], id)
    lost[n] = fields and fields[6] or ''
    if fields then book(ARGV[1], lost[n]) else redis.call('ZREM', KEYS[1] .. 'reservations-touched', id) end
  end
  return lost
`;

/** KEYS prefix. ARGV limits. Returns spent, reserved and granted of each, as text. */
export const standingScript = `${ledgerFunctions}${standingFunction}
  local found = {}
  for n = 1, #ARGV do
    local spent, open, granted = standing(KEYS[1], ARGV[n])
    for _, number in ipairs({spent, open or 0, granted}) do found[#found + 1] = string.format('%.0f', number) end
  end
  return found
`;

/** KEYS prefix, grants, the grant's own. ARGV day, money and tokens, oldest day kept, milliseconds they stay. */
export const grantScript = `${ledgerFunctions}
  if not redis.call('SET', KEYS[3], '1', 'NX', 'PX', ${grantKnownMs}) then return end
  add(KEYS[2], ARGV[1], ARGV[2])
  forget(KEYS[2], tonumber(ARGV[3]))
  redis.call('PEXPIRE', KEYS[2], ARGV[4])
`;

/** The first argument of the scripts. */
export function keepingArgument({ prefix, ledgerDays }: Keeping): string {
  return [prefix, ledgerDays, sumDays(ledgerDays)].join("\n");
}

function rowLines(row: LedgerRow): string {
  const counts = countsOf(row)?.join(" ") ?? "";
  const model = row.model.replaceAll("\n", " ").slice(0, 200);
  return [row.userId, row.chatId, dayOf(row.at), model, counts, encodeRow(row)].join("\n");
}

/** Reads the row in lines that a script has returned; undefined where there is none. */
export function rowIn(text: string): LedgerRow | undefined {
  return text === "" ? undefined : decodeRow(text.slice(text.lastIndexOf("\n") + 1));
}

/** A settlement as an argument. */
export function settlementArgument(settlement: Settlement): ScriptArgument {
  const { id, token } = settlement.reservation ?? { id: "", token: "" };
  return [id, token, rowLines(rowOf(settlement))].join("\n");
}

/** A reservation as an argument. */
export function reservationArgument({ id, token, userId, chatId, money, tokens, lost }: Reservation): ScriptArgument {
  return [id, token, userId, chatId, money, tokens, rowLines(lost)].join("\n");
}

/** A limit as an argument. */
export function limitArgument({ of, fromDay, toDay, unit, amount }: Limit): ScriptArgument {
  const grants = of !== "all" && "userId" in of ? `grants:${of.userId}` : "";
  return [subjectName(of), sumsKey(of), grants, fromDay, toDay, unit, amount].join("\n");
}

/** Where the sums of a subject are, below the prefix. */
export function sumsKey(of: Limit["of"]): string {
  if (of === "all") return "usage-all";
  return "userId" in of ? `usage:${of.userId}` : `usage-chat:${of.chatId}`;
}
