import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test } from "vitest";
import { answersIn, buttonsOf, createRig, get, type Rig, seen, until, words } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { noteWords } from "../support/note-words.ts";
import { canStartRedis, startPrivateRedis } from "../support/redis-server.ts";

let rig: Rig | undefined;
let fleet: Fleet | undefined;
afterEach(async () => {
  await rig?.stop();
  await fleet?.stop();
  [rig, fleet] = [undefined, undefined];
});

describe("a DATA_DIR that is taken away from a running bot", () => {
  test("is noticed; nothing is acknowledged into it, and all is answered when it is back", {
    timeout: 90_000,
  }, async () => {
    const created = await createRig();
    rig = created;
    await created.start();
    const ann = created.visitor();
    await ann.ask("Are you there?");
    const folder = join(created.dataDir, "data");
    renameSync(folder, `${folder}-away`);
    await until(async () => (await get(created.port, "/readyz")) === 503, 10_000);
    await until(() => created.output().includes("the database file was moved, deleted or replaced"));
    const asked = ann.say("And now?");
    await until(() => created.output().includes("updates could not be stored"));
    expect(ann.written().filter(({ id }) => id > asked)).toEqual([]);
    renameSync(`${folder}-away`, folder);
    await ann.sees("Regenerate", asked);
    await until(async () => (await get(created.port, "/readyz")) === 200, 20_000);
    expect(created.botApi.violations).toEqual([]);
  });

  test("is begun anew by the next start, which gets what was not acknowledged", { timeout: 90_000 }, async () => {
    const created = await createRig();
    rig = created;
    await created.start();
    const ann = created.visitor();
    await ann.ask("Are you there?");
    rmSync(join(created.dataDir, "data"), { recursive: true });
    await until(async () => (await get(created.port, "/readyz")) === 503, 10_000);
    const asked = ann.say("And now?");
    await until(() => created.output().includes("updates could not be stored"));
    expect(await created.end("SIGTERM")).toBe(0);
    await created.start();
    await ann.sees("Regenerate", asked);
    expect(created.botApi.violations).toEqual([]);
  });
});

describe.skipIf(!canStartRedis())("a Redis that loses everything in the middle of an answer", () => {
  test.each(["it is flushed", "it is started again without its data"])(
    "gets that answer its plain line when %s, and the bot goes on",
    { timeout: 120_000 },
    async (what) => {
      const server = await startPrivateRedis();
      try {
        const created = await createFleet({
          redisUrl: server.url,
          model: {
            respond: ({ messages }) =>
              messages.at(-1)?.content === "Tell me a lot." ? { text: words(2_000), tokensPerSecond: 25 } : undefined,
          },
        });
        fleet = created;
        const { botApi } = created;
        const worker = await created.launch("worker");
        await worker.ready();
        const chatId = botApi.user.createPrivateChat({ userId: 7, firstName: "Ann" });
        botApi.user.sendText(chatId, 7, "Tell me a lot.");
        await seen(botApi, chatId, "Stop");
        if (what === "it is flushed") {
          const redis = new Redis(server.url);
          await redis.flushall();
          redis.disconnect();
        } else {
          await server.kill();
          await server.start();
        }
        const ended = await seen(botApi, chatId, new RegExp(noteWords.storageLost));
        expect(ended.text).toMatch(/^w0 w1/);
        expect(buttonsOf(ended)).toEqual([]);
        expect(answersIn(botApi, chatId)).toHaveLength(1);
        const next = botApi.user.sendText(chatId, 7, "And now?").message_id;
        await seen(botApi, chatId, "Regenerate", next);
        await until(async () => (await get(worker.port, "/readyz")) === 200, 20_000);
        expect(worker.child.exitCode).toBeNull();
        expect(botApi.violations).toEqual([]);
      } finally {
        await fleet?.stop();
        fleet = undefined;
        await server.stop();
      }
    },
  );
});

describe.skipIf(!canStartRedis())("a key in Redis at which something else stands", () => {
  test("makes the bot not ready as soon as an update is refused, and ready when it is gone", {
    timeout: 90_000,
  }, async () => {
    const server = await startPrivateRedis();
    const redis = new Redis(server.url);
    try {
      const created = await createFleet({ redisUrl: server.url });
      fleet = created;
      const { botApi } = created;
      const worker = await created.launch("worker");
      await worker.ready();
      // One of many, which no look at a few keys finds.
      await redis.lpush(`{${created.prefix}}:seen:0`, "x");
      const chatId = botApi.user.createPrivateChat({ userId: 7, firstName: "Ann" });
      botApi.user.sendText(chatId, 7, "Are you there?");
      await until(async () => (await get(worker.port, "/readyz")) === 503, 20_000);
      await redis.del(`{${created.prefix}}:seen:0`);
      await seen(botApi, chatId, "Regenerate");
      await until(async () => (await get(worker.port, "/readyz")) === 200, 20_000);
    } finally {
      await fleet?.stop();
      fleet = undefined;
      redis.disconnect();
      await server.stop();
    }
  });
});
