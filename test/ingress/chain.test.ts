import type { Update } from "grammy/types";
import { describe, expect, it, vi } from "vitest";
import { createTokenBucket } from "../../src/engines/lanes/token-bucket.ts";
import { createIngress, type IngressDeps } from "../../src/ingress/chain.ts";
import type { EnqueueResult } from "../../src/ports/queue.ts";
import type { RateLimiter } from "../../src/ports/rate-limit.ts";
import type { Addressed, IncomingUpdate } from "../../src/ports/updates.ts";

const me = { id: 999, is_bot: true, first_name: "Parley", username: "parley_bot" } as IngressDeps["me"];

/** What an update is addressed as: `q` a question, `c` a command, `e` an edit, `-` nothing of ours. */
function addressOf(update: Update): Addressed | undefined {
  const kind = update.message?.text;
  const [conversation, question] = ["7", update.update_id + 1000];
  if (kind === "-") return undefined;
  if (kind === "c") return { conversation, lane: "quick", kind: "command", payer: 7, interrupt: { kind: "stop" } };
  if (kind === "n") return { conversation, lane: "turn", kind: "command", payer: 7, interrupt: { kind: "new" } };
  const asks = { conversation, lane: "turn" as const, question, payer: 7 };
  return kind === "e"
    ? { ...asks, kind: "edit", interrupt: { kind: "edit", question } }
    : { ...asks, kind: "question" };
}

function update(id: number, text = "q", chatId = 7): Update {
  return { update_id: id, message: { message_id: id + 1000, chat: { id: chatId }, text } } as unknown as Update;
}

function setUp(options: { burst?: number; limiter?: Pick<RateLimiter, "take">; commandBurst?: number } = {}) {
  const stored: IncomingUpdate[] = [];
  const calls: number[] = [];
  const told: string[] = [];
  const queued: number[] = [];
  const log = { warn: vi.fn() };
  const clock = { now: 1_000_000 };
  const fate: { next: (update: IncomingUpdate) => Promise<EnqueueResult | "store"> } = { next: async () => "store" };
  const bucket = options.limiter ?? createTokenBucket({ messages: 10, windowSeconds: 60, burst: options.burst ?? 5 });
  const take = vi.fn((userId: number, at: number) => bucket.take(userId, at));
  const ingress = createIngress({
    token: "123456:test",
    me,
    address: async (update) => addressOf(update),
    rateLimiter: { take },
    commandLimiter: createTokenBucket({ messages: 60, windowSeconds: 60, burst: options.commandBurst ?? 60 }),
    log,
    now: () => clock.now,
    onUpdate: (kind, result) => told.push(`${kind} ${result}`),
    onQueued: ({ update_id }) => queued.push(update_id),
    queue: {
      known: async (id) => stored.some(({ updateId }) => updateId === id),
      async enqueue(incoming) {
        calls.push(incoming.updateId);
        if (stored.some(({ updateId }) => updateId === incoming.updateId)) return "duplicate";
        const result = await fate.next(incoming);
        if (result !== "store") return result;
        stored.push(incoming);
        return "queued";
      },
    },
  });
  return { ingress, stored, calls, told, queued, log, clock, fate, take };
}

describe("what is stored", () => {
  it("is told of once it waits in its lane, unless it is a repetition or refused", async () => {
    const { ingress, queued, fate } = setUp({ burst: 2 });
    await ingress.accept([update(1), update(1), update(2), update(3), update(4, "c"), update(5, "-")]);
    expect(queued).toEqual([1, 2, 4]);
    fate.next = async () => "lane-full";
    await ingress.accept([update(6, "c")]);
    fate.next = async () => Promise.reject(new Error("disk"));
    await expect(ingress.accept([update(7, "c")])).rejects.toThrow("disk");
    expect(queued).toEqual([1, 2, 4]);
  });

  it("is the raw update with its lane, its question, its interrupt and the time of arrival", async () => {
    const { ingress, stored, told } = setUp();
    await ingress.accept([update(1), update(2, "c"), update(3, "e")]);
    expect(stored).toEqual([
      {
        updateId: 1,
        conversation: "7",
        lane: "turn",
        question: 1001,
        receivedAt: 1_000_000,
        body: JSON.stringify(update(1)),
      },
      {
        updateId: 2,
        conversation: "7",
        lane: "quick",
        interrupt: { kind: "stop" },
        receivedAt: 1_000_000,
        body: JSON.stringify(update(2, "c")),
      },
      {
        updateId: 3,
        conversation: "7",
        lane: "turn",
        question: 1003,
        interrupt: { kind: "edit", question: 1003 },
        receivedAt: 1_000_000,
        body: JSON.stringify(update(3, "e")),
      },
    ]);
    expect(told).toEqual(["question queued", "command queued", "edit queued"]);
  });

  it("is nothing of an update that is not for us, which is acknowledged all the same", async () => {
    const { ingress, calls, told, take } = setUp();
    await ingress.accept([update(1, "-")]);
    expect(calls).toEqual([]);
    expect(told).toEqual(["unaddressed ignored"]);
    expect(take).not.toHaveBeenCalled();
  });
});

describe("a batch", () => {
  it("is handed over in its order, although commands have a shorter way than questions", async () => {
    // The limiter takes longer with each question, so what comes later would overtake.
    let rounds = 20;
    const limiter: Pick<RateLimiter, "take"> = {
      async take() {
        for (let i = 0; i < rounds; i++) await Promise.resolve();
        rounds = Math.max(0, rounds - 5);
        return { allowed: true, tell: false, waitSeconds: 0 };
      },
    };
    const { ingress, calls } = setUp({ limiter });
    await ingress.accept([update(1), update(2, "c"), update(3), update(4, "-"), update(5, "e"), update(6, "c")]);
    expect(calls).toEqual([1, 2, 3, 5, 6]);
  });

  it("does not let its chats wait for each other", async () => {
    const first = Promise.withResolvers<{ allowed: true; tell: false; waitSeconds: 0 }>();
    const take = vi.fn<RateLimiter["take"]>(async () => ({ allowed: true, tell: false, waitSeconds: 0 }));
    take.mockReturnValueOnce(first.promise);
    const { ingress, calls } = setUp({ limiter: { take } });
    const accepted = ingress.accept([update(1), update(2, "q", 8), update(3), update(4, "q", 8)]);
    await expect.poll(() => calls).toEqual([2, 4]);
    first.resolve({ allowed: true, tell: false, waitSeconds: 0 });
    await accepted;
    expect(calls).toEqual([2, 4, 1, 3]);
  });

  it("does not wait for one write before it hands over the next", async () => {
    const { ingress, calls, fate } = setUp();
    const release: (() => void)[] = [];
    fate.next = () => new Promise((resolve) => release.push(() => resolve("store")));
    const accepted = ingress.accept([update(1), update(2, "c"), update(3)]);
    await expect.poll(() => release).toHaveLength(3);
    expect(calls).toEqual([1, 2, 3]);
    let settled = false;
    void accepted.then(() => {
      settled = true;
    });
    release[0]?.();
    release[1]?.();
    await new Promise(setImmediate);
    expect(settled).toBe(false);
    release[2]?.();
    await accepted;
  });

  it("rejects when any write of it failed, and has tried the others", async () => {
    const { ingress, stored, told, fate } = setUp();
    fate.next = async ({ updateId }) => {
      if (updateId === 2) throw new Error("disk full");
      return "store";
    };
    await expect(ingress.accept([update(1), update(2), update(3)])).rejects.toThrow("disk full");
    await expect.poll(() => stored.map(({ updateId }) => updateId)).toEqual([1, 3]);
    expect(told).toContain("question failed");
  });

  it("rejects when it cannot be known whether an update was stored already", async () => {
    const { ingress } = setUp({
      limiter: {
        take: () => Promise.reject(new Error("limiter out of order")),
      },
    });
    await expect(ingress.accept([update(1)])).rejects.toThrow("limiter out of order");
  });
});

describe("the rate limit", () => {
  it("sends what is refused to the quick lane, with the verdict and without question or interrupt", async () => {
    const { ingress, stored, told } = setUp({ burst: 1 });
    await ingress.accept([update(1), update(2, "e"), update(3)]);
    expect(stored.map(({ lane }) => lane)).toEqual(["turn", "quick", "quick"]);
    expect(stored[1]?.refusal).toEqual({ reason: "rate", tell: true, waitSeconds: 6 });
    expect(stored[2]?.refusal).toEqual({ reason: "rate", tell: false, waitSeconds: 6 });
    for (const refused of stored.slice(1)) {
      expect(refused.question).toBeUndefined();
      expect(refused.interrupt).toBeUndefined();
    }
    expect(told).toEqual(["question queued", "edit rate-limited", "question rate-limited"]);
  });

  it("counts the wait from the time of arrival, and lets a patient user in again", async () => {
    const { ingress, stored, clock } = setUp({ burst: 1 });
    await ingress.accept([update(1)]);
    clock.now += 4_000;
    await ingress.accept([update(2)]);
    expect(stored[1]?.refusal).toMatchObject({ waitSeconds: 2 });
    clock.now += 2_000;
    await ingress.accept([update(3)]);
    expect(stored[2]?.refusal).toBeUndefined();
  });

  it("of questions takes nothing for commands, also when the bucket is empty", async () => {
    const { ingress, stored, take } = setUp({ burst: 1 });
    await ingress.accept([update(1), update(2, "c"), update(3, "c")]);
    expect(take).toHaveBeenCalledTimes(1);
    expect(stored.map(({ refusal }) => refusal)).toEqual([undefined, undefined, undefined]);
  });

  it("of commands is a bucket of their own: told once, then silent, and questions go on", async () => {
    const { ingress, stored, told, take } = setUp({ commandBurst: 2 });
    await ingress.accept([1, 2, 3, 4].map((id) => update(id, "n")));
    await ingress.accept([update(5)]);
    expect(take).toHaveBeenCalledTimes(1);
    expect(stored.map(({ lane, refusal }) => [lane, refusal])).toEqual([
      ["turn", undefined],
      ["turn", undefined],
      ["quick", { reason: "rate", tell: true, waitSeconds: 1 }],
      ["quick", { reason: "rate", tell: false, waitSeconds: 1 }],
      ["turn", undefined],
    ]);
    expect(stored.map(({ interrupt }) => interrupt?.kind)).toEqual(["new", "new", undefined, undefined, undefined]);
    expect(told.slice(2, 4)).toEqual(["command rate-limited", "command rate-limited"]);
  });

  it("of commands lets a Stop through that it answers no more", async () => {
    const { ingress, stored } = setUp({ commandBurst: 1 });
    await ingress.accept([update(1, "c"), update(2, "c")]);
    expect(stored.map(({ refusal, interrupt }) => [refusal?.reason, interrupt])).toEqual([
      [undefined, { kind: "stop" }],
      ["rate", { kind: "stop" }],
    ]);
  });

  it("is not paid twice by an update that is delivered again", async () => {
    const { ingress, stored, told, take } = setUp({ burst: 2 });
    await ingress.accept([update(1)]);
    await ingress.accept([update(1), update(2)]);
    await ingress.accept([update(1), update(2)]);
    expect(take).toHaveBeenCalledTimes(2);
    expect(stored.map(({ updateId, refusal }) => [updateId, refusal])).toEqual([
      [1, undefined],
      [2, undefined],
    ]);
    expect(told.filter((line) => line === "question duplicate")).toHaveLength(3);
  });

  it("is not paid twice by an update whose write failed, and its verdict stays the same", async () => {
    const { ingress, stored, fate, take } = setUp({ burst: 1 });
    fate.next = () => Promise.reject(new Error("disk full"));
    await expect(ingress.accept([update(1), update(2)])).rejects.toThrow("disk full");
    await expect(ingress.accept([update(1), update(2)])).rejects.toThrow("disk full");
    fate.next = async () => "store";
    await ingress.accept([update(1), update(2)]);
    expect(take).toHaveBeenCalledTimes(2);
    expect(stored.map(({ refusal }) => refusal?.reason)).toEqual([undefined, "rate"]);
    expect(stored[1]?.refusal).toMatchObject({ tell: true });
  });

  it("is paid again by other updates after one has been stored", async () => {
    const { ingress, take } = setUp();
    await ingress.accept([update(1)]);
    await ingress.accept([update(2)]);
    expect(take.mock.calls.map(([payer, at]) => [payer, at])).toEqual([
      [7, 1_000_000],
      [7, 1_000_000],
    ]);
  });
});

describe("a backlog that is full", () => {
  it("rejects, so that Telegram keeps the update, which does not pay again", async () => {
    const { ingress, stored, told, fate, take } = setUp();
    fate.next = async () => "full";
    await expect(ingress.accept([update(1)])).rejects.toMatchObject({
      error: { code: "backlog-full", retryable: true },
    });
    expect(told).toEqual(["question full"]);
    fate.next = async () => "store";
    await ingress.accept([update(1)]);
    expect(take).toHaveBeenCalledTimes(1);
    expect(stored).toHaveLength(1);
  });

  it("in one lane only drops its newest update with a line in the log", async () => {
    const { ingress, told, log, fate } = setUp();
    fate.next = async () => "lane-full";
    await ingress.accept([update(1)]);
    expect(told).toEqual(["question lane-full"]);
    expect(log.warn).toHaveBeenCalledExactlyOnceWith({ updateId: 1, kind: "question" }, expect.any(String));
  });
});

describe("the ingress bot", () => {
  it("resolves for a webhook only when the update is stored, and rejects when it is not", async () => {
    const { ingress, stored, fate } = setUp();
    await ingress.bot.handleUpdate(update(1));
    expect(stored).toHaveLength(1);
    fate.next = () => Promise.reject(new Error("disk full"));
    await expect(ingress.bot.handleUpdate(update(2))).rejects.toThrow("disk full");
  });
});
