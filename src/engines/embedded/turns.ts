/** Turns in the embedded database: their records, and their end, with which all is written that comes of them. */
import type { SQLOutputValue } from "node:sqlite";
import type { StepStore } from "../../ports/steps.ts";
import type { AnswerKeeping, Store } from "../../ports/store.ts";
import type { Turn } from "../../ports/turns.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { packFile } from "../lanes/kept-files.ts";
import { presentForm, readTurn } from "../lanes/stored-forms.ts";
import { answered, renewed, withMessages, withPictures } from "../lanes/turn-records.ts";
import type { Answers } from "./answers.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";
import { writeFile } from "./files.ts";
import type { History } from "./history.ts";
import type { LedgerParts } from "./ledger.ts";
import { forgetSteps } from "./step-rows.ts";
import { createSteps } from "./steps.ts";

export interface Turns
  extends Pick<
    Store,
    | keyof StepStore
    | "readTurn"
    | "newestTurn"
    | "beginTurn"
    | "setTurnMessages"
    | "setTurnPictures"
    | "renewTurn"
    | "keepFile"
    | "finishTurn"
    | "closeTurn"
  > {
  readonly keepAnswer: AnswerKeeping["keep"];
}

export interface TurnsDeps {
  readonly database: Database;
  readonly conversations: Conversations;
  readonly addExchange: History["add"];
  readonly writeCalls: LedgerParts["write"];
  readonly writeAnswer: Answers["write"];
}

/** Creates the store's part for turns. */
export function createTurns(deps: TurnsDeps): Turns {
  const { database, conversations, addExchange, writeCalls, writeAnswer } = deps;
  const { statement: sql } = database;

  function findTurn(conversation: ConversationId, question: number): Turn | undefined {
    if (conversations.expired(conversation)) return undefined;
    return turnOf(sql("SELECT record FROM turn WHERE conversation = ? AND question = ?").get(conversation, question));
  }

  /** Changes the record of a run; false when the turn was forgotten or belongs to another run. */
  function changeTurn(key: Pick<Turn, "conversation" | "question" | "run">, change: (turn: Turn) => Turn): boolean {
    const turn = findTurn(key.conversation, key.question);
    if (turn === undefined || turn.run !== key.run) return false;
    sql("UPDATE turn SET record = ? WHERE conversation = ? AND question = ?").run(
      presentForm.turn(change(turn)),
      key.conversation,
      key.question,
    );
    return true;
  }

  function begin(turn: Turn, dropped: readonly number[]): void {
    const { conversation, question } = turn;
    // What had expired must not come to life again with the new question.
    if (conversations.expired(conversation)) conversations.forget(conversation);
    conversations.markActive(conversation);
    for (const other of dropped) {
      sql("DELETE FROM turn WHERE conversation = ? AND question = ?").run(conversation, other);
      forgetSteps(database, conversation, other);
    }
    // What another run has done means nothing to this one.
    if (findTurn(conversation, question)?.run !== turn.run) forgetSteps(database, conversation, question);
    const record = presentForm.turn(turn);
    const known = "UPDATE turn SET record = ? WHERE conversation = ? AND question = ?";
    if (sql(known).run(record, conversation, question).changes > 0) return;
    sql("INSERT INTO turn (conversation, question, place, record) VALUES (?, ?, ?, ?)").run(
      conversation,
      question,
      conversations.nextPlace("turn", conversation),
      record,
    );
  }

  return {
    ...createSteps({ database, conversations, findTurn, changeTurn, writeCalls }),
    async readTurn(conversation, question) {
      return findTurn(conversation, question);
    },
    async newestTurn(conversation) {
      if (conversations.expired(conversation)) return undefined;
      return turnOf(
        sql("SELECT record FROM turn WHERE conversation = ? ORDER BY place DESC LIMIT 1").get(conversation),
      );
    },
    beginTurn: (turn, dropped = []) => database.write(() => begin(turn, dropped)),
    setTurnMessages(conversation, question, runId, messages, file) {
      const key = { conversation, question, run: runId };
      return database.write(() => void changeTurn(key, (turn) => withMessages(turn, messages, file)));
    },
    setTurnPictures(conversation, question, runId, pictures) {
      const key = { conversation, question, run: runId };
      return database.write(() => void changeTurn(key, (turn) => withPictures(turn, pictures)));
    },
    async keepFile(turn, uniqueId, file) {
      const data = await packFile(file);
      await database.write(() => {
        if (findTurn(turn.conversation, turn.question)?.run === turn.run)
          writeFile(database, turn.conversation, uniqueId, data);
      });
    },
    renewTurn: (turn) => database.write(() => void changeTurn(turn, (stored) => renewed(turn, stored))),
    keepAnswer(turn) {
      const { answer } = turn;
      const keep = (stored: Turn): Turn =>
        stored.state === "writing" && answer !== undefined ? { ...stored, answer } : stored;
      return database.write(() => void changeTurn(turn, keep));
    },
    finishTurn(turn, exchange, calls, kept) {
      return database.write(() => {
        writeCalls(calls);
        if (!changeTurn(turn, (stored) => answered(turn, stored))) return;
        forgetSteps(database, turn.conversation, turn.question);
        conversations.markActive(turn.conversation);
        if (exchange !== undefined) addExchange(turn.conversation, exchange);
        if (kept !== undefined) writeAnswer(kept);
      });
    },
    closeTurn(conversation, question, runId) {
      const key = { conversation, question, run: runId };
      return database.write(() => void changeTurn(key, (turn) => ({ ...turn, state: "done" })));
    },
  };
}

function turnOf(row: Record<string, SQLOutputValue> | undefined): Turn | undefined {
  return row === undefined ? undefined : readTurn(String(row["record"]));
}
