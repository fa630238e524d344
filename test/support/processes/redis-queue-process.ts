/**
 * A worker process over the shared queue. Arguments: Redis URL, prefix, its name, log file, lease in milliseconds.
 * Every event is a line of the log, which all workers of a test share, so that its order is the order of events:
 * `<name> start <id> <attempt> <time>`, `end`, `abort <id> <reason> <time>`, `lost <id>`, `dead <id>`.
 * Commands on stdin, answered on stdout: `release <id>` · `lease <id>`: `lease <id> held|waits|lost` · `drain <ms>`.
 */
import { openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import type { ActiveUpdate } from "../../../src/ports/queue.ts";

const [url = "", prefix = "", name = "", logPath = "", leaseText = ""] = process.argv.slice(2);
const log = openSync(logPath, "a");
const note = (line: string) => void writeSync(log, `${name} ${line}\n`);
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
const queue = createRedisQueue({ link, leaseMs: Number(leaseText) });
const held = new Map<number, { update: ActiveUpdate; release: () => void }>();

/** What the update's body asks for: to take so long, or to be held until it is released; deaf to its signal or not. */
interface Wish {
  readonly takesMs?: number;
  readonly hold?: boolean;
  readonly deaf?: boolean;
}

const consumer = queue.consume(
  async (update) => {
    const { updateId, body, signal } = update;
    const { takesMs = 0, hold = false, deaf = false } = JSON.parse(body) as Wish;
    note(`start ${updateId} ${update.attempt} ${Date.now()}`);
    const gate = Promise.withResolvers<void>();
    const abort = () => {
      note(`abort ${updateId} ${signal.reason} ${Date.now()}`);
      if (!deaf) gate.reject(new Error("aborted"));
    };
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    if (hold) held.set(updateId, { update, release: gate.resolve });
    else setTimeout(gate.resolve, takesMs);
    await gate.promise;
    note(`end ${updateId}`);
  },
  {
    turnSlots: 1_000,
    quickSlots: 20,
    maxFailures: 3,
    maxCrashes: 20,
    backoffMs: () => 50,
    onDead: async ({ updateId }) => note(`dead ${updateId}`),
    onLeaseLost: ({ updateId }) => note(`lost ${updateId}`),
  },
);

async function leaseOf(update: ActiveUpdate | undefined): Promise<string> {
  if (update?.lease === undefined) return "unknown";
  const state = update.lease.hold().then(
    () => "held",
    () => "lost",
  );
  return await Promise.race([state, pause(300, "waits")]);
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const [command = "", argument = ""] = line.split(" ");
  const one = held.get(Number(argument));
  if (command === "release") one?.release();
  if (command === "lease") console.log(`lease ${argument} ${await leaseOf(one?.update)}`);
  if (command !== "drain") return;
  console.log(`drained ${await consumer.drain(Number(argument))}`);
  await queue.stop();
  await link.stop();
  process.exit(0);
});
console.log("ready");
