/** Scripts that Redis carries out as one step, and what they have in common. */
import type { Redis } from "ioredis";
import { LeaseLostError } from "../errors.ts";
import type { Lease } from "../ports.ts";

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

/** Stands before a guarded script, which finds the lease in its last key and argument. */
const guard = `
  local fence = ARGV[#ARGV]
  if fence ~= '' and redis.call('GET', KEYS[#KEYS]) ~= fence then return '${lost}' end
`;

/** Runs a script, unless the lane has been taken over: then nothing is written, and a `LeaseLostError` is thrown. */
export async function runGuarded(
  redis: Redis,
  lease: Lease | undefined,
  lua: string,
  keys: readonly [string, ...string[]],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  const result = await runScript(redis, guard + lua, [...keys, lease?.key ?? keys[0]], [...args, lease?.fence ?? ""]);
  if (result === lost) throw new LeaseLostError();
  return result;
}
