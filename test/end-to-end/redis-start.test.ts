import { createHmac } from "node:crypto";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { createRedisLink } from "../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../src/engines/redis/queue.ts";
import { answersIn, get, runToEnd, seen, token, until, words } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { freePort } from "../support/free-port.ts";
import { startRedisImpostor } from "../support/redis-impostor.ts";
import { canStartRedis, type PrivateRedis, startPrivateRedis } from "../support/redis-server.ts";

const missing = canStartRedis() ? undefined : "no redis-server here";
const titled = (name: string) => (missing === undefined ? name : `${name} (${missing})`);
let redis: PrivateRedis | undefined;
let fleet: Fleet | undefined;
afterEach(async () => {
  await fleet?.stop();
  await redis?.stop();
  fleet = undefined;
  redis = undefined;
});

const good = {
  BOT_TOKEN: token,
  TELEGRAM_API_ROOT: "http://127.0.0.1:9",
  PORT: "0",
  MODELS: "test/one",
  TEST_BASE_URL: "http://127.0.0.1:9",
};

/** One line without a password: exit code 78, or 1 where the same start may succeed later. */
async function refuses(env: Record<string, string>, line: RegExp, mode = "start", exitCode = 78): Promise<void> {
  const { code, output } = await runToEnd({ ...good, ...env }, mode);
  const lines = output
    .trim()
    .split("\n")
    .filter((one) => !one.startsWith('{"level":"warn"'));
  expect(lines).toEqual([expect.stringMatching(line)]);
  expect(code).toBe(exitCode);
  expect(output).not.toContain("secret-word");
}

describe("a start that cannot be", () => {
  test("says what the split modes need", async () => {
    await refuses({}, /^REDIS_URL is missing; the worker mode needs REDIS_URL/, "worker");
    await refuses({ REDIS_URL: "redis://127.0.0.1:1" }, /^WEBHOOK_URL is missing; the web mode needs/, "web");
  });

  test("says that nothing answers at REDIS_URL, which a supervisor may try again", async () => {
    await refuses({ REDIS_URL: `redis://:secret-word@127.0.0.1:${await freePort()}` }, /^REDIS_URL/, "start", 1);
    const mute = createServer(() => undefined);
    await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
    try {
      const address = mute.address();
      const port = typeof address === "object" ? address?.port : 0;
      await refuses({ REDIS_URL: `redis://:secret-word@127.0.0.1:${port}` }, /^REDIS_URL/, "worker", 1);
    } finally {
      mute.close();
    }
  });

  test("of an operator's command names the commands, without looking for the queue", async () => {
    const { code, output } = await runToEnd(
      { ...good, REDIS_URL: `redis://127.0.0.1:${await freePort()}` },
      "queue bury 2",
    );
    expect(code).toBe(78);
    expect(output.trim().split("\n")).toEqual(Array(4).fill(expect.stringMatching(/^npm run queue -- /)));
  });

  test.each([
    { redis_version: "7.2.4", loading: "1" },
    { redis_version: "7.2.4", role: "slave" },
  ])("may be tried again on a Redis that is not there yet: %j", async (facts) => {
    const early = await startRedisImpostor(facts);
    try {
      await refuses(
        { REDIS_URL: early.url },
        /^REDIS_URL: the Redis at \S+ is (still loading|a read-only replica)/,
        "start",
        1,
      );
    } finally {
      early.stop();
    }
  });

  test("says that the Redis is too old", async () => {
    const old = await startRedisImpostor({ redis_version: "6.0.16" });
    try {
      await refuses({ REDIS_URL: old.url }, /^REDIS_URL: the Redis at \S+ is version 6.0.16; it must be 6.2 or newer$/);
    } finally {
      old.stop();
    }
  });
});

describe.skipIf(missing !== undefined)(titled("a start on a Redis"), () => {
  test("of a wrong password, or of none", async () => {
    redis = await startPrivateRedis({ args: ["--requirepass", "right"] });
    await refuses({ REDIS_URL: redis.url.replace("//", "//:secret-word@") }, /^REDIS_URL.*password/);
    await refuses({ REDIS_URL: redis.url }, /^REDIS_URL.*password/);
  });

  test("that another bot uses under the same prefix", async () => {
    redis = await startPrivateRedis();
    fleet = await createFleet({ redisUrl: redis.url });
    await (await fleet.launch("start")).ready();
    const env = { REDIS_URL: redis.url, REDIS_PREFIX: fleet.prefix, BOT_TOKEN: "777777:another-bot-of-the-same-redis" };
    await refuses(env, /^REDIS_(URL|PREFIX).*another bot/);
  });
});

describe.skipIf(missing !== undefined)(titled("a fleet"), () => {
  test("says that it is not ready while Redis is away, lives on, and is ready again", {
    timeout: 600_000,
  }, async () => {
    redis = await startPrivateRedis({ appendOnly: true });
    fleet = await createFleet({ redisUrl: redis.url });
    const env = { WEBHOOK_URL: fleet.webhookUrl };
    const web = await fleet.launch("web", { env });
    const worker = await fleet.launch("worker", { env });
    const both = [web.port, worker.port];
    await Promise.all([web.ready(), worker.ready()]);
    const all = async (path: string, status: number) =>
      (await Promise.all(both.map((port) => get(port, path)))).every((one) => one === status);
    await redis.kill();
    await until(() => all("/readyz", 503), 10_000);
    expect(await all("/healthz", 200)).toBe(true);
    expect(await all("/metrics", 200)).toBe(true);
    const refused = await fetch(`${fleet.webhookUrl}/telegram`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": await secretOf(fleet) },
      body: JSON.stringify({
        update_id: 9_000_001,
        message: {
          message_id: 1,
          date: 1,
          chat: { id: 5, type: "private", first_name: "A" },
          from: { id: 5, is_bot: false, first_name: "A" },
          text: "Hi",
        },
      }),
    });
    expect(refused.status).toBe(503);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    await redis.start();
    await until(() => all("/readyz", 200), 20_000);
  });

  test("goes on with the answers that it was writing when Redis comes back", { timeout: 600_000 }, async () => {
    redis = await startPrivateRedis({ appendOnly: true });
    fleet = await createFleet({
      redisUrl: redis.url,
      model: { respond: () => ({ text: words(200), tokensPerSecond: 50 }) },
    });
    const { botApi, model } = fleet;
    const worker = await fleet.launch("start");
    await worker.ready();
    const chatId = botApi.user.createPrivateChat({ userId: 61, firstName: "Eve" });
    const asked = botApi.user.sendText(chatId, 61, "Tell me a lot.").message_id;
    await seen(botApi, chatId, "Stop", asked);
    await redis.kill();
    // Longer than the lease, and than the model needs.
    await sleep(8_000);
    await redis.start();
    const answer = await seen(botApi, chatId, "Regenerate", asked, 60_000);
    expect(answer.text).toBe(words(200));
    expect(model.requests).toHaveLength(1);
    expect(answersIn(botApi, chatId)).toHaveLength(1);
    expect(botApi.violations).toEqual([]);
  });

  test("shows its operator what is in the queue, and what is dead", { timeout: 600_000 }, async () => {
    redis = await startPrivateRedis({ appendOnly: true });
    const env = { REDIS_URL: redis.url };
    const link = await createRedisLink({ url: redis.url, log: { info() {}, warn() {} } });
    const queue = createRedisQueue({ link });
    const run = async (command: string) => await runToEnd(env, `queue ${command}`);
    const nothing = await run("stats");
    expect(nothing.code).toBe(78);
    expect(nothing.output.trim()).toMatch(
      /^REDIS_PREFIX: there is nothing of a bot under parley in the Redis at [^\n]*$/,
    );
    for (const updateId of [1, 2])
      await queue.enqueue({ updateId, conversation: "5", lane: "turn", receivedAt: Date.now(), body: '"private"' });
    expect(await run("stats")).toMatchObject({ code: 0, output: expect.stringMatching(/^waiting 2 .*dead 0/) });
    expect(await run("drain 5")).toMatchObject({ code: 0, output: expect.stringMatching(/^2 updates are dead/) });
    const dead = await run("dead");
    expect(dead.output).toMatch(/^1 {2}lane 5 .*drained by an operator\n2 {2}lane 5 /);
    expect(dead.output).not.toContain("private");
    expect((await run("requeue 2")).code).toBe(0);
    expect(await queue.stats()).toMatchObject({ waiting: 1, dead: 1 });
    await queue.stop();
    await link.stop();
  });
});

async function secretOf({ botApi }: Fleet): Promise<string> {
  const call = await until(() => botApi.calls.find(({ method }) => method === "setWebhook"));
  expect(call.params["secret_token"]).not.toContain("secret");
  return createHmac("sha256", token).update("parley webhook secret").digest("hex");
}
