/** The lanes in memory: which update is next in each, and which lane may run. Knows no disk and no handler. */
import { longestTimerMs } from "../../base/long-wait.ts";
import type { AbortReason } from "../../ports/queue.ts";
import type { ConversationId, LaneKind } from "../../ports/updates.ts";

/**
 * - `waiting`: for its turn, or for its back-off to pass.
 * - `running`: its handler was called and has not returned.
 * - `failing`: its handler threw; the failure is on its way to the disk, then it waits again.
 * - `ending`: it is over for good; the end is on its way to the disk.
 */
type Phase = "waiting" | "running" | "failing" | "ending";

/** An update that is not finished. Its body stays on disk until a worker takes it. */
export interface Entry {
  readonly updateId: number;
  readonly conversation: ConversationId;
  readonly lane: LaneKind;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  phase: Phase;
  /** It was there when this process began. */
  readonly inherited: boolean;
  /** Nothing else runs beside it. */
  alone: boolean;
  /** Deliveries so far. */
  attempts: number;
  /** Deliveries whose handler threw. */
  failures: number;
  /** Deliveries that died with the process. */
  crashes: number;
  /** Of these, the ones in which nothing else ran. */
  loneCrashes: number;
  /** Deliveries in which the process hung in its very work. */
  readonly hangs: number;
  /** Of `performance.now()`, which nobody sets; 0 when it does not wait for a back-off. */
  dueAt: number;
  /** What an interrupt decided about it. */
  cancelled: AbortReason | undefined;
  /** Why it is to be buried without another delivery. */
  doom: string | undefined;
  /** Aborts the signal of the running delivery. */
  abort: ((reason: AbortReason) => void) | undefined;
  /** Tells the running delivery that an interrupt of it is being stored. */
  warn: (() => void) | undefined;
}

/** Where an update stands in its lane. */
export type Place = { readonly before: number } | { readonly behind: number };

export interface Lanes {
  /** Updates in all lanes, running ones included. */
  readonly size: number;
  find(updateId: number): Entry | undefined;
  entries(): Iterable<Entry>;
  /** The first update of a lane: the one that runs, if one does. */
  first(conversation: ConversationId, lane: LaneKind): Entry | undefined;
  /** Adds an update, at the end of its lane when no place is given. */
  add(entry: Entry, place?: Place): void;
  remove(updateId: number): void;
  /**
   * These run first, one by one, each with nothing beside it, where they can run at once; after so long without a crash all
   * others run beside them. Milliseconds.
   */
  isolate(suspects: readonly Entry[], forMs: number): void;
  /** Lets others run beside an entry again. */
  rejoin(entry: Entry): void;
  /** The next update of the lane whose turn it is; the lane is busy until `free`. */
  take(kind: LaneKind): Entry | undefined;
  /** Lets the lane of a taken update move on: with that update again unless it was removed. */
  free(entry: Entry): void;
  /** Looks again whether the lane of an entry may run, after its due time changed. */
  touch(entry: Entry): void;
  /** Ends all waiting for due times. */
  stop(): void;
}

interface Lane {
  readonly key: string;
  readonly kind: LaneKind;
  /** In order; the running one is the first. */
  readonly entries: Entry[];
  busy: boolean;
  timer: NodeJS.Timeout | undefined;
}

/** Names a lane; a conversation has two. */
export function laneKey(conversation: ConversationId, lane: LaneKind): string {
  return `${lane} ${conversation}`;
}

export interface LanesDeps {
  /** Called whenever a lane has something to take. */
  onReady(): void;
  /** Others may run beside this entry from now on, which goes on. */
  onRejoined(entry: Entry): void;
}

/** Creates empty lanes. */
export function createLanes({ onReady, onRejoined }: LanesDeps): Lanes {
  const lanes = new Map<string, Lane>();
  const entries = new Map<number, Entry>();
  // Sets keep the order of becoming ready, so lanes are served round robin.
  const ready = { turn: new Set<Lane>(), quick: new Set<Lane>() };
  const suspects: Entry[] = [];
  let isolationMs = 0;
  /** Runs from the first suspect's start on. */
  let isolation: NodeJS.Timeout | undefined;
  let stopped = false;

  function laneOf({ conversation, lane: kind }: Entry): Lane {
    const key = laneKey(conversation, kind);
    let lane = lanes.get(key);
    if (lane === undefined) {
      lane = { key, kind, entries: [], busy: false, timer: undefined };
      lanes.set(key, lane);
    }
    return lane;
  }

  function settle(lane: Lane): void {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    if (lane.busy || stopped) return;
    const [head] = lane.entries;
    if (head === undefined) {
      ready[lane.kind].delete(lane);
      lanes.delete(lane.key);
      return;
    }
    const waitMs = head.dueAt - performance.now();
    if (waitMs <= 0) {
      ready[lane.kind].add(lane);
      onReady();
    } else {
      ready[lane.kind].delete(lane);
      lane.timer = setTimeout(() => settle(lane), Math.min(waitMs, longestTimerMs));
    }
  }

  function indexFor(lane: Lane, place: Place | undefined): number {
    if (place === undefined) return lane.entries.length;
    const anchor = "before" in place ? place.before : place.behind;
    const index = lane.entries.findIndex(({ updateId }) => updateId === anchor);
    // The anchor was the head and has ended meanwhile: what came behind it is next.
    if (index < 0) return lane.busy ? 1 : 0;
    return "before" in place ? index : index + 1;
  }

  /** The one that runs alone, or is to do so next. */
  function firstSuspect(): Entry | undefined {
    for (;;) {
      const [first] = suspects;
      if (first === undefined || first.alone) return first;
      const lane = lanes.get(laneKey(first.conversation, first.lane));
      if (lane?.entries[0] === first && ready[lane.kind].has(lane)) return first;
      suspects.shift();
    }
  }

  /** The time in which suspects keep others waiting is over, also for the one that still runs. */
  function endIsolation(): void {
    suspects.splice(1);
    const [first] = suspects;
    if (first?.alone) rejoin(first);
    else {
      suspects.length = 0;
      onReady();
    }
  }

  function release(entry: Entry): boolean {
    if (!entry.alone) return false;
    entry.alone = false;
    suspects.shift();
    onReady();
    return true;
  }

  function rejoin(entry: Entry): void {
    if (release(entry)) onRejoined(entry);
  }

  function occupy(lane: Lane): void {
    ready[lane.kind].delete(lane);
    lane.busy = true;
  }

  return {
    get size() {
      return entries.size;
    },
    find: (updateId) => entries.get(updateId),
    entries: () => entries.values(),
    first: (conversation, lane) => lanes.get(laneKey(conversation, lane))?.entries[0],
    add(entry, place) {
      const lane = laneOf(entry);
      entries.set(entry.updateId, entry);
      lane.entries.splice(indexFor(lane, place), 0, entry);
      settle(lane);
    },
    remove(updateId) {
      const entry = entries.get(updateId);
      if (entry === undefined) return;
      entries.delete(updateId);
      const lane = laneOf(entry);
      const index = lane.entries.indexOf(entry);
      if (index >= 0) lane.entries.splice(index, 1);
      settle(lane);
    },
    isolate(entries, forMs) {
      suspects.push(...entries);
      isolationMs = forMs;
    },
    rejoin,
    take(kind) {
      const suspect = firstSuspect();
      if (suspect !== undefined) {
        if (suspect.alone || suspect.lane !== kind) return undefined;
        suspect.alone = true;
        isolation ??= setTimeout(endIsolation, isolationMs);
        occupy(laneOf(suspect));
        return suspect;
      }
      const lane = ready[kind].values().next().value;
      const head = lane?.entries[0];
      if (lane === undefined || head === undefined) return undefined;
      occupy(lane);
      return head;
    },
    free(entry) {
      const lane = laneOf(entry);
      lane.busy = false;
      settle(lane);
      release(entry);
    },
    touch(entry) {
      settle(laneOf(entry));
    },
    stop() {
      stopped = true;
      clearTimeout(isolation);
      for (const lane of lanes.values()) clearTimeout(lane.timer);
    },
  };
}
