/** A worker process of `bench/queue.ts`. Arguments: Redis URL, prefix. It tells its parent what it takes, and what was aborted. */

import { createRedisLink } from "../src/engines/redis/link.ts";
import { createRedisQueue } from "../src/engines/redis/queue.ts";
import type { ActiveUpdate } from "../src/ports/queue.ts";
import { consumeOptions, type FromWorker, handlerMs, sharedNow, type ToWorker } from "./queue-messages.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
const queue = createRedisQueue({ link });
const latencies: number[] = [];
let handled = 0;
let lastAt = 0;
const tell = (message: FromWorker) => void process.send?.(message);

async function handle({ updateId, body, signal, attempt }: ActiveUpdate): Promise<void> {
  const { sentAt, hold } = JSON.parse(body) as { sentAt: number; hold?: boolean };
  if (hold === true) {
    tell({ type: "holding", updateId, attempt });
    await new Promise<void>((resolve) => {
      const end = () => {
        tell({ type: "aborted", updateId, at: sharedNow() });
        resolve();
      };
      signal.addEventListener("abort", end, { once: true });
      if (signal.aborted) end();
    });
    return;
  }
  latencies.push(sharedNow() - sentAt);
  await new Promise((resolve) => setTimeout(resolve, handlerMs));
  handled += 1;
  lastAt = sharedNow();
}

queue.consume(handle, consumeOptions);
process.on("message", async ({ type }: ToWorker) => {
  if (type === "report") tell({ type: "report", handled, lastAt, latencies: latencies.splice(0) });
  else {
    await queue.stop();
    await link.stop();
    process.exit(0);
  }
  handled = 0;
});
tell({ type: "ready" });
