/**
 * The shared queue: updates and lanes in Redis, where each step is one script, and BullMQ to tell the workers which lanes have
 * something to do. A lane has at most one job; a job that is lost is found by a sweep.
 */
import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { messageOf, ParleyError } from "../../base/errors.ts";
import type { RedisCommands } from "../../base/in-hand.ts";
import { withinTime } from "../../base/within-time.ts";
import type { QueueView } from "../../ports/operators.ts";
import type { ConsumeOptions, Consumer, EnqueueResult, QueueStats, UpdateQueue } from "../../ports/queue.ts";
import type { IncomingUpdate, LaneKind } from "../../ports/updates.ts";
import { mostHangs } from "../lanes/suspects.ts";
import { deadOf } from "../lanes/worker.ts";
import { type BullmqConsumer, createBullmqConsumer } from "./consumer.ts";
import { enqueueScript } from "./enqueue-script.ts";
import { hangNote, runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import { hashOf, type LaneJob, laneName, laneOf, queueNames, updateOf } from "./updates.ts";
import { deadScript, drainLaneScript, requeueScript, statsScript } from "./upkeep-scripts.ts";
import { createRedisView } from "./view.ts";

export interface BullmqQueueOptions {
  readonly link: RedisLink;
  /** Updates that wait or run, in all. */
  readonly maxBacklog?: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane?: number;
  /** After so long without a heartbeat another worker takes a lane over. Milliseconds. */
  readonly leaseMs?: number;
  /** See `suspects.ts`. Milliseconds. */
  readonly aloneForMs?: number;
  readonly log?: { error(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface BullmqQueue extends UpdateQueue {
  /** What a dashboard shows. */
  readonly view: QueueView;
  /** Whether a bot has ever used this prefix. */
  used(): Promise<boolean>;
  /** What the watchdog's thread tells Redis of this process. */
  readonly hangNote: { readonly hung: RedisCommands; readonly standing: RedisCommands };
}

const laneFull = JSON.stringify({ reason: "lane-full" });
/** A job that cannot be added in this time is left to the sweep. */
const wakeWithinMs = 1_500;
const hangsEveryMs = 2_000;
const kinds: readonly LaneKind[] = ["turn", "quick"];

/** Opens the queue. It uses the link's own connection; a consumer adds three. */
export function createBullmqQueue(options: BullmqQueueOptions): BullmqQueue {
  const { link, maxBacklog = 20_000, maxLane = 500, leaseMs = 5_000, log, now = Date.now } = options;
  const redis = link.commands;
  const process = randomUUID();
  const storing = new Set<number>();
  let consumer: BullmqConsumer | undefined;
  /** Consumers that were drained before another one was started. */
  const former: (Promise<void> | undefined)[] = [];
  let hung: ReadonlySet<number> = new Set();
  let stopped = false;

  function createLaneQueue(kind: LaneKind): Queue<LaneJob> {
    const queue = new Queue<LaneJob>(queueNames[kind], {
      connection: redis,
      prefix: link.prefix.slice(0, -1),
      skipVersionCheck: true,
      streams: { events: { maxLen: 100 } },
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // The link says that Redis is away, and every call has its own failure.
    queue.on("error", () => undefined);
    return queue;
  }
  const queues = { turn: createLaneQueue("turn"), quick: createLaneQueue("quick") };

  async function wake(lane: string): Promise<void> {
    const { kind, conversation } = laneOf(lane);
    // A lane that is just being handled gets its next job when this one ends.
    const deduplication = { id: conversation, keepLastIfActive: true };
    const added = queues[kind].add("drain", { conversation }, { deduplication }).catch((error: unknown) => {
      log?.warn({ reason: messageOf(error) }, "a lane could not be announced; it will be found");
    });
    await withinTime(wakeWithinMs, added, undefined);
  }

  async function enqueue(update: IncomingUpdate): Promise<EnqueueResult> {
    if (stopped) throw new ParleyError("queue-stopped", "the queue takes no updates any more", { retryable: true });
    const { updateId, conversation, lane, interrupt } = update;
    storing.add(updateId);
    try {
      const answer = await runStep(
        link,
        enqueueScript,
        updateId,
        conversation,
        lane,
        update.receivedAt,
        update.body,
        update.question ?? "",
        update.refusal === undefined ? "" : JSON.stringify(update.refusal),
        maxBacklog,
        maxLane,
        interrupt?.kind ?? "",
        interrupt !== undefined && interrupt.kind !== "edit" ? (interrupt.run ?? "") : "",
        interrupt?.kind === "edit" ? interrupt.question : "",
        laneFull,
        interrupt === undefined ? "" : JSON.stringify(interrupt),
        update.dead ?? "",
        now(),
      );
      const [result, lonely, aborted] = answer as [EnqueueResult, string[], string[]];
      // Other processes hear of it from Redis.
      if (interrupt !== undefined) for (const id of aborted) consumer?.cancel(Number(id), interrupt.kind);
      await Promise.all(lonely.map(wake));
      return result;
    } catch (error) {
      throw new ParleyError("storage-failed", `the update could not be stored: ${messageOf(error)}`, {
        retryable: true,
        cause: error,
      });
    } finally {
      storing.delete(updateId);
    }
  }

  async function hearOfHangs(): Promise<void> {
    const counts = await redis.hgetall(`${link.prefix}hangs`).catch(() => undefined);
    if (counts === undefined) return;
    hung = new Set(Object.keys(counts).flatMap((id) => (Number(counts[id]) >= mostHangs ? [Number(id)] : [])));
  }
  const hearing = setInterval(() => void hearOfHangs(), hangsEveryMs).unref();
  void hearOfHangs();

  async function stats(): Promise<QueueStats> {
    const at = now();
    const figures = (await runStep(link, statsScript, at)) as (number | string)[];
    const [waiting = 0, active = 0, delayed = 0, dead = 0, oldest = at] = figures.map(Number);
    return { waiting, active, delayed, dead, oldestWaitingMs: Math.max(0, at - oldest) };
  }

  return {
    view: createRedisView(link, { stats }),
    async used() {
      // `bot` is claimed at each start; a queue that nobody has claimed may still hold something.
      const names = ["bot", "waiting", "running", "dead", "lanes", "beat:2"];
      return (await redis.exists(...names.map((name) => link.prefix + name))) > 0;
    },
    hangNote: hangNote(link.prefix, process, leaseMs),
    enqueue,
    async known(updateId) {
      if (storing.has(updateId)) return true;
      const block = Math.floor(updateId / 32_768);
      return (await redis.getbit(`${link.prefix}seen:${block}`, updateId - block * 32_768)) === 1;
    },
    hung: (updateId) => hung.has(updateId),
    consume(handler, consumeOptions: ConsumeOptions): Consumer {
      if (consumer?.draining === false) throw new ParleyError("queue-consumed", "one consumer at a time");
      former.push(consumer?.stop());
      const created = createBullmqConsumer({
        link,
        handler,
        options: consumeOptions,
        leaseMs,
        aloneForMs: options.aloneForMs,
        process,
        now,
        wake,
        log,
      });
      consumer = created;
      return created;
    },
    stats,
    dead: {
      async list(limit) {
        const found = (await runStep(link, deadScript, now(), limit)) as [string, string[]][];
        return found.map(([id, flat]) => {
          const hash = hashOf(flat);
          return deadOf(updateOf(Number(id), hash), hash.doom ?? "");
        });
      },
      async requeue(updateId) {
        const lane = (await runStep(link, requeueScript, updateId, now())) as string | null;
        if (lane === null) return false;
        await wake(lane);
        return true;
      },
    },
    async drainLane(conversation, lane, reason) {
      return Number(await runStep(link, drainLaneScript, laneName(lane, conversation), now(), reason));
    },
    async stop() {
      stopped = true;
      clearInterval(hearing);
      await Promise.all([...former, consumer?.stop()]);
      // A Redis that is away would be waited for.
      await withinTime(1_000, Promise.all(kinds.map((kind) => queues[kind].close())), undefined);
    },
  };
}
