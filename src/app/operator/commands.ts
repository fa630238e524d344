/** `npm run queue -- …`: what an operator can see of the queue and do to it. */
import { messageOf, StartError } from "../../base/errors.ts";
import type { Ledger } from "../../ports/ledger.ts";
import type { OperatorAnswer } from "../../ports/operators.ts";
import type { DeadUpdate, UpdateQueue } from "../../ports/queue.ts";
import type { LaneKind } from "../../ports/updates.ts";
import { readLedgerCommand } from "./ledger-command.ts";

const usage = [
  "npm run queue -- stats        how much waits, runs and is dead",
  "npm run queue -- dead         the dead updates, the oldest first",
  "npm run queue -- requeue ID   puts a dead update at the end of its lane again",
  "npm run queue -- drain LANE   makes dead what waits in a lane: CHAT, CHAT:THREAD, or with /quick behind it",
];
const most = 1_000;

/** What a command works on; `npm run ledger` wants the ledger alone. */
export interface OperatorSubjects {
  readonly queue: UpdateQueue;
  readonly ledger: Pick<Ledger, "rows">;
}

type OperatorCommand = (subjects: OperatorSubjects) => Promise<OperatorAnswer>;

/** Carries a command out, for whoever asks: `args` is what follows `npm run queue --`. Never rejects. */
export async function answerOperator(args: readonly string[], subjects: OperatorSubjects): Promise<OperatorAnswer> {
  try {
    return await readOperatorCommand(args)(subjects);
  } catch (error) {
    return { exitCode: 1, lines: error instanceof StartError ? error.lines : [messageOf(error)] };
  }
}

/** Reads what follows `npm run queue --`. Throws a `StartError` that names the commands when it is none of them. */
export function readOperatorCommand(args: readonly string[]): OperatorCommand {
  const [command, argument = "", ...more] = args;
  if (command === "ledger") {
    const answer = readLedgerCommand(args.slice(1));
    return async ({ ledger }) => answer(ledger);
  }
  const updateId = /^-?\d{1,15}$/.test(argument) ? Number(argument) : undefined;
  const lane = laneOf(argument);
  if (more.length > 0) throw new StartError(usage);
  if (command === "stats" && argument === "") return showStats;
  if (command === "dead" && argument === "") return listDead;
  if (command === "requeue" && updateId !== undefined) {
    return async ({ queue }) => {
      const found = await queue.dead.requeue(updateId);
      return found
        ? { exitCode: 0, lines: [`update ${updateId} is at the end of its lane`] }
        : { exitCode: 1, lines: [`there is no dead update ${updateId}`] };
    };
  }
  if (command === "drain" && lane !== undefined) {
    return async ({ queue }) => {
      const count = await queue.drainLane(lane.conversation, lane.kind, "drained by an operator");
      const found =
        count === 1 ? "1 update is dead now; requeue it" : `${count} updates are dead now; requeue them one by one`;
      return { exitCode: 0, lines: [found] };
    };
  }
  throw new StartError(usage);
}

const showStats: OperatorCommand = async ({ queue }) => {
  const { waiting, active, delayed, dead, oldestWaitingMs } = await queue.stats();
  const line = `waiting ${waiting} (delayed ${delayed}), active ${active}, dead ${dead}, oldest ${seconds(oldestWaitingMs)}`;
  return { exitCode: 0, lines: [line] };
};

const listDead: OperatorCommand = async ({ queue }) => {
  const dead = await queue.dead.list(most + 1);
  const lines = dead.slice(0, most).map(lineOf);
  if (dead.length > most) lines.push(`… and more; these are the ${most} oldest`);
  return { exitCode: 0, lines: dead.length === 0 ? ["no dead updates"] : lines };
};

function laneOf(text: string): { conversation: string; kind: LaneKind } | undefined {
  // An update without a chat has a lane of its own, named as `dead` shows it.
  const [, conversation, quick] = /^(-?\d+(?::\d+)?|update:\d+)(\/quick)?$/.exec(text) ?? [];
  return conversation === undefined ? undefined : { conversation, kind: quick === undefined ? "turn" : "quick" };
}

function lineOf({ updateId, conversation, lane, receivedAt, reason }: DeadUpdate): string {
  const name = lane === "quick" ? `${conversation}/quick` : conversation;
  return `${updateId}  lane ${name}  ${seconds(Date.now() - receivedAt)} old  ${plain(reason)}`;
}

/** A reason may be what a model's provider or Telegram said: one line, and nothing that a terminal would obey. */
function plain(text: string): string {
  return text.slice(0, 200).replace(/[\s\p{Cc}\p{Cf}]+/gu, " ");
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}
