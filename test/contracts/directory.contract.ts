/** The contract of `Directory`, for any engine. */
import { afterEach, describe, expect, it } from "vitest";
import type { Directory } from "../../src/ports/directory.ts";

/** Directories of the same people, as so many processes see them. */
export interface OpenDirectories {
  readonly directories: readonly Directory[];
  close(): Promise<void>;
}

const day = 24 * 3_600_000;
const ada = { id: 7, name: "Ada Lovelace", username: "Ada_L" };

/** Everything that a directory must do. `open` gives empty ones each time, one for a process or two. */
export function directoryContract(name: string, open: (now: () => number) => Promise<OpenDirectories>): void {
  describe(`directory: ${name}`, () => {
    const opened: OpenDirectories[] = [];
    const clock = { now: 0 };

    async function newDirectories(): Promise<readonly [Directory, Directory]> {
      clock.now = 20_000 * day + 3_600_000;
      const one = await open(() => clock.now);
      opened.push(one);
      const [first, second = first] = one.directories;
      if (first === undefined) throw new Error("no directory");
      return [first, second as Directory];
    }

    afterEach(async () => {
      for (const { directories, close } of opened.splice(0)) {
        for (const directory of directories) await directory.stop();
        await close();
      }
    });

    it("finds who was seen by their name in any case, and by their id, as soon as they are asked for", async () => {
      const [directory] = await newDirectories();
      expect(await directory.find("ada_l")).toBeUndefined();
      directory.seen(ada);
      directory.seen({ id: -100, name: "A channel" });
      expect(await directory.find("ADA_l")).toMatchObject(ada);
      expect(await directory.find("ada")).toBeUndefined();
      const known = await directory.read([-100, 8, 7]);
      expect(known).toMatchObject([{ id: -100, name: "A channel" }, ada]);
      expect(known[0]).not.toHaveProperty("username");
      expect(await directory.read([])).toEqual([]);
    });

    it("keeps the newest names, and a username for who has it now", async () => {
      const [directory, other] = await newDirectories();
      directory.seen(ada);
      await directory.stop();
      clock.now += 1000;
      other.seen({ id: 7, name: "Ada King", username: "countess" });
      expect(await other.find("countess")).toMatchObject({ id: 7, name: "Ada King" });
      expect(await other.find("ada_l")).toBeUndefined();
      clock.now += 1000;
      directory.seen({ id: 8, name: "Bob", username: "ada_l" });
      expect(await directory.find("Ada_L")).toMatchObject({ id: 8 });
      expect(await directory.read([7])).toMatchObject([{ name: "Ada King", username: "countess" }]);
    });

    it("tells the day on which somebody was seen last", async () => {
      const [directory] = await newDirectories();
      directory.seen(ada);
      const seen = async () => Math.floor(((await directory.read([7]))[0]?.seenAt ?? 0) / day);
      expect(await seen()).toBe(20_000);
      clock.now += 3 * day;
      directory.seen(ada);
      expect(await seen()).toBe(20_003);
    });

    it("forgets somebody, whom what others have seen before does not bring back, but the next message does", async () => {
      const [directory, other] = await newDirectories();
      directory.seen(ada);
      other.seen(ada);
      clock.now += 10;
      await directory.forget(7);
      await other.stop();
      expect(await directory.find("ada_l")).toBeUndefined();
      expect(await directory.read([7])).toEqual([]);
      clock.now += 10;
      directory.seen(ada);
      expect(await directory.find("ada_l")).toMatchObject(ada);
    });
  });
}
