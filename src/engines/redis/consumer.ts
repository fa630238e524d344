/** A worker of the shared queue: BullMQ tells it which lanes have something to do, Redis what that is. */
import { setTimeout as pause } from "node:timers/promises";
import { type Job, Worker } from "bullmq";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { withinTime } from "../../base/within-time.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions, Consumer } from "../../ports/queue.ts";
import type { LaneKind } from "../../ports/updates.ts";
import { aloneForMs } from "../lanes/suspects.ts";
import { createAside, deadOf, deliver, settle } from "../lanes/worker.ts";
import { type Begun, createBeginning, repeatMs } from "./beginning.ts";
import { endScript, runStep } from "./lane-scripts.ts";
import { createLeases, type Held } from "./leases.ts";
import type { RedisLink } from "./link.ts";
import { type Hash, type LaneJob, laneName, queueNames, updateOf } from "./updates.ts";
import { rejoinScript, sweepScript } from "./upkeep-scripts.ts";

export interface BullmqConsumerDeps {
  readonly link: RedisLink;
  readonly handler: (update: ActiveUpdate) => Promise<void>;
  readonly options: ConsumeOptions;
  readonly leaseMs: number;
  readonly aloneForMs?: number | undefined;
  /** Names this process to those that find it dead. */
  readonly process: string;
  readonly now: () => number;
  /** Adds a job for a lane, by its name. Never rejects. */
  wake(lane: string): Promise<void>;
  readonly log?: Pick<Logger, "error" | "warn"> | undefined;
}

const sweepLanes = 1_000;
/** After its suspects have run alone for as long as they may, a process lets further ones run beside others for so long. */
const besideForMs = 10 * 60_000;

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
  /** Processes that lost the same Redis come back within about a second of each other. */
  const graceMs = leaseMs / 2;
  const running = new Map<Promise<string>, AbortController>();
  const timers = new Set<NodeJS.Timeout>();
  let draining = false;
  /** Lanes in work here, and whether one of them is to be the only one. */
  let atWork = 0;
  let secluded = false;
  /** Of `performance.now()`: until then suspects run alone here, and for a while after it beside others. */
  let [seclusionEndsAt, besideEndsAt] = [0, 0];
  let stayed = 0;
  let drained: Promise<number> | undefined;
  let lastTrouble = "";
  let calm = true; // No trouble since the sweep before.

  const aside = createAside();
  const begin = createBeginning({
    ...{ link, leaseMs, graceMs, onTrouble },
    process: deps.process,
    maxCrashes: options.maxCrashes,
    leaving: () => draining,
  });
  const leases = createLeases({ link, leaseMs, graceMs, log });

  /** Says a reason once, until a sweep and all between it and the next have gone well. */
  function onTrouble(error: unknown): void {
    calm = false;
    const reason = messageOf(error);
    if (reason !== lastTrouble) log?.warn({ reason }, "the queue ran into trouble; it tries again");
    lastTrouble = reason;
  }

  function wakeLater(lane: string, afterMs: number): void {
    const timer = setTimeout(() => {
      timers.delete(timer);
      void wake(lane);
    }, afterMs);
    timers.add(timer);
  }

  // === One lane =====================================================================================

  /** Handles the next update of a lane. What goes wrong with Redis here, the sweep mends. */
  async function work(lane: string): Promise<void> {
    if (draining) return await wake(lane);
    if (secluded) return wakeLater(lane, repeatMs);
    const begun = await begin(lane, "shared");
    await (begun.state === "suspect" ? workAlone(lane) : carryOut(lane, begun));
  }

  /**
   * Handles a suspect with nothing beside it: takes nothing more until what runs here has ended, and then the suspect. What runs
   * longer than suspects may be alone has it beside itself: whoever else has asked something waits no longer for that.
   */
  async function workAlone(lane: string): Promise<void> {
    if (secluded) return wakeLater(lane, repeatMs);
    const at = performance.now();
    if (at >= besideEndsAt) {
      seclusionEndsAt = at + (deps.aloneForMs ?? aloneForMs);
      besideEndsAt = seclusionEndsAt + besideForMs;
    } else if (at >= seclusionEndsAt) return await carryOut(lane, await begin(lane, "beside"));
    secluded = true;
    const paused = Promise.all(workers.map((worker) => worker.pause(true)));
    const waitsUntil = Math.max(seclusionEndsAt, at + leaseMs);
    let begun: Begun = { state: "suspect" };
    try {
      while (begun.state === "suspect" && atWork > 1 && !draining && performance.now() < waitsUntil) {
        await pause(leaseMs / 20);
        // By being asked for it stays the next suspect of all processes.
        begun = await begin(lane, "shared");
      }
      if (begun.state === "suspect" && draining) return await wake(lane);
      if (begun.state === "suspect" && atWork === 1) begun = await begin(lane, "alone");
      if (begun.state !== "suspect") return await carryOut(lane, begun);
    } finally {
      secluded = false;
      await paused;
      if (!draining) for (const worker of workers) void worker.resume();
    }
    await carryOut(lane, await begin(lane, "beside"));
  }

  async function carryOut(lane: string, begun: Begun): Promise<void> {
    if (begun.state === "later") return wakeLater(lane, begun.afterMs);
    if (begun.state === "nothing" || begun.state === "suspect") return;
    const { fence, takenAt, updateId, hash } = begun;
    const abort = new AbortController();
    const left = Promise.withResolvers<"aside">();
    const place = aside.place(() => {
      left.resolve("aside");
      if (begun.alone) void runStep(link, rejoinScript, lane, updateId).catch(onTrouble);
    });
    const held: Held = {
      lane,
      fence,
      updateId,
      abort,
      lost: false,
      vanished: false,
      ending: false,
      gone: Promise.withResolvers(),
    };
    const lease = leases.add(held, takenAt);
    const { stepAside } = place;
    const ended = conclude(held, begun.state === "doomed", { lease, stepAside }, hash).finally(() => {
      leases.remove(held);
      running.delete(ended);
      place.end();
    });
    running.set(ended, abort);
    // Behind the lanes that wait already: none takes all slots because much waits in it.
    const over = ended.then((state) => (state === "more" ? wake(lane) : undefined));
    // A handler that is deaf to the loss of its lane does not keep BullMQ's job, and so the lane, from another worker. One that
    // has stepped aside needs the job no more: the lane is its own by the lease.
    await Promise.race([over, held.gone.promise, left.promise]);
  }

  type Extras = Required<Pick<ActiveUpdate, "lease" | "stepAside">>;

  async function conclude(held: Held, doomed: boolean, extras: Extras, hash: Hash): Promise<string> {
    if (doomed) return await bury(held, hash, hash.doom ?? "", extras.stepAside);
    return await handle(held, { ...updateOf(held.updateId, hash), signal: held.abort.signal, ...extras }, hash);
  }

  /** Delivers an update and writes its end; resolves with what `endScript` says of the lane. */
  async function handle(held: Held, update: ActiveUpdate, hash: Hash): Promise<string> {
    void held.gone.promise.then(() => options.onLeaseLost?.(update));
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
        if (failures >= options.maxFailures || options.isHopeless?.(verdict.error))
          return await bury(held, hash, messageOf(verdict.error), update.stepAside);
        return await end(held, "failed", options.backoffMs(failures));
      }
    }
  }

  async function bury(held: Held, hash: Hash, reason: string, stepAside: (() => void) | undefined): Promise<string> {
    // A crash in between forgets no notice.
    if ((await end(held, "doomed", 0, reason)) === "lost") return "lost";
    // A notice that cannot be given does not hold up the lane, and one that waits no other.
    stepAside?.();
    await options.onDead(deadOf(updateOf(held.updateId, hash), reason)).catch(onTrouble);
    return await end(held, "dead", 0, reason);
  }

  /** Writes until Redis has answered: a lane must not move on past an end that is not there. */
  async function end(held: Held, how: string, backoffMs = 0, reason = ""): Promise<string> {
    const { lane, fence, updateId } = held;
    held.ending = how !== "doomed";
    for (let attempts = 0; ; attempts++) {
      try {
        const script = [lane, fence, updateId, how, now(), backoffMs, reason];
        const answer = String(await runStep(link, endScript, ...script));
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
        atWork++;
        try {
          await work(laneName(kind, job.data.conversation));
        } catch (error) {
          onTrouble(error);
        }
        atWork--;
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
      const jobs = Object.values(queueNames).map((name) => link.prefix + name);
      const lanes = (await runStep(link, sweepScript, leaseMs / 5, sweepLanes, leaseMs, ...jobs)) as string[];
      for (const lane of lanes) await wake(lane);
      if (calm) lastTrouble = "";
      calm = true;
    } catch (error) {
      onTrouble(error);
    }
  }
  const sweeps = setInterval(() => void sweep(), leaseMs / 5);

  async function drain(graceMs: number): Promise<number> {
    draining = true;
    for (const timer of timers) clearTimeout(timer);
    const paused = Promise.all(workers.map((worker) => worker.pause(true).catch(onTrouble)));
    await settle(running, graceMs);
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
      await withinTime(2_000, Promise.all(workers.map((worker) => worker.close().catch(onTrouble))), undefined);
      connection.disconnect();
    },
  };
}
