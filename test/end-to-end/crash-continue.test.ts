/** Kills in the middle of answers that go on where others were cut at the length limit. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, type TestContext, test } from "vitest";
import { goOn } from "../../src/chat/continuation.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { withoutStatus } from "../../src/screen/status-lines.ts";
import { answersIn, buttonsOf, createRig, dialogueOf, plain, seen, until } from "../support/bot-process.ts";
import { createRandom, type Moment, startAndKill, watchCreations } from "../support/killing.ts";
import { noteWords } from "../support/note-words.ts";

/** Slow machines are slow; nothing here depends on how long it takes. */
const patienceMs = 60_000;
const seed = Number(process.env["CRASH_SEED"] ?? 20_260);

const questionOf = (id: number) => `Tell user ${id} about themselves.`;
const firstOf = (id: number) => `The first part for user ${id}, `;
const secondOf = (id: number, sentences: number) =>
  Array.from({ length: sentences }, (_, at) => `the second part for user ${id} in words ${at + 1}`).join(", ");

/** Presses Continue below as many answers, kills at each moment of the plan, and looks at what each user has then. */
async function killed(
  { onTestFinished }: Pick<TestContext, "onTestFinished">,
  users: number,
  sentences: number,
  plan: readonly Moment[],
  env: Record<string, string> = {},
) {
  const ids = Array.from({ length: users }, (_, at) => 1001 + at);
  function respond({ messages }: ScriptedRequest): Script {
    const asked = messages.at(-1)?.content ?? "";
    const id = Number(/user (\d+)/.exec(messages.at(asked === goOn ? -3 : -1)?.content ?? "")?.[1]);
    if (asked === goOn) {
      return { text: secondOf(id, sentences), delayFirstMs: (id % 4) * 150, tokensPerSecond: 1_500 };
    }
    const fast = { tokensPerSecond: Infinity };
    return asked === questionOf(id)
      ? { text: firstOf(id), finishReason: "length", ...fast }
      : { text: "Yes.", ...fast };
  }
  const rig = await createRig({ env, model: { respond } });
  onTestFinished(rig.stop);
  const { botApi, model } = rig;
  await rig.start();
  for (const id of ids) {
    botApi.user.createPrivateChat({ userId: id, firstName: `User ${id}` });
    botApi.user.sendText(id, id, questionOf(id));
  }
  const firsts = new Map<number, number>();
  for (const id of ids) firsts.set(id, (await seen(botApi, id, "Continue", 0, patienceMs)).id);
  expect(await rig.end("SIGTERM")).toBe(0);
  const creations = watchCreations(rig);
  const press = (id: number) => void botApi.user.press(id, firsts.get(id) ?? 0, "Continue", id);
  for (const id of ids) press(id);

  let inFlight = 0;
  for (const moment of plan) {
    await startAndKill(rig, moment);
    // What was on its way when the bot died still happens.
    await sleep(100);
    inFlight += creations.settle();
  }
  await rig.start();
  const partsOf = (id: number) => answersIn(botApi, id).filter((message) => message.id > (firsts.get(id) ?? 0));
  const known = (id: number) => partsOf(id).filter((message) => !creations.excuses(id, message.id));
  const whole = (id: number) =>
    plain(
      known(id)
        .map(({ text }) => text)
        .join(""),
    ) === plain(secondOf(id, sentences));
  const over = (id: number) => whole(id) && known(id).flatMap(buttonsOf).join().includes("Regenerate");
  await until(() => ids.every(over), patienceMs);
  await until(
    () => ids.every((id) => buttonsOf(botApi.chat(id).messages.find((one) => one.id === firsts.get(id))).length === 0),
    patienceMs,
  );
  for (const id of ids) botApi.user.sendText(id, id, `Is user ${id} told?`);
  for (const id of ids) await seen(botApi, id, /^Yes\.$/, 0, patienceMs);
  expect(await rig.end("SIGTERM")).toBe(0);
  creations.end();

  let copies = 0;
  const wrong: string[] = [];
  for (const id of ids) {
    const shown = partsOf(id).filter(({ text }) => text !== "Yes.");
    copies += shown.filter((message) => creations.excuses(id, message.id)).length;
    const second = plain(secondOf(id, sentences));
    if (!shown.every(({ text }) => second.includes(plain(withoutStatus(text)))))
      wrong.push(`${id} sees what is no part of the answer`);
    const first = botApi.chat(id).messages.find((one) => one.id === firsts.get(id));
    if (first?.text !== `${firstOf(id).trim()}\n\n${noteWords.cutAtLength}`)
      wrong.push(`${id}: the first part is ${first?.text}`);
    const next = model.requests.filter(({ body }) => body.messages.at(-1)?.content === `Is user ${id} told?`);
    const history = next.map((request) => dialogueOf(request).slice(1, -1));
    const expected = [[`user: ${questionOf(id)}`, `assistant: ${firstOf(id)}${secondOf(id, sentences)}`]];
    if (JSON.stringify(history) !== JSON.stringify(expected))
      wrong.push(`${id}: the history is ${JSON.stringify(history)}`);
  }
  console.log(`seed ${seed}: ${users} continuations, ${plan.length} kills, ${copies} copies of ${inFlight} in flight`);
  expect(wrong).toEqual([]);
  expect(copies).toBeLessThanOrEqual(inFlight);
  expect(botApi.violations).toEqual([]);
}

describe.concurrent("a bot killed in the middle of continuations has each once in the end, on the screen and in the history", () => {
  const random = createRandom(seed);
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const goesOn = /^the second part/;

  test("when they are edited messages", { timeout: 180_000 }, async (context) => {
    await killed(context, 10, 12, [
      { what: "updates-delivered", nth: 1, afterMs: upTo(10) },
      { what: "created", text: goesOn, nth: upTo(2), afterMs: 0 },
      { what: "created-answered", text: goesOn, nth: upTo(2), afterMs: Math.floor(random() * 5) },
      { what: "final-shown", nth: 1, afterMs: 0 },
      { what: "final-answered", nth: 1, afterMs: Math.floor(random() * 7) },
    ]);
  });

  test("when each is several messages", { timeout: 180_000 }, async (context) => {
    await killed(context, 6, 200, [
      { what: "created", text: goesOn, nth: 1, afterMs: 0 },
      { what: "created", text: /^(?!The first|the second part for user \d+ in words 1,)/, nth: 1, afterMs: 0 },
      { what: "final-answered", nth: 1, afterMs: Math.floor(random() * 7) },
    ]);
  });

  test("when they are drafted", { timeout: 180_000 }, async (context) => {
    await killed(
      context,
      6,
      12,
      [
        { what: "drafted", nth: 1, afterMs: Math.floor(random() * 300) },
        { what: "created", text: goesOn, nth: 1, afterMs: 0 },
        { what: "final-answered", nth: 1, afterMs: Math.floor(random() * 7) },
      ],
      { STREAM_MODE: "draft" },
    );
  });
});
