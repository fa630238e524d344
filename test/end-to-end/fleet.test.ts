import { afterEach, describe, expect, test } from "vitest";
import { findRedis } from "../redis-server.ts";
import { answersIn, buttonsOf, until } from "./bot-process.ts";
import { createFleet, type Fleet } from "./fleet.ts";

const redis = await findRedis();
let fleet: Fleet | undefined;
afterEach(async () => await fleet?.stop());

describe.skipIf(redis.missing !== undefined)(redis.title("several processes over one Redis"), () => {
  test("web takes, a worker answers", { timeout: 120_000 }, async () => {
    fleet = await createFleet({ redisUrl: redis.url });
    const { botApi } = fleet;
    const env = { WEBHOOK_URL: fleet.webhookUrl };
    const web = await fleet.launch("web", { env: { ...env, MODELS: "", TEST_API_KEY: "" } });
    const worker = await fleet.launch("worker", { env });
    await Promise.all([web.ready(), worker.ready()]);
    const chatId = botApi.user.createPrivateChat({ userId: 77, firstName: "Ann" });
    botApi.user.sendText(chatId, 77, "Hello?");
    const last = () => answersIn(botApi, chatId).at(-1);
    await until(() => buttonsOf(last()).some((label) => label.includes("Regenerate")), 20_000);
    expect(botApi.violations).toEqual([]);
    expect(await worker.end("SIGTERM")).toBe(0);
    expect(await web.end("SIGTERM")).toBe(0);
  });
});
