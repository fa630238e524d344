/**
 * A worker process over the shared queue. Arguments: Redis URL, prefix, its name, log file, lease in milliseconds, and as it
 * likes: `thread` (a watchdog's thread beats beside the loop), `hours=N` (its clock is set so).
 * Every event is a line of the log, which all workers of a test share, so that its order is the order of events:
 * `<name> start <id> <attempt> <time>`, `end`, `abort <id> <reason> <time>`, `lost <id>`, `dead <id>`, `call <id>`: something that
 * can be seen.
 * Commands on stdin, answered on stdout: `release <id>` · `lease <id>`: `lease <id> held|waits|lost` · `drain <ms>` ·
 * `busy <ms>`: the loop stands still for so long, then `busy is over`.
 */
import { openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { startWatchdog } from "../../../src/app/watchdog/watchdog.ts";
import { createInHand } from "../../../src/base/in-hand.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import type { ActiveUpdate } from "../../../src/ports/queue.ts";

const [url = "", prefix = "", name = "", logPath = "", leaseText = "", ...ways] = process.argv.slice(2);
const hours = Number(ways.find((way) => way.startsWith("hours="))?.split("=")[1] ?? 0);
const now = Date.now;
Date.now = () => now() + hours * 3_600_000;
const log = openSync(logPath, "a");
const note = (line: string) => void writeSync(log, `${name} ${line}\n`);
const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
const queue = createRedisQueue({ link, leaseMs: Number(leaseText) });
if (ways.includes("thread")) {
  const log = { level: "info", secrets: [], pretty: false } as const;
  startWatchdog({
    inHand: createInHand(),
    besideLoop: queue.besideLoop,
    log,
    onTrouble: (error) => console.error(error),
  });
}
const held = new Map<number, { update: ActiveUpdate; release: () => void }>();

/** What the update's body asks for: to take so long, or to be held until it is released; deaf to its signal or not. */
interface Wish {
  readonly takesMs?: number;
  readonly hold?: boolean;
  readonly deaf?: boolean;
  /** It calls somebody again and again, as long as the lane is its own for sure. */
  readonly calls?: boolean;
}

async function callAgain({ updateId, lease }: ActiveUpdate, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    await lease?.hold();
    if (ended.aborted) return;
    note(`call ${updateId}`);
    await pause(20);
  }
}

const consumer = queue.consume(
  async (update) => {
    const { updateId, body, signal } = update;
    const { takesMs = 0, hold = false, deaf = false, calls = false } = JSON.parse(body) as Wish;
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
    const ended = new AbortController();
    if (calls) callAgain(update, ended.signal).catch(() => undefined);
    await gate.promise.finally(() => ended.abort());
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
  if (command === "busy") {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(argument));
    console.log("busy is over");
  }
  if (command !== "drain") return;
  console.log(`drained ${await consumer.drain(Number(argument))}`);
  await queue.stop();
  await link.stop();
  process.exit(0);
});
console.log("ready");
