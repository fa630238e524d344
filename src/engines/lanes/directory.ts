/** Who was seen already, so that a message costs the engine nothing: what every directory has in common. */
import type { Directory, KnownPerson } from "../../ports/directory.ts";

/** How long an entry is kept. */
export const knownForMs = 400 * 24 * 3_600_000;
/** Of UTC. */
export const dayMs = 24 * 3_600_000;
const writeAfterMs = 500;
/** Above it those who were seen first are looked at once more. */
const mostRemembered = 20_000;

/** What an engine stores of people. */
export interface PeopleStorage extends Pick<Directory, "find" | "read"> {
  /** Writes those that are newer than what is there, unless they were forgotten since. */
  write(people: readonly KnownPerson[]): Promise<void>;
  forget(id: number, at: number): Promise<void>;
}

/** Creates the directory over an engine's storage. `now`: milliseconds since the epoch. */
export function createDirectory(people: PeopleStorage, now: () => number): Directory {
  /** What was seen of whom on which day. */
  const remembered = new Map<number, string>();
  const waiting = new Map<number, KnownPerson>();
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<void> | undefined;

  async function writeOnce(): Promise<void> {
    const some = [...waiting.values()];
    waiting.clear();
    try {
      await people.write(some);
    } catch {
      // They are seen anew with their next message; an engine that fails is reported by those who need it.
      for (const { id } of some) remembered.delete(id);
    }
  }

  /** All that was seen until now is stored when it resolves, or has failed. */
  async function write(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    await writing;
    if (waiting.size === 0) return;
    writing = writeOnce();
    await writing;
  }

  return {
    seen(person) {
      const at = now();
      const seen = `${Math.floor(at / dayMs)} ${person.username ?? ""} ${person.name}`;
      if (remembered.get(person.id) === seen) return;
      if (remembered.size >= mostRemembered) remembered.clear();
      remembered.set(person.id, seen);
      waiting.set(person.id, { ...person, seenAt: at });
      timer ??= setTimeout(() => void write(), writeAfterMs);
    },
    async find(username) {
      await write();
      return await people.find(username);
    },
    async read(ids) {
      if (ids.length === 0) return [];
      await write();
      return await people.read(ids);
    },
    async forget(id) {
      await write();
      remembered.delete(id);
      waiting.delete(id);
      await people.forget(id, now());
    },
    stop: write,
  };
}
