/** The ingress chain: addressed? rate limit, durable write. Both polling and webhook feed it; neither waits for a handler. */
import { limit } from "@grammyjs/ratelimiter";
import { Bot, Context, type NextFunction } from "grammy";
import type { Update, UserFromGetMe } from "grammy/types";
import { ParleyError, UnaddressableError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { EnqueueResult, UpdateQueue } from "../ports/queue.ts";
import type { RateLimiter } from "../ports/rate-limit.ts";
import type { Addressed, Refusal } from "../ports/updates.ts";

export interface IngressDeps {
  readonly token: string;
  /** Given, so that no `getMe` stands before the first update. */
  readonly me: UserFromGetMe;
  /**
   * Undefined: the update is none of our business; it is acknowledged and forgotten. Rejects with an `UnaddressableError` when
   * nothing can be made of it: it is acknowledged and kept among the dead.
   */
  address(update: Update): Promise<Addressed | undefined>;
  /** Of questions, and whatever else asks the model. */
  readonly rateLimiter: Pick<RateLimiter, "take">;
  /** Of commands and buttons. */
  readonly commandLimiter: Pick<RateLimiter, "take">;
  readonly queue: Pick<UpdateQueue, "enqueue" | "known">;
  readonly log: Pick<Logger, "warn">;
  /** Told each update's kind and what became of it. */
  onUpdate(
    kind: string,
    result: EnqueueResult | "ignored" | "rate-limited" | "failed" | "dead",
    updateId: number,
  ): void;
  /** Told of each update that waits in its own lane from now on, not refused and not a repetition. Must not throw. */
  onQueued?(update: Update, addressed: Addressed): void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

interface IngressContext extends Context {
  addressed?: Addressed;
  /** The update as it is stored. */
  body?: string;
  refusal?: Refusal;
}

export interface Ingress {
  /** Its `handleUpdate` resolves when the update is stored and rejects when it could not be. */
  readonly bot: Bot<IngressContext>;
  /** Stores a batch, each chat's updates in their order; rejects when any of it could not be stored. */
  accept(updates: readonly Update[]): Promise<void>;
}

/** Verdicts remembered for updates whose write failed. */
const rememberedVerdicts = 10_000;

/** Whether it is an update at all: without an id it can be neither known again nor confirmed. */
export function isUpdate(value: unknown): value is Update {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    "update_id" in value &&
    Number.isSafeInteger(value.update_id)
  );
}

/** Throws an `UnaddressableError` for what can be read and not written: JSON is read to any depth, and written by recursion. */
function bodyOf(update: Update): string {
  try {
    return JSON.stringify(update);
  } catch (error) {
    throw new UnaddressableError("its content is malformed (nested too deeply)", error);
  }
}

/** All of it, else what names it: whoever looks at the dead finds it either way. */
function deadBodyOf(update: Update): string {
  try {
    return bodyOf(update);
  } catch {
    return JSON.stringify({ update_id: update.update_id });
  }
}

/** Creates the ingress bot. */
export function createIngress(deps: IngressDeps): Ingress {
  const bot = new Bot<IngressContext>(deps.token, { botInfo: deps.me });
  /** What the limiter said of an update that is not stored yet: delivered again, it does not pay twice. */
  const verdicts = new Map<number, Refusal | undefined>();
  const handedOver = new WeakMap<Update, () => void>();

  bot.use(addressed);
  bot.use(rateLimit);
  bot.use(store);

  async function addressed(ctx: IngressContext, next: NextFunction): Promise<void> {
    let found: Addressed | undefined;
    try {
      found = await deps.address(ctx.update);
      if (found !== undefined) ctx.body = bodyOf(ctx.update);
    } catch (error) {
      if (!(error instanceof UnaddressableError)) throw error;
      return await keepDead(ctx.update, error.message);
    }
    if (found === undefined) {
      deps.onUpdate("unaddressed", "ignored", ctx.update.update_id);
      return;
    }
    ctx.addressed = found;
    await next();
  }

  async function rateLimit(ctx: IngressContext, next: NextFunction): Promise<void> {
    const { payer, question, piece } = ctx.addressed ?? {};
    const { update_id } = ctx.update;
    if (payer === undefined || (await deps.queue.known(update_id))) return await next();
    if (verdicts.has(update_id)) {
      const refusal = verdicts.get(update_id);
      if (refusal !== undefined) ctx.refusal = refusal;
      return await next();
    }
    const limiter = question === undefined ? deps.commandLimiter : deps.rateLimiter;
    const verdict = await limiter.take(payer, deps.now(), piece);
    const { tell, waitSeconds } = verdict;
    // The plugin counts hits in a store of its kind; ours has decided already and says it in numbers of hits.
    const decided = limit<IngressContext, { incr(): Promise<number>; pexpire(): Promise<number> }>({
      limit: 1,
      alwaysReply: true,
      keyGenerator: () => String(payer),
      storageClient: {
        incr: async () => (verdict.allowed ? 1 : tell ? 2 : 3),
        pexpire: async () => 1,
      },
      onLimitExceeded: (refused, proceed) => {
        refused.refusal = { reason: "rate", tell, waitSeconds };
        return proceed();
      },
    });
    return await decided(ctx, async () => {
      if (verdicts.size >= rememberedVerdicts) verdicts.clear();
      verdicts.set(update_id, ctx.refusal);
      await next();
    });
  }

  async function store(ctx: IngressContext): Promise<void> {
    const { update, refusal, body } = ctx;
    if (ctx.addressed === undefined || body === undefined) return;
    const { conversation, lane, question, interrupt, piece, kind } = ctx.addressed;
    const place =
      refusal === undefined
        ? { lane, question, interrupt, piece }
        : // Whatever else is refused, nobody has to watch an answer that they want to stop.
          { lane: "quick" as const, refusal, interrupt: interrupt?.kind === "stop" ? interrupt : undefined };
    const stored = deps.queue.enqueue({
      updateId: update.update_id,
      conversation,
      receivedAt: deps.now(),
      body,
      ...place,
    });
    handedOver.get(update)?.();
    let result: EnqueueResult;
    try {
      result = await stored;
    } catch (error) {
      deps.onUpdate(kind, "failed", update.update_id);
      throw error;
    }
    deps.onUpdate(kind, result === "queued" && refusal !== undefined ? "rate-limited" : result, update.update_id);
    if (result === "queued" && refusal === undefined) deps.onQueued?.(update, ctx.addressed);
    if (result === "full") {
      throw new ParleyError("backlog-full", "the backlog is full; Telegram keeps the update", { retryable: true });
    }
    if (result === "lane-full") deps.log.warn({ updateId: update.update_id, kind }, "a full lane dropped an update");
    verdicts.delete(update.update_id);
  }

  /** It would fail again at each repetition, and Telegram repeats it for a day: it is kept where an operator finds it. */
  async function keepDead(update: Update, dead: string): Promise<void> {
    const { update_id: updateId } = update;
    const place = { conversation: `update:${updateId}`, lane: "quick" as const };
    const stored = deps.queue.enqueue({
      updateId,
      ...place,
      receivedAt: deps.now(),
      body: deadBodyOf(update),
      dead,
    });
    handedOver.get(update)?.();
    const result = await stored;
    deps.onUpdate("unaddressable", result === "queued" ? "dead" : result, updateId);
    if (result === "queued")
      deps.log.warn({ updateId, reason: dead }, "an update is malformed; it is kept among the dead");
  }

  /** Updates of one value keep their order; one of which the chat cannot be told is a value of its own. */
  function chatOf(update: Update): unknown {
    try {
      return new Context(update, bot.api, deps.me).chatId ?? update;
    } catch {
      return update;
    }
  }

  return {
    bot,
    async accept(updates) {
      const writes: Promise<void>[] = [];
      /** One after another up to the write, or updates with a shorter way through the chain would overtake. */
      async function acceptInOrder(ofChat: readonly Update[]): Promise<void> {
        for (const update of ofChat) {
          const reached = new Promise<void>((resolve) => handedOver.set(update, resolve));
          const written = bot.handleUpdate(update);
          await Promise.race([reached, written.catch(() => undefined)]);
          writes.push(written);
        }
      }
      // Order counts within a chat; the chats of a batch need not wait for each other's round trips.
      const chats = Map.groupBy(updates, chatOf);
      await Promise.all([...chats.values()].map(acceptInOrder));
      await Promise.all(writes);
    },
  };
}
