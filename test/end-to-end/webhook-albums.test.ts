/** The real process behind a webhook to which Telegram delivers the parts of an album at once, in any order. */
import { afterAll, expect, test } from "vitest";
import { createRig, until } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const engines: [string, Record<string, string>][] = [["the embedded engine", {}]];
if (redis.missing === undefined) engines.push(["Redis", { REDIS_URL: redis.url, REDIS_PREFIX: prefix }]);
afterAll(async () => {
  if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
});

const secret = "of-the-albums";
const video = { video: { file_id: "f", file_unique_id: "u", width: 1, height: 1, duration: 1 } };
/** The last first, and each of them twice. */
const order = [9, 3, 7, 0, 5, 1, 8, 2, 6, 4, 4, 9, 0];

test.for(engines)(
  "an album of ten is answered once, in its own order, over %s",
  { timeout: 120_000 },
  async ([engine, env]) => {
    const rig = await createRig({
      env: (port) => ({ ...env, WEBHOOK_URL: `http://127.0.0.1:${port}`, WEBHOOK_SECRET: secret }),
    });
    try {
      await rig.start();
      const visitor = rig.visitor();
      const { chatId, userId } = visitor;
      const captions = Array.from({ length: 10 }, (_, index) => (index === 6 ? "who are they" : undefined));
      const whole = captions.map((caption) => ["[a video that you cannot see]", caption].filter(Boolean).join("\n"));
      rig.answers(whole.join("\n"), { text: "one answer" });
      const post = async (index: number) => {
        const caption = captions[index];
        const message = {
          message_id: 20_000 + index,
          date: 1_790_000_000,
          chat: { id: chatId, type: "private", first_name: "Visitor" },
          from: { id: userId, is_bot: false, first_name: "Visitor" },
          media_group_id: `webhook ${engine}`,
          ...video,
          ...(caption === undefined ? {} : { caption }),
        };
        const response = await fetch(`http://127.0.0.1:${rig.port}/telegram`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret },
          body: JSON.stringify({ update_id: 6_000_000 + index, message }),
        });
        return response.status;
      };
      expect(await Promise.all(order.map(post))).toEqual(order.map(() => 200));
      await until(() => visitor.written().some(({ text }) => text.includes("one answer")));
      expect(await Promise.all(order.map(post))).toEqual(order.map(() => 200));
      await visitor.ask("behind the album");
      expect(visitor.written().filter(({ text }) => text.includes("one answer"))).toHaveLength(1);
      expect(rig.requests(whole.join("\n"))).toHaveLength(1);
      expect(visitor.written()).toHaveLength(2);
    } finally {
      await rig.stop();
    }
  },
);
