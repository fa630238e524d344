/**
 * `npm run bench:tools -- [options]`: what tools add. Chats whose answers take a web search and a calculation before they are
 * written, the same chats without, both in one process, and a `kill -9` in the middle of all turns. The bot runs as `npm start`
 * runs it; model and search provider are on the loopback address.
 *
 *   --quick           half a minute: few chats, short answers
 *   --chats 200       chats at once; in the third run twice as many, half of them with tools
 *   --seconds 20      measured time of each run
 *   --characters 1500 length of an answer
 *   --tokens-per-second 50  pace of the model
 *   --redis URL       queue and state in this Redis
 *   --profile 200     chats of the run that shows where the CPU time goes; 0: none
 */
import { parseArgs } from "node:util";
import type { Measured } from "./load.ts";
import type { Percentiles } from "./percentiles.ts";
import { endOnSignals } from "./processes.ts";
import { printProfile, printTable, rounded, writeResults } from "./results.ts";
import type { KillFigures } from "./tools/kill.ts";
import { measureKilled, measureWith, type ToolsLoad, type ToolsRun } from "./tools/runs.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    chats: { type: "string" },
    seconds: { type: "string" },
    characters: { type: "string" },
    "tokens-per-second": { type: "string", default: "50" },
    redis: { type: "string" },
    profile: { type: "string" },
  },
});
const usual = values.quick ? { chats: 20, seconds: 5, characters: 300 } : { chats: 200, seconds: 20, characters: 1500 };
const load: ToolsLoad = {
  chats: Number(values.chats ?? usual.chats),
  seconds: Number(values.seconds ?? usual.seconds),
  characters: Number(values.characters ?? usual.characters),
  tokensPerSecond: Number(values["tokens-per-second"]),
  ...(values.redis === undefined ? {} : { redis: values.redis }),
};
const profiled = Number(values.profile ?? (values.quick ? 0 : load.chats));

endOnSignals();
const runs: ToolsRun[] = [];
for (const which of ["none", "all", "both"] as const) {
  console.error(`${load.chats} chats, tools: ${which} …`);
  runs.push(await measureWith(which, load));
}
const [plain, tools] = runs;
printRuns();
if (plain !== undefined && tools !== undefined) printAdded(plain, tools);
console.error("kill -9 in the middle of all turns …");
const killed = { plain: await measureKilled(false, load), tools: await measureKilled(true, load) };
printKills();
const profile = profiled > 0 ? await measureWith("all", { ...load, chats: profiled, profiled: true }) : undefined;
if (profile !== undefined) printProfile(profile);
await writeResults("tools", { load, runs, killed, profile });

function printRuns(): void {
  console.log("Added milliseconds (p50 / p99), and what 1,000 answers take.\n");
  const rows = runs.map((run) => [
    run.name,
    String(run.answers),
    two(run.addedToFirstMs),
    two(run.addedToFinalMs),
    rounded(run.cpuSecondsPer1000),
    run.peakMemoryMiB.toFixed(0),
    run.writtenKiB.toFixed(0),
    rounded(callsOf(run)),
  ]);
  printTable(
    ["run", "answers", "to first text", "to final text", "CPU s", "peak MiB", "KiB written each", "calls each"],
    rows,
  );
  for (const { name, wrong, unmatched, redis } of runs) {
    if (redis !== undefined)
      console.log(
        `\n${name}: ${rounded(redis.scripts)} scripts and ${rounded(redis.commands)} commands of Redis for each answer`,
      );
    if (wrong.length > 0) console.log(`\n${name}: refused by Telegram or to be mended:\n  ${wrong.join("\n  ")}`);
    if (unmatched > 0) console.log(`\n${name}: ${unmatched} answers could not be matched with the model's`);
  }
}

function printAdded(before: Measured, { also: { steps }, ...run }: ToolsRun): void {
  const perStep = (run.cpuSecondsPer1000 - before.cpuSecondsPer1000) / 2;
  const plainBeside = runs[2]?.also.plainToFirstMs;
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  console.log(`\nOf a step, in ${steps.turns} turns (p50 / p99 of milliseconds):`);
  console.log(`  added by a search, beside what the provider took   ${two(steps.searchStepMs)}`);
  console.log(`  added by a calculation, with what it took itself   ${two(steps.calculateStepMs)}`);
  console.log(`  CPU milliseconds                                   ${rounded(perStep)}`);
  console.log(
    `  memory of the process, MiB more                    ${rounded(run.peakMemoryMiB - before.peakMemoryMiB)}`,
  );
  console.log(`  first text of chats without tools beside the others  ${plainBeside ? two(plainBeside) : "none"}`);
  console.log(
    `  read from the provider's cache                     ${percent(steps.cachedShare)} of what later steps read`,
  );
  console.log(`    of which all that can be                         ${percent(steps.possibleShare)}`);
  console.log(`  requests that do not begin with the one before     ${steps.changed}`);
}

function printKills(): void {
  const row = (name: string, { hit, lost, downMs, laterMs, requestsAgain, searchesAgain }: KillFigures) => [
    name,
    String(hit),
    String(lost),
    downMs.toFixed(0),
    two(laterMs),
    rounded(requestsAgain),
    rounded(searchesAgain),
  ];
  console.log("\nA kill -9 in the middle of turns, the next process started at once: of each turn that was running\n");
  printTable(
    ["kill", "turns", "lost", "ms without a process", "ms later", "model asked again", "searched again"],
    [row("no tools", killed.plain), row("two tool steps", killed.tools)],
  );
}

function two({ p50, p99 }: Percentiles): string {
  return `${rounded(p50)} / ${rounded(p99)}`;
}

function callsOf({ callsPerAnswer }: Measured): number {
  const counted = Object.entries(callsPerAnswer).filter(([method]) => method !== "getUpdates");
  return counted.reduce((sum, [, count]) => sum + count, 0);
}
