import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askQueue } from "../../../src/app/operator/ask.ts";
import { answerOperator, readOperatorCommand } from "../../../src/app/operator/commands.ts";
import { createOperatorSocket } from "../../../src/app/operator/socket.ts";
import { StartError } from "../../../src/base/errors.ts";
import { createLogger } from "../../../src/base/log.ts";
import { readConfig } from "../../../src/config/config.ts";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../../src/engines/embedded/store.ts";
import { dayMs, type LedgerRow } from "../../../src/ports/ledger.ts";
import type { UpdateQueue } from "../../../src/ports/queue.ts";
import { usage } from "../../contracts/store.contract.ts";

const quiet = createLogger({ level: "silent", secrets: [], pretty: false });
const first = Date.UTC(2026, 10, 1) / dayMs;

function ledgerOf(rows: readonly LedgerRow[]) {
  return {
    async *rows(fromDay: number, toDay: number) {
      yield* rows.filter(({ at }) => at >= fromDay * dayMs && at < (toDay + 1) * dayMs);
    },
  };
}

const row = (change: Partial<LedgerRow> = {}): LedgerRow =>
  usage({ at: first * dayMs + 1000, userId: 7, chatId: -100, turn: 3, model: "p/m", cost: 0.1, ...change });

const unpriced = (change: Partial<LedgerRow> = {}): LedgerRow => {
  const { cost: _cost, ...rest } = row(change);
  return rest;
};

async function run(args: string, rows: readonly LedgerRow[]): Promise<string[]> {
  const subjects = { queue: {} as UpdateQueue, ledger: ledgerOf(rows) };
  const { lines, more } = await answerOperator(["ledger", ...args.split(" ").filter((one) => one !== "")], subjects);
  return [...lines, ...(await Array.fromAsync(more ?? [])).flat()];
}

describe("npm run ledger", () => {
  it("writes a line for each call as CSV, with a heading, and numbers as every program reads them", async () => {
    const rows = [row({ cost: 0.000_000_001, served: "m-2026", cachedTokens: 4 }), unpriced({ estimated: true })];
    expect(await run("--csv", rows)).toEqual([
      "at,user,chat,turn,step,attempt,model,served,input_tokens,cached_tokens,cache_write_tokens,output_tokens,reasoning_tokens,cost_usd,estimated,first_token_ms,duration_ms,outcome,seconds",
      "2026-11-01T00:00:01.000Z,7,-100,3,1,1,p/m,m-2026,10,4,,3,,0.000000001,false,,900,complete,",
      "2026-11-01T00:00:01.000Z,7,-100,3,1,1,p/m,,10,4,,3,,,true,,900,complete,",
    ]);
  });

  it.each([
    ["\t=1+1", `' =1+1`],
    ["＝1+1", `'＝1+1`],
    ['=cmd|"/c calc"', `"'=cmd|""/c calc"""`],
    ["+1", "'+1"],
    ["@sum", "'@sum"],
    ["-x", "'-x"],
    ["a,b", '"a,b"'],
    ['say "a"', '"say ""a"""'],
    ["a\nb\u001b[31m", "a b [31m"],
  ])("lets no name of a model become a formula or another line: %j", async (served, cell) => {
    const [, line = ""] = await run("--csv", [row({ served })]);
    expect(line).toContain(`,p/m,${cell},10,`);
  });

  it("takes days, both included, and a user", async () => {
    const rows = [-1, 0, 1, 2].map((day) => row({ at: (first + day) * dayMs + 5, userId: day }));
    const days = async (args: string) => (await run(`--csv ${args}`, rows)).slice(1).map((line) => line.slice(0, 10));
    expect(await days("")).toHaveLength(4);
    expect(await days("--since 2026-11-01 --until 2026-11-02")).toEqual(["2026-11-01", "2026-11-02"]);
    expect(await days("--since=2026-11-03")).toEqual(["2026-11-03"]);
    expect(await days("--user 1")).toEqual(["2026-11-02"]);
  });

  it("adds up by day, by model and by user, and says of an unknown price nothing", async () => {
    const rows = [
      ...[row(), row({ cost: 0.2 }), row({ at: (first + 1) * dayMs, model: "p/n", userId: 8, cost: 5 })],
      unpriced({ model: "mine/x" }),
    ];
    expect(await run("--csv --by model", rows)).toEqual([
      "model,calls,input_tokens,cached_tokens,output_tokens,cost_usd,calls_of_unknown_price",
      ...["p/n,1,10,4,3,5,0", "p/m,2,20,8,6,0.3,0", "mine/x,1,10,4,3,,1"],
    ]);
    expect((await run("--csv --by day", rows)).slice(1)).toEqual([
      ...["2026-11-01,3,30,12,9,0.3,1", "2026-11-02,1,10,4,3,5,0"],
    ]);
    expect((await run("--csv --by user", rows)).slice(1)).toEqual(["8,1,10,4,3,5,0", "7,3,30,12,9,0.3,1"]);
    const [head, line] = await run("--by model --user 8", rows);
    expect(head).toMatch(/^model +calls +input_tokens/);
    expect(line).toMatch(/^p\/n +1 +10 +4 +3 +5 +0$/);
  });

  it.each([
    ["--since 2026-13-01", /^--since must be a date/],
    ["--since 2026-02-30", /^--since must be a date/],
    ["--since", /^--since must be a date/],
    ["--until yesterday", /^--until must be a date/],
    ["--since 2026-11-02 --until 2026-11-01", /^--since is later/],
    ["--user @ada", /^--user must be an id/],
    ["--by week", /^--by must be/],
    ["--csv --csv", /^--csv is given twice/],
    ["--json", /takes --csv, --since/],
    ["stats", /takes --csv, --since/],
  ])("%s gets one line", async (args, says) => {
    expect(() => readOperatorCommand(["ledger", ...args.split(" ")])).toThrow(StartError);
    const lines = await run(args, []);
    expect(lines).toEqual([expect.stringMatching(says)]);
  });
});

describe("a ledger of many calls", () => {
  const count = 5_000;

  async function asked(folder: string): Promise<string[]> {
    const lines: string[] = [];
    let most = 0;
    const config = readConfig("queue", { DATA_DIR: folder });
    const print = async (some: readonly string[]) => {
      most = Math.max(most, some.length);
      lines.push(...some);
    };
    expect(await askQueue(["ledger", "--csv"], config, quiet, print)).toBe(0);
    expect(most).toBeLessThanOrEqual(200);
    return lines;
  }

  it("is read from the bot that runs, or from the database when none does, a few calls at a time", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ledger-test-"));
    const database = createSqliteDatabase(join(folder, "parley.db"));
    const store = createSqliteStore({ database, historyTtlSeconds: 60 });
    await store.ledger.settle(Array.from({ length: count }, (_, turn) => row({ turn })));
    const queue = {} as UpdateQueue;
    const socket = await createOperatorSocket({
      ...{ dataDir: folder, log: quiet },
      answer: (args) => answerOperator(args, { queue, ledger: store.ledger }),
    });
    const throughSocket = await asked(folder);
    expect(throughSocket).toHaveLength(count + 1);
    await socket.stop();
    await store.stop();
    await database.close();
    expect(await asked(folder)).toEqual(throughSocket);
    rmSync(folder, { recursive: true });
  });

  it("that ends in its middle is not taken for the whole", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ledger-test-"));
    await createSqliteDatabase(join(folder, "parley.db")).close();
    const ledger = {
      async *rows() {
        for (let turn = 0; turn < 1_000; turn++) yield row({ turn });
        throw new Error("the disk failed");
      },
    };
    const socket = await createOperatorSocket({
      ...{ dataDir: folder, log: quiet },
      answer: (args) => answerOperator(args, { queue: {} as UpdateQueue, ledger }),
    });
    await expect(asked(folder)).rejects.toThrow(/ended before it had told everything/);
    await socket.stop();
    rmSync(folder, { recursive: true });
  });
});
