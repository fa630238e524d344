/**
 * A process that stands for a role. Arguments: URL, prefix. It says `lead` when it has been elected, `act <nanoseconds>` all
 * the while it believes that it leads (by a clock that all processes of a machine share), `down` when its signal is aborted,
 * and `stopped` after a line `stop`.
 */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createElection } from "../../../src/engines/redis/election.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";

const [url = "", prefix = ""] = process.argv.slice(2);
const log = { info() {}, warn() {}, error() {} };
const link = await createRedisLink({ url, prefix, log });
const campaign = createElection({ link, role: "poller", log }).campaign(async (signal) => {
  console.log("lead");
  while (!signal.aborted) {
    const now = process.hrtime.bigint();
    // Frozen between these two lines, it must not act either.
    if (campaign.leading) console.log(`act ${now}`);
    await pause(10, undefined, { signal }).catch(() => {});
  }
  console.log("down");
});
console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  if (line !== "stop") continue;
  await campaign.stop();
  console.log("stopped");
  break;
}
await link.stop();
