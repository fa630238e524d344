/** The shared queue as an operator's dashboard sees it. */
import type { QueueView, UpdateState, UpdateView } from "../../ports/operators.ts";
import type { UpdateQueue } from "../../ports/queue.ts";
import { runStep } from "./lane-scripts.ts";
import type { RedisLink } from "./link.ts";
import { viewScript } from "./upkeep-scripts.ts";

const sets: Readonly<Record<UpdateState, string>> = {
  waiting: "waiting",
  active: "running",
  delayed: "delayed",
  dead: "dead",
};
/** In one answer, whatever a page asks for. */
const mostAtOnce = 200;

type Row = [id: string, set: string, since: string, conversation: string, ...rest: (string | null)[]];

/** Creates the view of a queue. */
export function createRedisView(link: RedisLink, { stats }: Pick<UpdateQueue, "stats">): QueueView {
  async function look(...args: (string | number)[]): Promise<UpdateView[]> {
    return ((await runStep(link, viewScript, ...args)) as Row[]).map(viewOf);
  }
  return {
    stats,
    list: (state, start, most) => look(sets[state], start, start + Math.min(most, mostAtOnce) - 1),
    async find(updateId) {
      const [found] = await look("one", updateId);
      return found;
    },
    serverInfo: () => link.commands.info(),
  };
}

function viewOf([id, set, since, conversation, lane, at, attempts, question, reason]: Row): UpdateView {
  const state = (Object.keys(sets) as UpdateState[]).find((one) => sets[one] === set);
  return {
    updateId: Number(id),
    state: state ?? "waiting",
    conversation,
    lane: lane === "quick" ? "quick" : "turn",
    receivedAt: Number(at),
    since: Number(since),
    attempts: Number(attempts ?? 0),
    ...(question == null ? {} : { question: Number(question) }),
    ...(reason == null ? {} : { reason }),
  };
}
