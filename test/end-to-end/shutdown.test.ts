import { describe, expect, type TestContext, test } from "vitest";
import type { ScriptedRequest } from "../../src/playground/model/script.ts";
import {
  answersIn,
  answerWith,
  buttonsOf,
  createRig,
  type Rig,
  type RigOptions,
  until,
} from "../support/bot-process.ts";
import { onArrival } from "../support/killing.ts";

/** Slow machines are slow; nothing but the promised times depends on how long it takes. */
const patienceMs = 120_000;
const idleExitMs = 5_000;
const busyExitMs = 30_000;

const asked = ({ messages }: ScriptedRequest) => messages.at(-1)?.content ?? "";

/** Words that are numbered, so that a gap or a repetition would show. */
const numbered = (name: string, words: number) =>
  Array.from({ length: words }, (_, at) => `${name}${at + 1}`).join(" ");

/** A bot of the test's own, running. */
async function startOne({ onTestFinished }: Pick<TestContext, "onTestFinished">, options?: RigOptions) {
  const rig = await createRig(options);
  onTestFinished(rig.stop);
  await rig.start();
  return {
    rig,
    newChat: (userId: number) => rig.botApi.user.createPrivateChat({ userId, firstName: `User ${userId}` }),
    ask: (chatId: number, text: string) => rig.botApi.user.sendText(chatId, chatId, text),
    terminate: () => terminate(rig),
  };
}

/** Sends SIGTERM and waits for the end. */
async function terminate(rig: Rig): Promise<{ code: number | null; tookMs: number }> {
  const startedAt = performance.now();
  const code = await rig.end("SIGTERM");
  return { code, tookMs: performance.now() - startedAt };
}

describe("a bot that is told to stop", { timeout: 180_000 }, () => {
  test("ends within five seconds when it is idle", async (context) => {
    const { rig, newChat, ask, terminate } = await startOne(context);
    const chat = newChat(11);
    ask(chat, "Hello");
    await answerWith(rig.botApi, chat, "Regenerate", patienceMs);
    const { code, tookMs } = await terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(idleExitMs);
  });

  test("ends within five seconds while Telegram is out of reach at its start", async ({ onTestFinished }) => {
    const rig = await createRig();
    onTestFinished(rig.stop);
    const asking = onArrival(rig.botApi, ({ method }) => method === "getMe");
    rig.botApi.faults.fail({ method: "getMe", hangMs: 120_000, cut: "before" });
    rig.start().catch(() => undefined);
    await asking;
    const { code, tookMs } = await terminate(rig);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(idleExitMs);
  });

  test("finishes the answers that are nearly done, and leaves nothing to do", { concurrent: true }, async (context) => {
    const answer = numbered("word", 120);
    const { rig, newChat, ask, terminate } = await startOne(context, {
      model: { respond: () => ({ text: answer, tokensPerSecond: 60 }) },
    });
    const chats = [11, 12, 13, 14, 15].map(newChat);
    for (const chat of chats) ask(chat, "Count");
    for (const chat of chats) await answerWith(rig.botApi, chat, "Stop", patienceMs);
    const { code, tookMs } = await terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(busyExitMs);
    for (const chat of chats) {
      const answers = answersIn(rig.botApi, chat);
      expect(answers.map(({ text }) => text)).toEqual([answer]);
      expect(buttonsOf(answers[0]).join()).toContain("Regenerate");
    }
    const requests = rig.model.requests.length;
    expect(requests).toBe(chats.length);
    await rig.start();
    ask(chats[0] ?? 0, "And again");
    await until(() => answersIn(rig.botApi, chats[0] ?? 0).length === 2, patienceMs);
    expect(rig.model.requests.length).toBe(requests + 1);
    expect(rig.botApi.violations).toEqual([]);
  });

  test("leaves an answer that takes too long as it is, and goes on in the same message after the restart", {
    concurrent: true,
  }, async (context) => {
    const answer = numbered("step", 400);
    let slow = true;
    const { rig, newChat, ask, terminate } = await startOne(context, {
      model: { respond: () => ({ text: answer, tokensPerSecond: slow ? 8 : 2_000 }) },
    });
    const { botApi } = rig;
    const chats = [11, 12, 13].map(newChat);
    for (const chat of chats) ask(chat, "Count to 400");
    for (const chat of chats) await answerWith(botApi, chat, "Stop", patienceMs);

    const { code, tookMs } = await terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(busyExitMs);
    for (const chat of chats) {
      const partial = answersIn(botApi, chat);
      expect(partial).toHaveLength(1);
      // No line below it, no Retry: only the beginning of the answer, with the button of an answer that is being written.
      expect(answer.startsWith(partial[0]?.text ?? "nothing")).toBe(true);
      expect(partial[0]?.text.length).toBeLessThan(answer.length);
      expect(buttonsOf(partial[0]).join()).toContain("Stop");
    }

    slow = false;
    await rig.start();
    for (const chat of chats) {
      await answerWith(botApi, chat, "Regenerate", patienceMs);
      const [whole, ...others] = answersIn(botApi, chat);
      expect(others).toEqual([]);
      expect(whole?.text).toBe(answer);
      for (const { text } of whole?.views ?? []) expect(answer.startsWith(text)).toBe(true);
    }
    expect(rig.botApi.violations).toEqual([]);
    expect(await rig.end("SIGTERM")).toBe(0);
  });

  test("ends in time while Telegram hangs or refuses, and delivers after the restart what it could not", {
    concurrent: true,
  }, async (context) => {
    const answer = numbered("part", 40);
    const { rig, newChat, ask, terminate } = await startOne(context, {
      model: { respond: () => ({ text: answer, tokensPerSecond: 4_000 }) },
    });
    const { botApi } = rig;
    const [hanging, failing] = [newChat(11), newChat(12)];
    const arrived = [hanging, failing].map((chat) =>
      onArrival(botApi, ({ method, chatId }) => method === "sendMessage" && chatId === chat),
    );
    botApi.faults.fail({ method: "sendMessage", chatId: hanging, hangMs: 300_000, cut: "before" });
    botApi.faults.fail({ method: "sendMessage", chatId: failing, status: 502 });
    let stopping = false;
    botApi.faults.fail({ method: "getUpdates", match: () => stopping, status: 502 });
    ask(hanging, "Count");
    ask(failing, "Count");
    await Promise.all(arrived);
    stopping = true;
    const { code, tookMs } = await terminate();
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(busyExitMs);
    expect([...answersIn(botApi, hanging), ...answersIn(botApi, failing)]).toEqual([]);

    botApi.faults.clear();
    await rig.start();
    for (const chat of [hanging, failing]) {
      await answerWith(botApi, chat, "Regenerate", patienceMs);
      expect(answersIn(botApi, chat).map(({ text }) => text)).toEqual([answer]);
    }
  });

  test.for(["polling", "webhook"])(
    "loses no update that arrives while it stops (%s)",
    { concurrent: true },
    async (mode, context) => {
      const slowAnswer = numbered("slow", 100);
      const { rig, newChat, ask, terminate } = await startOne(context, {
        botApi: { webhookRetryMs: 200 },
        ...(mode === "webhook" ? { env: (port) => ({ WEBHOOK_URL: `http://127.0.0.1:${port}/hook` }) } : {}),
        model: {
          respond: (request) =>
            asked(request) === "Count"
              ? { text: slowAnswer, tokensPerSecond: 50 }
              : { text: `Heard: ${asked(request)}` },
        },
      });
      const { botApi } = rig;
      const writing = newChat(11);
      const late = [12, 13, 14, 15, 16].map(newChat);
      ask(writing, "Count");
      await answerWith(botApi, writing, "Stop", patienceMs);
      const ended = terminate();
      // Before the signal takes effect, while the answer is being finished, and after the end.
      for (const [at, chat] of late.entries()) {
        ask(chat, `question ${at}`);
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 300))]);
      }
      expect((await ended).code).toBe(0);
      const afterwards = newChat(17);
      ask(afterwards, "question 5");
      expect(answersIn(botApi, writing).map(({ text }) => text)).toEqual([slowAnswer]);

      await rig.start();
      for (const [at, chat] of [...late, afterwards].entries()) {
        await answerWith(botApi, chat, "Regenerate", patienceMs);
        expect(answersIn(botApi, chat).map(({ text }) => text)).toEqual([`Heard: question ${at}`]);
      }
      expect(answersIn(botApi, writing)).toHaveLength(1);
      expect(rig.model.requests.map(({ body }) => asked(body)).sort()).toEqual(
        ["Count", ...[...late, afterwards].map((_, at) => `question ${at}`)].sort(),
      );
      await until(() => botApi.updatesPending() === 0, patienceMs);
      expect(await rig.end("SIGTERM")).toBe(0);
    },
  );
});
