/**
 * Circuit breakers: a model that keeps failing is asked after the others for a while, then tried by one question at a time. They
 * only reorder. Each process has what it needs in memory, and hears of what others find out.
 */
import type { ModelError, ModelErrorKind } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Metrics } from "../base/metrics.ts";
import { withinTime } from "../base/within-time.ts";
import type { BreakerNews, SharedBreakers } from "../ports/breakers.ts";

/** What a call does to the breaker of its model. One of the last three ends it. */
export interface Passage {
  /** The model gave a sign of life. */
  alive(): void;
  completed(): void;
  failed(error: Pick<ModelError, "kind" | "retryAfterMs">): void;
  /** It ended without a verdict. */
  left(): void;
}

export interface Breakers {
  /**
   * Which of these models to ask, the earlier the better: the first that is not left alone, which may be one whose time is over
   * and that nobody else tries; else the one that is left alone for the shortest time.
   */
  choose(models: readonly string[]): Promise<Choice | undefined>;
  /** A call begins. */
  enter(choice: Choice): Passage;
  /** For how long it is still left alone, in milliseconds; 0 when it is not. */
  openForMs(model: string): number;
  /** Whether it is left alone for what only an operator can mend: when it answers again, nobody knows. */
  waitsForOperator(model: string): boolean;
}

export interface Choice {
  readonly model: string;
  /** It is tried whether it works again: nobody else does meanwhile. */
  readonly probe: boolean;
}

export interface BreakersDeps {
  readonly shared?: SharedBreakers | undefined;
  readonly log: Pick<Logger, "info" | "warn">;
  readonly metrics?: Pick<Metrics, "modelLeftAlone" | "modelPutBehind"> | undefined;
  /** A clock that never goes back. Milliseconds. */
  readonly now: () => number;
}

interface Breaker {
  /** In a row. */
  failures: number;
  /** How often it has been opened since the last whole answer. */
  trips: number;
  openUntil: number | undefined;
  byHand: boolean;
  /** As long as this somebody tries whether it works again. */
  probedUntil: number;
  /** Counts its openings: what a call has found out that began before the last one is no news. */
  era: number;
}

const failuresInARow = 3;
const shortestMs = 10_000;
const longestMs = 300_000;
/** What a provider asks for is believed up to here. */
const longestAskedMs = 3_600_000;
/** A call has shown by then whether its model lives. */
const probeMs = 75_000;
/** A model that has been alive for so long is on its way to a whole answer; many break off before. */
const steadyMs = 5_000;
/** Claims are answered by then, or count as granted. */
const claimWithinMs = 1_000;

/** What one failure does: opens the breaker, for a time that is known beforehand, or is one of several in a row. */
const verdicts: Partial<Readonly<Record<ModelErrorKind, "mended-by-hand" | "at-once" | "harmless">>> = {
  auth: "mended-by-hand",
  quota: "mended-by-hand",
  "rate-limit": "at-once",
  blind: "harmless",
  "bad-request": "harmless",
  "context-overflow": "harmless",
  "content-filter": "harmless",
  empty: "harmless",
  busy: "harmless",
};

/** Creates the breakers of a process, all of them closed. */
export function createBreakers({ shared, log, metrics, now }: BreakersDeps): Breakers {
  const breakers = new Map<string, Breaker>();

  function breakerOf(model: string): Breaker {
    const known = breakers.get(model);
    if (known !== undefined) return known;
    const fresh: Breaker = { failures: 0, trips: 0, openUntil: undefined, byHand: false, probedUntil: 0, era: 0 };
    breakers.set(model, fresh);
    return fresh;
  }

  function apply(news: BreakerNews): void {
    const { model, type } = news;
    const breaker = breakerOf(model);
    if (type === "failed") {
      if (breaker.openUntil === undefined) breaker.failures += 1;
      return;
    }
    breaker.probedUntil = 0;
    if (type === "released") return;
    if (type === "opened") {
      breaker.era += 1;
      breaker.trips = news.trips;
      breaker.failures = 0;
      breaker.openUntil = now() + news.forMs;
      breaker.byHand = news.byHand === true;
      metrics?.modelLeftAlone(model, true);
      return;
    }
    if (breaker.openUntil !== undefined) metrics?.modelLeftAlone(model, false);
    breaker.openUntil = undefined;
    // Signs of life are no whole answer: the next failure opens it again.
    breaker.failures = type === "closed" ? failuresInARow - 1 : 0;
    if (type === "cleared") breaker.trips = 0;
  }
  shared?.listen(apply);

  function tell(news: BreakerNews): void {
    apply(news);
    shared?.announce(news);
  }

  function open(model: string, kind: ModelErrorKind, retryAfterMs: number | undefined): void {
    const { trips } = breakerOf(model);
    const exponentialMs = Math.min(longestMs, shortestMs * 2 ** Math.min(trips, 10));
    const byHand = verdicts[kind] === "mended-by-hand";
    const leastMs = byHand ? longestMs : 0;
    const forMs = Math.max(leastMs, retryAfterMs ? Math.min(retryAfterMs, longestAskedMs) : exponentialMs);
    tell({ type: "opened", model, forMs, trips: openForMs(model) > 0 ? trips : trips + 1, ...(byHand && { byHand }) });
    // Of those that hear of it nobody counts it again.
    metrics?.modelPutBehind(model);
    log.warn(
      { model, kind, forMs: Math.round(forMs) },
      "a model keeps failing; for a while others are asked before it",
    );
  }

  function openForMs(model: string): number {
    return Math.max(0, (breakers.get(model)?.openUntil ?? 0) - now());
  }

  async function claim(model: string, breaker: Breaker): Promise<boolean> {
    breaker.probedUntil = now() + probeMs;
    // Where the others cannot be asked, each process tries for itself.
    return shared === undefined || (await withinTime(claimWithinMs, shared.claim(model, probeMs), true));
  }

  return {
    async choose(models) {
      for (const model of models) {
        const breaker = breakers.get(model);
        if (breaker?.openUntil === undefined) return { model, probe: false };
        if (now() < breaker.openUntil || now() < breaker.probedUntil) continue;
        if (await claim(model, breaker)) return { model, probe: true };
      }
      const [soonest] = models.toSorted(
        (a, b) => (breakers.get(a)?.openUntil ?? 0) - (breakers.get(b)?.openUntil ?? 0),
      );
      return soonest === undefined ? undefined : { model: soonest, probe: false };
    },
    enter: ({ model, probe }) => passage(model, probe),
    openForMs,
    waitsForOperator: (model) => openForMs(model) > 0 && breakers.get(model)?.byHand === true,
  };

  function passage(model: string, probe: boolean): Passage {
    const breaker = breakerOf(model);
    const { era } = breaker;
    let undecided = probe;
    let aliveSince: number | undefined;

    /** False when its verdict is no news: the breaker has been opened since. */
    function decide(): boolean {
      undecided = false;
      return breaker.era === era;
    }

    /** It answers; not yet as if nothing had been: the next failure opens it again. */
    function close(): void {
      if (breaker.openUntil === undefined || !decide()) return;
      tell({ type: "closed", model });
      log.info({ model }, "a model answers again");
    }

    function left(): void {
      if (undecided && decide()) tell({ type: "released", model });
    }

    return {
      alive() {
        if (breaker.openUntil === undefined) return;
        aliveSince ??= now();
        if (now() - aliveSince >= steadyMs) close();
      },
      completed() {
        if (!decide() || (breaker.failures === 0 && breaker.trips === 0)) return;
        close();
        tell({ type: "cleared", model });
      },
      failed({ kind, retryAfterMs }) {
        const verdict = verdicts[kind];
        // It has answered, whatever it thinks of the question; without a place it was not even asked.
        if (verdict === "harmless") return kind === "busy" ? left() : close();
        if (!decide()) return;
        // Asked all the same, because there was nobody else: only what it says of the time is news.
        if (!probe && openForMs(model) > 0 && !retryAfterMs) return;
        if (probe || verdict !== undefined || breaker.failures + 1 >= failuresInARow) open(model, kind, retryAfterMs);
        else tell({ type: "failed", model });
      },
      left,
    };
  }
}
