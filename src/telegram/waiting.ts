/** Waiting for Telegram without keeping others from it. */
import type { Transformer } from "grammy";
import type { ActiveUpdate } from "../ports/queue.ts";

/** A call that Telegram grants takes less. Whatever else it waits for (a 429, a repetition, silence), it may take hours. */
const patienceMs = 200;

type Job = Pick<ActiveUpdate, "stepAside">;

/** Waits for work that waits for Telegram; when it takes long, the update gives its slot to another lane. */
export async function aside<T>(job: Job, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => job.stepAside?.(), patienceMs);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** Does so for each call of an update of which nothing is left to do but calls. */
export function steppingAside(job: Job): Transformer {
  return (prev, method, payload, signal) => aside(job, prev(method, payload, signal));
}
