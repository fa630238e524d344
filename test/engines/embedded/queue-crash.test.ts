import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { StartError } from "../../../src/base/errors.ts";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";

const script = fileURLToPath(new URL("../../support/processes/queue-process.ts", import.meta.url));
const total = 2_500;
const lanes = 30;
const kills = 6;

const root = mkdtempSync(join(tmpdir(), "parley-crash-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Numbers from 0 up to 1 that only look random: the same for the same seed. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

/** Runs the process until its end, or kills it a moment after its n-th sign of life. Returns its exit code. */
async function run(folder: string, log: string, kill?: { signs: number; afterMs: number }): Promise<number | null> {
  const child = spawn(process.execPath, [script, folder, log, String(total), String(lanes)], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let signs = 0;
  let errors = "";
  let timer: NodeJS.Timeout | undefined;
  child.stderr.on("data", (text) => {
    errors += text;
  });
  child.stdout.on("data", (dots: Buffer) => {
    signs += dots.length;
    if (kill !== undefined && signs >= kill.signs) timer ??= setTimeout(() => child.kill("SIGKILL"), kill.afterMs);
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  clearTimeout(timer);
  if (code !== null && code !== 0) throw new Error(`the process ended with ${code}: ${errors}`);
  return code;
}

interface Verdict {
  /** Acknowledged, and never handled to the end. */
  readonly lost: number[];
  /** Handled again although its end was stored: the next of its lane had begun, or nothing was killed in between. */
  readonly finishedTwice: number[];
  /** Begun before the one before it in its lane had ended, or after one behind it had begun. */
  readonly outOfOrder: number[];
  /** Handled again after a crash, as it must be. */
  readonly repeated: number;
  readonly duplicates: number;
}

function judge(lines: readonly string[]): Verdict {
  const acknowledged = new Set<number>();
  const ended = new Set<number>();
  const endedBeforeCrash = new Set<number>();
  const newest = new Map<number, number>();
  const begun = new Set<number>();
  const verdict = { lost: [] as number[], finishedTwice: [] as number[], outOfOrder: [] as number[] };
  let [repeated, duplicates] = [0, 0];
  for (const line of lines) {
    const [event = "", idText, result] = line.split(" ");
    const id = Number(idText);
    const lane = id % lanes;
    if (event === "ack") {
      acknowledged.add(id);
      if (result === "duplicate") duplicates++;
    } else if (event === "killed") {
      for (const one of ended) endedBeforeCrash.add(one);
    } else if (event === "end") {
      ended.add(id);
    } else if (event === "start") {
      const before = newest.get(lane) ?? -1;
      if (ended.has(id) && (before > id || !endedBeforeCrash.has(id))) verdict.finishedTwice.push(id);
      else if (before > id || (id >= lanes && !ended.has(id - lanes))) verdict.outOfOrder.push(id);
      if (begun.has(id)) repeated++;
      begun.add(id);
      newest.set(lane, Math.max(before, id));
    }
  }
  verdict.lost.push(...[...acknowledged].filter((id) => !ended.has(id)));
  return { ...verdict, repeated, duplicates };
}

const linesOf = (log: string) => readFileSync(log, "utf8").trimEnd().split("\n");

describe("the embedded queue, killed in the middle of everything", () => {
  it.each([1, 2])(
    "loses nothing, ends nothing twice and keeps every lane's order (seed %i)",
    async (seed) => {
      const random = createRandom(seed);
      const folder = join(root, String(seed));
      const log = join(root, `${seed}.log`);
      let killed = 0;
      for (let n = 0; n < kills; n++) {
        const code = await run(folder, log, { signs: 1 + Math.floor(random() * 14), afterMs: random() * 6 });
        if (code === null) killed++;
        appendFileSync(log, "killed\n");
      }
      expect(killed).toBe(kills);
      expect(await run(folder, log)).toBe(0);

      const lines = linesOf(log);
      expect(lines.at(-1)).toBe("complete");
      const { lost, finishedTwice, outOfOrder, repeated, duplicates } = judge(lines);
      expect({ lost, finishedTwice, outOfOrder }).toEqual({ lost: [], finishedTwice: [], outOfOrder: [] });
      expect(new Set(lines.filter((line) => line.startsWith("end ")))).toHaveProperty("size", total);
      expect(lines.filter((line) => line.startsWith("dead"))).toEqual([]);
      // Or the test would have met no crash worth the name.
      expect(repeated).toBeGreaterThan(kills);
      expect(duplicates).toBeGreaterThan(kills);
    },
    120_000,
  );

  it("keeps another process out while it lives, and lets it in when it was killed", async () => {
    const folder = join(root, "lock");
    const log = join(root, "lock.log");
    const child = spawn(process.execPath, [script, folder, log, String(total), String(lanes)], { stdio: "pipe" });
    const ended = new Promise((resolve) => child.on("close", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    // Stopped, not dead: the lock is held by whoever does not even answer.
    child.kill("SIGSTOP");
    expect(() => createSqliteDatabase(join(folder, "parley.db"))).toThrow(StartError);
    child.kill("SIGKILL");
    await ended;
    await createSqliteDatabase(join(folder, "parley.db")).close();
  });
});

describe("the judge of that test", () => {
  const verdict = (...lines: string[]) => judge(lines);

  it("finds what is lost, out of order and finished twice", () => {
    const next = lanes;
    expect(verdict("ack 0 queued", "start 0").lost).toEqual([0]);
    expect(verdict("start 0", `start ${next}`).outOfOrder).toEqual([next]);
    expect(verdict("start 0", "end 0", "start 0").finishedTwice).toEqual([0]);
    expect(verdict("start 0", "end 0", `start ${next}`, "killed", "start 0").finishedTwice).toEqual([0]);
  });

  it("accepts that what was running, or had ended that moment, is handled again", () => {
    const { lost, finishedTwice, outOfOrder } = verdict(
      "ack 0 queued",
      "start 0",
      "end 0",
      "killed",
      "start 0",
      "end 0",
    );
    expect([lost, finishedTwice, outOfOrder]).toEqual([[], [], []]);
  });
});
