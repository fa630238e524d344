import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import type { UpdateQueue } from "../../../src/ports/queue.ts";
import { eventually, pause, question, update } from "../../contracts/queue-probe.ts";
import { canStartRedis, newPrefix, type PrivateRedis, startPrivateRedis } from "../../support/redis-server.ts";
import { openLink, type StateProcess, startProcess } from "../../support/redis-state.ts";

const missing = !canStartRedis();
const title = (name: string) => (missing ? `${name} (no redis-server here)` : name);
const shortLeaseMs = 2_000;
const folder = mkdtempSync(join(tmpdir(), "parley-queue-processes-"));
let server: PrivateRedis;
beforeAll(async () => {
  if (!missing) server = await startPrivateRedis({ appendOnly: true });
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true });
});

interface Event {
  readonly worker: string;
  readonly what: string;
  readonly id: number;
  /** Attempt of a start, reason of an abort. */
  readonly detail: string;
  readonly at: number;
}

/** Workers in processes of their own, and a queue here that only stores, as a web process does. */
async function open(leaseMs: number) {
  const prefix = newPrefix();
  const logPath = join(folder, prefix);
  writeFileSync(logPath, "");
  const { link, close } = await openLink(server.url, prefix);
  const queue = createRedisQueue({ link, leaseMs });
  const workers: StateProcess[] = [];

  function events(): Event[] {
    const lines = readFileSync(logPath, "utf8").split("\n").slice(0, -1);
    return lines.map((line) => {
      const [worker = "", what = "", id = "", detail = "", at = ""] = line.split(" ");
      return { worker, what, id: Number(id), detail, at: Number(at) };
    });
  }

  return {
    queue,
    redis: link.commands,
    events,
    of: (what: string, id?: number) =>
      events().filter((one) => one.what === what && (id === undefined || one.id === id)),
    async start(name: string, { url = server.url, ways = [] as readonly string[] } = {}): Promise<StateProcess> {
      const worker = startProcess("redis-queue-process.ts", [url, prefix, name, logPath, String(leaseMs), ...ways]);
      workers.push(worker);
      await worker.line("ready");
      return worker;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.end()));
      await queue.stop();
      await close();
    },
  };
}

type Opened = Awaited<ReturnType<typeof open>>;

let opened: Opened | undefined;
afterEach(async () => {
  await opened?.close();
  opened = undefined;
});
async function openOne(leaseMs = shortLeaseMs): Promise<Opened> {
  opened = await open(leaseMs);
  return opened;
}

const wish = (body: object) => ({ body: JSON.stringify(body) });
const laneOf = (id: number, lanes: number) => `c${id % lanes}`;

/** Updates of a lane that began before the one in front had ended, or again after the next had begun. */
function outOfOrder(events: readonly Event[], lanes: number): number[] {
  const ended = new Set<number>();
  const newest = new Map<number, number>();
  const wrong: number[] = [];
  for (const { what, id } of events) {
    if (what === "end") ended.add(id);
    if (what !== "start") continue;
    const before = newest.get(id % lanes) ?? -1;
    if (before > id || (id >= lanes && !ended.has(id - lanes))) wrong.push(id);
    newest.set(id % lanes, Math.max(before, id));
  }
  return wrong;
}

async function feed(queue: UpdateQueue, first: number, count: number, lanes: number, body: object): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => first + index);
  await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: laneOf(id, lanes), ...wish(body) }))));
}

describe.skipIf(missing)(title("worker processes over one queue in Redis"), () => {
  it("share the lanes, each in order and one at a time", async () => {
    const { queue, start, events, of } = await openOne();
    await Promise.all([start("a"), start("b")]);
    const [lanes, total] = [50, 400];
    for (let first = 0; first < total; first += 100) await feed(queue, first, 100, lanes, { takesMs: 15 });
    await eventually(() => expect(of("end").length).toBe(total));
    expect(outOfOrder(events(), lanes)).toEqual([]);
    expect(of("start").length).toBe(total);
    for (const name of ["a", "b"]) expect(of("end").filter(({ worker }) => worker === name).length).toBeGreaterThan(10);
  });

  it("both take their part of a burst, though each could take it all", async () => {
    const { queue, start, of } = await openOne();
    await Promise.all([start("a"), start("b")]);
    await feed(queue, 0, 300, 300, { hold: true });
    await eventually(() => expect(of("start").length).toBe(300));
    // How equal the parts are depends on who gets the processor; the benchmark prints it.
    for (const name of ["a", "b"]) {
      expect(of("start").filter(({ worker }) => worker === name).length).toBeGreaterThan(10);
    }
  });

  it("take over what one had that was killed, in order, and lose nothing", async () => {
    const { queue, start, events, of } = await openOne();
    const [killed] = await Promise.all([start("a"), start("b")]);
    const [lanes, total] = [60, 300];
    await feed(queue, 0, total, lanes, { takesMs: 150 });
    await eventually(() => expect(of("end").length).toBeGreaterThan(60));
    killed.signal("SIGKILL");
    const killedAt = Date.now();
    await eventually(() => expect(new Set(of("end").map(({ id }) => id)).size).toBe(total));
    expect(outOfOrder(events(), lanes)).toEqual([]);
    expect(Date.now() - killedAt).toBeLessThan(60_000);
    const again = of("start").filter(({ detail }) => Number(detail) > 1);
    expect(again.length).toBeGreaterThan(0);
    expect(new Set(again.map(({ worker }) => worker))).toEqual(new Set(["b"]));
    expect(of("dead")).toEqual([]);
  });

  it("abort what an interrupt stops that another process took, at once", async () => {
    // No heartbeat could tell it so soon.
    const { queue, start, of } = await openOne(60_000);
    await start("a");
    await queue.enqueue(question(1, wish({ hold: true })));
    await eventually(() => expect(of("start", 1).length).toBe(1));
    const takenAt = Date.now();
    await queue.enqueue(update(2, { lane: "quick", interrupt: { kind: "stop" }, ...wish({}) }));
    await eventually(() => expect(of("abort", 1).length).toBe(1));
    const [abort] = of("abort", 1);
    expect(abort?.detail).toBe("stop");
    expect((abort?.at ?? 0) - takenAt).toBeLessThan(10_000);
    await eventually(() => expect(of("end", 2).length).toBe(1));
  });

  it("see an interrupt at the next heartbeat when they hear no messages", async () => {
    const { queue, start, of } = await openOne();
    const admin = new Redis(server.url);
    await admin.call("ACL", "SETUSER", "deaf", "on", ">secret", "~*", "allchannels", "+@all");
    await start("a", { url: server.url.replace("redis://", "redis://deaf:secret@") });
    // It would not have started so. Whoever listens where they may no more is disconnected.
    await admin.call("ACL", "SETUSER", "deaf", "resetchannels");
    await admin.quit();
    await queue.enqueue(question(1, wish({ hold: true })));
    await eventually(() => expect(of("start", 1).length).toBe(1));
    await queue.enqueue(update(2, { lane: "quick", interrupt: { kind: "stop" }, ...wish({}) }));
    await eventually(() => expect(of("abort", 1).length).toBe(1));
    // A heartbeat has brought it: who only lost its lease would not know why, and the update would begin anew.
    expect(of("abort", 1)[0]?.detail).toBe("stop");
    expect(of("start", 1).length).toBe(1);
  });

  it("take over from one that was frozen, whose lease is lost and whose end changes nothing", async () => {
    const { queue, start, of } = await openOne();
    const frozen = await start("a");
    await queue.enqueue(question(1, wish({ hold: true, deaf: true })));
    await queue.enqueue(question(2, wish({})));
    await eventually(() => expect(of("start", 1).length).toBe(1));
    frozen.send("lease 1");
    expect(await frozen.line("lease 1")).toBe("lease 1 held");
    const other = await start("b");
    frozen.signal("SIGSTOP");
    await eventually(() => expect(of("start", 1).map(({ worker }) => worker)).toEqual(["a", "b"]));

    frozen.signal("SIGCONT");
    await eventually(() => expect(of("lost", 1).map(({ worker }) => worker)).toEqual(["a"]));
    expect(of("abort", 1)[0]?.detail).toBe("lease-lost");
    frozen.send("lease 1");
    await eventually(() => expect(frozen.lines.filter((line) => line.startsWith("lease")).at(-1)).toBe("lease 1 lost"));
    frozen.send("release 1");
    await eventually(() => expect(of("end", 1).map(({ worker }) => worker)).toEqual(["a"]));
    await pause(shortLeaseMs);
    // The lane is still with the other: its update was not taken from it, and the next did not begin.
    expect(of("start", 2)).toEqual([]);
    expect(await queue.stats()).toMatchObject({ waiting: 1, active: 1 });
    other.send("release 1");
    await eventually(() => expect(of("end", 2).length).toBe(1));
    expect(of("start", 1).length).toBe(2);
  });

  /** Of those that `name` has, calls that another worker's start came before. */
  function lateCalls(events: readonly Event[], name: string): number[] {
    const taken = new Set<number>();
    const late: number[] = [];
    for (const { worker, what, id } of events) {
      if (what === "start" && worker !== name) taken.add(id);
      if (what === "call" && worker === name && taken.has(id)) late.push(id);
    }
    return late;
  }

  it("keep what they have while their loop stands still for longer than a lease, and their thread does not", async () => {
    const { queue, start, of } = await openOne();
    const busy = await start("a", { ways: ["thread", "hours=5"] });
    const lanes = 30;
    await feed(queue, 0, lanes, lanes, { hold: true, calls: true });
    await eventually(() => expect(of("start").length).toBe(lanes));
    await start("b", { ways: ["thread", "hours=-5"] });
    busy.send(`busy ${4 * shortLeaseMs}`);
    await pause(shortLeaseMs);
    // What comes meanwhile is another's.
    await feed(queue, lanes, lanes, 2 * lanes, {});
    await eventually(() => expect(of("end").length).toBe(lanes));
    await busy.line("busy is over");
    const before = of("call").length;
    await eventually(() => expect(of("call").length).toBeGreaterThan(before + 2 * lanes));
    expect(of("start").length).toBe(2 * lanes);
    expect(of("abort")).toEqual([]);
    for (let id = 0; id < lanes; id++) busy.send(`release ${id}`);
    await eventually(() => expect(of("end").length).toBe(2 * lanes));
  });

  it("make no call any more when loop and thread stood still, and others have what they had", async () => {
    const { queue, start, events, of } = await openOne();
    const busy = await start("a", { ways: ["hours=-5"] });
    const lanes = 30;
    await feed(queue, 0, lanes, lanes, { hold: true, calls: true, deaf: true });
    await eventually(() => expect(of("call").length).toBeGreaterThan(lanes));
    const other = await start("b", { ways: ["hours=5"] });
    for (const times of [1, 2]) {
      busy.send(`busy ${4 * shortLeaseMs}`);
      await eventually(() => expect(of("start").filter(({ worker }) => worker === "b").length).toBe(lanes));
      await eventually(() => expect(busy.lines.filter((line) => line === "busy is over").length).toBe(times));
      await eventually(() => expect(of("lost").filter(({ worker }) => worker === "a").length).toBe(lanes));
      await pause(shortLeaseMs);
    }
    expect(lateCalls(events(), "a")).toEqual([]);
    expect(of("lost").map(({ worker }) => worker)).not.toContain("b");
    // The loop that is back works on as ever.
    for (let id = 0; id < lanes; id++) for (const worker of [busy, other]) worker.send(`release ${id}`);
    await feed(queue, lanes, lanes, lanes, {});
    await eventually(() => expect(new Set(of("end").map(({ id }) => id)).size).toBe(2 * lanes));
    expect(of("start").length).toBe(3 * lanes);
  });

  it("take a lane back under a new name when nobody else has taken it while they stood still", async () => {
    const { queue, start, of } = await openOne();
    const busy = await start("a");
    const lanes = 30;
    await feed(queue, 0, lanes, lanes, { hold: true, calls: true });
    await eventually(() => expect(of("start").length).toBe(lanes));
    busy.send(`busy ${3 * shortLeaseMs}`);
    await busy.line("busy is over");
    const before = of("call").length;
    await eventually(() => expect(of("call").length).toBeGreaterThan(before + 2 * lanes));
    for (let id = 0; id < lanes; id++) busy.send(`release ${id}`);
    await eventually(() => expect(of("end").length).toBe(lanes));
    expect(of("start").length).toBe(lanes);
    expect(of("abort")).toEqual([]);
    await eventually(async () => expect(await queue.stats()).toMatchObject({ waiting: 0, active: 0 }));
  });

  it("leave to the others at once what they give back when they are told to go", async () => {
    const leaseMs = 30_000;
    const { queue, start, of } = await openOne(leaseMs);
    const leaving = await start("a");
    await feed(queue, 0, 40, 40, { hold: true });
    await eventually(() => expect(of("start").length).toBe(40));
    await start("b");
    const toldAt = Date.now();
    leaving.send("drain 0");
    expect(await leaving.line("drained")).toBe("drained 40");
    await eventually(() => expect(of("start").length).toBe(80));
    const begun = of("start").filter(({ worker }) => worker === "b");
    expect(begun.length).toBe(40);
    // No lease had to run out.
    expect(Math.max(...begun.map(({ at }) => at)) - toldAt).toBeLessThan(leaseMs / 2);
  });
});

describe.skipIf(missing)(title("worker processes whose Redis goes away"), () => {
  it("go on with what they have when it was killed for longer than a lease, and run nothing twice", async () => {
    const { queue, start, events, of } = await openOne();
    const workers = await Promise.all([start("a"), start("b")]);
    const lanes = 40;
    await feed(queue, 0, lanes, lanes, { hold: true });
    await eventually(() => expect(of("start").length).toBe(lanes));
    await feed(queue, lanes, lanes, lanes, {});

    await server.kill();
    const refused = Date.now();
    await expect(queue.enqueue(question(9_999))).rejects.toMatchObject({ retryable: true });
    expect(Date.now() - refused).toBeLessThan(20_000);
    await pause(shortLeaseMs * 2);
    expect(of("abort")).toEqual([]);
    await server.start();

    await pause(shortLeaseMs * 2);
    expect(of("start").length).toBe(lanes);
    expect(of("abort")).toEqual([]);
    for (const worker of workers) for (let id = 0; id < lanes; id++) worker.send(`release ${id}`);
    await eventually(() => expect(of("end").length).toBe(2 * lanes));
    expect(of("start").length).toBe(2 * lanes);
    expect(outOfOrder(events(), lanes)).toEqual([]);
    expect(await queue.enqueue(question(5, wish({})))).toBe("duplicate");
  });

  it("wait for one that comes back a little later than the others, and leave it what it has", async () => {
    const leaseMs = 6_000;
    const { queue, redis, start, of } = await openOne(leaseMs);
    const late = await start("a");
    const lanes = 40;
    await feed(queue, 0, lanes, lanes, { hold: true });
    await eventually(() => expect(of("start").length).toBe(lanes));
    await start("b");
    await server.kill();
    await pause(leaseMs * 1.2);
    late.signal("SIGSTOP");
    await server.start();
    await eventually(async () => void (await redis.ping()));
    // The other one is told of its lanes at once.
    await feed(queue, lanes, lanes, lanes, {});
    await pause(1_500);
    late.signal("SIGCONT");
    await pause(leaseMs);
    expect(of("start").length).toBe(lanes);
    expect(of("abort")).toEqual([]);
    for (let id = 0; id < lanes; id++) late.send(`release ${id}`);
    await eventually(() => expect(of("end").length).toBe(2 * lanes));
    expect(of("start").length).toBe(2 * lanes);
  });

  it("run nothing twice when it hung for longer than a lease", async () => {
    const { queue, start, of } = await openOne();
    const workers = await Promise.all([start("a"), start("b")]);
    const lanes = 40;
    await feed(queue, 0, lanes, lanes, { hold: true });
    await eventually(() => expect(of("start").length).toBe(lanes));
    await pause(shortLeaseMs);
    server.freeze();
    await pause(shortLeaseMs * 2);
    server.thaw();
    await pause(shortLeaseMs * 2);
    expect(of("start").length).toBe(lanes);
    expect(of("abort")).toEqual([]);
    for (const worker of workers) for (let id = 0; id < lanes; id++) worker.send(`release ${id}`);
    await eventually(() => expect(of("end").length).toBe(lanes));
    await eventually(async () => expect(await queue.stats()).toMatchObject({ waiting: 0, active: 0 }));
  });

  it("write the ends that came while it was away, and lose nothing that was acknowledged before", async () => {
    const { queue, start, events, of } = await openOne();
    await Promise.all([start("a"), start("b")]);
    const [lanes, total] = [50, 500];
    await feed(queue, 0, total, lanes, { takesMs: 100 });
    await eventually(() => expect(of("end").length).toBeGreaterThan(100));
    await server.kill();
    await pause(1_000);
    await server.start();
    const backAt = Date.now();
    await eventually(() => expect(new Set(of("end").map(({ id }) => id)).size).toBe(total));
    expect(outOfOrder(events(), lanes)).toEqual([]);
    const first = of("start").find(({ at }) => at > backAt);
    expect((first?.at ?? 0) - backAt).toBeLessThan(shortLeaseMs * 15);
    expect(of("dead")).toEqual([]);
  });
});
