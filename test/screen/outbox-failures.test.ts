import { HttpError } from "grammy";
import { describe, expect, it, vi } from "vitest";
import { broken, createOutboxScene, ok, refused } from "../support/outbox-scene.ts";

const scene = createOutboxScene();
const { call, preview, send, order, times } = scene;

describe("a 429", () => {
  it("holds everything of its chat for the time that it names, and no other chat", async () => {
    scene.answers = [refused(429, { retry_after: 7 })];
    const first = send(7, "first");
    await vi.advanceTimersByTimeAsync(20);
    void send(7, "second");
    void preview(7, "preview");
    void send(8, "other");
    void preview(8, "other preview");
    await vi.advanceTimersByTimeAsync(6_900);
    expect(order()).toEqual(["first", "other", "other preview"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(order().slice(3)).toEqual(["first", "second", "preview"]);
    expect(times()[3]).toBeGreaterThanOrEqual(7010);
    expect(await first).toEqual(ok);
    expect(scene.holds).toEqual([7000]);
  });

  it("of a preview reaches the caller at once and holds what comes after it, urgent or not", async () => {
    scene.answers = [refused(429, { retry_after: 5 })];
    const held = preview(7, "preview");
    await vi.advanceTimersByTimeAsync(10);
    expect(await held).toMatchObject({ error_code: 429 });
    void send(7, "final");
    await vi.advanceTimersByTimeAsync(4_990);
    expect(order()).toEqual(["preview"]);
    await vi.advanceTimersByTimeAsync(10);
    expect(order()).toEqual(["preview", "final"]);
  });

  it("reaches calls that were waiting for their spacing already", async () => {
    void preview(7, "first");
    void preview(7, "second");
    scene.answers = [refused(429, { retry_after: 5 })];
    await vi.advanceTimersByTimeAsync(5_005);
    expect(order()).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(10);
    expect(order()).toEqual(["first", "second"]);
  });

  it("is waited for as often as it comes", async () => {
    scene.answers = Array.from({ length: 8 }, () => refused(429, { retry_after: 60 }));
    const patient = send(7, "x");
    await vi.advanceTimersByTimeAsync(481_000);
    expect(await patient).toEqual(ok);
    expect(scene.sent).toHaveLength(9);
  });
});

describe("a failure on the way", () => {
  it("of a send is repeated with growing pauses until Telegram takes it, 5xx and broken connections alike", async () => {
    scene.answers = [refused(500), broken(), refused(502), broken()];
    const patient = send(7, "x");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await patient).toEqual(ok);
    expect(times()).toEqual([0, 510, 1520, 3530, 7540]);
    expect(scene.seen).toEqual([
      "sendMessage 500",
      "sendMessage network",
      "sendMessage 502",
      "sendMessage network",
      "sendMessage 200",
    ]);
  });

  it("is repeated for at least two minutes, and then reaches the caller", async () => {
    scene.answers = Array.from({ length: 100 }, () => refused(500));
    const patient = send(7, "x");
    let settled = false;
    void patient.then(() => {
      settled = true;
    });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(settled).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await patient).toMatchObject({ error_code: 500 });
    const count = scene.sent.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scene.sent).toHaveLength(count);
  });

  it("that is no failure of the way is not repeated", async () => {
    scene.answers = [new TypeError("a bug"), refused(400), refused(403)];
    await Promise.all([
      expect(send(7, "a")).rejects.toThrow("a bug"),
      expect(send(8, "b")).resolves.toMatchObject({ error_code: 400 }),
      expect(send(9, "c")).resolves.toMatchObject({ error_code: 403 }),
      vi.advanceTimersByTimeAsync(60_000),
    ]);
    expect(scene.sent).toHaveLength(3);
  });

  it("of a preview is not repeated: its caller knows a newer text by then", async () => {
    scene.answers = [refused(500), broken()];
    const first = preview(7, "a");
    await vi.advanceTimersByTimeAsync(10);
    expect(await first).toMatchObject({ error_code: 500 });
    const second = preview(7, "b");
    await vi.advanceTimersByTimeAsync(1110);
    await expect(second).rejects.toBeInstanceOf(HttpError);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(order()).toEqual(["a", "b"]);
  });

  it("of the answer to a button is repeated for some seconds only, and without waiting for the chat", async () => {
    scene.answers = Array.from({ length: 100 }, () => refused(500));
    const answered = call("answerCallbackQuery", { callback_query_id: "1" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await answered).toMatchObject({ error_code: 500 });
    expect(scene.sent.length).toBeGreaterThan(2);
  });

  it("of a call without a chat is the caller's to repeat", async () => {
    scene.answers = [refused(500)];
    const me = call("getMe", {});
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await me).toMatchObject({ error_code: 500 });
    expect(scene.sent).toHaveLength(1);
  });
});

describe("a group that has become a supergroup", () => {
  it("is written to under its new id", async () => {
    scene.answers = [refused(400, { migrate_to_chat_id: -1007 })];
    const moved = send(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toEqual(ok);
    expect(scene.sent.map(({ payload }) => payload["chat_id"])).toEqual([-7, -1007]);
  });

  it("is so for previews, too", async () => {
    scene.answers = [refused(400, { migrate_to_chat_id: -1007 })];
    const moved = preview(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toEqual(ok);
    expect(scene.sent.map(({ payload }) => payload["chat_id"])).toEqual([-7, -1007]);
  });

  it("that refuses under the new id as well is asked no further", async () => {
    scene.answers = [refused(400, { migrate_to_chat_id: -1007 }), refused(400, { migrate_to_chat_id: -1007 })];
    const moved = send(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toMatchObject({ error_code: 400 });
    expect(scene.sent).toHaveLength(2);
  });

  it("is not asked to change a message under the new id, where that is another one", async () => {
    scene.answers = [refused(400, { migrate_to_chat_id: -1007 })];
    const moved = call("editMessageText", { chat_id: -7, message_id: 4, text: "x" });
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toMatchObject({ error_code: 400, parameters: { migrate_to_chat_id: -1007 } });
    expect(scene.sent).toHaveLength(1);
  });

  it("gets no reply to a message that it does not have, and no topic", async () => {
    scene.answers = [refused(400, { migrate_to_chat_id: -1007 })];
    void call("sendMessage", { chat_id: -7, text: "x", message_thread_id: 3, reply_parameters: { message_id: 4 } });
    await vi.advanceTimersByTimeAsync(100);
    expect(scene.sent.at(-1)?.payload).toEqual({ chat_id: -1007, text: "x" });
  });

  it("is not followed round and round", async () => {
    scene.answers = Array.from({ length: 9 }, (_, n) => refused(400, { migrate_to_chat_id: -1000 - (n % 2) }));
    const moved = send(-7, "x");
    await vi.advanceTimersByTimeAsync(1000);
    expect(await moved).toMatchObject({ error_code: 400 });
    expect(scene.sent).toHaveLength(3);
  });
});

describe("a topic that takes no messages any more", () => {
  const inTopic = { chat_id: -7, text: "x", message_thread_id: 3, reply_parameters: { message_id: 4 } };
  const closed = { ...refused(400), description: "Bad Request: TOPIC_CLOSED" } as ReturnType<typeof refused>;

  it.each(["sendMessage", "sendDocument", "sendChatAction"])("is passed over by %s", async (method) => {
    scene.answers = [closed];
    const sent = call(method, inTopic);
    await vi.advanceTimersByTimeAsync(100);
    expect(await sent).toEqual(ok);
    expect(scene.sent.map(({ payload }) => payload)).toEqual([inTopic, { chat_id: -7, text: "x" }]);
  });

  it("is passed over once, and not by drafts, which follow their message", async () => {
    scene.answers = [closed, closed];
    const sent = call("sendMessage", inTopic);
    await vi.advanceTimersByTimeAsync(100);
    expect(await sent).toMatchObject({ error_code: 400 });
    expect(scene.sent).toHaveLength(2);
    scene.answers = [closed];
    void call("sendMessageDraft", { ...inTopic, chat_id: 7 });
    await vi.advanceTimersByTimeAsync(100);
    expect(scene.sent).toHaveLength(3);
  });
});
