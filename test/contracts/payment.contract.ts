/** What holds of the money of a question, whatever write its process dies before: what was reserved is spent or free again. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import type { Spending } from "../../src/chat/payment.ts";
import type { Limit } from "../../src/ports/ledger.ts";
import type { Store } from "../../src/ports/store.ts";
import { createTurnScene, delta, end, endWithoutUsage, type Step } from "../support/turn-scene.ts";
import type { LedgerOptions, OpenLedger } from "./ledger.contract.ts";

const storeWrites = ["beginTurn", "setTurnMessages", "finishTurn", "closeTurn", "firstWithin"] as const;
const ledgerWrites = ["reserve", "extend", "settle", "wasLeft"] as const;

const subjects: readonly Limit["of"][] = [{ userId: 7 }, { chatId: 7 }, "all"];
const tokens = (amount: number) => ({ unit: "tokens" as const, amount });

/** What a process sees of its store until it is killed: nothing comes of its further writes, and it hears of nothing more. */
function killable(store: Store, writesLeft: number) {
  let written = 0;
  const underWay = new Set<Promise<unknown>>();
  /** Tokens of the reservations that were made. */
  const reserved = new Set<string>();

  async function write<T>(act: () => Promise<T>): Promise<T> {
    if (written >= writesLeft) throw new Error("killed");
    written += 1;
    const acting = act();
    underWay.add(acting);
    try {
      return await acting;
    } finally {
      underWay.delete(acting);
    }
  }

  function mortal<T extends object>(of: T, names: readonly (keyof T)[]): T {
    const changed = Object.create(of) as T;
    for (const name of names) {
      const real = of[name] as (...args: unknown[]) => Promise<unknown>;
      Object.assign(changed, { [name]: (...args: unknown[]) => write(() => real.apply(of, args)) });
    }
    return changed;
  }

  const ledger = mortal(store.ledger, ledgerWrites);
  const { reserve } = ledger;
  ledger.reserve = async (reservation, ...more) => {
    const verdict = await reserve(reservation, ...more);
    if (verdict.kind === "reserved") reserved.add(reservation.token);
    return verdict;
  };
  return {
    store: Object.assign(mortal(store, storeWrites), { ledger }),
    reserved,
    get killed() {
      return written >= writesLeft;
    },
    /** Resolves when none of its writes is under way. */
    async quiet() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

interface Story {
  readonly name: string;
  readonly spending: Spending;
  /** `quiet`: the world has time, in the middle of an answer. */
  script(quiet: () => Promise<void>): Step[];
}

const attempt = (model: string): Step => ({ type: "attempt", model });
const words = (count: number, quiet: () => Promise<void>): Step[] =>
  Array.from({ length: count / 250 }, () => [delta("word ".repeat(250)), quiet]).flat();
const large = { budgets: { "user-day": tokens(100_000), "bot-day": tokens(100_000) } };

const stories: readonly Story[] = [
  { name: "is short", spending: large, script: () => [delta("forty-two"), end()] },
  { name: "is counted by nobody", spending: large, script: () => [delta("forty-two"), endWithoutUsage] },
  { name: "is long", spending: large, script: (quiet) => [...words(6_000, quiet), endWithoutUsage] },
  {
    name: "is longer than can be paid",
    spending: { budgets: { "user-day": tokens(3_100) } },
    script: (quiet) => [...words(6_000, quiet), endWithoutUsage],
  },
  {
    name: "fails in its middle and goes to another model",
    spending: large,
    script: () => [attempt("b/two"), delta("half an answer"), attempt("a/one"), delta("a whole one"), end()],
  },
  {
    name: "fails",
    spending: { budgets: { "user-day": tokens(2_100), "chat-day": tokens(2_100) } },
    script: () => [attempt("b/two"), delta("half"), attempt("a/one"), new ModelError("upstream", "a/one", "broken")],
  },
  {
    name: "can be paid by its first model alone",
    spending: { budgets: { "user-day": tokens(2_020) } },
    script: () => [attempt("b/two"), delta("half an answer of many words more"), attempt("a/one"), delta("no"), end()],
  },
  { name: "costs more than is left", spending: { budgets: { "user-day": tokens(10) } }, script: () => [end()] },
  { name: "has no budget", spending: { budgets: {} }, script: () => [attempt("b/two"), delta("x"), delta("y"), end()] },
];

/** `open` gives an empty ledger each time. */
export function paymentContract(name: string, open: (options: LedgerOptions) => Promise<OpenLedger>): void {
  describe(`payment: ${name}`, () => {
    const scene = createTurnScene();
    const opened: OpenLedger[] = [];
    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    /** What is spent and reserved, which must be the same for the user, their only chat and all. */
    async function standing(store: Store, unit: Limit["unit"]) {
      const limits = subjects.map((of): Limit => ({ whose: "user-day", of, fromDay: 0, toDay: 0, unit, amount: 0 }));
      const found = await store.ledger.standing(limits);
      const sums = found.map(({ spent, reserved }) => ({ spent, reserved }));
      expect(sums).toEqual(Array(3).fill(sums[0]));
      return sums[0] ?? { spent: 0, reserved: 0 };
    }

    /** Delivers the question until nobody kills it; `kills` says after how many of its writes each delivery dies. */
    async function live({ spending, script }: Story, kills: readonly number[], comesBack = true) {
      const one = await open({ now: () => 5_000, ledgerDays: 400 });
      opened.push(one);
      const { store: first } = one;
      let current = first;
      const reserved = new Set<string>();
      let died = 0;
      for (const writesLeft of comesBack ? [...kills, Number.POSITIVE_INFINITY] : kills) {
        const process = killable(current, writesLeft);
        Object.assign(scene, { store: process.store, spending, stop: new AbortController() });
        scene.script = script(process.quiet);
        await scene.ask().catch(() => undefined);
        await process.quiet();
        for (const token of process.reserved) reserved.add(token);
        const rows = await Array.fromAsync(current.ledger.rows(0, 1));
        const spent = rows.reduce((sum, row) => sum + row.inputTokens + row.outputTokens, 0);
        expect((await standing(current, "tokens")).spent).toBe(spent);
        // At most one call of a question is ever open.
        if (reserved.size > 0) expect([reserved.size, reserved.size - 1]).toContain(rows.length);
        if (!process.killed) break;
        died += 1;
        current = await one.restart();
      }
      return { store: current, reserved, died };
    }

    async function expectSettled({ store, reserved }: Awaited<ReturnType<typeof live>>, hasBudget: boolean) {
      for (const unit of ["tokens", "money"] as const) expect((await standing(store, unit)).reserved).toBe(0);
      const rows = await Array.fromAsync(store.ledger.rows(0, 1));
      if (hasBudget) expect(rows).toHaveLength(reserved.size);
      const dollars = rows.reduce((sum, { cost = 0 }) => sum + Math.round(cost * 1e9), 0);
      expect((await standing(store, "money")).spent).toBe(dollars);
    }

    it.each(stories)("an answer that $name leaves nothing reserved, killed before any of its writes", async (story) => {
      const hasBudget = Object.keys(story.spending.budgets).length > 0;
      for (const comesBack of [true, false]) {
        for (let writes = 0; ; writes += 1) {
          const ended = await live(story, [writes], comesBack);
          // Whoever never comes back is swept.
          if (!comesBack) await ended.store.ledger.sweep(Number.NEGATIVE_INFINITY);
          await expectSettled(ended, hasBudget);
          if (comesBack) expect((await ended.store.readTurn("7", 50))?.state).toBe("done");
          if (ended.died === 0) break;
          for (const one of opened.splice(0)) await one.close();
        }
      }
    });

    it("so does any of them that is killed again and again", async () => {
      const kills = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 2, maxLength: 4 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...stories), kills, async (story, deaths) => {
          await expectSettled(await live(story, deaths), Object.keys(story.spending.budgets).length > 0);
          for (const one of opened.splice(0)) await one.close();
        }),
        { numRuns: 25 },
      );
    });
  });
}
