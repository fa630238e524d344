/** Pictures from models: `/image`, and those that come with an answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { MessageView } from "../../src/playground/bot-api/bot-api.ts";
import { greyJpeg } from "../../src/playground/pictures.ts";
import { createRig, type Rig, refusedCalls, until, type Visitor } from "../support/bot-process.ts";
import { onArrival } from "../support/killing.ts";

const env = { IMAGE_MODEL: "test/brush" };
let rig: Rig;
let visitor: Visitor;

const photosIn = (chatId: number) =>
  rig.botApi.chat(chatId).messages.filter(({ fromBot, message }) => fromBot && message.photo !== undefined);
const drawn = (prompt: string) => rig.model.media.requests.filter(({ fields }) => fields["prompt"] === prompt);
const photo = async (count = 1) => await until(() => photosIn(visitor.chatId)[count - 1]);

/** The next picture never comes through; resolves when it was begun. A call is listed when it has ended: then it is sent again. */
function sendingHangs(): Promise<void> {
  const begun = onArrival(rig.botApi, ({ method }) => method === "sendPhoto");
  rig.botApi.faults.fail({ method: "sendPhoto", hangMs: 600_000, cut: "before", times: 1 });
  return begun;
}

const labels = (message: MessageView) => message.replyMarkup?.inline_keyboard.flat().map(({ text }) => text);

describe("/image", () => {
  beforeAll(async () => {
    rig = await createRig({ env });
    await rig.start();
  });
  afterAll(async () => await rig?.stop());
  beforeEach(() => {
    visitor = rig.visitor();
  });

  test("brings a picture as an answer, with what was asked for below it, and two buttons", async () => {
    const command = visitor.say("/image a fox in the snow");
    const picture = await photo();
    expect(picture).toMatchObject({ text: "a fox in the snow", replyTo: command });
    expect(labels(picture)).toEqual(["🔄 Regenerate", "📄 As a file"]);
    expect(drawn("a fox in the snow")).toMatchObject([{ kind: "generations", fields: { model: "brush", n: 1 } }]);
    // What said that it was drawn is gone.
    expect(rig.botApi.chat(visitor.chatId).deleted.map(({ text }) => text)).toEqual(["🎨 Drawing…"]);
    expect(visitor.written()).toHaveLength(1);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("draws once more with Regenerate, and gives the picture as a file", async () => {
    const command = visitor.say("/image a boat");
    await visitor.press(await photo(), "Regenerate");
    const second = await photo(2);
    expect(second).toMatchObject({ text: "a boat", replyTo: command });
    expect(drawn("a boat")).toHaveLength(2);
    await visitor.press(second, "As a file");
    const file = await until(() => visitor.written().find(({ message }) => message.document !== undefined));
    expect(file.replyTo).toBe(second.id);
    expect(file.document?.bytes.length).toBeGreaterThan(50);
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("changes the picture that it replies to, also the one that it has drawn", async () => {
    const { botApi } = rig;
    const bytes = Buffer.from("\xff\xd8\xff a holiday", "latin1");
    const sent = botApi.user.sendPhoto(visitor.chatId, visitor.userId, { bytes, caption: "/start" });
    visitor.say("/image at night", { replyTo: sent.message_id });
    const night = await photo();
    expect(drawn("at night")).toMatchObject([{ kind: "edits", file: { name: "picture.jpeg" } }]);
    expect(Buffer.from(drawn("at night")[0]?.file?.bytes ?? [])).toEqual(bytes);
    visitor.say("/image with stars", { replyTo: night.id });
    await photo(2);
    expect(drawn("with stars")).toMatchObject([{ kind: "edits" }]);
    await visitor.press(await photo(1), "Regenerate");
    await photo(3);
    expect(drawn("at night").map(({ kind }) => kind)).toEqual(["edits", "edits"]);
  });

  test("changes a picture that was sent as a file, and says when it is none", async () => {
    const { botApi } = rig;
    const send = (bytes: Buffer) =>
      botApi.user.sendDocument(visitor.chatId, visitor.userId, { bytes, mimeType: "image/png" }).message_id;
    const png = Buffer.from("\x89PNG\r\n\x1a\n and so on", "latin1");
    visitor.say("/image in blue", { replyTo: send(png) });
    await photo();
    expect(drawn("in blue")).toMatchObject([{ kind: "edits", file: { name: "picture.png" } }]);
    visitor.say("/image in red", { replyTo: send(Buffer.from("<svg/>")) });
    await visitor.sees(/could not fetch the picture/);
    expect(drawn("in red")).toEqual([]);
  });

  test("without words says how it is used", async () => {
    visitor.say("/image");
    await visitor.sees(/like \/image a fox in the snow/);
    expect(photosIn(visitor.chatId)).toEqual([]);
  });

  test("that the model declines, or cannot draw, gets one sentence", async () => {
    const error = { message: "rejected by the safety system", code: "moderation_blocked" };
    rig.model.media.next({ status: 400, body: { error } }, { body: { data: [] } }, { status: 401 });
    visitor.say("/image something bad");
    await visitor.sees(/declined to draw/);
    visitor.say("/image something odd");
    await visitor.sees(/has a problem right now/);
    visitor.say("/image something else");
    await visitor.sees(/does not work/);
    expect(visitor.written()).toHaveLength(3);
  });

  test("ends with Stop, and leaves nothing but that", async () => {
    rig.model.media.next({ hang: true });
    visitor.say("/image a long one");
    const waiting = await visitor.sees("Stop");
    await until(() => drawn("a long one").length === 1);
    await visitor.press(waiting, "Stop");
    await visitor.sees(/Stopped/);
    await until(() => visitor.message(waiting.id) === undefined);
    expect(visitor.written()).toHaveLength(1);
  });

  test("whose picture Telegram does not take as one brings it as a file", async () => {
    rig.botApi.faults.fail({
      method: "sendPhoto",
      chatId: visitor.chatId,
      status: 400,
      description: "Bad Request: PHOTO_INVALID_DIMENSIONS",
      times: 1,
    });
    visitor.say("/image a very wide one");
    const file = await until(() => visitor.written().find(({ message }) => message.document !== undefined));
    expect(file.text).toBe("a very wide one");
  });
});

describe.each([
  ["without budgets", {}],
  ["with a budget", { BUDGET_USER_DAY: "200000t" }],
])("a kill %s", (_, more) => {
  afterEach(async () => await rig?.stop());

  async function killedAt(moment: Promise<unknown>): Promise<void> {
    await moment;
    await rig.end("SIGKILL");
    // What was on its way when the bot died still happens.
    await sleep(100);
    await rig.start();
  }

  test("while it is drawn has it drawn once more, and shown once", async () => {
    rig = await createRig({ env: { ...env, ...more } });
    await rig.start();
    visitor = rig.visitor();
    rig.model.media.next({ hang: true });
    visitor.say("/image a fox");
    // The id of what says that it is drawn is stored before any of its buttons can be pressed, or seconds are told.
    await visitor.sees("Stop");
    await sleep(500);
    await killedAt(until(() => drawn("a fox").length === 1));
    await photo();
    await visitor.ask("And now?");
    expect([drawn("a fox").length, photosIn(visitor.chatId).length]).toEqual([2, 1]);
    expect(visitor.written().filter(({ text }) => text === "🎨 Drawing…")).toEqual([]);
  });

  test("while it is sent draws nothing anew", async () => {
    rig = await createRig({ env: { ...env, ...more } });
    await rig.start();
    visitor = rig.visitor();
    const sending = sendingHangs();
    visitor.say("/image a fox");
    await killedAt(sending);
    await photo();
    await visitor.ask("And now?");
    expect([drawn("a fox").length, photosIn(visitor.chatId).length]).toEqual([1, 1]);
  });
});

describe("an answer with a picture", () => {
  afterEach(async () => await rig?.stop());
  const fox = greyJpeg({ width: 640, height: 480 }, "a fox");

  async function start(): Promise<void> {
    rig = await createRig();
    rig.answers("A fox?", { text: "Here is a fox.", pictures: [fox] }, { text: "No fox.", tokensPerSecond: 8 });
    await rig.start();
    visitor = rig.visitor();
  }

  test("shows it below its text, and another answer takes it away", async () => {
    await start();
    visitor.say("A fox?");
    const picture = await photo();
    const text = await visitor.sees("Regenerate");
    expect(text.text).toBe("Here is a fox.");
    expect(picture.id).toBeGreaterThan(text.id);
    await visitor.press(text, "Regenerate");
    await until(() => photosIn(visitor.chatId).length === 0);
    await until(() => visitor.message(text.id)?.text === "No fox.");
    expect(refusedCalls(rig.botApi, visitor.chatId)).toEqual([]);
  });

  test("that is killed while the picture is sent shows it once, and asks no model", async () => {
    await start();
    const sending = sendingHangs();
    visitor.say("A fox?");
    await sending;
    await rig.end("SIGKILL");
    await rig.start();
    await photo();
    await visitor.ask("And now?");
    expect([rig.requests("A fox?").length, photosIn(visitor.chatId).length]).toEqual([1, 1]);
    expect(visitor.written().filter(({ text }) => text === "Here is a fox.")).toHaveLength(1);
  });
});
