/** Turns in steps whose process is killed again and again: what was done once is not done twice, and every turn ends. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import type { Store } from "../../src/ports/store.ts";
import { until } from "../support/bot-process.ts";
import { inEnglish } from "../support/note-words.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink, startProcess } from "../support/redis-state.ts";

/** `STEP_KILLS=200,100`: so many turns, and at least so many kills, are what is to be shown once; here fewer do. */
const wanted = process.env["STEP_KILLS"];
const [turns = 24, kills = 12] = (wanted ?? "24,12").split(",").map(Number);
/** Where the moments fall is left to chance: a few turns may be through before all kills were made. */
const leastKills = wanted === undefined ? 3 : kills;
const redis = await findRedis();
const root = mkdtempSync(join(tmpdir(), "parley-steps-"));
afterAll(() => rmSync(root, { recursive: true }));

/** Kills the process after so many of its moments, until enough kills were made; then lets it end. Resolves with the kills. */
async function killAgainAndAgain(args: readonly string[]): Promise<number> {
  let killed = 0;
  for (;;) {
    const process = startProcess("step-turns.ts", args);
    await process.line("begins");
    // The last ones must find something left to do.
    const after = killed < kills ? 2 + Math.floor((Math.random() * 16 * turns) / kills) : Number.POSITIVE_INFINITY;
    const isDone = () => process.lines.at(-1) === "all done";
    await until(() => isDone() || process.lines.length > after, 120_000);
    const done = isDone();
    await process.end();
    if (done) {
      console.info(`${turns} turns of ${args[0]}: ${killed} kills`);
      return killed;
    }
    killed++;
  }
}

/** What must hold of all that was done, and of the turns that it was done for. */
async function expectOnce(effectsFile: string, store: Store): Promise<void> {
  const effects = readFileSync(effectsFile, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" "));
  const of = (kind: string) => effects.filter(([one]) => one === kind);
  const counts = (lines: string[][], by: (line: string[]) => string) =>
    new Map(Object.entries(Object.groupBy(lines, by)));
  const place = ([, conversation, step]: string[]) => `${conversation} ${step}`;
  for (const [, made] of counts(of("never"), place)) expect(made).toHaveLength(1);
  // Made again under the same key, by which whoever does it knows it.
  for (const [, made] of counts(of("keyed"), place)) expect(new Set(made?.map(([, , , key]) => key)).size).toBe(1);
  for (const kind of ["safe", "keyed"]) expect(counts(of(kind), place).size).toBe(3 * turns);
  for (let at = 0; at < turns; at++) {
    expect(await store.readTurn(String(1_000 + at), 1)).toMatchObject({ state: "done", outcome: "complete" });
    const [exchange, ...others] = await store.readHistory(String(1_000 + at));
    expect(others).toEqual([]);
    expect(exchange?.answered).toBe("Step 1.\n\nStep 2.\n\nStep 3.\n\nThe end.");
    expect(await store.readSteps({ conversation: String(1_000 + at), question: 1, run: 1 })).toEqual([]);
  }
}

function effectsFile(): string {
  const file = join(root, `effects-${Math.random()}`);
  writeFileSync(file, "");
  return file;
}

describe("turns in steps under kill -9", { timeout: 600_000 }, () => {
  it("repeat nothing that must not be repeated, in SQLite", async () => {
    const [path, effects] = [join(root, "data", "parley.db"), effectsFile()];
    expect(await killAgainAndAgain(["sqlite", path, effects, String(turns)])).toBeGreaterThanOrEqual(leastKills);
    const database = createSqliteDatabase(path);
    const store = createSqliteStore({ database, historyTtlSeconds: 3_600 });
    await expectOnce(effects, store);
    await store.stop();
    await database.close();
  });

  it.skipIf(redis.missing !== undefined)(
    redis.title("repeat nothing that must not be repeated, in Redis"),
    async () => {
      const { link, prefix, close } = await openLink(redis.url);
      const effects = effectsFile();
      const made = await killAgainAndAgain(["redis", redis.url, prefix, effects, String(turns)]);
      expect(made).toBeGreaterThanOrEqual(leastKills);
      await expectOnce(effects, createRedisStore({ link, historyTtlSeconds: 3_600, noteWords: inEnglish }));
      await close();
    },
  );
});
