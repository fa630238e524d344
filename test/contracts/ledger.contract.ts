/** Everything that a ledger must do, and what holds whatever fails. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import type { Ledger, LedgerRow, Limit, Reservation, Settlement } from "../../src/ports/ledger.ts";
import type { Store } from "../../src/ports/store.ts";
import { turn, usage } from "./store.contract.ts";

export interface LedgerOptions {
  readonly now: () => number;
  readonly ledgerDays: number;
}

export interface OpenLedger {
  readonly store: Store;
  /** What a process finds that starts after this one was killed. */
  restart(): Promise<Store>;
  close(): Promise<void>;
}

const dayMs = 24 * 3_600_000;
const today = 20_000;
const noon = today * dayMs + dayMs / 2;

const limit = (change: Partial<Limit> = {}): Limit => ({
  whose: "user-day",
  of: { userId: 1 },
  fromDay: today,
  toDay: today,
  unit: "money",
  amount: 1_000,
  ...change,
});

/** A call that has cost so many billionths of a dollar. */
const row = (billionths: number, change: Partial<LedgerRow> = {}): LedgerRow =>
  usage({ at: noon, chatId: 1, cost: billionths / 1e9, ...change });

const reservation = (id: string, money: number, change: Partial<Reservation> = {}): Reservation => ({
  ...{ id, token: `token of ${id}`, userId: 1, chatId: 1, money, tokens: money },
  lost: row(money, { outcome: "lost", estimated: true }),
  ...change,
});

const settlement = ({ id, token }: Reservation, billionths: number, change: Partial<LedgerRow> = {}): Settlement => ({
  ...row(billionths, change),
  reservation: { id, token },
});

const reserved = { kind: "reserved" } as const;

/** `open` gives an empty one each time. */
export function ledgerContract(name: string, open: (options: LedgerOptions) => Promise<OpenLedger>): void {
  describe(`ledger: ${name}`, () => {
    const opened: OpenLedger[] = [];
    const clock = { now: noon };

    async function newLedger(): Promise<OpenLedger & { readonly ledger: Ledger }> {
      clock.now = noon;
      const one = await open({ now: () => clock.now, ledgerDays: 400 });
      opened.push(one);
      return { ...one, ledger: one.store.ledger };
    }

    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    const rowsOf = (ledger: Ledger) => Array.fromAsync(ledger.rows(0, today + 1));

    async function standingOf(ledger: Ledger, one = limit()) {
      const [standing] = await ledger.standing([one]);
      return [standing?.spent, standing?.reserved, standing?.granted];
    }

    it("keeps a row for each call, with all that is known of it, and reads them by day", async () => {
      const { ledger, store } = await newLedger();
      const whole = row(5, {
        ...{ at: noon - dayMs, chatId: -100, turn: 8, step: 2, attempt: 3, served: "m-2026", cacheWriteTokens: 6 },
        ...{ seconds: 12.5, reasoningTokens: 2, firstTokenMs: 40, estimated: true, outcome: "stopped" },
      });
      const { cost: _, ...unpriced } = row(0, { userId: 2, outcome: "timeout", inputTokens: 0, outputTokens: 0 });
      await ledger.settle([whole]);
      await store.beginTurn(turn(1));
      await store.finishTurn(turn(1), undefined, [row(7), unpriced]);
      expect(await rowsOf(ledger)).toEqual([whole, row(7), unpriced]);
      expect(await Array.fromAsync(ledger.rows(today - 1, today - 1))).toEqual([whole]);
      expect(await Array.fromAsync(ledger.rows(today + 1, today + 900))).toEqual([]);
    });

    it("reads more rows than it reads at once", async () => {
      const { ledger } = await newLedger();
      await ledger.settle(Array.from({ length: 1_203 }, (_, n) => row(n)));
      expect((await rowsOf(ledger)).map(({ cost = 0 }) => Math.round(cost * 1e9))).toEqual(
        Array.from({ length: 1_203 }, (_, n) => n),
      );
    });

    it("grants once, however often it is told", async () => {
      const { ledger } = await newLedger();
      const five = { id: "update 5", userId: 1, unit: "money", amount: 5, at: noon } as const;
      await Promise.all([ledger.grant(five), ledger.grant(five)]);
      await ledger.grant(five);
      await ledger.grant({ ...five, id: "update 6" });
      expect(await standingOf(ledger)).toEqual([0, 0, 10]);
    });

    it("adds up by day and model", async () => {
      const { ledger } = await newLedger();
      await ledger.settle([row(5), row(6), row(7, { model: "p/other" }), row(8, { at: noon - dayMs })]);
      const parts = await ledger.totals({ of: "all", from: noon - dayMs, by: "day-model" });
      const sums = Object.fromEntries(parts.map(({ key, cost }) => [key, Math.round(cost * 1e9)]));
      expect(sums).toEqual({ [`${today} p/m`]: 11, [`${today} p/other`]: 7, [`${today - 1} p/m`]: 8 });
    });

    describe("a user whose name is taken out", () => {
      /** What each of these asks for, but for the user. */
      const sumsOf = async (ledger: Ledger) =>
        await Promise.all(
          (["day", "model", "day-model", undefined] as const).map(async (by) => {
            const parts = await ledger.totals({ of: "all", from: noon - dayMs, by });
            return [...parts].sort((one, other) => one.key.localeCompare(other.key));
          }),
        );

      async function used() {
        const { ledger } = await newLedger();
        await ledger.settle([
          ...[row(5), row(6, { at: noon - dayMs }), row(7, { chatId: -100, turn: 8 })],
          ...[row(20, { userId: 2, chatId: -100, turn: 9 }), row(3, { userId: 11, chatId: 11 })],
          row(0, { inputTokens: 0, outputTokens: 0, cachedTokens: 0, cost: 0, outcome: "timeout" }),
        ]);
        await ledger.grant({ id: "a", userId: 1, unit: "money", amount: 4, at: noon });
        return ledger;
      }

      it("is nobody in rows and sums, which are otherwise as they were", async () => {
        const ledger = await used();
        const before = await sumsOf(ledger);
        const chatBefore = await ledger.totals({ of: { chatId: -100 }, from: noon });
        for (const _twice of [1, 2]) await ledger.erase(1, false);
        expect(await sumsOf(ledger)).toEqual(before);
        expect(await ledger.totals({ of: { chatId: -100 }, from: noon })).toEqual(chatBefore);
        const byUser = await ledger.totals({ of: "all", from: noon - dayMs, by: "user" });
        expect(byUser.map(({ key, cost }) => [key, Math.round(cost * 1e9)]).sort()).toEqual([
          ["0", 18],
          ["11", 3],
          ["2", 20],
        ]);
        const theirs = (await rowsOf(ledger)).filter(({ userId }) => userId === 0);
        expect(theirs.map(({ chatId, turn }) => [chatId, turn]).sort()).toEqual([
          [-100, 0],
          [0, 0],
          [0, 0],
          [0, 0],
        ]);
        expect((await rowsOf(ledger)).filter(({ userId, chatId }) => userId === 1 || chatId === 1)).toEqual([]);
        for (const of of [{ userId: 1 }, { chatId: 1 }]) {
          expect((await ledger.totals({ of }))[0]).toMatchObject({ answers: 0, cost: 0 });
        }
        expect(await standingOf(ledger)).toEqual([0, 0, 0]);
        clock.now += 60_000;
        await ledger.settle([row(9, { at: clock.now })]);
        expect((await ledger.totals({ of: { userId: 1 } }))[0]?.answers).toBe(1);
      });

      it("leaves nothing open in the private chat that would be written under the name later", async () => {
        const { ledger } = await newLedger();
        const dead = reservation("1/50", 400);
        const topic = reservation("1:7/51", 30);
        const others = [reservation("-100/8", 5, { chatId: -100 }), reservation("11/9", 6, { userId: 11, chatId: 11 })];
        for (const one of [dead, topic, ...others]) await ledger.reserve(one, [limit()], []);
        for (const _twice of [1, 2]) await ledger.erase(1, true);
        expect((await rowsOf(ledger)).map(({ userId, chatId, outcome }) => [userId, chatId, outcome])).toEqual([
          [0, 0, "lost"],
          [0, 0, "lost"],
        ]);
        expect(await standingOf(ledger)).toEqual([430, 5, 0]);
        expect(await standingOf(ledger, limit({ whose: "bot-day", of: "all" }))).toEqual([430, 11, 0]);
        await ledger.settle([settlement(dead, 100)]);
        expect(await rowsOf(ledger)).toHaveLength(2);
      });

      it("is not named by a call either that was under way in a group, and its budgets go on with it", async () => {
        const { ledger, restart } = await newLedger();
        const [inGroup, swept, of2] = [
          reservation("-100/8", 400, { chatId: -100, lost: row(400, { chatId: -100, turn: 8, outcome: "lost" }) }),
          reservation("-100/9", 30, { chatId: -100, lost: row(30, { chatId: -100, turn: 9, outcome: "lost" }) }),
          reservation("-100/10", 5, { userId: 2, chatId: -100 }),
        ];
        for (const one of [inGroup, swept, of2]) await ledger.reserve(one, [limit()], []);
        await ledger.erase(1, true);
        clock.now += 60_000;
        const after = (await restart()).ledger;
        const at = clock.now;
        await after.settle([
          settlement(inGroup, 120, { ...{ at, chatId: -100, turn: 8, durationMs: 70_000, served: "m-2" } }),
          settlement(of2, 5, { at, userId: 2, chatId: -100, turn: 10, durationMs: 70_000 }),
          // In a topic of the private chat, where nothing was reserved.
          row(7, { at, chatId: 1, turn: 11, durationMs: 60_001 }),
          // What is asked afterwards is theirs again.
          row(2, { at, chatId: -100, turn: 12, durationMs: 59_000 }),
        ]);
        await after.sweep(Number.NEGATIVE_INFINITY);
        const found = await rowsOf(after);
        expect(found.map((one) => [one.userId, one.chatId, one.turn, one.served]).sort()).toEqual([
          [0, -100, 0, undefined],
          [0, -100, 0, "m-2"],
          [0, 0, 0, undefined],
          [1, -100, 12, undefined],
          [2, -100, 10, undefined],
        ]);
        const whole = found.find(({ served }) => served === "m-2");
        expect(whole).toEqual({
          ...row(120, { at, userId: 0, chatId: -100, turn: 0, durationMs: 70_000, served: "m-2" }),
        });
        const spentBy = async (userId: number) =>
          Math.round(((await after.totals({ of: { userId } }))[0]?.cost ?? 0) * 1e9);
        expect([await spentBy(0), await spentBy(1), await spentBy(2)]).toEqual([157, 2, 5]);
        expect(await standingOf(after)).toEqual([159, 0, 0]);
        expect(await standingOf(after, limit({ whose: "chat-day", of: { chatId: 1 } }))).toEqual([7, 0, 0]);
        expect(await standingOf(after, limit({ whose: "chat-day", of: { chatId: -100 } }))).toEqual([157, 0, 0]);
        expect(await standingOf(after, limit({ whose: "bot-day", of: "all" }))).toEqual([164, 0, 0]);
      });

      it("has no new budget by it", async () => {
        const ledger = await used();
        const month = limit({ whose: "user-month", fromDay: today - 10, toDay: today + 10 });
        const chat = limit({ whose: "chat-day", of: { chatId: 1 } });
        const left = async () =>
          (await ledger.standing([limit(), month, chat])).map(({ spent, granted }) => spent - granted);
        const before = await left();
        expect(before).toEqual([8, 14, 5]);
        for (const _twice of [1, 2]) await ledger.erase(1, true);
        expect(await left()).toEqual(before);
        clock.now += 60_000;
        await ledger.settle([row(9, { at: clock.now })]);
        expect(await left()).toEqual(before.map((spent) => spent + 9));
        expect((await ledger.totals({ of: { userId: 1 } }))[0]?.answers).toBe(1);
      });
    });

    it("adds up by model, by day and by user; a price that is not known is not 0, and what used nothing is no answer", async () => {
      const { ledger } = await newLedger();
      const { cost: _, ...unpriced } = row(0, { model: "c/own" });
      await ledger.settle([
        ...[row(1), row(2, { at: noon - dayMs, cacheWriteTokens: 3, reasoningTokens: 1 }), unpriced],
        ...[row(4, { userId: 2, model: "b/two" }), row(0, { inputTokens: 0, outputTokens: 0, outcome: "rate-limit" })],
      ]);
      const sums = async (query: Parameters<Ledger["totals"]>[0]) =>
        (await ledger.totals(query))
          .map(({ key, answers, cost, unpriced: without }) => [key, answers, Math.round(cost * 1e9), without])
          .toSorted();
      const of = { userId: 1 };
      expect(await sums({ of })).toEqual([["", 3, 3, 1]]);
      expect(await sums({ of, from: noon, to: noon })).toEqual([["", 2, 1, 1]]);
      expect(await sums({ of, by: "model" })).toEqual([
        ["c/own", 1, 0, 1],
        ["p/m", 2, 3, 0],
      ]);
      expect(await sums({ of, from: noon, by: "model" })).toEqual([
        ["c/own", 1, 0, 1],
        ["p/m", 1, 1, 0],
      ]);
      expect(await sums({ of: "all", from: noon - dayMs, by: "user" })).toEqual([
        ["1", 3, 3, 1],
        ["2", 1, 4, 0],
      ]);
      expect(await sums({ of: "all", from: noon - dayMs, by: "day" })).toEqual([
        [`${today - 1}`, 1, 2, 0],
        [`${today}`, 3, 5, 1],
      ]);
      expect(await sums({ of: "all", from: noon - dayMs, by: "model" })).toHaveLength(3);
      expect(await sums({ of: { chatId: 1 }, from: noon })).toEqual([["", 3, 5, 1]]);
      expect(await sums({ of: { userId: 3 } })).toEqual([["", 0, 0, 0]]);
      const [whole] = await ledger.totals({ of });
      expect(whole).toMatchObject({ inputTokens: 30, cachedTokens: 12, cacheWriteTokens: 3, reasoningTokens: 1 });
    });

    it("lets a call begin that fits, have others wait for it, and refuses what can not fit", async () => {
      const { ledger } = await newLedger();
      const [first, second] = [reservation("a", 700), reservation("b", 400)];
      const limits = [limit()];
      expect(await ledger.reserve(first, limits, [])).toEqual(reserved);
      expect(await ledger.reserve(second, limits, [])).toEqual({ kind: "wait", limit: limits[0] });
      expect(await ledger.reserve(reservation("c", 1_001), limits, [])).toEqual({
        kind: "refused",
        limit: limits[0],
        left: 1_000,
      });
      expect(await standingOf(ledger)).toEqual([0, 700, 0]);
      await ledger.settle([settlement(first, 500)]);
      expect(await standingOf(ledger)).toEqual([500, 0, 0]);
      expect(await ledger.reserve(second, limits, [])).toEqual(reserved);
      await ledger.settle([settlement(second, 350)]);
      expect(await ledger.reserve(reservation("d", 151), limits, [])).toEqual({
        kind: "refused",
        limit: limits[0],
        left: 150,
      });
      expect(await ledger.reserve(reservation("e", 150), limits, [])).toEqual(reserved);
    });

    it("lets what costs nothing begin though all is used up or reserved, in that unit alone", async () => {
      const { ledger } = await newLedger();
      await ledger.settle([row(999)]);
      await ledger.reserve(reservation("a", 1), [], []);
      const free = reservation("b", 0, { tokens: 30 });
      const tokens = limit({ whose: "bot-day", of: "all", unit: "tokens", amount: 20 });
      expect(await ledger.reserve(reservation("c", 1), [limit()], [])).toEqual({ kind: "wait", limit: limit() });
      expect(await ledger.reserve(free, [limit()], [])).toEqual(reserved);
      await ledger.settle([row(500)]);
      expect(await ledger.reserve(reservation("c", 1), [limit()], [])).toEqual({
        kind: "refused",
        limit: limit(),
        left: -499,
      });
      expect(await ledger.extend({ ...free, tokens: 60 }, [limit()])).toBe(true);
      expect(await ledger.reserve({ ...free, id: "d" }, [limit(), tokens], [])).toEqual({
        kind: "refused",
        limit: tokens,
        left: expect.any(Number),
      });
      expect(await standingOf(ledger, { ...tokens, whose: "bot-day" })).toEqual([expect.any(Number), 61, 0]);
    });

    it("sweeps all that is open, though the clock was set back since", async () => {
      const { ledger } = await newLedger();
      await ledger.reserve(reservation("a", 400), [limit()], []);
      clock.now -= 3_600_000;
      expect(await ledger.sweep(500)).toEqual([]);
      expect(await ledger.sweep(Number.NEGATIVE_INFINITY)).toEqual([reservation("a", 400).lost]);
      expect(await standingOf(ledger)).toEqual([400, 0, 0]);
    });

    it("counts each budget for itself: of users, chats and all, of days and months, in money and tokens", async () => {
      const { ledger } = await newLedger();
      await ledger.settle([row(100, { at: noon - dayMs }), row(10, { userId: 2, chatId: 2 })]);
      const month = limit({ whose: "user-month", fromDay: today - 10, toDay: today + 20 });
      const all = limit({ whose: "bot-day", of: "all" });
      const tokens = limit({ whose: "chat-day", of: { chatId: 2 }, unit: "tokens" });
      await ledger.reserve(reservation("a", 3, { chatId: 2, tokens: 5 }), [], []);
      expect(await standingOf(ledger)).toEqual([0, 3, 0]);
      expect(await standingOf(ledger, month)).toEqual([100, 3, 0]);
      expect(await standingOf(ledger, all)).toEqual([10, 3, 0]);
      expect(await standingOf(ledger, tokens)).toEqual([13, 5, 0]);
      const small = [limit(), { ...tokens, amount: 17 }, { ...all, amount: 1 }];
      expect(await ledger.reserve(reservation("b", 1), small.slice(0, 2), [])).toMatchObject({ kind: "wait" });
      expect(await ledger.reserve(reservation("b", 1), small, [])).toMatchObject({ kind: "refused", limit: small[2] });
    });

    it("adds what was granted to the user's day and month, and to nothing else", async () => {
      const { ledger } = await newLedger();
      await ledger.grant({ id: "a", userId: 1, unit: "money", amount: 500, at: noon });
      await ledger.grant({ id: "b", userId: 1, unit: "tokens", amount: 7, at: noon });
      await ledger.grant({ id: "c", userId: 1, unit: "money", amount: 20, at: noon - dayMs });
      expect(await standingOf(ledger)).toEqual([0, 0, 500]);
      expect(await standingOf(ledger, limit({ fromDay: today - 5 }))).toEqual([0, 0, 520]);
      expect(await standingOf(ledger, limit({ unit: "tokens" }))).toEqual([0, 0, 7]);
      expect(await standingOf(ledger, limit({ of: { userId: 2 } }))).toEqual([0, 0, 0]);
      expect(await standingOf(ledger, limit({ of: "all" }))).toEqual([0, 0, 0]);
      expect(await ledger.reserve(reservation("a", 1_500), [limit()], [])).toEqual(reserved);
    });

    it("makes a reservation larger while that fits, and keeps what it has when it does not", async () => {
      const { ledger } = await newLedger();
      const [one, other] = [reservation("a", 400), reservation("b", 300)];
      const limits = [limit()];
      await ledger.reserve(one, limits, []);
      await ledger.reserve(other, limits, []);
      expect(await ledger.extend({ ...one, money: 700 }, limits)).toBe(true);
      expect(await ledger.extend({ ...one, money: 701, lost: row(650, { outcome: "lost" }) }, limits)).toBe(false);
      expect(await standingOf(ledger)).toEqual([0, 1_000, 0]);
      expect(await ledger.extend({ ...one, token: "another's", money: 1 }, limits)).toBe(false);
      clock.now += 1_000;
      expect(await ledger.sweep(500)).toHaveLength(2);
      // What it was told last is what is lost.
      expect(await standingOf(ledger)).toEqual([950, 0, 0]);
      expect(await ledger.extend({ ...one, money: 1 }, limits)).toBe(false);
    });

    it("settles as lost what is open for an id, once, and nothing else", async () => {
      const { ledger } = await newLedger();
      const [one, other] = [reservation("a", 400), reservation("b", 300)];
      for (const each of [one, other]) await ledger.reserve(each, [limit()], []);
      expect(await ledger.lose("a")).toEqual(one.lost);
      expect(await ledger.lose("a")).toBeUndefined();
      expect(await standingOf(ledger)).toEqual([400, 300, 0]);
    });

    it("settles a call once, whoever says so how often, and with the end of its turn", async () => {
      const { ledger, store } = await newLedger();
      const one = reservation("a", 400);
      await ledger.reserve(one, [limit()], []);
      await store.beginTurn(turn(1));
      await store.finishTurn(turn(1), undefined, [settlement(one, 120)]);
      await ledger.settle([settlement(one, 120)]);
      expect(await standingOf(ledger)).toEqual([120, 0, 0]);
      expect(await rowsOf(ledger)).toEqual([row(120)]);
    });

    it("settles the dead call of a turn with the reservation of the next, in one step", async () => {
      const { ledger, restart } = await newLedger();
      const dead = reservation("7/50", 600);
      const limits = [limit()];
      await ledger.reserve(dead, limits, []);
      const { ledger: after } = await restart();
      const next = reservation("7/50", 600, { token: "the next" });
      // It spent its 600: the next does not fit any more, and is not counted. Whoever asks is told what was lost.
      expect(await after.reserve(next, limits, [])).toEqual({
        ...{ kind: "refused", limit: limits[0], left: 400 },
        lost: dead.lost,
      });
      expect(await standingOf(after)).toEqual([600, 0, 0]);
      expect(await rowsOf(after)).toEqual([dead.lost]);
      // Who was only thought dead comes too late.
      await after.settle([settlement(dead, 10)]);
      expect(await rowsOf(after)).toEqual([dead.lost]);
    });

    it("counts a call on the day on which it ends, and what it has reserved on every day until then", async () => {
      const { ledger } = await newLedger();
      const one = reservation("a", 700);
      const nextDay = limit({ fromDay: today + 1, toDay: today + 1 });
      await ledger.reserve(one, [limit()], []);
      clock.now = (today + 1) * dayMs + 5;
      expect(await ledger.reserve(reservation("b", 400), [nextDay], [])).toMatchObject({ kind: "wait" });
      await ledger.settle([settlement(one, 650, { at: clock.now, durationMs: 60_000 })]);
      expect([await standingOf(ledger), await standingOf(ledger, nextDay)]).toEqual([
        [0, 0, 0],
        [650, 0, 0],
      ]);
      expect(await ledger.reserve(reservation("b", 400), [nextDay], [])).toMatchObject({ kind: "refused", left: 350 });
      // Of the month before nothing counts in this one.
      const months = [limit({ fromDay: today - 29, toDay: today }), limit({ fromDay: today + 1, toDay: today + 31 })];
      expect((await ledger.standing(months)).map(({ spent }) => spent)).toEqual([0, 650]);
      expect(await Array.fromAsync(ledger.rows(today, today))).toEqual([]);
      expect(await Array.fromAsync(ledger.rows(today + 1, today + 1))).toHaveLength(1);
    });

    it("counts what a month has used, whatever day it ends on and however short calls are kept", async () => {
      clock.now = noon;
      const one = await open({ now: () => clock.now, ledgerDays: 1 });
      opened.push(one);
      const { ledger } = one.store;
      const month = limit({ whose: "user-month", fromDay: today, toDay: today + 30, amount: 1_000 });
      for (let day = 0; day <= 30; day++) {
        clock.now = noon + day * dayMs;
        await ledger.settle([row(10, { at: clock.now })]);
        if (day === 0) await ledger.grant({ id: "g", userId: 1, unit: "money", amount: 7, at: clock.now });
      }
      const { ledger: after } = await one.restart();
      expect(await standingOf(after, month)).toEqual([310, 0, 7]);
    });

    it("settles what ended before together with what begins", async () => {
      const { ledger } = await newLedger();
      const [first, second] = [reservation("a", 900), reservation("a", 900, { token: "second" })];
      await ledger.reserve(first, [limit()], []);
      expect(await ledger.reserve(second, [limit()], [settlement(first, 100, { outcome: "upstream" })])).toEqual(
        reserved,
      );
      expect(await standingOf(ledger)).toEqual([100, 900, 0]);
    });

    it("sweeps only what nobody has touched for so long", async () => {
      const { ledger, restart } = await newLedger();
      await ledger.reserve(reservation("a", 1), [limit()], []);
      await ledger.reserve(reservation("b", 2), [limit()], []);
      clock.now += 60_000;
      await ledger.extend(reservation("b", 3, { lost: row(2, { outcome: "lost" }) }), [limit()]);
      const { ledger: after } = await restart();
      expect(await after.sweep(30_000)).toEqual([reservation("a", 1).lost]);
      expect(await standingOf(after)).toEqual([1, 3, 0]);
      expect(await after.sweep(30_000)).toEqual([]);
    });

    it("knows once that a turn was left in good order", async () => {
      const { ledger, restart } = await newLedger();
      expect(await ledger.wasLeft("7/50")).toBe(false);
      await ledger.settle([row(1)], "7/50");
      const { ledger: after } = await restart();
      expect(await after.wasLeft("7/51")).toBe(false);
      expect(await after.wasLeft("7/50")).toBe(true);
      expect(await after.wasLeft("7/50")).toBe(false);
    });

    it("lets no two of many at once have the same money", async () => {
      const { ledger } = await newLedger();
      const many = Array.from({ length: 100 }, (_, n) => reservation(`${n}`, 16));
      const verdicts = await Promise.all(many.map((one) => ledger.reserve(one, [limit()], [])));
      expect(verdicts.filter(({ kind }) => kind === "reserved")).toHaveLength(62);
      expect(await standingOf(ledger)).toEqual([0, 992, 0]);
      await Promise.all(many.map((one) => ledger.settle([settlement(one, 16)])));
      expect(await standingOf(ledger)).toEqual([992, 0, 0]);
    });

    it("ends each reservation once, whatever fails: what was reserved was spent or is free again", async () => {
      const turns = ["a", "b", "c"];
      const command = fc.oneof(
        fc.record({ do: fc.constant("reserve" as const), turn: fc.nat(2), money: fc.integer({ min: 0, max: 500 }) }),
        fc.record({ do: fc.constant("extend" as const), turn: fc.nat(2), money: fc.integer({ min: 0, max: 700 }) }),
        fc.record({ do: fc.constant("finish" as const), turn: fc.nat(2), money: fc.nat(500), twice: fc.boolean() }),
        fc.record({ do: fc.constant("fail" as const), turn: fc.nat(2) }),
        fc.record({ do: fc.constant("kill" as const) }),
        fc.record({ do: fc.constant("sweep" as const) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
          const one = await open({ now: () => clock.now, ledgerDays: 400 });
          try {
            let { store } = one;
            /** What a process holds in memory: lost with it. */
            let held = new Map<string, Reservation>();
            /** What is open, as the ledger should have it, and what should have been written. */
            const openNow = new Map<string, Reservation>();
            const spent: number[] = [];
            let tokens = 0;
            for (const step of commands) {
              clock.now += 1;
              if (step.do === "kill") {
                held = new Map();
                store = await one.restart();
                continue;
              }
              if (step.do === "sweep") {
                await store.ledger.sweep(-1);
                for (const { money } of openNow.values()) spent.push(money);
                openNow.clear();
                continue;
              }
              const id = turns[step.turn] ?? "a";
              const mine = held.get(id);
              if (step.do === "reserve") {
                const next = reservation(id, step.money, { token: `${tokens++}` });
                const dead = openNow.get(id);
                if (dead !== undefined) spent.push(dead.money);
                openNow.delete(id);
                const used = sum(spent) + sum([...openNow.values()].map(({ money }) => money));
                const { kind } = await store.ledger.reserve(next, [limit()], []);
                const expected =
                  sum(spent) + step.money > 1_000 ? "refused" : used + step.money > 1_000 ? "wait" : "reserved";
                expect(kind).toBe(expected);
                if (kind !== "reserved") continue;
                openNow.set(id, next);
                held.set(id, next);
              } else if (mine === undefined) continue;
              else if (step.do === "extend") {
                const larger = { ...mine, money: step.money, tokens: step.money };
                const has = await store.ledger.extend({ ...larger, lost: row(step.money) }, [limit()]);
                if (openNow.get(id)?.token !== mine.token) expect(has).toBe(false);
                else {
                  const { money, tokens: kept } = has ? larger : (openNow.get(id) ?? mine);
                  openNow.set(id, { ...mine, money, tokens: kept });
                  // What would be lost is what was told last, however much is reserved.
                  await store.ledger.extend({ ...mine, money, tokens: kept, lost: row(money) }, []);
                }
              } else {
                const money = step.do === "finish" ? step.money : 0;
                const used =
                  step.do === "finish" ? {} : { inputTokens: 0, outputTokens: 0, outcome: "upstream" as const };
                const ended = settlement(mine, money, used);
                await store.ledger.settle([ended]);
                if (step.do === "finish" && step.twice) await store.ledger.settle([ended]);
                if (openNow.get(id)?.token === mine.token) {
                  openNow.delete(id);
                  spent.push(money);
                }
                held.delete(id);
              }
              const open = sum([...openNow.values()].map(({ money }) => money));
              expect(await standingOf(store.ledger)).toEqual([sum(spent), open, 0]);
            }
            const left = [...openNow.values()].map(({ money }) => money);
            clock.now += 1;
            await store.ledger.sweep(0);
            const all = [...spent, ...left];
            expect(await standingOf(store.ledger)).toEqual([sum(all), 0, 0]);
            const written = (await rowsOf(store.ledger)).map(({ cost = 0 }) => Math.round(cost * 1e9));
            expect(written.toSorted()).toEqual(all.toSorted());
          } finally {
            await one.close();
          }
        }),
        { numRuns: 15 },
      );
    });
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
