/** What is counted, in Prometheus' terms. No label is ever a person's id, name or text. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { withinTime } from "./within-time.ts";

/** The figures of `/stats`, since the process started. */
export interface Summary {
  /** Answers that ended, in whatever way. */
  readonly requests: number;
  /** Those that failed or came empty. */
  readonly errors: number;
  /** Milliseconds from question to final text, over the latest answers; undefined before the first. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly uptimeSeconds: number;
}

/** What the gauges of the queue show. */
type QueueFigures = Readonly<Record<"waiting" | "active" | "delayed" | "dead" | "oldestWaitingMs", number>>;

export interface Metrics {
  /** An update arrived; `kind` is Telegram's name of it, `result` what became of it. */
  updateReceived(kind: string, result: string): void;
  /** An update of a full lane was dropped. */
  laneFullDropped(): void;
  /** A user's update was over the rate limit. */
  rateLimited(): void;
  /** An answer ended; of the outcomes `failed` and `empty` are errors. */
  turnEnded(outcome: string): void;
  /** A kept answer was given again; no model was asked. */
  answerCached(): void;
  /** Milliseconds from the question's arrival to the first text on the screen. */
  firstTextShown(ms: number): void;
  /** Milliseconds from the question's arrival to the final text on the screen. */
  finalShown(ms: number): void;
  /** Milliseconds from the call of a model to its first token. `model` is `provider/model`. */
  modelFirstToken(model: string, ms: number): void;
  /** A call of a model ended: `complete`, `aborted`, or the kind of its error. */
  modelCalled(model: string, outcome: string): void;
  /** A model that keeps failing is asked after the others from now on, or is not any more. */
  modelLeftAlone(model: string, alone: boolean): void;
  /** This process has found out that a model keeps failing. */
  modelPutBehind(model: string): void;
  /** A call of a model has used so many, the cached ones among the input. */
  tokensUsed(call: {
    readonly model: string;
    readonly inputTokens: number;
    readonly cachedTokens: number;
    readonly outputTokens: number;
  }): void;
  /** A call of the Bot API was answered with this HTTP status, or `network` when it was not. */
  telegramCalled(method: string, status: number | "network"): void;
  /** Telegram asked (429) to leave a chat alone for so long. Milliseconds. */
  telegramHeld(ms: number): void;
  /** An update was stored. Milliseconds that it took. */
  enqueued(ms: number): void;
  /** A handler threw; its update is tried again, or dead. */
  deliveryFailed(): void;
  /** An update was delivered again: after a failure, a crash or a shutdown. */
  deliveryRetried(): void;
  updateDied(): void;
  /** Another worker has taken over what this one was handling. */
  leaseLost(): void;
  /** Whether this process is the one that polls. */
  pollerElected(isPoller: boolean): void;
  /** Telegram has said how the webhook is doing: how many updates it has not delivered yet, and whether it can deliver. */
  webhookSeen(pendingUpdates: number, ok: boolean): void;
  /** The rate limiter could not reach its store, and let an update through. */
  rateLimiterFailed(): void;
  /** Reads the queue at each scrape from now on. */
  watchQueue(stats: () => Promise<QueueFigures>): void;
  summary(): Summary;
  /** Everything, in Prometheus' text format. Answers within a second, also when the queue does not. */
  text(): Promise<string>;
}

/** Answers whose latency `/stats` looks at. */
const remembered = 1000;
const queueWithinMs = 500;
/** Seconds: from what feels immediate to the end of the longest answer. */
const buckets = [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 7.5, 10, 15, 30, 60, 120, 300, 600];

/** Creates the metrics of one process, in a registry of their own. */
export function createMetrics(options: { readonly now?: () => number } = {}): Metrics {
  const now = options.now ?? (() => performance.now());
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  // Gauges with a counter's name, and only the sums of those without `_total`.
  for (const what of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${what}_total`);

  function counter<L extends string>(name: string, help: string, ...labelNames: L[]): Counter<L> {
    return new Counter({ name: `parley_${name}`, help, labelNames, registers });
  }
  function durations<L extends string>(name: string, help: string, ...labelNames: L[]): Histogram<L> {
    return new Histogram({ name: `parley_${name}_seconds`, help, labelNames, buckets, registers });
  }

  const updates = counter("updates_total", "Updates by kind and by what became of them", "kind", "result");
  const dropped = counter("lane_full_total", "Updates dropped because their lane was full");
  const limited = counter("rate_limited_total", "Updates over their user's rate limit");
  const turns = counter("turns_total", "Answers by how they ended", "outcome");
  const cachedAnswers = counter("cached_answers_total", "Answers that had been kept; no model was asked");
  const firstText = durations("time_to_first_text", "Question's arrival to first text on the screen");
  const final = durations("time_to_final", "Question's arrival to final text on the screen");
  const firstToken = durations("model_first_token", "Call of the model to its first token", "model");
  const calls = counter("model_calls_total", "Calls of models by how they ended", "model", "outcome");
  const alone = new Gauge({
    name: "parley_model_breaker_open",
    help: "1 while a model that keeps failing is asked after the others",
    labelNames: ["model"],
    registers,
  });
  const openings = counter("model_breaker_openings_total", "Times a model that kept failing was put behind", "model");
  const tokens = counter("tokens_total", "Tokens; cached ones are part of the input", "model", "kind");
  const telegram = counter("telegram_calls_total", "Calls of the Bot API by HTTP status", "method", "status");
  const holds = counter("telegram_holds_total", "Times Telegram asked to leave a chat alone (429)");
  const held = counter("telegram_hold_seconds_total", "Seconds Telegram asked to wait in all (429)");

  const enqueues = new Histogram({
    name: "parley_enqueue_seconds",
    help: "Time to store an update, which Telegram waits for",
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    registers,
  });
  const failures = counter("delivery_failures_total", "Deliveries whose handler threw; retried, or dead");
  const retries = counter("redeliveries_total", "Updates delivered again, after a failure, a crash or a shutdown");
  const deaths = counter("dead_updates_total", "Updates that were given up");
  const lostLeases = counter("lease_losses_total", "Updates that another worker took over while this one handled them");
  const passed = counter("rate_limiter_failures_total", "Updates let through because the limiter's store failed");
  const undelivered = new Gauge({
    name: "parley_webhook_pending_updates",
    help: "Updates that Telegram has not delivered to the webhook yet",
    registers,
  });
  const webhookUp = new Gauge({
    name: "parley_webhook_up",
    help: "0 when Telegram cannot deliver to the webhook, or delivers elsewhere",
    registers,
  });
  // A process without a webhook has neither.
  for (const gauge of [undelivered, webhookUp]) gauge.remove();
  const poller = new Gauge({ name: "parley_poller", help: "1 in the process that polls Telegram", registers });

  let readQueue: (() => Promise<QueueFigures>) | undefined;
  let reading: Promise<QueueFigures | undefined> | undefined;

  async function readStats(): Promise<QueueFigures | undefined> {
    return await readQueue?.();
  }

  /** One reading serves the gauges of one scrape. */
  function queueStats(): Promise<QueueFigures | undefined> {
    reading ??= withinTime(queueWithinMs, readStats(), undefined).finally(() => {
      reading = undefined;
    });
    return reading;
  }

  new Gauge({
    name: "parley_queue_updates",
    help: "Updates in the queue; delayed ones are part of the waiting",
    labelNames: ["state"],
    registers,
    async collect() {
      const stats = await queueStats();
      // A queue that does not answer shows no depth: an old figure would look healthy.
      this.reset();
      if (stats === undefined) return;
      for (const state of ["waiting", "active", "delayed", "dead"] as const) this.set({ state }, stats[state]);
    },
  });
  new Gauge({
    name: "parley_queue_up",
    help: "1 when the queue answered in time; with REDIS_URL it is Redis that did or did not",
    registers,
    async collect() {
      if (readQueue === undefined) this.remove();
      else this.set((await queueStats()) === undefined ? 0 : 1);
    },
  });
  new Gauge({
    name: "parley_queue_oldest_waiting_seconds",
    help: "Age of the oldest update that waits",
    registers,
    async collect() {
      const stats = await queueStats();
      if (stats === undefined) this.remove();
      else this.set(stats.oldestWaitingMs / 1000);
    },
  });

  const startedAt = now();
  const latenciesMs: number[] = [];
  let finals = 0;
  let requests = 0;
  let errors = 0;

  return {
    updateReceived: (kind, result) => updates.inc({ kind, result }),
    laneFullDropped: () => dropped.inc(),
    rateLimited: () => limited.inc(),
    turnEnded(outcome) {
      turns.inc({ outcome });
      requests += 1;
      if (outcome === "failed" || outcome === "empty") errors += 1;
    },
    answerCached: () => cachedAnswers.inc(),
    firstTextShown: (ms) => firstText.observe(ms / 1000),
    finalShown(ms) {
      final.observe(ms / 1000);
      latenciesMs[finals % remembered] = ms;
      finals += 1;
    },
    modelFirstToken: (model, ms) => firstToken.observe({ model }, ms / 1000),
    modelCalled: (model, outcome) => calls.inc({ model, outcome }),
    modelLeftAlone: (model, isAlone) => alone.set({ model }, isAlone ? 1 : 0),
    modelPutBehind: (model) => openings.inc({ model }),
    tokensUsed({ model, inputTokens, cachedTokens, outputTokens }) {
      tokens.inc({ model, kind: "input" }, inputTokens);
      tokens.inc({ model, kind: "cached" }, cachedTokens);
      tokens.inc({ model, kind: "output" }, outputTokens);
    },
    telegramCalled: (method, status) => telegram.inc({ method, status }),
    telegramHeld(ms) {
      holds.inc();
      held.inc(ms / 1000);
    },
    enqueued: (ms) => enqueues.observe(ms / 1000),
    deliveryFailed: () => failures.inc(),
    deliveryRetried: () => retries.inc(),
    updateDied: () => deaths.inc(),
    leaseLost: () => lostLeases.inc(),
    webhookSeen(pendingUpdates, ok) {
      undelivered.set(pendingUpdates);
      webhookUp.set(ok ? 1 : 0);
    },
    pollerElected: (isPoller) => poller.set(isPoller ? 1 : 0),
    rateLimiterFailed: () => passed.inc(),
    watchQueue(stats) {
      readQueue = stats;
    },
    summary() {
      const sorted = latenciesMs.toSorted((a, b) => a - b);
      return {
        requests,
        errors,
        p50Ms: percentile(sorted, 0.5),
        p95Ms: percentile(sorted, 0.95),
        uptimeSeconds: Math.floor((now() - startedAt) / 1000),
      };
    },
    text: () => registry.metrics(),
  };
}

/** The smallest value that at least this share of the values does not exceed. */
function percentile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}
