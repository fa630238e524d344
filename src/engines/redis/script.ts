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

/** Thrown by a write in a form that a living worker of the version before could not read. */
export class FormerReaderError extends Error {}

export interface Guard {
  /** The lane must not have been taken over. */
  readonly lease: Lease | undefined;
  /** Key that says where the conversation has moved to, if it may have. */
  readonly movedKey?: string | undefined;
  /** Key that is there while nothing may be written in the present form. */
  readonly formerKey?: string | undefined;
}

const [lost, unreadable] = ["lease-lost", "unreadable"];

/** Stands before a guarded script. The lease is in its last key and argument, and behind the fence the other two keys. */
const guardScript = `
  local fence, moved, former = string.match(ARGV[#ARGV], '^(.-)\\n(.-)\\n(.*)$')
  if fence ~= '' and redis.call('GET', KEYS[#KEYS]) ~= fence then return '${lost}' end
  local target = moved ~= '' and redis.call('GET', moved)
  if target then return {target} end
  if former ~= '' and redis.call('EXISTS', former) == 1 then return '${unreadable}' end
`;

/**
 * Runs a script, unless something that the guard names is in its way: then nothing is written, and a `LeaseLostError`, a
 * `ConversationMovedError` or a `FormerReaderError` is thrown.
 */
export async function runGuarded(
  redis: Redis,
  { lease, movedKey = "", formerKey = "" }: Guard,
  lua: string,
  keys: readonly [string, ...string[]],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  const guarded = `${lease?.fence ?? ""}\n${movedKey}\n${formerKey}`;
  const result = await runScript(redis, guardScript + lua, [...keys, lease?.key ?? keys[0]], [...args, guarded]);
  if (result === lost) throw new LeaseLostError();
  if (result === unreadable) throw new FormerReaderError();
  if (Array.isArray(result)) throw new ConversationMovedError(String(result[0]));
  return result;
}

/** Redis has answered, and would answer the same again. */
export function isRefusal(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError" && !/^(LOADING|BUSY|TRYAGAIN)/.test(error.message);
}
