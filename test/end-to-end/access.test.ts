/** Who may talk to the real process, and how fast. */
import { describe, expect, test } from "vitest";
import { answersIn, buttonsOf, seen, until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

const FRIEND = 11;
const SECOND_FRIEND = 12;
const HASTY = 13;
const PRESSING = 14;
const EARLY = 15;
const LATE = 16;

describe("a private bot with a rate limit and one place at its provider", { timeout: 180_000 }, () => {
  const rig = sharedRig({
    env: {
      ALLOWED_USER_IDS: [FRIEND, SECOND_FRIEND, HASTY, PRESSING, EARLY, LATE].join(","),
      // A window so long that no slow machine gets another token.
      RATE_LIMIT_MESSAGES: "6",
      RATE_LIMIT_WINDOW_SECONDS: "3600",
      RATE_LIMIT_BURST: "3",
      TEST_CONCURRENCY: "1",
    },
  });

  test("tells a stranger once, with their id, and asks no model", async () => {
    const stranger = rig.visitor({ userId: 666 });
    stranger.say("let me in");
    stranger.say("/start");
    stranger.say("please");
    await stranger.sees(/private[^\n]*666$/);
    const friend = rig.visitor({ userId: FRIEND });
    await friend.ask("do you know me");
    expect(stranger.written()).toHaveLength(1);
    const lines = rig
      .output()
      .split("\n")
      .filter((line) => line.includes("a stranger was turned away"));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: "info", user: 666, chat: stranger.chatId }),
    ]);
    expect(rig.requests("let me in")).toEqual([]);
    expect(rig.requests("please")).toEqual([]);
  });

  test("carries out no command of a stranger", async () => {
    const stranger = rig.visitor({ userId: 668 });
    for (const command of ["/help", "/model test/two", "/system Be rude.", "/new", "/retry", "/stats", "/stop"]) {
      stranger.say(command);
    }
    await stranger.sees(/private[^\n]*668$/);
    await until(() => rig.botApi.updatesPending() === 0);
    const friend = rig.visitor({ userId: FRIEND });
    await friend.sees(/Commands:/, friend.say("/help"));
    expect(stranger.written()).toHaveLength(1);
  });

  test("strangers stop nothing, neither by command nor by button, and are met with silence for commands", async () => {
    const chatId = rig.botApi.user.createGroup({ title: "Mixed", memberIds: [SECOND_FRIEND, 667] });
    rig.answers("asked beside a stranger", { text: words(120), tokensPerSecond: 30 });
    const asked = rig.botApi.user.sendText(chatId, SECOND_FRIEND, "@parley_bot asked beside a stranger").message_id;
    const writing = await seen(rig.botApi, chatId, "Stop", asked);
    rig.botApi.user.sendText(chatId, 667, "/stop");
    rig.botApi.user.sendText(chatId, 667, "/new");
    // The press is answered, and does nothing.
    expect((await rig.botApi.user.press(chatId, writing.id, "Stop", 667))?.text).toContain("667");
    const answer = await seen(rig.botApi, chatId, "Regenerate", asked);
    expect(answer.text).toBe(words(120));
    expect(answersIn(rig.botApi, chatId)).toHaveLength(1);
    // The operator hears also of what is met with silence, once an hour.
    expect(
      rig.output().match(new RegExp(`"chat":${chatId},"user":667,"msg":"a stranger was turned away"`, "g")),
    ).toHaveLength(1);
  });

  test("shows that an answer waits for a place at the provider, then the answer in that message", async () => {
    const first = rig.visitor({ userId: EARLY });
    const second = rig.visitor({ userId: LATE });
    rig.answers("takes the place", { text: words(2_000), tokensPerSecond: 30 });
    rig.answers("waits for the place", { text: "here at last" });
    await first.ask("takes the place", "Stop");
    const asked = second.say("waits for the place");
    const waiting = await second.sees(/Waiting for a free place at test/, asked);
    expect(buttonsOf(waiting).join()).toContain("Stop");
    first.say("/stop");
    const answer = await second.sees("Regenerate", asked);
    expect(answer.id).toBe(waiting.id);
    expect(answer.text).toBe("here at last");
  });

  test("refuses what is too fast, says so once with the seconds to wait, and asks no model for it", async () => {
    const hasty = rig.visitor({ userId: HASTY });
    for (let number = 1; number <= 6; number++) hasty.say(`hasty ${number}`);
    const told = await hasty.sees(/faster than I may answer/);
    expect(told.text).toMatch(/wait (\d+) s/);
    const seconds = Number(/wait (\d+) s/.exec(told.text)?.[1]);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(600);
    await until(() => hasty.written().filter(({ text }) => /hasty \d/.test(text)).length === 3);
    await until(() => buttonsOf(hasty.written().at(-1)).join().includes("Regenerate"));
    // Commands do not count.
    await hasty.sees(/Commands:/, hasty.say("/help"));
    hasty.say("/retry");
    await hasty.sees(/nothing to stop/, hasty.say("/stop"));
    expect(rig.requests("hasty 4")).toEqual([]);
    expect(rig.requests("hasty 6")).toEqual([]);
    expect(rig.requests("hasty 3")).toHaveLength(1);
    expect(hasty.written().filter(({ text }) => text.includes("faster"))).toHaveLength(1);
  });

  test("counts Regenerate and edits, and answers a press that is refused", async () => {
    const visitor = rig.visitor({ userId: PRESSING });
    const asked = visitor.say("press and edit");
    const answer = await visitor.sees("Regenerate", asked);
    rig.botApi.user.edit(visitor.chatId, asked, "pressed and edited");
    await until(() => rig.requests("pressed and edited")[0]?.endedAt);
    await until(() => visitor.message(answer.id)?.text.includes("pressed and edited"));
    await visitor.sees("Regenerate", asked);
    await visitor.press(answer, "Regenerate");
    await until(() => rig.requests("pressed and edited").length === 2);
    await visitor.sees("Regenerate", asked);
    expect((await visitor.press(answer, "Regenerate"))?.text).toMatch(/faster than I may answer.*\d+ s/);
    expect(rig.requests("pressed and edited")).toHaveLength(2);
  });
});

describe("a bot that lets a group in", { timeout: 60_000 }, () => {
  const groupId = -1_001_000_000_001;
  const MEMBER = 21;
  const anonymousId = 1_087_968_824;
  const rig = sharedRig({ env: { ALLOWED_USER_IDS: String(FRIEND), ALLOWED_CHAT_IDS: String(groupId) } });

  function groupOf(title: string): number {
    return rig.botApi.user.createGroup({ title, memberIds: [MEMBER, FRIEND] });
  }
  /** What an admin of the group writes who does not show who they are. */
  function writeAsGroup(chatId: number, messageId: number, text: string): void {
    const { chat } = rig.botApi.chat(chatId);
    const from = { id: anonymousId, is_bot: true, first_name: "Group", username: "GroupAnonymousBot" };
    const message = { message_id: messageId, date: 1_790_000_000, chat, from, sender_chat: chat, text };
    rig.botApi.user.raw({ message } as never);
  }

  test("answers its members there, its anonymous admins too, and nobody else", async () => {
    const chatId = groupOf("Let in");
    expect(chatId).toBe(groupId);
    const asked = rig.botApi.user.sendText(chatId, MEMBER, "@parley_bot do you hear me").message_id;
    expect((await seen(rig.botApi, chatId, "Regenerate", asked)).text).toContain("do you hear me");
    writeAsGroup(chatId, 900, "@parley_bot and the admins");
    await seen(rig.botApi, chatId, /and the admins/);
    await seen(rig.botApi, chatId, "Regenerate", asked);

    const alone = rig.visitor({ userId: MEMBER });
    alone.say("and here?");
    await alone.sees(/private[^\n]* 21$/);
    const elsewhere = groupOf("Not let in");
    writeAsGroup(elsewhere, 901, "@parley_bot let us in");
    const told = await seen(rig.botApi, elsewhere, /private/);
    expect(told.text).toContain(String(elsewhere));
    expect(told.text).not.toContain(String(anonymousId));
    expect(rig.requests("and here?")).toEqual([]);
  });
});

describe("a bot whose user sends commands without end", { timeout: 60_000 }, () => {
  const rig = sharedRig();

  test("answers sixty a minute, says once that it is too much, and still stops what is to be stopped", async () => {
    const flooding = rig.visitor();
    const other = rig.visitor();
    rig.answers("to be stopped", { text: words(3_000), tokensPerSecond: 30 });
    await flooding.ask("to be stopped", "Stop");
    const sent = 150;
    for (let number = 1; number <= sent; number++) flooding.say("/help");
    flooding.say("/stop");
    await until(() => rig.requests("to be stopped")[0]?.abandonedAt);
    await other.sees(/Commands:/, other.say("/help"));
    await until(() => rig.botApi.updatesPending() === 0);
    const helps = () => flooding.written().filter(({ text }) => text.includes("Commands:")).length;
    await until(() => helps() >= 60);
    // Questions have a bucket of their own.
    await flooding.ask("one more question");
    expect(helps()).toBeLessThan(sent);
    expect(flooding.written().filter(({ text }) => text.includes("faster than I may answer"))).toHaveLength(1);
  });
});
