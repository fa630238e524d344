/** What a Redis has done so far, so that a run's part of it can be told. */
import { Redis } from "ioredis";

export interface RedisCost {
  /** Round trips of scripts. */
  readonly scripts: number;
  /** Commands, those inside of scripts included. */
  readonly commands: number;
  readonly cpuSeconds: number;
}

/** Asks it. */
export async function redisCost(url: string): Promise<RedisCost> {
  const redis = new Redis(url);
  try {
    const [stats, cpu] = [await redis.info("commandstats"), await redis.info("cpu")];
    const calls = [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name, count]) => [name, Number(count)]);
    const sum = (wanted: (name: string) => boolean) =>
      calls.reduce((total, [name, count]) => total + (wanted(String(name)) ? Number(count) : 0), 0);
    const seconds = (field: string) => Number(new RegExp(`^${field}:(\\S+)`, "m").exec(cpu)?.[1]);
    return {
      scripts: sum((name) => name === "eval" || name === "evalsha"),
      commands: sum(() => true),
      cpuSeconds: seconds("used_cpu_user") + seconds("used_cpu_sys"),
    };
  } finally {
    redis.disconnect();
  }
}

/** The difference of two answers, for each of so many replies. */
export function costPerReply(before: RedisCost, after: RedisCost, replies: number): RedisCost {
  return {
    scripts: (after.scripts - before.scripts) / replies,
    commands: (after.commands - before.commands) / replies,
    cpuSeconds: (after.cpuSeconds - before.cpuSeconds) / replies,
  };
}
