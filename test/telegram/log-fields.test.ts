/** What the log says of an answer. */
import { describe, expect, it } from "vitest";
import { logFields } from "../../src/telegram/log-fields.ts";
import { createBotScene, group } from "../support/bot-scene.ts";

const scene = createBotScene();
const { write, press } = scene;

const ended = () => scene.logged.filter(({ message }) => message === "an answer ended");

describe("the line of an answer", () => {
  it("has the ids of turn, chat and user, the model, tokens, times and outcome, and nothing that was written", async () => {
    await write("why is that so?");
    expect(ended()).toEqual([
      {
        level: "info",
        message: "an answer ended",
        updateId: 1,
        chat: 7,
        user: 7,
        turn: 1001,
        outcome: "complete",
        model: "a/one",
        finish: "stop",
        inputTokens: expect.any(Number),
        cachedTokens: 0,
        outputTokens: expect.any(Number),
        estimated: true,
        firstTextMs: expect.any(Number),
        lastTextMs: expect.any(Number),
      },
    ]);
    const [line] = ended();
    expect(Number(line?.["lastTextMs"])).toBeGreaterThanOrEqual(Number(line?.["firstTextMs"]));
    expect(JSON.stringify(scene.logged)).not.toMatch(/why is that so|answer 1|Ada/);
  });

  it("names topic and person of a group, and the answer that is written again or goes on", async () => {
    const place = { chat: group, message_thread_id: 12, is_topic_message: true };
    await write("@parley_bot why?", place);
    expect(ended()[0]).toMatchObject({ chat: -100, thread: 12, user: 7, turn: 1001 });
    scene.finish = "length";
    await write("why?");
    const turn = Number(ended()[1]?.["turn"]);
    const { run, messages } = (await scene.store.newestTurn("7")) ?? {};
    await scene.store.setTurnMessages("7", turn, run ?? 0, [5001]);
    expect(messages).toHaveLength(1);
    await press(`continue:${turn}:${run}`);
    expect(ended()[2]).toMatchObject({ chat: 7, user: 7, turn, finish: "length", outcome: "complete" });
    await press(`again:${turn}`);
    expect(ended()[3]).toMatchObject({ chat: 7, user: 7, turn });
    expect(ended()).toHaveLength(4);
  });

  it("comes once for an answer that is delivered again, without what only the first process knew", async () => {
    const close = scene.store.closeTurn;
    scene.store.closeTurn = () => Promise.reject(new Error("disk full"));
    await expect(write("why?")).rejects.toThrow("disk full");
    expect(ended()).toEqual([]);
    scene.store.closeTurn = close;
    scene.nextId = 1;
    await write("why?", {}, { attempt: 2 });
    expect(ended()).toMatchObject([{ updateId: 1, turn: 1001, outcome: "complete" }]);
    expect(ended()[0]).not.toHaveProperty("model");
  });
});

describe("a failure on the way to an answer", () => {
  it("has the same ids in its own line, once", async () => {
    scene.answer = ({ method }) =>
      method === "sendMessage" ? { ok: false, error_code: 400, description: "Bad Request: no rights" } : undefined;
    await write("why?");
    const failures = scene.logged.filter(({ level }) => level === "warn");
    expect(failures.length).toBeGreaterThan(0);
    for (const line of failures) expect(line).toMatchObject({ updateId: 1, chat: 7, user: 7, turn: 1001 });
    expect(new Set(failures.map(({ message }) => message)).size).toBe(failures.length);
    expect(ended()).toMatchObject([{ updateId: 1, turn: 1001, outcome: "blocked" }]);
  });
});

describe("the ids of an update", () => {
  const named = { updateId: 5, conversation: "-100:7", question: 40, lane: "turn", receivedAt: 0 } as const;

  it("come from what the queue keeps of it", () => {
    const body = JSON.stringify({
      update_id: 5,
      message: {
        message_id: 40,
        from: { id: 8, is_bot: false, first_name: "B" },
        chat: { id: -100, type: "supergroup" },
      },
    });
    expect(logFields({ ...named, body })).toEqual({ updateId: 5, chat: -100, thread: 7, user: 8, turn: 40 });
  });

  it.each(["nonsense", "null", "{}", '{"message":{}}', '{"callback_query":null}'])(
    "are those that there are, of the body %s",
    (body) => {
      expect(logFields({ updateId: 5, conversation: "update:5", body })).toEqual({ updateId: 5 });
    },
  );
});
