/** `npm run queue` over the embedded queue, beside a bot that runs and without one. */
import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createRig, type Rig, runToEnd, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

/** No token, no model: where the queue is, is all that a command needs. */
const ask = (dataDir: string, command: string) => runToEnd({ DATA_DIR: dataDir }, `queue ${command}`);

async function withRig(options: Parameters<typeof createRig>[0], work: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = await createRig(options);
  try {
    await work(rig);
    expect(rig.botApi.violations).toEqual([]);
  } finally {
    await rig.stop();
  }
}

describe("an operator beside a running bot", { timeout: 180_000 }, () => {
  const rig = sharedRig();
  const run = (command: string) => ask(join(rig.dataDir, "data"), command);

  test("sees what waits and runs, empties a lane, sees what is dead, and puts it back", async () => {
    const visitor = rig.visitor();
    rig.answers("the first", { text: words(40), tokensPerSecond: 20, delayFirstMs: 12_000 });
    rig.answers("a secret second", { text: "the answer to the second" });
    visitor.say("the first");
    await until(() => rig.requests("the first").length === 1);
    const second = visitor.say("a secret second");
    await until(async () => (await run("stats")).output.startsWith("waiting 1 (delayed 0), active 1, dead 0, oldest "));

    expect(await run(`drain ${visitor.chatId}`)).toEqual({
      code: 0,
      output: "1 update is dead now; requeue it\n",
    });
    const dead = await run("dead");
    const [, id] = /^(\d+) {2}lane (\d+) {2}\d+ s old {2}drained by an operator\n$/.exec(dead.output) ?? [];
    expect(id).toBeDefined();
    expect(dead.output).not.toContain("secret");
    expect(await run(`requeue ${id}`)).toEqual({ code: 0, output: `update ${id} is at the end of its lane\n` });
    expect((await run(`requeue ${id}`)).code).toBe(1);
    expect((await run("dead")).output).toBe("no dead updates\n");
    // The bot itself has taken it up again.
    const answer = await visitor.sees(/the answer to the second/, second);
    expect(answer.text).toBe("the answer to the second");
  });

  test("is let in by a socket of the bot's own user, which the log names", async () => {
    const socket = join(rig.dataDir, "data", "parley.sock");
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    expect(rig.output()).toMatch(/"address":"[^"]*parley\.sock","msg":"listening for npm run queue"/);
  });

  test("is shown the commands for one that there is not", async () => {
    const { code, output } = await run("bury 2");
    expect(code).toBe(78);
    expect(output.trim().split("\n")).toEqual(Array(4).fill(expect.stringMatching(/^npm run queue -- /)));
  });
});

describe.concurrent("an operator", { timeout: 180_000 }, () => {
  test("sees the same after kill -9, and again when the bot is back", async () => {
    await withRig({}, async (rig) => {
      const visitor = rig.visitor();
      rig.answers("wait", { text: "done", delayFirstMs: 20_000 }, { text: "done" });
      await rig.start();
      visitor.say("wait");
      await until(() => rig.requests("wait").length === 1);
      await rig.end("SIGKILL");
      const dataDir = join(rig.dataDir, "data");
      expect(existsSync(join(dataDir, "parley.sock"))).toBe(true);
      expect(await ask(dataDir, "stats")).toMatchObject({ code: 0, output: expect.stringMatching(/^waiting 1 /) });
      await rig.start();
      await visitor.sees(/done/);
      await until(async () => (await ask(dataDir, "stats")).output.startsWith("waiting 0 (delayed 0), active 0"));
    });
  });

  test("reaches a bot whose folder has a path too long for a socket", async () => {
    const deep = join("d".repeat(70), "e".repeat(70));
    const folder = await mkdtemp(join(tmpdir(), "parley-test-"));
    const dataDir = join(folder, deep);
    await withRig({ env: { DATA_DIR: dataDir } }, async (rig) => {
      await rig.start();
      expect(await ask(dataDir, "stats")).toEqual({
        code: 0,
        output: "waiting 0 (delayed 0), active 0, dead 0, oldest 0 s\n",
      });
      expect(rig.output()).not.toContain("can hold no socket");
      await rig.end("SIGTERM");
    });
    await rm(folder, { recursive: true, force: true });
  });

  test("is told why a bot without a socket cannot be asked, and the bot works without", async () => {
    await withRig({}, async (rig) => {
      const dataDir = join(rig.dataDir, "data");
      await mkdir(join(dataDir, "parley.sock"), { recursive: true });
      await writeFile(join(dataDir, "parley.sock", "something"), "");
      await rig.start();
      expect(rig.output()).toMatch(/"level":"warn".*DATA_DIR can hold no socket/);
      const { code, output } = await ask(dataDir, "stats");
      expect(code).toBe(78);
      expect(output).toMatch(
        /^DATA_DIR: the process that works on \S+ cannot be asked: it is a playground, or its log says why\. Stop it first\.\n$/,
      );
      rig.answers("Still there?", { text: "yes" });
      await rig.visitor().ask("Still there?");
    });
  });

  test("is told that there is no database, and none is made", async () => {
    const folder = await mkdtemp(join(tmpdir(), "parley-test-"));
    for (const dataDir of [join(folder, "nowhere"), folder]) {
      const { code, output } = await ask(dataDir, "stats");
      expect(code).toBe(78);
      expect(output).toBe(
        `DATA_DIR: there is no database at ${join(dataDir, "parley.db")}; set DATA_DIR to the bot's, or start the bot once.\n`,
      );
    }
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
    expect(existsSync(join(folder, "parley.db"))).toBe(false);
    await rm(folder, { recursive: true, force: true });
  });
});
