/** What an operator finds in the log of the real process about one answer. */
import { describe, expect, test } from "vitest";
import { until, words } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe.concurrent("the log", { timeout: 60_000 }, () => {
  const rig = sharedRig({ faulty: true });

  const linesOf = (chat: number) =>
    rig
      .output()
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line["chat"] === chat);

  test("has one line per answer, and the same ids on each failure of model and Telegram on the way to it", async () => {
    const visitor = rig.visitor();
    // Two reasons: of one and the same there is one line a second.
    rig.answers("logged with failures", { status: 503 }, { status: 500 }, { text: words(60) });
    rig.botApi.faults.fail({
      chatId: visitor.chatId,
      match: ({ params }) => JSON.stringify(params).includes("Regenerate"),
      times: 1,
      status: 502,
    });
    const asked = visitor.say("logged with failures");
    await visitor.sees("Regenerate", asked);
    await until(() => linesOf(visitor.chatId).some(({ msg }) => msg === "an answer ended"));
    const lines = linesOf(visitor.chatId);
    const said = lines.map(({ msg }) => msg);
    expect(said.filter((msg) => msg === "an answer ended")).toHaveLength(1);
    expect(said.filter((msg) => msg === "a model call failed")).toHaveLength(2);
    expect(said.filter((msg) => msg === "Telegram failed; the call is repeated")).toHaveLength(1);
    expect(said).not.toContain("the model failed");
    for (const line of lines) {
      expect(line).toMatchObject({ chat: visitor.chatId, user: visitor.userId, turn: asked });
      expect(line["updateId"]).toBe(lines[0]?.["updateId"]);
    }
    expect(lines.at(-1)).toMatchObject({
      level: "info",
      outcome: "complete",
      model: "test/one",
      inputTokens: expect.any(Number),
      outputTokens: expect.any(Number),
      firstTextMs: expect.any(Number),
      lastTextMs: expect.any(Number),
    });
  });

  test("says of an answer that failed which way it did, once for each call", async () => {
    const visitor = rig.visitor();
    rig.answers("logged and refused", { status: 401 });
    const asked = visitor.say("logged and refused");
    await visitor.sees(/does not accept this bot's key/, asked);
    await until(() => linesOf(visitor.chatId).some(({ msg }) => msg === "an answer ended"));
    expect(linesOf(visitor.chatId).map(({ msg, level }) => [level, msg])).toEqual([
      ["warn", "a model call failed"],
      ["info", "an answer ended"],
    ]);
    expect(linesOf(visitor.chatId)[1]).toMatchObject({ outcome: "failed", failure: "auth", turn: asked });
  });
});
