/** Rows of the queue's table as updates and as entries of lanes. */
import type { SQLInputValue } from "node:sqlite";
import type { AbortReason, Part } from "../../ports/queue.ts";
import type { IncomingUpdate, InterruptOutcome, LaneKind } from "../../ports/updates.ts";
import type { Entry } from "../lanes/lanes.ts";

/** An update as a worker takes it from the disk. */
export interface StoredUpdate extends IncomingUpdate {
  readonly parts?: readonly Part[];
  readonly outcome?: InterruptOutcome;
}

/** A lane's entry for an update that was never delivered. */
export function newEntry({ updateId, conversation, lane, receivedAt }: IncomingUpdate): Entry {
  const counts = { attempts: 0, failures: 0, crashes: 0, loneCrashes: 0, hangs: 0, dueAt: 0 };
  const marks = { cancelled: undefined, doom: undefined, abort: undefined, warn: undefined };
  const start = { phase: "waiting", inherited: false, alone: false } as const;
  return { updateId, conversation, lane, receivedAt, ...start, ...counts, ...marks };
}

export type Row = Readonly<Record<string, SQLInputValue>>;

/** What is not over, at a start. */
export function entryOf(row: Row, at: number): Entry {
  // By a clock that was set meanwhile: never longer than the back-off was.
  const waitMs = Math.min(Number(row["due_at"]) - at, Number(row["backoff_ms"]));
  return {
    updateId: Number(row["update_id"]),
    conversation: String(row["conversation"]),
    lane: laneOf(row),
    receivedAt: Number(row["received_at"]),
    phase: "waiting",
    inherited: true,
    alone: false,
    attempts: Number(row["attempts"]),
    failures: Number(row["failures"]),
    crashes: Number(row["crashes"]),
    loneCrashes: Number(row["lone_crashes"]),
    hangs: Number(row["hangs"]),
    dueAt: waitMs > 0 ? performance.now() + waitMs : 0,
    cancelled: (row["cancelled"] ?? undefined) as AbortReason | undefined,
    doom: row["reason"] === null ? undefined : String(row["reason"]),
    abort: undefined,
    warn: undefined,
  };
}

/** The update of a row. */
export function updateOf(row: Row): StoredUpdate {
  const parsed = (name: string) => (row[name] === null ? {} : { [name]: JSON.parse(String(row[name])) });
  return {
    updateId: Number(row["update_id"]),
    conversation: String(row["conversation"]),
    lane: laneOf(row),
    receivedAt: Number(row["received_at"]),
    body: String(row["body"] ?? ""),
    ...(row["question"] === null ? {} : { question: Number(row["question"]) }),
    ...parsed("interrupt"),
    ...parsed("refusal"),
    ...parsed("outcome"),
  };
}

function laneOf(row: Row): LaneKind {
  return row["lane"] === "quick" ? "quick" : "turn";
}
