/** `npm run queue -- …`: what an operator can see of the queue and do to it. */
import { StartError } from "./errors.ts";
import type { DeadUpdate, LaneKind, UpdateQueue } from "./ports.ts";

const usage = [
  "npm run queue -- stats        how much waits, runs and is dead",
  "npm run queue -- dead         the dead updates, the oldest first",
  "npm run queue -- requeue ID   puts a dead update at the end of its lane again",
  "npm run queue -- drain LANE   makes dead what waits in a lane: CHAT, CHAT:THREAD, or with /quick behind it",
];
const most = 1_000;

/** Carries its command out; prints the outcome in lines, never a text of a message. Resolves with the exit code. */
export type OperatorCommand = (queue: UpdateQueue, print: (line: string) => void) => Promise<number>;

/** Reads what follows `npm run queue --`. Throws a `StartError` that names the commands when it is none of them. */
export function readOperatorCommand(args: readonly string[]): OperatorCommand {
  const [command, argument = "", ...more] = args;
  const updateId = /^-?\d{1,15}$/.test(argument) ? Number(argument) : undefined;
  const lane = laneOf(argument);
  if (more.length > 0) throw new StartError(usage);
  if (command === "stats" && argument === "") return showStats;
  if (command === "dead" && argument === "") return listDead;
  if (command === "requeue" && updateId !== undefined) {
    return async (queue, print) => {
      const found = await queue.dead.requeue(updateId);
      print(found ? `update ${updateId} is at the end of its lane` : `there is no dead update ${updateId}`);
      return found ? 0 : 1;
    };
  }
  if (command === "drain" && lane !== undefined) {
    return async (queue, print) => {
      const count = await queue.drainLane(lane.conversation, lane.kind, "drained by an operator");
      print(`${count} updates are dead now; requeue them one by one`);
      return 0;
    };
  }
  throw new StartError(usage);
}

const showStats: OperatorCommand = async (queue, print) => {
  const { waiting, active, delayed, dead, oldestWaitingMs } = await queue.stats();
  print(`waiting ${waiting} (delayed ${delayed}), active ${active}, dead ${dead}, oldest ${seconds(oldestWaitingMs)}`);
  return 0;
};

const listDead: OperatorCommand = async (queue, print) => {
  const dead = await queue.dead.list(most + 1);
  for (const update of dead.slice(0, most)) print(lineOf(update));
  if (dead.length > most) print(`… and more; these are the ${most} oldest`);
  if (dead.length === 0) print("no dead updates");
  return 0;
};

function laneOf(text: string): { conversation: string; kind: LaneKind } | undefined {
  // An update without a chat has a lane of its own, named as `dead` shows it.
  const [, conversation, quick] = /^(-?\d+(?::\d+)?|update:\d+)(\/quick)?$/.exec(text) ?? [];
  return conversation === undefined ? undefined : { conversation, kind: quick === undefined ? "turn" : "quick" };
}

function lineOf({ updateId, conversation, lane, receivedAt, reason }: DeadUpdate): string {
  const name = lane === "quick" ? `${conversation}/quick` : conversation;
  return `${updateId}  lane ${name}  ${seconds(Date.now() - receivedAt)} old  ${reason.replace(/\s+/g, " ").slice(0, 200)}`;
}

function seconds(milliseconds: number): string {
  return `${Math.round(milliseconds / 1000)} s`;
}
