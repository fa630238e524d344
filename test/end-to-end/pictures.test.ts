/** The real process and photos: what the model is sent of them, who looks at them, and what becomes of a download that fails. */
import { afterEach, describe, expect, test } from "vitest";
import type { FaultRule } from "../../src/playground/bot-api/faults.ts";
import type { Script, ScriptedRequest } from "../../src/playground/model/script.ts";
import { createRig, type Rig, type RigOptions, token, until, type Visitor } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
let rig: Rig;
let prefix: string | undefined;
afterEach(async () => {
  await rig?.stop();
  if (prefix !== undefined) await deleteKeys(redis.url, prefix);
  prefix = undefined;
});

const asksBlind: Script = {
  status: 400,
  body: { error: { message: "This model does not support image input", type: "invalid_request_error" } },
};

async function start(options: RigOptions = {}): Promise<Visitor> {
  rig = await createRig(options);
  await rig.start();
  return rig.visitor();
}

function photo({ chatId, userId }: Visitor, options: Parameters<Rig["botApi"]["user"]["sendPhoto"]>[2] = {}): number {
  return rig.botApi.user.sendPhoto(chatId, userId, options).message_id;
}

const newest = () => rig.model.requests.at(-1)?.body.messages ?? [];
const downloads = () => rig.botApi.calls.filter(({ method }) => method === "getFile").length;
const failing = (rule: Omit<FaultRule, "method">) => rig.botApi.faults.fail({ method: "file", ...rule });

describe("a photo", { timeout: 60_000 }, () => {
  test("is looked at in the size that models see, with words beside it or without", async () => {
    const visitor = await start();
    photo(visitor, { size: { width: 4000, height: 3000 } });
    await visitor.sees("Regenerate");
    expect(newest().at(-1)?.content).toMatch(
      /^\[picture: JPEG, 1280 × 960, \d+ bytes, image\/jpeg\]\n\[These pictures came without a word\./,
    );
    const asked = photo(visitor, { size: { width: 600, height: 800 }, caption: "who is this" });
    await visitor.sees(/600 × 800 pixels.*sent as image\/jpeg/, asked);
    expect(newest().map(({ content }) => content.split(",")[1]?.trim())).toContain("1280 × 960");
    expect(downloads()).toBe(2);
    expect(rig.output()).not.toContain(token);
  });

  test("is fetched again after a restart, and another one after it was replaced", async () => {
    const visitor = await start();
    const { chatId } = visitor;
    const asked = photo(visitor, { caption: "what is it" });
    await visitor.sees("Regenerate");
    await rig.end("SIGTERM");
    await rig.start();
    const follow = await visitor.ask("and what colour is it");
    expect(newest().at(-3)?.content).toMatch(/^\[picture: JPEG, 1280 × 960/);
    rig.botApi.user.remove(chatId, follow.id - 1);
    const again = photo(visitor, { caption: "and this", name: "other" });
    await visitor.sees("Regenerate", again);
    rig.botApi.user.replacePhoto(chatId, again, { size: { width: 300, height: 200 } });
    await visitor.sees(/300 × 200 pixels.*/, asked);
    rig.botApi.user.edit(chatId, again, "and that");
    await until(() => newest().at(-1)?.content.endsWith("and that"));
    expect(newest().at(-1)?.content).toMatch(/^\[picture: JPEG, 300 × 200/);
  });

  test("is brought along by who replies to it; in a group nothing is fetched before", async () => {
    await start();
    const group = rig.botApi.user.createGroup({ title: "Family", memberIds: [11, 12] });
    const sent = rig.botApi.user.sendPhoto(group, 11, { caption: "my cat" }).message_id;
    rig.botApi.user.sendText(group, 12, "how nice", { replyTo: sent });
    rig.botApi.user.sendText(group, 12, "@parley_bot how old is it", { replyTo: sent });
    await until(() => newest().at(-1)?.content.includes("how old"));
    expect(newest().at(-1)?.content).toMatch(
      /^\[picture: JPEG, 1280 × 960[^\n]*\n> \[photo\]\n> my cat\n\nhow old is it$/,
    );
    expect([rig.model.requests.length, downloads()]).toEqual([1, 1]);
  });
});

describe("a model that cannot see", { timeout: 60_000 }, () => {
  const env = { MODELS: "test/blind,test/other", MODEL_CAPABILITIES: "test/blind: sees=no" };

  test("has its place taken for this question, and a line says so", async () => {
    const visitor = await start({ env });
    photo(visitor, { caption: "what is it" });
    const answer = await visitor.sees("Regenerate");
    expect(answer.text).toMatch(/test\/blind cannot see pictures: answered by test\/other$/);
    const follow = await visitor.ask("and now");
    expect(follow.text).not.toContain("cannot see");
    expect(rig.model.requests.map(({ body }) => body.model)).toEqual(["other", "blind"]);
    expect(newest().at(-3)?.content).toBe("[a picture that this model cannot see]\nwhat is it");
  });

  test("is found out by asking it, once", async () => {
    const respond = ({ model, messages }: ScriptedRequest) =>
      model === "one" && JSON.stringify(messages).includes("[picture:") ? asksBlind : undefined;
    const visitor = await start({ model: { respond } });
    for (const caption of ["first", "second"]) {
      const asked = photo(visitor, { caption });
      expect((await visitor.sees("Regenerate", asked)).text).toMatch(/cannot see pictures: answered by test\/two$/);
    }
    expect(rig.model.requests.map(({ body }) => body.model)).toEqual(["one", "two", "two"]);
  });

  test("is said so in one sentence when there is no other, and nothing is fetched", async () => {
    const visitor = await start({ env: { MODELS: "test/blind", MODEL_CAPABILITIES: env.MODEL_CAPABILITIES } });
    photo(visitor);
    await visitor.sees(/None of the models that could answer sees pictures/);
    expect([rig.model.requests.length, downloads()]).toEqual([0, 0]);
    await visitor.ask("and in words");
  });
});

describe("a download", { timeout: 120_000 }, () => {
  test("that hangs does not hold up the end of the process; its question waits for the next one", async () => {
    const visitor = await start();
    const mend = failing({ hangMs: 300_000 });
    photo(visitor, { caption: "what is it" });
    await until(() => downloads() === 1);
    const startedAt = performance.now();
    expect(await rig.end("SIGTERM")).toBe(0);
    // What runs has 20 s to end, and a download 30.
    expect(performance.now() - startedAt).toBeLessThan(15_000);
    expect(visitor.written()).toEqual([]);
    mend();
    await rig.start();
    await visitor.sees(/1280 × 960 pixels/);
    expect(visitor.written()).toHaveLength(1);
  });

  test("that breaks off or is refused is begun again", async () => {
    const visitor = await start();
    failing({ times: 1, cut: "after" });
    failing({ times: 1, status: 500 });
    photo(visitor, { caption: "what is it" });
    await visitor.sees(/1280 × 960 pixels/);
    expect(downloads()).toBe(3);
  });

  test("that fails for good is told of below an answer to the words, or may be tried again", async () => {
    const visitor = await start();
    const mend = failing({ status: 404 });
    const worded = photo(visitor, { caption: "what is it" });
    const answer = await visitor.sees("Regenerate", worded);
    expect(answer.text).toMatch(/could not fetch a picture from Telegram[^\n]*$/);
    expect(newest().at(-1)?.content).toBe("[a picture that could not be fetched]\nwhat is it");
    const alone = photo(visitor, { name: "alone" });
    const failed = await visitor.sees("Retry", alone);
    expect(failed.text).toMatch(/^🖼 I could not fetch 2 pictures from Telegram/);
    expect(rig.model.requests).toHaveLength(1);
    mend();
    void visitor.press(failed, "Retry");
    await visitor.sees(/1280 × 960 pixels/);
    expect(rig.output()).toContain("a picture could not be fetched");
    expect(rig.output()).not.toContain(token);
  });

  test("of what is no picture is told of in the same way", async () => {
    const visitor = await start();
    photo(visitor, { bytes: Buffer.from("<html>no picture</html>"), caption: "what is it" });
    expect((await visitor.sees("Regenerate")).text).toMatch(/could not fetch a picture/);
  });

  const engines: [string, () => Record<string, string>][] = [["the embedded engine", () => ({})]];
  if (redis.missing === undefined) {
    engines.push([
      "Redis",
      () => {
        prefix = newPrefix();
        return { REDIS_URL: redis.url, REDIS_PREFIX: prefix };
      },
    ]);
  }
  test.each(engines)("in whose middle the process is killed ends in one answer, over %s", async (_, env) => {
    const visitor = await start({ env: env() });
    const mend = failing({ hangMs: 3_600_000 });
    photo(visitor, { caption: "what is it" });
    await until(() => downloads() === 1);
    await rig.end("SIGKILL");
    mend();
    await rig.start();
    await visitor.sees("Regenerate");
    await visitor.ask("behind it");
    expect(visitor.written().filter(({ text }) => text.includes("1280 × 960"))).toHaveLength(1);
    expect(rig.model.requests).toHaveLength(2);
    expect(visitor.written()).toHaveLength(2);
  });

  test("is not waited for by who presses Stop, nor by a shutdown", async () => {
    const visitor = await start();
    failing({ hangMs: 3_600_000 });
    photo(visitor, { caption: "what is it" });
    await until(() => downloads() === 1);
    visitor.say("/stop");
    await visitor.ask("behind it");
    const asked = photo(visitor, { caption: "and this", name: "other" });
    await until(() => downloads() === 2);
    expect(asked).toBeGreaterThan(0);
    expect(await rig.end("SIGTERM")).toBe(0);
  });
});
