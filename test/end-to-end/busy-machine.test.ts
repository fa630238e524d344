/** The bot beside processes that only use the machine: its answers come later, and are right. Nothing here counts seconds. */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { BotApi } from "../../src/playground/bot-api/bot-api.ts";
import type { ScriptedRequest } from "../../src/playground/model/script.ts";
import { createRig, refusedCalls } from "../support/bot-process.ts";
import { answerInNumbers, createConversations } from "../support/conversations.ts";
import { createFleet } from "../support/fleet.ts";
import { patienceMs } from "../support/patience.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();
const busyProcesses = 4;
const busySeconds = 60;
const chats = 60;
const questions = 180;
const timeout = 600_000;
/** Slow enough for some previews of each answer. */
const model = { respond: (request: ScriptedRequest) => answerInNumbers(request, { tokensPerSecond: 4 }) };
const botApi = { keepViews: false } as const;

const stopping: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stopping.splice(0).reverse()) await stop();
});

function keepBusy(): void {
  const program = new URL("../support/processes/spinner.ts", import.meta.url);
  const spinners = Array.from(
    { length: busyProcesses },
    (): ChildProcess => fork(program, [String(busySeconds)], { execArgv: [] }),
  );
  stopping.push(() => spinners.map((spinner) => spinner.kill("SIGKILL")));
}

/** Everybody asks at once, three questions each; then what stands in the chats is counted, and what Telegram refused. */
async function askAll(telegram: BotApi): Promise<void> {
  const conversations = createConversations(telegram, chats);
  keepBusy();
  for (let asked = 0; asked < questions; asked++) conversations.ask();
  await conversations.settle(2 * patienceMs);
  // A copy would come late.
  await sleep(2_000);
  const account = await conversations.account(async () => []);
  expect(account).toEqual({ asked: questions, lost: 0, twice: 0, copies: 0, outOfOrder: 0 });
  expect(refusedCalls(telegram).filter((call) => !call.startsWith("getUpdates"))).toEqual([]);
  expect(telegram.violations).toEqual([]);
}

describe("beside busy processes every question has one answer, in its order, and no call is refused", () => {
  test("in one process", { timeout }, async () => {
    const rig = await createRig({ model, botApi });
    stopping.push(() => rig.stop());
    await rig.start();
    await askAll(rig.botApi);
  });

  test.skipIf(redis.missing !== undefined)(redis.title("in one web and two workers"), { timeout }, async () => {
    const fleet = await createFleet({ redisUrl: redis.url, model, botApi: { ...botApi, webhookRetryMs: 200 } });
    stopping.push(() => fleet.stop());
    const env = { WEBHOOK_URL: fleet.webhookUrl };
    const modes = ["web", "worker", "worker"] as const;
    const processes = await Promise.all(modes.map((mode) => fleet.launch(mode, { env })));
    await Promise.all(processes.map((one) => one.ready()));
    await askAll(fleet.botApi);
  });
});
