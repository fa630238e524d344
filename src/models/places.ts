/** The places at one provider: at most so many calls at once, first come, first served, over all processes where they share. */
import { callAfter } from "../base/long-wait.ts";
import type { SharedPlaces } from "../ports/places.ts";

/** What becomes of the wait for a place: it is left by the call; or the signal was aborted, or the time was over, before. */
export type Entry = (() => void) | "aborted" | "late";

export interface Places {
  /**
   * Queues for a place. `atOnce` resolves soon: whether there was one without waiting. `entry` resolves at the latest after
   * `withinMs`.
   */
  enter(withinMs: number, signal: AbortSignal): { readonly atOnce: Promise<boolean>; readonly entry: Promise<Entry> };
  /** A place may have come free in another process. */
  stir(): void;
}

export interface PlacesDeps {
  readonly provider: string;
  /** Left out: as many as anyone wants. */
  readonly limit: number | undefined;
  /** Left out: this process is the only one. */
  readonly shared?: SharedPlaces | undefined;
}

interface Waiter {
  readonly since: number;
  /** Takes the place. */
  admit(): void;
  /** There was none at once. */
  refuse(): void;
}

/** In case the news of a free place was lost, or whoever had it has died. */
const askAgainMs = 1_000;
const none = () => {};

/** Creates the places of a provider. */
export function createPlaces({ provider, limit, shared }: PlacesDeps): Places {
  const queue = new Set<Waiter>();
  let held = 0;
  let settling = false;
  let again = false;
  let timer: NodeJS.Timeout | undefined;

  /** Lets in so many of those that wait, if there are so many. */
  function admit(most: number): number {
    const first = [...queue].slice(0, Math.max(0, most));
    for (const waiter of first) waiter.admit();
    return first.length;
  }

  /** Brings this process' part of the count up to date, and lets in whoever may. */
  async function settle(most: number): Promise<void> {
    again = true;
    if (settling) return;
    settling = true;
    clearTimeout(timer);
    let told = true;
    while (again) {
      again = false;
      const waiting = [...queue];
      const at = performance.now();
      const waitedMs = waiting.map(({ since }) => at - since);
      try {
        const places = (await shared?.settle(provider, most, held, waitedMs)) ?? most - held;
        // Whoever has gone meanwhile leaves the place to others.
        if (admit(places) < places && shared !== undefined) again = true;
        told = true;
      } catch {
        // Each process by itself, until the others can be asked again.
        told = false;
        admit(most - held);
      }
      for (const waiter of waiting) if (queue.has(waiter)) waiter.refuse();
    }
    settling = false;
    if (shared !== undefined && (queue.size > 0 || !told)) {
      timer = setTimeout(() => void settle(most), askAgainMs).unref();
    }
  }

  return {
    enter(withinMs, signal) {
      if (limit === undefined) return { atOnce: Promise.resolve(true), entry: Promise.resolve(none) };
      const atOnce = Promise.withResolvers<boolean>();
      const entry = Promise.withResolvers<Entry>();
      const end = (how: Entry) => {
        queue.delete(waiter);
        cancel();
        signal.removeEventListener("abort", abort);
        atOnce.resolve(how !== "late");
        entry.resolve(how);
      };
      const leave = (how: Entry) => {
        end(how);
        void settle(limit);
      };
      const abort = () => leave("aborted");
      const waiter: Waiter = {
        since: performance.now(),
        admit() {
          held += 1;
          let left = false;
          end(() => {
            if (left) return;
            left = true;
            held -= 1;
            void settle(limit);
          });
        },
        refuse: () => atOnce.resolve(false),
      };
      queue.add(waiter);
      const cancel = callAfter(withinMs, () => leave("late"));
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      else void settle(limit);
      return { atOnce: atOnce.promise, entry: entry.promise };
    },
    stir() {
      if (limit !== undefined && (queue.size > 0 || held > 0)) void settle(limit);
    },
  };
}
