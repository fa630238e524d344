import { describe, expect, it } from "vitest";
import { createTokenBucket } from "../../../src/engines/lanes/token-bucket.ts";
import { createRedisTokenBucket } from "../../../src/engines/redis/token-bucket.ts";
import { rateLimiterContract } from "../../contracts/rate-limiter.contract.ts";
import { canStartRedis, findRedis, startPrivateRedis } from "../../support/redis-server.ts";
import { openLink, startProcess } from "../../support/redis-state.ts";

const redis = await findRedis();
const limits = { messages: 1, windowSeconds: 60, burst: 20 };
const fail = (error: unknown) => {
  throw error;
};

rateLimiterContract("in memory", async (options) => ({
  limiter: createTokenBucket(options),
  async close() {},
}));

describe.skipIf(redis.missing !== undefined)(redis.title("the rate limit in Redis"), () => {
  rateLimiterContract("Redis", async (options) => {
    const { link, close } = await openLink(redis.url);
    return { limiter: createRedisTokenBucket({ ...options, link, name: "bucket", onFailure: fail }), close };
  });

  it("keeps nothing of a user whose bucket is full again", async () => {
    const { link, close } = await openLink(redis.url);
    const limiter = createRedisTokenBucket({
      messages: 2,
      windowSeconds: 60,
      burst: 5,
      link,
      name: "bucket",
      onFailure: fail,
    });
    await limiter.take(1, Date.now());
    const left = await link.commands.pttl(`${link.prefix}bucket:1`);
    expect(left).toBeGreaterThan(149_000);
    expect(left).toBeLessThan(152_000);
    await close();
  });

  it("is one for all processes, whichever of them is asked", async () => {
    const { link, prefix, close } = await openLink(redis.url);
    const processes = [1, 2].map(() => startProcess("redis-state-limiter.ts", [redis.url, prefix]));
    for (const one of processes) await one.line("ready");
    // Both take 50 at once, of one bucket of 20.
    for (const one of processes) one.send(`take 50 ${JSON.stringify(limits)}`);
    const lines = await Promise.all(processes.map((one) => one.line("took")));
    const counts = lines.map((line) => JSON.parse(line.slice(5)) as { allowed: number; told: number });
    expect(counts.reduce((sum, { allowed }) => sum + allowed, 0)).toBe(20);
    expect(counts.reduce((sum, { told }) => sum + told, 0)).toBe(1);
    // And this process, too, sees the bucket that they have emptied.
    const limiter = createRedisTokenBucket({ ...limits, link, name: "bucket", onFailure: fail });
    expect((await limiter.take(1, 1_800_000_000_000)).allowed).toBe(false);
    for (const one of processes) await one.end();
    await close();
  });
});

const [noServer, title] = [!canStartRedis(), "the rate limit without its Redis"];

describe.skipIf(noServer)(noServer ? `${title} (no redis-server here)` : title, () => {
  it("lets everyone through and says so while Redis is away or frozen, and limits again when it is back", async () => {
    const server = await startPrivateRedis();
    const { link } = await openLink(server.url);
    const failures: unknown[] = [];
    const limiter = createRedisTokenBucket({
      ...limits,
      burst: 1,
      link,
      name: "bucket",
      onFailure: (error) => failures.push(error),
    });
    const take = async () => (await limiter.take(1, 1_800_000_000_000)).allowed;
    expect([await take(), await take(), failures.length]).toEqual([true, false, 0]);
    server.freeze();
    expect([await take(), failures.length]).toEqual([true, 1]);
    await server.kill();
    expect([await take(), await take(), failures.length]).toEqual([true, true, 3]);
    await server.start();
    // Without persistence the bucket is full once more; then the limit is there again.
    await expect.poll(take, { timeout: 60_000 }).toBe(false);
    await link.stop();
    await server.stop();
  });
});
