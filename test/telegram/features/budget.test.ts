import { beforeEach, describe, expect, it } from "vitest";
import { textsFor } from "../../../src/texts/texts.ts";
import { usage } from "../../contracts/store.contract.ts";
import { chat, createBotScene, group, mallory, said } from "../../support/bot-scene.ts";

const texts = textsFor("en");
const scene = createBotScene();
const { arrive, message, write, press } = scene;
const dayMs = 24 * 3_600_000;
const bob = { id: 42, is_bot: false, first_name: "Bob", username: "bobby" };
const dollars = (amount: number) => ({ unit: "money" as const, amount: amount * 1e9 });
const tokens = (amount: number) => ({ unit: "tokens" as const, amount });

/** What was granted to a user today. */
async function granted(userId: number, unit: "money" | "tokens" = "money"): Promise<number | undefined> {
  const today = Math.floor(Date.now() / dayMs);
  const limit = { whose: "user-day", of: { userId }, fromDay: today, toDay: today, unit, amount: 0 } as const;
  return (await scene.store.ledger.standing([limit]))[0]?.granted;
}

beforeEach(async () => {
  scene.budgets = { "user-day": dollars(1), "user-month": dollars(10) };
  await write("hello", { from: bob, chat: { ...chat, id: 42 } });
});

describe("/grant", () => {
  const answering = (from: object) => ({
    chat: group,
    reply_to_message: { message_id: 3, chat: group, from, text: "hi" },
  });

  it.each([
    ["in reply to somebody", "/grant 5", answering(bob)],
    ["with an id", "/grant 42 5", {}],
    ["with a dollar sign", "/grant 42 $5", {}],
    ["with a name of somebody who was seen, in any case", "/grant @BOBBY 5", {}],
  ])("%s adds to what they may spend today and this month, and says the new balance", async (_how, text, parts) => {
    const [words = ""] = said(await write(text, parts));
    expect(await granted(42)).toBe(5e9);
    expect(words).toContain("Granted $5.00 to Bob (@bobby), id 42.");
    expect(words).toContain("Today: $6.00 left\nset $1.00, granted $5.00, used $0, reserved $0");
    expect(words).toContain("This month: $15.00 left");
    expect(words).toMatch(/resets \d{4}-\d\d-\d\d 00:00 UTC, in \d+ (h|min)/);
  });

  it("takes tokens where budgets are in tokens, and says what it cannot add to", async () => {
    expect(said(await write("/grant 42 200000t"))).toEqual([texts.grantUseless("tokens")]);
    scene.budgets = { "user-day": tokens(1000), "chat-day": dollars(1) };
    expect(said(await write("/grant 42 200000t"))[0]).toContain("Today: 200,997 tokens left");
    expect(said(await write("/grant 42 5"))).toEqual([texts.grantUseless("money")]);
    expect([await granted(42), await granted(42, "tokens")]).toEqual([0, 200_000]);
  });

  it("grants once when it is delivered again", async () => {
    const update = { update_id: 777, message: message("/grant 42 5") };
    await arrive(update);
    expect(said(await arrive(update, { attempt: 2 }))[0]).toContain("Granted $5.00");
    expect(await granted(42)).toBe(5e9);
    await arrive({ ...update, update_id: 778 });
    expect(await granted(42)).toBe(10e9);
  });

  it.each(["/grant", "/grant 5", "/grant 42", "/grant 42 five", "/grant 42 5 dollars"])(
    "%s is answered with the right form",
    async (text) => {
      expect(said(await write(text))).toEqual([texts.grantForm]);
      expect(await granted(42)).toBe(0);
    },
  );

  it.each(["0", "-5", "$-5", "1e9", "1000001", "0.0000001", "5,50", "0t", "2000000000000t", "1.5t"])(
    "%s is no amount, and it is said which are",
    async (amount) => {
      const [words = "", ...more] = said(await write(`/grant 42 ${amount}`));
      expect([words, more]).toEqual([texts.amountForm(amount), []]);
      expect(words).toContain("dollars from 0.000001 to 1000000");
      expect(words).toContain("tokens from 1t to 1000000000000t");
      expect(await granted(42)).toBe(0);
    },
  );

  it("takes the least and the most that it says", async () => {
    expect(said(await write("/grant 42 0.000001"))[0]).toContain("Granted $0.000001 to Bob");
    expect(said(await write("/grant 42 1000000"))[0]).toContain("Granted $1,000,000.00 to Bob");
    scene.budgets = { "user-day": tokens(1000) };
    expect(said(await write("/grant 42 1t"))[0]).toContain("Granted 1 token to Bob");
    expect(said(await write("/grant 42 1000000000000t"))[0]).toContain("Granted 1,000,000,000,000 tokens to Bob");
  });

  it("says so of a name that nobody was seen with, and takes no bot for a person", async () => {
    expect(said(await write("/grant @nobody 5"))).toEqual([texts.personUnknown("@nobody")]);
    for (const id of [999, 998]) {
      const bot = { id, is_bot: true, first_name: "Parley" };
      expect(said(await write("/grant 5", answering(bot)))).toEqual([texts.grantToBot]);
    }
    // Telegram's own accounts stand for everybody who writes as a chat.
    expect(said(await write("/grant 1087968824 5"))).toEqual([texts.personUnknown("1087968824")]);
  });

  it.each([
    ["an admin who is anonymous", { ...group, title: "Friends" }, { id: 1_087_968_824, username: "GroupAnonymousBot" }],
    ["a channel", { id: -200, type: "channel", title: "News" }, { id: 136_817_688, username: "Channel_Bot" }],
  ])("grants %s what the chat may spend that they write as", async (_who, sender_chat, from) => {
    const reply_to_message = {
      ...{ message_id: 3, chat: group, text: "hi", sender_chat },
      from: { is_bot: true, first_name: "Telegram", ...from },
    };
    const [words] = said(await write("/grant 5", { chat: group, reply_to_message }));
    expect(words).toContain(`Granted $5.00 to ${sender_chat.title}, id ${sender_chat.id}.`);
    expect(await granted(sender_chat.id)).toBe(5e9);
  });

  it("is unknown to all but admins", async () => {
    const theirs = { from: mallory, chat: { ...chat, id: 66 } };
    expect(said(await write("/grant 66 5", theirs))).toEqual([texts.unknownCommand]);
    expect(await granted(66)).toBe(0);
    expect(said(await write("/help", theirs))[0]).not.toContain("/grant");
  });
});

describe("/budget", () => {
  const bobs = { from: bob, chat: { ...chat, id: 42 } };

  it("tells what is set, used, reserved, granted and left, and when there is a new one", async () => {
    scene.budgets = { ...scene.budgets, "chat-day": tokens(5000), "bot-day": dollars(100) };
    await scene.store.ledger.settle([usage({ userId: 42, chatId: 42, at: Date.now(), cost: 0.25 })]);
    await write("/grant 42 5");
    const [words = ""] = said(await write("/budget", bobs));
    expect(words).toContain("Your budget");
    expect(words).toContain("Today: $5.75 left\nset $1.00, granted $5.00, used $0.25, reserved $0\nresets ");
    expect(words).toContain("This month: $14.75 left");
    expect(words).toContain("This chat, today: 4,984 tokens left");
    expect(words).not.toContain("whole bot");
    expect(said(await write("/budget"))[0]).toContain("The whole bot, today: $99.75 left");
  });

  it("says so when no limit is set", async () => {
    scene.budgets = {};
    expect(said(await write("/budget", bobs))).toEqual(["Your budget: no limit is set."]);
  });

  it("shows admins anyone's, and adds to it, by a dialog", async () => {
    expect(said(await write("/budget"))[0]).toContain(texts.budgetAskWho(false));
    expect(said(await write("@nobody"))[0]).toContain(texts.personUnknown("@nobody"));
    expect(said(await write("@bobby"))[0]).toContain("The budget of Bob (@bobby), id 42");
    expect(said(await press("budget:grant"))[0]).toContain(
      "How much do you want to add to what Bob (@bobby), id 42 may spend today",
    );
    expect(said(await write("much"))).toEqual([texts.amountForm("much")]);
    expect(said(await write("2.50"))[0]).toContain("Granted $2.50 to Bob (@bobby), id 42.");
    expect(await granted(42)).toBe(2.5e9);
    await press("budget:close");
    expect(said(await write("why?"))).toEqual(["answer 2"]);
  });

  it("goes straight to who is named, grants once when delivered again, and ends with any command", async () => {
    expect(said(await write("/budget 42"))[0]).toContain("The budget of Bob");
    await press("budget:grant");
    const amount = { update_id: 900, message: message("3") };
    await arrive(amount);
    await arrive(amount);
    expect(await granted(42)).toBe(3e9);
    scene.nextId = 901;
    await write("/help");
    expect(said(await write("4"))).toEqual(["answer 2"]);
    expect(await granted(42)).toBe(3e9);
  });

  it("ends another dialog, and gives nobody else a way in", async () => {
    await write("/system");
    expect(said(await write("/budget", bobs))[0]).toContain("Your budget");
    expect(said(await write("/budget"))[0]).toContain(texts.budgetAskWho(false));
    expect((await scene.store.readSettings("7")).persona).toBeUndefined();
    expect(said(await write("/budget 7", bobs))[0]).toContain("Your budget");
    await press("budget:grant", { chat: { ...chat, id: 42 } });
    expect(await granted(42)).toBe(0);
  });
});
