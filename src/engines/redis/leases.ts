/** What this process holds of a shared queue: one heartbeat for all of it, and the interrupts that others send us. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LeaseLostError, messageOf } from "../../base/errors.ts";
import type { Lease } from "../../ports/fleet.ts";
import type { AbortReason } from "../../ports/queue.ts";
import { beatScript, runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";

/** An update that this process handles. */
export interface Held {
  /** `kind:conversation`. */
  readonly lane: string;
  readonly fence: number;
  readonly updateId: number;
  readonly abort: AbortController;
  /** Another worker has taken the lane over. */
  lost: boolean;
  /** Nothing is stored of it any more. */
  vanished: boolean;
  /** Its handler is done, and its end is being written: when it stands in Redis already, that is no loss. */
  ending: boolean;
  /** Resolves then. */
  readonly gone: PromiseWithResolvers<"lost">;
}

export interface LeasesOptions {
  readonly link: RedisLink;
  /** How long a lane stays ours without a heartbeat, and how long nobody is declared dead after an outage. Milliseconds. */
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly log?: { warn(fields: object, message: string): void } | undefined;
}

export interface Leases {
  /** From now on the heartbeat covers it. `takenAt` is the time of `performance.now()` before the lane was taken. */
  add(held: Held, takenAt: number): Lease;
  remove(held: Held): void;
  /** Aborts an update if this process handles it. */
  cancel(updateId: number, reason: AbortReason): void;
  /** Sends heartbeats no more, and lets nobody wait for one. */
  stop(): void;
}

/** Triples in one script, so that no other command waits long behind it. */
const batch = 400;

/** Starts the heartbeat of one process. */
export function createLeases({ link, leaseMs, graceMs, log }: LeasesOptions): Leases {
  const held = new Map<number, Held>();
  /** When the last good heartbeat of an update, or its taking, was sent. */
  const renewedAt = new WeakMap<Held, number>();
  const everyMs = leaseMs / 5;
  /** Short of the lease: the heartbeat may have been carried out a little before its answer says so. */
  const validMs = leaseMs * 0.8;
  const waiters: (() => void)[] = [];
  /** Since Redis was empty the last time, as far as this process has heard. */
  let era: string | undefined;
  let beating = false;
  let failing = false;
  let stopped = false;

  function cancel(updateId: number, reason: AbortReason): void {
    held.get(updateId)?.abort.abort(reason);
  }

  function lose(one: Held): void {
    if (one.lost) return;
    one.lost = true;
    one.gone.resolve("lost");
    one.abort.abort("lease-lost" satisfies AbortReason);
  }

  function vanish(one: Held): void {
    if (one.vanished) return;
    one.vanished = true;
    one.abort.abort("vanished" satisfies AbortReason);
  }

  async function beat(): Promise<void> {
    if (beating || stopped) return;
    beating = true;
    try {
      const all = [...held.values()];
      // Without an update in hand, too: a worker that beats shows that there was no outage.
      const before = era;
      for (let at = 0; at === 0 || at < all.length; at += batch) await renew(all.slice(at, at + batch), before);
      if (before !== undefined && era !== before) {
        log?.warn(
          { answers: all.length },
          "Redis has lost everything that was stored; what was being written is ended",
        );
      }
      failing = false;
    } catch (error) {
      if (!failing) log?.warn({ reason: messageOf(error) }, "the heartbeat does not reach Redis; it goes on");
      failing = true;
    } finally {
      beating = false;
      wakeWaiters();
    }
  }

  function wakeWaiters(): void {
    for (const wake of waiters.splice(0)) wake();
  }

  async function renew(some: readonly Held[], eraBefore: string | undefined): Promise<void> {
    const sentAt = performance.now();
    const triples = some.flatMap(({ lane, fence, updateId }) => [lane, fence, updateId]);
    const states = await runStep(link, beatScript, leaseMs, graceMs, randomUUID(), ...triples);
    const [eraNow = "", ...answers] = states as string[];
    era = eraNow;
    for (const [index, one] of some.entries()) {
      const [state, reason] = answers.slice(2 * index, 2 * index + 2);
      if (state !== "kept") {
        // It may have ended meanwhile, in good order, though the answer that said so was lost on the way.
        if (held.get(one.updateId) !== one || one.ending) continue;
        // Another worker may have taken it over and ended it, but not within the lease, and not what Redis has lost.
        const ours = sentAt - (renewedAt.get(one) ?? 0) < validMs || (eraBefore !== undefined && eraNow !== eraBefore);
        if (one.vanished || (state === "gone" && ours)) vanish(one);
        else lose(one);
        continue;
      }
      renewedAt.set(one, sentAt);
      if (reason !== undefined && reason !== "") one.abort.abort(reason as AbortReason);
    }
  }

  async function hold(one: Held): Promise<void> {
    for (;;) {
      if (one.vanished) return;
      if (one.lost || stopped) throw new LeaseLostError();
      if (performance.now() - (renewedAt.get(one) ?? 0) < validMs) return;
      if (one.abort.signal.reason === "shutdown") throw new LeaseLostError();
      // Not called, not given up: the next heartbeat tells whether the lane is still ours.
      await nextBeat(one);
      if (performance.now() - (renewedAt.get(one) ?? 0) >= validMs && !one.lost) await pause(everyMs / 2);
    }
  }

  function nextBeat(one: Held): Promise<void> {
    return new Promise((resolve) => {
      waiters.push(resolve);
      one.abort.signal.addEventListener("abort", () => resolve(), { once: true });
      void beat();
    });
  }

  async function look(one: Held): Promise<"held" | "vanished"> {
    for (const askedAt = performance.now(); ; ) {
      if (one.vanished) return "vanished";
      if (one.lost || stopped) throw new LeaseLostError();
      if ((renewedAt.get(one) ?? 0) >= askedAt) return "held";
      await nextBeat(one);
      if ((renewedAt.get(one) ?? 0) < askedAt && !one.lost && !one.vanished) await pause(everyMs / 2);
    }
  }

  const beats = setInterval(() => void beat(), everyMs);
  link.subscribe(
    "cancel",
    (message) => {
      const [updateId, reason] = message.split(" ");
      cancel(Number(updateId), reason as AbortReason);
    },
    // What was published while we did not listen stands in Redis.
    () => void beat(),
  );
  link.commands.on("ready", beat);
  void beat();

  return {
    add(one, takenAt) {
      held.set(one.updateId, one);
      renewedAt.set(one, takenAt);
      return { key: `${link.prefix}owner:${one.lane}`, fence: one.fence, hold: () => hold(one), look: () => look(one) };
    },
    remove(one) {
      if (held.get(one.updateId) === one) held.delete(one.updateId);
    },
    cancel,
    stop() {
      stopped = true;
      clearInterval(beats);
      link.commands.off("ready", beat);
      wakeWaiters();
    },
  };
}
