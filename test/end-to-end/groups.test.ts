/** The real process in groups and their topics. */
import { describe, expect, test } from "vitest";
import { answersIn, dialogueOf, persona, seen, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the bot in a group", { timeout: 180_000 }, () => {
  const rig = sharedRig();
  let people = 5_000;

  /** A group of two with what its members can do. */
  function group(forum = false) {
    const ada = ++people;
    const ben = ++people;
    const chatId = rig.botApi.user.createGroup({ title: "A group", memberIds: [ada, ben], forum });
    return {
      chatId,
      ada,
      ben,
      say: (text: string, options?: { threadId?: number; replyTo?: number }, by = ada) =>
        rig.botApi.user.sendText(chatId, by, text, options).message_id,
      sees: (what: string | RegExp, after?: number) => seen(rig.botApi, chatId, what, after),
      written: () => answersIn(rig.botApi, chatId),
    };
  }

  test("stays silent until it is mentioned, and answers the mention as a reply", async () => {
    const { say, sees, written } = group();
    say("just talking to each other");
    say("my address is me@parley_bot.example");
    say("@parley_bottom is somebody else");
    say("@parley_bot2 too");
    const asked = say("@parley_bot what is the capital");
    const answer = await sees("Regenerate", asked);
    expect(answer.replyTo).toBe(asked);
    expect(dialogueOf(rig.requests("what is the capital")[0])).toEqual([persona, "user: what is the capital"]);
    expect(written()).toHaveLength(1);
  });

  test.for([
    ["in any case", "hey @PARLEY_Bot case of mention", "hey case of mention"],
    ["at the end", "the end of mention @parley_bot", "the end of mention"],
    ["beside punctuation", "punctuation of mention, @parley_bot!", "punctuation of mention, !"],
    ["on a line of its own", "line of mention\n@parley_bot\nand more", "line of mention\n\nand more"],
  ])("finds its name %s", async ([, text = "", question = ""]) => {
    const { say, sees } = group();
    const asked = say(text);
    expect((await sees("Regenerate", asked)).replyTo).toBe(asked);
    expect(rig.requests(question)).toHaveLength(1);
  });

  test("answers replies to itself and no others, and all members share one conversation", async () => {
    const { say, sees, written, ada, ben } = group();
    rig.answers("shared question", { text: "shared answer" });
    const answer = await sees("Regenerate", say("@parley_bot shared question", {}, ada));
    const other = say("a remark", {}, ada);
    say("a reply to the remark", { replyTo: other }, ben);
    const followUp = say("and what follows", { replyTo: answer.id }, ben);
    expect((await sees("Regenerate", followUp)).replyTo).toBe(followUp);
    expect(dialogueOf(rig.requests("and what follows")[0])).toEqual([
      persona,
      "user: shared question",
      "assistant: shared answer",
      "user: and what follows",
    ]);
    expect(rig.requests("a reply to the remark")).toEqual([]);
    expect(written()).toHaveLength(2);
  });

  test("brings along the message that a mention answers", async () => {
    const { say, sees, ben } = group();
    const remark = say("cats are liquid", {}, ben);
    await sees("Regenerate", say("@parley_bot is this true", { replyTo: remark }));
    expect(rig.requests("> cats are liquid\n\nis this true")).toHaveLength(1);
  });

  test("takes its own commands, bare or by name, and leaves those of other bots alone", async () => {
    const { say, sees, written } = group();
    say("/unknown_here");
    say("/help@other_bot");
    const asked = say("/model@Parley_Bot");
    expect((await sees(/Model: test\/one/)).replyTo).toBe(asked);
    const help = say("/help");
    expect((await sees(/Commands:/)).replyTo).toBe(help);
    await sees(/do not know this command/, say("/unknown_here@parley_bot"));
    expect(written()).toHaveLength(3);
  });

  test("says one word to a mention without a question, and none to pictures", async () => {
    const { say, sees, chatId, ada, written } = group();
    rig.botApi.user.sendPhoto(chatId, ada);
    rig.botApi.user.sendSticker(chatId, ada);
    await sees(/Yes\?/, say("@parley_bot"));
    rig.botApi.user.sendPhoto(chatId, ada, { caption: "@parley_bot caption in a group" });
    await sees("Regenerate");
    const asked = rig.model.requests.map(({ body }) => body.messages.at(-1)?.content ?? "");
    expect(asked.filter((text) => /^\[picture: JPEG[^\n]*\ncaption in a group$/.test(text))).toHaveLength(1);
    expect(written()).toHaveLength(2);
  });

  test("lets any member stop the answer that is written", async () => {
    const { say, sees, ben } = group();
    rig.answers("stop me in a group", { text: words(500), tokensPerSecond: 50, stallAfterChunks: 20 });
    const asked = say("@parley_bot stop me in a group");
    await sees("Stop", asked);
    await until(() => rig.model.requests.some(({ body }) => body.messages.at(-1)?.content === "stop me in a group"));
    await new Promise((resolve) => setTimeout(resolve, 800));
    say("/stop", {}, ben);
    const stopped = await sees("Retry", asked);
    expect(stopped.text).toBe(`${words(20)}\n\n⏹ Stopped.`);
  });

  test("keeps topics apart, and answers, commands and files stay in theirs", async () => {
    const { say, sees, chatId, ada, written } = group(true);
    const one = rig.botApi.user.createTopic(chatId, "one", ada).threadId;
    const two = rig.botApi.user.createTopic(chatId, "two", ada).threadId;
    rig.answers("asked in topic one", { text: words(6_000), tokensPerSecond: 10_000 });
    const first = say("@parley_bot asked in topic one", { threadId: one });
    await sees("Regenerate", first);
    const file = await sees(/whole answer as a file/, first);
    const second = say("@parley_bot asked in topic two", { threadId: two });
    expect((await sees("Regenerate", second)).threadId).toBe(two);
    expect(dialogueOf(rig.requests("asked in topic two")[0])).toEqual([persona, "user: asked in topic two"]);
    const general = say("@parley_bot asked in the general one");
    expect((await sees("Regenerate", general)).threadId).toBeUndefined();
    expect(dialogueOf(rig.requests("asked in the general one")[0])).toEqual([
      persona,
      "user: asked in the general one",
    ]);
    const exported = await sees(/Markdown file/, say("/export", { threadId: one }));
    const help = await sees(/Commands:/, say("/help", { threadId: two }));
    expect(file.threadId).toBe(one);
    expect(exported.threadId).toBe(one);
    expect(help.threadId).toBe(two);
    const longAnswer = written().filter(({ id }) => id > first && id <= file.id);
    expect(longAnswer.length).toBeGreaterThan(5);
    for (const part of longAnswer) expect(part.threadId).toBe(one);
  });

  test("takes a message in a topic that it opened itself for no reply", async () => {
    const { say, sees, chatId, written } = group(true);
    const own = rig.botApi.user.createTopic(chatId, "the bot's", "bot").threadId;
    say("people talking in the topic of the bot", { threadId: own });
    const asked = say("@parley_bot called in the topic of the bot", { threadId: own });
    const answer = await sees("Regenerate", asked);
    expect(answer.threadId).toBe(own);
    say("a reply in the topic of the bot", { threadId: own, replyTo: answer.id });
    await until(() => rig.requests("a reply in the topic of the bot").length === 1);
    await sees("Regenerate", answer.id);
    expect(rig.requests("people talking in the topic of the bot")).toEqual([]);
    expect(written()).toHaveLength(2);
  });

  test("a persona dialog in a group hears its own user alone, replies and buttons", async () => {
    const { say, sees, chatId, ada, ben } = group();
    const ask = await sees(/Send me the new one/, say("/system", {}, ada));
    rig.answers("a question of another member", { text: "answered meanwhile" });
    await sees(/answered meanwhile/, say("@parley_bot a question of another member", {}, ben));
    const preview = await sees(/would be:\n\nA group persona/, say("A group persona", { replyTo: ask.id }, ada));
    expect(await rig.botApi.user.press(chatId, preview.id, "Cancel", ben)).toBeDefined();
    await rig.botApi.user.press(chatId, preview.id, "Save", ada);
    await sees(/^Saved/);
    await sees("Regenerate", say("@parley_bot with the group persona"));
    expect(dialogueOf(rig.requests("with the group persona")[0])[0]).toBe("system: A group persona");
  });

  test("a dialog's buttons do not spin behind an answer that is being written", async () => {
    const { say, sees, chatId, ada, ben } = group();
    const ask = await sees(/Send me the new one/, say("/system", {}, ada));
    const preview = await sees(/would be/, say("A patient persona", { replyTo: ask.id }, ada));
    rig.answers("a long one in the group", { text: words(40), stallAfterChunks: 20, tokensPerSecond: 200 });
    const writing = await sees("Stop", say("@parley_bot a long one in the group", {}, ben));
    const answered = await rig.botApi.user.press(chatId, preview.id, "Save", ada);
    expect(answered).toBeDefined();
    expect(answered?.text).toBeUndefined();
    expect((await rig.botApi.user.press(chatId, preview.id, "Save", ben))?.text).toContain("over");
    await rig.botApi.user.press(chatId, writing.id, "Stop", ben);
    await sees(/^Saved/, writing.id);
  });
});
