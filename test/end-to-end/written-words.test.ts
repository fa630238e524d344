/** The real process and what people write: it reaches the model as it was written, with what it is about. */
import { describe, expect, test } from "vitest";
import { until } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("what people write", { timeout: 180_000 }, () => {
  const rig = sharedRig();
  const lastAsked = () => rig.model.requests.map(({ body }) => body.messages.at(-1)?.content);
  let messageId = 10_000;

  /** Brings a message as only some clients can send it. */
  function bring(visitor: ReturnType<typeof rig.visitor>, parts: object): number {
    messageId += 1;
    const from = { id: visitor.userId, is_bot: false, first_name: "Visitor" };
    const chat = { id: visitor.chatId, type: "private", first_name: "Visitor" } as const;
    const message = { message_id: messageId, date: 1_790_000_000, from, chat, ...parts };
    rig.botApi.user.raw({ message } as Parameters<typeof rig.botApi.user.raw>[0]);
    return messageId;
  }

  test("keeps its indentation, its tabs and its empty lines", async () => {
    const code = "def f(x):\n    if x:\n\t\treturn  1\n\n\n    # what is wrong here ";
    const visitor = rig.visitor();
    bring(visitor, { text: code });
    await visitor.sees("Regenerate");
    expect(lastAsked()).toContain(code);
  });

  test("keeps links and code that only its entities tell of", async () => {
    const visitor = rig.visitor();
    const text = "Run\nprint(1)\nas the manual says";
    const entities = [
      { type: "pre", offset: 4, length: 8, language: "python" },
      { type: "text_link", offset: 16, length: 10, url: "https://manual.example/run" },
      { type: "bold", offset: 9_000, length: 5 },
    ];
    bring(visitor, { text, entities });
    await visitor.sees("Regenerate");
    expect(lastAsked()).toContain("Run\n```python\nprint(1)\n```\nas [the manual](https://manual.example/run) says");
  });

  test("brings along what it replies to, but not the newest answer", async () => {
    const visitor = rig.visitor();
    rig.answers("the first of the replies", { text: "an older answer" });
    const older = await visitor.ask("the first of the replies");
    const newest = await visitor.ask("the second of the replies");
    visitor.say("what about this older one", { replyTo: older.id });
    await until(() => lastAsked().includes("> an older answer\n\nwhat about this older one"));
    await visitor.sees("Regenerate", newest.id);
    const last = visitor.written().at(-1)?.id ?? 0;
    visitor.say("what about this newest one", { replyTo: last });
    await until(() => lastAsked().includes("what about this newest one"));
  });

  test("says who wrote what is forwarded or quoted from elsewhere", async () => {
    const visitor = rig.visitor();
    const origin = { type: "hidden_user", date: 1, sender_user_name: "Eva Lu Ator" };
    bring(visitor, { text: "is this so?", forward_origin: origin });
    await until(() => lastAsked().includes("[forwarded from Eva Lu Ator]\nis this so?"));
    bring(visitor, { text: "and this?", external_reply: { origin }, quote: { text: "all is one", position: 0 } });
    await until(() => lastAsked().includes("> [from Eva Lu Ator]\n> all is one\n\nand this?"));
  });

  test("gives an album one line, with words below its answer and without as a notice", async () => {
    const visitor = rig.visitor();
    const video = { video: { file_id: "f", file_unique_id: "u", width: 1, height: 1, duration: 1 } };
    for (let part = 0; part < 3; part++) bring(visitor, { ...video, media_group_id: "no words" });
    await visitor.sees(/So far I read text, photos/);
    bring(visitor, { ...video, media_group_id: "words", caption: "who are they" });
    for (let part = 0; part < 2; part++) bring(visitor, { ...video, media_group_id: "words" });
    const answer = await visitor.sees("Regenerate");
    expect(answer.text).toMatch(/📎 I cannot see the video yet[^\n]*$/);
    await visitor.ask("and after the albums");
    expect(visitor.written()).toHaveLength(3);
    const unseen = "[a video that you cannot see]";
    expect(lastAsked()).toContain([unseen, "who are they", unseen, unseen].join("\n"));
  });

  test("gives one line to what cannot be read, of kinds that nobody knows too, and none to Telegram's own", async () => {
    const visitor = rig.visitor();
    const kinds = ["checklist", "game", "paid_media", "story", "hologram"];
    for (const kind of kinds) bring(visitor, { [kind]: {} });
    for (const own of ["pinned_message", "chat_background_set", "write_access_allowed"]) bring(visitor, { [own]: {} });
    await until(() => visitor.written().length === kinds.length);
    await visitor.ask("and after all of them");
    expect(visitor.written()).toHaveLength(kinds.length + 1);
  });
});
