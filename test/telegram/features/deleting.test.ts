import { describe, expect, it } from "vitest";
import { textParts } from "../../../src/ports/content.ts";
import { addressUpdate } from "../../../src/telegram/lanes.ts";
import { textsFor } from "../../../src/texts/texts.ts";
import { usage } from "../../contracts/store.contract.ts";
import { chat, createBotScene, group, mallory, said } from "../../support/bot-scene.ts";

const texts = textsFor("en");
const scene = createBotScene();
const { arrive, write, press } = scene;

const edits = (made: Awaited<ReturnType<typeof write>>) =>
  made.filter(({ method }) => method === "editMessageText").map(({ payload }) => payload["text"]);
const notices = (made: Awaited<ReturnType<typeof write>>) =>
  made.filter(({ method }) => method === "answerCallbackQuery").map(({ payload }) => payload["text"]);
const buttonsIn = (made: Awaited<ReturnType<typeof write>>) => {
  const markup = made.at(-1)?.payload["reply_markup"] as {
    inline_keyboard: { text: string; callback_data: string }[][];
  };
  return markup.inline_keyboard.flat();
};

/** Asks for the deletion; resolves with what the two buttons carry. */
async function askToDelete(parts: object = {}): Promise<{ yes: string; no: string }> {
  const [yes, no] = buttonsIn(await write("/delete", parts));
  return { yes: yes?.callback_data ?? "", no: no?.callback_data ?? "" };
}

/** Somebody leaves traces wherever there can be some. */
async function leaveTraces(): Promise<void> {
  await write("why?");
  await write("/model b/two");
  await write("why here?", { message_thread_id: 3, is_topic_message: true });
  await write("/export");
  await write("hello", { chat: group, text: "@parley_bot hello" });
  await write("/system", { chat: group, text: "/system" });
}

async function tracesOfAda() {
  const { store, directory } = scene;
  return {
    history: [...(await store.readHistory("7")), ...(await store.readHistory("7:3"))].length,
    newest: [await store.newestTurn("7"), await store.newestTurn("7:3")].filter((turn) => turn !== undefined).length,
    settings: await store.readSettings("7"),
    dialog: await store.readDialog("-100/7"),
    commands: await store.readDialog("7/7/command"),
    name: await directory.read([7]),
    exported: !(await store.firstWithin("export:7", 60_000)),
  };
}

const nothing = {
  ...{ history: 0, newest: 0, settings: {}, dialog: undefined, commands: undefined, name: [], exported: false },
};

describe("/privacy", () => {
  it("says what is kept, where, how long, and who reads along", async () => {
    const [words = ""] = said(await write("/privacy"));
    expect(words).toBe(
      texts.privacy({
        ...{ conversationDays: 30, ledgerDays: 400, directoryDays: 400, deadDays: 30, shared: false },
        providers: [{ name: "a", host: "a.example", own: false }],
      }),
    );
    for (const part of [
      "30 days",
      "400 days",
      "• a (a.example)",
      "on the machine that it runs on",
      "Of a file that you send, what it says, and of a picture only where Telegram has it",
      "with its pictures and what its files say",
      "/delete",
      "/export",
    ])
      expect(words).toContain(part);
    const own = { name: "ollama", host: "127.0.0.1", own: true };
    const other = texts.privacy({
      ...{ conversationDays: 1 / 24, ledgerDays: 1, directoryDays: 400, deadDays: 30, shared: true, providers: [own] },
    });
    for (const part of ["for 1 hour.", "for 1 day.", "• ollama, on a machine of this bot's operator", "Redis"])
      expect(other).toContain(part);
    expect(words).not.toContain("stand alone");
    expect(words).not.toContain("looks up on the web");
    const facts = { conversationDays: 1, ledgerDays: 1, directoryDays: 1, deadDays: 1, shared: true, providers: [own] };
    const kept = (toEverybody: boolean) => texts.privacy({ ...facts, answers: { days: 1 / 6, toEverybody } });
    expect(texts.privacy(facts)).not.toContain("/forget");
    expect(texts.privacy({ ...facts, memory: { most: 50 } })).toMatch(
      /📝 What you, or a group, want remembered, up to 50 facts.*until \/forget\.[\s\S]*goes along with your questions, until/,
    );
    expect(texts.privacy({ ...facts, memory: { most: 50, toldTo: ["ollama", "mine"] } })).toContain(
      "goes along with your questions to ollama, mine alone",
    );
    expect(texts.privacy({ ...facts, search: "Tavily" })).toContain("goes to Tavily, in the model's words");
    expect(kept(false)).toContain("questions that stand alone, for this chat, also after /new: for 4 hours.");
    expect(kept(true)).toContain("for everybody who asks the same, without a name, also after /delete");
  });
});

describe("/delete", () => {
  it("asks first, and says what stays", async () => {
    expect(said(await write("/delete"))).toEqual([texts.deleteAsk(false)]);
    expect(said(await write("/delete", { chat: group }))).toEqual([texts.deleteAsk(true)]);
    expect(buttonsIn(await write("/delete")).map(({ text }) => text)).toEqual([
      texts.labels.erase,
      texts.labels.cancel,
    ]);
  });

  it("removes all that is the asker's, and nothing of others", async () => {
    await leaveTraces();
    await write("and me?", { from: mallory, chat: { ...chat, id: 66 } });
    scene.dead.push(
      ...(["7", "-100", "66"] as const).map((conversation, n) => ({
        ...{ updateId: n, conversation, lane: "turn" as const, receivedAt: 0, reason: "boom" },
        body: JSON.stringify({ message: { from: { id: conversation === "66" ? 66 : 7 }, chat: { id: 1 } } }),
      })),
    );
    await scene.store.ledger.settle([usage({ userId: 7, chatId: 7, at: Date.now() })]);
    const { yes } = await askToDelete();
    expect(await tracesOfAda()).toMatchObject({ history: 2, newest: 2, settings: { model: "b/two" } });
    expect(edits(await press(yes))).toEqual([texts.deleted(false)]);
    expect(await tracesOfAda()).toEqual(nothing);
    expect((await scene.store.ledger.totals({ of: { userId: 7 } }))[0]?.answers).toBe(0);
    expect((await scene.store.ledger.totals({ of: { userId: 0 } }))[0]?.answers).toBeGreaterThan(0);
    expect(scene.dead.map(({ conversation }) => conversation)).toEqual(["66"]);
    expect(scene.forgottenRates).toEqual([7]);
    expect(await scene.store.readHistory("66")).toHaveLength(1);
    expect(await scene.directory.read([66])).toHaveLength(1);
    expect(await scene.store.readHistory("-100")).toMatchObject([{ asked: textParts("hello") }]);
  });

  it("removes it from within a group, too", async () => {
    await leaveTraces();
    const { yes } = await askToDelete({ chat: group });
    expect(edits(await press(yes, { chat: group }))).toEqual([texts.deleted(false)]);
    expect(await tracesOfAda()).toEqual(nothing);
  });

  it("does nothing at the press of somebody else, and ends no answer by it", async () => {
    await leaveTraces();
    const { yes, no } = await askToDelete({ chat: group });
    for (const data of [yes, no]) {
      const pressed = { callback_query: query(data, mallory) };
      expect(notices(await arrive(pressed))).toEqual([texts.notYourButton]);
      expect(addressed(pressed)).toMatchObject({ conversation: "-100", lane: "quick" });
      expect(addressed(pressed)?.interrupt).toBeUndefined();
    }
    expect((await scene.store.readHistory("7")).length).toBe(1);
  });

  it("ends the asker's running answer as /new does, in the lane of the private conversation, wherever it was asked", async () => {
    const { yes, no } = await askToDelete({ chat: group });
    const ada = { id: 7, is_bot: false, first_name: "Ada" };
    expect(addressed({ callback_query: query(yes, ada) })).toMatchObject({
      ...{ conversation: "7", lane: "turn", interrupt: { kind: "new" }, kind: "button" },
    });
    expect(addressed({ callback_query: query(no, ada) })?.interrupt).toBeUndefined();
  });

  it("does nothing when it is cancelled, or asked for more than ten minutes ago", async () => {
    await write("why?");
    const { yes, no } = await askToDelete();
    expect(edits(await press(no))).toEqual([texts.deleteCancelled]);
    expect(edits(await pressLater(yes, 601_000))).toEqual([texts.deleteExpired]);
    expect((await scene.store.readHistory("7")).length).toBe(1);
    expect(edits(await pressLater(yes, 590_000))).toEqual([texts.deleted(false)]);
    expect(await scene.store.readHistory("7")).toEqual([]);
  });

  it("delivered again after a crash does the rest, and is no way around the rate limit", async () => {
    await write("why?");
    const { yes } = await askToDelete();
    scene.directory.forget = async () => {
      throw new Error("the process died");
    };
    await expect(press(yes)).rejects.toThrow();
    const { forget } = (await import("../../../src/engines/memory/directory.ts")).createMemoryDirectory();
    scene.directory.forget = forget;
    const update = { callback_query: query(yes, { id: 7, is_bot: false, first_name: "Ada" }) };
    expect(edits(await arrive(update, { attempt: 2 }))).toEqual([texts.deleted(false)]);
    await write("why?");
    expect(edits(await press((await askToDelete()).yes))).toEqual([texts.deletedJustNow]);
    expect((await scene.store.readHistory("7")).length).toBe(1);
  });

  it("is for people: who writes as a chat is told so", async () => {
    const channel = { id: -1005, type: "channel", title: "News" };
    expect(said(await write("/delete", { chat: group, sender_chat: channel }))).toEqual([texts.deleteAsYourself]);
  });
});

function query(data: string, from: object) {
  const message = scene.message("x", { chat: group, message_id: 5001 });
  return { id: "q", from, chat_instance: "1", data, message };
}

function addressed(update: object) {
  const me = { id: 999, username: "parley_bot" };
  return addressUpdate({ update_id: 1, ...update } as never, { me, allowed: () => true, admins: new Set() });
}

/** As if it had waited for so long in its lane. */
async function pressLater(data: string, milliseconds: number) {
  const update = { callback_query: query(data, { id: 7, is_bot: false, first_name: "Ada" }) };
  return await arrive(update, { receivedAt: Date.now() + milliseconds });
}

describe("/privacy", () => {
  it("says where voice messages go, and what is spoken or drawn, where somebody does that", () => {
    const facts = {
      conversationDays: 30,
      ledgerDays: 400,
      directoryDays: 400,
      deadDays: 30,
      shared: false,
      providers: [],
    };
    expect(texts.privacy({ ...facts, media: true })).toMatch(/Voice messages go to one of them to be heard/);
    expect(texts.privacy({ ...facts, media: false })).not.toMatch(/[Vv]oice/);
  });
});
