/** The real process in a group that becomes a supergroup: a new chat, in which nothing of the former one can be changed. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  answersIn,
  buttonsOf,
  createRig,
  dialogueOf,
  persona,
  type Rig,
  seen,
  until,
  words,
} from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const engines: [string, Record<string, string>][] = [["the embedded engine", {}]];
if (redis.missing === undefined) engines.push(["Redis", { REDIS_URL: redis.url, REDIS_PREFIX: prefix }]);

describe.concurrent.each(engines)("a group that becomes a supergroup, over %s", { timeout: 90_000 }, (_, env) => {
  let rig: Rig;
  let people = 9_000;
  beforeAll(async () => {
    rig = await createRig({ env });
    await rig.start();
  }, 60_000);
  afterEach(() => expect(rig.botApi.violations).toEqual([]));
  afterAll(async () => {
    await rig.stop();
    if ("REDIS_URL" in env) await deleteKeys(redis.url, prefix);
  });

  function group() {
    people += 1;
    const ada = people;
    const chatId = rig.botApi.user.createSmallGroup({ title: "Small", memberIds: [ada] });
    return {
      chatId,
      say: (text: string, chat = chatId) => rig.botApi.user.sendText(chat, ada, text).message_id,
      sees: (what: string | RegExp, after = 0, chat = chatId) => seen(rig.botApi, chat, what, after),
      press: (chat: number, message: number, button: string) => rig.botApi.user.press(chat, message, button, ada),
      upgrade: (tells?: ("to" | "from")[]) => rig.botApi.user.upgradeGroup(chatId, tells),
    };
  }

  test.for<("to" | "from")[]>([["to", "from"], ["from", "to"], ["to", "to"], ["from"]])(
    "keeps what was said and chosen, told of by %s",
    async (tells) => {
      const name = tells.join(" ");
      const { say, sees, upgrade } = group();
      rig.answers(`before ${name}`, { text: "the answer before" });
      await sees("Regenerate", say(`@parley_bot before ${name}`));
      await sees(/^Saved/, say("/system@parley_bot You are a group persona."));
      const to = upgrade(tells);
      await sees("Regenerate", say(`@parley_bot behind ${name}`, to), to);
      expect(dialogueOf(rig.requests(`behind ${name}`)[0])).toEqual([
        "system: You are a group persona.",
        `user: before ${name}`,
        "assistant: the answer before",
        `user: behind ${name}`,
      ]);
    },
  );

  test.for<[string, ("to" | "from")[], ("to" | "from")[]]>([
    ["before", ["from", "to"], []],
    ["behind", [], ["to", "from"]],
    ["by its refusals alone", [], []],
  ])("has an answer that is being written go on in the new chat, told of %s", async ([when, first, later]) => {
    const { chatId, say, sees, upgrade } = group();
    const question = `a long one told ${when}`;
    rig.answers(question, { text: words(300), tokensPerSecond: 60 });
    await sees("Stop", say(`@parley_bot ${question}`));
    const to = upgrade(first);
    await until(() => answersIn(rig.botApi, to).length === 1);
    rig.botApi.user.tellUpgrade(chatId, later);
    const answer = await sees("Regenerate", 0, to);
    expect(answer.text).toBe(words(300));
    expect(answersIn(rig.botApi, to)).toHaveLength(1);
    await sees("Regenerate", say(`@parley_bot and so told ${when}`, to), to);
    expect(dialogueOf(rig.requests(`and so told ${when}`)[0])).toEqual([
      persona,
      `user: ${question}`,
      `assistant: ${words(300)}`,
      `user: and so told ${when}`,
    ]);
    // Only the newest answer has its button, also where the one before has come along.
    const former = () => rig.botApi.chat(to).messages.find(({ id }) => id === answer.id);
    await until(() => buttonsOf(former()).length === 0);
  });

  test("has its Stop button and /stop work there, and its answer can be written again", async () => {
    const { say, sees, press, upgrade } = group();
    for (const how of ["button", "command"]) {
      const question = `to be stopped by ${how}`;
      rig.answers(question, { text: words(900), tokensPerSecond: 60 }, { text: "written again" });
    }
    await sees("Stop", say("@parley_bot to be stopped by button"));
    const to = upgrade();
    const writing = await sees("Stop", 0, to);
    expect((await press(to, writing.id, "Stop"))?.text).toContain("Stopped");
    const stopped = await sees("Retry", 0, to);
    expect(stopped.text).toMatch(/⏹ Stopped\.$/);
    await press(to, stopped.id, "Retry");
    await until(() => answersIn(rig.botApi, to).some(({ text }) => text === "written again"));

    const other = group();
    await other.sees("Stop", other.say("@parley_bot to be stopped by command"));
    const there = other.upgrade();
    await other.sees("Stop", 0, there);
    other.say("/stop", there);
    await other.sees("Retry", 0, there);
  });

  test("is asked there while its former answer is still being written", async () => {
    const { say, sees, upgrade } = group();
    rig.answers("slow in the former chat", { text: words(400), tokensPerSecond: 60 });
    await sees("Stop", say("@parley_bot slow in the former chat"));
    const to = upgrade(["from"]);
    rig.answers("quick in the new chat", { text: "a quick answer" });
    await sees(/a quick answer/, say("@parley_bot quick in the new chat", to), to);
    await until(() => answersIn(rig.botApi, to).some(({ text }) => text === words(400)));
    await sees("Regenerate", say("@parley_bot behind them both", to), to);
    const history = dialogueOf(rig.requests("behind them both")[0]).slice(1, -1);
    expect(history.filter((line) => line.startsWith("user:")).sort()).toEqual([
      "user: quick in the new chat",
      "user: slow in the former chat",
    ]);
  });

  test("has buttons below its newest answer alone, also when both were asked before", async () => {
    const { say, sees, upgrade } = group();
    for (const name of ["first", "second"]) {
      // Between the end of the first and the text of the second there is time to see the first with its buttons.
      const delayFirstMs = name === "second" ? 3_000 : 0;
      rig.answers(`${name} of those who wait`, { text: words(300), tokensPerSecond: 60, delayFirstMs });
    }
    await sees("Stop", say("@parley_bot first of those who wait"));
    say("@parley_bot second of those who wait");
    const to = upgrade();
    const first = await sees("Regenerate", 0, to);
    const second = await sees("Stop", first.id, to);
    const buttons = (id: number) => buttonsOf(rig.botApi.chat(to).messages.find((message) => message.id === id));
    await until(() => buttons(first.id).length === 0);
    await sees("Regenerate", second.id - 1, to);
  });

  // Alone: it kills what the others talk with.
  test("has the answer of a process that dies go on in the message that stands there", {
    concurrent: false,
  }, async () => {
    const { say, sees, upgrade } = group();
    rig.answers("survive the kill", { text: words(300), tokensPerSecond: 40 });
    await sees("Stop", say("@parley_bot survive the kill"));
    const to = upgrade();
    const writing = await sees("Stop", 0, to);
    // It is edited once its id is stored; a kill before that leaves a message that nobody knows.
    await until(() => rig.botApi.chat(to).messages.some(({ id, text }) => id === writing.id && text !== writing.text));
    await rig.end("SIGKILL");
    await rig.start();
    const answer = await seen(rig.botApi, to, "Regenerate", 0, 60_000);
    expect(answer.id).toBe(writing.id);
    expect(answer.text).toBe(words(300));
    expect(answersIn(rig.botApi, to)).toHaveLength(1);
  });
});
