/** What has come together in a question, in the queue's table and that of its parts. Whoever writes calls it inside `Database.write`. */
import type { SQLOutputValue } from "node:sqlite";
import type { Part } from "../../ports/queue.ts";
import type { ConversationId, IncomingUpdate, Piece } from "../../ports/updates.ts";
import { beginGathering, type Gathering, gatheredWith, groupRules } from "../lanes/groups.ts";
import type { Database } from "./database.ts";

/** A question of the turn lane that is not over, with what has come together in it. */
export interface StoredGathering {
  readonly updateId: number;
  readonly question: number;
  readonly gathering: Gathering;
  readonly attempts: number;
  readonly cancelled: boolean;
}

/** Of what is over its number alone is kept. */
const endAside = `UPDATE queued_update SET state = 'done', conversation = '', question = NULL, body = NULL, sender = NULL,
  gathering = NULL, ended_at = received_at`;

type Row = Readonly<Record<string, SQLOutputValue>>;

/** What has joined a question too late for its handler, in the order of its coming. */
interface LateParts {
  readonly gathering: Gathering;
  readonly parts: readonly Part[];
}

/** Creates the journal's part for them. The parts of a question are numbered as they come; its own update is number 1. */
export function createGatherings({ statement: sql }: Pick<Database, "statement">) {
  const fields = "update_id, question, gathering, attempts, cancelled";
  const ofSender = `FROM queued_update
    WHERE state = 'open' AND conversation = ? AND sender = ? AND gathering IS NOT NULL`;

  function addPart(leader: number, number: number, updateId: number, message: number, body: string): void {
    sql("INSERT OR REPLACE INTO update_part VALUES (?, ?, ?, ?, ?)").run(leader, message, number, updateId, body);
  }

  function write(updateId: number, gathering: Gathering): void {
    sql("UPDATE queued_update SET gathering = ? WHERE update_id = ?").run(JSON.stringify(gathering), updateId);
  }

  function read(updateId: number): Gathering | undefined {
    const row = sql("SELECT gathering FROM queued_update WHERE update_id = ?").get(updateId);
    return gatheringOf(row);
  }

  return {
    read,

    /** The newest question of a sender; of a group when one is given. */
    newest(conversation: ConversationId, sender: number, group?: string): StoredGathering | undefined {
      const row =
        group === undefined
          ? sql(`SELECT ${fields} ${ofSender} ORDER BY position DESC LIMIT 1`).get(conversation, sender)
          : sql(
              `SELECT ${fields} ${ofSender} AND json_extract(gathering, '$.group') = ? ORDER BY position DESC LIMIT 1`,
            ).get(conversation, sender, group);
      const gathering = gatheringOf(row);
      if (row === undefined || gathering === undefined) return undefined;
      return {
        updateId: Number(row["update_id"]),
        question: Number(row["question"]),
        gathering,
        attempts: Number(row["attempts"]),
        cancelled: row["cancelled"] !== null,
      };
    },

    /** Another message becomes a part of a stored question. */
    join(updateId: number, gathering: Gathering, update: IncomingUpdate, piece: Piece): void {
      addPart(updateId, gathering.count, update.updateId, piece.message, update.body);
      write(updateId, gathering);
    },

    close(updateId: number, gathering: Gathering): void {
      write(updateId, { ...gathering, closed: true });
      sql("UPDATE queued_update SET due_at = 0 WHERE update_id = ?").run(updateId);
    },

    /** Parts of an album that came before it was addressed to us become parts of this question. */
    takeAside({ updateId, conversation, receivedAt }: IncomingUpdate, piece: Piece): Gathering {
      let gathering = beginGathering(piece, receivedAt);
      if (!piece.group?.startsWith("album:")) return gathering;
      const rows = sql(
        `SELECT update_id, received_at, body, gathering FROM queued_update
         WHERE state = 'aside' AND conversation = ? AND sender = ? AND json_extract(gathering, '$.group') = ?
           AND received_at > ? ORDER BY update_id LIMIT 20`,
      ).all(conversation, piece.sender, piece.group, receivedAt - groupRules.asideMs);
      for (const row of rows) {
        const part = gatheringOf(row);
        if (part === undefined) continue;
        const one: Piece = { message: part.message, sender: part.sender, units: part.units, group: piece.group };
        gathering = gatheredWith(gathering, one, Number(row["received_at"]));
        addPart(updateId, gathering.count, Number(row["update_id"]), part.message, String(row["body"]));
        sql(`${endAside} WHERE update_id = ?`).run(Number(row["update_id"]));
      }
      return gathering;
    },

    /** An edit asks all that its question asks: its other parts are copied. */
    inherit(from: number, update: IncomingUpdate): Gathering | undefined {
      const gathering = read(from);
      if (gathering === undefined) return undefined;
      const message = update.piece?.message ?? gathering.message;
      sql(
        `INSERT OR REPLACE INTO update_part SELECT ?, message, number, update_id, body FROM update_part
         WHERE leader = ? AND message <> ?`,
      ).run(update.updateId, from, message);
      if (message !== gathering.message) {
        const body = sql("SELECT body FROM queued_update WHERE update_id = ?").get(from)?.["body"];
        addPart(update.updateId, 1, from, gathering.message, String(body));
      }
      return { ...gathering, message };
    },

    /** All parts of a question, by their messages; undefined when it is a single message. */
    parts(updateId: number, body: string, gathering: Gathering | undefined): readonly Part[] | undefined {
      if (gathering === undefined || gathering.count < 2) return undefined;
      const rows = sql("SELECT message, update_id, body FROM update_part WHERE leader = ?").all(updateId);
      return [{ updateId, message: gathering.message, body }, ...rows.map(partOf)].sort(
        (a, b) => a.message - b.message,
      );
    },

    /** The parts that have come since a question had so many, if there are any. */
    late(updateId: number, handled: number): LateParts | undefined {
      const gathering = read(updateId);
      if (gathering === undefined || gathering.count <= handled) return undefined;
      const rows = sql(
        "SELECT message, update_id, body FROM update_part WHERE leader = ? AND number > ? ORDER BY number",
      );
      return { gathering, parts: rows.all(updateId, handled).map(partOf) };
    },

    /** Makes them a question of its own, at this position. Returns its update. */
    succeed({ gathering, parts }: LateParts, conversation: ConversationId, position: number): number {
      const [first, ...others] = parts;
      if (first === undefined) throw new Error("a question without a message");
      for (const [index, part] of others.entries())
        addPart(first.updateId, index + 2, part.updateId, part.message, part.body);
      const { updateId, message, body } = first;
      const own: Gathering = { ...gathering, message, plain: false, count: parts.length, closed: true };
      sql(
        `UPDATE queued_update SET state = 'open', conversation = ?, position = ?, body = ?, question = ?, sender = ?, gathering = ?,
           ended_at = NULL WHERE update_id = ?`,
      ).run(conversation, position, body, message, own.sender, JSON.stringify(own), updateId);
      return updateId;
    },

    forget(updateId: number): void {
      sql("DELETE FROM update_part WHERE leader = ?").run(updateId);
    },

    /** How many parts are kept of such albums of a sender. */
    countAside(conversation: ConversationId, sender: number): number {
      const row = sql(
        "SELECT count(*) AS count FROM queued_update WHERE state = 'aside' AND conversation = ? AND sender = ?",
      ).get(conversation, sender);
      return Number(row?.["count"]);
    },

    /** Albums that were never addressed to us. */
    forgetAside(now: number): void {
      sql(`${endAside} WHERE state = 'aside' AND received_at <= ?`).run(now - groupRules.asideMs);
    },
  };
}

function partOf(row: Row): Part {
  return { updateId: Number(row["update_id"]), message: Number(row["message"]), body: String(row["body"]) };
}

function gatheringOf(row: Row | undefined): Gathering | undefined {
  const json = row?.["gathering"];
  return typeof json === "string" ? (JSON.parse(json) as Gathering) : undefined;
}
