/** What a process makes of what Redis answers to its heartbeats, where the order of few answers decides. */
import { afterEach, expect, it } from "vitest";
import { createLeases, type Held, type Leases } from "../../../src/engines/redis/leases.ts";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { beatScript } from "../../../src/engines/redis/upkeep-scripts.ts";

let leases: Leases | undefined;
afterEach(() => leases?.stop());

/** Answers of Redis, in order, to the heartbeats and to the questions what has become of lanes; an error: it was not reached. */
async function leasesOver(
  beats: readonly unknown[],
  looks: readonly unknown[],
): Promise<{ beat: () => Promise<void> }> {
  const [beating, looking] = [beats.values(), looks.values()];
  const commands = {
    async eval(script: string) {
      const { value } = (script === beatScript ? beating : looking).next();
      if (value instanceof Error) throw value;
      return value;
    },
    on() {},
    off() {},
  };
  let name = 1;
  const presence = {
    get name() {
      return name;
    },
    rename: () => void name++,
    renewed() {},
    // A loop that was late has seen no heartbeat within the lease.
    covers: () => false,
    memory: new SharedArrayBuffer(8),
  };
  const link = { commands, prefix: "", subscribe() {} } as unknown as RedisLink;
  const created = createLeases({ link, presence, leaseMs: 1e9, graceMs: 1e9 });
  leases = created;
  // The first one is sent at the start.
  await new Promise(setImmediate);
  return created;
}

function held(updateId: number): Held {
  return {
    ...{ lane: "turn:a", fence: 1, updateId, name: 1, lost: false, vanished: false, shown: true, ending: false },
    ...{ abort: new AbortController(), gone: Promise.withResolvers<"lost">() },
  };
}

it("what Redis has lost is known to be lost, also when the heartbeat that says so breaks off behind the first answer", async () => {
  const beats = [[1, "era 1", []], [0, "era 2", []], new Error("not reached"), [1, "era 2", []]];
  const { beat } = await leasesOver(beats, [["gone", ""]]);
  const one = held(7);
  leases?.add(one, undefined);
  await beat();
  expect([one.lost, one.vanished]).toEqual([false, false]);
  await beat();
  expect([one.lost, one.vanished, one.abort.signal.reason]).toEqual([false, true, "vanished"]);
});

it("and what has ended elsewhere while everything else is there, is lost to this process", async () => {
  const { beat } = await leasesOver(
    [[1, "era 1", []], [0, "era 1", []], new Error("not reached"), [1, "era 1", []]],
    [["gone", ""]],
  );
  const one = held(7);
  leases?.add(one, undefined);
  await beat();
  await beat();
  expect([one.lost, one.vanished]).toEqual([true, false]);
});
