import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../src/engines/embedded/store.ts";
import { createRedisStore } from "../../src/engines/redis/store.ts";
import type { LedgerRow } from "../../src/ports/ledger.ts";
import { answersIn, buttonsOf, createRig, type Rig, seen, until, words } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { inEnglish } from "../support/note-words.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink } from "../support/redis-state.ts";

const redis = await findRedis();
let [fleet, rig]: [Fleet | undefined, Rig | undefined] = [undefined, undefined];
afterEach(async () => {
  await fleet?.stop();
  await rig?.stop();
});

/** What the model says that it has counted: each answer costs as much. */
const usage = { prompt_tokens: 60, completion_tokens: 40 };
const costs = 100;
/** The prompt is thought to be a little longer than that, so more is reserved than is spent: not enough for another answer. */
const prompt = "word ".repeat(80);
const doubt = 60;

describe.skipIf(redis.missing !== undefined)(redis.title("two workers with one budget"), () => {
  test("answer exactly as many of a hundred questions at once as can be paid", { timeout: 600_000 }, async () => {
    fleet = await createFleet({
      redisUrl: redis.url,
      env: { BUDGET_BOT_DAY: `${60 * costs + doubt}t`, MODEL_MAX_TOKENS: "40", SYSTEM_PROMPT: prompt },
      model: { respond: () => ({ text: words(20), tokensPerSecond: 400, usage }) },
    });
    const { botApi, model, prefix } = fleet;
    const env = { WEBHOOK_URL: fleet.webhookUrl };
    const web = await fleet.launch("web", { env: { ...env, MODELS: "", TEST_API_KEY: "" } });
    const workers = await Promise.all([0, 1].map(() => (fleet as Fleet).launch("worker", { env })));
    await Promise.all([web, ...workers].map((one) => one.ready()));
    const chats = Array.from({ length: 100 }, (_, index) =>
      botApi.user.createPrivateChat({ userId: 100 + index, firstName: `User ${index}` }),
    );
    for (const id of chats) botApi.user.sendText(id, id, "Hello?");
    const ended = (id: number) =>
      answersIn(botApi, id).some((message) =>
        buttonsOf(message).some((label) => label.includes("Retry") || label.includes("Regenerate")),
      );
    await until(() => chats.every(ended), 400_000);
    const told = chats.map((id) => answersIn(botApi, id).at(-1)?.text ?? "");
    expect(
      told.filter((text) =>
        text.includes("What is left of this bot's budget for today is too little for this question. It resets at"),
      ),
    ).toHaveLength(40);
    expect(model.requests).toHaveLength(60);
    const { link } = await openLink(redis.url, prefix);
    const { ledger } = createRedisStore({ link, historyTtlSeconds: 60, noteWords: inEnglish });
    const rows = await Array.fromAsync(ledger.rows(0, 1e6));
    expect(rows.map(({ outcome, estimated }) => [outcome, estimated])).toEqual(Array(60).fill(["complete", false]));
    const [sum] = await ledger.totals({ of: "all", from: Date.now() - 86_400_000 });
    expect(sum).toMatchObject({ answers: 60, inputTokens: 3_600, outputTokens: 2_400 });
    const limit = { whose: "bot-day", of: "all", fromDay: 0, toDay: 0, unit: "tokens", amount: 0 } as const;
    expect(await ledger.standing([limit])).toMatchObject([{ reserved: 0 }]);
    expect(botApi.violations).toEqual([]);
    await link.stop();
  });
});

test("a call that was killed in its middle is settled with the next delivery, in its prompt and what was written", {
  timeout: 600_000,
}, async () => {
  let texts = 0;
  rig = await createRig({
    env: { BUDGET_USER_DAY: "1000000t" },
    model: {
      respond: () => (texts++ === 0 ? { text: words(4_000), tokensPerSecond: 60 } : { text: "All of it.", usage }),
    },
  });
  const { botApi, model } = rig;
  const chatId = botApi.user.createPrivateChat({ userId: 42, firstName: "Ann" });
  await rig.start();
  botApi.user.sendText(chatId, 42, "Tell me a lot.");
  await until(() => (answersIn(botApi, chatId).at(-1)?.text.length ?? 0) > 1_500);
  await rig.end("SIGKILL");
  await rig.start();
  await seen(botApi, chatId, /All of it/);
  await seen(botApi, chatId, "Regenerate");
  expect(model.requests).toHaveLength(2);
  await rig.end("SIGTERM");
  const database = createSqliteDatabase(join(rig.dataDir, "data", "parley.db"));
  const store = createSqliteStore({ database, historyTtlSeconds: 60 });
  const { ledger } = store;
  const rows: LedgerRow[] = await Array.fromAsync(ledger.rows(0, 1e6));
  expect(rows.map(({ outcome, estimated }) => [outcome, estimated])).toEqual([
    ["lost", true],
    ["complete", false],
  ]);
  expect(rows[0]?.inputTokens).toBeGreaterThan(10);
  expect(rows[0]?.outputTokens).toBeGreaterThan(50);
  const limit = { whose: "bot-day", of: "all", fromDay: 0, toDay: 0, unit: "tokens", amount: 0 } as const;
  expect(await ledger.standing([limit])).toMatchObject([{ reserved: 0 }]);
  await store.stop();
  await database.close();
});
