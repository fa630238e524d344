/**
 * What belongs together is one turn: which message joins a question that is stored already, and how long a group waits for its
 * next part. A pure function of what is stored. In Redis the same is done inside the script that enqueues, with the same
 * numbers; the queue's contract holds both to it.
 */
import type { Piece } from "../../ports/updates.ts";

export type GroupKind = "album" | "paste" | "forward";

export const groupRules = {
  /** A group is whole when nothing of it has come for so long. Milliseconds. */
  quietMs: { album: 1_000, paste: 1_500, forward: 700 },
  /** And so long after its first part in any case. Milliseconds. */
  longestMs: 10_000,
  /** A picture or a forward that comes so soon after a plain question is what that is about. Milliseconds. */
  followsWithinMs: 1_500,
  mostParts: { album: 10, paste: 12, forward: 100 },
  /** UTF-16 units of all parts together; what is longer is more than one thought. */
  mostUnits: 50_000,
  /** An album of which no part is addressed to us is forgotten after so long. Milliseconds. */
  asideMs: 60_000,
  /** So many parts of such albums are kept of one sender of a conversation in that time: nobody pays for them. */
  mostAside: 100,
} as const;

/** What is stored with a question of what has come together in it. */
export interface Gathering {
  readonly sender: number;
  /** Id of the message in the question's own update. */
  readonly message: number;
  /** Left out for a plain question that nothing has joined. */
  readonly group?: string | undefined;
  /** It began as a plain question. */
  readonly plain: boolean;
  /** When its parts have come; milliseconds since the epoch. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly units: number;
  readonly count: number;
  /** Nothing more belongs to it, but the rest of an album. */
  readonly closed: boolean;
}

/** A question that is not over, as a message meets it. */
export interface OpenQuestion {
  readonly gathering: Gathering;
  /** It is running, or has run and waits to run again. */
  readonly begun: boolean;
  /** An interrupt has ended it. */
  readonly cancelled: boolean;
}

/** What kind of group it is. */
export function kindOf(group: string): GroupKind {
  const kind = group.slice(0, group.indexOf(":"));
  return kind === "album" || kind === "paste" ? kind : "forward";
}

/** What is stored of the first message. */
export function beginGathering(piece: Piece, at: number): Gathering {
  const { sender, message, group, plain = false, units } = piece;
  return { sender, message, group, plain, firstAt: at, lastAt: at, units, count: 1, closed: false };
}

/**
 * Whether a message that comes at `at` is part of the same question. While that runs, its worker alone knows whether anything of
 * the answer is shown: the message is handed to who runs it, who leaves it for later then.
 */
export function joins(piece: Piece, at: number, { gathering, begun, cancelled }: OpenQuestion): boolean {
  const { group, firstAt, lastAt, closed, plain, count } = gathering;
  if (cancelled) return false;
  const late = at - firstAt > groupRules.longestMs;
  if (piece.group !== undefined && piece.group === group) {
    const kind = kindOf(group);
    if (count >= groupRules.mostParts[kind]) return false;
    // The parts of an album are known for sure, however late they come.
    return kind === "album" || (!closed && !late && withinUnits(gathering, piece));
  }
  if (closed || (begun && late)) return false;
  if (piece.follows === "paste") {
    return (
      group === `paste:${piece.sender}` && at - lastAt <= groupRules.quietMs.paste && withinUnits(gathering, piece)
    );
  }
  return piece.follows === "plain" && plain && at - lastAt <= groupRules.followsWithinMs;
}

function withinUnits(gathering: Gathering, piece: Piece): boolean {
  return gathering.units + piece.units <= groupRules.mostUnits;
}

/** What is stored once a message has joined. */
export function gatheredWith(gathering: Gathering, piece: Piece, at: number): Gathering {
  const group = gathering.group ?? piece.group;
  const count = gathering.count + 1;
  const full = group !== undefined && count >= groupRules.mostParts[kindOf(group)];
  return {
    ...gathering,
    group,
    lastAt: Math.max(gathering.lastAt, at),
    units: gathering.units + piece.units,
    count,
    closed: gathering.closed || full || piece.follows === "paste",
  };
}

/**
 * How long it waits for its next part, from `at` on; 0 when it is ripe. By clocks that differ it is no longer than it would be
 * by one. `quietMs` stands in for that of all kinds. Milliseconds.
 */
export function unripeForMs({ group, closed, firstAt, lastAt }: Gathering, at: number, quietMs?: number): number {
  if (group === undefined || closed) return 0;
  const quiet = quietMs ?? groupRules.quietMs[kindOf(group)];
  const ripeAt = Math.min(lastAt + quiet, firstAt + groupRules.longestMs);
  return Math.min(quiet, Math.max(0, ripeAt - at));
}

/** How messages that belong together share one token of their sender's bucket. */
export interface SharedToken {
  readonly group: string;
  /** Nothing of the group comes behind it; without a group before it, it pays for itself alone. */
  readonly ends: boolean;
  /** Behind the message before it. Milliseconds. */
  readonly withinMs: number;
  readonly most: number;
}

/** Milliseconds; the parts of an album may be on their way for so long. */
export const sharedForMs = 60_000;

/** With what a message shares its token; undefined when it pays for itself. */
export function sharedTokenOf({ group, follows, sender }: Piece): SharedToken | undefined {
  if (group === undefined && follows !== "paste") return undefined;
  const shared = group ?? `paste:${sender}`;
  const kind = kindOf(shared);
  const withinMs = kind === "album" ? sharedForMs : groupRules.quietMs[kind];
  return { group: shared, ends: group === undefined, withinMs, most: groupRules.mostParts[kind] };
}
