/** What sentences of every language are made of, where it is more than a word or a number. */
import type { QueueStats } from "../ports/queue.ts";

export interface CommandLine {
  readonly name: string;
  readonly description: string;
}

/** What `/stats` says; with `queue`, what an operator wants to know besides. Times in milliseconds. */
export interface StatsLines {
  readonly requests: number;
  readonly errors: number;
  readonly uptimeSeconds: number;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly queue: QueueStats | undefined;
  /** The memory that the process holds, in MB. */
  readonly megabytes: number;
}
