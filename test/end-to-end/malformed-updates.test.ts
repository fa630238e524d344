/** Updates that nothing can be made of, brought to the real process: acknowledged, kept among the dead, in nobody's way. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRig, type Rig, settingsFor, spawnBot, until } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const secret = "of-malformed-updates";
const someone = { id: 7_700_001, is_bot: false, first_name: "Somebody" };
const chat = { id: 7_700_001, type: "private", first_name: "Somebody" };
const date = 1_790_000_000;

/** Each with the reason that an operator reads. */
const malformed: readonly [object, string][] = [
  [{ message: { message_id: 1, date, from: someone, text: "no chat" } }, "message.chat is missing"],
  [{ message: { message_id: 1, date, chat: { ...chat, id: "7" }, text: "x" } }, "message.chat.id is no whole number"],
  [{ message: { message_id: 1, date, chat, from: { id: null }, text: "x" } }, "message.from.id is no whole number"],
  [{ message: [] }, "message is no object"],
  [{ edited_message: { date, chat, text: "x" } }, "edited_message.message_id is missing"],
  [{ callback_query: { id: "1", chat_instance: "1", data: "stop:1" } }, "callback_query.from is missing"],
  [{ callback_query: { from: someone, data: "stop:1" } }, "callback_query.id is missing"],
  [{ my_chat_member: { date } }, "my_chat_member.chat is missing"],
  [{ stopped_message_generation: { chat } }, "stopped_message_generation.draft_id is missing"],
];

const forms = [
  { form: "polling", webhook: false, env: {}, skip: false },
  { form: "with a webhook", webhook: true, env: {}, skip: false },
  {
    form: redis.title("with a webhook, over Redis"),
    webhook: true,
    env: { REDIS_URL: redis.url, REDIS_PREFIX: prefix },
    skip: redis.missing !== undefined,
  },
];

for (const { form, webhook, env, skip } of forms) {
  describe.skipIf(skip)(`malformed updates, ${form}`, { timeout: 180_000 }, () => {
    let rig: Rig;
    beforeAll(async () => {
      rig = await createRig({
        env: (port) => ({
          ...env,
          ...(webhook ? { WEBHOOK_URL: `http://127.0.0.1:${port}`, WEBHOOK_SECRET: secret } : {}),
        }),
      });
      await rig.start();
    }, 120_000);
    afterEach(() => expect(rig.botApi.violations).toEqual([]));
    afterAll(async () => {
      await rig.stop();
      if (!skip && redis.missing === undefined) await deleteKeys(redis.url, prefix);
    });

    /** What `npm run queue -- dead` prints. */
    async function dead(): Promise<string> {
      let output = "";
      const settings = { ...settingsFor(rig, 0), DATA_DIR: `${rig.dataDir}/data`, ...env };
      const child = spawnBot("queue dead", rig.dataDir, settings, (text) => {
        output += text;
      });
      await new Promise((resolve) => child.once("close", resolve));
      return output;
    }

    test("are acknowledged, cost no good one its answer, and are found among the dead with their reason", async () => {
      const visitor = rig.visitor();
      for (const [index, [body]] of malformed.entries()) {
        rig.botApi.user.raw(body as never);
        if (index % 3 === 0) visitor.say(`good ${index}`);
      }
      await until(() => rig.botApi.updatesPending() === 0);
      for (const index of [0, 3, 6]) await visitor.sees(new RegExp(`good ${index}`));
      expect(rig.output()).not.toContain("an update failed");
      await rig.end("SIGTERM");
      const lines = (await dead()).split("\n").filter((line) => line.includes("lane update:"));
      const reasons = lines.map((line) => line.slice(line.indexOf("old  ") + 5));
      expect(reasons.toSorted()).toEqual(malformed.map(([, reason]) => reason).toSorted());
    });
  });
}
