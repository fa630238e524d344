/** Ids that are shared by many are nobody's: not in a bucket, not in the ledger, not in a dialog, not in a list of users. */
import type { Update } from "grammy/types";
import { describe, expect, it } from "vitest";
import { standIns } from "../../src/base/stand-ins.ts";
import { readConfig } from "../../src/config/config.ts";
import { allowedBy, senderOf } from "../../src/telegram/senders.ts";
import { english as texts } from "../../src/texts/english.ts";
import { address, content, edited, inGroup, pressed, privateChat, written } from "../support/addressed-updates.ts";
import { createBotScene, group, mallory, said } from "../support/bot-scene.ts";
import { good, mistakes } from "../support/environments.ts";
import { readUsage } from "../support/read-usage.ts";

const accounts = [...standIns].map((id) => ({ id, is_bot: false, first_name: "Group" }));
const [anonymous] = accounts;
const channel = { id: -200, type: "channel", title: "News" };
const otherGroup = { id: -300, type: "supergroup", title: "Others" };

describe.each(accounts)("the shared id $id", (account) => {
  it.each([
    ["the group itself", group],
    ["a channel", channel],
  ])("pays as %s, whatever it does", (_name, sender_chat) => {
    const parts = { from: account, sender_chat };
    const payer = sender_chat.id;
    expect(address({ message: inGroup("@parley_bot hi", parts) })).toMatchObject({ kind: "question", payer });
    expect(edited(inGroup("@parley_bot hi", parts))).toMatchObject({ kind: "edit", payer });
    expect(address({ message: inGroup("/help@parley_bot", parts) })).toMatchObject({ kind: "command", payer });
  });

  it("pays as its group where it names no chat, and presses as the group, too", () => {
    expect(pressed("again:1", { from: account, message: content({ chat: group, text: "x" }) })?.payer).toBe(-100);
    const update = { update_id: 1, message: content({ chat: group, from: account, text: "x" }) } as Update;
    expect(senderOf(update)).toBe(-100);
  });

  it("is nobody in a private chat, and outside of any", () => {
    expect(address({ message: written("hi", { from: account, chat: { ...privateChat, id: account.id } }) })?.kind).toBe(
      "stranger",
    );
    expect(pressed("again:1", { from: account, message: undefined })?.kind).toBe("stranger");
    const chat = { id: account.id, type: "private" };
    expect(address({ stopped_message_generation: { chat, draft_id: 1 } })?.kind).toBe("stranger");
  });

  it.each(["ALLOWED_USER_IDS", "ADMIN_USER_IDS"])("is a mistake in %s that says why", (name) => {
    const [line, ...more] = mistakes({ ...good, [name]: `7, ${account.id}` });
    expect(line).toMatch(new RegExp(`^${name} has an id of Telegram's own in place 2, .*ALLOWED_CHAT_IDS`));
    expect(more).toEqual([]);
  });
});

describe("ALLOWED_CHAT_IDS", () => {
  it("is a list of groups' ids", () => {
    const { access } = readConfig("start", { ...good, ALLOWED_CHAT_IDS: "-1001234567890, -5" });
    expect(access.allowedChats).toEqual(new Set([-1001234567890, -5]));
    for (const wrong of ["-5, 7", "-5, @group", "-5, -0", "-5, --6"]) {
      expect(mistakes({ ...good, ALLOWED_CHAT_IDS: wrong }).join()).toMatch(
        /^ALLOWED_CHAT_IDS has no id of a group in place 2;.*ALLOWED_USER_IDS/,
      );
    }
    expect(mistakes({ ...good, ALLOWED_USER_IDS: "7, -5" }).join()).toMatch(/in place 2;.*ALLOWED_CHAT_IDS/);
  });

  it("lets in whoever writes in that group, there alone", () => {
    const may = allowedBy({ allowed: new Set([7]), allowedChats: new Set([-100]) });
    expect([may(66, -100), may(-100, -100), may(-200, -100), may(undefined, -100)]).toEqual([true, true, true, true]);
    expect([may(66, 66), may(66, -300), may(-100, -300), may(undefined, undefined)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
    expect([may(7, 7), may(7, -300)]).toEqual([true, true]);
  });

  it("closes the bot for all others, alone too; with neither list it is open", () => {
    const may = allowedBy({ allowed: new Set(), allowedChats: new Set([-100]) });
    expect([may(66, -100), may(66, 66)]).toEqual([true, false]);
    expect(allowedBy({ allowed: new Set(), allowedChats: new Set() })(66, 66)).toBe(true);
  });
});

describe("a sender that is a chat", () => {
  const scene = createBotScene();
  const asAdmin = { chat: group, from: anonymous, sender_chat: group };
  const asChannel = { chat: group, from: accounts[1], sender_chat: channel };
  const reply = (text: string) => ({ ...asAdmin, text });

  it("is let in with its group, is answered, and has a ledger of its own", async () => {
    scene.access.allowedChats.add(-100);
    expect(said(await scene.write("@parley_bot why?", asAdmin)).join()).toContain("answer 1");
    expect(said(await scene.write("@parley_bot when?", asChannel)).join()).toContain("answer 2");
    const answers = async (id: number) => (await readUsage(scene.store, id, 0)).answers;
    expect([await answers(-100), await answers(-200), await answers(7)]).toEqual([1, 1, 0]);
    for (const id of standIns) expect(await answers(id)).toBe(0);
    expect(said(await scene.write("/usage@parley_bot", asChannel)).join()).toContain("In total: 1 call,");
  });

  it("is told the group's id where it is a stranger, once, and not what Telegram calls it", async () => {
    scene.access.allowed.add(7);
    const notice = [texts.groupNotAllowed(-100)];
    expect(said(await scene.write("@parley_bot why?", asAdmin))).toEqual(notice);
    expect(await scene.write("@parley_bot why?", asChannel)).toEqual([]);
    expect(
      said(await scene.write("@parley_bot why?", { chat: otherGroup, from: accounts[1], sender_chat: channel })),
    ).toEqual([texts.groupNotAllowed(-300)]);
    // A person there is told their own id, as everywhere.
    expect(said(await scene.write("@parley_bot why?", { chat: group, from: mallory }))).toEqual([texts.notAllowed(66)]);
    const pressing = { id: "q", from: anonymous, chat_instance: "1", data: "stop:1" };
    const made = await scene.arrive({ callback_query: { ...pressing, message: scene.message("x", { chat: group }) } });
    expect(made.map(({ payload }) => payload["text"])).toEqual(notice);
  });

  it("is no admin, whoever else has its id", async () => {
    scene.admins.add(anonymous?.id ?? 0);
    expect(said(await scene.write("/stats@parley_bot", asAdmin)).join()).not.toContain("Queue:");
    expect(said(await scene.write("/stats")).join()).toContain("Queue:");
  });

  it("has dialogs of its own: what a channel writes is no step of the admins' dialog", async () => {
    expect(said(await scene.write("/system@parley_bot", asAdmin)).join()).toContain("Send me the new one");
    expect(said(await scene.write("@parley_bot a pirate", asChannel)).join()).toContain("answer 1");
    expect(said(await scene.write("@parley_bot a parrot", reply("@parley_bot a parrot"))).join()).toContain("a parrot");
    expect(scene.requests).toHaveLength(1);
  });
});
