import { afterAll, describe, expect, it, vi } from "vitest";
import type { ThreadDuties } from "../../../src/base/in-hand.ts";
import { takeScript } from "../../../src/engines/redis/lane-scripts.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue, type RedisQueue, type RedisQueueOptions } from "../../../src/engines/redis/queue.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { type OpenQueue, type QueueLimits, queueContract } from "../../contracts/queue.contract.ts";
import { queueIntakeContract } from "../../contracts/queue-intake.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "../../contracts/queue-probe.ts";
import { inEnglish } from "../../support/note-words.ts";
import { deleteKeys, findRedis, newPrefix } from "../../support/redis-server.ts";

const redis = await findRedis();
const prefixes: string[] = [];
afterAll(async () => {
  for (const prefix of prefixes) await deleteKeys(redis.url, prefix);
});
const silent = { info: () => undefined, warn: () => undefined };
/** What the watchdog's thread does for a queue. */
async function besideLoopOf({ besideLoop }: Pick<RedisQueue, "besideLoop">): Promise<ThreadDuties> {
  return (await import(besideLoop.module)).createBesideLoop(besideLoop.data);
}
/** Short, so that what a killed process held is soon another's. */
const leaseMs = 500;

async function openAt(prefix: string, limits: QueueLimits = {}): Promise<OpenQueue> {
  const link = await createRedisLink({ url: redis.url, prefix, log: silent });
  const connections: { disconnect(): void }[] = [];
  const queue = createRedisQueue({
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
    endsElsewhere: true,
    async restart() {
      await queue.stop();
      await link.stop();
      return await openAt(prefix, limits);
    },
    async crash(hungIn) {
      killed = true;
      if (hungIn !== undefined) await (await besideLoopOf(queue)).leave(hungIn);
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

/** Two processes' view of one queue: their connections are all that they share. */
async function openTwo(lease = leaseMs, more: Pick<RedisQueueOptions, "log" | "aloneForMs"> = {}) {
  const prefix = newPrefix();
  prefixes.push(prefix);
  const links = [
    await createRedisLink({ url: redis.url, prefix, log: silent }),
    await createRedisLink({ url: redis.url, prefix, log: silent }),
  ] as const;
  const queues = [
    createRedisQueue({ link: links[0], leaseMs: lease }),
    createRedisQueue({ link: links[1], leaseMs: lease, ...more }),
  ] as const;
  return {
    prefix: `{${prefix}}:`,
    links,
    redis: links[0].commands,
    queues,
    async close() {
      await Promise.all(queues.map((queue) => queue.stop()));
      await Promise.all(links.map((link) => link.stop()));
    },
  };
}

describe.skipIf(redis.missing !== undefined)(redis.title("two processes over one queue in Redis"), () => {
  it("a cancel whose message was lost is seen at the next heartbeat", async () => {
    const two = await openTwo();
    const probe = createProbe();
    probe.hold(1);
    await two.queues[0].enqueue(question(1));
    probe.consume(two.queues[1]);
    await probe.running(1);
    // What the enqueue script writes besides publishing it.
    const [running, name] = await two.redis.hmget(`${two.prefix}update:1`, "running", "process");
    await two.redis.hset(`${two.prefix}update:1`, "cancelled", "stop");
    await two.redis.hset(`${two.prefix}cancelled:${name}`, "1", `${running} stop`);
    await eventually(() => expect(probe.last(1).signal.reason).toBe("stop"));
    await two.close();
  });

  it("an interrupt that one takes aborts what the other runs, by message", async () => {
    const two = await openTwo(60_000);
    const probe = createProbe();
    probe.hold(1);
    await two.queues[0].enqueue(question(1));
    probe.consume(two.queues[1]);
    await probe.running(1);
    await two.queues[0].enqueue(update(2, { lane: "quick", interrupt: { kind: "stop" } }));
    await eventually(() => expect(probe.last(1).signal.reason).toBe("stop"));
    await idle(two.queues[0]);
    expect(probe.last(2).outcome).toEqual({ aborted: true, dropped: 0 });
    await two.close();
  });

  it("one that lost a lane may not act for it, and its end changes nothing", async () => {
    const two = await openTwo();
    const probe = createProbe();
    const lost: number[] = [];
    probe.holdDeaf(1);
    await two.queues[0].enqueue(question(1));
    probe.consume(two.queues[1], { onLeaseLost: (one) => lost.push(one.updateId) });
    await probe.running(1);
    const [delivery] = probe.deliveries;
    await delivery?.lease?.hold();
    // What another worker writes that takes the lane after the lease of a frozen one.
    const [former = ""] = await two.redis.smembers(`${two.prefix}workers`);
    await two.redis.set(`${two.prefix}alive:5`, "1");
    await two.redis.sadd(`${two.prefix}workers`, "5");
    await two.redis.smove(`${two.prefix}held:${former}`, `${two.prefix}held:5`, "turn:a");
    await two.redis.mset(`${two.prefix}owner:turn:a`, "999");
    await two.redis.hset(`${two.prefix}update:1`, { running: "999", process: "5" });
    await two.redis.del(`${two.prefix}alive:${former}`);
    await eventually(() => expect(delivery?.signal.reason).toBe("lease-lost"));
    await expect(delivery?.lease?.hold()).rejects.toThrow("taken");
    expect(lost).toEqual([1]);
    probe.letGo(1);
    await pause(200);
    expect(probe.finished).toEqual([1]);
    expect(await two.redis.exists(`${two.prefix}update:1`)).toBe(1);
    // And that one dies.
    await two.redis.del(`${two.prefix}alive:5`);
    await idle(two.queues[0]);
    expect(probe.finished).toEqual([1, 1]);
    expect(probe.last(1).attempt).toBe(2);
    await two.close();
  });

  it("a lane that Redis gave one whom the answer did not reach is taken all the same, and is nobody's crash", async () => {
    const two = await openTwo(60_000);
    const unheard = vi.spyOn(two.links[1].commands, "eval");
    const carryOut = two.redis.eval.bind(two.redis) as (...args: unknown[]) => Promise<unknown>;
    let left = 2;
    unheard.mockImplementation(async (...args: unknown[]) => {
      const answer = await carryOut(...args);
      if (args[0] === takeScript && left-- > 0) throw new Error("Command timed out");
      return answer;
    });
    const probe = createProbe();
    await two.queues[0].enqueue(question(1));
    probe.consume(two.queues[1], { maxCrashes: 1 });
    await idle(two.queues[0]);
    expect(probe.finished).toEqual([1]);
    expect(probe.last(1).attempt).toBe(1);
    expect(left).toBeLessThan(0);
    await two.close();
  });

  it("trouble with Redis is told once, and again when it comes back", async () => {
    const warnings: string[] = [];
    const log = { error() {}, warn: (_: object, message: string) => void warnings.push(message) };
    const two = await openTwo(leaseMs, { log });
    const told = () => warnings.filter((one) => one.includes("trouble")).length;
    createProbe().consume(two.queues[1]);
    for (const times of [1, 2]) {
      const refusing = vi.spyOn(two.links[1].commands, "eval").mockRejectedValue(new Error("Redis refuses"));
      await eventually(() => expect(told()).toBe(times));
      await pause(leaseMs);
      expect(told()).toBe(times);
      refusing.mockRestore();
      await pause(leaseMs);
    }
    await two.close();
  });

  it("a lane whose worker's loop stands still is not taken over while its thread sends heartbeats", async () => {
    // The heartbeats are those of this loop here, which a busy machine keeps waiting, too.
    const longMs = 5 * leaseMs;
    const two = await openTwo(longMs);
    const before = createProbe();
    before.holdDeaf(1);
    await two.queues[0].enqueue(question(1));
    before.consume(two.queues[0]);
    await before.running(1);
    // From its loop comes nothing any more.
    const silent = vi.spyOn(two.links[0].commands, "eval").mockRejectedValue(new Error("Command timed out"));
    const { again } = await besideLoopOf(two.queues[0]);
    const beating = setInterval(() => again?.duty(), leaseMs / 5);
    const probe = createProbe();
    probe.consume(two.queues[1], { maxCrashes: 2 });
    await pause(2 * longMs);
    expect(probe.started()).toEqual([]);
    // What it has is its own for sure, though its loop has heard of no heartbeat.
    await before.last(1).lease?.hold();
    clearInterval(beating);
    await idle(two.queues[1]);
    expect(probe.finished).toEqual([1]);
    silent.mockRestore();
    await expect(before.last(1).lease?.hold()).rejects.toThrow("taken");
    before.letGo(1);
    await two.close();
  });

  it("a suspect waits for what runs, and keeps others waiting, only for so long", async () => {
    const two = await openTwo(leaseMs, { aloneForMs: 1 });
    const probe = createProbe();
    probe.hold(1);
    await two.queues[0].enqueue(question(1));
    probe.consume(two.queues[1], { maxCrashes: 50 });
    await probe.running(1);
    // What is written of an update that ran at three crashes.
    await two.redis.hset(`${two.prefix}update:11`, "crashes", 3);
    await two.queues[0].enqueue(question(11, { conversation: "b" }));
    await two.queues[0].enqueue(question(21, { conversation: "c" }));
    await eventually(() => expect(probe.finished.toSorted((a, b) => a - b)).toEqual([11, 21]));
    probe.letGo(1);
    await idle(two.queues[0]);
    await two.close();
  });

  it("go on when the clock of Redis is set back by hours", async () => {
    const two = await openTwo();
    const { redis: commands, prefix } = two;
    const connect = vi.spyOn(two.links[0], "connect");
    const before = createProbe();
    before.failNext(1, 1);
    for (const [id, conversation] of ["a", "b", "c"].entries())
      await two.queues[0].enqueue(question(id + 1, { conversation }));
    const consumer = before.consume(two.queues[0], { turnSlots: 1, backoffMs: () => 400 });
    before.holdDeaf(2);
    await eventually(async () => expect((await two.queues[0].stats()).delayed).toBe(1));
    await before.running(2);
    void consumer.drain(0);
    // What Redis has written of times is now hours away, and what should expire in a moment stays.
    const back = 5 * 3_600_000;
    await commands.call("hincrby", `${prefix}update:1`, "due", String(back));
    for (const set of ["lanes", "delayed"]) {
      for (const member of (await commands.call("zrange", `${prefix}${set}`, "0", "-1")) as string[])
        await commands.call("zincrby", `${prefix}${set}`, String(back), String(member));
    }
    for (const key of await commands.keys(`${prefix}*`)) {
      const left = await commands.pttl(String(key));
      if (left > 0) await commands.pexpire(String(key), left + back);
    }
    await commands.set(`${prefix}beat`, Date.now() + back, "EX", 86_400);
    await commands.set(`${prefix}grace`, "1", "PX", back);
    for (const { value } of [...connect.mock.results, { value: commands }]) value.disconnect();

    const after = createProbe();
    after.consume(two.queues[1], { backoffMs: () => 400 });
    await eventually(() => expect(after.finished.toSorted()).toEqual([1, 2, 3]));
    await two.queues[1].stop();
    await two.links[1].stop();
  });

  it("what Redis has lost all of a sudden is ended by who handles it, and new updates go their way", async () => {
    const warnings: string[] = [];
    const log = { error() {}, warn: (_: object, message: string) => void warnings.push(message) };
    const two = await openTwo(leaseMs, { log });
    const probe = createProbe();
    const lost: number[] = [];
    probe.hold(1, 11);
    await two.queues[0].enqueue(question(1));
    await two.queues[0].enqueue(question(11, { conversation: "b" }));
    probe.consume(two.queues[1], { onLeaseLost: ({ updateId }) => lost.push(updateId) });
    await probe.running(1);
    await probe.running(11);
    // Its heartbeat has learnt what it would lose.
    await probe.last(1).lease?.look();
    const store = createRedisStore({ link: two.links[1], historyTtlSeconds: 60, noteWords: inEnglish }).guardedBy(
      probe.last(1).lease,
    );
    const keys = (await two.redis.keys(`${two.prefix}*`)).map(String);
    await two.redis.del(...keys);
    const written = store.setSetting("a", "model", "a/one");
    await eventually(() => expect([1, 11].map((id) => probe.last(id).signal.reason)).toEqual(["vanished", "vanished"]));
    await written;
    expect(await probe.last(1).lease?.look()).toBe("vanished");
    await probe.last(1).lease?.hold();
    expect(lost).toEqual([]);
    expect(await store.readSettings("a")).toEqual({});
    expect(warnings.filter((one) => one.includes("lost everything"))).toHaveLength(1);
    for (const id of [2, 12]) await two.queues[0].enqueue(question(id, { conversation: id === 2 ? "a" : "c" }));
    await eventually(() => expect(probe.finished.toSorted((a, b) => a - b)).toEqual([2, 12]));
    await idle(two.queues[0]);
    await two.close();
  });

  it("a burst is spread over both", async () => {
    const two = await openTwo();
    const probes = [createProbe(), createProbe()] as const;
    const ids = Array.from({ length: 300 }, (_, index) => index + 1);
    for (const [index, probe] of probes.entries()) {
      probe.hold(...ids);
      probe.consume(two.queues[index === 0 ? 0 : 1], { turnSlots: 1_000 });
    }
    // Who has not connected yet can take nothing.
    for (let id = 1_000; probes.some(({ deliveries }) => deliveries.length === 0); id++) {
      await two.queues[0].enqueue(question(id, { conversation: `c${id}` }));
      await eventually(() => expect(probes.flatMap((probe) => probe.started())).toContain(id));
    }
    await Promise.all(ids.map((id) => two.queues[0].enqueue(question(id, { conversation: `c${id}` }))));
    const begun = () => probes.map((probe) => probe.started().filter((id) => id <= 300).length);
    await eventually(() => expect(begun().reduce((sum, count) => sum + count)).toBe(300));
    for (const count of begun()) expect(count).toBeGreaterThan(10);
    for (const id of ids) for (const probe of probes) probe.letGo(id);
    await idle(two.queues[0]);
    await two.close();
  });
});

describe.skipIf(redis.missing !== undefined)(redis.title("the queue in Redis"), () => {
  const openNew = async (limits?: QueueLimits) => {
    const prefix = newPrefix();
    prefixes.push(prefix);
    return await openAt(prefix, limits);
  };
  queueContract("redis", openNew);
  queueIntakeContract("redis", openNew);
});
