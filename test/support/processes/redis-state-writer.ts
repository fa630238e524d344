/**
 * A process that writes a turn under a lease, again and again. Arguments: URL, prefix, the lease's key, fence, run. It says
 * `wrote <count>` after each write, and `lost` when a write was refused because another one has the lane.
 */
import { setTimeout as pause } from "node:timers/promises";
import { LeaseLostError } from "../../../src/base/errors.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { textParts } from "../../../src/ports/content.ts";
import { inEnglish } from "../note-words.ts";

const [url = "", prefix = "", key = "", fenceText = "", runText = ""] = process.argv.slice(2);
const [fence, run] = [Number(fenceText), Number(runText)];
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
// What this process believes of its lease is left out: the write itself must be refused.
const store = createRedisStore({ link, historyTtlSeconds: 600, noteWords: inEnglish }).guardedBy({
  ...{ key, fence, hold: async () => undefined },
  async look() {
    throw new LeaseLostError();
  },
});

try {
  await store.beginTurn({
    conversation: "a",
    question: 1,
    root: 1,
    run,
    state: "writing",
    asked: textParts("?"),
    messages: [],
  });
  for (let count = 1; ; count++) {
    await store.setTurnMessages("a", 1, run, [fence, count]);
    console.log(`wrote ${count}`);
    await pause(20);
  }
} catch (error) {
  console.log(error instanceof LeaseLostError ? "lost" : `failed ${error}`);
}
await link.stop();
