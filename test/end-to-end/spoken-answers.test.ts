/** `/voice`: answers that are spoken as well, once, and only where that is wanted. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createRig, type Rig, refusedCalls, until, type Visitor } from "../support/bot-process.ts";
import { onArrival } from "../support/killing.ts";

const env = { SPEAK_MODEL: "test/mouth", SPEAK_VOICE: "ada", TRANSCRIBE_MODEL: "test/ear" };
let rig: Rig;
let visitor: Visitor;

const voicesIn = (chatId: number) =>
  rig.botApi.chat(chatId).messages.flatMap(({ fromBot, message }) => (fromBot && message.voice ? [message] : []));
const spoken = () => rig.model.media.requests.filter(({ kind }) => kind === "speech").map(({ fields }) => fields);
const said = (words: string) => spoken().filter(({ input }) => input === words);

describe("/voice", () => {
  beforeAll(async () => {
    rig = await createRig({ env });
    await rig.start();
  });
  afterAll(async () => await rig?.stop());
  beforeEach(() => {
    visitor = rig.visitor();
  });

  test("on has each answer said below its text, in words alone", async () => {
    visitor.say("/voice on");
    await visitor.sees(/I also speak my answers/);
    const markdown = "The **first** is this:\n\n```js\nconst x = 1;\n```\n\nAnd that is *all*.";
    rig.answers("say it", { text: markdown });
    const answer = await visitor.ask("say it");
    const [voice] = await until(() => (voicesIn(visitor.chatId).length > 0 ? voicesIn(visitor.chatId) : undefined));
    const [call] = spoken().slice(-1);
    expect(call).toMatchObject({ model: "mouth", voice: "ada", response_format: "opus" });
    expect(String(call?.["input"]).split(/\s+/).join(" ")).toBe("The first is this: And that is all.");
    expect(voice?.message_id).toBeGreaterThan(answer.id);
    expect(voice?.voice?.duration).toBeGreaterThan(0);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
    expect(rig.botApi.violations).toEqual([]);
  });

  test("asked says the answers to what was said, and no others; off says none", async () => {
    const { chatId, userId } = visitor;
    visitor.say("/voice asked");
    const menu = await visitor.sees("As I ask");
    rig.answers("in writing", { text: "Written only." });
    await visitor.ask("in writing");
    rig.model.media.next({ text: "out loud" });
    rig.answers("out loud", { text: "Said as well." });
    rig.botApi.user.sendVoice(chatId, userId, { bytes: Buffer.from("OggS loud") });
    await until(() => voicesIn(chatId).length === 1);
    expect([said("Written only.").length, said("Said as well.").length]).toEqual([0, 1]);
    await visitor.press(menu, "Off");
    await visitor.sees(/in writing alone/);
    rig.model.media.next({ text: "out loud again" });
    rig.answers("out loud again", { text: "No more." });
    rig.botApi.user.sendVoice(chatId, userId, { bytes: Buffer.from("OggS again") });
    await visitor.sees(/^No more/);
    await visitor.ask("and now?");
    expect(said("No more.")).toEqual([]);
  });

  test("has an answer that is written anew said anew, in the place of the former", async () => {
    const { chatId } = visitor;
    visitor.say("/voice on");
    rig.answers("twice", { text: "One." }, { text: "Two." });
    await visitor.ask("twice");
    const first = (await until(() => voicesIn(chatId)[0])).message_id;
    await visitor.press(await visitor.sees("Regenerate"), "Regenerate");
    await until(() => voicesIn(chatId).some(({ message_id: id }) => id > first));
    await until(() => voicesIn(chatId).length === 1);
    expect([said("One.").length, said("Two.").length]).toEqual([1, 1]);
  });

  test("is turned off by whoever takes no voice messages, and paid for once", async () => {
    const { chatId } = visitor;
    const description = "Bad Request: VOICE_MESSAGES_FORBIDDEN";
    rig.botApi.faults.fail({ method: "sendVoice", chatId, status: 400, description });
    visitor.say("/voice on");
    rig.answers("forbidden?", { text: "It is." });
    await visitor.ask("forbidden?");
    await visitor.sees(/do not let me send you voice messages/);
    await visitor.ask("forbidden?");
    await visitor.ask("and now?");
    expect(said("It is.")).toHaveLength(1);
  });

  test.each([
    ["fails", { status: 401 }],
    ["sends no Ogg", { body: { audio: "none" } }],
  ])("where its model %s leaves the text, and says nothing of it", async (_, script) => {
    visitor.say("/voice on");
    await visitor.sees(/I also speak/);
    rig.model.media.always(script);
    rig.answers("quiet", { text: "Quiet." });
    await visitor.ask("quiet");
    await until(() => said("Quiet.").length > 0);
    rig.model.media.always(undefined);
    await visitor.ask("go on");
    expect(visitor.written().filter(({ text }) => /⚠|🔇/.test(text))).toEqual([]);
  });

  test("leaves long answers to be read", async () => {
    visitor.say("/voice on");
    rig.answers("long", { text: "word ".repeat(800), tokensPerSecond: Number.POSITIVE_INFINITY });
    await visitor.ask("long");
    await visitor.ask("go on");
    expect(spoken().filter(({ input }) => String(input).length > 3_500)).toEqual([]);
  });
});

describe("a kill", () => {
  afterEach(async () => await rig?.stop());

  test.each([
    ["while an answer is spoken has it spoken once more, and heard once", { hang: true }, undefined],
    [
      "while a voice message is sent leaves one of it",
      {},
      { method: "sendVoice", hangMs: 600_000, cut: "before", times: 1 } as const,
    ],
  ])("%s", async (_, script, fault) => {
    rig = await createRig({ env });
    await rig.start();
    visitor = rig.visitor();
    visitor.say("/voice on");
    await visitor.sees(/I also speak/);
    rig.model.media.next(script);
    // In the middle of its call, or when its words are at the model.
    const moment =
      fault === undefined
        ? until(() => said("Said.").length === 1)
        : onArrival(rig.botApi, ({ method }) => method === fault.method);
    if (fault !== undefined) rig.botApi.faults.fail(fault);
    rig.answers("say it", { text: "Said." });
    visitor.say("say it");
    await moment;
    await rig.end("SIGKILL");
    await rig.start();
    await until(() => voicesIn(visitor.chatId).length === 1);
    await visitor.ask("and now?");
    await until(() => voicesIn(visitor.chatId).length === 2);
    expect(visitor.written().filter(({ text }) => text === "Said.")).toHaveLength(1);
    // What was spoken was kept before it was sent.
    expect(said("Said.")).toHaveLength(fault === undefined ? 2 : 1);
    expect(rig.requests("say it")).toHaveLength(1);
  });
});
