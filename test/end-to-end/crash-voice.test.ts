/** Kills while a voice message is fetched, heard and answered: one answer, heard and paid once, the call in flight apart. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageView } from "../../src/playground/bot-api/bot-api.ts";
import { buttonsOf, createRig, type Rig, until } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
let rig: Rig;
afterEach(async () => await rig?.stop());

const question = "What did I say?";
const env = { TRANSCRIBE_MODEL: "test/ear" };

/** Brings a voice message, kills when `moment` has come, starts again, and looks at what there is. */
async function killedAt(moment: () => boolean | Promise<boolean>, more: Record<string, string> = {}, laterMs = 0) {
  rig = await createRig({ env: { ...env, ...more } });
  const { botApi, model } = rig;
  rig.answers(question, { text: "You said so.", tokensPerSecond: 4 }, { text: "You said so." });
  await rig.start();
  const visitor = rig.visitor();
  return {
    visitor,
    model,
    botApi,
    async run() {
      const voice = botApi.user.sendVoice(visitor.chatId, visitor.userId, { bytes: Buffer.from("OggS said") });
      await until(moment);
      await sleep(laterMs);
      await rig.end("SIGKILL");
      // What was on its way when the bot died still happens.
      await sleep(100);
      await rig.start();
      await visitor.sees("Regenerate");
      return { voice, written: visitor.written() };
    },
  };
}

const heard = () => rig.model.media.requests;

/** The request in flight at a kill may have left a copy, which goes no further than that one request. */
function shown(written: readonly MessageView[]): string[] {
  return written.map(({ text }) => text).filter((text) => text !== "You");
}

/** Step, outcome and seconds of each call in the ledger, after the bot has ended. */
async function calls(): Promise<unknown[][]> {
  expect(await rig.end("SIGTERM")).toBe(0);
  const database = new DatabaseSync(join(rig.dataDir, "data", "parley.db"), { readOnly: true });
  const rows = database.prepare("SELECT step, outcome, seconds FROM ledger ORDER BY id").all();
  database.close();
  return rows.map((row) => Object.values(row));
}

describe.each([
  ["without budgets", {}],
  ["with a budget", { BUDGET_USER_DAY: "200000t" }],
])("a kill %s", (_, more) => {
  test("while the recording is fetched leaves one transcript and one answer", async () => {
    const { botApi, model, visitor, run } = await killedAt(
      () => asked() && model.media.requests.length === 0,
      more,
      // A kill before the id of the message is stored leaves a copy of it.
      1_000,
    );
    botApi.faults.fail({ match: ({ method }) => method === "getFile", hangMs: 60_000, times: 1 });
    const asked = () => botApi.chat(visitor.chatId).messages.some(({ text }) => text === "🎤 Listening…");
    model.media.always({ text: question });
    const { written, voice } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(written[0]?.replyTo).toBe(voice.message_id);
    expect(heard()).toHaveLength(1);
  });

  test("while it is heard has it heard once more, and shown once", async () => {
    const { model, run } = await killedAt(() => heard().length === 1, more);
    model.media.next({ hang: true });
    model.media.always({ text: question });
    const { written } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(heard()).toHaveLength(2);
    expect(await calls()).toEqual([
      [-1, "lost", 1],
      [-1, "complete", 1],
      [1, "complete", null],
    ]);
  });

  test("while the answer is written does not have it heard again", async () => {
    const { model, run } = await killedAt(() => rig.requests(question).length === 1, more);
    model.media.always({ text: question });
    const { written } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(heard()).toHaveLength(1);
    expect(buttonsOf(written[0])).toEqual([]);
    expect(await calls()).toEqual([
      [-1, "complete", 1],
      [1, "lost", null],
      [1, "complete", null],
    ]);
  });

  test("right after it was heard leaves no second transcript", async () => {
    const { model, visitor, run } = await killedAt(() => visitor.written().some(({ text }) => text === question), more);
    model.media.always({ text: question });
    const { written } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(heard()).toHaveLength(1);
  });
});

describe.skipIf(redis.missing !== undefined)(redis.title("a kill, over Redis,"), () => {
  const prefix = newPrefix();
  const more = { REDIS_URL: redis.url, REDIS_PREFIX: prefix };
  afterEach(async () => await deleteKeys(redis.url, prefix));

  test("while the recording is heard has it heard once more, and shown once", async () => {
    const { model, run } = await killedAt(() => heard().length === 1, more);
    model.media.next({ hang: true });
    model.media.always({ text: question });
    const { written } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(heard()).toHaveLength(2);
  });

  test("while the answer is written does not have the recording heard again", async () => {
    const { model, run } = await killedAt(() => rig.requests(question).length === 1, more);
    model.media.always({ text: question });
    const { written } = await run();
    expect(shown(written)).toEqual([question, "You said so."]);
    expect(heard()).toHaveLength(1);
  });
});
