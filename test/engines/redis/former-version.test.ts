/** Workers of this version beside those of the version before, on one Redis. */
import { afterEach, describe, expect, it } from "vitest";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import { findRedis } from "../../support/redis-server.ts";
import { openLink } from "../../support/redis-state.ts";

const redis = await findRedis();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(): Promise<RedisLink> {
  const { link, close } = await openLink(redis.url);
  closing.push(close);
  return link;
}

/** Beats as a worker of the version before does; returns what kills it. */
function formerWorker({ commands, prefix }: RedisLink): () => void {
  const beat = () => void commands.set(`${prefix}beat`, Date.now(), "EX", 86_400);
  beat();
  const beats = setInterval(beat, 50);
  const kill = () => clearInterval(beats);
  closing.push(async () => kill());
  return kill;
}

/** A worker of this version, with nothing to do. */
function startWorker(link: RedisLink): void {
  const queue = createRedisQueue({ link, leaseMs: 1_000 });
  closing.push(() => queue.stop());
  const limits = { turnSlots: 1, quickSlots: 1, maxFailures: 1, maxCrashes: 1 };
  queue.consume(async () => undefined, { ...limits, backoffMs: () => 0, onDead: async () => undefined });
}

describe.skipIf(redis.missing !== undefined)(redis.title("workers of the version before"), () => {
  const patiently = { timeout: 30_000 };

  it("are known to live while they beat, and to be gone some time after their last heartbeat", async () => {
    const link = await open();
    const kill = formerWorker(link);
    startWorker(link);
    const ours = () => link.commands.get(`${link.prefix}beat:2`).then(Number);
    const theirs = () => link.commands.exists(`${link.prefix}beat`);
    for (let beats = 0, last = 0; beats < 10; beats++) {
      await expect.poll(ours, patiently).toBeGreaterThan(last);
      last = await ours();
      expect(await theirs()).toBe(1);
    }
    kill();
    await expect.poll(theirs, patiently).toBe(0);
  }, 60_000);

  it("are not taken for living ones when only their last heartbeat is left", async () => {
    const link = await open();
    await link.commands.set(`${link.prefix}beat`, Date.now() - 3_600_000);
    startWorker(link);
    await expect.poll(() => link.commands.exists(`${link.prefix}beat`), patiently).toBe(0);
  });
});
