import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import type { MessageView } from "../../src/playground/bot-api/bot-api.ts";
import type { PendingCall } from "../../src/playground/bot-api/faults.ts";
import type { Script } from "../../src/playground/model/script.ts";
import { answersIn, answerWith, buttonsOf, createRig, type Rig, until } from "../support/bot-process.ts";
import { onArrival } from "../support/killing.ts";

/** Slow machines are slow; nothing here depends on how long it takes. */
const patienceMs = 60_000;
const firstUpdateId = 5_000;

let rig: Rig;
afterEach(async () => await rig?.stop());

const words = Array.from({ length: 150 }, (_, at) => `word${at + 1}`).join(" ");
const chat = 11;

/** One answer that takes its time, all others at once. */
async function startWith(tokensPerSecond: number): Promise<void> {
  rig = await createRig({
    botApi: { firstUpdateId },
    model: {
      respond: ({ messages }) => {
        const asked = messages.at(-1)?.content ?? "";
        return asked === "Count" ? { text: words, tokensPerSecond } : { text: `Heard: ${asked}` };
      },
    },
  });
  rig.botApi.user.createPrivateChat({ userId: chat, firstName: "Ada" });
  await rig.start();
}

const ask = (text: string) => rig.botApi.user.sendText(chat, chat, text);
const texts = () => answersIn(rig.botApi, chat).map(({ text }) => text);

/** A question asked and answered after everything before it in the conversation. */
async function settle(question: string): Promise<void> {
  ask(question);
  await until(() => {
    const last = answersIn(rig.botApi, chat).at(-1);
    return last?.text === `Heard: ${question}` && buttonsOf(last).join().includes("Regenerate");
  }, patienceMs);
}

describe("an update that is delivered again", { timeout: 180_000 }, () => {
  test("has one answer: while it is written, when it is done, after kill -9 and after a restart", async () => {
    await startWith(60);
    const { user } = rig.botApi;
    const message = ask("Count");
    const again = () => user.raw({ update_id: firstUpdateId, message } as never);
    await answerWith(rig.botApi, chat, "Stop", patienceMs);
    again();
    again();
    await answerWith(rig.botApi, chat, "Regenerate", patienceMs);
    expect(texts()).toEqual([words]);
    again();
    await settle("one");
    expect(rig.requests("Count")).toHaveLength(1);

    expect(await rig.end("SIGTERM")).toBe(0);
    again();
    await rig.start();
    again();
    await settle("two");
    await rig.end("SIGKILL");
    again();
    await rig.start();
    await settle("three");
    expect(texts()).toEqual([words, "Heard: one", "Heard: two", "Heard: three"]);
    expect(rig.model.requests).toHaveLength(4);
  });

  test("is one question too when the bot was killed before Telegram heard that it is stored", async () => {
    await startWith(2_000);
    const { botApi } = rig;
    // The poll that would confirm it never comes through.
    const confirming = onArrival(
      botApi,
      ({ method, params }) => method === "getUpdates" && Number(params["offset"]) > firstUpdateId,
      () => rig.child().kill("SIGKILL"),
    );
    botApi.faults.fail({
      method: "getUpdates",
      match: ({ params }) => Number(params["offset"]) > firstUpdateId,
      cut: "before",
    });
    ask("Count");
    await confirming;
    await rig.end("SIGKILL");
    expect(botApi.updatesPending()).toBe(1);
    botApi.faults.clear();
    await rig.start();
    await answerWith(botApi, chat, "Regenerate", patienceMs);
    await settle("afterwards");
    const whole = texts().filter((text) => text === words);
    expect(whole).toHaveLength(1);
    expect(texts().filter((text) => !words.startsWith(text))).toEqual(["Heard: afterwards"]);
  });
});

describe("the answer before one in whose first text the bot was killed", { timeout: 180_000 }, () => {
  test("loses its buttons with the next delivery", async () => {
    await startWith(60);
    const { botApi } = rig;
    await settle("before");
    const before = answersIn(botApi, chat).at(-1);
    const isBefore = ({ params }: PendingCall) => params["message_id"] === before?.id;
    // The call that takes them away never comes through.
    const taking = onArrival(botApi, isBefore);
    botApi.faults.fail({ method: "editMessageReplyMarkup", match: isBefore, hangMs: patienceMs, cut: "before" });
    ask("Count");
    await taking;
    await rig.end("SIGKILL");
    expect(buttonsOf(answersIn(botApi, chat)[0])).not.toEqual([]);
    botApi.faults.clear();
    await rig.start();
    await answerWith(botApi, chat, "Regenerate", patienceMs);
    await until(() => buttonsOf(answersIn(botApi, chat)[0]).length === 0, patienceMs);
    await settle("afterwards");
    expect(texts()).toEqual(["Heard: before", words, "Heard: afterwards"]);
    const withButtons = () => answersIn(botApi, chat).map((message) => buttonsOf(message).length > 0);
    await expect.poll(withButtons, { timeout: patienceMs }).toEqual([false, false, true]);
  });
});

describe("an interrupt that was accepted just before kill -9", { timeout: 180_000 }, () => {
  /** Lets the answer grow, makes every further call about it fail, interrupts, and kills when the interrupt is on disk. */
  async function killAfter(interrupt: () => void): Promise<string> {
    const { botApi } = rig;
    await until(() => (answersIn(botApi, chat).at(-1)?.views.length ?? 0) >= 2, patienceMs);
    const accepted = onArrival(
      botApi,
      ({ method, params }) => method === "getUpdates" && Number(params["offset"]) > firstUpdateId + 1,
      () => rig.child().kill("SIGKILL"),
    );
    botApi.faults.fail({ chatId: chat, hangMs: 60_000, cut: "before" });
    botApi.faults.fail({ method: "answerCallbackQuery", hangMs: 60_000, cut: "before" });
    interrupt();
    await accepted;
    await rig.end("SIGKILL");
    botApi.faults.clear();
    const shown = texts().at(-1) ?? "";
    expect(words.startsWith(shown)).toBe(true);
    expect(buttonsOf(answersIn(botApi, chat).at(-1)).join()).toContain("Stop");
    return shown;
  }

  test.each(["the Stop button", "/stop"])("has stopped the answer after the restart (%s)", async (how) => {
    await startWith(20);
    const { user } = rig.botApi;
    ask("Count");
    const shown = await killAfter(() => {
      if (how === "/stop") ask("/stop");
      else void user.press(chat, answersIn(rig.botApi, chat).at(-1)?.id ?? 0, "Stop", chat);
    });
    await rig.start();
    await until(() => texts()[0]?.endsWith("\n\n⏹ Stopped."), patienceMs);
    const stopped = await answerWith(rig.botApi, chat, "Retry", patienceMs);
    expect(stopped.text.startsWith(shown)).toBe(true);
    expect(buttonsOf(stopped).join()).not.toContain("Stop");
    await settle("afterwards");
    expect(texts()).toHaveLength(2);
    expect(rig.requests("Count")).toHaveLength(1);
    expect(buttonsOf(answersIn(rig.botApi, chat)[0]).join()).not.toContain("Stop");
  });

  test("keeps what was not shown yet, when the kill comes with the first word about the stop", async () => {
    const chunks = words.split(/(?= )/);
    const written = chunks.slice(0, 60).join("");
    rig = await createRig({ model: { respond: () => ({ chunks, tokensPerSecond: 60, stallAfterChunks: 60 }) } });
    const { botApi } = rig;
    botApi.user.createPrivateChat({ userId: chat, firstName: "Ada" });
    await rig.start();
    ask("Count");
    const { id } = await answerWith(botApi, chat, "Stop", patienceMs);
    const ending = onArrival(
      botApi,
      ({ params }) => String(params["text"]).includes("Stopped"),
      () => rig.child().kill("SIGKILL"),
    );
    botApi.faults.fail({ chatId: chat, hangMs: 60_000, cut: "before" });
    // The model falls silent after the 60th word, so what it had written does not depend on the clock.
    await sleep(3_000);
    void botApi.user.press(chat, id, "Stop", chat);
    await ending;
    await rig.end("SIGKILL");
    botApi.faults.clear();
    expect(texts()[0]?.length).toBeLessThan(written.length);
    await rig.start();
    await until(() => texts()[0] === `${written}\n\n⏹ Stopped.`, patienceMs);
    await answerWith(botApi, chat, "Retry", patienceMs);
    expect(texts()).toHaveLength(1);
    expect(rig.model.requests).toHaveLength(1);
  });

  test("has forgotten the conversation after the restart (/new)", async () => {
    await startWith(20);
    ask("Count");
    await killAfter(() => void ask("/new"));
    await rig.start();
    await until(() => texts().some((text) => text.startsWith("New conversation")), patienceMs);
    await settle("afterwards");
    expect(rig.requests("Count")).toHaveLength(1);
    const history = rig.requests("afterwards")[0]?.body.messages.filter(({ role }) => role !== "system");
    expect(history?.map(({ content }) => content)).toEqual(["afterwards"]);
    expect(answersIn(rig.botApi, chat).flatMap(buttonsOf).join()).not.toContain("Stop");
  });

  test("has answered the edited question after the restart, in the same message", async () => {
    await startWith(20);
    const question = ask("Count");
    await killAfter(() => void rig.botApi.user.edit(chat, question.message_id, "Something else"));
    await rig.start();
    await answerWith(rig.botApi, chat, "Regenerate", patienceMs);
    expect(texts()).toEqual(["Heard: Something else"]);
    expect(rig.requests("Count")).toHaveLength(1);
  });
});

describe("an answer that kill -9 has left half written", { timeout: 180_000 }, () => {
  /** Kills in mid-answer and starts again; the model gets this script for the second request. */
  async function leaveHalf(again: Script): Promise<MessageView> {
    const half = Array.from({ length: 40 }, (_, at) => `**word** ${at + 1}`).join(" ");
    let requests = 0;
    rig = await createRig({
      model: {
        respond: () =>
          requests++ === 0 ? { text: `${half} more`, tokensPerSecond: 200, stallAfterChunks: 80 } : again,
      },
    });
    rig.botApi.user.createPrivateChat({ userId: chat, firstName: "Ada" });
    await rig.start();
    ask("Count");
    await until(() => (answersIn(rig.botApi, chat)[0]?.views.length ?? 0) >= 2, patienceMs);
    await rig.end("SIGKILL");
    // What was on its way when the bot died still happens.
    await sleep(100);
    const [left] = answersIn(rig.botApi, chat);
    await rig.start();
    await until(() => rig.model.requests.length === 2, patienceMs);
    if (left === undefined) throw new Error("nothing was shown");
    return left;
  }

  test("and then a stop keeps what was shown, formatted as it was, and says that it was stopped", async () => {
    const left = await leaveHalf({ hangBeforeHeaders: true });
    const { text, entities } = left;
    await rig.botApi.user.press(chat, left.id, "Stop", chat);
    await until(() => texts()[0]?.endsWith("⏹ Stopped."), patienceMs);
    const stopped = await answerWith(rig.botApi, chat, "Retry", patienceMs);
    expect(answersIn(rig.botApi, chat)).toHaveLength(1);
    expect(stopped).toMatchObject({ id: left.id, text: `${text}\n\n⏹ Stopped.`, entities });
    expect(buttonsOf(stopped)).toHaveLength(1);
    expect(rig.model.requests).toHaveLength(2);
    expect(rig.botApi.violations).toEqual([]);
  });

  test("and then a failure of the model keeps what was shown, and says what happened", async () => {
    const left = await leaveHalf({ status: 401, body: { error: { message: "no such key" } } });
    await until(() => texts()[0]?.includes("does not accept this bot's key"), patienceMs);
    expect(texts()).toHaveLength(1);
    expect(texts()[0]?.startsWith(`${left.text}\n\n⚠️`)).toBe(true);
    expect(answersIn(rig.botApi, chat).flatMap(buttonsOf)).toEqual([]);
  });
});
