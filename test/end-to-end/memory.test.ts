/** The real process remembers: once, for all conversations, and for nobody else. Over Redis another worker goes on with it. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RecordedRequest, Script } from "../../src/playground/model/script.ts";
import type { ScriptedModel } from "../../src/playground/model/scripted-model.ts";
import { withoutStatus } from "../../src/screen/status-lines.ts";
import { buttonsOf, createRig, type Rig, refusedCalls, seen, until } from "../support/bot-process.ts";
import { createFleet, type Fleet } from "../support/fleet.ts";
import { findRedis } from "../support/redis-server.ts";

const chunk = (delta: object, finish: string | null = null) =>
  `data: ${JSON.stringify({ object: "chat.completion.chunk", model: "one", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const remembers = (fact: string): Script => {
  const call = { name: "remember", arguments: JSON.stringify({ fact }) };
  const calls = [{ index: 0, id: "call_1", type: "function", function: call }];
  return { rawChunks: [chunk({ role: "assistant", tool_calls: calls }), chunk({}, "tool_calls"), "data: [DONE]\n\n"] };
};

/** Set while no model says anything behind a call. */
let isSlow = false;

/** Remembers what it is told to, and answers everything else. */
const model = {
  respond({ messages, model: name }: RecordedRequest["body"]): Script {
    const last = messages.at(-1);
    if (last?.role === "tool") return { text: "Noted.", ...(isSlow ? { delayFirstMs: 60_000 } : {}) };
    const [, fact] = /^remember: (.+)$/m.exec(last?.content ?? "") ?? [];
    if (fact !== undefined) return remembers(fact);
    if (last?.content.includes("on its own") && name === "one") return { status: 401 };
    return { text: `Answer of ${name}.` };
  },
};
const env = {
  TOOLS: "remember,forget",
  MODELS: "test/one",
  FALLBACK_MODELS: "other/two",
  OTHER_API_KEY: "sk-of-another-provider",
  MEMORY_PROVIDERS: "test",
};

/** The last request that ends in this question. */
const asked = ({ requests }: ScriptedModel, question: string) =>
  requests.findLast(({ body }) => body.messages.at(-1)?.content.endsWith(question));
const systemOf = (request: RecordedRequest | undefined) =>
  request?.body.messages.flatMap(({ role, content }) => (role === "system" ? [content] : [])).join("\n") ?? "";
const toolsOf = (request: RecordedRequest | undefined) =>
  ((request?.body["tools"] ?? []) as { function: { name: string } }[]).map((tool) => tool.function.name);

describe("a bot that remembers", { timeout: 180_000 }, () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig({ env: (_port, url) => ({ ...env, OTHER_BASE_URL: url }), model });
    await rig.start();
  }, 120_000);
  afterAll(async () => await rig?.stop());

  const listed = async (visitor: ReturnType<Rig["visitor"]>) =>
    (await visitor.sees(/^📝 (What I remember|I remember)/, visitor.say("/memory"))).text;

  test("knows it in the next conversation, and says below the answer that it does", async () => {
    const visitor = rig.visitor();
    const answer = await visitor.ask("remember: Is vegan.");
    expect(answer.text).toBe("Noted.\n\n📝 Remembered: Is vegan.");
    expect(buttonsOf(answer)).toEqual(["🔄 Regenerate", "↩️ Undo"]);
    await visitor.ask("still the same conversation");
    expect(systemOf(asked(rig.model, "still the same conversation"))).not.toContain("vegan");
    await visitor.sees(/forgotten what we talked about/, visitor.say("/new"));
    await visitor.ask("what shall I eat?");
    expect(systemOf(asked(rig.model, "what shall I eat?"))).toMatch(/by number\.[^\n]*\n1\. Is vegan\.\n/);
    expect(toolsOf(asked(rig.model, "what shall I eat?"))).toEqual(["remember", "forget"]);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("tells no group what it knows of a member, and the group's own to all of them", async () => {
    const visitor = rig.visitor();
    await visitor.ask("remember: Is vegan.");
    const ben = visitor.userId + 500_000;
    const { user } = rig.botApi;
    const chatId = user.createGroup({ title: "A group", memberIds: [visitor.userId, ben] });
    const ask = async (text: string, by: number) =>
      await seen(rig.botApi, chatId, "Regenerate", user.sendText(chatId, by, `@parley_bot ${text}`).message_id);
    await ask("remember: Meets on Mondays.", visitor.userId);
    user.sendText(chatId, ben, "/new@parley_bot");
    await seen(rig.botApi, chatId, /forgotten what we talked about/);
    for (const [by, question] of [
      [visitor.userId, "who are we?"],
      [ben, "who are they?"],
    ] as const) {
      await ask(question, by);
      const system = systemOf(asked(rig.model, question));
      expect(system).toContain("1. Meets on Mondays.");
      expect(system).not.toContain("vegan");
    }
    expect(await listed(visitor)).not.toContain("Mondays");
  });

  test("undoes it after a restart, once, and the line says so", async () => {
    const visitor = rig.visitor();
    const answer = await visitor.ask("remember: Is vegan.");
    // Behind it in its lane: the turn is closed, and its end is not shown once more.
    await visitor.sees(/./, visitor.say("/image"));
    await rig.end("SIGKILL");
    await rig.start();
    expect(await visitor.press(answer, "Undo")).toMatchObject({ text: "Undone." });
    const undone = await until(() => {
      const now = visitor.message(answer.id);
      return now?.text.includes("Not remembered") ? now : undefined;
    });
    expect(undone.text).toBe("Noted.\n\n↩️ Not remembered: Is vegan.");
    expect(buttonsOf(undone)).toEqual(["🔄 Regenerate"]);
    expect(await listed(visitor)).toContain("I remember nothing about you.");
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("remembers once, wherever in the call it is killed", async () => {
    for (const delayMs of [0, 3, 8, 20, 60]) {
      const visitor = rig.visitor();
      isSlow = true;
      const before = rig.model.requests.length;
      visitor.say("remember: Is vegan.");
      await until(() => rig.model.requests.length > before);
      await sleep(delayMs);
      await rig.end("SIGKILL");
      isSlow = false;
      await rig.start();
      const answer = await visitor.sees("Regenerate");
      expect(answer.text, `killed after ${delayMs} ms`).toBe("Noted.\n\n📝 Remembered: Is vegan.");
      expect(buttonsOf(answer)).toEqual(["🔄 Regenerate", "↩️ Undo"]);
      expect(await listed(visitor)).toContain("(1 of 50):\n\n1. Is vegan.\n");
      // Killed between Telegram and the storing of its id, a message with nothing but a status line stays: nobody knows of it.
      expect(visitor.written().filter(({ text }) => withoutStatus(text) !== "")).toHaveLength(2);
    }
  });

  test("tells a fallback of another provider nothing of it, and offers it no tool to remember with", async () => {
    const visitor = rig.visitor();
    await visitor.ask("remember: Is vegan.");
    await visitor.sees(/forgotten what we talked about/, visitor.say("/new"));
    const answer = await visitor.ask("left on its own");
    expect(answer.text).toContain("Answer of two.");
    const requests = rig.model.requests.filter(({ body }) => body.messages.at(-1)?.content === "left on its own");
    const [first, second] = [requests[0], requests.at(-1)];
    expect([first?.body.model, second?.body.model]).toEqual(["one", "two"]);
    expect([systemOf(first).includes("vegan"), systemOf(second).includes("vegan")]).toEqual([true, false]);
    expect([toolsOf(first), toolsOf(second)]).toEqual([["remember", "forget"], []]);
  });

  test("logs nothing of it, nor of a secret that it refuses", async () => {
    const visitor = rig.visitor();
    const secret = "The password is sunshine-of-1987.";
    expect((await visitor.ask(`remember: ${secret}`)).text).toBe("Noted.");
    await visitor.sees(/looks like a password/, visitor.say(`/memory add ${secret}`));
    expect(await listed(visitor)).toContain("I remember nothing about you.");
    expect(rig.output()).not.toMatch(/sunshine|vegan/);
  });
});

const redis = await findRedis();

describe.skipIf(redis.missing !== undefined)(redis.title("workers that remember"), { timeout: 180_000 }, () => {
  let fleet: Fleet;
  beforeAll(async () => {
    fleet = await createFleet({ redisUrl: redis.url, env, model });
  });
  afterAll(async () => await fleet?.stop());

  test("go on for one that was killed behind the call, and remember once", async () => {
    const { botApi } = fleet;
    const more = { env: { OTHER_BASE_URL: fleet.model.url, WEBHOOK_URL: fleet.webhookUrl } };
    const web = await fleet.launch("web", more);
    const first = await fleet.launch("worker", more);
    await Promise.all([web.ready(), first.ready()]);
    const chatId = botApi.user.createPrivateChat({ userId: 77, firstName: "Ada" });
    const say = (text: string) => botApi.user.sendText(chatId, 77, text).message_id;
    isSlow = true;
    say("remember: Is vegan.");
    await until(() => fleet.model.requests.length >= 1);
    await first.end("SIGKILL");
    isSlow = false;
    const second = await fleet.launch("worker", more);
    await second.ready();
    const answer = await seen(botApi, chatId, "Regenerate");
    expect(answer.text).toBe("Noted.\n\n📝 Remembered: Is vegan.");
    expect((await seen(botApi, chatId, /^📝/, say("/memory"))).text).toContain("(1 of 50):\n\n1. Is vegan.\n");
    await seen(botApi, chatId, /forgotten what we talked about/, say("/new"));
    await seen(botApi, chatId, "Regenerate", say("what shall I eat?"));
    expect(systemOf(asked(fleet.model, "what shall I eat?"))).toContain("1. Is vegan.");
    expect(await botApi.user.press(chatId, answer.id, "Undo", 77)).toMatchObject({ text: "Undone." });
    await seen(botApi, chatId, /I remember nothing about you/, say("/memory"));
    await seen(botApi, chatId, "Regenerate", say("and now?"));
    expect(systemOf(asked(fleet.model, "and now?"))).not.toContain("vegan");
  });
});
