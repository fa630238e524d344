/** What a person in a private chat sees of an answer, with Telegram and the model in good health. */
import { describe, expect, test } from "vitest";
import { buttonsOf, dialogueOf, persona, plain, until, words } from "../support/bot-process.ts";
import { noteWords } from "../support/note-words.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the answers of the bot", { timeout: 180_000 }, () => {
  const rig = sharedRig();

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

  test("takes an answer that has reached its limit of tokens as it is, says so, and remembers it without that line", async () => {
    const visitor = rig.visitor();
    rig.answers("cut at the limit", { text: words(40), finishReason: "length" });
    const answer = await visitor.ask("cut at the limit");
    expect(answer.text).toBe(`${words(40)}\n\n${noteWords.cutAtLength}`);
    expect(buttonsOf(answer)).toEqual([expect.stringContaining("Continue"), expect.stringContaining("Regenerate")]);
    await visitor.ask("behind the limit");
    expect(dialogueOf(rig.requests("behind the limit")[0])).toEqual([
      persona,
      "user: cut at the limit",
      `assistant: ${words(40)}`,
      "user: behind the limit",
    ]);
  });

  test("keeps Regenerate under the newest answer alone", async () => {
    const visitor = rig.visitor();
    const first = await visitor.ask("first of two");
    const second = await visitor.ask("second of two");
    await until(() => buttonsOf(visitor.message(first.id)).length === 0);
    expect(buttonsOf(visitor.message(second.id)).join()).toContain("Regenerate");
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

  test("takes a sticker for what its emoji says, and a caption for a question", async () => {
    const visitor = rig.visitor();
    const { chatId, userId } = visitor;
    rig.botApi.user.sendSticker(chatId, userId);
    const notice = await visitor.sees(/\[sticker 🙂\]/);
    const photo = rig.botApi.user.sendPhoto(chatId, userId, { caption: "what is in the picture" });
    await visitor.sees(/I see a picture[\s\S]*what is in the picture/, Math.max(photo.message_id, notice.id));
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
    // In a private chat nobody is pinged, and a name can be copied as the model wrote it; a group breaks it.
    expect(of("mention")).toEqual(["@someone"]);
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
});
