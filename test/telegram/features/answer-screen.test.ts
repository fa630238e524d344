/** What becomes of the message that a crash has left half written, when a stop ends it. */
import { describe, expect, it } from "vitest";
import { textParts } from "../../../src/ports/content.ts";
import { withStatus } from "../../../src/screen/status-lines.ts";
import { english as texts } from "../../../src/texts/english.ts";
import { createBotScene } from "../../support/bot-scene.ts";

const scene = createBotScene();
const { arrive, message } = scene;

const refusal = (description: string) => ({ ok: false, error_code: 400, description: `Bad Request: ${description}` });
const retry = { inline_keyboard: [[expect.objectContaining({ callback_data: "again:50" })]] };

/** Delivers a question again that was stopped meanwhile; returns the calls about messages. */
async function stopAfterCrash(standing: object): Promise<(readonly [string, object])[]> {
  const turn = {
    conversation: "7",
    question: 50,
    root: 50,
    run: 3,
    asked: textParts("why?"),
    state: "writing",
  } as const;
  await scene.store.beginTurn({ ...turn, messages: [60] });
  scene.answer = ({ method }) =>
    method === "editMessageReplyMarkup" || ("error_code" in standing && method.startsWith("edit"))
      ? standing
      : undefined;
  const stopped = AbortSignal.abort("stop");
  const calls = await arrive({ update_id: 3, message: message("why?", { message_id: 50 }) }, { signal: stopped });
  expect(await scene.store.readTurn("7", 50)).toMatchObject({ state: "done", outcome: "stopped" });
  expect(scene.requests).toEqual([]);
  return calls.filter(({ method }) => /[mM]essage/.test(method)).map(({ method, payload }) => [method, payload]);
}

const lined = (text: string, ...lines: string[]) => withStatus([{ text, entities: [] }], lines)[0]?.text ?? "";
const shows = (text: string, more: object = {}) => ({ ok: true, result: { message_id: 60, text, ...more } });
const button = ["editMessageReplyMarkup", { chat_id: 7, message_id: 60, reply_markup: retry }];

describe("an answer that a crash has left half written", () => {
  it("keeps text and entities, with the line below", async () => {
    const entities = [{ type: "bold", offset: 0, length: 4 }];
    expect(await stopAfterCrash(shows("half an", { entities }))).toEqual([
      button,
      [
        "editMessageText",
        expect.objectContaining({ message_id: 60, text: `half an\n\n${texts.stopped}`, entities, reply_markup: retry }),
      ],
    ]);
  });

  it("does not go on saying that it waits", async () => {
    const [, edit] = await stopAfterCrash(shows(lined("", texts.waiting("ollama"))));
    expect(edit).toMatchObject(["editMessageText", { text: texts.stopped }]);
  });

  it("does not go on saying below its text what it was at", async () => {
    const entities = [{ type: "bold", offset: 0, length: 4 }];
    const lines = [texts.tryingAgain("rate-limit"), texts.thinking(35)];
    const [, edit] = await stopAfterCrash(shows(lined("half\n\nan", ...lines), { entities }));
    expect(edit).toMatchObject(["editMessageText", { text: `half\n\nan\n\n${texts.stopped}`, entities }]);
  });

  it("loses its status lines also where no other line fits", async () => {
    const [, edit] = await stopAfterCrash(shows(lined("x".repeat(4_090), "")));
    expect(edit).toMatchObject(["editMessageText", { text: "x".repeat(4_090), reply_markup: retry }]);
  });

  it("gets the button alone when no line fits any more", async () => {
    expect(await stopAfterCrash(shows("x".repeat(4_090)))).toEqual([button]);
  });

  it("is given its end once more, for its text to be told, when a delivery before has ended it", async () => {
    const stop = { inline_keyboard: [[expect.objectContaining({ callback_data: expect.stringMatching(/^stop:/) })]] };
    const again = ["editMessageReplyMarkup", { chat_id: 7, message_id: 60, reply_markup: stop }];
    expect(await stopAfterCrash(refusal("message is not modified"))).toEqual([button, again]);
  });

  it("is a new message when the old one was deleted", async () => {
    const calls = await stopAfterCrash(refusal("message to edit not found"));
    expect(calls.map(([method]) => method)).toEqual(["editMessageReplyMarkup", "editMessageText", "sendMessage"]);
    expect(calls.at(-1)?.[1]).toMatchObject({ text: texts.stopped, reply_markup: retry });
  });
});

describe("a Stop button that nothing is written behind any more", () => {
  it.each([
    ["half an answer", "editMessageText"],
    ["", "deleteMessage"],
  ])("takes what the turn was at along, below %j", async (text, method) => {
    scene.answer = (call) =>
      call.method === "editMessageReplyMarkup" ? shows(lined(text, texts.thinking(35))) : undefined;
    const calls = await scene.press("stop:99");
    expect(calls.map((call) => call.method)).toEqual(["answerCallbackQuery", "editMessageReplyMarkup", method]);
    expect(calls.at(-1)?.payload).toMatchObject({ message_id: 5001, ...(text === "" ? {} : { text }) });
  });

  it("goes alone where there is nothing else", async () => {
    scene.answer = (call) => (call.method === "editMessageReplyMarkup" ? shows("half an answer") : undefined);
    const calls = await scene.press("stop:99");
    expect(calls.map((call) => call.method)).toEqual(["answerCallbackQuery", "editMessageReplyMarkup"]);
  });
});

describe("pictures of an answer", () => {
  const picture = { key: "0" };

  /** Delivers an answer again whose picture does not stand in the chat yet; returns the calls that are about it. */
  async function deliver(): Promise<(readonly [string, object])[]> {
    const turn = { conversation: "7", question: 50, root: 50, run: 3, asked: textParts("why?"), messages: [] } as const;
    await scene.store.beginTurn({ ...turn, state: "writing", pictures: [picture] });
    const kept = { base64: Buffer.from("sun").toString("base64"), mime: "image/png", caption: "x".repeat(2_000) };
    await scene.store.writeDialog("7/picture/50/3/0", JSON.stringify(kept));
    await scene.store.finishTurn({ ...turn, state: "writing", answer: "Here.", outcome: "complete" }, undefined, []);
    const calls = await arrive({ update_id: 3, message: message("why?", { message_id: 50 }) });
    return calls.filter(({ method }) => /^send(?!Chat)/.test(method)).map(({ method, payload }) => [method, payload]);
  }

  it("are photos below its text, with what stands below them cut to what Telegram takes", async () => {
    const calls = await deliver();
    expect(calls.map(([method]) => method)).toEqual(["sendMessage", "sendPhoto"]);
    expect(calls[1]?.[1]).toMatchObject({ chat_id: 7, caption: `${"x".repeat(1_023)}…` });
    expect(await scene.store.readTurn("7", 50)).toMatchObject({
      state: "done",
      pictures: [{ key: "0", message: expect.any(Number) }],
    });
  });

  it("are files where Telegram does not take them as photos", async () => {
    scene.answer = ({ method }) => (method === "sendPhoto" ? refusal("PHOTO_INVALID_DIMENSIONS") : undefined);
    expect((await deliver()).map(([method]) => method)).toEqual(["sendMessage", "sendPhoto", "sendDocument"]);
    expect(await scene.store.readTurn("7", 50)).toMatchObject({ state: "done", pictures: [{ key: "0" }] });
  });

  it("are given up where the chat takes neither, and the log says so", async () => {
    scene.answer = ({ method }) =>
      method === "sendPhoto" || method === "sendDocument" ? refusal("not enough rights to send photos") : undefined;
    await deliver();
    expect(await scene.store.readTurn("7", 50)).toMatchObject({ state: "done" });
    expect(await scene.store.readTurn("7", 50)).not.toHaveProperty("pictures");
    expect(scene.logged).toContainEqual(
      expect.objectContaining({ level: "warn", message: "Telegram did not take a picture of an answer" }),
    );
  });
});
