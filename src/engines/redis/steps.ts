/** The journal of turns in Redis: among the turns of their conversation, with which it expires. */
import type { Step, StepCall, StepStore } from "../../ports/steps.ts";
import type { ConversationId } from "../../ports/updates.ts";
import type { StoredForm } from "../lanes/stored-forms.ts";
import type { FilesDeps } from "./files.ts";
import { settlementArgument } from "./ledger-scripts.ts";
import { decodeTurn, encodeEnd } from "./records.ts";
import { runScript, type ScriptArgument } from "./script.ts";
import * as lua from "./step-scripts.ts";

export interface StepsDeps extends FilesDeps {
  readonly prefix: string;
  /** How the ledger is kept. */
  readonly keeping: string;
}

type Change = (
  conversation: ConversationId,
  script: string,
  keys: readonly [string, ...string[]],
  args: readonly ScriptArgument[] | ((form: StoredForm) => readonly ScriptArgument[]),
) => Promise<unknown>;

const mostWaiting = 100;

/** What the index of waiting turns calls one. */
export function waitingMember(conversation: ConversationId, question: number): string {
  return `${conversation}\n${question}`;
}

/** Creates the part of a view of the store that changes things by `change`. */
export function createSteps(deps: StepsDeps, change: Change): StepStore {
  const { commands: redis, prefix, keeping, turnsKey, oldest, unmoved } = deps;
  const [asking, knownKey] = [`${prefix}asking`, `${prefix}known-tools`];

  async function read(conversation: ConversationId, script: string, args: readonly ScriptArgument[]) {
    return await unmoved(conversation, runScript(redis, script, [turnsKey(conversation)], [oldest(), ...args]));
  }

  return {
    async readSteps({ conversation, question, run }) {
      return stepsOf((await read(conversation, lua.readSteps, [question, run])) as readonly string[]);
    },
    async addStep({ conversation, question, run }, { number, calls, ...step }, rows) {
      const written = calls.flatMap(({ state, result, ...call }) => [
        `${state}\n${JSON.stringify(call)}`,
        result === undefined ? "" : JSON.stringify(result),
      ]);
      const where = [oldest(), question, run, keeping, number, JSON.stringify(step), calls.length];
      const args = [...where, ...written, ...rows.map(settlementArgument)];
      return (await change(conversation, lua.addStep, [turnsKey(conversation), prefix], args)) === 1;
    },
    async changeCall({ conversation, question, run }, { step, call, state, result }) {
      const written = result === undefined ? "" : JSON.stringify(result);
      const args = [oldest(), question, run, `${question}:${step}:${call}`, state, written];
      return (await change(conversation, lua.changeCall, [turnsKey(conversation)], args)) === 1;
    },
    async suspendTurn(turn, at, rows) {
      const { conversation, question, run } = turn;
      const member = waitingMember(conversation, question);
      const keys: [string, ...string[]] = [turnsKey(conversation), prefix, asking];
      const changed = await change(conversation, lua.suspendTurn, keys, (form) => {
        const where = [oldest(), question, run, keeping, encodeEnd(turn, form).rest, at, member];
        return [...where, ...rows.map(settlementArgument)];
      });
      return changed === 1;
    },
    async resumeTurn(conversation, question, run) {
      const args = [oldest(), question, run, waitingMember(conversation, question)];
      const record = await change(conversation, lua.resumeTurn, [turnsKey(conversation), asking], args);
      return typeof record === "string" ? decodeTurn(record) : undefined;
    },
    async waitingTurns(conversation) {
      const found = (await read(conversation, lua.waitingTurns, [])) as readonly string[];
      const turns = found.flatMap((question, at) =>
        at % 2 === 0 ? [{ conversation, question: Number(question), at: Number(found[at + 1]) }] : [],
      );
      return turns.sort((a, b) => a.at - b.at);
    },
    async waitingSince(before) {
      const keys = [asking, turnsKey("")];
      const found = (await runScript(redis, lua.waitingSince, keys, [before, mostWaiting])) as readonly string[];
      return found.flatMap((conversation, at) =>
        at % 3 === 0 ? [{ conversation, question: Number(found[at + 1]), at: Number(found[at + 2]) }] : [],
      );
    },
    async allowedTools(conversation) {
      const names = String(await read(conversation, lua.allowedTools, []));
      return new Set(names.split(" ").filter((name) => name !== ""));
    },
    async allowTool(conversation, name) {
      await change(conversation, lua.allowTool, [turnsKey(conversation)], [oldest(), name]);
    },
    async knownTools() {
      return new Map(Object.entries(await redis.hgetall(knownKey)));
    },
    knowTool: async (name, hash) => void (await redis.hset(knownKey, name, hash)),
    async meetTool(name, hash) {
      await redis.hsetnx(knownKey, name, hash);
      return (await redis.hget(knownKey, name)) ?? hash;
    },
  };
}

/** The steps that the script has found, in their order. */
function stepsOf(found: readonly string[]): readonly Step[] {
  const steps: Step[] = [];
  for (let at = 0; at < found.length; ) {
    const [record = "{}", count = "0"] = found.slice(at, at + 2);
    const calls = Array.from({ length: Number(count) }, (_, place) => {
      const [call = "", result = ""] = found.slice(at + 2 + 2 * place, at + 4 + 2 * place);
      return callOf(call, result);
    });
    steps.push({ ...(JSON.parse(record) as Omit<Step, "number" | "calls">), number: steps.length + 1, calls });
    at += 2 + 2 * calls.length;
  }
  return steps;
}

function callOf(call: string, result: string): StepCall {
  const end = call.indexOf("\n");
  return {
    ...(JSON.parse(call.slice(end + 1)) as Omit<StepCall, "state" | "result">),
    state: call.slice(0, end) as StepCall["state"],
    ...(result === "" ? {} : { result: JSON.parse(result) as StepCall["result"] }),
  };
}
