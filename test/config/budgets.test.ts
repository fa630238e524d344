import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { checkBudgets } from "../../src/app/budget-check.ts";
import { StartError } from "../../src/base/errors.ts";
import { readConfig } from "../../src/config/config.ts";
import { good, mistakes } from "../support/environments.ts";

const folder = mkdtempSync(join(tmpdir(), "parley-prices-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function priceFile(content: string): string {
  const path = join(folder, `${++files}.json`);
  writeFileSync(path, content);
  return path;
}

describe("a budget", () => {
  it("is in dollars or in tokens", () => {
    const { budgets } = readConfig("start", {
      ...good,
      ...{ BUDGET_USER_DAY: "0.50", BUDGET_USER_MONTH: "5", BUDGET_CHAT_DAY: "200000t", BUDGET_BOT_DAY: "$12.000001" },
    });
    expect(budgets).toEqual({
      "user-day": { unit: "money", amount: 500_000_000 },
      "user-month": { unit: "money", amount: 5_000_000_000 },
      "chat-day": { unit: "tokens", amount: 200_000 },
      "bot-day": { unit: "money", amount: 12_000_001_000 },
    });
    expect(readConfig("start", good).budgets).toEqual({});
    expect(
      readConfig("web", { ...good, REDIS_URL: "redis://x", WEBHOOK_URL: "https://x", BUDGET_BOT_DAY: "x" }).budgets,
    ).toEqual({});
  });

  it.each([
    "0",
    "0t",
    "-1",
    "1e3",
    "0.0000001",
    "99999999",
    "5 EUR",
    "0,50",
    "12T",
    "1.5t",
    "9999999999999t",
    "NaN",
    "∞",
  ])("is not %s: a line says what is right", (value) => {
    const lines = mistakes({ ...good, BUDGET_BOT_DAY: value });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^BUDGET_BOT_DAY must be US dollars .* like 0\.50, or whole tokens .* like 200000t/);
    expect(lines[0]).not.toContain("\n");
  });

  it("of very many dollars was hardly meant so, and is warned of", () => {
    const { warnings } = readConfig("start", { ...good, BUDGET_CHAT_DAY: "200000", BUDGET_BOT_DAY: "10000" });
    expect(warnings).toEqual([
      "BUDGET_CHAT_DAY is more than 10,000 US dollars; tokens are written with a t behind them, like 200000t",
    ]);
  });

  it("of a day is not larger than that of its month", () => {
    const line = "BUDGET_USER_DAY is larger than BUDGET_USER_MONTH; make it smaller, or leave it out";
    expect(mistakes({ ...good, BUDGET_USER_DAY: "2", BUDGET_USER_MONTH: "1" })).toEqual([line]);
    expect(readConfig("start", { ...good, BUDGET_USER_DAY: "2", BUDGET_USER_MONTH: "1000t" }).budgets).toBeDefined();
  });
});

describe("PRICES_FILE", () => {
  it("may have dollars for an hour of sound, for a picture, or for a search, alone", () => {
    const PRICES_FILE = priceFile(
      '{"own/ear": {"audio_hour": 0.36}, "own/brush": {"picture": 0.04}, "serper/search": {"search": 0.001}}',
    );
    expect(readConfig("start", { ...good, PRICES_FILE }).models.prices).toMatchObject({
      "own/ear": { audioHour: 0.36 },
      "own/brush": { picture: 0.04 },
      "serper/search": { search: 0.001 },
    });
  });

  it("has dollars per million tokens; what is left out costs as much as input", () => {
    const content =
      '\uFEFF{"own/m": {"input": 1, "output": 2}, "a/b/c": {"input": 1, "cached": 0.1, "cache_write": 1.25, "output": 0}}';
    expect(readConfig("start", { ...good, PRICES_FILE: priceFile(content) }).models.prices).toEqual({
      "own/m": { input: 1, cached: 1, cacheWrite: 1, output: 2 },
      "a/b/c": { input: 1, cached: 0.1, cacheWrite: 1.25, output: 0 },
    });
  });

  it.each([
    ['{"own/m": {"input": 1,}}', /not JSON in line 1, column 23;/],
    ["", /not JSON/],
    ["[1]", /is not a JSON object/],
    ['{"gpt": {"input": 1, "output": 1}}', /entry "gpt", which is not provider\/model/],
    ['{"own/m": {"input": "1", "output": 1}}', /"own\/m": input must be a number/],
    ['{"own/m": {"input": -1, "output": 1}}', /"own\/m": input must be a number from 0/],
    ['{"own/m": {"input": 1}}', /"own\/m": output must be a number/],
    ['{"own/m": {"input": 1, "output": 1, "cache": 1}}', /"own\/m": it knows no cache;/],
    ['{"own/m": {"audio_hour": "1"}}', /"own\/m": audio_hour must be a number from 0/],
    ['{"own/m": {"picture": 1, "input": 1}}', /"own\/m": picture stands alone;/],
    ['{"own/m": 3}', /"own\/m": input, cached, cache_write and output/],
  ])("with %s is a line that says where", (content, line) => {
    const path = priceFile(content);
    const lines = mistakes({ ...good, PRICES_FILE: path });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^PRICES_FILE /);
    expect(lines[0]).toMatch(line);
    expect(lines[0]).not.toContain(path);
  });

  it("may have many wrong entries, and says how many", () => {
    const entries = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`m${n}`, 1]));
    const lines = mistakes({ ...good, PRICES_FILE: priceFile(JSON.stringify(entries)) });
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toBe("PRICES_FILE has 25 more wrong entries");
  });

  it("that is not there is a line with the reason", () => {
    expect(mistakes({ ...good, PRICES_FILE: join(folder, "none.json") })).toEqual([
      "PRICES_FILE names a file that cannot be read (ENOENT); check its path and who may read it",
    ]);
  });
});

describe("a budget in money", () => {
  const models = {
    MODELS: "own/m,openai/gpt-4.1>own/n,ollama/x",
    OWN_BASE_URL: "https://own.example",
    OPENAI_API_KEY: "k",
  };
  const check = (env: Record<string, string>) => checkBudgets(readConfig("start", { ...good, ...models, ...env }));

  it("needs the price of each model that may be asked, but of those on a machine of one's own", async () => {
    const error: unknown = await check({ BUDGET_CHAT_DAY: "1" }).catch((reason: unknown) => reason);
    if (!(error instanceof StartError)) throw new Error("it was let through");
    expect(error.lines).toHaveLength(2);
    expect(error.lines[0]).toMatch(/^PRICES_FILE has no price for own\/m, .* BUDGET_CHAT_DAY is in money; .* 200000t$/);
    // Whoever hears, speaks or draws has a price, too.
    const heard = { ...good, BUDGET_CHAT_DAY: "1", TRANSCRIBE_MODEL: "own/ear", IMAGE_MODEL: "own/brush" };
    const silent = await checkBudgets(readConfig("start", { ...heard, OWN_BASE_URL: "http://h/v1" })).catch(
      (one) => one,
    );
    expect(silent.lines).toEqual([
      expect.stringMatching(/^PRICES_FILE has no price for own\/ear, .* an hour of sound, like .*audio_hour/),
      expect.stringMatching(/^PRICES_FILE has no price for own\/brush, .* a picture, like .*"picture": 0.04/),
    ]);
    // So has who searches the web; of Serper nobody knows what that is.
    const searching = (more: Record<string, string>) =>
      checkBudgets(readConfig("start", { ...good, BUDGET_CHAT_DAY: "1", ...more })).catch((one) => one);
    expect((await searching({ SERPER_API_KEY: "k" })).lines).toEqual([
      expect.stringMatching(/^PRICES_FILE has no price for serper\/search, .* a search, like .*"search": 0.001/),
    ]);
    const priced = priceFile('{"serper/search": {"search": 0.001}}');
    expect(await searching({ SERPER_API_KEY: "k", PRICES_FILE: priced })).toBeUndefined();
    expect(await searching({ TAVILY_API_KEY: "k" })).toBeUndefined();
    const PRICES_FILE = priceFile('{"own/m": {"input": 1, "output": 2}, "own/n": {"input": 0, "output": 0}}');
    await check({ BUDGET_CHAT_DAY: "1", PRICES_FILE });
  });

  it("is the only one that asks for prices", async () => {
    await check({ BUDGET_CHAT_DAY: "10000t" });
    await check({});
  });
});

describe("a budget into which no answer fits", () => {
  const models = { MODELS: "openai/gpt-4.1,openai/gpt-4.1-mini", OPENAI_API_KEY: "k" };
  async function mistakesOf(env: Record<string, string>): Promise<readonly string[]> {
    const error: unknown = await checkBudgets(readConfig("start", { ...good, ...models, ...env })).catch(
      (reason: unknown) => reason,
    );
    return error instanceof StartError ? error.lines : [];
  }

  it("is a line that names it and how much is reserved, in tokens", async () => {
    expect(await mistakesOf({ BUDGET_USER_DAY: "1t", BUDGET_CHAT_DAY: "2000t", BUDGET_BOT_DAY: "2001t" })).toEqual(
      ["BUDGET_USER_DAY", "BUDGET_CHAT_DAY"].map(
        (variable) =>
          `${variable} is too small for a single answer, of which 2000 tokens are reserved before it is asked for; make it several times as large, or MODEL_MAX_TOKENS smaller`,
      ),
    );
    expect(await mistakesOf({ BUDGET_USER_DAY: "1000t", MODEL_MAX_TOKENS: "500" })).toEqual([]);
  });

  it("is one in money, too, by the cheapest of the models", async () => {
    expect(await mistakesOf({ BUDGET_BOT_DAY: "0.000001" })).toEqual([
      "BUDGET_BOT_DAY is too small for a single answer: before one is asked for, 2000 tokens are reserved, 0.003201 dollars by the cheapest model; make it several times as large, or MODEL_MAX_TOKENS smaller",
    ]);
    expect(await mistakesOf({ BUDGET_BOT_DAY: "0.0033" })).toEqual([]);
  });

  it("is none where a model costs nothing", async () => {
    expect(await mistakesOf({ BUDGET_BOT_DAY: "0.000001", MODELS: "openai/gpt-4.1,ollama/x" })).toEqual([]);
  });
});
