/** Commands of the real process: models, personas, figures and files. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

const ADMIN = 99;

describe.concurrent("the commands of the bot", { timeout: 180_000 }, () => {
  const rig = sharedRig({ env: { ADMIN_USER_IDS: String(ADMIN) } });

  test("/new keeps persona and model, /reset restores both", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Saved/, visitor.say("/system Speak like a pirate."));
    await visitor.sees(/test\/two/, visitor.say("/model test/two"));
    await visitor.sees(/New conversation/, visitor.say("/new"));
    await visitor.ask("with choices");
    expect(rig.requests("with choices")[0]?.body.model).toBe("two");
    expect(dialogueOf(rig.requests("with choices")[0])[0]).toBe("system: Speak like a pirate.");
    await visitor.sees(/default persona, model test\/one/, visitor.say("/reset"));
    await visitor.ask("without choices");
    expect(rig.requests("without choices")[0]?.body.model).toBe("one");
    expect(dialogueOf(rig.requests("without choices")[0])).toEqual([persona, "user: without choices"]);
  });

  test("/model offers the models by name, marks the current one, and a press chooses", async () => {
    const visitor = rig.visitor();
    const menu = await visitor.sees(/Model: test\/one/, visitor.say("/model"));
    expect(buttonsOf(menu)).toEqual([expect.stringMatching(/^.+ one$/), "two"]);
    expect((await visitor.press(menu, "two"))?.text).toContain("test/two");
    await until(() => buttonsOf(visitor.message(menu.id))[1] !== "two");
    expect(buttonsOf(visitor.message(menu.id))).toEqual(["one", expect.stringMatching(/^.+ two$/)]);
    // The same button again changes nothing, and is answered all the same.
    expect(await visitor.press(menu, "two")).toBeDefined();
    await visitor.ask("by the second model");
    expect(rig.requests("by the second model")[0]?.body.model).toBe("two");
  });

  test("/model takes a name, with its provider or alone, and shows the list for an unknown one", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Model: test\/two/, visitor.say("/model two"));
    await visitor.sees(/Model: test\/one\. It answers/, visitor.say("/model test/one"));
    const menu = await visitor.sees(/do not know the model "three"/, visitor.say("/model three"));
    expect(buttonsOf(menu)).toHaveLength(2);
  });

  test("/start offers questions to press in place of the letters, until a message without buttons comes", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Hello!.* with one\./, visitor.say("/start"));
    const [shown] = rig.botApi.chat(visitor.chatId).replyKeyboards;
    expect(shown?.keyboard).toMatchObject({ one_time_keyboard: true, resize_keyboard: true });
    const [[key]] = (shown?.keyboard.keyboard ?? []) as [[{ text: string }]];
    await visitor.ask(key.text);
    expect(rig.requests(key.text)).toHaveLength(1);
    await visitor.sees(/Commands:/, visitor.say("/help"));
    expect(rig.botApi.chat(visitor.chatId).replyKeyboards).toEqual([]);
  });

  test("a model chosen in mid-answer holds from the next question on", async () => {
    const visitor = rig.visitor();
    rig.answers("model in between", { text: words(120), tokensPerSecond: 40 });
    const asked = visitor.say("model in between");
    await visitor.sees("Stop", asked);
    visitor.say("waits behind the switch");
    await visitor.sees(/Model: test\/two/, visitor.say("/model test/two"));
    visitor.say("asked after the switch");
    await until(() => rig.requests("asked after the switch")[0]?.endedAt);
    expect(rig.requests("model in between").map(({ body }) => body.model)).toEqual(["one"]);
    expect(rig.requests("asked after the switch").map(({ body }) => body.model)).toEqual(["two"]);
    await visitor.sees("Regenerate", asked);
  });

  test("/system asks, previews and saves a persona, which the model gets", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    const preview = await visitor.sees(/would be:\n\nAnswer in rhymes\./, visitor.say("Answer in rhymes."));
    expect(buttonsOf(preview).join()).toMatch(/Save.*Default.*Cancel/);
    expect(await visitor.press(preview, "Save")).toBeDefined();
    await visitor.sees(/^Saved/);
    await until(() => buttonsOf(visitor.message(preview.id)).length === 0);
    await visitor.ask("in which style");
    expect(dialogueOf(rig.requests("in which style")[0])).toEqual([
      "system: Answer in rhymes.",
      "user: in which style",
    ]);
    expect(rig.requests("Answer in rhymes.")).toEqual([]);
    await visitor.sees(/The persona here is:\n\nAnswer in rhymes\./, visitor.say("/system"));
  });

  test("/system can be cancelled, and takes another text before it is saved", async () => {
    const visitor = rig.visitor();
    const ask = await visitor.sees(/Send me the new one/, visitor.say("/system"));
    await visitor.press(ask, "Cancel");
    await visitor.sees(/Nothing was changed/);
    await visitor.ask("after cancelling");
    expect(dialogueOf(rig.requests("after cancelling")[0])[0]).toBe(persona);

    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    await visitor.sees(/would be:\n\nfirst try/, visitor.say("first try"));
    const second = await visitor.sees(/would be:\n\nsecond try/, visitor.say("second try"));
    await visitor.press(second, "Save");
    await visitor.sees(/^Saved/, second.id);
    await visitor.ask("after second try");
    expect(dialogueOf(rig.requests("after second try")[0])[0]).toBe("system: second try");
  });

  test("a command in mid-dialog ends it, is never its answer, and takes its buttons away", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    const preview = await visitor.sees(/would be/, visitor.say("half a persona"));
    await visitor.sees(/nothing to|no question|New conversation/, visitor.say("/new"));
    await until(() => buttonsOf(visitor.message(preview.id)).length === 0);
    await visitor.ask("not a persona");
    expect(dialogueOf(rig.requests("not a persona")[0])).toEqual([persona, "user: not a persona"]);
  });

  test("points to /help for an unknown command, which never becomes a prompt", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/\/help/, visitor.say("/frobnicate the thing"));
    expect(rig.model.requests.some(({ body }) => JSON.stringify(body).includes("frobnicate"))).toBe(false);
  });

  test("shows its figures, all of them to admins only, and each user their own use", async () => {
    const visitor = rig.visitor();
    await visitor.ask("counted question");
    const stats = await visitor.sees(/Requests: \d+, errors: \d+/, visitor.say("/stats"));
    for (const word of ["Queue", "p50", "p95"]) expect(stats.text).not.toContain(word);
    const usage = await visitor.sees(/Today: 1 call, price unknown\n[1-9]\d* tokens in/, visitor.say("/usage"));
    expect(usage.text).toMatch(/In total: 1 call, price unknown\n[1-9]/);
    const admin = rig.visitor({ userId: ADMIN });
    const all = await admin.sees(/Queue: \d+ waiting/, admin.say("/stats"));
    expect(all.text).toMatch(/p50 [\d.]+ s, p95 [\d.]+ s/);
    await admin.sees(/Today: 0 calls/, admin.say("/usage"));
  });

  test("/export sends the conversation as a Markdown file", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/no conversation here to export/, visitor.say("/export"));
    rig.answers("to be exported", { text: "with **bold** words" });
    await visitor.ask("to be exported");
    const sent = await visitor.sees(/Markdown file/, visitor.say("/export"));
    expect(sent.document?.name).toMatch(/^visitor-\d+-\d+-\d{4}-\d\d-\d\d-\d\d-\d\d-utc\.md$/);
    await visitor.sees(/export less than a minute ago/, visitor.say("/export"));
    const text = Buffer.from(sent.document?.bytes ?? []).toString();
    expect(text).toContain("> to be exported");
    expect(text).toContain("with **bold** words");
  });

  test("what a dialog took is no question when it is edited, nor is a command", async () => {
    const visitor = rig.visitor();
    const command = visitor.say("/system");
    await visitor.sees(/Send me the new one/);
    const text = visitor.say("persona with tpyo");
    const preview = await visitor.sees(/would be/, text);
    rig.botApi.user.edit(visitor.chatId, text, "persona with typo");
    await visitor.press(preview, "Save");
    await visitor.sees(/^Saved/);
    rig.botApi.user.edit(visitor.chatId, text, "persona with another typo");
    rig.botApi.user.edit(visitor.chatId, command, "/system and more");
    await visitor.ask("not about typos");
    expect(
      rig.model.requests.some(({ body }) => /with (another )?typo/.test(body.messages.at(-1)?.content ?? "")),
    ).toBe(false);
  });

  test("a persona may be as long as it says; media do not disturb the dialog", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    rig.botApi.user.sendPhoto(visitor.chatId, visitor.userId);
    await visitor.sees("Regenerate");
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId);
    await visitor.sees(/hear|listen/i);
    await visitor.sees(/3000 characters; yours has 3001/, visitor.say("p".repeat(3_001)));
    const preview = await visitor.sees(/would be/, visitor.say("q".repeat(3_000)));
    await visitor.press(preview, "Save");
    await visitor.sees(/^Saved/);
  });
});
