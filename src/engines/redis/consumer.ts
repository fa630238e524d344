/** A worker of the shared queue: it waits for lanes that are ready, takes as many as it has places for, and gives them back. */
import { setTimeout as pause } from "node:timers/promises";
import { messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import { withinTime } from "../../base/within-time.ts";
import type { AbortReason, ActiveUpdate, ConsumeOptions, Consumer } from "../../ports/queue.ts";
import type { LaneKind } from "../../ports/updates.ts";
import { createIntake } from "../lanes/intake.ts";
import { aloneForMs } from "../lanes/suspects.ts";
import { createAside, settle } from "../lanes/worker.ts";
import { createDelivery } from "./delivery.ts";
import { runStep } from "./lane-scripts.ts";
import { createLeases, type Held } from "./leases.ts";
import type { RedisLink } from "./link.ts";
import { createOpening } from "./opening.ts";
import type { Presence } from "./presence.ts";
import { createTaking, repeatMs, type Taken } from "./taking.ts";
import { laneOf } from "./updates.ts";
import { offerScript, rejoinScript, sweepScript } from "./upkeep-scripts.ts";

export interface RedisConsumerDeps {
  readonly link: RedisLink;
  readonly presence: Presence;
  readonly handler: (update: ActiveUpdate) => Promise<void>;
  readonly options: ConsumeOptions;
  readonly leaseMs: number;
  readonly aloneForMs?: number | undefined;
  /** See `RedisQueueOptions`. */
  readonly exchanges: number;
  readonly now: () => number;
  readonly log?: Pick<Logger, "warn"> | undefined;
}

export interface RedisConsumer extends Consumer {
  readonly draining: boolean;
  /** Aborts an update if it runs here. */
  cancel(updateId: number, reason: AbortReason): void;
  /** Drains, and closes its connections. */
  stop(): Promise<void>;
}

const sweepLanes = 1_000;
/** Lanes taken at once: others wait for lanes, too. */
const takenAtOnce = 16;
/** A connection on which nothing comes back any more is found out behind this. Seconds. */
const waitSeconds = 2;
/** After its suspects have run alone for as long as they may, a process lets further ones run beside others for so long. */
const besideForMs = 10 * 60_000;
const kinds: readonly LaneKind[] = ["turn", "quick"];

type Runnable = Extract<Taken, { state: "run" | "doomed" }>;

/** Starts a worker. Its connections: one for each kind of lane, on which it waits. */
export function createRedisConsumer(deps: RedisConsumerDeps): RedisConsumer {
  const { link, presence, options, leaseMs, now, log } = deps;
  /** Processes that lost the same Redis come back within about a second of each other. */
  const graceMs = leaseMs / 2;
  const running = new Map<Promise<void>, AbortController>();
  const timers = new Set<NodeJS.Timeout>();
  const free = { turn: options.turnSlots, quick: options.quickSlots };
  /** Lanes that have a place here, and questions for lanes that are under way. */
  let atWork = 0;
  /** One lane is to be the only one. */
  let secluded = false;
  /** Of `performance.now()`: until then suspects run alone here, and for a while after it beside others. */
  let [seclusionEndsAt, besideEndsAt] = [0, 0];
  let changed = Promise.withResolvers<void>();
  let draining = false;
  let stayed = 0;
  let drained: Promise<number> | undefined;
  let lastTrouble = "";
  let calm = true; // No trouble since the sweep before.

  const aside = createAside();
  const leases = createLeases({ link, presence, leaseMs, graceMs, log });
  const common = { link, leaving: () => draining, onTrouble };
  const delivery = createDelivery({ ...common, handler: deps.handler, options, now });
  const taking = createTaking({
    ...{ ...common, presence, leaseMs, graceMs },
    maxCrashes: options.maxCrashes,
    exchanges: deps.exchanges,
    beat: leases.beat,
  });

  /** Says a reason once, until a sweep and all between it and the next have gone well. */
  function onTrouble(error: unknown): void {
    calm = false;
    const reason = messageOf(error);
    if (reason !== lastTrouble) log?.warn({ reason }, "the queue ran into trouble; trying again");
    lastTrouble = reason;
  }

  function change(): void {
    changed.resolve();
    changed = Promise.withResolvers();
  }

  function offer(lane: string): void {
    void runStep(link, offerScript, lane).catch(onTrouble);
  }

  /** For who is leaving, the sweep of another one does it. */
  function offerLater(lane: string, afterMs: number): void {
    if (draining) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      offer(lane);
    }, afterMs);
    timers.add(timer);
  }

  // === One lane =====================================================================================

  /** What goes wrong with Redis here, the sweep mends. */
  function start(taken: Taken): void {
    if (taken.state === "later") offerLater(taken.lane, taken.afterMs);
    else if (taken.state === "suspect") void runAlone(taken.lane).catch(onTrouble);
    else if (taken.state !== "nothing") void run(taken);
  }

  /**
   * Handles a suspect with nothing beside it: takes nothing more until what runs here has ended, and then the suspect. What runs
   * longer than suspects may be alone has it beside itself: whoever else has asked something waits no longer for that.
   */
  async function runAlone(lane: string): Promise<void> {
    if (secluded) return offerLater(lane, repeatMs);
    const at = performance.now();
    if (at >= besideEndsAt) {
      seclusionEndsAt = at + (deps.aloneForMs ?? aloneForMs);
      besideEndsAt = seclusionEndsAt + besideForMs;
    } else if (at >= seclusionEndsAt) return start(await taking.one(lane, "beside"));
    secluded = true;
    const waitsUntil = Math.max(seclusionEndsAt, at + leaseMs);
    let taken: Taken = { lane, state: "suspect" };
    try {
      while (taken.state === "suspect" && atWork > 0 && !draining && performance.now() < waitsUntil) {
        await pause(leaseMs / 20);
        // By being asked for it stays the next suspect of all processes.
        taken = await taking.one(lane, "shared");
      }
      if (taken.state === "suspect" && draining) return offer(lane);
      if (taken.state === "suspect" && atWork === 0) taken = await taking.one(lane, "alone");
      if (taken.state === "run" || taken.state === "doomed") {
        const ended = run(taken).then(() => true);
        const leftMs = Math.max(0, seclusionEndsAt - performance.now());
        // It has crashed nothing for so long: all others go on beside it.
        if (!(await withinTime(leftMs, ended, false))) rejoin(taken);
        return;
      }
    } finally {
      secluded = false;
      change();
    }
    start(taken.state === "suspect" ? await taking.one(lane, "beside") : taken);
  }

  /** Lets others run beside a suspect again. */
  function rejoin({ alone, lane, updateId }: Runnable): void {
    if (alone) void runStep(link, rejoinScript, lane, updateId).catch(onTrouble);
  }

  /** Resolves when the lane needs its place no more: it has ended, has stepped aside, or was lost. */
  async function run(taken: Runnable): Promise<void> {
    const { lane, fence, name, updateId, hash } = taken;
    const { kind, conversation } = laneOf(lane);
    const abort = new AbortController();
    const leaving = Promise.withResolvers<void>();
    const place = aside.place(() => {
      leaving.resolve();
      rejoin(taken);
    });
    const { stepAside } = place;
    const held: Held = {
      ...{ lane, fence, name, updateId, abort },
      ...{ lost: false, vanished: false, shown: false, ending: false },
      gone: Promise.withResolvers(),
    };
    const question = hash.question === undefined ? undefined : Number(hash.question);
    const opening = taken.opening && createOpening(conversation, question, deps.exchanges, taken.opening);
    const lease = leases.add(held, opening);
    free[kind]--;
    atWork++;
    const doom = taken.state === "doomed" ? (hash.doom ?? "") : undefined;
    const ended = (
      doom === undefined
        ? delivery.handle(held, hash, { lease, stepAside }).then((stays) => void (stays && stayed++))
        : delivery.bury(held, hash, doom, stepAside)
    ).finally(() => {
      leases.remove(held);
      running.delete(ended);
      place.end();
    });
    running.set(ended, abort);
    // A handler that is deaf to the loss of its lane keeps no place.
    await Promise.race([ended, held.gone.promise, leaving.promise]);
    free[kind]++;
    atWork--;
    change();
  }

  // === All lanes ====================================================================================

  const intake = options.loop === undefined ? undefined : createIntake(options.loop, change);

  /** How many lanes of this kind may be taken now; when none, `changed` resolves before that is different. */
  function room(kind: LaneKind): number {
    if (secluded) return 0;
    const most = kind === "turn" ? intake?.room(options.turnSlots - free.turn) : undefined;
    return Math.min(takenAtOnce, free[kind], most ?? takenAtOnce);
  }

  /** Takes lanes of this kind as they become ready, until the process leaves. */
  async function serve(kind: LaneKind): Promise<void> {
    while (!draining) {
      try {
        if (room(kind) === 0) await changed.promise;
        else if ((await waiting[kind].bzpopmin(`${link.prefix}wake:${kind}`, waitSeconds)) !== null)
          await takeReady(kind);
      } catch (error) {
        if (draining) return;
        onTrouble(error);
        await pause(repeatMs);
      }
    }
  }

  async function takeReady(kind: LaneKind): Promise<void> {
    // Told, and not able any more: another worker is.
    const most = draining ? 0 : room(kind);
    if (most === 0) return await rouse(kind);
    atWork++;
    try {
      for (const taken of await taking.ready(kind, most)) {
        if (kind === "turn") intake?.began();
        start(taken);
      }
    } finally {
      atWork--;
    }
  }

  async function rouse(kind: LaneKind): Promise<void> {
    await link.commands.zadd(`${link.prefix}wake:${kind}`, 0, "1").catch(onTrouble);
  }

  async function sweep(): Promise<void> {
    try {
      await runStep(link, sweepScript, leaseMs / 5, sweepLanes);
      if (calm) lastTrouble = "";
      calm = true;
    } catch (error) {
      onTrouble(error);
    }
  }
  const sweeps = setInterval(() => void sweep(), leaseMs / 5);

  const waiting = { turn: link.connect("turns"), quick: link.connect("commands") };
  const serving = kinds.map(serve);

  async function drain(milliseconds: number): Promise<number> {
    draining = true;
    intake?.stop();
    for (const timer of timers) clearTimeout(timer);
    for (const kind of kinds) waiting[kind].disconnect();
    change();
    await settle(running, milliseconds);
    await Promise.all(serving);
    await Promise.all(running.keys());
    // What we were told of and have not taken, others hear of.
    await Promise.all(kinds.map(rouse));
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
    },
  };
}
