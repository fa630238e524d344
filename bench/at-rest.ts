/** What the bot costs before anybody writes to it, beside a plain grammY bot. */
import { percentiles } from "./percentiles.ts";
import { cpuSeconds, residentMemory, type SubjectOptions, sleep, startServer, startSubject } from "./processes.ts";

export interface AtRest {
  readonly kind: SubjectOptions["kind"];
  readonly starts: number;
  /** Whether it found what a start before had kept of its sources; the plain bot keeps nothing. */
  readonly again: boolean;
  /** Medians over all starts. From the start of the process until it takes updates. */
  readonly readyMs: number;
  readonly cpuSecondsToReady: number;
  /** Once it has rested. */
  readonly residentMiB: number;
}

/** Long enough for what is put off until there is time. */
const restMs = 5_000;

/** What is started: the kind, and whether it finds what a start before has kept. */
export type Resting = Pick<AtRest, "kind" | "again">;

/** Starts each of them so many times, one after another, and lets it rest each time; in turns, so that all meet the same machine. */
export async function measureAtRest(
  subjects: readonly Resting[],
  { starts, former }: Pick<AtRest, "starts"> & Pick<SubjectOptions, "former">,
): Promise<AtRest[]> {
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("model-server.ts", { BENCH_CHARACTERS: "100", BENCH_TOKENS_PER_SECOND: "50" });
  const measured = subjects.map((subject) => ({
    subject,
    ready: [] as number[],
    cpu: [] as number[],
    resident: [] as number[],
  }));
  async function startOnce({ kind, again }: Resting) {
    const env = again ? {} : { NODE_DISABLE_COMPILE_CACHE: "1" };
    return await startSubject({ kind, telegram, model, env, ...(former === undefined ? {} : { former }) });
  }
  try {
    // What is found again has to be kept once.
    for (const subject of subjects.filter(({ again }) => again)) {
      const started = await startOnce(subject);
      await sleep(restMs);
      await started.stop();
    }
    for (let start = 0; start < starts; start++) {
      for (const { subject, ready, cpu, resident } of measured) {
        const started = await startOnce(subject);
        ready.push(started.readyMs);
        cpu.push(await cpuSeconds(started.pid));
        await sleep(restMs);
        resident.push(await residentMemory(started.pid));
        await started.stop();
      }
    }
  } finally {
    telegram.stop();
    model.stop();
  }
  return measured.map(({ subject, ready, cpu, resident }) => ({
    ...subject,
    starts,
    readyMs: percentiles(ready).p50,
    cpuSecondsToReady: percentiles(cpu).p50,
    residentMiB: percentiles(resident).p50,
  }));
}
