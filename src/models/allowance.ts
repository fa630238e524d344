/** What one question may cost its user: time, by how its models fail, and calls. */
import { type ModelError, modelErrorFates } from "../base/errors.ts";

/** How long a model may take, in milliseconds. */
export interface Patience {
  /** To the status of the response. */
  readonly responseMs: number;
  /** To the first sign of life. */
  readonly firstTokenMs: number;
  /** To an answer that comes in one piece. */
  readonly wholeMs: number;
  /** Between two signs of life. */
  readonly silenceMs: number;
  /** In all. */
  readonly totalMs: number;
  /** For the usage, after the finish reason. */
  readonly usageMs: number;
  /** It has less time to respond than a model has that is asked first: its silence says little. */
  readonly hurried: boolean;
}

/** All in milliseconds. */
export interface Timers extends Omit<Patience, "responseMs" | "wholeMs" | "hurried"> {
  /** For all attempts together: when every model refused (4xx), failed otherwise, or said nothing. */
  readonly refusedMs: number;
  readonly failedMs: number;
  readonly silentMs: number;
  /** Before the first repeat; doubled for each further one. */
  readonly backoffMs: number;
  /** For a place at a provider, while others are left to be asked, and when it is the last. */
  readonly placeMs: number;
  readonly lastPlaceMs: number;
}

/** Somewhat below what is promised (30, 60 and 110 s), which counts to the message on the screen. */
export const defaultTimers: Timers = {
  firstTokenMs: 60_000,
  silenceMs: 30_000,
  totalMs: 600_000,
  usageMs: 1_000,
  refusedMs: 25_000,
  failedMs: 50_000,
  silentMs: 105_000,
  backoffMs: 500,
  placeMs: 20_000,
  lastPlaceMs: 300_000,
};

export interface Allowance {
  /** Takes a call; false when there is none left. */
  call(): boolean;
  /**
   * How long the next attempt may take, with `after` targets left behind it. `mayLoad`: its server may have to load the model
   * first, and sends no status until it has. `thinksLong`: it is told to, and some say nothing meanwhile.
   */
  patience(after: number, mayLoad: boolean, thinksLong?: boolean): Patience;
  /** The turn waited so long for its place at the provider: that counts against no limit. */
  waited(ms: number): void;
  /** A model was seen thinking for so long: that counts against the total alone. */
  thought(ms: number): void;
  /** An attempt failed, after so long without a sign of life. */
  failed(error: ModelError, tookMs: number): void;
  /** Whether a further target may be asked. */
  mayGoOn(): boolean;
  /** Milliseconds until the last target may be asked again; undefined when it shall not be. */
  repeatAfter(error: ModelError, repeats: number): number | undefined;
}

const maxCalls = 8;
const longestBackoffMs = 8_000;
/** As much of the time is kept for each target that is still to come, a fraction of the first token's time. */
const reserve = 0.25;
/** A target that has to hurry has at least this fraction of the limit's time to respond, so that it has a chance. */
const lateShare = 0.125;

/** Creates the allowance of one question, from now on. */
export function createAllowance(timers: Timers, now: () => number): Allowance {
  const startedMs = now();
  let waitedMs = 0;
  let thoughtMs = 0;
  let calls = 0;
  let limitMs = 0;
  let lastTookMs = 0;
  let hurried = false;

  const totalElapsed = (): number => now() - startedMs - waitedMs;
  const elapsed = (): number => now() - startedMs - waitedMs - thoughtMs;

  return {
    call: () => ++calls <= maxCalls,
    patience(after, mayLoad, thinksLong = false) {
      const silentMs = timers.silentMs - elapsed();
      // Of many targets each has at least its even share.
      const leftMs = Math.max(silentMs - after * reserve * timers.firstTokenMs, silentMs / (after + 1));
      const firstTokenMs = Math.max(1, Math.min(timers.firstTokenMs, leftMs));
      // Once one has failed, another failure must not come after its limit. A server that loads a model cannot be told from
      // one that will refuse at last, so as long as there is time for it, it may respond until a first token would have had to come
      // from a model that was asked at once.
      const late = limitMs > 0 && elapsed() > limitMs / 2;
      hurried = late || (limitMs > 0 && !mayLoad);
      const leastMs = limitMs * lateShare;
      const shareMs = Math.max(limitMs - elapsed() - after * leastMs, leastMs);
      const loadMs = limitMs > 0 ? timers.firstTokenMs - elapsed() : firstTokenMs;
      const responseMs = Math.max(1, Math.min(firstTokenMs, hurried ? shareMs : loadMs));
      return {
        responseMs,
        firstTokenMs: thinksLong && !late ? Math.max(firstTokenMs, leftMs) : firstTokenMs,
        wholeMs: late ? responseMs : Math.max(firstTokenMs, leftMs),
        silenceMs: timers.silenceMs,
        totalMs: Math.max(1, timers.totalMs - totalElapsed()),
        usageMs: timers.usageMs,
        hurried,
      };
    },
    waited(ms) {
      waitedMs += ms;
    },
    thought(ms) {
      thoughtMs += ms;
    },
    failed(error, tookMs) {
      lastTookMs = tookMs;
      // Waiting for a place is no failure of a model.
      if (error.kind === "busy") return;
      // Silence that was cut short gives no more time to others.
      if (!hurried || !isSilence(error)) limitMs = Math.max(limitMs, limitOf(error));
    },
    mayGoOn: () => calls < maxCalls && totalElapsed() < timers.totalMs && (limitMs === 0 || elapsed() < limitMs),
    repeatAfter(error, repeats) {
      if (!isRepeatable(error) || (error.kind === "empty" && repeats > 0) || calls >= maxCalls) return undefined;
      const backoffMs = Math.min(timers.backoffMs * 2 ** repeats, longestBackoffMs);
      const delayMs = error.retryAfterMs || backoffMs * (0.75 + Math.random() / 2);
      return elapsed() + delayMs + lastTookMs <= limitMs ? delayMs : undefined;
    },
  };

  function limitOf(error: ModelError): number {
    if (isSilence(error)) return timers.silentMs;
    const refused = error.status !== undefined && error.status >= 400 && error.status < 500;
    return refused ? timers.refusedMs : timers.failedMs;
  }
}

function isSilence(error: ModelError): boolean {
  return error.kind === "timeout" && error.status === undefined;
}

function isRepeatable(error: ModelError): boolean {
  return modelErrorFates[error.kind].repeat || error.status === 408;
}
