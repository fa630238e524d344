import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { answersIn, buttonsOf, get, seen, until, words } from "../support/bot-process.ts";
import { createFleet, type Fleet, type FleetOptions } from "../support/fleet.ts";
import { findRedis, startPrivateRedis } from "../support/redis-server.ts";

const redis = await findRedis();
let fleet: Fleet | undefined;
afterEach(async () => await fleet?.stop());

async function createOne(options: Omit<FleetOptions, "redisUrl"> = {}): Promise<Fleet> {
  fleet = await createFleet({ redisUrl: redis.url, ...options });
  return fleet;
}

/** One `web` and so many workers, all ready. */
async function split(created: Fleet, workers = 2) {
  const env = { WEBHOOK_URL: created.webhookUrl };
  const web = await created.launch("web", { env: { ...env, MODELS: "", TEST_API_KEY: "" } });
  const launched = await Promise.all(Array.from({ length: workers }, () => created.launch("worker", { env })));
  await Promise.all([web, ...launched].map((one) => one.ready()));
  return { web, workers: launched };
}

const metric = async (port: number, name: string) => {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, "m").exec(text)?.[1] ?? Number.NaN);
};

const elected = '"msg":"this process has the role"';

describe.skipIf(redis.missing !== undefined)(redis.title("several processes over one Redis"), () => {
  test("web takes, workers answer, and all end in good order", { timeout: 600_000 }, async () => {
    const { botApi } = await createOne();
    const { web, workers } = await split(fleet as Fleet);
    const chats = Array.from({ length: 20 }, (_, index) =>
      botApi.user.createPrivateChat({ userId: 100 + index, firstName: `User ${index}` }),
    );
    for (const id of chats) botApi.user.sendText(id, id, "Hello?");
    for (const id of chats) await seen(botApi, id, "Regenerate");
    const answered = await Promise.all(workers.map(({ port }) => metric(port, "parley_turns_total")));
    // Neither has all of them.
    expect(answered.every((count) => count > 0)).toBe(true);
    expect(await metric(web.port, "parley_enqueue_seconds_count")).toBe(20);
    expect(botApi.calls.filter(({ method }) => method === "setWebhook")).toHaveLength(1);
    expect(botApi.calls.filter(({ method }) => method === "getUpdates")).toEqual([]);
    expect(botApi.violations).toEqual([]);
    for (const one of [...workers, web]) expect(await one.end("SIGTERM")).toBe(0);
  });

  test("a stop that web took ends the answer on the worker that writes it", { timeout: 600_000 }, async () => {
    const { botApi, model } = await createOne({
      model: { respond: () => ({ text: words(3_000), tokensPerSecond: 50 }) },
    });
    await split(fleet as Fleet);
    const { user } = botApi;
    const chatId = user.createPrivateChat({ userId: 42, firstName: "Ann" });
    for (const way of ["command", "button"]) {
      const asked = user.sendText(chatId, 42, `Tell me a lot, and end by ${way}.`).message_id;
      const shown = await seen(botApi, chatId, "Stop", asked);
      const request = model.requests.at(-1);
      const stoppedAt = Date.now();
      if (way === "command") user.sendText(chatId, 42, "/stop");
      else expect(await user.press(chatId, shown.id, "Stop", 42)).toBeDefined();
      await until(() => request?.abandonedAt !== undefined);
      console.log(`${way}: the model's request ended ${(request?.abandonedAt ?? 0) - stoppedAt} ms after the stop`);
      await seen(botApi, chatId, /\nStopped\.|stopped/i, asked);
    }
    expect(botApi.violations).toEqual([]);
  });

  test("one of the workers polls; when it is killed another goes on", { timeout: 600_000 }, async () => {
    const { botApi } = await createOne();
    const workers = await Promise.all([0, 1, 2].map(() => (fleet as Fleet).launch("worker")));
    await Promise.all(workers.map((one) => one.ready()));
    const pollers = async () => {
      const alive = workers.filter(({ child }) => child.exitCode === null && child.signalCode === null);
      const roles = await Promise.all(
        alive.map(async (one) => ({ one, polls: await metric(one.port, "parley_poller") })),
      );
      return roles.filter(({ polls }) => polls === 1).map(({ one }) => one);
    };
    const [first] = await until(async () => {
      const found = await pollers();
      return found.length === 1 ? found : undefined;
    });
    const chatId = botApi.user.createPrivateChat({ userId: 43, firstName: "Bob" });
    const asked = botApi.user.sendText(chatId, 43, "First?").message_id;
    await seen(botApi, chatId, "Regenerate", asked);
    await first?.end("SIGKILL");
    const killedAt = Date.now();
    const second = botApi.user.sendText(chatId, 43, "Second?").message_id;
    await seen(botApi, chatId, "Regenerate", second, 60_000);
    console.log(`another worker had answered ${Date.now() - killedAt} ms after the kill of the poller`);
    // Its metric tells of the role a moment after it has begun.
    const [next, ...others] = await until(async () => {
      const found = await pollers();
      return found.length > 0 ? found : undefined;
    });
    expect(others).toEqual([]);
    expect(next).not.toBe(first);
    // Given back in good order, the role has a new owner at once, and Telegram never sees two.
    expect(await next?.end("SIGTERM")).toBe(0);
    const third = botApi.user.sendText(chatId, 43, "Third?").message_id;
    await seen(botApi, chatId, "Regenerate", third, 60_000);
    const conflicts = botApi.calls.filter(({ status }) => status === 409);
    expect(conflicts.length).toBeLessThanOrEqual(1);
    expect(answersIn(botApi, chatId)).toHaveLength(3);
  });

  test("a poller that was frozen steps down, and two never fight over the updates", { timeout: 600_000 }, async () => {
    const { botApi } = await createOne();
    const workers = await Promise.all([0, 1].map(() => (fleet as Fleet).launch("worker")));
    await Promise.all(workers.map((one) => one.ready()));
    const roles = async () => await Promise.all(workers.map(({ port }) => metric(port, "parley_poller")));
    await until(async () => (await roles()).includes(1));
    const frozen = workers[(await roles()).indexOf(1)];
    const other = workers.find((one) => one !== frozen);
    frozen?.child.kill("SIGSTOP");
    const chatId = botApi.user.createPrivateChat({ userId: 45, firstName: "Dan" });
    await seen(botApi, chatId, "Regenerate", botApi.user.sendText(chatId, 45, "Anybody?").message_id, 60_000);
    expect(other?.output()).toContain(elected);
    frozen?.child.kill("SIGCONT");
    await until(() => frozen?.output().includes("this process no longer has the role"));
    await until(async () => (await metric(frozen?.port ?? 0, "parley_poller")) === 0);
    await sleep(2_000);
    await seen(botApi, chatId, "Regenerate", botApi.user.sendText(chatId, 45, "And now?").message_id, 60_000);
    // At each change the poll that was still open may be turned away, and the first one after it.
    const changes = workers.flatMap((one) => one.output().split(elected).slice(1)).length - 1;
    const conflicts = botApi.calls.filter(({ status }) => status === 409);
    expect(conflicts.length).toBeLessThanOrEqual(2 * changes);
    expect(answersIn(botApi, chatId)).toHaveLength(2);
  });

  test("a 429 that one worker meets holds the chat for the others", { timeout: 600_000 }, async () => {
    const { botApi } = await createOne();
    const { workers } = await split(fleet as Fleet);
    const chatId = botApi.user.createPrivateChat({ userId: 44, firstName: "Cid", topics: true });
    botApi.faults.fail({ method: "sendMessage", chatId, times: 1, status: 429, retryAfter: 4 });
    botApi.user.sendText(chatId, 44, "One?");
    const held = await until(
      () => botApi.calls.find(({ status, chatId: to }) => status === 429 && to === chatId),
      30_000,
    );
    // More questions than one worker would get alone, each in a topic of its own.
    await sleep(200);
    for (let topic = 1; topic <= 8; topic++) {
      const { threadId } = botApi.user.createTopic(chatId, `Topic ${topic}`, 44);
      botApi.user.sendText(chatId, 44, `About ${topic}?`, { threadId });
    }
    await until(() => answersIn(botApi, chatId).length >= 1, 60_000);
    const early = botApi.calls.filter(
      ({ chatId: to, at, id }) => to === chatId && id > held.id && at < held.at + 3_800,
    );
    expect(early.map(({ method }) => method)).toEqual([]);
    for (const one of workers) expect(await get(one.port, "/readyz")).toBe(200);
  });

  test("no process opens more than 8 connections to Redis, whatever the load", { timeout: 600_000 }, async () => {
    // One process that does everything has the most.
    const server = await startPrivateRedis();
    try {
      fleet = await createFleet({ redisUrl: server.url });
      const { botApi } = fleet;
      await (await fleet.launch("start")).ready();
      const admin = new Redis(server.url);
      let most = 0;
      const count = async () => {
        const clients = String(await admin.client("LIST"))
          .trim()
          .split("\n");
        most = Math.max(most, clients.length - 1);
        return clients;
      };
      const chats = Array.from({ length: 200 }, (_, index) =>
        botApi.user.createPrivateChat({ userId: 1_000 + index, firstName: `User ${index}` }),
      );
      for (const id of chats) botApi.user.sendText(id, id, "Hello?");
      await until(async () => {
        await count();
        return chats.every((id) => answersIn(botApi, id).some((one) => has(one, "Regenerate")));
      }, 120_000);
      console.log(
        `most connections: ${most}\n${(await count()).map((one) => / name=(\S*)/.exec(one)?.[1]).join(", ")}`,
      );
      await admin.quit();
      expect(most).toBeGreaterThan(2);
      expect(most).toBeLessThanOrEqual(8);
    } finally {
      await fleet?.stop();
      fleet = undefined;
      await server.stop();
    }
  });
});

const has = (message: Parameters<typeof buttonsOf>[0], button: string) =>
  buttonsOf(message).some((label) => label.includes(button));
