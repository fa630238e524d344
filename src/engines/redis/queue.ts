/** The shared queue: updates and lanes in Redis, where each step is one script. */

import { messageOf, ParleyError } from "../../base/errors.ts";
import type { BesideLoop } from "../../base/in-hand.ts";
import type { Logger } from "../../base/log.ts";
import type { QueueView } from "../../ports/operators.ts";
import type {
  ConsumeOptions,
  Consumer,
  DeadUpdate,
  EnqueueResult,
  QueueStats,
  UpdateQueue,
} from "../../ports/queue.ts";
import type { IncomingUpdate } from "../../ports/updates.ts";
import { mostHangs } from "../lanes/suspects.ts";
import { deadOf } from "../lanes/worker.ts";
import { createRedisConsumer, type RedisConsumer } from "./consumer.ts";
import { enqueueScriptOf } from "./enqueue-script.ts";
import { eraseAside } from "./erasure.ts";
import { runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import { createPresence, type Presence } from "./presence.ts";
import { hashOf, laneName, updateOf } from "./updates.ts";
import { deadScript, drainLaneScript, eraseDeadScript, requeueScript, statsScript } from "./upkeep-scripts.ts";
import { createRedisView } from "./view.ts";

export interface RedisQueueOptions {
  readonly link: RedisLink;
  /** Updates that wait or run, in all. */
  readonly maxBacklog?: number;
  /** Updates that wait or run in one lane. */
  readonly maxLane?: number;
  /** After so long without a heartbeat another worker takes a lane over. Milliseconds. */
  readonly leaseMs?: number;
  /** See `suspects.ts`. Milliseconds. */
  readonly aloneForMs?: number;
  /** For how long a group waits for its next part, of whatever kind it is; see `groups.ts`. Milliseconds. */
  readonly quietMs?: number;
  /** How many of its conversation's newest exchanges are read together with a turn, when they are few; 0 when left out. */
  readonly exchanges?: number;
  readonly log?: Pick<Logger, "warn">;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export interface RedisQueue extends UpdateQueue {
  /** What a dashboard shows. */
  readonly view: QueueView;
  /** Whether a bot has ever used this prefix. */
  used(): Promise<boolean>;
  /** What a thread beside the loop does for this process. */
  readonly besideLoop: BesideLoop;
  /** The name under which it lives, while it has a consumer. */
  readonly presence: Pick<Presence, "name">;
}

/** What `beside-loop.js` is given. */
export interface BesideLoopData {
  readonly redis: RedisLink["options"];
  readonly prefix: string;
  readonly leaseMs: number;
  readonly presence: SharedArrayBuffer;
}

const laneFull = JSON.stringify({ reason: "lane-full" });
const hangsEveryMs = 2_000;
const mostExchanges = 50;
const deadAtOnce = 500;

/** Opens the queue. It uses the link's own connection; a consumer adds two, and the thread beside the loop one. */
export function createRedisQueue(options: RedisQueueOptions): RedisQueue {
  const { link, maxBacklog = 20_000, maxLane = 500, leaseMs = 5_000, exchanges = 0, log, now = Date.now } = options;
  const redis = link.commands;
  const presence = createPresence(leaseMs);
  const storing = new Set<number>();
  let consumer: RedisConsumer | undefined;
  /** Consumers that were drained before another one was started. */
  const former: (Promise<void> | undefined)[] = [];
  let hung: ReadonlySet<number> = new Set();
  let stopped = false;

  async function enqueue(update: IncomingUpdate): Promise<EnqueueResult> {
    if (stopped) throw new ParleyError("queue-stopped", "the queue takes no updates any more", { retryable: true });
    const { updateId, conversation, lane, interrupt, piece } = update;
    storing.add(updateId);
    try {
      const answer = await runStep(
        link,
        enqueueScriptOf(update),
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
        piece?.message ?? "",
        piece?.sender ?? "",
        piece?.units ?? "",
        piece?.group ?? "",
        piece?.follows ?? "",
        piece?.plain ? 1 : "",
        piece?.aside ? 1 : "",
        options.quietMs ?? "",
      );
      const [result, aborted] = answer as [EnqueueResult, string[]];
      // Other processes hear of it from Redis.
      if (interrupt !== undefined) for (const id of aborted) consumer?.cancel(Number(id), interrupt.kind);
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

  async function readDead(most: number, leftOut: number): Promise<DeadUpdate[]> {
    const found = (await runStep(link, deadScript, now(), most, leftOut)) as [string, string[]][];
    return found.map(([id, flat]) => {
      const hash = hashOf(flat);
      return deadOf(updateOf(Number(id), hash), hash.doom ?? "");
    });
  }

  async function stats(): Promise<QueueStats> {
    const at = now();
    const figures = (await runStep(link, statsScript, at)) as (number | string)[];
    const [waiting = 0, active = 0, delayed = 0, dead = 0, oldest = at] = figures.map(Number);
    return { waiting, active, delayed, dead, oldestWaitingMs: Math.max(0, at - oldest) };
  }

  return {
    presence,
    view: createRedisView(link, { stats }),
    async used() {
      // `bot` is claimed at each start; a queue that nobody has claimed may still hold something.
      const names = ["bot", "waiting", "running", "dead", "lanes", "beat:3"];
      return (await redis.exists(...names.map((name) => link.prefix + name))) > 0;
    },
    besideLoop: {
      module: new URL("beside-loop.js", import.meta.url).href,
      data: { redis: link.options, prefix: link.prefix, leaseMs, presence: presence.memory } satisfies BesideLoopData,
    },
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
      const created = createRedisConsumer({
        link,
        handler,
        options: consumeOptions,
        leaseMs,
        aloneForMs: options.aloneForMs,
        exchanges: exchanges > mostExchanges ? 0 : exchanges,
        presence,
        now,
        log,
      });
      consumer = created;
      return created;
    },
    stats,
    dead: {
      async list(limit) {
        return await readDead(limit, 0);
      },
      async erase(matches) {
        const ids: number[] = [];
        for (let read = 0; ; ) {
          const some = await readDead(deadAtOnce, read);
          if (some.length === 0) break;
          read += some.length;
          ids.push(...some.filter(matches).map(({ updateId }) => updateId));
        }
        const dead = ids.length === 0 ? 0 : Number(await runStep(link, eraseDeadScript, ...ids));
        return dead + (await eraseAside(link.commands, link.prefix, matches));
      },
      async requeue(updateId) {
        return (await runStep(link, requeueScript, updateId, now())) === 1;
      },
    },
    async drainLane(conversation, lane, reason) {
      return Number(await runStep(link, drainLaneScript, laneName(lane, conversation), now(), reason));
    },
    async stop() {
      stopped = true;
      clearInterval(hearing);
      await Promise.all([...former, consumer?.stop()]);
    },
  };
}
