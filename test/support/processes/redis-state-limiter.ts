/**
 * A process that takes tokens of the rate limit in Redis. Arguments: URL, prefix. On a line `take <count> <limits>` it asks
 * for user 1 that often at once, and answers `took {"allowed":…,"told":…}`.
 */
import { createInterface } from "node:readline";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisTokenBucket } from "../../../src/engines/redis/token-bucket.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const [, count, ...limits] = line.split(" ");
  const limiter = createRedisTokenBucket({
    ...JSON.parse(limits.join(" ")),
    link,
    name: "bucket",
    onFailure(error: unknown) {
      throw error;
    },
  });
  const verdicts = await Promise.all(Array.from({ length: Number(count) }, () => limiter.take(1, 1_800_000_000_000)));
  const [allowed, told] = [verdicts.filter((one) => one.allowed).length, verdicts.filter((one) => one.tell).length];
  console.log(`took ${JSON.stringify({ allowed, told })}`);
}
await link.stop();
