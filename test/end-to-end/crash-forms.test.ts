/** Kills in the middle of answers that are more than one message which is edited. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { withoutStatus } from "../../src/screen/status-lines.ts";
import { answersIn, buttonsOf, createRig, plain, type Rig, until } from "../support/bot-process.ts";
import { createRandom, type Moment, startAndKill, watchCreations } from "../support/killing.ts";

/** Slow machines are slow; nothing here depends on how long it takes. */
const patienceMs = 120_000;
const seed = Number(process.env["CRASH_SEED"] ?? 20_260);
const usersAtFirst = 6;

const questionOf = (chatId: number) => `Tell user ${chatId} about themselves.`;
const secondQuestionOf = (chatId: number) => `What did you tell user ${chatId}?`;

/** So many sentences of about 60 characters, none of which any other answer has. */
function answerOf(sentences: number, chatId: number): string {
  const told = Array.from(
    { length: sentences },
    (_, at) => `Sentence ${at + 1} for user ${chatId} says something about them.`,
  );
  return `${told.join(" ")} This was all for user ${chatId}.`;
}

/** What a further message of an answer begins with. */
const furtherText = /^(?!Sentence 1 )/;

let rig: Rig;
afterEach(async () => await rig?.stop());

interface Run {
  readonly env?: Record<string, string>;
  readonly sentences: (chatId: number) => number;
  readonly plan: readonly Moment[];
}

/** Kills at each moment of the plan, lets everything end, and looks at what each user has then. */
async function killed({ env = {}, sentences, plan }: Run) {
  const chatIds: number[] = [];
  const answerTo = (chatId: number) => answerOf(sentences(chatId), chatId);
  rig = await createRig({ env, model: { respond: (request) => scriptFor(request) } });
  const { botApi, model } = rig;
  const creations = watchCreations(rig);

  /** Answers begin one by one, so that a kill meets them at different places. */
  function scriptFor({ messages }: ScriptedRequest): Script {
    const asked = messages.at(-1)?.content ?? "";
    const chatId = Number(/user (\d+)/.exec(asked)?.[1]);
    if (asked !== questionOf(chatId)) return { text: `Told ${chatId}.`, tokensPerSecond: Infinity };
    return { text: answerTo(chatId), delayFirstMs: (chatId % 4) * 150, tokensPerSecond: 1_500 };
  }

  /** Somebody who has seen nothing yet: in their chat everything is still to happen. */
  function newcomer(): void {
    const id = 1001 + chatIds.length;
    chatIds.push(id);
    botApi.user.createPrivateChat({ userId: id, firstName: `User ${id}` });
    botApi.user.sendText(id, id, questionOf(id));
  }

  let inFlight = 0;
  for (let count = 0; count < usersAtFirst; count++) newcomer();
  for (const moment of plan) {
    for (let count = 0; count < moment.nth; count++) newcomer();
    await startAndKill(rig, moment);
    // What was on its way when the bot died still happens.
    await sleep(100);
    inFlight += creations.settle();
  }
  await rig.start();
  await until(() => chatIds.every((id) => creations.finished.has(id)), patienceMs);
  // The next question of a chat is answered after the first is over and done.
  for (const id of chatIds) botApi.user.sendText(id, id, secondQuestionOf(id));
  const told = (id: number) => answersIn(botApi, id).filter(({ text }) => text === `Told ${id}.`);
  const isOver = (id: number) => buttonsOf(told(id).at(-1)).join().includes("Regenerate");
  await until(() => chatIds.every(isOver), patienceMs);
  expect(await rig.end("SIGTERM")).toBe(0);
  creations.end();

  let copies = 0;
  const wrong: string[] = [];
  for (const id of chatIds) {
    const answer = plain(answerTo(id));
    const shown = answersIn(botApi, id).filter(({ text }) => text !== `Told ${id}.`);
    const known = shown.filter((message) => !creations.excuses(id, message.id));
    copies += shown.length - known.length;
    if (plain(known.map(({ text }) => text).join("")) !== answer) {
      const parts = known.map(({ id: part, text }) => `${part}: ${text.slice(0, 40)}… (${text.length})`);
      wrong.push(`${id} sees no answer, or more than one, in ${parts.join(", ")}`);
    }
    if (!shown.every(({ text }) => answer.includes(plain(withoutStatus(text)))))
      wrong.push(`${id} sees what is no part of the answer`);
    if (known.flatMap(buttonsOf).length > 0) wrong.push(`${id} has buttons below an old answer`);
    if (botApi.chat(id).drafts.length > 0) wrong.push(`${id} still sees a draft`);
    if (told(id).length !== 1) wrong.push(`${id} has ${told(id).length} second answers`);
    const stories = model.requests.filter(({ body }) => body.messages.at(-1)?.content === secondQuestionOf(id));
    const history = stories.map(({ body }) => body.messages.slice(1).map(({ content }) => content));
    const expected = [[questionOf(id), answerTo(id), secondQuestionOf(id)]];
    if (JSON.stringify(history) !== JSON.stringify(expected)) wrong.push(`${id}: the history is not the conversation`);
  }
  console.log(
    `seed ${seed}: ${chatIds.length} users, ${plan.length} kills, ${copies} copies of ${inFlight} messages in flight`,
  );
  expect(wrong).toEqual([]);
  expect(copies).toBeLessThanOrEqual(inFlight);
  expect(botApi.violations).toEqual([]);
  return { copies, chatIds };
}

describe("a bot killed in the middle of its answers has one complete answer for each user in the end", () => {
  test("when an answer is several messages", { timeout: 180_000 }, async () => {
    const random = createRandom(seed);
    const upTo = (most: number) => 1 + Math.floor(random() * most);
    const { copies } = await killed({
      sentences: () => 190,
      plan: [
        // Telegram has a further message, its answer with the id never leaves.
        { what: "created", text: furtherText, nth: upTo(2), afterMs: 0 },
        // The answer is on its way, or has come, and the id is being stored.
        { what: "created-answered", text: furtherText, nth: upTo(2), afterMs: Math.floor(random() * 5) },
        { what: "final-shown", nth: 1, afterMs: 0 },
        { what: "final-answered", nth: 1, afterMs: Math.floor(random() * 7) },
      ],
    });
    // Or the moments were not those that this test is about.
    expect(copies).toBeGreaterThan(0);
  });

  test("when an answer is drafted", { timeout: 180_000 }, async () => {
    const random = createRandom(seed);
    const { copies, chatIds } = await killed({
      env: { STREAM_MODE: "draft" },
      // Some of them are so long that their first message stands while the rest is drafted.
      sentences: (chatId) => (chatId % 3 === 0 ? 100 : 20),
      plan: [
        { what: "drafted", nth: 1, afterMs: Math.floor(random() * 400) },
        { what: "created", nth: 1, afterMs: 0 },
        { what: "created-answered", nth: 1, afterMs: Math.floor(random() * 5) },
        { what: "final-answered", nth: 1, afterMs: Math.floor(random() * 7) },
      ],
    });
    expect(copies).toBeGreaterThan(0);
    for (const id of chatIds) expect(rig.botApi.chat(id).draftViews.length, `user ${id}`).toBeGreaterThan(0);
  });
});
