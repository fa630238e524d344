/** The real process and albums: one thing to who sends it, several messages to the bot. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRig, type Rig, until, type Visitor } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const engines: [string, Record<string, string>][] = [["the embedded engine", {}]];
if (redis.missing === undefined) engines.push(["Redis", { REDIS_URL: redis.url, REDIS_PREFIX: prefix }]);

describe.each(engines)("an album, over %s", { timeout: 60_000 }, (engine, env) => {
  let rig: Rig;
  let messageId = 20_000;
  let updateId = 5_000_000;
  beforeAll(async () => {
    rig = await createRig({ env });
    await rig.start();
  }, 60_000);
  afterAll(async () => {
    await rig.stop();
    if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
  });

  /** Sends the parts of an album; the function that it returns has Telegram deliver them all once more. */
  function send({ userId, chatId }: Visitor, name: string, captions: (string | undefined)[]): () => void {
    const from = { id: userId, is_bot: false, first_name: "Visitor" };
    const chat = { id: chatId, type: "private", first_name: "Visitor" };
    // Telegram counts on from the highest id that it has given.
    updateId += 1_000;
    const photo = [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }];
    const updates = captions.map((caption) => {
      updateId += 1;
      messageId += 1;
      const words = caption === undefined ? {} : { caption };
      const parts = { photo, media_group_id: `${name} ${engine}`, ...words };
      return { update_id: updateId, message: { message_id: messageId, date: 1_790_000_000, from, chat, ...parts } };
    });
    const deliver = () => {
      for (const update of updates) rig.botApi.user.raw(update as Parameters<typeof rig.botApi.user.raw>[0]);
    };
    deliver();
    return deliver;
  }

  /** Lets everything before it be handled, in both lanes. */
  async function settle(visitor: Visitor, question: string): Promise<void> {
    await visitor.ask(question);
    visitor.say("/usage");
    await visitor.sees(/Your use/);
  }

  test("without words gets one notice, also when it is delivered again after a restart", async () => {
    const visitor = rig.visitor();
    const deliverAgain = send(visitor, "no words", [undefined, undefined, undefined]);
    await visitor.sees(/So far I read only text/);
    deliverAgain();
    await rig.end("SIGKILL");
    await rig.start();
    deliverAgain();
    await settle(visitor, "behind the album without words");
    expect(visitor.written().filter(({ text }) => text.startsWith("So far I read only text"))).toHaveLength(1);
  });

  test.for<[string, (string | undefined)[]]>([
    ["first", ["who are they", undefined, undefined]],
    ["last", [undefined, undefined, "who are they"]],
  ])("with words below its %s picture gets one line, also when it is delivered again", async ([where, captions]) => {
    const visitor = rig.visitor();
    const deliverAgain = send(visitor, `words ${where}`, captions);
    await visitor.sees("Regenerate");
    deliverAgain();
    await settle(visitor, `behind the album with words ${where}`);
    const lines = visitor.written().flatMap(({ text }) => text.match(/📎|So far I read only text/g) ?? []);
    expect(lines).toHaveLength(1);
    await until(() => rig.requests("[a photo that you cannot see]\nwho are they").length > 0);
  });
});
