/** What this process holds of a shared queue: the heartbeat for all of it, and the interrupts that others send us. */
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { LeaseLostError, messageOf } from "../../base/errors.ts";
import type { Logger } from "../../base/log.ts";
import type { Lease } from "../../ports/fleet.ts";
import type { AbortReason } from "../../ports/queue.ts";
import { runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import type { Opening } from "./opening.ts";
import { type Presence, steadyNow } from "./presence.ts";
import { beatScript, lookScript } from "./upkeep-scripts.ts";

/** An update that this process handles. */
export interface Held {
  /** `kind:conversation`. */
  readonly lane: string;
  readonly fence: number;
  readonly updateId: number;
  readonly abort: AbortController;
  /** The name of this process under which Redis has it. */
  name: number;
  /** Another worker has taken the lane over. */
  lost: boolean;
  /** Nothing is stored of it any more. */
  vanished: boolean;
  /** Something of its answer is on the screen. */
  shown: boolean;
  /** Its handler is done, and its end is being written: when it stands in Redis already, that is no loss. */
  ending: boolean;
  /** Resolves then. */
  readonly gone: PromiseWithResolvers<"lost">;
  /** What of its turn is to be written with the end: conversation, the time before which that has expired, question, run. */
  closing?: readonly (string | number)[];
}

/** What the store of this engine finds in a lease of its own queue. */
export interface RedisLease extends Lease {
  readonly opening: Opening | undefined;
  /** Closes a turn together with the end of the update: until then a crash finds it not closed, and shows its end again. */
  closeAtEnd(conversation: string, oldest: number, question: number, run: number): void;
}

export interface LeasesOptions {
  readonly link: RedisLink;
  readonly presence: Presence;
  /** How long lanes stay ours without a heartbeat, and how long nobody is declared dead after an outage. Milliseconds. */
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly log?: Pick<Logger, "warn"> | undefined;
}

export interface Leases {
  add(held: Held, opening: Opening | undefined): RedisLease;
  remove(held: Held): void;
  /** Aborts an update if this process handles it. */
  cancel(updateId: number, reason: AbortReason): void;
  /** Sends a heartbeat now, unless one is on its way. Never rejects. */
  beat(): Promise<void>;
  /** Sends heartbeats no more, and lets nobody wait for one. */
  stop(): void;
}

/** Looked at in one script, so that no other command waits long behind it. */
const batch = 400;

/** Starts the heartbeat of one process. */
export function createLeases({ link, presence, leaseMs, graceMs, log }: LeasesOptions): Leases {
  const held = new Map<number, Held>();
  const everyMs = leaseMs / 5;
  const waiters: (() => void)[] = [];
  /** Since Redis was empty the last time, as far as this process has heard. */
  let era: string | undefined;
  /** Redis has lost everything, and not all lanes of before have been looked at since: whoever asks meanwhile is told so, too. */
  let emptied = false;
  /** The name that Redis has heard of. */
  let begun = 0;
  let beating = false;
  let failing = false;
  let stopped = false;

  function cancel(updateId: number, reason: AbortReason): void {
    interrupt(held.get(updateId), reason);
  }

  function interrupt(one: Held | undefined, reason: AbortReason): void {
    if (reason !== "joined" || one?.shown !== true) one?.abort.abort(reason);
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
      const known = emptied;
      // Without an update in hand, too: a worker that beats shows that there was no outage.
      if (!(await renew())) {
        presence.rename();
        await renew();
      }
      if (emptied && !known) {
        const line = "Redis has lost everything that was stored; what was being written is ended";
        log?.warn({ answers: held.size }, line);
      }
      const strange = ofBefore();
      for (let at = 0; at < strange.length; at += batch) await lookAt(strange.slice(at, at + batch));
      emptied &&= ofBefore().length > 0;
      failing = false;
    } catch (error) {
      if (!failing) log?.warn({ reason: messageOf(error) }, "the heartbeat does not reach Redis; trying again");
      failing = true;
    } finally {
      beating = false;
      for (const wake of waiters.splice(0)) wake();
    }
  }

  /** Those that stand under a name that this process had, and of which nobody knows yet what has become. */
  function ofBefore(): readonly Held[] {
    return [...held.values()].filter(({ name, lost, vanished }) => name !== presence.name && !lost && !vanished);
  }

  /** False when the present name has expired. */
  async function renew(): Promise<boolean> {
    const { name } = presence;
    const sentAt = steadyNow();
    const first = name === begun ? "" : "begin";
    const answer = await runStep(link, beatScript, leaseMs, graceMs, name, randomUUID(), first);
    const [lives, eraNow, cancelled] = answer as [number, string, string[]];
    emptied ||= era !== undefined && era !== eraNow;
    era = eraNow;
    if (lives === 0) return false;
    begun = name;
    presence.renewed(name, sentAt);
    for (let at = 0; at < cancelled.length; at += 2) {
      const [fence, reason] = (cancelled[at + 1] ?? "").split(" ");
      const one = held.get(Number(cancelled[at]));
      if (one?.fence === Number(fence)) interrupt(one, reason as AbortReason);
    }
    return true;
  }

  /** Asks what has become of these lanes; what is still ours stands under the present name from then on. */
  async function lookAt(some: readonly Held[]): Promise<void> {
    const { name } = presence;
    const covered = some.map((one) => presence.covers(one.name));
    const triples = some.flatMap(({ lane, fence, updateId }) => [lane, fence, updateId]);
    const states = (await runStep(link, lookScript, name, ...triples)) as string[] | null;
    for (const [index, one] of some.entries()) {
      const [state, reason] = states?.slice(2 * index, 2 * index + 2) ?? [];
      if (state === undefined) continue;
      if (state === "kept") {
        one.name = name;
        if (reason !== undefined && reason !== "") one.abort.abort(reason as AbortReason);
        continue;
      }
      // It may have ended meanwhile, in good order, though the answer that said so was lost on the way.
      if (held.get(one.updateId) !== one || one.ending) continue;
      // Another worker may have taken it over and ended it, but not within the lease, and not what Redis has lost.
      if (one.vanished || (state === "gone" && (covered[index] || emptied))) vanish(one);
      else lose(one);
    }
  }

  async function hold(one: Held): Promise<void> {
    for (;;) {
      if (one.vanished) return;
      if (one.lost || stopped) throw new LeaseLostError();
      if (presence.covers(one.name)) return;
      if (one.abort.signal.reason === "shutdown") throw new LeaseLostError();
      // Not called, not given up: the next heartbeat tells whether the lane is still ours.
      await nextBeat(one);
      if (!presence.covers(one.name) && !one.lost) await pause(everyMs / 2);
    }
  }

  function nextBeat(one: Held): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = one.abort;
      const wake = () => {
        // A long outage brings many of these waits.
        signal.removeEventListener("abort", wake);
        resolve();
      };
      waiters.push(wake);
      signal.addEventListener("abort", wake);
      void beat();
    });
  }

  async function look(one: Held): Promise<"held" | "vanished"> {
    for (;;) {
      if (one.vanished) return "vanished";
      if (one.lost || stopped) throw new LeaseLostError();
      const { name } = presence;
      try {
        await lookAt([one]);
        if (one.name === name && !one.lost && !one.vanished) return "held";
      } catch {
        // Asked again behind the next heartbeat.
      }
      if (one.lost || one.vanished) continue;
      await nextBeat(one);
      if (!one.lost && !one.vanished) await pause(everyMs / 2);
    }
  }

  /** Behind a connection that broke stands a Redis that may have forgotten the last moments: what it has of ours is looked at. */
  function startAnew(): void {
    presence.rename();
    void beat();
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
  link.commands.on("ready", startAnew);
  void beat();

  return {
    add(one, opening) {
      held.set(one.updateId, one);
      return {
        key: `${link.prefix}owner:${one.lane}`,
        fence: one.fence,
        hold: () => hold(one),
        look: () => look(one),
        opening,
        closeAtEnd(...closing) {
          one.closing = closing;
        },
      };
    },
    remove(one) {
      if (held.get(one.updateId) === one) held.delete(one.updateId);
    },
    cancel,
    beat,
    stop() {
      stopped = true;
      clearInterval(beats);
      link.commands.off("ready", startAnew);
      for (const wake of waiters.splice(0)) wake();
    },
  };
}
