/** The real process and thoughts that come in several messages: each gets one answer, also over kills. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answersIn, createRig, type Rig, token, until, type Visitor } from "../support/bot-process.ts";
import { deleteKeys, findRedis, newPrefix } from "../support/redis-server.ts";

const redis = await findRedis();
const prefix = newPrefix();
const engines: [string, Record<string, string>][] = [["the embedded engine", {}]];
if (redis.missing === undefined) engines.push(["Redis", { REDIS_URL: redis.url, REDIS_PREFIX: prefix }]);

const video = { video: { file_id: "f", file_unique_id: "u", width: 1, height: 1, duration: 1 } };
const unseen = "[a video that you cannot see]";
/** Nobody waits for it. */
const never = { text: "too early", delayFirstMs: 600_000 };

describe.each(engines)("a thought in several messages, over %s", { timeout: 120_000 }, (engine, env) => {
  let rig: Rig;
  let messageId = 20_000;
  let updateId = 5_000_000;
  beforeAll(async () => {
    rig = await createRig({ env });
    await rig.start();
  }, 60_000);
  afterAll(async () => {
    await rig.stop();
    if (redis.missing === undefined) await deleteKeys(redis.url, prefix);
  });

  /** Sends messages at once; the function that it returns has Telegram deliver them all once more. */
  function send({ userId, chatId }: Pick<Visitor, "userId" | "chatId">, messages: readonly object[]): () => void {
    const from = { id: userId, is_bot: false, first_name: "Visitor" };
    const chat =
      chatId > 0
        ? { id: chatId, type: "private", first_name: "Visitor" }
        : { id: chatId, type: "supergroup", title: "Group" };
    // Telegram counts on from the highest id that it has given.
    updateId += 1_000;
    const updates = messages.map((message) => {
      updateId += 1;
      messageId += 1;
      return { update_id: updateId, message: { message_id: messageId, date: 1_790_000_000, from, chat, ...message } };
    });
    const deliver = () => {
      for (const update of updates) rig.botApi.user.raw(update as Parameters<typeof rig.botApi.user.raw>[0]);
    };
    deliver();
    return deliver;
  }

  const album = (name: string, captions: readonly (string | undefined)[]) =>
    captions.map((caption) => ({
      ...video,
      media_group_id: `${name} ${engine}`,
      ...(caption === undefined ? {} : { caption }),
    }));

  /** All that was sent is stored: Telegram may forget it. */
  async function stored(): Promise<void> {
    await until(async () => {
      const response = await fetch(`${rig.botApi.url}/bot${token}/getWebhookInfo`);
      const { result } = (await response.json()) as { result: { pending_update_count: number } };
      return result.pending_update_count === 0;
    });
  }

  /** Lets everything before it be handled, in both lanes. */
  async function settle(visitor: Visitor, question: string): Promise<void> {
    await visitor.ask(question);
    visitor.say("/usage");
    await visitor.sees(/Your use/);
  }

  /** The answers, without what `settle` has brought. */
  const answers = (visitor: Visitor) =>
    visitor.written().flatMap(({ text }) => text.match(/one answer|too early|So far I read text, photos/g) ?? []);

  test("an album without words gets one notice, also when it is delivered again after a restart", async () => {
    const visitor = rig.visitor();
    const deliverAgain = send(visitor, album("no words", [undefined, undefined, undefined]));
    await visitor.sees(/So far I read text, photos/);
    deliverAgain();
    await rig.end("SIGKILL");
    await rig.start();
    deliverAgain();
    await settle(visitor, "behind the album without words");
    expect(answers(visitor)).toEqual(["So far I read text, photos"]);
  });

  test.for<[name: string, messages: readonly object[], question: string]>([
    [
      "an album with its caption below the third picture",
      album("third", [undefined, undefined, "who are they", undefined]),
      [unseen, unseen, unseen, "who are they", unseen].join("\n"),
    ],
    [
      "a text that the client has cut",
      ["a".repeat(4_096), "b".repeat(4_000), "and what does that mean"].map((text) => ({ text })),
      `${"a".repeat(4_096)}${"b".repeat(4_000)}\nand what does that mean`,
    ],
    [
      "a comment with what is forwarded",
      [
        { text: "what about these two" },
        ...["all is one", "or two"].map((text) => ({
          text,
          forward_origin: { type: "hidden_user", date: 1, sender_user_name: "Eva" },
        })),
      ],
      "what about these two\n[forwarded from Eva]\nall is one\n[forwarded from Eva]\nor two",
    ],
    [
      "a question and its picture",
      [{ text: "what is on this picture" }, video],
      ["what is on this picture", unseen].join("\n"),
    ],
  ])("%s gets one answer, also when it is delivered again", async ([name, messages, question]) => {
    const visitor = rig.visitor();
    rig.answers("what about these two", never);
    rig.answers("what is on this picture", never);
    rig.answers(question, { text: "one answer" });
    const before = rig.requests(question).length;
    const deliverAgain = send(visitor, messages);
    await visitor.sees("Regenerate");
    deliverAgain();
    await settle(visitor, `behind ${name}`);
    expect(answers(visitor)).toEqual(["one answer"]);
    expect(rig.requests(question)).toHaveLength(before + 1);
  });

  test("in a group, an album is answered below its caption, also when others write in between", async () => {
    const [ada, ben] = [8_000_001, 8_000_002];
    const chatId = rig.botApi.user.createGroup({ title: "Group", memberIds: [ada, ben] });
    rig.answers([unseen, unseen, unseen, "who is in our group", unseen].join("\n"), { text: "one answer" });
    rig.answers("what does ben want", { text: "another answer" });
    const parts = album("group", [undefined, undefined, "@parley_bot who is in our group", undefined]);
    send({ userId: ada, chatId }, album("of nobody", [undefined, "not for the bot"]));
    send({ userId: ada, chatId }, parts.slice(0, 2));
    send({ userId: ben, chatId }, [{ text: "@parley_bot what does ben want" }]);
    const captioned = messageId + 1;
    send({ userId: ada, chatId }, parts.slice(2));
    const found = () =>
      answersIn(rig.botApi, chatId).flatMap(({ text }) => text.match(/one answer|another answer/g) ?? []);
    await until(() => found().length === 2);
    expect(answersIn(rig.botApi, chatId)).toHaveLength(2);
    expect(found().toSorted()).toEqual(["another answer", "one answer"]);
    const sent = rig.botApi.calls.filter((call) => call.method === "sendMessage" && call.chatId === chatId);
    const repliedTo = sent.map(({ params }) => JSON.stringify(params));
    expect(repliedTo.filter((params) => params.includes(String(captioned)))).toHaveLength(1);
  });

  test("killed between two of its parts, an album is answered once, as a whole", async () => {
    const visitor = rig.visitor();
    const parts = album("killed between", ["who was killed here", undefined, undefined, undefined]);
    const whole = [unseen, "who was killed here", unseen, unseen, unseen].join("\n");
    for (const lines of [2, 3, 4]) rig.answers(whole.split("\n").slice(0, lines).join("\n"), never);
    rig.answers(whole, { text: "one answer" });
    send(visitor, parts.slice(0, 2));
    await stored();
    await rig.end("SIGKILL");
    // Another process would poll at once.
    if (engine === "Redis") await deleteKeys(redis.url, `${prefix}}:role:`);
    send(visitor, parts.slice(2));
    await rig.start();
    await visitor.sees("Regenerate");
    await settle(visitor, "behind the album that was killed between");
    expect(answers(visitor)).toEqual(["one answer"]);
  });

  test("killed while it is answered, an album is answered once, as a whole", async () => {
    const visitor = rig.visitor();
    const whole = [unseen, "who dies in the middle", unseen, unseen].join("\n");
    rig.answers(whole, { text: `begun ${"and so on ".repeat(400)}`, tokensPerSecond: 20 }, { text: "one answer" });
    const deliverAgain = send(visitor, album("killed meanwhile", ["who dies in the middle", undefined, undefined]));
    // Its message is known once it is edited: the request that creates it may leave a copy.
    await until(() => visitor.written().some(({ text, views }) => text.startsWith("begun") && views.length > 1));
    await rig.end("SIGKILL");
    deliverAgain();
    await rig.start();
    await visitor.sees("Regenerate");
    await settle(visitor, "behind the album that was killed meanwhile");
    expect(answers(visitor)).toEqual(["one answer"]);
    expect(visitor.written().filter(({ text }) => text.includes("begun"))).toEqual([]);
    expect(rig.requests(whole)).toHaveLength(2);
  });

  test("/stop forgets an album that waits for its parts", async () => {
    const visitor = rig.visitor();
    send(visitor, [...album("stopped", ["who is to be stopped", undefined]), { text: "/stop", entities: stop }]);
    await settle(visitor, "behind the album that was stopped");
    expect(answers(visitor)).toEqual([]);
    expect(rig.requests([unseen, "who is to be stopped", unseen].join("\n"))).toEqual([]);
  });
});

const stop = [{ type: "bot_command", offset: 0, length: 5 }];
