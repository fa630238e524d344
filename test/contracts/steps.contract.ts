/** The contract of the journal of steps, for any store. */
import { afterEach, describe, expect, it } from "vitest";
import type { Step } from "../../src/ports/steps.ts";
import type { Store } from "../../src/ports/store.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { readUsage } from "../support/read-usage.ts";
import { exchange, type OpenStore, type StoreOptions, turn, usage } from "./store.contract.ts";

const hour = 3_600_000;

export function step(number: number, ...names: string[]): Step {
  const calls = names.map((name) => ({
    id: `${name}-${number}`,
    name,
    arguments: '{"a":"x\\ny"}',
    state: "new" as const,
  }));
  return {
    number,
    model: "p/m",
    text: `text ${number}`,
    prefix: "abc",
    native: { model: "p/m", content: [{ signed: "é" }] },
    calls,
  };
}

/** Everything that a store must do for a turn in steps. `open` gives an empty one each time. */
export function stepsContract(name: string, open: (options: StoreOptions) => Promise<OpenStore>): void {
  describe(`the journal of steps: ${name}`, () => {
    const opened: OpenStore[] = [];
    const clock = { now: 0 };

    async function begun(): Promise<Store> {
      clock.now = 1_800_000_000_000;
      const one = await open({ historyTtlSeconds: (10 * hour) / 1000, now: () => clock.now });
      opened.push(one);
      await one.store.beginTurn(turn(1));
      return one.store;
    }

    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    it("gives steps back as they were, in their order, with what became of their calls", async () => {
      const store = await begun();
      expect(await store.readSteps(turn(1))).toEqual([]);
      expect(await store.addStep(turn(1), step(1, "search", "page"), [])).toBe(true);
      expect(await store.addStep(turn(1), step(2, "page"), [])).toBe(true);
      expect(await store.readSteps(turn(1))).toEqual([step(1, "search", "page"), step(2, "page")]);
      const result = { text: "found\n'it' 🙂", sources: [{ title: "t", url: "https://e.example/" }] };
      expect(await store.changeCall(turn(1), { step: 1, call: 1, state: "started" })).toBe(true);
      await store.changeCall(turn(1), { step: 1, call: 1, state: "done", result });
      const [first] = await store.readSteps(turn(1));
      expect(first?.calls.map(({ state }) => state)).toEqual(["new", "done"]);
      expect(first?.calls[1]).toEqual({ ...step(1, "search", "page").calls[1], state: "done", result });
    });

    it("keeps the steps of a run that begins again, and forgets those of any other", async () => {
      const store = await begun();
      await store.addStep(turn(1), step(1, "search"), []);
      await store.beginTurn(turn(1));
      expect(await store.readSteps(turn(1))).toHaveLength(1);
      const other = turn(1, { run: 900 });
      await store.beginTurn(other);
      expect(await store.readSteps(turn(1))).toEqual([]);
      expect(await store.readSteps(other)).toEqual([]);
      expect(await store.addStep(turn(1), step(2, "search"), [])).toBe(false);
      expect(await store.changeCall(turn(1), { step: 1, call: 0, state: "done" })).toBe(false);
    });

    it("forgets them with the turn's end, the conversation, and its time to live", async () => {
      const store = await begun();
      const ends: ((run: Turn) => Promise<void>)[] = [
        (run) => store.finishTurn(run, exchange(1), []),
        () => store.forget("a"),
        async () => {
          clock.now += 11 * hour;
        },
        () => store.beginTurn(turn(2), [1]),
      ];
      for (const end of ends) {
        const run = turn(1, { run: ++clock.now });
        await store.beginTurn(run);
        await store.addStep(run, step(1, "search"), []);
        expect(await store.readSteps(run)).toHaveLength(1);
        await end(run);
        expect(await store.readSteps(run)).toEqual([]);
        await store.forget("a");
      }
    });

    it("writes the rows of a step's calls once, whatever became of the turn", async () => {
      const store = await begun();
      await store.addStep(turn(1), step(1, "search"), [usage({ at: clock.now })]);
      expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 1 });
      await store.forget("a");
      expect(await store.addStep(turn(1), step(2, "search"), [usage({ at: clock.now })])).toBe(false);
      expect(await readUsage(store, 1, 0)).toMatchObject({ answers: 2 });
    });

    it("lets a turn wait, and go on once, with its steps", async () => {
      const store = await begun();
      await store.addStep(turn(1), step(1, "delete"), []);
      await store.setTurnMessages("a", 1, 101, [7, 8]);
      const asks = { userId: 5, step: 1, call: 0 };
      const waiting = turn(1, { answer: "so far", notes: [{ kind: "waiting-for-permission" }], asks });
      expect(await store.suspendTurn(waiting, 50, [])).toBe(true);
      expect(await store.suspendTurn({ ...waiting, asks: { ...asks, message: 9 } }, 60, [])).toBe(true);
      const stored = { state: "waiting", messages: [7, 8], answer: "so far", asks: { ...asks, message: 9 } };
      expect(await store.readTurn("a", 1)).toMatchObject(stored);
      expect(await store.waitingTurns("a")).toEqual([{ conversation: "a", question: 1, at: 50 }]);
      expect(await store.waitingSince(50)).toEqual([]);
      expect(await store.waitingSince(51)).toEqual([{ conversation: "a", question: 1, at: 50 }]);

      expect(await store.resumeTurn("a", 1, 300)).toMatchObject({ ...stored, run: 101 });
      expect(await store.resumeTurn("a", 1, 300)).toMatchObject({ run: 300, state: "writing", asks: { message: 9 } });
      expect(await store.resumeTurn("a", 1, 301)).toBeUndefined();
      expect(await store.resumeTurn("a", 2, 300)).toBeUndefined();
      expect(await store.waitingTurns("a")).toEqual([]);
      expect(await store.waitingSince(1e15)).toEqual([]);
      await store.beginTurn(turn(1, { run: 300 }));
      expect(await store.readSteps(turn(1, { run: 300 }))).toHaveLength(1);
    });

    it("finds the hundred that have waited longest, however many were forgotten meanwhile", async () => {
      const store = await begun();
      for (let at = 1; at <= 130; at++) {
        const one = turn(1, { conversation: `w${at}` });
        await store.beginTurn(one);
        await store.suspendTurn(one, at, []);
        if (at % 5 === 0) await store.forget(one.conversation);
      }
      const found = await store.waitingSince(130);
      expect(found.map(({ at }) => at)).toEqual(
        Array.from({ length: 129 }, (_, n) => n + 1)
          .filter((at) => at % 5 !== 0)
          .slice(0, 100),
      );
      expect(await store.waitingSince(4)).toHaveLength(3);
    });

    it("does not let a turn wait whose conversation was forgotten", async () => {
      const store = await begun();
      await store.suspendTurn(turn(1), 50, []);
      await store.forget("a");
      expect(await store.resumeTurn("a", 1, 300)).toBeUndefined();
      expect(await store.waitingTurns("a")).toEqual([]);
      expect(await store.waitingSince(1e15)).toEqual([]);
      expect(await store.suspendTurn(turn(1), 50, [])).toBe(false);
    });

    it("remembers which tools a conversation allows, until it is forgotten", async () => {
      const store = await begun();
      expect(await store.allowedTools("a")).toEqual(new Set());
      await store.allowTool("a", "files_write");
      await store.allowTool("a", "files_write");
      await store.allowTool("a", "files_delete");
      expect(await store.allowedTools("a")).toEqual(new Set(["files_write", "files_delete"]));
      expect(await store.allowedTools("b")).toEqual(new Set());
      await store.forget("a");
      await store.beginTurn(turn(1));
      expect(await store.allowedTools("a")).toEqual(new Set());
    });

    it("remembers how the tools of servers were known", async () => {
      const store = await begun();
      const before = await store.knownTools();
      expect(await Promise.all([store.meetTool(`${name}_x`, "one"), store.meetTool(`${name}_x`, "other")])).toEqual([
        "one",
        "one",
      ]);
      await store.knowTool(`${name}_x`, "two");
      expect(await store.meetTool(`${name}_x`, "one")).toBe("two");
      expect(await store.knownTools()).toEqual(new Map([...before, [`${name}_x`, "two"]]));
    });

    it("goes along when a group becomes a supergroup", async () => {
      const store = await begun();
      const [from, to] = ["-5", "-1000000000005"];
      const one = turn(1, { conversation: from });
      await store.beginTurn(one);
      await store.addStep(one, step(1, "delete"), []);
      await store.suspendTurn(one, 50, []);
      await store.allowTool(from, "delete");
      await store.moveConversation(from, to);
      expect(await store.waitingTurns(to)).toEqual([{ conversation: to, question: -1, at: 50 }]);
      expect(await store.waitingTurns(from)).toEqual([{ conversation: from, question: 1, at: 50 }]);
      expect(await store.waitingSince(51)).toEqual([{ conversation: to, question: -1, at: 50 }]);
      expect(await store.allowedTools(from)).toEqual(new Set(["delete"]));
      expect(await store.resumeTurn(from, 1, 300)).toMatchObject({ question: 1, run: 101 });
      expect(await store.readSteps({ ...one, run: 300 })).toEqual([step(1, "delete")]);
    });

    it("forgets them with turns that are too old to be kept", async () => {
      const store = await begun();
      await store.addStep(turn(1), step(1, "search"), []);
      await store.suspendTurn(turn(1), 50, []);
      for (let question = 2; question <= 2_600; question++) await store.beginTurn(turn(question));
      expect(await store.readTurn("a", 1)).toBeUndefined();
      expect(await store.waitingSince(1e15)).toEqual([]);
      await store.beginTurn(turn(1));
      expect(await store.readSteps(turn(1))).toEqual([]);
    });

    it("erases those of a user's own conversation", async () => {
      const store = await begun();
      const own = turn(1, { conversation: "42" });
      await store.beginTurn(own);
      await store.addStep(own, step(1, "search"), []);
      await store.suspendTurn(own, 50, []);
      await store.allowTool("42", "x");
      await store.eraseUser(42);
      await store.beginTurn(own);
      expect(await store.readSteps(own)).toEqual([]);
      expect(await store.waitingSince(1e15)).toEqual([]);
      expect(await store.allowedTools("42")).toEqual(new Set());
    });
  });
}
