/** A worker of the shared queue: BullMQ tells it which lanes have something to do, Redis what that is. */
import { setTimeout as pause } from "node:timers/promises";
import { type Job, Worker } from "bullmq";
import { messageOf } from "../errors.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions, Consumer, LaneKind, Lease, RedisLink } from "../ports.ts";
import { createLeases, type Held } from "./redis-leases.ts";
import { beginScript, endScript } from "./redis-scripts.ts";
import { deadOf, type Hash, hashOf, updateOf } from "./redis-updates.ts";
import { sweepScript } from "./redis-upkeep-scripts.ts";
import { deliver } from "./worker.ts";

/** What a job says: somebody has to look after this lane. */
export interface LaneJob {
  readonly conversation: string;
}

export interface BullmqConsumerDeps {
  readonly link: RedisLink;
  readonly handler: (update: ActiveUpdate) => Promise<void>;
  readonly options: ConsumeOptions;
  readonly leaseMs: number;
  readonly now: () => number;
  /** Adds a job for a lane. Never rejects. */
  wake(kind: LaneKind, conversation: string): Promise<void>;
  readonly log?:
    | { error(fields: object, message: string): void; warn(fields: object, message: string): void }
    | undefined;
}

/** Names of BullMQ's queues; its keys begin with them. */
export const queueNames: Readonly<Record<LaneKind, string>> = { turn: "lanes-turn", quick: "lanes-quick" };

const sweepLanes = 1_000;
const repeatMs = 300;

type Begun =
  | { readonly state: "nothing" }
  | { readonly state: "later"; readonly afterMs: number }
  | { readonly state: "run" | "doomed"; readonly fence: number; readonly updateId: number; readonly hash: Hash };

export interface BullmqConsumer extends Consumer {
  readonly draining: boolean;
  /** Aborts an update if it runs here. */
  cancel(updateId: number, reason: AbortReason): void;
  /** Drains, and closes its connections. */
  stop(): Promise<void>;
}

/** Starts a worker. Its connections: one for BullMQ, and a blocking one for each kind of lane. */
export function createBullmqConsumer(deps: BullmqConsumerDeps): BullmqConsumer {
  const { link, options, leaseMs, now, wake, log } = deps;
  const redis = link.commands;
  /** Processes that lost the same Redis come back within about a second of each other. */
  const graceMs = leaseMs / 2;
  const running = new Map<Held, Promise<string>>();
  const timers = new Set<NodeJS.Timeout>();
  let draining = false;
  let stayed = 0;
  let drained: Promise<number> | undefined;
  let lastTrouble = "";

  const handled = new WeakMap<Held, ActiveUpdate>();
  const leases = createLeases({
    link,
    leaseMs,
    graceMs,
    log,
    onLost(held) {
      const update = handled.get(held);
      if (update !== undefined) options.onLeaseLost?.(update);
    },
  });

  function onTrouble(error: unknown): void {
    const reason = messageOf(error);
    if (reason !== lastTrouble) log?.warn({ reason }, "the queue ran into trouble; it tries again");
    lastTrouble = reason;
  }

  function wakeLater(kind: LaneKind, conversation: string, afterMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void wake(kind, conversation);
    }, afterMs);
    timers.add(timer);
  }

  // === One lane =====================================================================================

  /** Handles the next update of a lane. What goes wrong with Redis here, the sweep mends. */
  async function work(kind: LaneKind, conversation: string): Promise<void> {
    if (draining) return await wake(kind, conversation);
    const takenAt = performance.now();
    const lane = `${kind}:${conversation}`;
    const begun = await begin(lane);
    if (begun.state === "later") return wakeLater(kind, conversation, begun.afterMs);
    if (begun.state === "nothing") return;
    const { fence, updateId, hash } = begun;
    const held: Held = {
      lane,
      fence,
      updateId,
      abort: new AbortController(),
      lost: false,
      ending: false,
      gone: Promise.withResolvers(),
    };
    const lease = leases.add(held, takenAt);
    const ended = conclude(held, begun.state === "doomed", lease, hash).finally(() => {
      leases.remove(held);
      running.delete(held);
    });
    running.set(held, ended);
    // A handler that is deaf to the loss of its lane does not keep BullMQ's job, and so the lane, from another worker.
    const left = await Promise.race([ended, held.gone.promise]);
    // Behind the lanes that wait already: none takes all slots because much waits in it.
    if (left === "more") await wake(kind, conversation);
  }

  async function conclude(held: Held, doomed: boolean, lease: Lease, hash: Hash): Promise<string> {
    if (doomed) return await bury(held, hash, hash.doom ?? "");
    return await handle(held, { ...updateOf(held.updateId, hash), signal: held.abort.signal, lease }, hash);
  }

  async function begin(lane: string): Promise<Begun> {
    const limits = [leaseMs, graceMs, now(), options.maxCrashes];
    const answer = (await redis.eval(beginScript, 1, link.prefix, lane, ...limits)) as [
      string,
      number,
      string,
      string[],
    ];
    const [state, number, id, hash] = answer;
    if (state === "wait" || state === "delayed") return { state: "later", afterMs: number + 5 };
    if (state !== "run" && state !== "doomed") return { state: "nothing" };
    return { state, fence: number, updateId: Number(id), hash: hashOf(hash) };
  }

  /** Delivers an update and writes its end; resolves with what `endScript` says of the lane. */
  async function handle(held: Held, update: ActiveUpdate, hash: Hash): Promise<string> {
    handled.set(held, update);
    // Taken in the very moment in which the process began to leave.
    if (draining) return await end(held, "stays");
    if (hash.cancelled !== undefined) held.abort.abort(hash.cancelled);
    const verdict = await deliver(deps.handler, update, options.onFailure);
    switch (verdict.kind) {
      case "finished":
        return await end(held, "finished");
      case "stays":
        if (held.lost) return "lost";
        stayed++;
        return await end(held, "stays");
      case "failed": {
        const failures = Number(hash.failures ?? 0) + 1;
        if (failures >= options.maxFailures) return await bury(held, hash, messageOf(verdict.error));
        return await end(held, "failed", now() + options.backoffMs(failures));
      }
    }
  }

  async function bury(held: Held, hash: Hash, reason: string): Promise<string> {
    // A crash in between forgets no notice.
    if ((await end(held, "doomed", 0, reason)) === "lost") return "lost";
    // A notice that cannot be given does not hold up the lane.
    await options.onDead(deadOf(held.updateId, hash, reason)).catch(onTrouble);
    return await end(held, "dead", 0, reason);
  }

  /** Writes until Redis has answered: a lane must not move on past an end that is not there. */
  async function end(held: Held, how: string, due = 0, reason = ""): Promise<string> {
    const { lane, fence, updateId } = held;
    held.ending = how !== "doomed";
    for (let attempts = 0; ; attempts++) {
      try {
        const script = [lane, fence, updateId, how, now(), due, reason];
        const answer = String(await redis.eval(endScript, 1, link.prefix, ...script));
        // The first attempt was carried out, and its answer lost on the way.
        return answer === "lost" && attempts > 0 && !held.lost ? "more" : answer;
      } catch (error) {
        onTrouble(error);
        if (held.lost) return "lost";
        if (draining && attempts > 3) return "lost";
        await pause(repeatMs);
      }
    }
  }

  // === Workers ======================================================================================

  const connection = link.connect("jobs");
  function createWorker(kind: LaneKind, slots: number): Worker<LaneJob> {
    const worker = new Worker<LaneJob>(
      queueNames[kind],
      async (job: Job<LaneJob>) => {
        try {
          await work(kind, job.data.conversation);
        } catch (error) {
          onTrouble(error);
        }
      },
      {
        connection,
        prefix: link.prefix.slice(0, -1),
        concurrency: slots,
        lockDuration: leaseMs,
        stalledInterval: leaseMs / 5,
        // Attempts are counted on the update.
        maxStalledCount: 1_000_000,
        // Its default lets a worker sleep for 15 s after Redis has come back.
        runRetryDelay: repeatMs,
        drainDelay: 2,
        skipVersionCheck: true,
      },
    );
    worker.on("error", onTrouble);
    return worker;
  }
  const workers = [createWorker("turn", options.turnSlots), createWorker("quick", options.quickSlots)];

  /** Lanes whose job was lost with the process that should have added it. */
  async function sweep(): Promise<void> {
    try {
      const lanes = (await redis.eval(sweepScript, 1, link.prefix, now(), leaseMs / 5, sweepLanes)) as string[];
      for (const lane of lanes) {
        const [kind = "", ...rest] = lane.split(":");
        await wake(kind === "quick" ? "quick" : "turn", rest.join(":"));
      }
    } catch (error) {
      onTrouble(error);
    }
  }
  const sweeps = setInterval(() => void sweep(), leaseMs / 5);

  async function drain(graceMs: number): Promise<number> {
    draining = true;
    for (const timer of timers) clearTimeout(timer);
    const paused = Promise.all(workers.map((worker) => worker.pause(true).catch(onTrouble)));
    const late = new AbortController();
    const idle = Promise.all(running.values());
    await Promise.race([idle, pause(graceMs, undefined, { signal: late.signal }).catch(() => undefined)]);
    late.abort();
    for (const held of running.keys()) held.abort.abort("shutdown" satisfies AbortReason);
    await Promise.all(running.values());
    await paused;
    return stayed;
  }

  return {
    get active() {
      return running.size;
    },
    get draining() {
      return draining;
    },
    cancel: leases.cancel,
    drain(milliseconds) {
      drained ??= drain(milliseconds);
      return drained;
    },
    async stop() {
      await this.drain(0);
      clearInterval(sweeps);
      leases.stop();
      // A worker whose Redis is away would wait for it.
      const closed = Promise.all(workers.map((worker) => worker.close().catch(onTrouble)));
      await Promise.race([closed, pause(2_000)]);
      connection.disconnect();
    },
  };
}
