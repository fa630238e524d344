/** What a person in a private chat sees of the real process, with Telegram and the model in good health. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  buttonsOf,
  createRig,
  dialogueOf,
  get,
  modelKey,
  persona,
  plain,
  type Rig,
  refusedCalls,
  token,
  until,
  words,
} from "./bot-process.ts";

const ADMIN = 99;

describe.concurrent("the bot in a private chat", { timeout: 90_000 }, () => {
  let rig: Rig;

  beforeAll(async () => {
    rig = await createRig({ env: { ADMIN_USER_IDS: String(ADMIN) } });
    await rig.start();
  }, 60_000);

  afterAll(async () => {
    try {
      expect(refusedCalls(rig.botApi)).toEqual([]);
      const output = rig.output();
      expect(output).not.toContain(token.slice(token.indexOf(":") + 1));
      expect(output).not.toContain(modelKey);
      for (const chat of rig.botApi.chats()) {
        for (const { text } of chat.messages) if (text.length >= 12) expect(output).not.toContain(text.slice(0, 40));
      }
      const metrics = await (await fetch(`http://127.0.0.1:${rig.port}/metrics`)).text();
      expect(metrics).toContain("parley_");
      for (const chat of rig.botApi.chats()) expect(metrics).not.toMatch(new RegExp(`\\b${chat.id}\\b`));
      expect(metrics).not.toContain("Visitor");
      expect(await get(rig.port, "/healthz")).toBe(200);
      expect(await get(rig.port, "/readyz")).toBe(200);
      expect(await get(rig.port, "/other")).toBe(404);
      expect(await rig.end("SIGTERM")).toBe(0);
      expect(rig.botApi.violations).toEqual([]);
    } finally {
      await rig.stop();
    }
  }, 60_000);

  afterEach(() => {
    expect(rig.botApi.violations).toEqual([]);
    expect(refusedCalls(rig.botApi)).toEqual([]);
  });

  test("lets the answer grow, each view the beginning of the last, with Stop while it is written", async () => {
    const visitor = rig.visitor();
    rig.answers("grow", { text: words(150), tokensPerSecond: 40 });
    const answer = await visitor.ask("grow");
    expect(answer.text).toBe(words(150));
    expect(answer.views.length).toBeGreaterThanOrEqual(3);
    for (const view of answer.views) expect(plain(answer.text).startsWith(plain(view.text))).toBe(true);
    const labels = answer.views.slice(0, -1).map((view) => view.replyMarkup?.inline_keyboard.flat()[0]?.text);
    for (const label of labels) expect(label).toContain("Stop");
    expect(buttonsOf(answer).join()).toContain("Regenerate");
    expect(visitor.written()).toHaveLength(1);
  });

  test("keeps Regenerate under the newest answer alone", async () => {
    const visitor = rig.visitor();
    const first = await visitor.ask("first of two");
    const second = await visitor.ask("second of two");
    await until(() => buttonsOf(visitor.message(first.id)).length === 0);
    expect(buttonsOf(visitor.message(second.id)).join()).toContain("Regenerate");
  });

  test.for(["button", "command"])("stops by %s, keeping all that the model had written", async (means) => {
    const visitor = rig.visitor();
    const question = `stop me by ${means}`;
    // The model falls silent after the 60th word, so what it "had written" does not depend on the clock.
    rig.answers(question, { text: words(600), tokensPerSecond: 60, stallAfterChunks: 60 });
    const asked = visitor.say(question);
    const writing = await visitor.sees("Stop", asked);
    await until(() => rig.requests(question)[0]?.firstTextAt);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    if (means === "button") expect((await visitor.press(writing, "Stop"))?.text).toContain("Stopped");
    else visitor.say("/stop");
    const stopped = await visitor.sees("Retry", asked);
    expect(stopped.id).toBe(writing.id);
    expect(stopped.text).toBe(`${words(60)}\n\n⏹ Stopped.`);
    expect(buttonsOf(stopped)).toHaveLength(1);
    await until(() => rig.requests(question)[0]?.abandonedAt);
    // The stopped part is what the model remembers having said.
    await visitor.ask(`after ${question}`);
    expect(dialogueOf(rig.requests(`after ${question}`)[0])).toEqual([
      persona,
      `user: ${question}`,
      `assistant: ${words(60)}`,
      `user: after ${question}`,
    ]);
    expect(visitor.written()).toHaveLength(2);
  });

  test("says so when there is nothing to stop", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/nothing to stop/, visitor.say("/stop"));
  });

  test("drops the questions that wait when it is stopped", async () => {
    const visitor = rig.visitor();
    rig.answers("the long one", { text: words(900), tokensPerSecond: 30 });
    await visitor.ask("the long one", "Stop");
    visitor.say("dropped one");
    visitor.say("dropped two");
    await visitor.sees(/2 waiting questions were dropped/, visitor.say("/stop"));
    await visitor.sees("Retry");
    await visitor.ask("asked afterwards");
    expect(rig.requests("dropped one")).toEqual([]);
    expect(rig.requests("dropped two")).toEqual([]);
  });

  test("answers quick commands while an answer is written", async () => {
    const visitor = rig.visitor();
    rig.answers("be slow now", { text: words(3_000), tokensPerSecond: 20 });
    const writing = await visitor.ask("be slow now", "Stop");
    await visitor.sees(/Model: test\/one/, visitor.say("/model"));
    await visitor.sees(/Commands:/, visitor.say("/help"));
    await visitor.sees(/Requests: /, visitor.say("/stats"));
    expect(buttonsOf(visitor.message(writing.id)).join()).toContain("Stop");
    visitor.say("/stop");
    await visitor.sees("Retry");
  });

  test("answers several quick questions one after another, in their order", async () => {
    const visitor = rig.visitor();
    const questions = ["row one", "row two", "row three", "row four"];
    for (const question of questions) rig.answers(question, { text: `reply to ${question}` });
    for (const question of questions) visitor.say(question);
    await visitor.sees(/reply to row four/);
    expect(visitor.written().map(({ text }) => text)).toEqual(questions.map((question) => `reply to ${question}`));
    expect(dialogueOf(rig.requests("row four")[0])).toEqual([
      persona,
      ...questions.slice(0, 3).flatMap((question) => [`user: ${question}`, `assistant: reply to ${question}`]),
      "user: row four",
    ]);
  });

  test.for(["/new", "/reset"])("%s interrupts the answer and forgets the conversation", async (command) => {
    const visitor = rig.visitor();
    await visitor.ask(`known before ${command}`);
    rig.answers(`interrupted by ${command}`, { text: words(900), tokensPerSecond: 30 });
    const writing = await visitor.ask(`interrupted by ${command}`, "Stop");
    const sent = visitor.say(command);
    await visitor.sees(/forgotten/, sent);
    await until(() => rig.requests(`interrupted by ${command}`)[0]?.abandonedAt);
    expect(visitor.message(writing.id)?.text).toMatch(/^w0\b[\s\S]*\n\n⏹ Stopped\.$/);
    await visitor.ask(`unknowing after ${command}`);
    expect(dialogueOf(rig.requests(`unknowing after ${command}`)[0])).toEqual([
      persona,
      `user: unknowing after ${command}`,
    ]);
    expect(buttonsOf(visitor.message(writing.id))).toEqual([]);
  });

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
    expect(buttonsOf(menu)).toEqual([expect.stringMatching(/^.+ test\/one$/), "test/two"]);
    expect((await visitor.press(menu, "test/two"))?.text).toContain("test/two");
    await until(() => buttonsOf(visitor.message(menu.id))[1] !== "test/two");
    expect(buttonsOf(visitor.message(menu.id))).toEqual(["test/one", expect.stringMatching(/^.+ test\/two$/)]);
    // The same button again changes nothing, and is answered all the same.
    expect(await visitor.press(menu, "test/two")).toBeDefined();
    await visitor.ask("by the second model");
    expect(rig.requests("by the second model")[0]?.body.model).toBe("two");
  });

  test("/model takes a name, with its provider or alone, and shows the list for an unknown one", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Model: test\/two/, visitor.say("/model two"));
    await visitor.sees(/Model: test\/one\. It answers/, visitor.say("/model test/one"));
    const menu = await visitor.sees(/do not know the model "three"/, visitor.say("/model three"));
    expect(buttonsOf(menu)).toHaveLength(2);
    await visitor.sees(/Hello!/, visitor.say("/start"));
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
    expect(buttonsOf(preview).join()).toMatch(/Save.*Cancel/);
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

  test("a command in mid-dialog ends it and is never its answer; its buttons are answered still", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    const preview = await visitor.sees(/would be/, visitor.say("half a persona"));
    await visitor.sees(/nothing to|no question|New conversation/, visitor.say("/new"));
    expect((await visitor.press(preview, "Save"))?.text).toContain("over");
    await visitor.ask("not a persona");
    expect(dialogueOf(rig.requests("not a persona")[0])).toEqual([persona, "user: not a persona"]);
  });

  test("/retry answers the last question again in a new message", async () => {
    const visitor = rig.visitor();
    rig.answers("again please", { text: "first attempt" }, { text: "second attempt" });
    const first = await visitor.ask("again please");
    const second = await visitor.ask("/retry");
    expect(second.text).toBe("second attempt");
    expect(visitor.message(first.id)?.text).toBe("first attempt");
    await until(() => buttonsOf(visitor.message(first.id)).length === 0);
    await visitor.ask("what did you say");
    expect(dialogueOf(rig.requests("what did you say")[0])).toEqual([
      persona,
      "user: again please",
      "assistant: second attempt",
      "user: what did you say",
    ]);
  });

  test("/retry with nothing to answer again says so", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/no question here/, visitor.say("/retry"));
  });

  test("Regenerate rewrites the answer in its place, on the screen and in the history", async () => {
    const visitor = rig.visitor();
    rig.answers("make it better", { text: "rough draft" }, { text: words(90, "better"), tokensPerSecond: 45 });
    await visitor.ask("said before");
    const rough = await visitor.ask("make it better");
    expect(await visitor.press(rough, "Regenerate")).toBeDefined();
    await visitor.sees("Stop");
    const better = await visitor.sees("Regenerate", rough.id - 1);
    expect(better.id).toBe(rough.id);
    expect(better.text).toBe(words(90, "better"));
    expect(visitor.written()).toHaveLength(2);
    await visitor.ask("go on");
    const dialogue = dialogueOf(rig.requests("go on")[0]);
    expect(dialogue.filter((line) => line.includes("make it better"))).toHaveLength(1);
    expect(dialogue).toContain(`assistant: ${words(90, "better")}`);
    expect(dialogue).not.toContain("assistant: rough draft");
  });

  test("Regenerate of a long answer deletes the messages that a shorter one leaves over", async () => {
    const visitor = rig.visitor();
    rig.answers("long then short", { text: words(2_000), tokensPerSecond: 3_000 }, { text: "short now" });
    const asked = visitor.say("long then short");
    const long = await visitor.sees("Regenerate", asked);
    expect(visitor.written().length).toBeGreaterThan(1);
    await visitor.press(long, "Regenerate");
    const short = await visitor.sees(/^short now$/);
    await until(() => visitor.written().length === 1);
    await visitor.sees("Regenerate");
    expect(short.id).toBe(asked + 1);
  });

  test("an edit of the newest question is answered in the same message, an older one's is not", async () => {
    const visitor = rig.visitor();
    const older = visitor.say("older question");
    await visitor.sees("Regenerate", older);
    const newest = visitor.say("newest qestion");
    const answer = await visitor.sees("Regenerate", newest);
    rig.answers("newest question", { text: "answer to the corrected one" });
    rig.botApi.user.edit(visitor.chatId, newest, "newest question");
    const again = await visitor.sees(/answer to the corrected one/);
    expect(again.id).toBe(answer.id);
    rig.botApi.user.edit(visitor.chatId, older, "older question, changed");
    await visitor.ask("one more after edits");
    expect(rig.requests("older question, changed")).toEqual([]);
    const dialogue = dialogueOf(rig.requests("one more after edits")[0]);
    expect(dialogue).toContain("user: newest question");
    expect(dialogue).toContain("user: older question");
    expect(dialogue).not.toContain("user: newest qestion");
    expect(visitor.written()).toHaveLength(3);
  });

  test("an edit aborts the answer that is being written, and the new one takes its message", async () => {
    const visitor = rig.visitor();
    rig.answers("written as we edt", { text: words(900, "old"), tokensPerSecond: 30 });
    rig.answers("written as we edit", { text: words(30, "new") });
    const asked = visitor.say("written as we edt");
    const writing = await visitor.sees("Stop", asked);
    rig.botApi.user.edit(visitor.chatId, asked, "written as we edit");
    const answer = await visitor.sees("Regenerate", asked);
    expect(answer.id).toBe(writing.id);
    expect(answer.text).toBe(words(30, "new"));
    expect(rig.requests("written as we edt")[0]?.abandonedAt).toBeDefined();
    expect(visitor.written()).toHaveLength(1);
  });

  test("gives pictures, voice, stickers and files one line, and takes a caption for a question", async () => {
    const visitor = rig.visitor();
    const { user } = rig.botApi;
    const { chatId, userId } = visitor;
    user.sendPhoto(chatId, userId);
    user.sendVoice(chatId, userId);
    user.sendSticker(chatId, userId);
    user.sendDocument(chatId, userId);
    await until(() => visitor.written().length === 4);
    for (const { text } of visitor.written()) expect(text).toMatch(/^I read text so far[^\n]*$/);
    const photo = user.sendPhoto(chatId, userId, { caption: "what is in the picture" });
    await visitor.sees("Regenerate", photo.message_id);
    expect(rig.requests("what is in the picture")).toHaveLength(1);
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
    expect(stats.text).toMatch(/p50 [\d.]+ s, p95 [\d.]+ s/);
    expect(stats.text).not.toContain("Queue");
    const usage = await visitor.sees(/Today: 1 answers, [1-9]\d* tokens in/, visitor.say("/usage"));
    expect(usage.text).toMatch(/In total: 1 answers, [1-9]/);
    const admin = rig.visitor({ userId: ADMIN });
    await admin.sees(/Queue: \d+ waiting/, admin.say("/stats"));
    await admin.sees(/Today: 0 answers/, admin.say("/usage"));
  });

  test("/export sends the conversation as a Markdown file", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/no conversation here to export/, visitor.say("/export"));
    rig.answers("to be exported", { text: "with **bold** words" });
    await visitor.ask("to be exported");
    const sent = await visitor.sees(/Markdown file/, visitor.say("/export"));
    expect(sent.document?.name).toMatch(/\.md$/);
    const text = Buffer.from(sent.document?.bytes ?? []).toString();
    expect(text).toContain("> to be exported");
    expect(text).toContain("with **bold** words");
  });

  test("shows an answer over many messages whole and in order, and attaches it past five", async () => {
    const visitor = rig.visitor();
    const code = Array.from({ length: 300 }, (_, line) => `line_${line} = compute(${line})`).join("\n");
    const rows = Array.from({ length: 60 }, (_, row) => `| cell${row}a | cell${row}b |`).join("\n");
    const text = `${words(3_000)}\n\n\`\`\`python\n${code}\n\`\`\`\n\n| a | b |\n| --- | --- |\n${rows}\n\nThe end.`;
    rig.answers("a very long one", { text, tokensPerSecond: 4_000 });
    const asked = visitor.say("a very long one");
    const file = await visitor.sees(/whole answer as a file/, asked);
    const parts = visitor.written().filter((message) => message.document === undefined);
    expect(parts.length).toBeGreaterThan(5);
    const shown = parts.map((part) => part.text).join("\n");
    const order = [
      ...words(3_000).split(" "),
      ...code.split("\n"),
      "cell0a",
      "cell0b",
      "cell59a",
      "cell59b",
      "The end.",
    ];
    let at = 0;
    for (const piece of order) {
      const found = shown.indexOf(piece, at);
      expect(found, piece).toBeGreaterThanOrEqual(at);
      at = found + piece.length;
    }
    for (const part of parts) {
      if (!/line_\d+ = /.test(part.text)) continue;
      expect(
        part.entities.some(
          ({ type, language }: { type: string; language?: string }) => type === "pre" && language === "python",
        ),
      ).toBe(true);
    }
    expect(Buffer.from(file.document?.bytes ?? []).toString()).toBe(text);
    await visitor.sees("Regenerate", asked);
    expect(parts.slice(0, -1).flatMap(buttonsOf)).toEqual([]);
  });

  test("shows bold, links and code as entities, and HTML of the model as text", async () => {
    const visitor = rig.visitor();
    const text = "**bold** and `code` and <b>tags</b>, [me](tg://user?id=1) and @someone";
    rig.answers("show markup", { text });
    const answer = await visitor.ask("show markup");
    const of = (type: string) =>
      answer.entities
        .filter((entity) => entity.type === type)
        .map((e) => answer.text.slice(e.offset, e.offset + e.length));
    expect(of("bold")).toEqual(["bold"]);
    expect(of("code")).toContain("code");
    expect(answer.text).toContain("tags");
    expect(answer.text).not.toContain("**");
    expect(JSON.stringify(answer.entities)).not.toContain("tg://user");
    expect(of("mention")).toEqual([]);
    expect(of("text_mention")).toEqual([]);
  });

  test.for([
    ["nothing", ""],
    ["what cannot be seen", "\u200b \u2060\n\n\u00ad"],
  ])("calls an answer of %s empty, and offers Retry", async ([what, text]) => {
    const visitor = rig.visitor();
    rig.answers(`answer with ${what}`, { text: text ?? "" });
    const answer = await visitor.ask(`answer with ${what}`, "Retry");
    expect(answer.text).toMatch(/^⚠️ The model gave an empty answer\.[^\n]*$/);
    await visitor.ask(`after ${what}`);
    expect(dialogueOf(rig.requests(`after ${what}`)[0])).toEqual([persona, `user: after ${what}`]);
  });

  test("keeps the topics of a private chat apart, and answers in them", async () => {
    const visitor = rig.visitor({ topics: true });
    const { chatId, userId } = visitor;
    const one = rig.botApi.user.createTopic(chatId, "one", userId).threadId;
    const two = rig.botApi.user.createTopic(chatId, "two", userId).threadId;
    rig.answers("in topic one", { text: "said in one" });
    visitor.say("in topic one", { threadId: one });
    expect((await visitor.sees(/said in one/)).threadId).toBe(one);
    const asked = visitor.say("in topic two", { threadId: two });
    expect((await visitor.sees("Regenerate", asked)).threadId).toBe(two);
    expect(dialogueOf(rig.requests("in topic two")[0])).toEqual([persona, "user: in topic two"]);
    const menu = await visitor.sees(/Commands:/, visitor.say("/help", { threadId: one }));
    expect(menu.threadId).toBe(one);
    await visitor.sees(/nothing to stop/, visitor.say("/stop", { threadId: two }));
  });

  test("an edit of a question that waits takes its place in the row", async () => {
    const visitor = rig.visitor();
    rig.answers("before the waiting one", { text: words(80), tokensPerSecond: 40 });
    await visitor.ask("before the waiting one", "Stop");
    const waiting = visitor.say("waiting, misspelt");
    const third = visitor.say("third in line");
    rig.botApi.user.edit(visitor.chatId, waiting, "waiting, corrected");
    await visitor.sees(/third in line/, third);
    expect(rig.requests("waiting, misspelt")).toEqual([]);
    expect(rig.requests("waiting, corrected")).toHaveLength(1);
    const asked = dialogueOf(rig.requests("third in line")[0]).filter((line) => line.startsWith("user"));
    expect(asked).toEqual(["user: before the waiting one", "user: waiting, corrected", "user: third in line"]);
  });

  test("Regenerate of a /retry, then an edit of its question, all write the same exchange", async () => {
    const visitor = rig.visitor();
    rig.answers("root question", { text: "first" }, { text: "second" }, { text: "third" });
    rig.answers("root question, edited", { text: "fourth" });
    const question = visitor.say("root question");
    await visitor.sees("Regenerate", question);
    const retry = await visitor.ask("/retry");
    expect(retry.text).toBe("second");
    await visitor.press(retry, "Regenerate");
    await visitor.sees(/^third$/);
    await visitor.sees("Regenerate", retry.id - 1);
    rig.botApi.user.edit(visitor.chatId, question, "root question, edited");
    expect((await visitor.sees(/^fourth$/)).id).toBe(retry.id);
    await visitor.sees("Regenerate", retry.id - 1);
    await visitor.ask("after all of them");
    expect(dialogueOf(rig.requests("after all of them")[0])).toEqual([
      persona,
      "user: root question, edited",
      "assistant: fourth",
      "user: after all of them",
    ]);
  });

  test("a Regenerate that is stopped before its first word leaves the old answer, also in the history", async () => {
    const visitor = rig.visitor();
    rig.answers("stop regenerate", { text: "the old answer" }, { hangBeforeHeaders: true });
    const answer = await visitor.ask("stop regenerate");
    await visitor.press(answer, "Regenerate");
    await visitor.press(await visitor.sees("Stop"), "Stop");
    const stopped = await visitor.sees("Retry");
    expect(stopped.id).toBe(answer.id);
    expect(stopped.text).toContain("the old answer");
    await visitor.ask("what was it");
    expect(dialogueOf(rig.requests("what was it")[0])).toContain("assistant: the old answer");
  });

  test("a stop before the first word says so, and Retry asks again in the same message", async () => {
    const visitor = rig.visitor();
    rig.answers("never begins", { hangBeforeHeaders: true }, { text: "begins now" });
    const asked = visitor.say("never begins");
    await until(() => rig.requests("never begins").length === 1);
    visitor.say("/stop");
    const stopped = await visitor.sees("Retry", asked);
    expect(stopped.text).toBe("⏹ Stopped.");
    await visitor.press(stopped, "Retry");
    expect((await visitor.sees("Regenerate", asked)).id).toBe(stopped.id);
    expect(visitor.written()).toHaveLength(1);
  });

  test("a stop far into a long answer keeps all its messages", async () => {
    const visitor = rig.visitor();
    rig.answers("stop far in", { text: words(9_000), tokensPerSecond: 1_000, stallAfterChunks: 2_000 });
    const asked = visitor.say("stop far in");
    const last = await visitor.sees(/w1999$/, asked);
    await visitor.press(last, "Stop");
    await visitor.sees("Retry", asked);
    expect(
      plain(
        visitor
          .written()
          .map(({ text }) => text)
          .join(""),
      ),
    ).toBe(plain(`${words(2_000)}⏹ Stopped.`));
    expect(visitor.written().flatMap(buttonsOf)).toHaveLength(1);
  });

  test("Regenerate replaces or removes the file of a long answer", async () => {
    const visitor = rig.visitor();
    const fast = { tokensPerSecond: 20_000 };
    rig.answers(
      "with a file",
      { text: words(6_000), ...fast },
      { text: words(6_000, "x"), ...fast },
      { text: "short" },
    );
    const asked = visitor.say("with a file");
    const first = await visitor.sees(/whole answer as a file/, asked);
    await visitor.press(await visitor.sees("Regenerate", asked), "Regenerate");
    const second = await visitor.sees(/whole answer as a file/, first.id);
    expect(Buffer.from(second.document?.bytes ?? []).toString()).toBe(words(6_000, "x"));
    const shown = visitor.written().filter(({ document }) => document === undefined);
    expect(plain(shown.map(({ text }) => text).join(""))).toBe(plain(words(6_000, "x")));
    expect(visitor.message(first.id)).toBeUndefined();
    await visitor.press(await visitor.sees("Regenerate", asked), "Regenerate");
    await until(() => visitor.written().length === 1 && visitor.written()[0]?.text === "short");
  });

  test("/new drops the questions before it, and edits of what was forgotten do nothing", async () => {
    const visitor = rig.visitor();
    const forgotten = visitor.say("to be forgotten");
    await visitor.sees("Regenerate", forgotten);
    rig.answers("new drops", { text: words(900), tokensPerSecond: 30 });
    await visitor.ask("new drops", "Stop");
    visitor.say("dropped by new");
    const sent = visitor.say("/new");
    visitor.say("right behind the new");
    await visitor.sees(/right behind the new/, sent);
    rig.botApi.user.edit(visitor.chatId, forgotten, "forgotten, edited");
    await visitor.ask("and one more");
    expect(rig.requests("dropped by new")).toEqual([]);
    expect(rig.requests("forgotten, edited")).toEqual([]);
    expect(dialogueOf(rig.requests("right behind the new")[0])).toEqual([persona, "user: right behind the new"]);
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

  test("a persona may be as long as it says; media and quick commands do not disturb the dialog", async () => {
    const visitor = rig.visitor();
    await visitor.sees(/Send me the new one/, visitor.say("/system"));
    rig.botApi.user.sendVoice(visitor.chatId, visitor.userId);
    await visitor.sees(/I read text so far/);
    await visitor.sees(/3000 characters; yours has 3001/, visitor.say("p".repeat(3_001)));
    await visitor.sees(/Commands:/, visitor.say("/help"));
    const preview = await visitor.sees(/would be/, visitor.say("q".repeat(3_000)));
    await visitor.press(preview, "Save");
    await visitor.sees(/^Saved/);
  });

  test("shows a table with more columns than fit, every cell in order", async () => {
    const visitor = rig.visitor();
    const columns = Array.from({ length: 30 }, (_, column) => `column${column}`);
    const cells = Array.from({ length: 40 }, (_, row) => columns.map((_name, column) => `r${row}c${column}.`));
    const lines = [columns, columns.map(() => "---"), ...cells].map((line) => `| ${line.join(" | ")} |`);
    rig.answers("wide table", { text: `${lines.join("\n")}\n\ndone`, tokensPerSecond: 3_000 });
    const asked = visitor.say("wide table");
    await visitor.sees("Regenerate", asked);
    const parts = visitor.written().filter(({ document }) => document === undefined);
    const shown = parts.map(({ text }) => text).join("\n");
    expect(shown.match(/r\d+c\d+\./g)).toEqual(cells.flat());
  });
});
