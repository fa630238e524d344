/** Chats that Telegram makes wait, in the real process: they keep nobody else waiting, and lose nothing. */
import { afterEach, describe, expect, test } from "vitest";
import { answersIn, createRig, type Rig, refusedCalls, until, words } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

/** More than there are slots for commands. */
const many = 70;
const redis = await findRedis();
const prefix = newPrefix();

const forms = [
  { form: "embedded", env: {}, skip: false },
  {
    form: redis.title("over Redis"),
    env: { REDIS_URL: redis.url, REDIS_PREFIX: prefix },
    skip: redis.missing !== undefined,
  },
];

for (const { form, env, skip } of forms) {
  describe.skipIf(skip)(`while chats are held, ${form}`, { timeout: 600_000 }, () => {
    let rig: Rig;

    async function start(more: Record<string, string> = {}): Promise<void> {
      rig = await createRig({ env: { ...env, ...more } });
      await rig.start();
    }
    afterEach(async () => {
      await rig.stop();
      if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
    });

    /** A forum with so many topics, in each of which somebody has sent these commands. */
    function crowd(...commands: readonly string[]): { chatId: number; threads: readonly number[] } {
      const members = Array.from({ length: 10 }, (_, index) => 8_000_001 + index);
      const chatId = rig.botApi.user.createGroup({ title: "Crowd", memberIds: members, forum: true });
      const threads = Array.from(
        { length: many },
        (_, index) => rig.botApi.user.createTopic(chatId, `Topic ${index}`, members[0] ?? 0).threadId,
      );
      rig.botApi.faults.fail({ method: "sendMessage", chatId, status: 429, retryAfter: 20, times: 1 });
      for (const [index, threadId] of threads.entries()) {
        const member = members[index % members.length] ?? 0;
        for (const command of commands) rig.botApi.user.sendText(chatId, member, `${command}@parley_bot`, { threadId });
      }
      return { chatId, threads };
    }

    const helps = (chatId: number) => answersIn(rig.botApi, chatId).filter(({ text }) => text.includes("Commands:"));
    const taken = () => until(() => rig.botApi.updatesPending() === 0);

    /** Somebody elsewhere stops an answer and asks for help; resolves with the time of the last answer. */
    async function expectOthersServed(): Promise<number> {
      const visitor = rig.visitor();
      rig.answers("a long story", { text: words(3_000), tokensPerSecond: 30 });
      const writing = await visitor.ask("a long story", "Stop");
      expect((await visitor.press(writing, "Stop"))?.text).toContain("Stopped");
      return (await visitor.sees(/Commands:/, visitor.say("/help"))).at;
    }

    test("a command in each of many held topics keeps no other chat from its commands and its Stop", async () => {
      await start();
      const { chatId, threads } = crowd("/help");
      await until(() => refusedCalls(rig.botApi, chatId).length > 0);
      await taken();
      const served = await expectOthersServed();
      expect(helps(chatId)).toEqual([]);
      await until(() => helps(chatId).length === many, 60_000);
      expect(new Set(helps(chatId).map(({ threadId }) => threadId))).toEqual(new Set(threads));
      expect(Math.min(...helps(chatId).map(({ at }) => at))).toBeGreaterThan(served);
    });

    test("nor do many chats in which Telegram fails", async () => {
      await start();
      const visitors = Array.from({ length: many }, () => rig.visitor());
      const ids = new Set(visitors.map(({ chatId }) => chatId));
      const lift = rig.botApi.faults.fail({
        method: "sendMessage",
        match: ({ chatId }) => chatId !== undefined && ids.has(chatId),
        status: 502,
      });
      for (const visitor of visitors) visitor.say("/help");
      await taken();
      await expectOthersServed();
      lift();
      await until(() => visitors.every(({ chatId }) => helps(chatId).length === 1), 60_000);
    });

    test("an answer that is written and only waits for its chat gives its turn to another", async () => {
      await start({ CONCURRENCY: "1" });
      const held = rig.visitor();
      rig.botApi.faults.fail({ chatId: held.chatId, status: 429, retryAfter: 20, times: 1 });
      held.say("in the held chat");
      await until(() => refusedCalls(rig.botApi, held.chatId).length > 0);
      const other = await rig.visitor().ask("in another chat");
      const late = await held.sees("Regenerate");
      expect(late.at).toBeGreaterThan(other.at);
      expect(held.written()).toHaveLength(1);
    });

    test("what waits is there after kill -9, once and in its order", async () => {
      await start();
      const { chatId } = crowd("/help", "/usage");
      await until(() => refusedCalls(rig.botApi, chatId).length > 0);
      await taken();
      await rig.end("SIGKILL");
      await rig.start();
      await until(() => answersIn(rig.botApi, chatId).length === 2 * many, 60_000);
      for (const [, inTopic] of Map.groupBy(answersIn(rig.botApi, chatId), ({ threadId }) => threadId)) {
        expect(inTopic.map(({ text }) => /^(Write|Your)/.exec(text)?.[0])).toEqual(["Write", "Your"]);
      }
    });
  });
}
