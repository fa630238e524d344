/**
 * The journal of turns, in the embedded database. Each call has a row of its own, since a result may be large: it is written
 * once, and nothing beside it is written again.
 */
import type { Step, StepCall, StepStore, WaitingTurn } from "../../ports/steps.ts";
import type { ToolResult } from "../../ports/tool-results.ts";
import type { Turn } from "../../ports/turns.ts";
import type { ConversationId } from "../../ports/updates.ts";
import { suspended } from "../lanes/turn-records.ts";
import type { Conversations } from "./conversations.ts";
import type { Database } from "./database.ts";
import type { LedgerParts } from "./ledger.ts";

export interface StepsDeps {
  readonly database: Database;
  readonly conversations: Conversations;
  findTurn(conversation: ConversationId, question: number): Turn | undefined;
  /** Changes the record of a run; false when the turn was forgotten or belongs to another run. */
  changeTurn(key: Pick<Turn, "conversation" | "question" | "run">, change: (turn: Turn) => Turn): boolean;
  readonly writeCalls: LedgerParts["write"];
}

const mostWaiting = 100;

/** Creates the store's part for steps. */
export function createSteps({ database, conversations, findTurn, changeTurn, writeCalls }: StepsDeps): StepStore {
  const { statement: sql, write } = database;
  const isOfRun = ({ conversation, question, run }: Pick<Turn, "conversation" | "question" | "run">) =>
    findTurn(conversation, question)?.run === run;

  function callsOf(conversation: ConversationId, question: number, number: number): readonly StepCall[] {
    const find =
      "SELECT record, state, result FROM step_call WHERE conversation = ? AND question = ? AND number = ? ORDER BY place";
    return sql(find)
      .all(conversation, question, number)
      .map(({ record, state, result }) => ({
        ...(JSON.parse(String(record)) as Omit<StepCall, "state" | "result">),
        state: String(state) as StepCall["state"],
        ...(result === null ? {} : { result: JSON.parse(String(result)) as ToolResult }),
      }));
  }

  return {
    async readSteps(turn) {
      if (!isOfRun(turn)) return [];
      const { conversation, question } = turn;
      const find = "SELECT number, record FROM step WHERE conversation = ? AND question = ? ORDER BY number";
      return sql(find)
        .all(conversation, question)
        .map(({ number, record }) => ({
          ...(JSON.parse(String(record)) as Omit<Step, "number" | "calls">),
          number: Number(number),
          calls: callsOf(conversation, question, Number(number)),
        }));
    },
    addStep: (turn, { number, calls, ...step }, rows) =>
      write(() => {
        writeCalls(rows);
        if (!isOfRun(turn)) return false;
        const key = [turn.conversation, turn.question, number] as const;
        sql("INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?)").run(...key, JSON.stringify(step));
        for (const [place, { state, result, ...call }] of calls.entries())
          sql("INSERT OR REPLACE INTO step_call VALUES (?, ?, ?, ?, ?, ?, ?)").run(
            ...key,
            place,
            JSON.stringify(call),
            state,
            result === undefined ? null : JSON.stringify(result),
          );
        return true;
      }),
    changeCall: (turn, { step, call, state, result }) =>
      write(() => {
        if (!isOfRun(turn)) return false;
        const change = sql(
          `UPDATE step_call SET state = ?, result = coalesce(?, result)
           WHERE conversation = ? AND question = ? AND number = ? AND place = ?`,
        );
        const written = result === undefined ? null : JSON.stringify(result);
        return change.run(state, written, turn.conversation, turn.question, step, call).changes > 0;
      }),
    suspendTurn: (turn, at, rows) =>
      write(() => {
        writeCalls(rows);
        if (!changeTurn(turn, (stored) => suspended(turn, stored))) return false;
        sql("INSERT OR IGNORE INTO waiting VALUES (?, ?, ?)").run(turn.conversation, turn.question, at);
        return true;
      }),
    resumeTurn: (conversation, question, run) =>
      write(() => {
        const turn = findTurn(conversation, question);
        if (turn?.run === run && turn.state === "writing") return turn;
        if (turn?.state !== "waiting") return undefined;
        changeTurn(turn, (stored) => ({ ...stored, run, state: "writing" }));
        sql("DELETE FROM waiting WHERE conversation = ? AND question = ?").run(conversation, question);
        return turn;
      }),
    async waitingTurns(conversation) {
      if (conversations.expired(conversation)) return [];
      return sql("SELECT * FROM waiting WHERE conversation = ? ORDER BY at").all(conversation).map(waitingOf);
    },
    async waitingSince(before) {
      const oldest = sql("SELECT * FROM waiting WHERE at < ? ORDER BY at LIMIT ?").all(before, mostWaiting);
      return oldest.map(waitingOf);
    },
    async allowedTools(conversation) {
      if (conversations.expired(conversation)) return new Set();
      const rows = sql("SELECT name FROM allowed_tool WHERE conversation = ?").all(conversation);
      return new Set(rows.map(({ name }) => String(name)));
    },
    allowTool: (conversation, name) =>
      write(() => void sql("INSERT OR IGNORE INTO allowed_tool VALUES (?, ?)").run(conversation, name)),
    async knownTools() {
      const rows = sql("SELECT name, hash FROM known_tool").all();
      return new Map(rows.map(({ name, hash }) => [String(name), String(hash)]));
    },
    knowTool: (name, hash) => write(() => void sql("INSERT OR REPLACE INTO known_tool VALUES (?, ?)").run(name, hash)),
    meetTool: (name, hash) =>
      write(() => {
        sql("INSERT OR IGNORE INTO known_tool VALUES (?, ?)").run(name, hash);
        return String(sql("SELECT hash FROM known_tool WHERE name = ?").get(name)?.["hash"]);
      }),
  };
}

function waitingOf({ conversation, question, at }: Readonly<Record<string, unknown>>): WaitingTurn {
  return { conversation: String(conversation), question: Number(question), at: Number(at) };
}
