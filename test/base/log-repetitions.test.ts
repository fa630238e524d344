import { execFile } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLogger } from "../../src/base/log.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  // What a test left out is written with nobody to look.
  vi.advanceTimersByTime(60_000);
  vi.useRealTimers();
});

function openLog(pretty = false, level = "info") {
  const lines: string[] = [];
  const log = createLogger({
    ...{ level, pretty, secrets: ["s3cret-of-mine"] },
    destination: { write: (line) => void lines.push(line) },
  });
  return { log, lines, read: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("a warning or an error that is repeated", () => {
  it.each(["warn", "error"] as const)("is one line a second, whatever ids it carries (%s)", (level) => {
    const { log, lines, read } = openLog();
    for (let at = 0; at < 10_000; at++) {
      const lane = log.child({ chat_id: at, update_id: 7_000_000 + at });
      lane[level]({ lane: `turn ${at}:5`, reason: `could not renew lock for job turn-${at}:a${at}f` }, "it failed");
      vi.advanceTimersByTime(1);
    }
    expect(lines.length).toBeGreaterThanOrEqual(9);
    expect(lines.length).toBeLessThanOrEqual(11);
    const left = read().reduce((sum, { leftOut = 0 }) => sum + Number(leftOut), 0);
    vi.advanceTimersByTime(60_000);
    const all = read().reduce((sum, { leftOut = 0 }) => sum + 1 + Number(leftOut), 0);
    expect(left).toBeGreaterThan(8_000);
    expect(all).toBe(10_000);
  });

  it("is known by the error it carries, too, and by what has failed", () => {
    const { log, read } = openLog();
    const errors = ["no answer from 10.0.0.1:80", "no answer from 10.0.0.2:90", "another thing"];
    for (const message of errors) log.error({ err: new Error(message) }, "it failed");
    for (const method of ["sendMessage", "editMessageText", "sendMessage"]) log.warn({ method, status: 502 }, "again");
    log.warn({}, "it failed");
    expect(read().map(({ err, method, msg }) => [(err as Error | undefined)?.message ?? method, msg])).toEqual([
      [errors[0], "it failed"],
      ["another thing", "it failed"],
      ["sendMessage", "again"],
      ["editMessageText", "again"],
      [undefined, "it failed"],
    ]);
  });

  it("is another one with another status or another model, whatever numbers these have", () => {
    const { log, read } = openLog();
    const failed = (model: string, status: number) =>
      log.warn({ model, status, reason: `HTTP ${status}` }, "a model call failed");
    failed("a/gpt-5", 503);
    failed("a/gpt-5", 429);
    failed("a/gpt-6", 503);
    failed("a/gpt-5", 503);
    expect(read().map(({ model, status }) => [model, status])).toEqual([
      ["a/gpt-5", 503],
      ["a/gpt-5", 429],
      ["a/gpt-6", 503],
    ]);
  });

  it("has the fields of its own line, and the number of those left out", () => {
    const { log, read } = openLog();
    for (const lane of [1, 2, 3]) log.warn({ lane }, "it failed");
    vi.advanceTimersByTime(1_000);
    log.warn({ lane: 4 }, "it failed");
    expect(read()).toMatchObject([{ lane: 1 }, { lane: 4, leftOut: 2 }]);
    expect(read()[0]).not.toHaveProperty("leftOut");
  });

  it("is counted soon where nothing follows, with the fields of the latest", () => {
    const { log, read } = openLog();
    for (const lane of [1, 2, 3]) log.child({ lane }).warn({}, "it failed");
    while (read().length < 2) vi.advanceTimersByTime(100);
    expect(read()).toMatchObject([{ lane: 1 }, { lane: 3, leftOut: 1 }]);
    log.warn({ lane: 4 }, "it failed");
    expect(read()).toHaveLength(2);
    vi.advanceTimersByTime(15_000);
    expect(read()[2]).toEqual(expect.not.objectContaining({ leftOut: expect.anything() }));
  });

  it("is counted at the end of the process", async () => {
    const log = JSON.stringify(new URL("../../src/base/log.ts", import.meta.url).href);
    const program = `
      const { createLogger } = await import(${log});
      const log = createLogger({ level: "info", secrets: [], pretty: false });
      for (const lane of [1, 2, 3]) log.error({ lane }, "it failed");
      process.exit(1);`;
    const lines = await new Promise<string>((resolve) =>
      execFile(process.execPath, ["--input-type=module", "-e", program], (_error, stdout) => resolve(stdout)),
    );
    // At the exit pino writes at once what else would come behind a line that is on its way.
    const read = lines
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(read.sort((a, b) => a.lane - b.lane)).toMatchObject([{ lane: 1 }, { lane: 3, leftOut: 1 }]);
  });

  it("has no secret in it, now or later, in a terminal neither", () => {
    for (const pretty of [false, true]) {
      const { log, lines } = openLog(pretty);
      for (let at = 0; at < 3; at++) log.warn({ at, reason: "s3cret-of-mine" }, "it failed");
      vi.advanceTimersByTime(15_000);
      expect(lines).toHaveLength(2);
      expect(lines.join("")).not.toContain("s3cret");
    }
  });

  it("leaves nothing out of its count when there are more reasons than are remembered", () => {
    const { log, read } = openLog();
    const word = (at: number) => [...String(at)].map((digit) => "abcdefghij"[Number(digit)]).join("");
    for (let at = 0; at < 2_000; at++) for (const _ of [1, 2]) log.warn({ reason: word(at) }, "it failed");
    vi.advanceTimersByTime(60_000);
    expect(read().reduce((sum, { leftOut = 0 }) => sum + 1 + Number(leftOut), 0)).toBe(4_000);
  });
});

it("the log leaves out no line of less weight", () => {
  const { log, lines } = openLog(false, "debug");
  for (let at = 0; at < 100; at++) {
    log.info({}, "an answer");
    log.debug({}, "a detail");
  }
  expect(lines).toHaveLength(200);
});
