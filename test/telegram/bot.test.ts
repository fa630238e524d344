import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { textOf } from "../../src/ports/content.ts";
import { english as texts } from "../../src/texts/english.ts";
import { chat, createBotScene, group, mallory, said } from "../support/bot-scene.ts";

const scene = createBotScene();
const { arrive, message, write, press, handleUnqueued } = scene;

describe("what is refused", () => {
  it("is told with the seconds to wait, once, and asks no model", async () => {
    const refusal = { reason: "rate", tell: true, waitSeconds: 6 } as const;
    expect(said(await write("why?", {}, { lane: "quick", refusal }))).toEqual([texts.rateLimited(6)]);
    expect(await write("why?", {}, { lane: "quick", refusal: { ...refusal, tell: false } })).toEqual([]);
    expect(said(await write("why?", {}, { lane: "quick", refusal: { reason: "lane-full" } }))).toEqual([
      texts.laneFull,
    ]);
    expect(scene.requests).toEqual([]);
  });

  it("comes from strangers: told their id once an hour, in a group only when they do not call a command", async () => {
    scene.access.allowed.add(7);
    const stranger = { from: mallory, chat: { ...chat, id: 66 } };
    expect(said(await write("/stats@parley_bot", { ...stranger, chat: group }))).toEqual([]);
    expect(said(await write("why?", stranger))).toEqual([texts.notAllowed(66)]);
    for (const text of ["why?", "/stats", "/new"]) expect(await write(text, stranger), text).toEqual([]);
    // Cut short by a crash, the first one may have said nothing.
    expect(said(await write("why?", stranger, { attempt: 2 }))).toEqual([texts.notAllowed(66)]);
    expect(scene.requests).toEqual([]);
  });

  it("is what the bot cannot read, with one line about what it can", async () => {
    expect(said(await arrive({ message: { ...message(""), text: undefined, voice: {} } }))).toEqual([
      texts.unsupported,
    ]);
    expect(said(await write("@parley_bot", { chat: group }))).toEqual([texts.emptyMention]);
  });

  it("is an old button, which does not spin", async () => {
    for (const data of ["foreign", "stop:1", "model:gone"]) {
      const made = await press(data);
      expect(made[0]?.method, data).toBe("answerCallbackQuery");
      expect(made[0]?.payload["text"], data).toBeTruthy();
    }
    // What waits in the turn lane was answered when it arrived.
    expect((await press("persona:save")).map(({ method }) => method)).toEqual(["editMessageReplyMarkup"]);
    expect(scene.requests).toEqual([]);
  });
});

describe("a group that becomes a supergroup", () => {
  const small = { id: -7, type: "group", title: "Family" };
  const large = { id: -1007, type: "supergroup", title: "Family" };
  const tells = {
    to: () => arrive({ message: { ...message(""), text: undefined, chat: small, migrate_to_chat_id: -1007 } }),
    from: () => arrive({ message: { ...message(""), text: undefined, chat: large, migrate_from_chat_id: -7 } }),
  };
  const asked = () => scene.requests.at(-1)?.messages.map(({ content }) => content);

  it.each([
    ["to", "from"],
    ["from", "to"],
    ["to", "to"],
    ["from", "from"],
  ] as const)("keeps what was said and chosen when it is told of by %s and %s", async (first, second) => {
    await write("@parley_bot one", { chat: small });
    await write("/system@parley_bot Be a pirate", { chat: small });
    await write("/model@parley_bot b/two", { chat: small });
    expect(said(await tells[first]())).toEqual([]);
    await write("@parley_bot two", { chat: large });
    expect(said(await tells[second]())).toEqual([]);
    await write("@parley_bot three", { chat: large });
    expect(asked()).toEqual(["Be a pirate", "one", "answer 1", "two", "answer 2", "three"]);
    expect(scene.requests.at(-1)?.model).toBe("b/two");
  });

  it("keeps what was said in the new chat before it was told of, behind what was said in the former", async () => {
    await write("@parley_bot one", { chat: small });
    await write("@parley_bot two", { chat: large });
    await tells.to();
    await write("@parley_bot three", { chat: large });
    expect(asked()).toEqual(["one", "answer 1", "two", "answer 2", "three"]);
  });

  it("is told of by those who may not talk to the bot, too", async () => {
    await write("@parley_bot one", { chat: small });
    scene.access = { allowed: new Set([66]), allowedChats: new Set([-1007]) };
    await tells.to();
    expect((await scene.store.readHistory("-1007")).map(({ asked }) => textOf(asked))).toEqual(["one"]);
  });

  it("has a question that still waited answered there, and /retry answers the last one again", async () => {
    await write("@parley_bot one", { chat: small });
    await tells.to();
    scene.answer = ({ payload }) => {
      if (payload["chat_id"] !== -7) return undefined;
      const description = "Bad Request: group chat was upgraded to a supergroup chat";
      return { ok: false, error_code: 400, description, parameters: { migrate_to_chat_id: -1007 } };
    };
    const calls = await write("@parley_bot two", { chat: small });
    expect(calls.filter(({ payload }) => payload["chat_id"] === -1007).length).toBeGreaterThan(0);
    await write("/retry@parley_bot", { chat: large });
    expect(asked()).toEqual(["one", "answer 1", "two"]);
    expect((await scene.store.readHistory("-1007")).map(({ question }) => question < 0)).toEqual([true, true]);
  });
});

describe("the quick lane", () => {
  it("gives its slot away before the first call where the chat is held, not elsewhere", async () => {
    const aside: string[] = [];
    const help = (id: number) =>
      write("/help", { chat: { ...chat, id } }, { stepAside: () => void aside.push(`${id}`) });
    scene.hold(8);
    await help(7);
    await help(8);
    expect(aside).toEqual(["8"]);
  });

  it("never reaches the model, whatever is in it", async () => {
    await write("why?", {}, { lane: "quick" });
    await write("/retry", {}, { lane: "quick" });
    await write("/new", {}, { lane: "quick" });
    await arrive({ edited_message: message("when?") }, { lane: "quick" });
    expect(scene.requests).toEqual([]);
  });
});

describe("an update that did not come through the queue", () => {
  it("is refused", async () => {
    const update = { update_id: 1, message: message("why?") } as unknown as Update;
    await expect(handleUnqueued(update)).rejects.toThrow("handle()");
  });
});
