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

/** Starts it so many times, one after another, and lets it rest each time. */
export async function measureAtRest(
  kind: SubjectOptions["kind"],
  { starts, again, former }: Pick<AtRest, "starts" | "again"> & Pick<SubjectOptions, "former">,
): Promise<AtRest> {
  const telegram = await startServer("telegram-server.ts", {});
  const model = await startServer("model-server.ts", { BENCH_CHARACTERS: "100", BENCH_TOKENS_PER_SECOND: "50" });
  const ready: number[] = [];
  const cpu: number[] = [];
  const resident: number[] = [];
  try {
    for (let start = 0; start < starts; start++) {
      const subject = await startSubject({
        kind,
        telegram,
        model,
        env: again ? {} : { NODE_DISABLE_COMPILE_CACHE: "1" },
        ...(former === undefined ? {} : { former }),
      });
      ready.push(subject.readyMs);
      cpu.push(await cpuSeconds(subject.pid));
      await sleep(restMs);
      resident.push(await residentMemory(subject.pid));
      await subject.stop();
    }
  } finally {
    telegram.stop();
    model.stop();
  }
  return {
    kind,
    starts,
    again,
    readyMs: percentiles(ready).p50,
    cpuSecondsToReady: percentiles(cpu).p50,
    residentMiB: percentiles(resident).p50,
  };
}
