/**
 * `npm run bench -- [options]`: what the bot adds to answers while many are written at once, beside a floor that makes the
 * same HTTP calls with no bot in between.
 *
 *   --chats 1,50,200,1000     chats at once
 *   --mode draft,edit         how answers are shown
 *   --subjects bot,floor      what is measured
 *   --former FOLDER           beside the bot of this checkout that of another one
 *   --starts 5                starts of the bot at rest; 0: not measured
 *   --seconds 20              measured time of each run
 *   --characters 1500         length of an answer
 *   --tokens-per-second 50    pace of the model
 *   --redis URL               queue and state of the bot in this Redis, and what that costs it
 *   --workers 0               with --redis: one process that takes updates, and so many workers; 0: one process does all
 *   --profile 200             chats of the run that shows where the CPU time goes; 0: none
 *   --busy 6                  instead of all this: 3,000 chats (or `--chats`) beside so many busy processes, embedded and with
 *                             Redis (that of `--redis` or REDIS_URL, else a server of its own), and what was wrong or late
 *   --questions 2             of each chat beside busy processes, sent one right behind the other
 *   --engines embedded,redis  what is measured beside busy processes
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type AtRest, measureAtRest, type Resting } from "./at-rest.ts";
import { runBusy } from "./busy-runs.ts";
import { type Measured, measure } from "./load.ts";
import { endOnSignals } from "./processes.ts";
import { printProfile, printTable, rounded, writeResults } from "./results.ts";

const { values } = parseArgs({
  options: {
    chats: { type: "string" },
    mode: { type: "string" },
    subjects: { type: "string", default: "bot,floor" },
    former: { type: "string" },
    starts: { type: "string", default: "5" },
    seconds: { type: "string", default: "20" },
    characters: { type: "string", default: "1500" },
    "tokens-per-second": { type: "string", default: "50" },
    redis: { type: "string" },
    workers: { type: "string", default: "0" },
    profile: { type: "string", default: "200" },
    busy: { type: "string" },
    questions: { type: "string", default: "2" },
    engines: { type: "string", default: "embedded,redis" },
  },
});
const common = {
  seconds: Number(values.seconds),
  characters: Number(values.characters),
  tokensPerSecond: Number(values["tokens-per-second"]),
  ...(values.redis === undefined ? {} : { redis: values.redis, workers: Number(values.workers) }),
  ...(values.former === undefined ? {} : { former: resolve(values.former) }),
};
const modes = (["draft", "edit"] as const).filter((mode) =>
  (values.mode ?? (values.busy === undefined ? "draft,edit" : "edit")).split(",").includes(mode),
);
const subjects = [...values.subjects.split(","), ...(values.former === undefined ? [] : ["former"])];
const kinds = (["bot", "former", "floor"] as const).filter((kind) => subjects.includes(kind));

endOnSignals();
if (values.busy !== undefined) {
  const { characters, tokensPerSecond } = common;
  const chats = Number(values.chats ?? 3000);
  const load = { characters, tokensPerSecond, chats, questions: Number(values.questions), busy: Number(values.busy) };
  const url = values.redis ?? process.env["REDIS_URL"];
  await runBusy({ ...load, mode: modes[0] ?? "edit" }, values.engines.split(","), url);
  process.exit();
}
const kindsAtRest = values.former === undefined ? (["bot"] as const) : (["bot", "former"] as const);
const resting: Resting[] = [
  ...kindsAtRest.flatMap((kind) => [
    { kind, again: true },
    { kind, again: false },
  ]),
  { kind: "plain", again: false },
];
const starts = Number(values.starts);
if (starts > 0) console.error("at rest …");
const atRest = starts > 0 ? await measureAtRest(resting, { ...common, starts }) : [];
if (atRest.length > 0) printAtRest(atRest);

const runs: Measured[] = [];
for (const mode of modes) {
  for (const chats of (values.chats ?? "1,50,200,1000")
    .split(",")
    .map(Number)
    .filter((chats) => chats > 0)) {
    for (const kind of kinds) {
      console.error(`${mode}, ${chats} chats, ${kind} …`);
      runs.push(await measure({ ...common, mode, chats, kind }));
    }
  }
}
if (runs.length > 0) printRuns(runs);

const profiles: Measured[] = [];
for (const mode of Number(values.profile) > 0 ? modes : []) {
  console.error(`${mode}, ${values.profile} chats, the bot under the profiler …`);
  const profiled = await measure({ ...common, mode, chats: Number(values.profile), kind: "bot", profiled: true });
  profiles.push(profiled);
  printProfile(profiled);
}
await writeResults("answers", { atRest, runs, profiles });

function printAtRest(measured: readonly AtRest[]): void {
  console.log(
    `At rest, medians of ${values.starts} starts: again, with what a start before has kept of the sources, and as at the ` +
      "very first; plain: a grammY bot that does nothing.\n",
  );
  const rows = measured.map(({ kind, again, readyMs, cpuSecondsToReady, residentMiB }) => [
    `${kind}, ${again ? "again" : "first"}`,
    readyMs.toFixed(0),
    rounded(cpuSecondsToReady),
    residentMiB.toFixed(0),
  ]);
  printTable(["at rest", "ms to ready", "CPU s to ready", "resident MiB"], rows);
  console.log();
}

function printRuns(measured: readonly Measured[]): void {
  console.log(
    "Added milliseconds (p50 / p95 / p99), CPU seconds per 1,000 answers, and the bot's CPU beside the floor's.",
  );
  console.log("cores: used by it + Telegram + model + everything else on this machine\n");
  const rows = measured.map((run) => {
    const { load } = run;
    const floor = measured.find(
      (other) => other.load.kind === "floor" && other.load.mode === load.mode && other.load.chats === load.chats,
    );
    const ratio = load.kind !== "floor" && floor ? rounded(run.cpuSecondsPer1000 / floor.cpuSecondsPer1000) : "";
    const three = ({ p50, p95, p99 }: { p50: number; p95: number; p99: number }) =>
      [p50, p95, p99].map((value) => value.toFixed(0)).join(" / ");
    const calls = Object.entries(run.callsPerAnswer)
      .filter(([method]) => method !== "getUpdates")
      .reduce((sum, [, count]) => sum + count, 0);
    return [
      `${load.mode} ${load.chats} ${load.kind}`,
      String(run.answers),
      rounded(run.repliesPerSecond),
      three(run.addedToFirstMs),
      three(run.addedToFinalMs),
      rounded(run.cpuSecondsPer1000),
      ratio,
      run.peakMemoryMiB.toFixed(0),
      rounded(calls),
      [run.cores.subject, run.cores.telegram, run.cores.model, run.cores.others].map((n) => n.toFixed(2)).join(" + "),
    ];
  });
  printTable(
    [
      "run",
      "answers",
      "a second",
      "to first text",
      "to final text",
      "CPU s",
      "ratio",
      "peak MiB",
      "calls each",
      "cores",
    ],
    rows,
  );
  for (const { load, wrong, unmatched, redis } of measured) {
    const name = `${load.mode} ${load.chats} ${load.kind}`;
    if (redis !== undefined)
      console.log(
        `\n${name}: Redis carried out ${rounded(redis.scripts)} scripts and ${rounded(redis.commands)} commands for each answer, ` +
          `in ${rounded(redis.cpuSeconds * 1000)} CPU seconds for 1,000`,
      );
    if (wrong.length > 0) console.log(`\n${name}: refused by Telegram or to be mended:\n  ${wrong.join("\n  ")}`);
    if (unmatched > 0) console.log(`\n${name}: ${unmatched} answers could not be matched with the model's`);
  }
}
