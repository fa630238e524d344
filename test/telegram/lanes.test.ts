import type { MessageEntity } from "grammy/types";
import { describe, expect, it } from "vitest";
import { commands } from "../../src/telegram/commands.ts";
import { commandOf, threadOf } from "../../src/telegram/messages.ts";
import {
  address,
  admin,
  arrives,
  bot,
  content,
  edited,
  group,
  groupQuestion,
  inGroup,
  pressed,
  privateChat,
  question,
  stranger,
  written,
} from "../support/addressed-updates.ts";

describe("questions", () => {
  it("takes every text of a private chat as a question that its sender pays for", () => {
    expect(arrives(written("hello"))).toEqual(question);
    expect(arrives(written("what is /model for?"))).toEqual(question);
  });

  it("takes a picture as a question, with words beside it or without, and in a group only when it is called", () => {
    const photo = { photo: [{ file_id: "f", file_unique_id: "u", width: 1, height: 1 }] };
    expect(arrives(content({ ...photo, caption: "what is this?" }))).toEqual(question);
    expect(arrives(content(photo))).toEqual(question);
    expect(edited(content(photo))).toMatchObject({ kind: "edit", question: 50 });
    expect(arrives(content({ ...photo, chat: group }))).toBeUndefined();
    expect(arrives(content({ ...photo, chat: group, reply_to_message: { from: bot } }))).toEqual(groupQuestion);
    expect(arrives(content({ ...photo, chat: group, caption: "look, @parley_bot" }))).toEqual(groupQuestion);
  });

  it.each(["new_chat_title", "forum_topic_created", "pinned_message", "new_chat_members", "group_chat_created"])(
    "ignores the service message %s",
    (field) => {
      expect(arrives(content({ [field]: {} }))).toBeUndefined();
    },
  );

  it("ignores what other bots write, but not an anonymous admin of a group", () => {
    const other = { id: 5, is_bot: true, first_name: "Other" };
    expect(arrives(inGroup("@parley_bot hi", { from: other }))).toBeUndefined();
    const anonymous = inGroup("@parley_bot hi", { from: other, sender_chat: group });
    expect(arrives(anonymous)).toEqual({ ...groupQuestion, payer: -100 });
  });
});

describe("conversations", () => {
  it("makes one of each topic, in groups and in private chats", () => {
    const topic = { is_topic_message: true, message_thread_id: 12 };
    expect(arrives(written("hi", topic))?.conversation).toBe("7:12");
    expect(arrives(inGroup("@parley_bot hi", topic))?.conversation).toBe("-100:12");
    expect(pressed("again:50", { message: content({ from: bot, text: "x", ...topic }) })?.conversation).toBe("7:12");
  });

  it("does not take a chain of replies for a topic", () => {
    const chain = { message_thread_id: 12 };
    expect(arrives(inGroup("@parley_bot hi", chain))?.conversation).toBe("-100");
    expect(threadOf(content(chain))).toBeUndefined();
  });
});

describe("commands", () => {
  it.each(commands.map((command) => ({ interrupt: undefined, asks: false, ...command })))(
    "/$name takes the $lane lane and is never a question of its text",
    ({ name, lane, interrupt, asks }) => {
      const expected = {
        lane,
        kind: "command",
        payer: admin.id,
        ...(interrupt === undefined ? {} : { interrupt: { kind: interrupt } }),
        ...(asks ? { question: 50 } : {}),
      };
      for (const text of [
        `/${name}`,
        `/${name.toUpperCase()} with words`,
        `/${name}@parley_bot`,
        `/${name}@PARLEY_BOT x`,
      ]) {
        const from = admin;
        expect(arrives(written(text, { from })), text).toEqual({ conversation: "7", ...expected });
        expect(arrives(inGroup(text, { from })), text).toEqual({ conversation: "-100", ...expected });
      }
    },
  );

  it("/budget waits behind no answer where it opens no dialog: for all but admins", () => {
    expect(arrives(written("/budget"))).toMatchObject({ conversation: "7", lane: "quick" });
    expect(arrives(written("/budget", { from: admin }))).toMatchObject({ conversation: "7", lane: "turn" });
  });

  it("only /retry and /image pay as a question does, and only /stop, /new and /reset interrupt", () => {
    const all = commands.map(({ name }) => ({ name, addressed: arrives(written(`/${name}`)) }));
    expect(all.filter(({ addressed }) => addressed?.question !== undefined).map(({ name }) => name)).toEqual([
      "retry",
      "image",
    ]);
    const interrupting = all.filter(({ addressed }) => addressed?.interrupt !== undefined).map(({ name }) => name);
    expect(interrupting).toEqual(["new", "reset", "stop"]);
  });

  it("leaves commands for another bot alone, in groups and private chats", () => {
    for (const text of ["/new@other_bot", "/unknown@other_bot", "/stop@parley_bots"]) {
      expect(arrives(inGroup(text)), text).toBeUndefined();
      expect(arrives(written(text)), text).toBeUndefined();
    }
  });

  it("answers an unknown command in a private chat or when named, and ignores a bare one in a group", () => {
    const unknown = { lane: "quick", kind: "command", payer: 7 };
    expect(arrives(written("/unknown"))).toEqual({ conversation: "7", ...unknown });
    expect(arrives(inGroup("/unknown@parley_bot"))).toEqual({ conversation: "-100", ...unknown });
    expect(arrives(inGroup("/unknown"))).toBeUndefined();
  });

  it("knows no property of an object for a command", () => {
    expect(arrives(written("/constructor"))).toEqual({ conversation: "7", lane: "quick", kind: "command", payer: 7 });
  });

  it("ignores edits of commands", () => {
    for (const text of ["/new", "/stop", "/retry", "/unknown"]) expect(edited(written(text)), text).toBeUndefined();
  });

  it("reads name, argument and bot", () => {
    expect(commandOf(written("/Model@Parley_Bot  openai/gpt \n"))).toEqual({
      name: "model",
      argument: "openai/gpt",
      bot: "parley_bot",
    });
    expect(commandOf(written("/model"))).toEqual({ name: "model", argument: "", bot: undefined });
    const later: MessageEntity[] = [{ type: "bot_command", offset: 4, length: 6 }];
    expect(commandOf(written("see /model", { entities: later }))).toBeUndefined();
    expect(commandOf(written("/model", { entities: undefined }))).toBeUndefined();
  });
});

describe("edits", () => {
  it("are questions that interrupt their own turn alone", () => {
    const edit = { ...question, kind: "edit", interrupt: { kind: "edit", question: 50 } };
    expect(edited(written("hello!"))).toEqual(edit);
    expect(edited(content({ photo: [], caption: "and this?" }))).toEqual(edit);
    expect(edited(inGroup("@parley_bot hello!"))).toEqual({ ...edit, conversation: "-100" });
  });

  it("to nothing readable are ignored", () => {
    expect(edited(content({ photo: [] }))).toBeUndefined();
    expect(edited(inGroup("@parley_bot"))).toBeUndefined();
  });
});

describe("buttons and other updates", () => {
  const quick = { conversation: "7", lane: "quick", kind: "button", payer: 7 };

  it.each([
    ["stop:81", { ...quick, interrupt: { kind: "stop", run: 81 } }],
    ["again:40", { ...quick, lane: "turn", question: 40 }],
    ["again:40:55", { ...quick, lane: "turn", question: 40 }],
    ["continue:40:900", { ...quick, lane: "turn", question: 40 }],
    ["continue:40", quick],
    ["continue:40:soon", quick],
    ["model:abc", quick],
    ["persona:save", { ...quick, lane: "turn" }],
    ["persona:cancel", { ...quick, lane: "turn" }],
    ["persona:delete", quick],
    ["stop:", quick],
    ["stop:soon", quick],
    ["again:", quick],
    ["again:1.5", quick],
    ["stop", quick],
    ["", quick],
    [undefined, quick],
  ])("the press %j is addressed to its lane", (data, expected) => {
    expect(pressed(data)).toEqual(expected);
  });

  it("takes a press on a message that Telegram shows no more, and on none at all", () => {
    const inaccessible = { chat: group, message_id: 4, date: 0 };
    expect(pressed("again:3", { message: inaccessible })).toMatchObject({ conversation: "-100", lane: "turn" });
    expect(pressed("stop:3", { message: undefined })).toEqual({ ...quick, conversation: "update:1" });
  });

  it("takes Telegram's own Stop for the run that its draft names", () => {
    const stopped = { chat: privateChat, draft_id: 81 };
    const expected = { conversation: "7", lane: "quick", kind: "stop", interrupt: { kind: "stop", run: 81 } };
    expect(address({ stopped_message_generation: stopped })).toEqual(expected);
    const inTopic = address({ stopped_message_generation: { ...stopped, message_thread_id: 12 } });
    expect(inTopic).toEqual({ ...expected, conversation: "7:12" });
  });

  it("takes changes of membership from everybody, in the chat's quick lane", () => {
    const change = { chat: group, from: stranger, date: 1, old_chat_member: {}, new_chat_member: {} };
    expect(address({ my_chat_member: change })).toEqual({ conversation: "-100", lane: "quick", kind: "membership" });
  });

  it("gives an update without a chat a lane of its own", () => {
    expect(address({ update_id: 31 })).toEqual({ conversation: "update:31", lane: "quick", kind: "other" });
    expect(address({ update_id: 32, poll: {} })?.conversation).toBe("update:32");
  });
});

describe("strangers", () => {
  const notice = { conversation: "-100", lane: "quick", kind: "stranger" };

  it.each(["@parley_bot hi", "/stop@parley_bot", "/new@parley_bot", "/retry@parley_bot"])(
    "wait for nothing, pay nothing and interrupt nothing with %s",
    (text) => {
      expect(arrives(inGroup(text, { from: stranger }))).toEqual(notice);
    },
  );

  it("interrupt nothing by edits, buttons or a draft's Stop", () => {
    expect(edited(inGroup("@parley_bot hi", { from: stranger }))).toEqual(notice);
    const message = content({ chat: group, from: bot, text: "x" });
    for (const data of ["stop:1", "again:1", "persona:save"]) {
      expect(pressed(data, { from: stranger, message }), data).toEqual(notice);
    }
    const chat = { id: stranger.id, type: "private" };
    expect(address({ stopped_message_generation: { chat, draft_id: 1 } })).toEqual({ ...notice, conversation: "66" });
  });

  it("are those without a sender, too", () => {
    expect(arrives(inGroup("@parley_bot hi", { from: undefined }))).toEqual(notice);
  });

  it("are not told anything when they do not speak to the bot", () => {
    expect(arrives(inGroup("hi", { from: stranger }))).toBeUndefined();
  });
});
