import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createPresence, steadyNow } from "../../../src/engines/redis/presence.ts";

const leaseMs = 400;

/** What the thread writes when a heartbeat of this name has arrived. */
function heardOnThread(memory: SharedArrayBuffer, name: number): void {
  const shared = new Float64Array(memory);
  shared[1] = name;
  shared[2] = steadyNow();
}

describe("the presence of a process", () => {
  it("covers nothing before its first heartbeat, and nothing some time after its last", async () => {
    const presence = createPresence(leaseMs);
    const { name } = presence;
    expect(presence.covers(name)).toBe(false);
    presence.renewed(name, steadyNow());
    expect(presence.covers(name)).toBe(true);
    await pause(leaseMs);
    expect(presence.covers(name)).toBe(false);
  });

  it("counts from the sending of a heartbeat, however late its answer is read", () => {
    const presence = createPresence(leaseMs);
    presence.renewed(presence.name, steadyNow() - leaseMs);
    expect(presence.covers(presence.name)).toBe(false);
  });

  it("is kept by the heartbeats of the thread alone", async () => {
    const presence = createPresence(leaseMs);
    presence.renewed(presence.name, steadyNow());
    await pause(leaseMs);
    heardOnThread(presence.memory, presence.name);
    expect(presence.covers(presence.name)).toBe(true);
  });

  it("covers under a new name nothing that stands under the former one", async () => {
    const presence = createPresence(leaseMs);
    const former = presence.name;
    presence.renewed(former, steadyNow() - leaseMs);
    presence.rename();
    expect(presence.name).not.toBe(former);
    // The answer to a heartbeat of before, read late.
    heardOnThread(presence.memory, former);
    expect(presence.covers(presence.name)).toBe(false);
    presence.renewed(presence.name, steadyNow());
    await pause(leaseMs);
    heardOnThread(presence.memory, presence.name);
    expect(presence.covers(former)).toBe(false);
  });
});
