/** Scripts that Redis carries out as one step, and what they have in common. */
import type { Redis } from "ioredis";
import { LeaseLostError } from "../../base/errors.ts";
import type { Lease } from "../../ports/fleet.ts";
import { ConversationMovedError } from "../lanes/moved-conversations.ts";

export type ScriptArgument = string | number;

/**
 * Runs a script. Its whole text is sent each time: by its name alone, a script that Redis has forgotten would be sent a
 * second time, behind commands that were given later.
 */
export function runScript(
  redis: Redis,
  lua: string,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  return redis.eval(lua, keys.length, ...keys, ...args);
}

const lost = "lease-lost";

/**
 * Stands before a guarded script. The lease is in its last key and argument, and behind the fence the key that says where the
 * conversation has moved to.
 */
const guard = `
  local fence, moved = string.match(ARGV[#ARGV], '^(.-)\\n(.*)$')
  if fence ~= '' and redis.call('GET', KEYS[#KEYS]) ~= fence then return '${lost}' end
  local target = moved ~= '' and redis.call('GET', moved)
  if target then return {target} end
`;

/**
 * Runs a script, unless the lane has been taken over, or the conversation has moved, which the key `movedKey` tells: then
 * nothing is written, and a `LeaseLostError` or a `ConversationMovedError` is thrown.
 */
export async function runGuarded(
  redis: Redis,
  lease: Lease | undefined,
  lua: string,
  keys: readonly [string, ...string[]],
  args: readonly ScriptArgument[],
  movedKey = "",
): Promise<unknown> {
  const guarded = `${lease?.fence ?? ""}\n${movedKey}`;
  const result = await runScript(redis, guard + lua, [...keys, lease?.key ?? keys[0]], [...args, guarded]);
  if (result === lost) throw new LeaseLostError();
  if (Array.isArray(result)) throw new ConversationMovedError(String(result[0]));
  return result;
}
