/** The queue's table: what survives the process. Whoever writes calls it inside `Database.write`. */
import type { SQLInputValue } from "node:sqlite";
import type { DeadUpdate } from "../../ports/queue.ts";
import type { ConversationId, IncomingUpdate, InterruptOutcome, LaneKind, Piece } from "../../ports/updates.ts";
import { beginGathering, type Gathering, groupRules } from "../lanes/groups.ts";
import type { InterruptPlan, OpenQuestion } from "../lanes/interrupts.ts";
import type { Entry } from "../lanes/lanes.ts";
import { deadOf, keepDeadMs } from "../lanes/worker.ts";
import type { Database } from "./database.ts";
import { createGatherings } from "./gatherings.ts";
import { openTables } from "./journal-opening.ts";
import { entryOf, newEntry, type StoredUpdate, updateOf } from "./rows.ts";

/** A finished update is recognised for at least a day; Telegram keeps an undelivered one no longer than that. */
const keepFinishedMs = 48 * 3_600_000;

type State = "open" | "done" | "dead" | "aside";

/** What is stored with an update besides itself. */
interface Insertion {
  readonly outcome?: InterruptOutcome | undefined;
  readonly gathering?: Gathering | undefined;
  /** How long it waits for its next part. */
  readonly waitMs?: number;
}

export type Journal = ReturnType<typeof createJournal>;

/** Opens the table, made when missing, and counts what the last process died of; see `openTables`. */
export function createJournal(database: Pick<Database, "handle" | "statement">, now: () => number, hangFile?: string) {
  const { handle, statement: sql } = database;
  openTables(handle, hangFile, now());
  const gatherings = createGatherings(database);

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
      `UPDATE queued_update SET state = 'done', running = 0, conversation = '', question = NULL, body = NULL, sender = NULL,
         gathering = NULL, ended_at = ?
       WHERE update_id = ? AND state = 'open'`,
    ).run(now(), updateId);
    gatherings.forget(updateId);
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

  function insert(
    update: IncomingUpdate,
    state: State,
    position: number,
    { outcome, gathering, waitMs = 0 }: Insertion = {},
  ): void {
    sql(
      `INSERT INTO queued_update (update_id, conversation, lane, position, state, received_at, body, question, interrupt,
         refusal, outcome, reason, ended_at, sender, gathering, due_at, backoff_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
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
      gathering?.sender ?? null,
      json(gathering),
      waitMs === 0 ? 0 : now() + waitMs,
      waitMs,
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

    gatherings,

    /** Adds an update to its lane, where the plan of its interrupt puts it. */
    add(update: IncomingUpdate, plan: InterruptPlan | undefined, gathering?: Gathering, waitMs = 0): void {
      insert(update, "open", placed(update, plan), { outcome: plan?.outcome, gathering, waitMs });
    },

    /** Adds what was dropped or has become a part, so that its repetition is known, or is dead from the beginning. */
    addEnded(update: IncomingUpdate): void {
      insert(update, update.dead === undefined ? "done" : "dead", 0);
    },

    /** Keeps a part of an album for the part that may address us. */
    addAside(update: IncomingUpdate, piece: Piece): void {
      gatherings.forgetAside(now());
      const isOneTooMany = gatherings.countAside(update.conversation, piece.sender) >= groupRules.mostAside;
      if (isOneTooMany) insert(update, "done", 0);
      else insert(update, "aside", 0, { gathering: beginGathering(piece, update.receivedAt) });
    },

    /** Another part waits with a question; that waits so long for the next one. */
    join(updateId: number, gathering: Gathering, waitMs: number, update: IncomingUpdate, piece: Piece): void {
      insert(update, "done", 0);
      gatherings.join(updateId, gathering, update, piece);
      sql("UPDATE queued_update SET due_at = ?, backoff_ms = ? WHERE update_id = ?").run(
        ...[waitMs === 0 ? 0 : now() + waitMs, waitMs, updateId],
      );
    },

    /** Ends an update of which so many messages were handled; what has joined it since takes its place. */
    finish(updateId: number, handled: number): Entry | undefined {
      const late = gatherings.late(updateId, handled);
      const row = sql("SELECT conversation, position, state, cancelled FROM queued_update WHERE update_id = ?").get(
        updateId,
      );
      end(updateId);
      // What interrupts it drops, or asks, all that has joined it.
      if (late === undefined || row?.["state"] !== "open" || row["cancelled"] !== null) return undefined;
      const successor = gatherings.succeed(late, String(row["conversation"]), Number(row["position"]));
      const stored = sql("SELECT * FROM queued_update WHERE update_id = ?").get(successor);
      return stored === undefined ? undefined : newEntry(updateOf(stored));
    },

    /** Questions of the turn lane that are not over, in order; `begun` as far as the disk knows. `edited`: a message. */
    openQuestions(conversation: ConversationId, edited: number): OpenQuestion[] {
      const rows = sql(
        `SELECT update_id, question, attempts, cancelled, gathering IS NOT NULL AND (json_extract(gathering, '$.message') = ?1
             OR EXISTS (SELECT 1 FROM update_part WHERE leader = queued_update.update_id AND message = ?1)) AS holds
         FROM queued_update WHERE state = 'open' AND conversation = ?2 AND lane = 'turn' AND question IS NOT NULL ORDER BY position`,
      ).all(edited, conversation);
      return rows.map((row) => ({
        updateId: Number(row["update_id"]),
        question: Number(row["question"]),
        begun: Number(row["attempts"]) > 0,
        cancelled: row["cancelled"] !== null,
        holdsEdited: row["holds"] === 1,
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
      if (row === undefined) return undefined;
      const update = updateOf(row);
      const parts = gatherings.parts(updateId, update.body, gatherings.read(updateId));
      return parts === undefined ? update : { ...update, parts };
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
      gatherings.forgetAside(now());
      const forget = (state: "done" | "dead", keepMs: number) => {
        const old = "SELECT update_id FROM queued_update WHERE state = ? AND ended_at <= ? LIMIT ?";
        if (state === "dead") {
          sql(`DELETE FROM update_part WHERE leader IN (${old})`).run(state, now() - keepMs, limit);
        }
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

function json(value: object | undefined): string | null {
  return value === undefined ? null : JSON.stringify(value);
}
