/** Who has used the bot, in Redis: a key for each, and one for each username, which leads to it. They expire by themselves. */
import type { Directory, KnownPerson, Person } from "../../ports/directory.ts";
import { createDirectory, dayMs, knownForMs } from "../lanes/directory.ts";
import type { RedisLink } from "./link.ts";
import { runScript } from "./script.ts";

/** Longer than a process may hold back what it has seen. */
const forgottenForMs = 60_000;

/** `person:ID` is a hash of `day`, `record` and the `username` that leads to it. */
const common = `
  local P = ARGV[1]
  local function unname(id, username)
    if username and redis.call('GET', P .. 'username:' .. username) == id then redis.call('DEL', P .. 'username:' .. username) end
  end
`;

/** ARGV prefix, how long people are kept, then five for each: id, time, day, username (empty: none), record. */
const writePeople = `${common}
  for n = 3, #ARGV, 5 do
    local id, at, day, username, record = unpack(ARGV, n, n + 4)
    local former = redis.call('HMGET', P .. 'person:' .. id, 'day', 'record', 'username')
    local known = former[2] == record and former[1] == day
    local forgotten = tonumber(redis.call('GET', P .. 'forgotten:' .. id) or '-1') >= tonumber(at)
    if not known and not forgotten then
      if former[3] ~= username then unname(id, former[3]) end
      redis.call('HSET', P .. 'person:' .. id, 'day', day, 'record', record, 'username', username)
      redis.call('PEXPIRE', P .. 'person:' .. id, ARGV[2])
      if username ~= '' then redis.call('SET', P .. 'username:' .. username, id, 'PX', ARGV[2]) end
    end
  end
`;

/** What another process has seen of somebody and not written yet shall not bring them back. ARGV prefix, id, time, how long. */
const forgetPerson = `${common}
  unname(ARGV[2], redis.call('HGET', P .. 'person:' .. ARGV[2], 'username'))
  redis.call('DEL', P .. 'person:' .. ARGV[2])
  redis.call('SET', P .. 'forgotten:' .. ARGV[2], ARGV[3], 'PX', ARGV[4])
`;

/** Creates the directory; it uses the link's commands connection. `now`: milliseconds since the epoch. */
export function createRedisDirectory({ commands: redis, prefix }: RedisLink, now: () => number = Date.now): Directory {
  async function readOne(id: number | string): Promise<KnownPerson | undefined> {
    const [day, record] = await redis.hmget(`${prefix}person:${id}`, "day", "record");
    if (typeof record !== "string") return undefined;
    return { ...(JSON.parse(record) as Person), seenAt: Number(day) * dayMs };
  }

  return createDirectory(
    {
      async write(people) {
        const args = people.flatMap(({ seenAt, ...person }) => {
          const { id, username = "" } = person;
          return [id, seenAt, Math.floor(seenAt / dayMs), username.toLowerCase(), JSON.stringify(person)];
        });
        await runScript(redis, writePeople, [], [prefix, knownForMs, ...args]);
      },
      async find(username) {
        const id = await redis.get(`${prefix}username:${username.toLowerCase()}`);
        return id === null ? undefined : await readOne(id);
      },
      async read(ids) {
        const found = await Promise.all(ids.map(readOne));
        return found.filter((person) => person !== undefined);
      },
      async forget(id, at) {
        await runScript(redis, forgetPerson, [], [prefix, id, at, forgottenForMs]);
      },
    },
    now,
  );
}
