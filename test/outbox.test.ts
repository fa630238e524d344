import { type ApiCallFn, HttpError, type RawApi } from "grammy";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createChatGate, type Pace } from "../src/reply/chat-gate.ts";
import { createOutbox, type Outbox, type OutboxDeps } from "../src/reply/outbox.ts";

const spacing = { privateEditMs: 1100, groupEditMs: 3100, draftMs: 400 };
type Signal = Parameters<ApiCallFn<RawApi>>[2];
type Response = Awaited<ReturnType<ApiCallFn<RawApi>>>;

const ok = { ok: true, result: true } as unknown as Response;
const refused = (error_code: number, parameters?: object) =>
  ({ ok: false, error_code, description: "no", ...(parameters && { parameters }) }) as unknown as Response;
const broken = () => new HttpError("broken", new Error("ECONNRESET"));

interface Sent {
  readonly method: string;
  readonly payload: Record<string, unknown>;
  readonly at: number;
}

let sent: Sent[];
/** Answers of Telegram in their order; then everything is taken. */
let answers: (Response | Error)[];
let takesMs: number;
let seen: string[];
let holds: number[];
let outbox: Outbox;
let running: number;
let mostAtOnce: number;
let started: number;

beforeEach(() => {
  vi.useFakeTimers();
  vi.advanceTimersByTime(100_000);
  started = performance.now();
  [sent, answers, takesMs, seen, holds, running, mostAtOnce] = [[], [], 10, [], [], 0, 0];
  outbox = open();
});

afterEach(() => {
  outbox.stop();
  vi.useRealTimers();
});

function open(more: Partial<OutboxDeps> = {}): Outbox {
  return createOutbox({
    log: { warn: () => undefined },
    onCall: (method, status) => seen.push(`${method} ${status}`),
    onHold: (milliseconds) => holds.push(milliseconds),
    spacing,
    ...more,
  });
}

async function telegram(method: string, payload: Record<string, unknown>): Promise<Response> {
  sent.push({ method, payload: { ...payload }, at: performance.now() - started });
  mostAtOnce = Math.max(mostAtOnce, ++running);
  await new Promise((resolve) => setTimeout(resolve, takesMs));
  running--;
  const answer = answers.shift() ?? ok;
  if (answer instanceof Error) throw answer;
  return answer;
}

function call(method: string, payload: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  const prev = telegram as unknown as ApiCallFn<RawApi>;
  const made = outbox.transformer(prev, method as "sendMessage", payload as never, signal as Signal);
  made.catch(() => undefined);
  return made as Promise<Response>;
}

const send = (chat_id: number, text: string) => call("sendMessage", { chat_id, text });

/** A preview as a live message makes it. */
function preview(chat_id: number, text: string, pace: Pace = "edit", signal = new AbortController().signal) {
  const made = outbox.run(chat_id, pace, (admitted) => call("editMessageText", { chat_id, text }, admitted), signal);
  made.catch(() => undefined);
  return made;
}

const order = () => sent.map(({ payload }) => payload["text"]);
const times = () => sent.map(({ at }) => at);

describe("one chat", () => {
  it("has one request in flight, in the order of the calls", async () => {
    for (const text of ["a", "b", "c"]) void send(7, text);
    await vi.advanceTimersByTimeAsync(25);
    expect(order()).toEqual(["a", "b", "c"]);
    expect(times()).toEqual([0, 10, 20]);
    expect(mostAtOnce).toBe(1);
  });

  it("does not hold up another", async () => {
    takesMs = 5000;
    void send(7, "slow");
    void send(8, "other");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["slow", "other"]);
    expect(mostAtOnce).toBe(2);
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
    const failing = outbox.run(7, "now", () => Promise.reject(new Error("a bug")), new AbortController().signal);
    await expect(failing).rejects.toThrow("a bug");
    void send(7, "next");
    await vi.advanceTimersByTimeAsync(0);
    expect(order()).toEqual(["next"]);
  });
});

describe("a 429", () => {
  it("holds everything of its chat for the time that it names, and no other chat", async () => {
    answers = [refused(429, { retry_after: 7 })];
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
    expect(holds).toEqual([7000]);
  });

  it("of a preview reaches the caller at once and holds what comes after it, urgent or not", async () => {
    answers = [refused(429, { retry_after: 5 })];
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
    answers = [refused(429, { retry_after: 5 })];
    await vi.advanceTimersByTimeAsync(5_005);
    expect(order()).toEqual(["first"]);
    await vi.advanceTimersByTimeAsync(10);
    expect(order()).toEqual(["first", "second"]);
  });

  it("is waited for as often as it comes", async () => {
    answers = Array.from({ length: 8 }, () => refused(429, { retry_after: 60 }));
    const patient = send(7, "x");
    await vi.advanceTimersByTimeAsync(481_000);
    expect(await patient).toEqual(ok);
    expect(sent).toHaveLength(9);
  });
});

describe("a failure on the way", () => {
  it("of a send is repeated with growing pauses until Telegram takes it, 5xx and broken connections alike", async () => {
    answers = [refused(500), broken(), refused(502), broken()];
    const patient = send(7, "x");
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await patient).toEqual(ok);
    expect(times()).toEqual([0, 510, 1520, 3530, 7540]);
    expect(seen).toEqual([
      "sendMessage 500",
      "sendMessage network",
      "sendMessage 502",
      "sendMessage network",
      "sendMessage 200",
    ]);
  });

  it("is repeated for at least two minutes, and then reaches the caller", async () => {
    answers = Array.from({ length: 100 }, () => refused(500));
    const patient = send(7, "x");
    let settled = false;
    void patient.then(() => {
      settled = true;
    });
    await vi.advanceTimersByTimeAsync(120_000);
    expect(settled).toBe(false);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await patient).toMatchObject({ error_code: 500 });
    const count = sent.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(count);
  });

  it("that is no failure of the way is not repeated", async () => {
    answers = [new TypeError("a bug"), refused(400), refused(403)];
    await Promise.all([
      expect(send(7, "a")).rejects.toThrow("a bug"),
      expect(send(8, "b")).resolves.toMatchObject({ error_code: 400 }),
      expect(send(9, "c")).resolves.toMatchObject({ error_code: 403 }),
      vi.advanceTimersByTimeAsync(60_000),
    ]);
    expect(sent).toHaveLength(3);
  });

  it("of a preview is not repeated: its caller knows a newer text by then", async () => {
    answers = [refused(500), broken()];
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
    answers = Array.from({ length: 100 }, () => refused(500));
    const answered = call("answerCallbackQuery", { callback_query_id: "1" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await answered).toMatchObject({ error_code: 500 });
    expect(sent.length).toBeGreaterThan(2);
  });

  it("of a call without a chat is the caller's to repeat", async () => {
    answers = [refused(500)];
    const me = call("getMe", {});
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await me).toMatchObject({ error_code: 500 });
    expect(sent).toHaveLength(1);
  });
});

describe("a group that has become a supergroup", () => {
  it("is written to under its new id", async () => {
    answers = [refused(400, { migrate_to_chat_id: -1007 })];
    const moved = send(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toEqual(ok);
    expect(sent.map(({ payload }) => payload["chat_id"])).toEqual([-7, -1007]);
  });

  it("is so for previews, too", async () => {
    answers = [refused(400, { migrate_to_chat_id: -1007 })];
    const moved = preview(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toEqual(ok);
    expect(sent.map(({ payload }) => payload["chat_id"])).toEqual([-7, -1007]);
  });

  it("that refuses under the new id as well is asked no further", async () => {
    answers = [refused(400, { migrate_to_chat_id: -1007 }), refused(400, { migrate_to_chat_id: -1007 })];
    const moved = send(-7, "x");
    await vi.advanceTimersByTimeAsync(100);
    expect(await moved).toMatchObject({ error_code: 400 });
    expect(sent).toHaveLength(2);
  });
});

describe("a typing action", () => {
  it("is dropped while the chat is busy or held", async () => {
    takesMs = 100;
    void send(7, "x");
    await vi.advanceTimersByTimeAsync(10);
    expect(await call("sendChatAction", { chat_id: 7 })).toEqual(ok);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    answers = [refused(429, { retry_after: 5 })];
    void send(7, "y");
    await vi.advanceTimersByTimeAsync(1000);
    await call("sendChatAction", { chat_id: 7 });
    expect(sent.map(({ method }) => method)).toEqual(["sendMessage", "sendMessage"]);
  });

  it("is sent once to a free chat, whatever comes of it", async () => {
    answers = [refused(500)];
    const typing = call("sendChatAction", { chat_id: 7 });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(await typing).toMatchObject({ error_code: 500 });
    expect(sent).toHaveLength(1);
  });
});

describe("previews of all chats together", () => {
  it("are bounded, and urgent calls do not wait for them", async () => {
    outbox.stop();
    outbox = open({ maxPreviews: 2 });
    takesMs = 1000;
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
    takesMs = 100;
    const flying = send(7, "flying");
    const waiting = send(7, "waiting");
    const spaced = preview(7, "spaced");
    await vi.advanceTimersByTimeAsync(10);
    outbox.stop();
    await expect(waiting).rejects.toMatchObject({ code: "call-given-up", retryable: true });
    await expect(spaced).rejects.toMatchObject({ code: "call-given-up" });
    await expect(send(8, "late")).rejects.toMatchObject({ code: "call-given-up" });
    await vi.advanceTimersByTimeAsync(100);
    expect(await flying).toEqual(ok);
    expect(order()).toEqual(["flying"]);
  });

  it("ends repetitions and waits for a 429", async () => {
    answers = [refused(500), refused(429, { retry_after: 60 })];
    const failing = send(7, "a");
    const held = send(8, "b");
    await vi.advanceTimersByTimeAsync(20);
    outbox.stop();
    await expect(failing).rejects.toMatchObject({ code: "call-given-up" });
    await expect(held).rejects.toMatchObject({ code: "call-given-up" });
    await vi.advanceTimersByTimeAsync(100_000);
    expect(sent).toHaveLength(2);
  });

  it("leaves no timer behind", async () => {
    void preview(7, "a");
    void preview(7, "b");
    await vi.advanceTimersByTimeAsync(50);
    expect(vi.getTimerCount()).toBe(1);
    outbox.stop();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the gate", () => {
  it("is free until somebody enters, and again when they have left", async () => {
    const gate = createChatGate(spacing, 10);
    expect(gate.free(7)).toBe(true);
    await gate.enter(7, "now");
    expect(gate.free(7)).toBe(false);
    expect(gate.free(8)).toBe(true);
    gate.leave(7, "now");
    expect(gate.free(7)).toBe(true);
    gate.hold(7, 50);
    expect(gate.free(7)).toBe(false);
    await vi.advanceTimersByTimeAsync(50);
    expect(gate.free(7)).toBe(true);
  });

  it("forgets no hold when it holds many chats", async () => {
    const gate = createChatGate(spacing, 10);
    gate.hold(1, 60_000);
    for (let chatId = 2; chatId < 2_500; chatId++) {
      await gate.enter(chatId, "now");
      gate.leave(chatId, "now");
      if (chatId % 500 === 0) await vi.advanceTimersByTimeAsync(4_000);
    }
    expect(gate.free(1)).toBe(false);
  });

  it("never shortens a hold", () => {
    const gate = createChatGate(spacing, 10);
    gate.hold(7, 5_000);
    gate.hold(7, 10);
    vi.advanceTimersByTime(1_000);
    expect(gate.free(7)).toBe(false);
  });
});
