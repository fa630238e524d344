import { describe, expect, it } from "vitest";
import {
  ada,
  arrives,
  bot,
  content,
  edited,
  group,
  groupQuestion,
  inGroup,
  type Parts,
  stranger,
} from "../support/addressed-updates.ts";

describe("a group that becomes a supergroup", () => {
  const small = { id: -7, type: "group", title: "Family" };
  const expected = { conversation: "-1007", lane: "turn", kind: "migration" };

  it("is told of in the lane of the new chat, whoever did it, where the next question waits for it", () => {
    for (const from of [ada, stranger, undefined]) {
      expect(arrives(content({ from, chat: small, migrate_to_chat_id: -1007 }))).toEqual(expected);
      const there = { id: -1007, type: "supergroup", title: "Family" };
      expect(arrives(content({ from, chat: there, migrate_from_chat_id: -7 }))).toEqual(expected);
    }
    for (const odd of ["x", {}, null, Number.NaN, -7]) {
      expect(arrives(content({ chat: small, migrate_to_chat_id: odd }))).toBeUndefined();
    }
  });
});

describe("in a group", () => {
  it("stays silent until it is called", () => {
    expect(arrives(inGroup("hello all"))).toBeUndefined();
    expect(edited(inGroup("hello all"))).toBeUndefined();
  });

  it.each([
    "@parley_bot hi",
    "hi @parley_bot",
    "so, @PARLEY_BOT: why?",
    "(@Parley_Bot)",
    "one\n@parley_bot\ntwo",
    "@parley_bot's opinion?",
    "ask @parley_bot.",
  ])("hears its name in %j", (text) => {
    expect(arrives(inGroup(text))).toEqual(groupQuestion);
  });

  it.each([
    "@parley_bots hi",
    "@parley_bot2 hi",
    "mail me@parley_bot now",
    "@@parley_bot",
    "parley_bot hi",
    "@parley hi",
    "_@parley_bot",
  ])("does not hear its name in %j", (text) => {
    expect(arrives(inGroup(text))).toBeUndefined();
  });

  it("hears a mention by id, of itself only", () => {
    const mention = (user: object) => ({ entities: [{ type: "text_mention", offset: 0, length: 6, user }] });
    expect(arrives(inGroup("Parley, why?", mention(bot)))).toEqual(groupQuestion);
    expect(arrives(inGroup("Parley, why?", mention(stranger)))).toBeUndefined();
  });

  it("hears a bare mention as a message without a question", () => {
    expect(arrives(inGroup("@parley_bot"))).toEqual({
      conversation: "-100",
      lane: "quick",
      kind: "unsupported",
      payer: 7,
    });
  });

  it("hears a reply to its own message, not to another's", () => {
    const replyTo = (parts: Parts) => ({ reply_to_message: content({ chat: group, ...parts }) });
    expect(arrives(inGroup("why?", replyTo({ from: bot, text: "because" })))).toEqual(groupQuestion);
    expect(arrives(inGroup("why?", replyTo({ from: bot, document: {} })))).toEqual(groupQuestion);
    expect(arrives(inGroup("why?", replyTo({ from: ada, text: "because" })))).toBeUndefined();
  });

  it("does not take the service message of a topic that it created for a message of its own", () => {
    const topic = { is_topic_message: true, message_thread_id: 3 };
    const created = content({
      chat: group,
      from: bot,
      message_id: 3,
      forum_topic_created: { name: "T", icon_color: 1 },
    });
    expect(arrives(inGroup("hello all", { ...topic, reply_to_message: created }))).toBeUndefined();
    const called = arrives(inGroup("@parley_bot hi", { ...topic, reply_to_message: created }));
    expect(called).toEqual({ ...groupQuestion, conversation: "-100:3" });
  });
});
