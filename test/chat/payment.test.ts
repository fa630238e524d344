/** What a question costs, and what becomes of it when that is more than is left. */
import { describe, expect, it, vi } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { createRunning } from "../../src/chat/running-call.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import type { Limit, Reservation } from "../../src/ports/ledger.ts";
import { createTurnScene, delta, end, type Step } from "../support/turn-scene.ts";

const scene = createTurnScene();
const { ask, turn, abort } = scene;
const today = Math.floor(5000 / 86_400_000);
const resetsAt = 86_400_000;

/** Ten billionths of a dollar are a hundredth of one token of `a/one`. */
const tokens = (amount: number) => ({ unit: "tokens" as const, amount });
const dayOfUser: Limit = { whose: "user-day", of: { userId: 7 }, fromDay: today, toDay: today, ...tokens(0) };

const rows = () => Array.fromAsync(scene.store.ledger.rows(0, 1));
async function standing(limit = dayOfUser) {
  const [one] = await scene.store.ledger.standing([limit]);
  return [one?.spent, one?.reserved];
}

describe("a call", () => {
  it("leaves a row with the end of its turn", async () => {
    scene.script = [delta("forty-two"), end()];
    await ask();
    expect(await rows()).toEqual([
      {
        ...{ userId: 7, chatId: 7, turn: 50, step: 1, attempt: 1, model: "a/one", served: undefined, at: 5000 },
        ...{ inputTokens: 11, cachedTokens: 3, outputTokens: 5, cost: 0.05, estimated: false },
        ...{ firstTokenMs: undefined, durationMs: 5, outcome: "complete" },
      },
    ]);
  });

  it("that failed leaves one too, that cost nothing when nothing came of it", async () => {
    const attempt = (model: string): Step => ({ type: "attempt", model });
    scene.script = [attempt("b/two"), delta("half"), attempt("a/one"), delta("whole"), end()];
    await ask();
    scene.script = [new ModelError("rate-limit", "a/one", "busy")];
    await ask({ run: 2 });
    const found = (await rows()).map(({ model, attempt: n, outcome, outputTokens, estimated, cost }) =>
      [model, n, outcome, outputTokens > 0, estimated, cost].join(" "),
    );
    expect(found).toEqual(["b/two 1 upstream true true ", "a/one 2 complete true false 0.05"]);
  });

  it("that was stopped is estimated, its pictures included", async () => {
    const picture = { type: "picture", fileId: "f", uniqueId: "u", width: 1280, height: 960 } as const;
    const { width, height } = picture;
    scene.pictures = { u: { type: "image", mime: "image/jpeg", data: Buffer.from("x"), width, height } };
    scene.script = [delta("half"), abort("stop"), delta(" more"), end()];
    await ask({ asked: [picture] });
    const [row] = await rows();
    expect(row).toMatchObject({ outcome: "stopped", estimated: true });
    expect(row?.inputTokens).toBeGreaterThan(1_610);
    expect(row?.inputTokens).toBeLessThan(1_700);
  });

  it("that was stopped is estimated", async () => {
    scene.script = [delta("half an answer"), abort("stop"), delta(" more"), end()];
    await ask();
    expect(await rows()).toMatchObject([{ outcome: "stopped", estimated: true, model: "a/one" }]);
  });

  it("of a shutdown is written at once, and not lost for the next delivery", async () => {
    scene.script = [delta("half"), abort("shutdown")];
    await expect(ask()).rejects.toThrow("shutting down");
    expect(await rows()).toMatchObject([{ outcome: "stopped" }]);
    scene.stop = new AbortController();
    scene.script = [delta("whole"), end()];
    await ask();
    expect((await rows()).map(({ outcome }) => outcome)).toEqual(["stopped", "complete"]);
  });

  it("that a shutdown has kept from beginning is not lost either", async () => {
    scene.script = [abort("shutdown")];
    await expect(ask()).rejects.toThrow("shutting down");
    scene.stop = new AbortController();
    scene.script = [delta("whole"), end()];
    await ask();
    expect((await rows()).map(({ outcome }) => outcome)).toEqual(["complete"]);
  });

  it("that an edit has ended is written, too", async () => {
    scene.script = [delta("half"), abort("edit")];
    expect(await ask()).toBe("superseded");
    expect(await rows()).toMatchObject([{ outcome: "stopped" }]);
    expect(scene.observed).toEqual(["usage a/one"]);
  });
});

describe("a question under a budget", () => {
  it("is refused for its picture where its words alone would fit", async () => {
    scene.spending = { budgets: { "user-day": tokens(3_000) }, maxTokens: 1_000 };
    const picture = { type: "picture", fileId: "f", uniqueId: "u", width: 2560, height: 1920 } as const;
    const { width, height } = picture;
    scene.pictures = { u: { type: "image", mime: "image/jpeg", data: Buffer.from("x"), width, height } };
    scene.script = [delta("A car."), end()];
    expect(await ask({ asked: [picture] })).toBe("failed");
    scene.script = [delta("So."), end()];
    expect(await ask({ id: 51, root: 51, run: 51 })).toBe("complete");
  });

  it("is refused before anything is asked when it does not fit, and nothing is half started", async () => {
    scene.spending = { budgets: { "user-day": tokens(1_000) } };
    scene.script = [delta("forty-two"), end()];
    expect(await ask()).toBe("failed");
    const note = "💸 Your budget for today is used up. It resets at 1970-01-02 00:00 UTC, in 1 d.";
    expect(scene.views).toEqual([{ markdown: "", note, button: "retry" }]);
    expect(await rows()).toEqual([]);
    expect(await standing()).toEqual([0, 0]);
    expect((await turn())?.state).toBe("done");
    expect(scene.endings).toEqual([{ outcome: "failed", model: "a/one", overBudget: "user-day" }]);
  });

  it("pays for the model that broke off in its middle and for the one that writes it anew, and keeps nothing reserved", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_500), "bot-day": tokens(2_500) } };
    const seen: unknown[] = [];
    const look = async () => void seen.push((await standing())[1]);
    scene.script = [
      ...[{ type: "attempt", model: "b/two" } as const, delta("half an answer"), () => void look()],
      ...[{ type: "restart" } as const, { type: "trying-again", reason: "connection" } as const],
      ...[{ type: "attempt", model: "a/one" } as const, delta("a whole"), () => void look(), delta(" one"), end()],
    ];
    expect(await ask()).toBe("complete");
    expect(
      (await rows()).map(({ model, attempt, outcome, estimated }) => [model, attempt, outcome, estimated]),
    ).toEqual([
      ["b/two", 1, "upstream", true],
      ["a/one", 2, "complete", false],
    ]);
    // One at a time: together they would not fit.
    expect(seen).toEqual([2_005, 2_005]);
    const [broken] = await rows();
    const used = Number(broken?.inputTokens) + Number(broken?.outputTokens) + 16;
    expect(await standing()).toEqual([used, 0]);
    expect(await standing({ ...dayOfUser, of: "all" })).toEqual([used, 0]);
    expect(scene.observed).toEqual(["usage b/two", "usage a/one", "complete"]);
  });

  it("ends with what its model had written when the next one cannot be paid", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_015) } };
    scene.script = [
      ...[{ type: "attempt", model: "b/two" } as const, delta("half an answer of many words more")],
      ...[{ type: "restart" } as const, { type: "attempt", model: "a/one" } as const, delta("never"), end()],
    ];
    expect(await ask()).toBe("failed");
    expect(scene.views[0]).toMatchObject({ markdown: "half an answer of many words more" });
    expect(scene.views[0]?.note).toMatch(/^💸 What is left of your budget for today is too little for this question\./);
    expect(scene.views[0]?.button).toBe("retry");
    expect((await rows()).map(({ model, outcome }) => [model, outcome])).toEqual([["b/two", "upstream"]]);
    expect((await standing())[1]).toBe(0);
    expect(scene.observed).toEqual(["usage b/two", "failed"]);
  });

  it("is answered when it is asked again after a grant", async () => {
    scene.spending = { budgets: { "user-day": tokens(1_000) } };
    scene.script = [delta("forty-two"), end()];
    expect(await ask()).toBe("failed");
    expect((await turn())?.button).toBe("retry");
    await scene.store.ledger.grant({ id: "1", userId: 7, unit: "tokens", amount: 2_000, at: 5000 });
    expect(await ask({ run: 2 })).toBe("complete");
    expect(scene.views.at(-1)).toMatchObject({ markdown: "forty-two", button: "regenerate" });
  });

  it("is told that it is only too long, where a shorter one would fit", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_200) } };
    scene.script = [delta("forty-two"), end()];
    await ask({ asked: "why? ".repeat(300) });
    const note =
      "💸 What is left of your budget for today is too little for this question. It resets at 1970-01-02 00:00 UTC, in 1 d.";
    expect(scene.views).toEqual([{ markdown: "", note, button: "retry" }]);
    expect(await ask({ id: 60, root: 60, run: 2 })).toBe("complete");
  });

  it("does not wait for calls of others for ever", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_500) } };
    const open = { id: "other", token: "t", userId: 7, chatId: 7, money: 0, tokens: 2_000, lost: await lostRow() };
    await scene.store.ledger.reserve(open, [{ ...dayOfUser, ...tokens(2_500) }], []);
    scene.script = [delta("forty-two"), end()];
    const real = performance.now.bind(performance);
    let laterMs = 0;
    const clock = vi.spyOn(performance, "now").mockImplementation(() => real() + laterMs);
    const asking = ask();
    await expect.poll(() => scene.activities).toContainEqual({ kind: "waiting-for-budget" });
    laterMs = 600_000;
    expect(await asking).toBe("failed");
    clock.mockRestore();
    const note =
      "💸 Answers that are being written have reserved what is left of your budget for today. Please try again when they are finished.";
    expect(scene.views).toEqual([{ markdown: "", note, button: "retry" }]);
  });

  it("pays for what its model has thought in silence, so that the next question and the operators see it", async () => {
    const raised: Alert[] = [];
    const alerts = { raise: (one: Alert) => void raised.push(one) };
    scene.spending = { budgets: { "user-day": tokens(5_000), "bot-day": tokens(5_000) }, alerts };
    const usage = { inputTokens: 10, cachedTokens: 0, outputTokens: 9_000, reasoningTokens: 8_990 };
    scene.script = [delta("x"), { type: "answer-end", model: "a/one", finish: "stop", usage }];
    expect(await ask()).toBe("complete");
    // What it has thought is a part of what it has written.
    expect(await standing()).toEqual([9_010, 0]);
    expect(scene.views[0]?.note).toMatch(/^💸 Your budget for today is used up now\./);
    expect(raised).toEqual([{ kind: "bot-budget", share: 100, resetsAt }]);
    expect(await ask({ id: 60, root: 60, run: 2 })).toBe("failed");
    expect(scene.views[1]?.note).toMatch(/^💸 Your budget for today is used up\./);
  });

  it("says whose budget it is", async () => {
    scene.spending = { budgets: { "user-month": tokens(1e9), "chat-day": tokens(1e9), "bot-day": tokens(10) } };
    scene.script = [end()];
    await ask();
    expect(scene.views[0]?.note).toMatch(/^💸 This bot's budget for today is used up\./);
  });

  it("is reserved with an answer of 2,000 tokens, or of as many as it may have, and settled with what it used", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_500) } };
    const seen: unknown[] = [];
    const look = async () => void seen.push(...(await standing()));
    scene.script = [delta("x"), () => void look(), delta("y"), delta("z"), end()];
    await ask();
    scene.spending = { ...scene.spending, maxTokens: 100 };
    scene.script = [delta("x"), () => void look(), delta("y"), delta("z"), end()];
    await ask({ run: 2 });
    // The prompt's estimate is corrected by what the first call has reported.
    expect(seen).toEqual([0, 2_000 + 5, 16, 100 + 6]);
    expect(await standing()).toEqual([32, 0]);
  });

  it("is refunded when it failed", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_500) } };
    scene.script = [delta("x"), new ModelError("upstream", "a/one", "broken")];
    await ask();
    const [spent = 0, reserved] = await standing();
    expect([spent > 0 && spent < 20, reserved]).toEqual([true, 0]);
  });

  it("has a longer answer paid as it streams", async () => {
    scene.spending = { budgets: { "user-day": tokens(6_100) } };
    const written = Array.from({ length: 5_000 }, () => delta("word "));
    scene.script = [...written, { type: "answer-end", model: "a/one", finish: "stop" }];
    await ask();
    expect((await turn())?.notes?.map(({ kind }) => kind)).toEqual(["budget-used"]);
    expect((await rows())[0]).toMatchObject({ outcome: "complete", outputTokens: 5_000 });
  });

  it("is cut as well where the provider does not end it at the length that it was told", async () => {
    const wordy = (count: number) => Array.from({ length: count }, () => delta("word "));
    const ending: Step = { type: "answer-end", model: "a/one", finish: "stop" };
    scene.spending = { budgets: { "user-day": tokens(3_000) }, maxTokens: 400 };
    scene.script = [...wordy(9_000), ending];
    await ask();
    expect((await turn())?.notes?.map(({ kind }) => kind)).toContain("cut");
    const [row] = await rows();
    expect(row).toMatchObject({ outcome: "over-budget" });
    // What it has written while the ledger was asked is over.
    expect(row?.outputTokens).toBeLessThan(3_000 + 1_500);
    expect((await standing())[1]).toBe(0);
    // With enough left it goes on, and is paid.
    scene.spending = { budgets: { "user-day": tokens(30_000) }, maxTokens: 400 };
    scene.script = [...wordy(5_000), ending];
    await ask({ run: 2 });
    expect((await rows()).at(-1)).toMatchObject({ outcome: "complete", outputTokens: expect.any(Number) });
  });

  it("is believed to end at the length that its provider was told, though estimates are off", async () => {
    scene.spending = { budgets: { "user-day": tokens(1_000) }, maxTokens: 900 };
    scene.script = [...Array.from({ length: 1_700 }, () => delta("word ")), end()];
    await ask();
    expect((await rows())[0]).toMatchObject({ outcome: "complete" });
  });

  it("is cut with one line when a longer answer cannot be paid, and can be continued when it can", async () => {
    scene.spending = { budgets: { "user-day": tokens(3_000) } };
    scene.script = [...Array.from({ length: 9_000 }, () => delta("word ")), end()];
    await ask();
    const ended = await turn();
    expect(ended?.notes).toEqual([
      { kind: "cut", by: "budget" },
      { kind: "budget-used", whose: "user-day", share: 100, resetsAt },
    ]);
    expect(ended?.button).toBe("continue");
    const [row] = await rows();
    expect(row?.outcome).toBe("over-budget");
    // Nearly all that is left is used, and no more.
    const [spent, reserved] = await standing();
    expect(Number(spent)).toBeGreaterThan(2_850);
    expect(Number(spent)).toBeLessThanOrEqual(3_000);
    expect(reserved).toBe(0);
  });

  it("waits for what others have reserved, says so, and goes on when that is settled", async () => {
    scene.spending = { budgets: { "chat-day": tokens(2_500) } };
    const other = { ...(await lostRow()), reservation: { id: "other", token: "t" } };
    const open = { id: "other", token: "t", userId: 8, chatId: 7, money: 0, tokens: 2_000, lost: other };
    await scene.store.ledger.reserve(
      open,
      [{ ...dayOfUser, whose: "chat-day", of: { chatId: 7 }, ...tokens(2_500) }],
      [],
    );
    scene.script = [delta("forty-two"), end()];
    const asking = ask();
    await expect.poll(() => scene.activities).toContainEqual({ kind: "waiting-for-budget" });
    expect(scene.shown).toEqual([]);
    await scene.store.ledger.settle([{ ...other, inputTokens: 10, outputTokens: 10 }]);
    expect(await asking).toBe("complete");
  });

  it("can be stopped while it waits", async () => {
    scene.spending = { budgets: { "user-day": tokens(2_500) } };
    const lost = await lostRow();
    const open = { id: "other", token: "t", userId: 7, chatId: 7, money: 0, tokens: 2_000, lost };
    await scene.store.ledger.reserve(open, [{ ...dayOfUser, ...tokens(2_500) }], []);
    scene.script = [delta("forty-two"), end()];
    const asking = ask();
    await expect.poll(() => scene.activities).toContainEqual({ kind: "waiting-for-budget" });
    scene.stop.abort("stop");
    expect(await asking).toBe("stopped");
    expect(await rows()).toEqual([]);
  });

  it("is told once that 80 % are used, and once that all of it is", async () => {
    scene.spending = { budgets: { "user-day": tokens(1_020) }, maxTokens: 100 };
    const used = (outputTokens: number): Step => ({
      ...{ type: "answer-end", model: "a/one", finish: "stop" },
      usage: { inputTokens: 0, cachedTokens: 0, outputTokens },
    });
    for (const [run, outputTokens] of [800, 20, 10, 400, 1].entries()) {
      scene.script = [delta("x"), used(outputTokens)];
      await ask({ run: run + 1 });
    }
    const notes = scene.views.map(({ note }) => note?.split(".")[0]);
    expect(notes).toEqual([
      ...[undefined, "💸 80 % of your budget for today is used", undefined],
      ...["💸 Your budget for today is used up now", "💸 Your budget for today is used up"],
    ]);
  });

  it("alerts the operators of the whole bot's, and nobody else", async () => {
    const raised: Alert[] = [];
    scene.spending = {
      budgets: { "bot-day": tokens(120) },
      maxTokens: 100,
      alerts: { raise: (one) => void raised.push(one) },
    };
    const usage = { inputTokens: 0, cachedTokens: 0, outputTokens: 100 };
    scene.script = [delta("x"), { type: "answer-end", model: "a/one", finish: "stop", usage }];
    await ask();
    expect(raised).toEqual([{ kind: "bot-budget", share: 80, resetsAt }]);
    expect(scene.views).toEqual([{ markdown: "x", button: "regenerate" }]);
  });
});

describe("the last of the whole bot's budget", () => {
  const used = (outputTokens: number): Step => ({
    ...{ type: "answer-end", model: "a/one", finish: "stop" },
    usage: { inputTokens: 0, cachedTokens: 0, outputTokens },
  });
  async function alertsAfter(outputTokens: number): Promise<Alert[]> {
    const raised: Alert[] = [];
    const alerts = { raise: (one: Alert) => void raised.push(one) };
    scene.spending = { budgets: { "bot-day": tokens(1_000) }, maxTokens: 500, alerts };
    scene.script = [delta("x"), used(outputTokens)];
    for (const run of [1, 2, 3]) await ask({ run });
    expect(scene.observed.filter((one) => one === "failed")).toHaveLength(2);
    return raised;
  }

  it("is told the operators once when it is too little for any answer", async () => {
    expect(await alertsAfter(900)).toEqual([
      { kind: "bot-budget", share: 80, resetsAt },
      { kind: "bot-budget", share: 100, resetsAt },
    ]);
  });

  it("is told them once, too, when it is too little for a question, however much is left", async () => {
    expect(await alertsAfter(705)).toEqual([{ kind: "bot-budget-refuses", spent: 70, resetsAt }]);
  });
});

describe("a call that died with its process", () => {
  it("is lost: its prompt and what was shown, with the answer of the next delivery", async () => {
    await died();
    scene.script = [delta("whole"), end()];
    await ask();
    expect((await rows()).map(({ outcome, inputTokens, estimated }) => [outcome, inputTokens > 0, estimated])).toEqual([
      ["lost", true, true],
      ["complete", true, false],
    ]);
  });

  it("is lost with the fallback that was being asked, whatever is asked next", async () => {
    await died({ type: "attempt", model: "b/two" });
    scene.script = [delta("whole"), end()];
    await ask();
    expect((await rows()).map(({ outcome, model }) => [outcome, model])).toEqual([
      ["lost", "b/two"],
      ["complete", "a/one"],
    ]);
    expect(await turn()).not.toHaveProperty("asking");
  });

  it("is settled by its reservation, where there is a budget", async () => {
    scene.spending = { budgets: { "user-day": tokens(9_000) } };
    await died();
    expect((await standing())[1]).toBe(2_005);
    scene.script = [delta("whole"), end()];
    await ask();
    expect((await rows()).map(({ outcome, inputTokens }) => [outcome, inputTokens])).toEqual([
      ["lost", 5],
      ["complete", 11],
    ]);
    expect((await standing())[1]).toBe(0);
    expect(scene.observed).toEqual(["usage a/one", "usage a/one", "usage a/one", "complete"]);
  });

  it.each([
    ["stop", 0, ["lost"]],
    // Whoever has taken the lane over may have reserved for it anew.
    ["lease-lost", 2_005, []],
  ])(
    "is settled where nothing is asked any more because of a %s in between, if it is ours",
    async (why, left, found) => {
      scene.spending = { budgets: { "user-day": tokens(9_000) } };
      await died();
      scene.stop = new AbortController();
      scene.stop.abort(why);
      await ask().catch(() => undefined);
      expect((await standing())[1]).toBe(left);
      expect((await rows()).map(({ outcome }) => outcome)).toEqual(found);
    },
  );

  /** What a process leaves that is killed while it writes. */
  const killed = () => Promise.reject(new Error("killed"));

  async function died(...before: Step[]): Promise<void> {
    scene.script = [...before, delta("half"), () => void Object.assign(scene.store, { finishTurn: killed }), end()];
    const { finishTurn, ledger } = scene.store;
    const { settle } = ledger;
    Object.assign(ledger, { settle: killed });
    await expect(ask()).rejects.toThrow("killed");
    Object.assign(ledger, { settle });
    scene.store.finishTurn = finishTurn;
  }
});

async function lostRow() {
  return {
    ...{ userId: 7, chatId: 7, turn: 50, step: 1, attempt: 1, model: "a/one", at: 5000, durationMs: 1 },
    ...{ inputTokens: 10, cachedTokens: 0, outputTokens: 0, estimated: true, outcome: "lost" as const },
  };
}

it("tells the ledger every few seconds how much is written, so that a death in its middle is not free", async () => {
  const told: Reservation[] = [];
  let now = 1_000;
  const running = createRunning({
    ...{
      id: "7/50",
      token: "t",
      who: { userId: 7, chatId: 7 },
      inputTokens: 10,
      firstTokens: 2_000,
      maxTokens: undefined,
    },
    ...{ factor: 1, moneyOf: (outputTokens: number) => 3 * outputTokens, limits: () => [], now: () => now },
    ledger: { extend: async (one) => told.push(one) > 0 },
    lostRow: (outputTokens, durationMs) => ({ ...lost, outputTokens, durationMs }),
  });
  const lost = await lostRow();
  expect(running.reservation()).toMatchObject({ money: 6_000, tokens: 2_010, lost: { outputTokens: 0 } });
  for (let n = 0; n < 30; n++) {
    now += 250;
    expect(running.wrote("word ")).toBe(true);
    await Promise.resolve();
  }
  expect(told.length).toBe(3);
  expect(told.at(-1)).toMatchObject({ money: 6_000, tokens: 2_010 });
  expect(told.at(-1)?.lost.outputTokens).toBeGreaterThan(20);
});
