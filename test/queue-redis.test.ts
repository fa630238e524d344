import { afterAll, describe } from "vitest";
import { createBullmqQueue } from "../src/queue/bullmq.ts";
import { createRedisLink } from "../src/store/redis-link.ts";
import { type OpenQueue, type QueueLimits, queueContract } from "./contracts/queue.contract.ts";
import { pause } from "./contracts/queue-probe.ts";
import { deleteKeys, findRedis, newPrefix } from "./redis-server.ts";

const redis = await findRedis();
const prefixes: string[] = [];
afterAll(async () => {
  for (const prefix of prefixes) await deleteKeys(redis.url, prefix);
});
const silent = { info: () => undefined, warn: () => undefined };
/** Short, so that what a killed process held is soon another's. */
const leaseMs = 500;

async function openAt(prefix: string, limits: QueueLimits = {}): Promise<OpenQueue> {
  const link = await createRedisLink({ url: redis.url, prefix, log: silent });
  const connections: { disconnect(): void }[] = [];
  const queue = createBullmqQueue({
    link: {
      ...link,
      commands: link.commands,
      connect(name) {
        const connection = link.connect(name);
        connections.push(connection);
        return connection;
      },
    },
    leaseMs,
    ...limits,
  });
  let killed = false;
  return {
    queue,
    async restart() {
      await queue.stop();
      await link.stop();
      return await openAt(prefix, limits);
    },
    async crash() {
      killed = true;
      // A killed process is not heard of any more.
      for (const connection of connections) connection.disconnect();
      link.commands.disconnect();
      await link.stop();
      return await openAt(prefix, limits);
    },
    async close() {
      const stopping = queue.stop();
      await Promise.race([stopping, pause(killed ? 200 : 5_000)]);
      await link.stop();
    },
  };
}

describe.skipIf(redis.missing !== undefined)(redis.title("the queue in Redis"), () => {
  queueContract("redis", async (limits) => {
    const prefix = newPrefix();
    prefixes.push(prefix);
    return await openAt(prefix, limits);
  });
});
