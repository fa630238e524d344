import type { Update, UserFromGetMe } from "grammy/types";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createIdentity, type Identity } from "../../src/telegram/identity.ts";
import { content, group, inGroup, written } from "../support/addressed-updates.ts";

const named = (username: string) => ({ id: 999, is_bot: true, first_name: "Parley", username }) as UserFromGetMe;
let identity: Identity;
let name = "parley_bot";
const getMe = vi.fn(async () => named(name));
const log = { info: vi.fn(), debug: vi.fn() };

beforeEach(() => {
  vi.useFakeTimers();
  vi.clearAllMocks();
  getMe.mockImplementation(async () => named(name));
  name = "parley_bot";
  identity = createIdentity({ me: named("parley_bot"), getMe, log });
});
afterEach(() => {
  identity.stop();
  vi.useRealTimers();
});

const says = (text: string, parts: object = {}) => ({ update_id: 1, message: inGroup(text, { ...parts }) }) as Update;
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe("a bot that gets another name", () => {
  it("notices it within ten minutes", async () => {
    name = "chatty_bot";
    await pass(599_000);
    expect(identity.me.username).toBe("parley_bot");
    await pass(2_000);
    expect(identity.me.username).toBe("chatty_bot");
    expect(log.info).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["a mention", says("hey @Chatty_Bot, why?")],
    ["a command", says("/help@chatty_bot")],
    ["a mention in a private chat", { update_id: 1, message: written("@chatty_bot") }],
    ["an edit", { update_id: 1, edited_message: inGroup("@chatty_bot?") }],
    ["a caption", { update_id: 1, message: content({ chat: group, photo: [], caption: "look @chatty_bot" }) }],
  ])("notices it at once by %s", async (_, update) => {
    name = "chatty_bot";
    await identity.recheck(update as Update);
    expect(identity.me.username).toBe("chatty_bot");
  });

  it.each([
    ["nobody", says("hello")],
    ["us", says("hey @PARLEY_bot")],
    ["us by a command", says("/help@parley_bot")],
    ["a person", says("hey @ada_lovelace")],
    ["no message", { update_id: 1, callback_query: {} }],
  ])("does not ask for an update that calls %s", async (_, update) => {
    await identity.recheck(update as Update);
    expect(getMe).not.toHaveBeenCalled();
  });

  it("asks at most once a minute, whoever is called", async () => {
    for (const other of ["one_bot", "two_bot", "three_bot"]) await identity.recheck(says(`@${other} hi`));
    expect(getMe).toHaveBeenCalledTimes(1);
    await pass(59_000);
    await identity.recheck(says("@one_bot hi"));
    expect(getMe).toHaveBeenCalledTimes(1);
    await pass(2_000);
    await identity.recheck(says("@one_bot hi"));
    expect(getMe).toHaveBeenCalledTimes(2);
  });

  it("asks once for all updates that wait for the answer", async () => {
    name = "chatty_bot";
    const answer = Promise.withResolvers<UserFromGetMe>();
    getMe.mockReturnValueOnce(answer.promise);
    const judged = [1, 2, 3].map(() => identity.recheck(says("@chatty_bot hi")).then(() => identity.me.username));
    await pass(500);
    answer.resolve(named("chatty_bot"));
    expect(await Promise.all(judged)).toEqual(["chatty_bot", "chatty_bot", "chatty_bot"]);
    expect(getMe).toHaveBeenCalledTimes(1);
  });

  it("stays who it is while Telegram fails or does not answer, and holds no update up for long", async () => {
    getMe.mockRejectedValueOnce(new Error("away"));
    await identity.recheck(says("@one_bot hi"));
    expect(identity.me.username).toBe("parley_bot");
    await pass(61_000);
    getMe.mockReturnValueOnce(new Promise(() => undefined));
    let judged = false;
    void identity.recheck(says("@one_bot hi")).then(() => {
      judged = true;
    });
    await pass(1_900);
    expect(judged).toBe(false);
    await pass(200);
    expect(judged).toBe(true);
    expect(identity.me.username).toBe("parley_bot");
  });
});
