/** Processes, and Redis itself, are killed, frozen and replaced under load; afterwards three numbers have to be zero. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { createRedisLink } from "../../src/engines/redis/link.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import { answerInNumbers, type Conversations, createConversations } from "../support/conversations.ts";
import { createFleet, type Fleet, type FleetProcess } from "../support/fleet.ts";
import { createRandom } from "../support/killing.ts";
import { inEnglish } from "../support/note-words.ts";
import { canStartRedis, type PrivateRedis, startPrivateRedis } from "../support/redis-server.ts";

/** Slow machines are slow: what is behind is answered after the feeding, as long as anything is answered at all. */
const patienceMs = 90_000;
const timeout = 900_000;
const seed = Number(process.env["CHAOS_SEED"] ?? 4_711);
const missing = canStartRedis() ? undefined : "no redis-server here";
const title = missing === undefined ? "a fleet under load" : `a fleet under load (${missing})`;

interface LoadedFleet {
  readonly fleet: Fleet;
  readonly redis: PrivateRedis;
  readonly conversations: Conversations;
}

async function createLoadedFleet(
  chats: number,
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
): Promise<LoadedFleet> {
  const redis = await startPrivateRedis({ appendOnly: true, args: ["--maxmemory-policy", "noeviction"] });
  onTestFinished(redis.stop);
  const fleet = await createFleet({
    redisUrl: redis.url,
    model: { respond: (request) => answerInNumbers(request) },
    botApi: { keepViews: false, webhookRetryMs: 200 },
  });
  // What was begun last ends first: the processes before their Redis.
  onTestFinished(fleet.stop);
  return { fleet, redis, conversations: createConversations(fleet.botApi, chats) };
}

async function launchSplit(created: Fleet, workers: number): Promise<{ web: FleetProcess; workers: FleetProcess[] }> {
  const env = { WEBHOOK_URL: created.webhookUrl };
  const web = await created.launch("web", { env });
  const launched = await Promise.all(Array.from({ length: workers }, () => created.launch("worker", { env })));
  await Promise.all([web, ...launched].map((one) => one.ready()));
  return { web, workers: launched };
}

/** Feeds while `disturb` does its worst, then waits until nothing is behind. */
async function underLoad(
  { fleet: created, conversations }: LoadedFleet,
  questionsPerSecond: number,
  disturb: () => Promise<void>,
  kills = 0,
): Promise<void> {
  const feeding = new AbortController();
  const fed = conversations.feed(questionsPerSecond, feeding.signal);
  try {
    await disturb();
  } finally {
    feeding.abort();
    await fed;
  }
  await conversations.settle(patienceMs);
  // A copy would come late.
  await sleep(1_000);
  const link = await createRedisLink({ url: created.redisUrl, prefix: created.prefix, log: { info() {}, warn() {} } });
  const store = createRedisStore({ link, historyTtlSeconds: 3_600, noteWords: inEnglish });
  const account = await conversations.account(
    async (chatId, question) => (await store.readTurn(String(chatId), question))?.messages ?? [],
  );
  await link.stop();
  console.log(
    `${account.asked} questions: ${account.lost} lost, ${account.twice} twice, ${account.outOfOrder} out of order ` +
      `(${account.copies} copies of the requests that were under way at a kill)`,
  );
  expect(account).toMatchObject({ asked: conversations.asked, lost: 0, twice: 0, outOfOrder: 0 });
  expect(account.copies).toBeLessThanOrEqual(kills * 20);
  expect(created.botApi.violations).toEqual([]);
}

describe.skipIf(missing !== undefined)(title, () => {
  test("7 kills -9 in 30 s lose nothing, repeat nothing, reorder nothing", { timeout }, async (context) => {
    const loaded = await createLoadedFleet(600, context);
    const split = await launchSplit(loaded.fleet, 2);
    const env = { WEBHOOK_URL: loaded.fleet.webhookUrl };
    const random = createRandom(seed);
    await underLoad(
      loaded,
      300,
      async () => {
        for (let kill = 0; kill < 7; kill++) {
          await sleep(3_000 + random() * 1_000);
          if (kill % 3 === 2) {
            await split.web.end("SIGKILL");
            split.web = await loaded.fleet.launch("web", { env });
          } else {
            const index = Math.floor(random() * split.workers.length);
            await split.workers[index]?.end("SIGKILL");
            split.workers[index] = await loaded.fleet.launch("worker", { env });
          }
        }
        await sleep(3_000);
      },
      7,
    );
  });

  test.for([5, 30])("Redis away for %i s loses nothing", { timeout, concurrent: true }, async (seconds, context) => {
    const loaded = await createLoadedFleet(200, context);
    await launchSplit(loaded.fleet, 2);
    await underLoad(loaded, 30, async () => {
      await sleep(3_000);
      await loaded.redis.kill();
      await sleep(seconds * 1_000);
      await loaded.redis.start();
      await sleep(5_000);
    });
  });

  test("a worker frozen for longer than its lease writes into nothing that another has taken over", {
    timeout,
    concurrent: true,
  }, async (context) => {
    const loaded = await createLoadedFleet(200, context);
    const { workers } = await launchSplit(loaded.fleet, 2);
    await underLoad(loaded, 40, async () => {
      await sleep(2_000);
      workers[0]?.child.kill("SIGSTOP");
      await sleep(12_000);
      workers[0]?.child.kill("SIGCONT");
      await sleep(4_000);
    });
  });

  test("a rolling restart under load is not noticed by anyone", { timeout }, async (context) => {
    const loaded = await createLoadedFleet(200, context);
    const split = await launchSplit(loaded.fleet, 2);
    const env = { WEBHOOK_URL: loaded.fleet.webhookUrl };
    const old = [...loaded.fleet.processes];
    await underLoad(loaded, 40, async () => {
      for (const worker of split.workers) {
        await sleep(1_500);
        const next = await loaded.fleet.launch("worker", { env });
        await next.ready();
        expect(await worker.end("SIGTERM")).toBe(0);
      }
      // Two web processes cannot share a port here as they do behind a load balancer: Telegram repeats meanwhile.
      expect(await split.web.end("SIGTERM")).toBe(0);
      await (await loaded.fleet.launch("web", { env })).ready();
      await sleep(3_000);
    });
    expect(old.map(({ child }) => child.exitCode)).toEqual([0, 0, 0]);
  });
});
