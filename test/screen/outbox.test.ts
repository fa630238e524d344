import { describe, expect, it, vi } from "vitest";
import { createOutboxScene, ok, refused, spacing } from "../support/outbox-scene.ts";

const scene = createOutboxScene();
const { call, preview, send, reopen, order, times } = scene;

/** More than a timer holds; one that overflows runs at once. */
const longMs = 2 ** 31 + 5_000;

describe("a flood limit of more than a timer holds", () => {
  it("is waited for, by the call and by its chat, and by no other chat", async () => {
    scene.answers = [refused(429, { retry_after: longMs / 1000 })];
    void send(7, "held");
    await vi.advanceTimersByTimeAsync(100);
    void preview(7, "held too");
    void send(8, "other");
    await vi.advanceTimersByTimeAsync(longMs - 1_000);
    expect(order()).toEqual(["held", "other"]);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(order()).toEqual(["held", "other", "held", "held too"]);
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, "soon", null])(
    "is a second where it says %s, which is no time",
    async (retry_after) => {
      scene.answers = [refused(429, { retry_after })];
      void send(7, "held");
      await vi.advanceTimersByTimeAsync(900);
      expect(order()).toEqual(["held"]);
      await vi.advanceTimersByTimeAsync(200);
      expect(order()).toEqual(["held", "held"]);
    },
  );
});

describe("one chat", () => {
  it("has one request in flight, in the order of the calls", async () => {
    for (const text of ["a", "b", "c"]) void send(7, text);
    await vi.advanceTimersByTimeAsync(25);
    expect(order()).toEqual(["a", "b", "c"]);
    expect(times()).toEqual([0, 10, 20]);
    expect(scene.mostAtOnce).toBe(1);
  });

  it("does not hold up another", async () => {
    scene.takesMs = 5000;
    void send(7, "slow");
    void send(8, "other");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["slow", "other"]);
    expect(scene.mostAtOnce).toBe(2);
  });

  it.each([
    [7, "edit", 1110],
    [-100, "edit", 3110],
    [7, "draft", 410],
  ] as const)("with the id %d spaces previews by %s: %d ms from start to start", async (chatId, pace, apart) => {
    void preview(chatId, "a", pace);
    void preview(chatId, "b", pace);
    await vi.advanceTimersByTimeAsync(apart - 1);
    expect(order()).toEqual(["a"]);
    await vi.advanceTimersByTimeAsync(1);
    expect(times()).toEqual([0, apart]);
  });

  it("spaces a preview from a message, too, but not from a typing action", async () => {
    void send(7, "a");
    void preview(7, "b");
    await vi.advanceTimersByTimeAsync(5000);
    expect(times()).toEqual([0, 1110]);
    void call("sendChatAction", { chat_id: 7 });
    await vi.advanceTimersByTimeAsync(10);
    void preview(7, "c");
    await vi.advanceTimersByTimeAsync(0);
    expect(times()).toEqual([0, 1110, 5000, 5010]);
  });

  it("lets what is urgent overtake previews that wait, without spacing", async () => {
    void preview(7, "first");
    void preview(7, "waiting");
    await vi.advanceTimersByTimeAsync(100);
    void send(7, "urgent");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["first", "urgent"]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(order()).toEqual(["first", "urgent", "waiting"]);
    expect(times()).toEqual([0, 100, 1210]);
  });

  it("lets several answers take turns", async () => {
    const write = async (name: string) => {
      for (let i = 1; i <= 3; i++) await preview(7, `${name}${i}`);
    };
    void write("a");
    void write("b");
    await vi.advanceTimersByTimeAsync(10_000);
    expect(order()).toEqual(["a1", "b1", "a2", "b2", "a3", "b3"]);
    const gaps = times()
      .slice(1)
      .map((at, index) => at - (times()[index] ?? 0));
    expect(gaps.every((gap) => gap >= spacing.privateEditMs)).toBe(true);
  });

  it("renders a preview only when its turn has come, and lets one that was given up go", async () => {
    const given = new AbortController();
    void preview(7, "first");
    const waiting = preview(7, "given up", "edit", given.signal);
    void preview(7, "last");
    await vi.advanceTimersByTimeAsync(100);
    given.abort();
    await expect(waiting).rejects.toMatchObject({ code: "call-given-up" });
    await vi.advanceTimersByTimeAsync(5000);
    expect(order()).toEqual(["first", "last"]);
    await expect(preview(7, "late", "edit", given.signal)).rejects.toMatchObject({ code: "call-given-up" });
  });

  it("goes on after a task that failed before it called", async () => {
    const failing = scene.outbox.run(7, "now", () => Promise.reject(new Error("a bug")), new AbortController().signal);
    await expect(failing).rejects.toThrow("a bug");
    void send(7, "next");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["next"]);
  });
});

describe("a typing action", () => {
  it("is dropped while the chat is busy or held", async () => {
    scene.takesMs = 100;
    void send(7, "x");
    await vi.advanceTimersByTimeAsync(10);
    expect(await call("sendChatAction", { chat_id: 7 })).toEqual(ok);
    expect(scene.sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    scene.answers = [refused(429, { retry_after: 5 })];
    void send(7, "y");
    await vi.advanceTimersByTimeAsync(1000);
    await call("sendChatAction", { chat_id: 7 });
    expect(scene.sent.map(({ method }) => method)).toEqual(["sendMessage", "sendMessage"]);
  });

  it("is sent once to a free chat, whatever comes of it", async () => {
    scene.answers = [refused(500)];
    const typing = call("sendChatAction", { chat_id: 7 });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await typing).toMatchObject({ error_code: 500 });
    expect(scene.sent).toHaveLength(1);
  });
});

describe("previews of all chats together", () => {
  it("are bounded, and urgent calls do not wait for them", async () => {
    reopen({ maxPreviews: 2 });
    scene.takesMs = 1000;
    for (const chatId of [1, 2, 3, 4]) void preview(chatId, `preview ${chatId}`);
    void send(3, "urgent");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["preview 1", "preview 2", "urgent"]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(order().slice(3)).toEqual(["preview 4"]);
    await vi.advanceTimersByTimeAsync(5000);
    expect(order().slice(4)).toEqual(["preview 3"]);
  });
});

describe("a stop", () => {
  it("rejects what waits for its turn, and whatever comes later", async () => {
    scene.takesMs = 100;
    const flying = send(7, "flying");
    const waiting = send(7, "waiting");
    const spaced = preview(7, "spaced");
    await vi.advanceTimersByTimeAsync(10);
    scene.outbox.stop();
    await expect(waiting).rejects.toMatchObject({ code: "call-given-up", retryable: true });
    await expect(spaced).rejects.toMatchObject({ code: "call-given-up" });
    await expect(send(8, "late")).rejects.toMatchObject({ code: "call-given-up" });
    await vi.advanceTimersByTimeAsync(100);
    expect(await flying).toEqual(ok);
    expect(order()).toEqual(["flying"]);
  });

  it("ends repetitions and waits for a 429", async () => {
    scene.answers = [refused(500), refused(429, { retry_after: 60 })];
    const failing = send(7, "a");
    const held = send(8, "b");
    await vi.advanceTimersByTimeAsync(20);
    scene.outbox.stop();
    await expect(failing).rejects.toMatchObject({ code: "call-given-up" });
    await expect(held).rejects.toMatchObject({ code: "call-given-up" });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(scene.sent).toHaveLength(2);
  });

  it("leaves no timer behind", async () => {
    void preview(7, "a");
    void preview(7, "b");
    await vi.advanceTimersByTimeAsync(50);
    expect(vi.getTimerCount()).toBe(1);
    scene.outbox.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});
