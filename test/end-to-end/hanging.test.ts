import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { english as texts } from "../../src/texts/english.ts";
import { buttonsOf, createRig, seen, until, words } from "../support/bot-process.ts";
import { createFleet, type FleetProcess } from "../support/fleet.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();
const preload = fileURLToPath(new URL("../support/processes/hang-at-words.ts", import.meta.url));
const env = { NODE_OPTIONS: `--import ${preload}` };
/** The loop may stand still for 30 s. */
const killedWithinMs = 60_000;

function hangsIn(output: string): { updateId?: number }[] {
  const lines = output.split("\n").filter((line) => line.includes('"msg":"the process hung'));
  return lines.map((line) => JSON.parse(line) as { updateId?: number });
}

describe.concurrent("an answer at which the process is killed again and again", () => {
  test("is alone from the fourth time on, and given up after the sixth", { timeout: 240_000 }, async ({
    onTestFinished,
  }) => {
    const created = await createRig({
      model: { respond: () => ({ text: words(2_000), tokensPerSecond: 20 }) },
    });
    onTestFinished(created.stop);
    const [ann, bob] = [created.visitor(), created.visitor()];
    await created.start();
    ann.say("Tell me.");
    await ann.sees("Stop");
    for (let kills = 1; kills <= 6; kills++) {
      // It has begun again.
      await until(() => created.model.requests.length >= kills);
      await sleep(1_000);
      if (kills === 4) bob.say("And me?");
      await created.end("SIGKILL");
      await created.start();
    }
    const notice = await ann.sees(/Something went wrong on my side/);
    expect(notice.text).toBe(texts.turnDied);
    expect(created.output()).toMatch(/died 3 times while this alone was handled/);
    for (const message of ann.written()) expect(buttonsOf(message)).toEqual([]);
    // Who came in between was not charged, and is answered now.
    await bob.sees("Stop");
  });
});

// What they wait for is the watchdog's time, all of them at once.
describe.concurrent("an update in whose work the process hangs", () => {
  test("is dead after the second time, and nobody else is charged", { timeout: 600_000 }, async ({
    onTestFinished,
  }) => {
    const created = await createRig({ env, model: { respond: () => ({ text: "All of it.", delayFirstMs: 2_000 }) } });
    onTestFinished(created.stop);
    const [ann, bob] = [created.visitor(), created.visitor()];
    const killed = () => until(() => created.child().signalCode, killedWithinMs);
    await created.start();
    // Under way when the process hangs, twice.
    ann.say("Tell me.");
    const hanging = bob.say("Please hang now.");
    expect(await killed()).toBe("SIGKILL");
    created.start().catch(() => undefined);
    await until(() => created.child().exitCode === null && created.child().signalCode === null);
    expect(await killed()).toBe("SIGKILL");
    expect(hangsIn(created.output())).toHaveLength(2);
    await created.start();

    const notice = await bob.sees(/Something went wrong on my side/);
    expect(notice.text).toBe(texts.turnDied);
    expect(notice.replyTo).toBe(hanging);
    await ann.sees("Regenerate");
    expect(bob.written()).toHaveLength(1);
    await bob.ask("And now?");
    expect(hangsIn(created.output())).toHaveLength(2);
    const [first, second] = hangsIn(created.output());
    expect(first?.updateId).toBeTypeOf("number");
    expect(second?.updateId).toBe(first?.updateId);
    expect(created.botApi.violations).toEqual([]);
  });

  test("takes a process with it before it is stored no more than twice", { timeout: 240_000 }, async ({
    onTestFinished,
  }) => {
    const created = await createRig({ env: { ...env, HANG_AT_ARRIVAL: "1" } });
    onTestFinished(created.stop);
    const killed = () => until(() => created.child().signalCode, killedWithinMs);
    await created.start();
    const [ann, bob] = [created.visitor(), created.visitor()];
    await ann.ask("Are you there?");
    bob.say("Please hang now.");
    for (let n = 0; n < 2; n++) {
      expect(await killed()).toBe("SIGKILL");
      created.start().catch(() => undefined);
      await until(() => created.child().exitCode === null && created.child().signalCode === null);
    }
    await ann.ask("And now?");
    expect(hangsIn(created.output()).map(({ updateId }) => updateId !== undefined)).toEqual([true, true]);
    expect(created.output()).toMatch(/hung each time that this arrived/);
    await bob.ask("And I?");
  });

  test.skipIf(redis.missing !== undefined)(
    redis.title("takes two workers of a fleet with it, and no third one"),
    { timeout: 600_000 },
    async ({ onTestFinished }) => {
      const created = await createFleet({ redisUrl: redis.url, env });
      onTestFinished(created.stop);
      const { botApi } = created;
      const workers: FleetProcess[] = [];
      for (let n = 0; n < 3; n++) workers.push(await created.launch("worker"));
      await Promise.all(workers.map((worker) => worker.ready()));
      const [ann, bob] = [1, 2].map((userId) => botApi.user.createPrivateChat({ userId, firstName: `User ${userId}` }));
      botApi.user.sendText(bob as number, bob as number, "Please hang now.");
      const gone = () => workers.filter(({ child }) => child.signalCode === "SIGKILL");
      await until(() => gone().length === 2, 2 * killedWithinMs);
      const notice = await seen(botApi, bob as number, /Something went wrong on my side/, 0, killedWithinMs);
      expect(notice.text).toBe(texts.turnDied);
      expect(gone()).toHaveLength(2);
      botApi.user.sendText(ann as number, ann as number, "Still there?");
      await seen(botApi, ann as number, "Regenerate");
      const named = gone().flatMap((worker) => hangsIn(worker.output()).map(({ updateId }) => updateId));
      expect(named).toHaveLength(2);
      expect(new Set(named).size).toBe(1);
      expect(botApi.violations).toEqual([]);
    },
  );
});
