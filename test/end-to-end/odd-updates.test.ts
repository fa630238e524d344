/** Updates that no ordinary client sends, or that an older version of the bot has made possible. */
import { describe, expect, test } from "vitest";
import { until } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe("an odd update", { timeout: 180_000 }, () => {
  const secret = "of-odd-updates";
  const rig = sharedRig({
    env: (port) => ({ WEBHOOK_URL: `http://127.0.0.1:${port}`, WEBHOOK_SECRET: secret }),
    // The presses are not the emulator's own, so it refuses their answers.
    faulty: true,
  });
  let updateId = 900_000;

  /** Brings an update as Telegram does, one that was not asked for too; resolves with the bot's acknowledgement. */
  async function deliver(body: object): Promise<number> {
    updateId += 1;
    const response = await fetch(`http://127.0.0.1:${rig.port}/telegram`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-telegram-bot-api-secret-token": secret },
      body: JSON.stringify({ update_id: updateId, ...body }),
    });
    return response.status;
  }

  /** The value of a line of the metrics; 0 when it is not there. */
  async function metric(line: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${rig.port}/metrics`)).text();
    const found = text.split("\n").find((one) => one.startsWith(`${line} `));
    return Number(found?.slice(line.length + 1) ?? 0);
  }

  async function expectAllHandled(): Promise<void> {
    for (const state of ["waiting", "active"]) {
      await until(async () => (await metric(`parley_queue_updates{state="${state}"}`)) === 0);
    }
    expect(await metric("parley_delivery_failures_total")).toBe(0);
    expect(await metric('parley_queue_updates{state="dead"}')).toBe(0);
  }

  const pressed = (data: string, more: object) =>
    deliver({ callback_query: { id: `press ${data}`, from: person, chat_instance: "1", data, ...more } });
  const person = { id: 7_600_001, is_bot: false, first_name: "Somebody" };
  const answered = (data: string) =>
    rig.botApi.calls.find(
      ({ method, params }) => method === "answerCallbackQuery" && params["callback_query_id"] === `press ${data}`,
    );

  test.for<[string, object]>([
    ["of a kind that nobody knows", { something_new: { nobody: "knows" } }],
    ["of nothing at all", {}],
    ["without chat or user", { poll: { id: "1", question: "Which?", options: [], total_voter_count: 0 } }],
    ["with a user and no chat", { poll_answer: { poll_id: "1", user: person, option_ids: [0] } }],
  ])("%s is acknowledged and handled, once", async ([, body]) => {
    const stored = 'parley_updates_total{kind="other",result="queued"}';
    const before = await metric(stored);
    expect(await deliver(body)).toBe(200);
    // The metrics may be a second old.
    await until(async () => (await metric(stored)) === before + 1);
    await expectAllHandled();
  });

  test("a press whose button no version of the bot has made, or whose message is gone, is answered", async () => {
    const chat = { id: rig.visitor().chatId, type: "private", first_name: "Somebody" };
    await pressed("of-another-bot:1", { message: { message_id: 5, date: 1_790_000_000, chat } });
    await pressed("again:12345", { message: { message_id: 6, date: 0, chat } });
    await pressed("stop:1", { inline_message_id: "12" });
    for (const data of ["of-another-bot:1", "again:12345", "stop:1"]) {
      const call = await until(() => answered(data));
      expect(call.params["text"]).toMatch(/\w+/);
    }
    await expectAllHandled();
  });

  test("holds nobody up", async () => {
    const visitor = rig.visitor();
    rig.answers("still there", { text: "of course" });
    expect((await visitor.ask("still there")).text).toBe("of course");
  });
});
