import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageView } from "../../src/playground/bot-api/bot-api.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { withoutStatus } from "../../src/screen/status-lines.ts";
import { answersIn, buttonsOf, createRig, type Rig, until } from "../support/bot-process.ts";
import { createRandom, type Moment, shuffled, startAndKill, watchCreations } from "../support/killing.ts";

/** Slow machines are slow; nothing here depends on how long it takes. */
const patienceMs = 120_000;
const users = 50;
const seed = Number(process.env["CRASH_SEED"] ?? 20_260);

const chatIds = Array.from({ length: users }, (_, index) => 1001 + index);
const questionOf = (chatId: number) => `Tell user ${chatId} about themselves.`;
const secondQuestionOf = (chatId: number) => `What did you tell user ${chatId}?`;

/** 600 to 1,500 characters that name the user in every sentence, so that no two answers share one. */
function answerTo(chatId: number): string {
  const sentences = 10 + (chatId % 11);
  const told = Array.from(
    { length: sentences },
    (_, at) => `Sentence ${at + 1} for user ${chatId} says something about them.`,
  );
  return `${told.join(" ")} This was all for user ${chatId}.`;
}

let rig: Rig;
afterEach(async () => await rig?.stop());

const has = (message: MessageView | undefined, button: string) =>
  buttonsOf(message).some((label) => label.includes(button));

describe("a bot killed in the middle of fifty answers", () => {
  test("has one complete answer for each user in the end, and no second one", { timeout: 600_000 }, async () => {
    const random = createRandom(seed);
    const chosen = { what: "started" as Moment["what"] };
    rig = await createRig({ model: { respond: (request) => scriptFor(request) } });
    const { botApi, model } = rig;
    for (const chatId of chatIds) botApi.user.createPrivateChat({ userId: chatId, firstName: `User ${chatId}` });

    const creations = watchCreations(rig);
    /** The more a chat matters to the moment of the next kill, the earlier its answer: they arrive one by one. */
    function scriptFor(request: ScriptedRequest): Script | undefined {
      const asked = request.messages.at(-1)?.content ?? "";
      const chatId = Number(/user (\d+)/.exec(asked)?.[1]);
      if (asked !== questionOf(chatId)) return { text: `Told ${chatId}.`, tokensPerSecond: Infinity };
      const text = answerTo(chatId);
      if (chosen.what === "started") return { text, tokensPerSecond: 400 };
      const finals = chosen.what.startsWith("final");
      const { begun, finished } = creations;
      const matters = (id: number) => (finals ? begun.has(id) && !finished.has(id) : !begun.has(id));
      const rank = chatIds.filter(matters).indexOf(chatId);
      const delayFirstMs = rank >= 0 ? rank * 40 : 5_000 + (chatId % 50) * 40;
      return { text, delayFirstMs, tokensPerSecond: finals ? 4_000 : 40 };
    }

    /** On a slow machine more happens before each kill than was planned: then further users ask. */
    function supply({ what, nth }: Moment): void {
      const finals = what.startsWith("final");
      const left = chatIds.filter((id) => !(finals ? creations.finished : creations.begun).has(id)).length;
      for (let missing = nth + 1 - left; missing > 0; missing--) {
        const id = 1001 + chatIds.length;
        chatIds.push(id);
        botApi.user.createPrivateChat({ userId: id, firstName: `User ${id}` });
        botApi.user.sendText(id, id, questionOf(id));
      }
    }

    const upTo = (most: number) => 1 + Math.floor(random() * most);
    const kinds = (what: Moment["what"], count: number, nth: number, afterMs: number): Moment[] =>
      Array.from({ length: count }, () => ({ what, nth: upTo(nth), afterMs: Math.floor(random() * (afterMs + 1)) }));
    const plan: Moment[] = [
      // While the questions are being written to the queue.
      ...kinds("updates-delivered", 2, 1, 12),
      ...shuffled(
        [
          // Telegram has the message, its answer with the id never leaves.
          ...kinds("created", 6, 3, 0),
          // The answer is on its way, or has come, and the id is being stored.
          ...kinds("created-answered", 4, 3, 4),
          ...kinds("final-shown", 3, 3, 0),
          ...kinds("final-answered", 3, 3, 6),
          ...kinds("started", 2, 1, 400),
        ],
        random,
      ),
    ];
    expect(plan).toHaveLength(20);

    let inTheMiddle = 0;
    let inFlight = 0;
    const unanswered = () => chatIds.filter((id) => !creations.finished.has(id));
    for (const [at, moment] of plan.entries()) {
      // Half of the users ask before the first start, the others after the first kill.
      if (at < 2)
        for (const id of chatIds.filter((_, index) => index % 2 === at)) botApi.user.sendText(id, id, questionOf(id));
      if (at >= 2) supply(moment);
      chosen.what = moment.what;
      await startAndKill(rig, moment);
      // What was on its way when the bot died still happens.
      await sleep(100);
      inFlight += creations.settle();
      if (model.requests.length > 0 && unanswered().length > 0) inTheMiddle += 1;
    }

    chosen.what = "started";
    await rig.start();
    await until(() => unanswered().length === 0, patienceMs);
    // The next question of a chat is answered after the first is over and done.
    for (const id of chatIds) botApi.user.sendText(id, id, secondQuestionOf(id));
    const told = (id: number) => answersIn(botApi, id).filter(({ text }) => text === `Told ${id}.`);
    await until(() => chatIds.every((id) => has(told(id).at(-1), "Regenerate")), patienceMs);
    expect(await rig.end("SIGTERM")).toBe(0);
    creations.end();

    let copies = 0;
    let completeCopies = 0;
    const wrong: string[] = [];
    for (const id of chatIds) {
      const shown = answersIn(botApi, id).filter(({ text }) => text !== `Told ${id}.`);
      const complete = shown.filter(({ text }) => text === answerTo(id));
      const known = shown.filter((message) => !creations.excuses(id, message.id));
      const kept = known[0] ?? complete[0];
      copies += shown.length - 1;
      completeCopies += complete.length - 1;
      if (complete.length === 0) wrong.push(`${id} has no complete answer`);
      if (known.length > 1) wrong.push(`${id} has ${known.length} messages that no kill explains`);
      if (kept?.text !== answerTo(id)) wrong.push(`${id}: the message that the bot knows is not complete`);
      if (shown.some(({ text }) => !answerTo(id).startsWith(withoutStatus(text))))
        wrong.push(`${id} sees a text that is no part of its answer`);
      if (told(id).length !== 1) wrong.push(`${id} has ${told(id).length} second answers`);
      const stories = model.requests.filter(({ body }) => body.messages.at(-1)?.content === secondQuestionOf(id));
      const history = stories[0]?.body.messages.filter(({ role }) => role !== "system").map(({ content }) => content);
      const expected = [questionOf(id), answerTo(id), secondQuestionOf(id)];
      if (JSON.stringify(history) !== JSON.stringify(expected))
        wrong.push(`${id}: the history is ${JSON.stringify(history)}`);
      if (stories.length !== 1) wrong.push(`${id}: the second question was sent ${stories.length} times`);
    }
    console.log(
      `seed ${seed}, ${plan.length} kills: ${chatIds.length - wrong.length} users with one complete answer, ` +
        `${copies} copies left behind by the ${inFlight} messages in flight at a kill, ${completeCopies} of them complete`,
    );
    expect(wrong).toEqual([]);
    expect(copies).toBeLessThanOrEqual(inFlight);
    // Or the moments were not those that this test is about.
    expect(inTheMiddle).toBeGreaterThanOrEqual(plan.length - 3);
    expect(copies).toBeGreaterThan(0);
    expect(botApi.violations).toEqual([]);
  });
});
