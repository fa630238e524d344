/**
 * What users want remembered, in Redis: for each owner a hash of `facts` (what conversations are told) and `rest`, and a set of
 * the conversations that are told something. What one is told stands among its turns, with which it expires: `facts`.
 */
import { type Fact, type FactSnapshot, type FactStore, ownerOf } from "../../ports/facts.ts";
import type { ConversationId } from "../../ports/updates.ts";
import {
  type FactChange,
  type FactRecord,
  factAdded,
  factRemoved,
  factsCleared,
  factsMoved,
  factUndone,
  noFacts,
} from "../lanes/facts.ts";
import type { RedisLink } from "./link.ts";
import { runScript, type ScriptArgument } from "./script.ts";
import { present } from "./store-scripts.ts";

export interface FactsDeps {
  readonly commands: RedisLink["commands"];
  readonly prefix: string;
  /** Before this time a conversation that was active last has expired. */
  oldest(): number;
  /** What was read, unless another process has moved the conversation meanwhile. */
  unmoved<T>(conversation: ConversationId, read: Promise<T>): Promise<T>;
}

type Change = (
  conversation: ConversationId,
  script: string,
  keys: readonly [string, ...string[]],
  args: readonly ScriptArgument[],
) => Promise<unknown>;

/** The two fields of an owner, as they are stored. */
type Stored = readonly [facts: string | null, rest: string | null];

/** KEYS facts. ARGV what stands there (empty: nothing), what shall stand there, each facts and rest. Returns 1 when it does. */
const replace = `
  local former = redis.call('HMGET', KEYS[1], 'facts', 'rest')
  if (former[1] or '') ~= ARGV[1] or (former[2] or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'facts', ARGV[3], 'rest', ARGV[4])
  return 1
`;

/** KEYS facts, told, what keys of turns begin with. ARGV as with `replace`. */
const clear = `
  local former = redis.call('HMGET', KEYS[1], 'facts', 'rest')
  if (former[1] or '') ~= ARGV[1] or (former[2] or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'facts', ARGV[3], 'rest', ARGV[4])
  for _, conversation in ipairs(redis.call('SMEMBERS', KEYS[2])) do redis.call('HDEL', KEYS[3] .. conversation, 'facts') end
  redis.call('DEL', KEYS[2])
  return 1
`;

/** KEYS turns, facts, told, what keys of turns begin with. ARGV oldest, conversation. Returns the facts. */
const keep = `${present}
  local facts = redis.call('HGET', KEYS[2], 'facts') or '[]'
  if not present then return facts end
  redis.call('HSET', KEYS[1], 'facts', facts)
  if redis.call('SADD', KEYS[3], ARGV[2]) == 1 then
    -- Topics come and go: with each that comes a few that went are left out.
    for _, other in ipairs(redis.call('SRANDMEMBER', KEYS[3], 3)) do
      if redis.call('HEXISTS', KEYS[4] .. other, 'facts') == 0 then redis.call('SREM', KEYS[3], other) end
    end
  end
  return facts
`;

/** KEYS the facts of the present owner, of the former, told of the former. ARGV as with `replace`, then both fields of the former. */
const merge = `
  local former = redis.call('HMGET', KEYS[2], 'facts', 'rest')
  if (former[1] or '') ~= ARGV[5] or (former[2] or '') ~= ARGV[6] then return 0 end
  local present = redis.call('HMGET', KEYS[1], 'facts', 'rest')
  if (present[1] or '') ~= ARGV[1] or (present[2] or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'facts', ARGV[3], 'rest', ARGV[4])
  redis.call('DEL', KEYS[2], KEYS[3])
  return 1
`;

/** Creates the part of a view of the store that changes things by `change`. */
export function createFacts({ commands: redis, prefix, oldest, unmoved }: FactsDeps, change: Change): FactStore {
  const factsKey = (owner: number | string) => `${prefix}facts:${owner}`;
  const toldKey = (owner: number | string) => `${prefix}told:${owner}`;
  const read = (owner: number) => unmoved(String(owner), readFields(redis, factsKey(owner)));

  /** Changes what an owner has, once nobody else has changed it meanwhile. */
  async function changed<T>(owner: number, of: (record: FactRecord) => FactChange<T>, script = replace): Promise<T> {
    for (;;) {
      const stored = await read(owner);
      const { record, result } = of(recordOf(stored));
      if (record === undefined) return result;
      const keys = [factsKey(owner), toldKey(owner), `${prefix}turns:`] as const;
      if ((await change(String(owner), script, keys, [...former(stored), ...fieldsOf(record)])) !== 0) return result;
    }
  }

  return {
    async readFacts(owner) {
      return recordOf(await read(owner)).facts;
    },
    addFact: (owner, fact, how) => changed(owner, (record) => factAdded(record, fact, how)),
    undoFact: (owner, number, text) => changed(owner, (record) => factUndone(record, number, text)),
    removeFact: (owner, number) => changed(owner, (record) => factRemoved(record, number)),
    clearFacts: (owner) => changed(owner, (record) => ({ record: factsCleared(record), result: undefined }), clear),
    async keepFacts(conversation) {
      const owner = String(ownerOf(conversation));
      const turns = `${prefix}turns:`;
      const keys = [`${turns}${conversation}`, factsKey(owner), toldKey(owner), turns] as const;
      return snapshotOf((await change(conversation, keep, keys, [oldest(), conversation])) ?? null) ?? { facts: [] };
    },
  };
}

/**
 * Puts a group's facts behind those of its supergroup. To be called once all who change them are told of the move; what a crash
 * before this has left is found when the move is repeated.
 */
export async function moveFacts(redis: RedisLink["commands"], prefix: string, from: string, to: string): Promise<void> {
  const [formerKey, presentKey, toldKey] = [`${prefix}facts:${from}`, `${prefix}facts:${to}`, `${prefix}told:${from}`];
  for (;;) {
    const [there, here] = await Promise.all([readFields(redis, formerKey), readFields(redis, presentKey)]);
    if (there[0] === null) return void (await redis.del(toldKey));
    const args = [...former(here), ...fieldsOf(factsMoved(recordOf(there), recordOf(here))), ...former(there)];
    if ((await runScript(redis, merge, [presentKey, formerKey, toldKey], args)) === 1) return;
  }
}

/** What a conversation is told, as it is stored; undefined when that is nothing. */
export function snapshotOf(stored: unknown): FactSnapshot | undefined {
  return typeof stored === "string" ? { facts: JSON.parse(stored) as readonly Fact[] } : undefined;
}

async function readFields(redis: RedisLink["commands"], key: string): Promise<Stored> {
  const [facts = null, rest = null] = await redis.hmget(key, "facts", "rest");
  return [facts, rest];
}

function recordOf([facts, rest]: Stored): FactRecord {
  return facts === null || rest === null ? noFacts : { ...JSON.parse(rest), facts: JSON.parse(facts) };
}

function fieldsOf({ facts, ...rest }: FactRecord): readonly [string, string] {
  return [JSON.stringify(facts), JSON.stringify(rest)];
}

function former([facts, rest]: Stored): readonly [string, string] {
  return [facts ?? "", rest ?? ""];
}
