/** The rate limit in memory: one token bucket per user. */
import type { RateLimiter, RateVerdict } from "../../ports/rate-limit.ts";
import { type SharedToken, sharedForMs, sharedTokenOf } from "./groups.ts";

interface Bucket {
  tokens: number;
  /** Milliseconds since the epoch. */
  filledAt: number;
  toldAt: number;
}

/** What the first of a group was told. */
interface GroupVerdict {
  readonly verdict: RateVerdict;
  readonly firstAt: number;
  lastAt: number;
  count: number;
}

/** Verdicts of groups remembered. */
const mostGroups = 10_000;
/** Buckets kept before full ones are forgotten. */
const sweepAbove = 10_000;
/** What adding up fractions may lack of a whole token. */
export const roundingError = 1e-9;
/** Clocks of several processes differ by less; one that goes back further was set, and nobody knows how long it really was. */
export const clockSetMs = 60_000;

/**
 * One token bucket per user: it holds `burst` questions and is refilled at `messages` per window. A user over the limit is told
 * at most once a window.
 */
export function createTokenBucket(options: {
  readonly messages: number;
  readonly windowSeconds: number;
  readonly burst: number;
}): RateLimiter {
  const windowMs = options.windowSeconds * 1000;
  const perMs = options.messages / windowMs;
  const buckets = new Map<number, Bucket>();
  const groups = new Map<string, GroupVerdict>();
  let sweepAt = sweepAbove;

  /** The verdict that a message has from the one before it in its group. */
  function inherited(key: string, { ends, withinMs, most }: SharedToken, at: number): RateVerdict | undefined {
    const former = groups.get(key);
    if (former === undefined) return undefined;
    const { verdict, firstAt, lastAt, count } = former;
    const apart = Math.abs(at - lastAt) > withinMs || Math.abs(at - firstAt) > sharedForMs || count >= most;
    if (ends || apart) groups.delete(key);
    if (apart) return undefined;
    former.lastAt = Math.max(lastAt, at);
    former.count++;
    return { ...verdict, tell: false };
  }

  function fill(bucket: Bucket, at: number): void {
    if (at < bucket.filledAt - clockSetMs)
      Object.assign(bucket, { tokens: options.burst, filledAt: at, toldAt: Number.NEGATIVE_INFINITY });
    bucket.tokens = Math.min(options.burst, bucket.tokens + Math.max(0, at - bucket.filledAt) * perMs);
    bucket.filledAt = Math.max(bucket.filledAt, at);
  }

  function sweep(at: number): void {
    for (const [userId, bucket] of buckets) {
      fill(bucket, at);
      if (bucket.tokens >= options.burst && at - bucket.toldAt >= windowMs) buckets.delete(userId);
    }
    sweepAt = Math.max(sweepAbove, 2 * buckets.size);
  }

  function takeOne(userId: number, at: number): RateVerdict {
    if (buckets.size > sweepAt) sweep(at);
    const bucket = buckets.get(userId) ?? { tokens: options.burst, filledAt: at, toldAt: Number.NEGATIVE_INFINITY };
    buckets.set(userId, bucket);
    fill(bucket, at);
    if (bucket.tokens >= 1 - roundingError) {
      bucket.tokens = Math.max(0, bucket.tokens - 1);
      return { allowed: true, tell: false, waitSeconds: 0 };
    }
    const tell = at - bucket.toldAt >= windowMs;
    if (tell) bucket.toldAt = at;
    return {
      allowed: false,
      tell,
      waitSeconds: Math.max(1, Math.ceil((1 - bucket.tokens) / perMs / 1000 - roundingError)),
    };
  }

  return {
    async take(userId, at, piece) {
      const shared = piece && sharedTokenOf(piece);
      if (shared === undefined) return takeOne(userId, at);
      const key = `${userId} ${shared.group}`;
      const former = inherited(key, shared, at);
      if (former !== undefined) return former;
      const verdict = takeOne(userId, at);
      if (shared.ends) return verdict;
      if (groups.size >= mostGroups) groups.clear();
      groups.set(key, { verdict, firstAt: at, lastAt: at, count: 1 });
      return verdict;
    },
    async forget(userId) {
      buckets.delete(userId);
    },
  };
}
