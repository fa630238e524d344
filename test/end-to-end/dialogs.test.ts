/** The real process and the dialog of `/system`, over crashes and repeated deliveries. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { buttonsOf, createRig, dialogueOf, persona, type Rig, until } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const engines: [string, Record<string, string>][] = [["the embedded engine", {}]];
if (redis.missing === undefined) engines.push(["Redis", { REDIS_URL: redis.url, REDIS_PREFIX: prefix }]);

describe.each(engines)("a dialog over %s", { timeout: 180_000 }, (_, env) => {
  let rig: Rig;
  afterEach(async () => {
    expect(rig.botApi.violations).toEqual([]);
    await rig.stop();
    if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
  });
  afterAll(async () => {
    if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
  });

  async function start(): Promise<void> {
    rig = await createRig({ env, botApi: { firstUpdateId: 5_000 } });
    await rig.start();
  }

  test("that a quick command has ended stays so after kill -9, and what comes next is one question", async () => {
    await start();
    const visitor = rig.visitor();
    const { user } = rig.botApi;
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    const preview = await visitor.sees(/would be/, visitor.say("Half a persona."));
    await visitor.sees(/^Model:/, visitor.say("/model"));
    await rig.end("SIGKILL");
    const updateId = 5_003;
    const message = user.sendText(visitor.chatId, visitor.userId, "a question again");
    const again = () => user.raw({ update_id: updateId, message } as never);
    await rig.start();
    await visitor.sees("Regenerate", message.message_id);
    again();
    await rig.end("SIGKILL");
    again();
    await rig.start();
    again();
    await until(() => buttonsOf(visitor.message(preview.id)).length === 0);
    await visitor.ask("afterwards");
    expect(rig.requests("a question again").map(dialogueOf)).toEqual([[persona, "user: a question again"]]);
    expect(visitor.written().filter(({ text }) => text.includes("would be"))).toHaveLength(1);
  });

  test("behind an answer that is being written hears no text from behind a quick command", async () => {
    await start();
    const visitor = rig.visitor();
    rig.answers("in no hurry", { text: "word ".repeat(60), tokensPerSecond: 20 });
    const asked = visitor.say("in no hurry");
    await visitor.sees("Stop", asked);
    visitor.say("/system");
    await visitor.sees(/Commands:/, visitor.say("/help"));
    const question = visitor.say("not a persona");
    await visitor.sees(/Send me the new one/);
    await visitor.sees("Regenerate", question);
    expect(rig.requests("not a persona")).toHaveLength(1);
  });

  test("ends by Default, pressed twice and delivered again after kill -9", async () => {
    await start();
    const visitor = rig.visitor();
    await visitor.sees(/^Saved/, visitor.say("/system Speak like a pirate."));
    const ask = await visitor.sees(/Send me the new one/, visitor.say("/system"));
    await Promise.all([visitor.press(ask, "Default"), visitor.press(ask, "Default")]);
    await visitor.sees(/default persona is back/, ask.id);
    await until(() => buttonsOf(visitor.message(ask.id)).length === 0);
    // Behind both presses in their lane: a kill between what the first one says and its end has it said again.
    await visitor.ask("are you done");
    await rig.end("SIGKILL");
    await rig.start();
    await visitor.ask("in which style now");
    expect(dialogueOf(rig.requests("in which style now")[0])[0]).toBe(persona);
    expect(visitor.written().filter(({ text }) => text.includes("default persona is back"))).toHaveLength(1);
  });
});
