/** The runs of `npm run bench -- --busy n` and their table. */
import { canStartRedis, startPrivateRedis } from "../test/support/redis-server.ts";
import { type BusyLoad, type BusyRun, measureBusy } from "./busy.ts";
import type { Percentiles } from "./percentiles.ts";
import { printTable, writeResults } from "./results.ts";

/** Measures the embedded engine, then one web and two workers over Redis where there is one or one can be started. */
export async function runBusy(load: Omit<BusyLoad, "redis">, engines: readonly string[], url?: string): Promise<void> {
  const runs: BusyRun[] = [];
  if (engines.includes("embedded")) {
    console.error(`embedded, ${load.chats} chats beside ${load.busy} busy processes …`);
    runs.push(await measureBusy(load));
  }
  if (engines.includes("redis")) {
    const server = url === undefined && canStartRedis() ? await startPrivateRedis({ appendOnly: true }) : undefined;
    const redis = url ?? server?.url;
    if (redis === undefined)
      console.error("Redis is left out: REDIS_URL is not set, and there is no redis-server here.");
    else {
      console.error(`Redis, one web and two workers, ${load.chats} chats beside ${load.busy} busy processes …`);
      runs.push(await measureBusy({ ...load, redis }));
    }
    await server?.stop();
  }
  print(runs);
  await writeResults("busy", { runs });
}

function print(runs: readonly BusyRun[]): void {
  console.log("What was wrong, and added milliseconds (p50 / p95 / p99)\n");
  const three = ({ p50, p95, p99 }: Percentiles) => [p50, p95, p99].map((value) => value.toFixed(0)).join(" / ");
  const rows = runs.map((run) => [
    `${run.load.mode} ${run.load.chats} ${run.load.redis === undefined ? "embedded" : "Redis"}`,
    ...[run.answers, run.copies, run.lost, run.outOfOrder, run.refused].map(String),
    ...[three(run.addedToFirstMs), three(run.addedToFinalMs), run.seconds.toFixed(0)],
    ...[run.warnings, run.logLines].map(String),
  ]);
  const counted = ["answers", "copies", "lost", "out of order", "refused"];
  printTable(["run", ...counted, "to first text", "to final text", "seconds", "warnings", "log lines"], rows);
  for (const { load, wrong, trouble } of runs) {
    const lines = [...new Set(wrong), ...trouble];
    if (lines.length > 0) console.log(`\n${load.redis === undefined ? "embedded" : "Redis"}:\n  ${lines.join("\n  ")}`);
  }
}
