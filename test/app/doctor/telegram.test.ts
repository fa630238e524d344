import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { examineTelegram } from "../../../src/app/doctor/telegram.ts";
import { allowedUpdates } from "../../../src/ingress/allowed-updates.ts";
import { createStrangeTelegram, doctorConfig, type StrangeTelegram, short } from "../../support/doctor-scene.ts";

let telegram: StrangeTelegram;
beforeAll(async () => {
  telegram = await createStrangeTelegram();
});
afterAll(() => telegram.stop());
beforeEach(() => Object.assign(telegram, { answers: {}, aheadSeconds: 0, instead: undefined }));

async function findings(env: Record<string, string> = {}, running = false): Promise<string[]> {
  const config = doctorConfig({ TELEGRAM_API_ROOT: telegram.url, ...env });
  const { signal } = new AbortController();
  return short((await examineTelegram({ config, running, signal })).findings);
}

const place = () => new URL(telegram.url).host;
const withHook = { WEBHOOK_URL: "https://bot.example/base" };
const url = "https://bot.example/base/telegram";
const nowSeconds = () => Math.floor(Date.now() / 1000);

describe("the doctor's look at Telegram", () => {
  it("finds who we are, what we see of groups, how updates come, and the clock", async () => {
    const before = telegram.called.length;
    expect(await findings()).toEqual([
      `ok token: @parley_bot (424242) at ${place()}`,
      "ok privacy mode: on: in groups the bot is sent commands, mentions and replies to it, which is all that it answers",
      "ok webhook: none is set, as long polling wants it; 0 updates wait",
      "ok clock: agrees with Telegram's to within 5 s",
    ]);
    // Nothing that would take an update from a bot that runs, or change anything.
    expect(telegram.called.slice(before).sort()).toEqual(["getMe", "getWebhookInfo"]);
  });

  it.each([401, 404])("finds a token that is refused with %d", async (error_code) => {
    telegram.answers = { getMe: { ok: false, error_code, description: "Unauthorized" } };
    expect(await findings()).toContain(
      `bad token: ${place()} refuses it → copy into BOT_TOKEN what @BotFather shows for this bot`,
    );
  });

  it("says what privacy mode means when it is off", async () => {
    telegram.answers = { getMe: { can_read_all_group_messages: true } };
    expect((await findings())[1]).toMatch(
      /^warn privacy mode: off: in groups the bot is sent every message.*\/setprivacy/,
    );
    telegram.answers = { getMe: { can_join_groups: false, can_read_all_group_messages: true } };
    expect((await findings())[1]).toBe("ok groups: @BotFather's /setjoingroups keeps the bot out of groups");
  });

  it.each<readonly [string, Record<string, string>, boolean, object, RegExp]>([
    [
      "that is as configured",
      withHook,
      false,
      { url, allowed_updates: allowedUpdates },
      /^ok webhook: \S+; 0 updates wait$/,
    ],
    [
      "that will be set by the start",
      withHook,
      false,
      { url: "" },
      /^warn webhook: none is set.* → the next start sets it$/,
    ],
    ["that a running bot has lost", withHook, true, { url: "" }, /^bad webhook: none is set.* → restart the bot/],
    [
      "at another address",
      withHook,
      false,
      { url: "https://other.example/secret" },
      /^bad webhook: set to other\.example, where/,
    ],
    ["that nobody wants", {}, false, { url }, /^warn webhook: set to bot\.example, though WEBHOOK_URL is not/],
    ["that keeps a running bot from polling", {}, true, { url }, /^bad webhook: .*polling gets nothing/],
    [
      "that fetches little",
      withHook,
      false,
      { url, allowed_updates: ["message"] },
      /^warn webhook: Telegram does not deliver edited_message, callback_query/,
    ],
  ])("judges a webhook %s", async (_what, env, running, info, line) => {
    telegram.answers = { getWebhookInfo: info };
    expect((await findings(env, running)).filter((one) => line.test(one))).toHaveLength(1);
  });

  it("says why Telegram could not deliver, while that is news", async () => {
    const failure = { last_error_date: nowSeconds() - 120, last_error_message: "Wrong response: 502 Bad Gateway" };
    const info = { url, pending_update_count: 1, allowed_updates: allowedUpdates };
    telegram.answers = { getWebhookInfo: { ...info, ...failure } };
    expect((await findings(withHook))[2]).toMatch(
      /^bad webhook: \S+: 2 min ago Telegram could not deliver: Wrong response: 502 Bad Gateway; 1 update waits → is the bot running/,
    );
    telegram.answers = { getWebhookInfo: { ...info, ...failure, last_error_date: nowSeconds() - 7_200 } };
    expect((await findings(withHook))[2]).toBe(`ok webhook: ${url}; 1 update waits`);
  });

  it.each([
    [-30, /^warn clock: (29|30|31) s ahead of Telegram's → set the clock/],
    [600, /^bad clock: (599|600|601) s behind Telegram's → set the clock/],
  ])("measures our clock by that of Telegram, %d s ahead of it", async (ahead, line) => {
    telegram.aheadSeconds = ahead;
    expect((await findings()).at(-1)).toMatch(line);
  });

  it("goes on when Telegram is out of reach, or something else answers", async () => {
    expect(await findings({ TELEGRAM_API_ROOT: "http://127.0.0.1:9" })).toEqual([
      expect.stringMatching(
        /^bad token: 127\.0\.0\.1:9 is out of reach: connect ECONNREFUSED 127\.0\.0\.1:9 → see to the network/,
      ),
    ]);
    telegram.instead = (response) => void response.end("<html>Welcome to nginx</html>");
    expect((await findings())[0]).toMatch(/what answers there is no Bot API/);
    telegram.instead = (response) => void response.end("null");
    expect((await findings())[0]).toMatch(/what answers there is no Bot API/);
  });
});
