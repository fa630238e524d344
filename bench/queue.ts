/**
 * `npm run bench:queue -- [--quick]`: the queue in Redis beside the embedded one, without a bot: how long an update takes to be
 * stored and to reach a handler, with how many workers, after a death, and what it costs Redis. A private `redis-server` (with
 * `appendonly yes`) is started for it.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createSqliteDatabase } from "../src/engines/embedded/database.ts";
import { createSqliteQueue } from "../src/engines/embedded/queue.ts";
import { createRedisLink } from "../src/engines/redis/link.ts";
import { createRedisQueue } from "../src/engines/redis/queue.ts";
import type { UpdateQueue } from "../src/ports/queue.ts";
import type { IncomingUpdate } from "../src/ports/updates.ts";
import { freePort } from "../test/support/free-port.ts";
import { type Percentiles, percentiles } from "./percentiles.ts";
import { consumeOptions, type FromWorker, handlerMs, sharedNow, type ToWorker } from "./queue-messages.ts";
import { printTable, rounded, writeResults } from "./results.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const share = values.quick ? 0.2 : 1;
const conversations = 2_000;
const folder = mkdtempSync(join(tmpdir(), "parley-bench-"));
const ending: (() => void)[] = [() => rmSync(folder, { recursive: true, force: true })];
process.once("exit", () => {
  for (const end of ending.reverse()) end();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));

// === Updates ========================================================================================

let nextId = 1;
const filler = "x".repeat(850);

function newUpdate(change: Partial<IncomingUpdate> & { readonly hold?: boolean } = {}): IncomingUpdate {
  const { hold, ...rest } = change;
  const updateId = nextId++;
  return {
    updateId,
    conversation: String(updateId % conversations),
    lane: "turn",
    receivedAt: Date.now(),
    body: JSON.stringify({ sentAt: sharedNow(), filler, ...(hold === undefined ? {} : { hold }) }),
    question: updateId,
    ...rest,
  };
}

async function paced(queue: UpdateQueue, perSecond: number, seconds: number): Promise<Percentiles> {
  const took: number[] = [];
  const calls: Promise<void>[] = [];
  const began = performance.now();
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, ((performance.now() - began) / 1000) * perSecond);
    for (; sent < due; sent++) {
      const at = performance.now();
      calls.push(queue.enqueue(newUpdate()).then(() => void took.push(performance.now() - at)));
    }
    await sleep(1);
  }
  await Promise.all(calls);
  return percentiles(took);
}

/** Updates a second with so many calls under way. */
async function saturated(queue: UpdateQueue, count: number, inFlight = 64): Promise<number> {
  let left = count;
  const began = performance.now();
  const one = async () => {
    while (left-- > 0) await queue.enqueue(newUpdate());
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return count / ((performance.now() - began) / 1000);
}

// === Redis and its workers ==========================================================================

const port = await freePort();
const arguments_ = [
  "--port",
  String(port),
  "--bind",
  "127.0.0.1",
  "--dir",
  folder,
  "--save",
  "",
  "--appendonly",
  "yes",
];
const redisServer = spawn("redis-server", arguments_, { stdio: "ignore" });
redisServer.once("error", () => {
  console.error("There is no redis-server here: install it (apt-get install redis-server).");
  process.exit(1);
});
ending.push(() => redisServer.kill("SIGKILL"));
const url = `redis://127.0.0.1:${port}`;
await sleep(500);

interface BenchWorker {
  readonly child: ChildProcess;
  readonly heard: FromWorker[];
  report(): Promise<Extract<FromWorker, { type: "report" }>>;
  stop(): Promise<void>;
}

async function startWorker(prefix: string): Promise<BenchWorker> {
  const child = fork(fileURLToPath(new URL("queue-worker.ts", import.meta.url)), [url, prefix]);
  ending.push(() => child.kill("SIGKILL"));
  const heard: FromWorker[] = [];
  const waiting: ((message: FromWorker) => void)[] = [];
  child.on("message", (message: FromWorker) => {
    if (message.type === "report" || message.type === "ready") waiting.shift()?.(message);
    else heard.push(message);
  });
  const next = () => new Promise<FromWorker>((resolve) => waiting.push(resolve));
  await next();
  return {
    child,
    heard,
    async report() {
      const answer = next();
      child.send({ type: "report" } satisfies ToWorker);
      return (await answer) as Extract<FromWorker, { type: "report" }>;
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.send({ type: "stop" } satisfies ToWorker);
      await ended;
    },
  };
}

async function openRedis(prefix: string) {
  const link = await createRedisLink({ url, prefix, log: { info() {}, warn() {} } });
  const queue = createRedisQueue({ link });
  const info = async (section: string, field: string) =>
    Number(new RegExp(`^${field}:(\\S+)`, "m").exec(await link.commands.info(section))?.[1]);
  return {
    link,
    queue,
    memory: () => info("memory", "used_memory"),
    cpuSeconds: async () => (await info("cpu", "used_cpu_user")) + (await info("cpu", "used_cpu_sys")),
    async stop() {
      await queue.stop();
      await link.stop();
    },
  };
}

async function settled(queue: UpdateQueue): Promise<void> {
  for (;;) {
    const { waiting, active } = await queue.stats();
    if (waiting + active === 0) return;
    await sleep(20);
  }
}

// === The embedded engine ============================================================================

const rows: string[][] = [];
const results: Record<string, unknown> = {};

function note(what: string, figures: Record<string, number | string>): void {
  results[what] = figures;
  for (const [name, value] of Object.entries(figures))
    rows.push([what, name, typeof value === "number" ? rounded(value) : value]);
  console.error(`${what}: ${JSON.stringify(figures)}`);
}

async function embedded(): Promise<void> {
  const database = createSqliteDatabase(join(folder, "bench.db"));
  const queue = createSqliteQueue({ database, maxBacklog: 1_000_000, maxLane: 1_000_000 });
  const { p50, p99 } = await paced(queue, 1_000, Math.ceil(10 * share));
  const perSecond = await saturated(queue, 50_000 * share);
  note("embedded: enqueue", { "p50 ms": p50, "p99 ms": p99, "at most, a second": perSecond });
  const latencies: number[] = [];
  const began = performance.now();
  const before = (await queue.stats()).waiting;
  queue.consume(async ({ body }) => {
    latencies.push(sharedNow() - (JSON.parse(body) as { sentAt: number }).sentAt);
    await sleep(handlerMs);
  }, consumeOptions);
  await settled(queue);
  const drained = before / ((performance.now() - began) / 1000);
  latencies.length = 0;
  await paced(queue, 500, Math.ceil(5 * share));
  await settled(queue);
  const added = percentiles(latencies);
  note("embedded: one process", { "to handler p50 ms": added.p50, "p99 ms": added.p99, "handled a second": drained });
  await queue.stop();
  await database.close();
}

// === Redis ==========================================================================================

async function storing(): Promise<void> {
  const { queue, stop } = await openRedis("storing");
  const { p50, p99 } = await paced(queue, 1_000, Math.ceil(10 * share));
  await stop();
  const other = await openRedis("saturated");
  const roomy = createRedisQueue({ link: other.link, maxBacklog: 1_000_000, maxLane: 1_000_000 });
  const cpu = await other.cpuSeconds();
  const count = 30_000 * share;
  const perSecond = await saturated(roomy, count);
  const spent = ((await other.cpuSeconds()) - cpu) / count;
  note("redis: enqueue", {
    "p50 ms": p50,
    "p99 ms": p99,
    "at most, a second": perSecond,
    "redis CPU µs each": spent * 1e6,
  });
  await roomy.stop();
  await other.stop();
}

async function lanesInMemory(): Promise<void> {
  const { link, queue, memory, stop } = await openRedis("lanes");
  await link.commands.flushall();
  const before = await memory();
  for (let sent = 0; sent < 10_000; sent += 500)
    await Promise.all(
      Array.from({ length: 500 }, (_, index) => queue.enqueue(newUpdate({ conversation: `lane ${sent + index}` }))),
    );
  note("redis: 10,000 lanes with one update each", { "MB of Redis": ((await memory()) - before) / 1e6 });
  await link.commands.flushall();
  await stop();
}

async function handling(workers: number): Promise<void> {
  const prefix = `handling-${workers}`;
  const { queue, cpuSeconds, stop } = await openRedis(prefix);
  const started = await Promise.all(Array.from({ length: workers }, () => startWorker(prefix)));
  await sleep(1_000);
  await paced(queue, 500, Math.ceil(5 * share));
  await settled(queue);
  const calm = percentiles((await Promise.all(started.map((one) => one.report()))).flatMap((one) => one.latencies));
  const cpu = await cpuSeconds();
  const began = sharedNow();
  const count = Math.floor(15_000 * share);
  await saturated(queue, count);
  await settled(queue);
  const reports = await Promise.all(started.map((one) => one.report()));
  const last = Math.max(...reports.map(({ lastAt }) => lastAt));
  note(`redis: ${workers} worker process${workers === 1 ? "" : "es"}`, {
    "to handler p50 ms": calm.p50,
    "p99 ms": calm.p99,
    "handled a second": count / ((last - began) / 1000),
    "busiest worker's share": Math.max(...reports.map(({ handled }) => handled)) / count,
    "redis CPU µs each": (((await cpuSeconds()) - cpu) / count) * 1e6,
  });
  await Promise.all(started.map((one) => one.stop()));
  await stop();
}

async function recovering(): Promise<void> {
  const { queue, stop } = await openRedis("recovering");
  const workers = [await startWorker("recovering"), await startWorker("recovering")] as const;
  const updates = Array.from({ length: 200 }, (_, index) => newUpdate({ conversation: `r ${index}`, hold: true }));
  await Promise.all(updates.map((update) => queue.enqueue(update)));
  const holding = (worker: BenchWorker) =>
    new Set(worker.heard.flatMap((one) => (one.type === "holding" ? [one.updateId] : [])));
  while (holding(workers[0]).size + holding(workers[1]).size < 200) await sleep(20);
  const lost = holding(workers[0]);
  workers[0].child.kill("SIGKILL");
  const killedAt = performance.now();
  let firstMs = 0;
  for (;;) {
    const again = [...lost].filter((id) => holding(workers[1]).has(id)).length;
    if (again > 0 && firstMs === 0) firstMs = performance.now() - killedAt;
    if (again === lost.size) break;
    await sleep(10);
  }
  note("redis: kill -9 of one of two workers", {
    "lanes it had": lost.size,
    "first again after s": firstMs / 1000,
    "all again after s": (performance.now() - killedAt) / 1000,
  });
  await workers[1].stop();
  await stop();
}

async function cancelling(): Promise<void> {
  const { queue, stop } = await openRedis("cancelling");
  const worker = await startWorker("cancelling");
  const took: number[] = [];
  for (let sample = 0; sample < 200 * share; sample++) {
    const update = newUpdate({ conversation: `c ${sample}`, hold: true });
    await queue.enqueue(update);
    while (!worker.heard.some((one) => one.type === "holding" && one.updateId === update.updateId)) await sleep(1);
    const at = sharedNow();
    await queue.enqueue(newUpdate({ conversation: `c ${sample}`, lane: "quick", interrupt: { kind: "stop" } }));
    for (;;) {
      const aborted = worker.heard.find((one) => one.type === "aborted" && one.updateId === update.updateId);
      if (aborted?.type === "aborted") {
        took.push(aborted.at - at);
        break;
      }
      await sleep(1);
    }
  }
  const { p50, p99, max } = percentiles(took);
  note("redis: cancel of what another process runs", { "p50 ms": p50, "p99 ms": p99, "max ms": max });
  await worker.stop();
  await stop();
}

await embedded();
await storing();
for (const workers of [1, 2, 4]) await handling(workers);
await recovering();
await cancelling();
await lanesInMemory();
printTable(["what", "figure", "value"], rows);
await writeResults("queue", { quick: values.quick, results });
process.exit(0);
