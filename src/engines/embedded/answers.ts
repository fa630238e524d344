/** Answers that may be given again, in the embedded database. */
import { type AnswerToKeep, everybody } from "../../ports/answers.ts";
import type { Store } from "../../ports/store.ts";
import type { Database } from "./database.ts";

/** Kept at least, if they do not expire; the oldest ones go, many at once. */
const kept = { chat: 1_000, everybody: 5_000 };
const droppedAtOnce = 100;
/** Forgotten in one transaction, so that nobody's write waits for long. */
const purgeRows = 100;

export interface Answers extends Pick<Store, "readAnswer"> {
  /** To be called inside `Database.write`. */
  write(answer: AnswerToKeep): void;
  /** Forgets some of what has expired; true when there may be more. To be called inside `Database.write`. */
  forgetOld(): boolean;
}

/** Creates the store's part for them; `now` in milliseconds since the epoch. */
export function createAnswers({ statement: sql }: Database, now: () => number): Answers {
  return {
    async readAnswer({ owner, key }) {
      const row = sql("SELECT text, model FROM answer WHERE owner = ? AND key = ? AND expires_at > ?").get(
        ...[owner, key, now()],
      );
      return row === undefined ? undefined : { text: String(row["text"]), model: String(row["model"]) };
    },
    write({ owner, key, text, model, keepMs }) {
      // Written anew it is the newest.
      sql("INSERT OR REPLACE INTO answer (owner, key, text, model, expires_at) VALUES (?, ?, ?, ?, ?)").run(
        ...[owner, key, text, model, now() + keepMs],
      );
      const most = (owner === everybody ? kept.everybody : kept.chat) + droppedAtOnce;
      const count = Number(sql("SELECT count(*) AS n FROM answer WHERE owner = ?").get(owner)?.["n"]);
      if (count < most) return;
      sql("DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE owner = ? ORDER BY id LIMIT ?)").run(
        ...[owner, droppedAtOnce],
      );
    },
    forgetOld() {
      const old = sql("DELETE FROM answer WHERE id IN (SELECT id FROM answer WHERE expires_at <= ? LIMIT ?)");
      return old.run(now(), purgeRows).changes === purgeRows;
    },
  };
}
