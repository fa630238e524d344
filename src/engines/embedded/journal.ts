/** The queue's table: what survives the process. Whoever writes calls it inside `Database.write`. */
import type { SQLInputValue } from "node:sqlite";
import type { AbortReason, DeadUpdate } from "../../ports/queue.ts";
import type { ConversationId, IncomingUpdate, InterruptOutcome, LaneKind } from "../../ports/updates.ts";
import type { InterruptPlan, OpenQuestion } from "../lanes/interrupts.ts";
import type { Entry } from "../lanes/lanes.ts";
import { deadOf, keepDeadMs } from "../lanes/worker.ts";
import type { Database } from "./database.ts";
import { openTables } from "./journal-opening.ts";

/** A finished update is recognised for at least a day; Telegram keeps an undelivered one no longer than that. */
const keepFinishedMs = 48 * 3_600_000;

/** An update as a worker takes it from the disk. */
export interface StoredUpdate extends IncomingUpdate {
  readonly outcome?: InterruptOutcome;
}

type State = "open" | "done" | "dead";

export type Journal = ReturnType<typeof createJournal>;

/** Opens the table, made when missing, and counts what the last process died of; see `openTables`. */
export function createJournal(
  { handle, statement: sql }: Pick<Database, "handle" | "statement">,
  now: () => number,
  hangFile?: string,
) {
  openTables(handle, hangFile, now());

  function number(text: string, ...values: SQLInputValue[]): number {
    return Number(Object.values(sql(text).get(...values) ?? {})[0] ?? 0);
  }

  function endOf(conversation: ConversationId, lane: LaneKind): number {
    const last = "SELECT max(position) FROM queued_update WHERE state = 'open' AND conversation = ? AND lane = ?";
    return number(last, conversation, lane) + 1;
  }

  /** Its number is kept, by which it is known when it comes again, and nothing of whom it was from. */
  function end(updateId: number): void {
    sql(
      `UPDATE queued_update SET state = 'done', running = 0, conversation = '', question = NULL, body = NULL, ended_at = ?
       WHERE update_id = ? AND state = 'open'`,
    ).run(now(), updateId);
  }

  /** The position for an update that an interrupt puts in order; what stands there or later makes room. */
  function placed({ conversation, lane }: IncomingUpdate, plan: InterruptPlan | undefined): number {
    if (plan?.place === undefined) return endOf(conversation, lane);
    const anchor = "before" in plan.place ? plan.place.before : plan.place.behind;
    const at = number("SELECT position FROM queued_update WHERE update_id = ?", anchor);
    const position = "before" in plan.place ? at : at + 1;
    sql(
      `UPDATE queued_update SET position = position + 1
       WHERE state = 'open' AND conversation = ? AND lane = ? AND position >= ?`,
    ).run(conversation, lane, position);
    return position;
  }

  function insert(update: IncomingUpdate, state: State, position: number, outcome?: InterruptOutcome): void {
    sql(
      `INSERT INTO queued_update (update_id, conversation, lane, position, state, received_at, body, question, interrupt,
         refusal, outcome, reason, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      update.updateId,
      state === "done" ? "" : update.conversation,
      update.lane,
      position,
      state,
      update.receivedAt,
      state === "done" ? null : update.body,
      (state === "done" ? undefined : update.question) ?? null,
      json(update.interrupt),
      json(update.refusal),
      json(outcome),
      update.dead ?? null,
      state === "open" ? null : now(),
    );
  }

  return {
    has: (updateId: number) => sql("SELECT 1 FROM queued_update WHERE update_id = ?").get(updateId) !== undefined,

    laneLength: (conversation: ConversationId, lane: LaneKind) =>
      number(
        "SELECT count(*) FROM queued_update WHERE state = 'open' AND conversation = ? AND lane = ?",
        conversation,
        lane,
      ),

    /** Ids of what is not over in a lane, in its order. */
    lane(conversation: ConversationId, lane: LaneKind): number[] {
      const rows = sql(
        "SELECT update_id FROM queued_update WHERE state = 'open' AND conversation = ? AND lane = ? ORDER BY position",
      ).all(conversation, lane);
      return rows.map((row) => Number(row["update_id"]));
    },

    /** Updates in which the process hung so often, stored or not. */
    hung(times: number): number[] {
      const rows = sql("SELECT update_id FROM hang GROUP BY update_id HAVING count(*) >= ?").all(times);
      return rows.map((row) => Number(row["update_id"]));
    },

    countDead: () =>
      number("SELECT count(*) FROM queued_update WHERE state = 'dead' AND ended_at > ?", now() - keepDeadMs),

    /** Adds an update to its lane, where the plan of its interrupt puts it. */
    add(update: IncomingUpdate, plan: InterruptPlan | undefined): void {
      insert(update, "open", placed(update, plan), plan?.outcome);
    },

    /** Adds what was dropped, so that its repetition is known, or is dead from the beginning. */
    addEnded(update: IncomingUpdate): void {
      insert(update, update.dead === undefined ? "done" : "dead", 0);
    },

    /** Questions of the turn lane that are not over, in order; `begun` as far as the disk knows. */
    openQuestions(conversation: ConversationId): OpenQuestion[] {
      const rows = sql(
        `SELECT update_id, question, attempts, cancelled FROM queued_update
         WHERE state = 'open' AND conversation = ? AND lane = 'turn' AND question IS NOT NULL ORDER BY position`,
      ).all(conversation);
      return rows.map((row) => ({
        updateId: Number(row["update_id"]),
        question: Number(row["question"]),
        begun: Number(row["attempts"]) > 0,
        cancelled: row["cancelled"] !== null,
      }));
    },

    carryOut({ cancel, drop, reason }: InterruptPlan): void {
      for (const updateId of cancel) {
        sql("UPDATE queued_update SET cancelled = ?, due_at = 0 WHERE update_id = ? AND cancelled IS NULL").run(
          reason,
          updateId,
        );
      }
      for (const updateId of drop) end(updateId);
    },

    begin({ updateId, attempts, alone }: Entry): void {
      sql("UPDATE queued_update SET running = ?, attempts = ? WHERE update_id = ? AND state = 'open'").run(
        alone ? 2 : 1,
        attempts,
        updateId,
      );
    },

    end,

    /** It stays as it was before this delivery, which is counted but held against nobody. */
    release(updateId: number): void {
      sql("UPDATE queued_update SET running = 0 WHERE update_id = ?").run(updateId);
    },

    /** It waits for its back-off. */
    fail({ updateId, failures, crashes, loneCrashes }: Entry, backoffMs: number): void {
      // An interrupt that came meanwhile wants it delivered at once, to tidy up.
      sql(
        `UPDATE queued_update SET running = 0, failures = ?, crashes = ?, lone_crashes = ?, backoff_ms = ?,
           due_at = CASE WHEN cancelled IS NULL THEN ? ELSE 0 END WHERE update_id = ?`,
      ).run(failures, crashes, loneCrashes, backoffMs, now() + backoffMs, updateId);
    },

    /** Decides that it is not delivered again. It stays open until `bury`, so that a crash in between forgets no notice. */
    condemn(updateId: number, reason: string, failures: number): void {
      sql("UPDATE queued_update SET running = 0, reason = ?, failures = ? WHERE update_id = ?").run(
        reason,
        failures,
        updateId,
      );
    },

    bury(updateId: number): void {
      sql("UPDATE queued_update SET state = 'dead', ended_at = ? WHERE update_id = ?").run(now(), updateId);
    },

    read(updateId: number): StoredUpdate | undefined {
      const row = sql("SELECT * FROM queued_update WHERE update_id = ?").get(updateId);
      return row === undefined ? undefined : updateOf(row);
    },

    /** Everything that is not over: lanes in the order of their oldest update, each in its own order. */
    open(): Entry[] {
      const rows = sql(
        `SELECT update_id, conversation, lane, received_at, attempts, failures, crashes, lone_crashes, due_at, backoff_ms,
           cancelled, reason, (SELECT count(*) FROM hang WHERE hang.update_id = queued_update.update_id) AS hangs,
           min(update_id) OVER (PARTITION BY conversation, lane) AS oldest
         FROM queued_update WHERE state = 'open' ORDER BY oldest, conversation, lane, position`,
      ).all();
      const at = now();
      return rows.map((row) => entryOf(row, at));
    },

    dead(limit: number): DeadUpdate[] {
      const rows = sql(
        "SELECT * FROM queued_update WHERE state = 'dead' AND ended_at > ? ORDER BY ended_at, update_id LIMIT ?",
      ).all(now() - keepDeadMs, limit);
      return rows.map((row) => deadOf(updateOf(row), String(row["reason"])));
    },

    /** Opens a dead update again at the end of its lane; undefined when there is none. */
    revive(updateId: number): Entry | undefined {
      const row = sql("SELECT * FROM queued_update WHERE update_id = ? AND state = 'dead' AND ended_at > ?").get(
        updateId,
        now() - keepDeadMs,
      );
      if (row === undefined) return undefined;
      const update = updateOf(row);
      sql(
        `UPDATE queued_update SET state = 'open', position = ?, running = 0, attempts = 0, failures = 0, crashes = 0,
           lone_crashes = 0, due_at = 0, cancelled = NULL, reason = NULL, ended_at = NULL WHERE update_id = ?`,
      ).run(endOf(update.conversation, update.lane), updateId);
      sql("DELETE FROM hang WHERE update_id = ?").run(updateId);
      return newEntry(update);
    },

    /** Forgets up to `limit` updates of either end whose time is over; returns the larger number of both. */
    purge(limit: number): number {
      const forget = (state: "done" | "dead", keepMs: number) => {
        const old = "SELECT update_id FROM queued_update WHERE state = ? AND ended_at <= ? LIMIT ?";
        const erase = sql(`DELETE FROM queued_update WHERE update_id IN (${old})`);
        return Number(erase.run(state, now() - keepMs, limit).changes);
      };
      sql(
        `DELETE FROM hang WHERE at <= ? AND update_id NOT IN (SELECT update_id FROM queued_update WHERE state = 'open')`,
      ).run(now() - keepFinishedMs);
      return Math.max(forget("done", keepFinishedMs), forget("dead", keepDeadMs));
    },
  };
}

/** A lane's entry for an update that was never delivered. */
export function newEntry({ updateId, conversation, lane, receivedAt }: IncomingUpdate): Entry {
  const counts = { attempts: 0, failures: 0, crashes: 0, loneCrashes: 0, hangs: 0, dueAt: 0 };
  const marks = { cancelled: undefined, doom: undefined, abort: undefined, warn: undefined };
  const start = { phase: "waiting", inherited: false, alone: false } as const;
  return { updateId, conversation, lane, receivedAt, ...start, ...counts, ...marks };
}

type Row = Readonly<Record<string, SQLInputValue>>;

function json(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function entryOf(row: Row, at: number): Entry {
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
