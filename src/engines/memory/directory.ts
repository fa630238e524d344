/** Who has used the bot, in memory, for tests: the same contract, gone with the process. */
import type { Directory, KnownPerson } from "../../ports/directory.ts";
import { createDirectory } from "../lanes/directory.ts";

/** Creates a directory that knows nobody. */
export function createMemoryDirectory(now: () => number = Date.now): Directory {
  const people = new Map<number, KnownPerson>();
  return createDirectory(
    {
      async write(some) {
        for (const person of some) people.set(person.id, person);
      },
      async find(username) {
        const [newest] = [...people.values()]
          .filter((person) => person.username?.toLowerCase() === username.toLowerCase())
          .sort((one, other) => other.seenAt - one.seenAt);
        return newest;
      },
      async read(ids) {
        return ids.flatMap((id) => people.get(id) ?? []);
      },
      async forget(id) {
        people.delete(id);
      },
    },
    now,
  );
}
