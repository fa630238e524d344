/** The updates of the queue in the terms of the dashboard's package: one queue, whose jobs are what people have sent. */
import { BaseAdapter } from "@bull-board/api/dist/queueAdapters/base.js";
import type { JobCounts, JobStatus, QueueJob, QueueJobJson, QueueMetrics, Status } from "@bull-board/api/dist/types.js";
import type { QueueView, UpdateState, UpdateView } from "../../ports/operators.ts";

/** What the package calls the states of an update. */
const stateOf: Partial<Record<JobStatus, UpdateState>> = {
  waiting: "waiting",
  active: "active",
  delayed: "delayed",
  failed: "dead",
};
const statuses = Object.keys(stateOf) as JobStatus[];

/** Creates the board of a queue. It only shows. */
export function createBoard(view: QueueView): BaseAdapter {
  return new Board(view);
}

class Board extends BaseAdapter {
  private readonly view: QueueView;
  constructor(view: QueueView) {
    super("bull", { readOnlyMode: true, description: "What people have sent: waiting, being answered, and given up" });
    this.view = view;
  }

  getName(): string {
    return "Updates";
  }
  getStatuses(): Status[] {
    return ["latest", ...statuses];
  }
  getJobStatuses(): JobStatus[] {
    return statuses;
  }
  async getJobCounts(): Promise<JobCounts> {
    const { waiting, active, delayed, dead } = await this.view.stats();
    return { waiting, active, delayed, failed: dead } as JobCounts;
  }
  async getJobs(wanted: JobStatus[], start = 0, end = start + 9): Promise<QueueJob[]> {
    const states = wanted.flatMap((status) => stateOf[status] ?? []);
    // Those that are delayed are waiting, too: of all together each is shown once.
    const distinct = states.length > 1 ? states.filter((state) => state !== "delayed") : states;
    const lists = await Promise.all(distinct.map((state) => this.view.list(state, start, end - start + 1)));
    return lists.flat().map(jobOf);
  }
  async getJob(id: string): Promise<QueueJob | undefined> {
    const found = /^-?\d{1,15}$/.test(id) ? await this.view.find(Number(id)) : undefined;
    return found === undefined ? undefined : jobOf(found);
  }
  async getRedisInfo(): Promise<string> {
    return await this.view.serverInfo();
  }

  // What updates have not got.
  async getJobLogs(): Promise<string[]> {
    return [];
  }
  async getMetrics(): Promise<QueueMetrics> {
    return { meta: { count: 0, prevTS: 0, prevCount: 0 }, data: [], count: 0 };
  }
  async isPaused(): Promise<boolean> {
    return false;
  }
  async getJobSchedulers(): Promise<never[]> {
    return [];
  }
  async getJobSchedulersCount(): Promise<number> {
    return 0;
  }
  async getGlobalConcurrency(): Promise<null> {
    return null;
  }

  // What `npm run queue` does, in the order of the lanes.
  addJob = refuse;
  clean = refuse;
  empty = refuse;
  obliterate = refuse;
  pause = refuse;
  resume = refuse;
  promoteAll = refuse;
  removeJobScheduler = refuse;
  updateJobScheduler = refuse;
  runJobSchedulerNow = refuse;
  setGlobalConcurrency = refuse;
}

async function refuse(): Promise<never> {
  throw new Error("the dashboard only shows; npm run queue changes");
}

function jobOf(update: UpdateView): QueueJob {
  const { updateId, state, conversation, lane, question, receivedAt, since, attempts, reason } = update;
  const status = statuses.find((one) => stateOf[one] === state) ?? "waiting";
  const job: QueueJobJson = {
    id: updateId,
    name: lane === "quick" ? "command or button" : question === undefined ? "conversation" : "question",
    progress: 0,
    attemptsMade: attempts,
    timestamp: receivedAt,
    failedReason: reason ?? "",
    stacktrace: reason === undefined ? null : [reason],
    data: {
      lane: lane === "quick" ? `${conversation}/quick` : conversation,
      message: question,
    },
    returnvalue: null,
    opts: {},
    ...((state === "active" || state === "dead") && { processedOn: since }),
    ...(state === "dead" && { finishedOn: since }),
    ...(state === "delayed" && { delay: Math.max(0, since - receivedAt) }),
  };
  return {
    opts: {},
    promote: refuse,
    remove: refuse,
    retry: refuse,
    toJSON: () => job,
    getState: async () => status as never,
  };
}
