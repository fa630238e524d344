/** What people say into their phones: heard once, shown, answered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answersIn, buttonsOf, createRig, type Rig, refusedCalls, seen, until } from "../support/bot-process.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await createRig({ env: { TRANSCRIBE_MODEL: "test/ear" } });
  await rig.start();
});
afterAll(async () => await rig?.stop());

const recorded = (text: string) => Buffer.from(`OggS ${text}`);
const heardOf = (text: string) => rig.model.media.requests.filter(({ file }) => fileText(file) === `OggS ${text}`);
const fileText = (file: { readonly bytes: Uint8Array } | undefined) => Buffer.from(file?.bytes ?? []).toString();

describe("a voice message", () => {
  test("is heard, shown above its answer as a reply to it, and asked as what was said", async () => {
    const visitor = rig.visitor();
    const { chatId, userId } = visitor;
    rig.model.media.next({ text: " What is the capital of France? " });
    rig.answers("What is the capital of France?", { text: "Paris." });
    const voice = rig.botApi.user.sendVoice(chatId, userId, { bytes: recorded("capital"), seconds: 3 });
    await visitor.sees("Regenerate");
    const [transcript, answer] = visitor.written();
    expect(transcript).toMatchObject({
      text: "What is the capital of France?",
      replyTo: voice.message_id,
      entities: [{ type: "blockquote", offset: 0, length: 30 }],
    });
    expect(buttonsOf(transcript)).toEqual([]);
    expect(transcript?.views[0]).toMatchObject({ text: "🎤 Listening…" });
    expect(answer?.text).toBe("Paris.");
    expect(visitor.written()).toHaveLength(2);
    expect(heardOf("capital")).toMatchObject([{ fields: { model: "ear" }, file: { name: "voice.ogg" } }]);
    expect(refusedCalls(rig.botApi, chatId)).toEqual([]);
  });

  test("is heard once, however often it is answered, and remembered in words", async () => {
    const visitor = rig.visitor();
    const { chatId, userId } = visitor;
    rig.model.media.next({ text: "Tell me about moss." });
    rig.answers("Tell me about moss.", { text: "It is green." }, { text: "It is soft." });
    rig.botApi.user.sendVoice(chatId, userId, { bytes: recorded("moss") });
    const first = await visitor.sees(/^It is green/);
    await visitor.press(await visitor.sees("Regenerate"), "Regenerate");
    expect((await visitor.sees(/^It is soft/)).id).toBe(first.id);
    await visitor.sees("Regenerate");
    expect(heardOf("moss")).toHaveLength(1);
    await visitor.ask("And its colour?");
    const [asked] = rig.requests("And its colour?");
    const words = asked?.body.messages.map(({ content }) => content);
    expect(words?.slice(1)).toEqual(["Tell me about moss.", "It is soft.", "And its colour?"]);
    expect(refusedCalls(rig.botApi, chatId)).toEqual([]);
  });

  test("with a caption asks both, and is not heard again when its caption is edited", async () => {
    const visitor = rig.visitor();
    const { chatId, userId } = visitor;
    rig.model.media.next({ text: "Bonjour." });
    const options = { bytes: recorded("bonjour"), caption: "Translate this." };
    const voice = rig.botApi.user.sendVoice(chatId, userId, options);
    await visitor.sees("Regenerate");
    expect(rig.requests("Bonjour.\nTranslate this.")).toHaveLength(1);
    rig.botApi.user.edit(chatId, voice.message_id, "Spell this.");
    await until(() => rig.requests("Bonjour.\nSpell this.").length === 1);
    await visitor.sees("Regenerate");
    expect(heardOf("bonjour")).toHaveLength(1);
    expect(visitor.written().filter(({ text }) => text === "Bonjour.")).toHaveLength(1);
  });

  test("that is long is shown whole, folded, in as many messages as it needs", async () => {
    const visitor = rig.visitor();
    const { chatId, userId } = visitor;
    const said = Array.from({ length: 900 }, (_, n) => `word${n}`).join(" ");
    rig.model.media.next({ text: said });
    rig.botApi.user.sendVoice(chatId, userId, { bytes: recorded("long"), seconds: 400 });
    await visitor.sees("Regenerate");
    const parts = visitor.written().filter(({ entities }) => entities[0]?.type === "expandable_blockquote");
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ text }) => text).join(" ")).toBe(said);
    expect(rig.requests(said)).toHaveLength(1);
    expect(refusedCalls(rig.botApi, chatId)).toEqual([]);
  });

  test("in which nobody speaks gets one sentence, and no model is asked", async () => {
    const visitor = rig.visitor();
    rig.model.media.next({ text: "" });
    const before = rig.model.requests.length;
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId, { bytes: recorded("silence") });
    const said = await visitor.sees(/could not hear any words/);
    await until(() => visitor.written().length === 1);
    expect(buttonsOf(said)).toEqual([]);
    expect(rig.model.requests).toHaveLength(before);
  });

  test("that is too long is not even fetched", async () => {
    const visitor = rig.visitor();
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId, { bytes: recorded("hours"), seconds: 1_201 });
    await visitor.sees(/20 minutes at most/);
    expect(heardOf("hours")).toEqual([]);
    expect(visitor.written()).toHaveLength(1);
  });

  test("that nobody can hear right now may be tried again", async () => {
    const visitor = rig.visitor();
    // No transcript, and nothing that is worth asking again at once.
    rig.model.media.always({ body: { nothing: true } });
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId, { bytes: recorded("again") });
    const failed = await visitor.sees("Retry");
    expect(failed.text).toMatch(/Whoever listens for me has a problem/);
    rig.model.media.always(undefined);
    rig.model.media.next({ text: "Am I heard?" });
    rig.answers("Am I heard?", { text: "You are." });
    await visitor.press(failed, "Retry");
    await visitor.sees(/^You are/);
    await until(() => visitor.written().some(({ text }) => text === "Am I heard?"));
  });

  test("is left when it is stopped while it is listened to", async () => {
    const visitor = rig.visitor();
    rig.model.media.next({ hang: true });
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId, { bytes: recorded("stop") });
    const listening = await visitor.sees("Stop");
    expect(listening.text).toBe("🎤 Listening…");
    await until(() => heardOf("stop").length === 1);
    await visitor.press(listening, "Stop");
    await visitor.sees(/Stopped/);
    await until(() => visitor.message(listening.id) === undefined);
    expect(heardOf("stop")).toHaveLength(1);
  });
});

describe("other recordings", () => {
  test.each([
    ["an audio file", "sendAudio", "voice.mp3", Buffer.from("ID3 audio")],
    ["a video note", "sendVideoNote", "voice.mp4", Buffer.from("\0\0\0\x20ftypisom")],
  ] as const)("%s is heard", async (_, send, name, bytes) => {
    const visitor = rig.visitor();
    rig.model.media.next({ text: `Heard in ${name}.` });
    rig.botApi.user[send](visitor.chatId, visitor.userId, { bytes, seconds: 2 });
    await visitor.sees("Regenerate");
    expect(rig.requests(`Heard in ${name}.`)).toHaveLength(1);
    expect(rig.model.media.requests.at(-1)?.file?.name).toBe(name);
  });
});

describe("in a group", () => {
  test("a voice counts when it replies to the bot, or when somebody asks about it", async () => {
    const { botApi } = rig;
    const members = [rig.visitor().userId, rig.visitor().userId];
    const group = botApi.user.createGroup({ title: "Family", memberIds: members });
    const [one = 0, two = 0] = members;
    const voice = botApi.user.sendVoice(group, one, { bytes: recorded("aside") });
    botApi.user.sendText(group, two, "@parley_bot are you there?");
    const answer = await seen(botApi, group, "Regenerate");
    expect(heardOf("aside")).toEqual([]);
    rig.model.media.next({ text: "See you at noon." }, { text: "Thank you." });
    botApi.user.sendText(group, two, "@parley_bot when?", { replyTo: voice.message_id });
    const about = "> [voice message: See you at noon.]";
    await until(() => rig.model.requests.some(({ body }) => body.messages.at(-1)?.content.startsWith(about)));
    await seen(botApi, group, "Regenerate", answer.id);
    botApi.user.sendVoice(group, two, { bytes: recorded("reply"), replyTo: answer.id });
    await until(() => rig.model.requests.some(({ body }) => body.messages.at(-1)?.content.endsWith("Thank you.")));
    expect(answersIn(botApi, group).filter(({ text }) => text === "Thank you.")).toHaveLength(1);
  });
});
