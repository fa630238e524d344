import { beforeEach, describe, expect, it, vi } from "vitest";
import { createDirectory } from "../../../src/engines/lanes/directory.ts";
import type { KnownPerson } from "../../../src/ports/directory.ts";

const day = 24 * 3_600_000;
const ada = { id: 7, name: "Ada" };
let written: KnownPerson[][] = [];
let failing = false;
let now = 0;

function newDirectory() {
  return createDirectory(
    {
      async write(people) {
        if (failing) throw new Error("the disk is full");
        written.push([...people]);
      },
      find: async () => undefined,
      read: async () => [],
      forget: async () => undefined,
    },
    () => now,
  );
}

beforeEach(() => {
  written = [];
  failing = false;
  now = 20_000 * day;
});

describe("a directory", () => {
  it("writes those of a second together, and nothing more of a day's further messages", async () => {
    vi.useFakeTimers();
    const directory = newDirectory();
    for (let n = 0; n < 1_000; n++) directory.seen({ id: n % 3, name: "Somebody" });
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    for (let n = 0; n < 1_000; n++) directory.seen({ id: n % 3, name: "Somebody" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(written.map((people) => people.map(({ id }) => id))).toEqual([[0, 1, 2]]);
    vi.useRealTimers();
  });

  it("writes once more on another day, and when a name has changed", async () => {
    const directory = newDirectory();
    for (const person of [ada, ada, { ...ada, name: "Ada King" }]) {
      directory.seen(person);
      await directory.stop();
    }
    now += day;
    directory.seen({ ...ada, name: "Ada King" });
    await directory.stop();
    expect(written.flat().map(({ name }) => name)).toEqual(["Ada", "Ada King", "Ada King"]);
  });

  it("sees those anew that could not be written", async () => {
    const directory = newDirectory();
    failing = true;
    directory.seen(ada);
    await directory.stop();
    failing = false;
    directory.seen(ada);
    await directory.stop();
    expect(written).toHaveLength(1);
  });
});
