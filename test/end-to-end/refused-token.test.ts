/** A token that Telegram takes back while the real processes work: they end as at a start, and lose no question. */
import { describe, expect, type TestContext, test } from "vitest";
import {
  answersIn,
  createRig,
  type Rig,
  type RigOptions,
  runToEnd,
  settingsFor,
  until,
  words,
} from "../support/bot-process.ts";
import { createFleet } from "../support/fleet.ts";
import { patienceMs } from "../support/patience.ts";
import { findRedis } from "../support/redis-server.ts";

const redis = await findRedis();
const line = /^BOT_TOKEN is refused by Telegram; .*$/m;

/** A bot of the test's own, running. */
async function startOne({ onTestFinished }: Pick<TestContext, "onTestFinished">, options?: RigOptions): Promise<Rig> {
  const rig = await createRig(options);
  onTestFinished(rig.stop);
  await rig.start();
  return rig;
}

/** How the process ends that meets the refusal at its start. */
async function endAtStart(at: Rig): Promise<{ code: number | null; line: string | undefined }> {
  const lift = at.botApi.faults.fail({ method: "getMe", status: 401, description: "Unauthorized" });
  const { code, output } = await runToEnd({ ...settingsFor(at, 0), PORT: "0" });
  lift();
  return { code, line: line.exec(output)?.[0] };
}

async function ended(at: Rig): Promise<{ code: number | null; line: string | undefined }> {
  const child = at.child();
  await until(() => child.exitCode ?? undefined, 2 * patienceMs);
  return { code: child.exitCode, line: line.exec(at.output())?.[0] };
}

const forms: readonly (readonly [string, RigOptions])[] = [
  ["polling", {}],
  ["with a webhook", { env: (port) => ({ WEBHOOK_URL: `http://127.0.0.1:${port}` }) }],
];

describe.concurrent.each(forms)("a token that is refused, %s", { timeout: 180_000 }, (_form, options) => {
  test("in the middle of an answer leaves the question queued, and ends the process as at a start", async (context) => {
    const rig = await startOne(context, options);
    const { botApi } = rig;
    const visitor = rig.visitor();
    rig.answers("half an answer", { text: words(300), tokensPerSecond: 40 }, { text: "the whole answer" });
    const asked = visitor.say("half an answer");
    const writing = await visitor.sees("Stop", asked);
    const behind = visitor.say("behind it");
    await until(() => botApi.updatesPending() === 0);
    const lift = botApi.faults.fail({ method: "editMessageText", status: 401, description: "Unauthorized" });
    const end = await ended(rig);
    expect(rig.output()).not.toMatch(/an update failed|Telegram refused a call for good/);
    lift();
    expect(end.line).toMatch(line);
    expect(end).toEqual(await endAtStart(rig));

    await rig.start();
    const answer = await visitor.sees("Regenerate", behind);
    expect(answer.text).toContain("behind it");
    expect(visitor.message(writing.id)?.text).toBe("the whole answer");
    expect(visitor.written()).toHaveLength(2);
  });

  test.for(["answerCallbackQuery", "sendMessage", "sendChatAction"])(
    "by %s ends the process, too",
    async (method, context) => {
      const rig = await startOne(context, options);
      const visitor = rig.visitor();
      const answer = await visitor.ask("something to press");
      // Typing is shown again and again until the process ends.
      rig.answers("and now?", { text: "Heard: and now?", delayFirstMs: 3_600_000 }, { text: "Heard: and now?" });
      // Not once only: that may hit a call of the answer before, which nobody waits for any more.
      const lift = rig.botApi.faults.fail({ method, status: 401, description: "Unauthorized" });
      if (method === "answerCallbackQuery") void visitor.press(answer, "Regenerate").catch(() => undefined);
      else visitor.say("and now?");
      expect((await ended(rig)).line).toMatch(line);
      lift();
      const again = rig.requests("something to press").length;
      await rig.start();
      if (method === "answerCallbackQuery") await until(() => rig.requests("something to press").length === again + 1);
      else await visitor.sees(/and now\?/);
    },
  );
});

describe("a token that is refused while polling", { timeout: 180_000 }, () => {
  test.for(["getUpdates"])("by %s ends the process as at a start", async (method, context) => {
    const rig = await startOne(context);
    const lift = rig.botApi.faults.fail({ method, status: 401, description: "Unauthorized" });
    rig.visitor().say("wake up");
    const end = await ended(rig);
    lift();
    expect(end).toEqual(await endAtStart(rig));
  });
});

describe.skipIf(redis.missing !== undefined)(
  redis.title("a token that is refused in a worker"),
  { timeout: 180_000 },
  () => {
    test("leaves its question to the next one", async ({ onTestFinished }) => {
      const fleet = await createFleet({
        redisUrl: redis.url,
        model: { respond: () => ({ text: words(120), tokensPerSecond: 40 }) },
      });
      onTestFinished(fleet.stop);
      const { botApi, webhookUrl } = fleet;
      const env = { WEBHOOK_URL: webhookUrl };
      await (await fleet.launch("web", { env })).ready();
      const worker = await fleet.launch("worker", { env });
      await worker.ready();
      const chatId = botApi.user.createPrivateChat({ userId: 7_900_001, firstName: "Ada" });
      botApi.user.sendText(chatId, 7_900_001, "what now?");
      await until(() => answersIn(botApi, chatId).length === 1);
      const lift = botApi.faults.fail({ method: "editMessageText", status: 401, description: "Unauthorized" });
      const code = await new Promise((resolve) => worker.child.once("exit", resolve));
      lift();
      expect(worker.output()).toMatch(line);
      expect(code).toBeGreaterThan(0);
      await (await fleet.launch("worker", { env })).ready();
      await until(
        () => answersIn(botApi, chatId)[0]?.replyMarkup?.inline_keyboard[0]?.[0]?.text.includes("Regenerate"),
        30_000,
      );
      expect(answersIn(botApi, chatId)).toHaveLength(1);
    });
  },
);
