/** A real process whose webhook Telegram cannot reach, or reaches by a shorter path. */
import { afterEach, describe, expect, test } from "vitest";
import { createRig, get, type Rig, seen, until } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { freePort } from "../support/free-port.ts";
import { findRedis } from "../support/redis-server.ts";

let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
  rig = undefined;
});

interface Readiness {
  readonly ok: boolean;
  readonly telegram: string;
  readonly webhook?: { readonly pendingUpdates: number; readonly trouble?: string };
}

async function readiness(port: number): Promise<Readiness> {
  return (await (await fetch(`http://127.0.0.1:${port}/readyz`)).json()) as Readiness;
}

describe("the webhook of a real process", { timeout: 60_000 }, () => {
  test("that Telegram cannot reach is said in log, readiness and metrics; the process stays ready", async () => {
    const closed = await freePort();
    const userId = 7_500_001;
    rig = await createRig({ env: { WEBHOOK_URL: `http://127.0.0.1:${closed}`, ADMIN_USER_IDS: String(userId) } });
    const admin = rig.visitor({ userId });
    await rig.start();
    const { port } = rig;
    await until(() => rig?.output().includes("webhook set"));
    rig.visitor().say("is anybody there?");
    const { webhook, telegram } = await until(async () => {
      const body = await readiness(port);
      return body.webhook?.trouble === undefined ? undefined : body;
    }, 30_000);
    expect(webhook).toEqual({ pendingUpdates: 1, trouble: expect.stringContaining("ECONNREFUSED") });
    expect(telegram).toBe("webhook in trouble");
    expect(await get(port, "/readyz")).toBe(200);
    expect(rig.output()).toMatch(/"pendingUpdates":1,.*ECONNREFUSED.*Telegram cannot deliver to the webhook/);
    await until(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      return /^parley_webhook_up 0$/m.test(metrics) && /^parley_webhook_pending_updates 1$/m.test(metrics);
    });
    expect((await admin.sees(/Telegram cannot deliver to the webhook/)).text).toContain("1 update waits there.");
  });

  test("is served below the path of its address, and without it, as a proxy may pass it on", async () => {
    rig = await createRig({
      env: (port) => ({ WEBHOOK_URL: `http://127.0.0.1:${port}/bots/parley`, WEBHOOK_SECRET: "of-the-paths" }),
    });
    await rig.start();
    const visitor = rig.visitor();
    await visitor.ask("by the whole path");
    const { chatId: id } = visitor;
    const post = (path: string, secret: string, updateId: number) =>
      fetch(`http://127.0.0.1:${rig?.port}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret },
        body: JSON.stringify({
          update_id: updateId,
          message: {
            message_id: updateId,
            date: 1_790_000_000,
            chat: { id, type: "private", first_name: "Somebody" },
            from: { id, is_bot: false, first_name: "Somebody" },
            text: "by the path alone",
          },
        }),
      });
    expect((await post("/telegram", "wrong", 900_001)).status).toBe(401);
    expect((await post("/parley/telegram", "of-the-paths", 900_002)).status).toBe(404);
    expect((await post("/telegram", "of-the-paths", 900_003)).status).toBe(200);
    await until(() => rig?.requests("by the path alone").length === 1);
    // A look tells that nothing is wrong.
    const body = await until(async () => {
      const now = await readiness(rig?.port ?? 0);
      return now.webhook === undefined ? undefined : now;
    });
    expect(body).toMatchObject({ ok: true, telegram: "webhook set", webhook: { pendingUpdates: 0 } });
  });
});

const redis = await findRedis();

describe.skipIf(redis.missing !== undefined)(redis.title("the webhook of processes that are gone"), () => {
  let fleet: Fleet | undefined;
  afterEach(() => fleet?.stop());

  test("is told of by those that answer", { timeout: 300_000 }, async () => {
    const adminId = 7_500_002;
    fleet = await createFleet({ redisUrl: redis.url, env: { ADMIN_USER_IDS: String(adminId) } });
    const { botApi } = fleet;
    const env = { WEBHOOK_URL: fleet.webhookUrl };
    const web = await fleet.launch("web", { env: { ...env, MODELS: "", TEST_API_KEY: "" } });
    await web.ready();
    const chatId = botApi.user.createPrivateChat({ userId: adminId, firstName: "Admin" });
    await until(() => web.output().includes("webhook set"));
    const worker = await fleet.launch("worker", { env });
    await worker.ready();
    await web.end("SIGKILL");
    const visitor = botApi.user.createPrivateChat({ userId: 7_500_003, firstName: "Visitor" });
    botApi.user.sendText(visitor, visitor, "Is anybody there?");
    const alert = await seen(botApi, chatId, /Telegram cannot deliver to the webhook/, 0, 200_000);
    expect(alert.text).toContain("ECONNREFUSED");
    expect((await readiness(worker.port)).webhook?.trouble).toContain("ECONNREFUSED");
    expect(await get(worker.port, "/readyz")).toBe(200);
  });
});
