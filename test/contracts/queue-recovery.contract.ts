/** The queue's contract on the end of a process: after kill -9 and after a shutdown in good order. */
import { describe, expect, it } from "vitest";
import type { OpenNewQueue, OpenQueue } from "./queue.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "./queue-probe.ts";

/** Lets the process die so often while it handles these; its watchdog names one of them, or nobody. */
async function crashWith(first: OpenQueue, ids: readonly number[], times: number, hungIn?: number): Promise<OpenQueue> {
  let process = first;
  for (let n = 0; n < times; n++) {
    const probe = createProbe();
    for (const id of ids) probe.holdDeaf(id);
    probe.consume(process.queue, { maxCrashes: 50 });
    for (const id of ids) await probe.running(id);
    await pause();
    process = await process.crash(hungIn);
  }
  return process;
}

export function queueRecoveryContract(open: OpenNewQueue): void {
  describe("after a crash", () => {
    it("delivers what ran again, then the rest in order, and nothing that was finished", async () => {
      const before = await open();
      const probe = createProbe();
      probe.hold(2);
      probe.holdAside(12);
      for (const id of [1, 2, 3, 4]) await before.queue.enqueue(question(id));
      for (const id of [11, 12, 13]) await before.queue.enqueue(question(id, { conversation: "b" }));
      probe.consume(before.queue);
      await eventually(async () => expect((await before.queue.stats()).waiting).toBe(3));
      await probe.running(12);
      await pause();

      const { queue } = await before.crash();
      const after = createProbe();
      const { waiting, active } = await queue.stats();
      // Until another worker has found out that the first is dead, a shared engine counts what that one had as active.
      expect(waiting + active).toBe(5);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
      expect(await queue.enqueue(question(3))).toBe("duplicate");
      after.consume(queue);
      await idle(queue);
      const ofLane = (conversation: string) =>
        after.deliveries.filter((one) => one.conversation === conversation).map((one) => one.updateId);
      expect(ofLane("a")).toEqual([2, 3, 4]);
      expect(ofLane("b")).toEqual([12, 13]);
      expect(after.last(2).attempt).toBe(2);
      expect(after.last(3).attempt).toBe(1);
    });

    it("remembers the outcome of an interrupt, what it dropped and where an edit belongs", async () => {
      const before = await open();
      for (const id of [1, 2, 3]) await before.queue.enqueue(question(id));
      await before.queue.enqueue(question(10, { question: 1001, interrupt: { kind: "edit", question: 1001 } }));
      await before.queue.enqueue(update(11, { conversation: "b", interrupt: { kind: "new" } }));
      await before.queue.enqueue(question(20, { conversation: "c" }));
      await before.queue.enqueue(update(21, { conversation: "c", lane: "quick", interrupt: { kind: "stop" } }));

      const { queue } = await before.crash();
      const probe = createProbe();
      probe.consume(queue, { turnSlots: 1 });
      await idle(queue);
      expect(probe.started().filter((id) => id <= 10)).toEqual([10, 2, 3]);
      expect(probe.last(11).outcome).toEqual({ aborted: false, dropped: 0 });
      expect(probe.last(21).outcome).toEqual({ aborted: false, dropped: 1 });
      expect(probe.started()).not.toContain(20);
    });

    it("delivers a question that had been stopped with an aborted signal", async () => {
      const before = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      await before.queue.enqueue(question(1));
      probe.consume(before.queue);
      await probe.running(1);
      await before.queue.enqueue(update(10, { interrupt: { kind: "new" } }));

      const { queue } = await before.crash();
      const after = createProbe();
      after.hold(1);
      after.consume(queue);
      await idle(queue);
      expect(after.started()).toEqual([1, 10]);
      expect(after.last(1).signal.reason).toBe("new");
      expect(after.last(10).outcome).toEqual({ aborted: true, dropped: 0 });
    });

    it("keeps the order that edits have made", async () => {
      const before = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      for (const id of [1, 2, 3, 4]) await before.queue.enqueue(question(id));
      probe.consume(before.queue);
      await probe.running(1);
      for (const [id, of] of [
        [10, 1],
        [11, 3],
        [12, 1],
      ] as const) {
        await before.queue.enqueue(
          question(id, { question: 1000 + of, interrupt: { kind: "edit", question: 1000 + of } }),
        );
      }
      const { queue } = await before.crash();
      const after = createProbe();
      after.consume(queue);
      await idle(queue);
      expect(after.started()).toEqual([1, 12, 2, 11, 4]);
    });

    it("delivers at once what was stopped while it waited for its next attempt", async () => {
      const before = await open();
      const probe = createProbe();
      probe.failNext(1, 1);
      await before.queue.enqueue(question(1));
      probe.consume(before.queue, { backoffMs: () => 60_000 });
      await eventually(async () => expect((await before.queue.stats()).delayed).toBe(1));
      probe.holdDeaf(1);
      await before.queue.enqueue(update(10, { lane: "quick", interrupt: { kind: "stop" } }));
      const { queue } = await before.crash();
      const after = createProbe();
      after.consume(queue);
      await idle(queue);
      expect(after.last(1).signal.reason).toBe("stop");
    });

    it("lets interrupts find what had begun, before anything runs again", async () => {
      for (const [interrupt, reason, rest] of [
        [{ kind: "stop" }, "stop", [10]],
        [{ kind: "stop", run: 1 }, "stop", [10]],
        [{ kind: "edit", question: 1001 }, "edit", [10, 2]],
      ] as const) {
        const before = await open();
        const probe = createProbe();
        probe.holdDeaf(1);
        for (const id of [1, 2]) await before.queue.enqueue(question(id));
        probe.consume(before.queue);
        await probe.running(1);
        await pause();

        const { queue } = await before.crash();
        const after = createProbe();
        const asks = interrupt.kind === "edit" ? { question: 1001 } : {};
        await queue.enqueue(update(10, { interrupt, ...asks }));
        after.consume(queue);
        await idle(queue);
        expect(after.started()).toEqual([1, ...rest]);
        expect(after.last(1).signal.reason).toBe(reason);
        expect(after.last(10).outcome?.aborted).toBe(true);
      }
    });

    it("buries an update that ran at too many of them, and moves its lane on", async () => {
      let process = await open();
      await process.queue.enqueue(question(1));
      await process.queue.enqueue(question(2));
      for (const attempt of [1, 2]) {
        const probe = createProbe();
        probe.holdDeaf(1);
        probe.consume(process.queue, { maxCrashes: 2 });
        await probe.running(1);
        expect(probe.last(1).attempt).toBe(attempt);
        await pause();
        process = await process.crash();
      }
      const after = createProbe();
      after.consume(process.queue, { maxCrashes: 2 });
      await idle(process.queue);
      expect(after.started()).toEqual([2]);
      expect(after.dead.map(({ updateId }) => updateId)).toEqual([1]);
      expect((await process.queue.dead.list(10)).map(({ updateId }) => updateId)).toEqual([1]);
    });

    it("runs alone what ran at three of them, so that nobody is charged for another's crash", async () => {
      let process = await open();
      for (const [id, conversation] of [
        [1, "a"],
        [11, "b"],
        [12, "b"],
      ] as const) {
        await process.queue.enqueue(question(id, { conversation }));
      }
      process = await crashWith(process, [1, 11], 3);
      await process.queue.enqueue(question(31, { conversation: "d" }));
      await process.queue.enqueue(update(32, { conversation: "e", lane: "quick" }));

      const active = new Set<number>();
      const met = new Map<number, Set<number>>();
      const probe = createProbe();
      probe.handler = async ({ updateId }) => {
        for (const other of active) {
          met.get(other)?.add(updateId);
        }
        met.set(updateId, new Set(active));
        active.add(updateId);
        await pause(60);
        active.delete(updateId);
        probe.finished.push(updateId);
      };
      probe.consume(process.queue, { maxCrashes: 50 });
      await idle(process.queue);
      expect(probe.finished.toSorted((a, b) => a - b)).toEqual([1, 11, 12, 31, 32]);
      expect([...(met.get(1) ?? []), ...(met.get(11) ?? [])]).toEqual([]);
      expect(probe.dead).toEqual([]);
    });

    it("keeps others waiting for the suspects only for so long", async () => {
      let process = await open({ aloneForMs: 1 });
      const suspects = [1, 11, 21, 31];
      for (const id of suspects) await process.queue.enqueue(question(id, { conversation: `c${id}` }));
      process = await crashWith(process, suspects, 3);
      const probe = createProbe();
      probe.hold(...suspects);
      probe.consume(process.queue, { maxCrashes: 50 });
      // None of them has ended; the process has lived on for as long as they may be alone.
      await eventually(() => expect(probe.started().toSorted((a, b) => a - b)).toEqual(suspects));
      await process.queue.enqueue(question(41, { conversation: "other" }));
      await eventually(() => expect(probe.finished).toEqual([41]));
      for (const id of suspects) probe.letGo(id);
      await idle(process.queue);
    });

    it("does not count an update as alone that others have run beside for a while", async () => {
      let process = await open({ aloneForMs: 1 });
      await process.queue.enqueue(question(1));
      process = await crashWith(process, [1], 3);
      for (const other of [11, 12, 13, 14]) {
        await process.queue.enqueue(question(other, { conversation: `c${other}` }));
        const probe = createProbe();
        probe.holdDeaf(1);
        probe.consume(process.queue, { maxCrashes: 50 });
        for (const id of [1, other]) await probe.running(id);
        await pause();
        process = await process.crash();
      }
      const after = createProbe();
      after.consume(process.queue, { maxCrashes: 50 });
      await idle(process.queue);
      expect(after.finished).toContain(1);
      expect(after.dead).toEqual([]);
    });

    it("buries an update that was alone at three of them, and clears those that were not", async () => {
      let process = await open();
      for (const id of [1, 2]) await process.queue.enqueue(question(id));
      await process.queue.enqueue(question(11, { conversation: "b" }));
      process = await crashWith(process, [1, 11], 3);
      // The others come to their end before or between; this one never does.
      for (let n = 0; n < 3; n++) process = await crashWith(process, [1], 1);
      const after = createProbe();
      after.consume(process.queue, { maxCrashes: 50 });
      await idle(process.queue);
      expect(after.dead.map(({ updateId }) => updateId)).toEqual([1]);
      expect(after.dead[0]?.reason).toMatch(/alone/);
      expect(after.finished).toContain(2);
      expect(after.started()).not.toContain(1);
    });

    it("does not run alone again what was alone and failed without one", async () => {
      let process = await open();
      await process.queue.enqueue(question(1));
      process = await crashWith(process, [1], 5);
      const probe = createProbe();
      probe.failNext(1, 1);
      probe.consume(process.queue, { maxCrashes: 6, backoffMs: () => 300 });
      await eventually(async () => expect((await process.queue.stats()).delayed).toBe(1));
      process = await crashWith(await process.crash(), [1], 1);
      const after = createProbe();
      after.consume(process.queue, { maxCrashes: 6 });
      await idle(process.queue);
      expect(after.finished).toEqual([1]);
    });

    it("charges a hang to the update that it was in, and to no other; the second one is its death", async () => {
      let process = await open();
      await process.queue.enqueue(question(1));
      await process.queue.enqueue(question(2));
      await process.queue.enqueue(question(11, { conversation: "b" }));
      process = await crashWith(process, [1, 11], 1, 1);
      process = await crashWith(process, [1, 11], 1, 1);
      const after = createProbe();
      // With one crash to its name it would be dead.
      after.consume(process.queue, { maxCrashes: 1 });
      await idle(process.queue);
      expect(after.dead.map(({ updateId }) => updateId)).toEqual([1]);
      expect(after.dead[0]?.reason).toMatch(/hung 2 times/);
      expect(after.finished.toSorted((a, b) => a - b)).toEqual([2, 11]);

      expect(process.queue.hung(11)).toBe(false);
      await eventually(() => expect(process.queue.hung(1)).toBe(true));

      expect(await process.queue.dead.requeue(1)).toBe(true);
      await idle(process.queue);
      expect(after.finished).toContain(1);
      await eventually(() => expect(process.queue.hung(1)).toBe(false));
    });

    it("knows of a hang in what was not even stored", async () => {
      let process = await open();
      process = await process.crash(99);
      expect(process.queue.hung(99)).toBe(false);
      process = await process.crash(99);
      await eventually(() => expect(process.queue.hung(99)).toBe(true));
      expect(await process.queue.known(99)).toBe(false);
    });

    it("announces the death of an update whose announcement the crash cut short", async () => {
      const before = await open();
      const probe = createProbe();
      probe.failNext(1, 9);
      await before.queue.enqueue(question(1));
      const announcing = Promise.withResolvers<void>();
      probe.consume(before.queue, {
        maxFailures: 1,
        onDead(dead) {
          probe.dead.push(dead);
          return announcing.promise;
        },
      });
      await eventually(() => expect(probe.dead.length).toBe(1));

      const { queue } = await before.crash();
      announcing.resolve();
      const after = createProbe();
      after.consume(queue);
      await idle(queue);
      expect(after.started()).toEqual([]);
      expect(after.dead).toEqual(probe.dead);
    });
  });

  describe("after a shutdown", () => {
    it("has what had stepped aside, in its order", async () => {
      const before = await open();
      const probe = createProbe();
      probe.holdAside(1);
      await before.queue.enqueue(question(1));
      await before.queue.enqueue(question(2));
      const consumer = probe.consume(before.queue, { turnSlots: 1, maxCrashes: 1, maxFailures: 1 });
      await probe.running(1);
      expect(await consumer.drain(0)).toBe(1);
      const { queue } = await before.restart();
      const after = createProbe();
      after.consume(queue, { maxCrashes: 1, maxFailures: 1 });
      await idle(queue);
      expect(after.finished).toEqual([1, 2]);
    });

    it("holds nothing against what was running, however often", async () => {
      let process = await open();
      await process.queue.enqueue(question(1));
      await process.queue.enqueue(question(2));
      for (const attempt of [1, 2, 3]) {
        const probe = createProbe();
        probe.hold(1);
        const consumer = probe.consume(process.queue, { maxCrashes: 1, maxFailures: 1 });
        await probe.running(1);
        expect(probe.last(1).attempt).toBe(attempt);
        expect(await consumer.drain(0)).toBe(1);
        process = await process.restart();
      }
      const after = createProbe();
      after.consume(process.queue, { maxCrashes: 1, maxFailures: 1 });
      await idle(process.queue);
      expect(after.started()).toEqual([1, 2]);
    });

    it("waits for the rest of a back-off, and counts failures on", async () => {
      const before = await open();
      const probe = createProbe();
      probe.failNext(1, 1);
      await before.queue.enqueue(question(1));
      const consumer = probe.consume(before.queue, { backoffMs: () => 600 });
      await eventually(async () => expect((await before.queue.stats()).delayed).toBe(1));
      const failedBefore = Date.now();
      await consumer.drain(0);
      const { queue } = await before.restart();

      const after = createProbe();
      after.failNext(1, 9);
      const asked: number[] = [];
      let startedAt = 0;
      queue.consume(
        (delivery) => {
          startedAt ||= Date.now();
          return after.handler(delivery);
        },
        {
          turnSlots: 1,
          quickSlots: 1,
          maxFailures: 3,
          maxCrashes: 3,
          backoffMs(failure) {
            asked.push(failure);
            return 1;
          },
          onDead: async () => {},
        },
      );
      await eventually(async () => expect((await queue.stats()).dead).toBe(1));
      // It may have failed up to one look of the test earlier.
      expect(startedAt - failedBefore).toBeGreaterThan(200);
      expect(asked).toEqual([2]);
      expect(after.deliveries.map(({ attempt }) => attempt)).toEqual([2, 3]);
    });

    it.each([-5, 5])("waits for no longer than the back-off when the clock was set by %i hours", async (hours) => {
      let offset = 0;
      const before = await open({ now: () => Date.now() + offset });
      const probe = createProbe();
      probe.failNext(1, 1);
      probe.failNext(11, 1);
      await before.queue.enqueue(question(1));
      await before.queue.enqueue(question(11, { conversation: "b" }));
      const consumer = probe.consume(before.queue, { backoffMs: () => 500 });
      await eventually(async () => expect((await before.queue.stats()).delayed).toBe(2));
      offset = hours * 3_600_000;
      // What comes to the lane meanwhile makes it look at the clock again.
      await before.queue.enqueue(question(2));
      await eventually(() => expect(probe.finished).toEqual(expect.arrayContaining([1, 2, 11])));

      probe.failNext(3, 1);
      await before.queue.enqueue(question(3));
      await eventually(async () => expect((await before.queue.stats()).delayed).toBe(1));
      await consumer.drain(0);
      offset = -offset;
      const { queue } = await before.restart();
      const after = createProbe();
      after.consume(queue, { backoffMs: () => 500 });
      await idle(queue);
      expect(after.finished).toEqual([3]);
    });

    it("still has the dead, and takes them up when asked", async () => {
      const before = await open();
      const probe = createProbe();
      probe.failNext(1, 9);
      await before.queue.enqueue(question(1));
      const consumer = probe.consume(before.queue, { maxFailures: 1 });
      await eventually(async () => expect((await before.queue.stats()).dead).toBe(1));
      await consumer.drain(0);
      const { queue } = await before.restart();
      expect((await queue.stats()).dead).toBe(1);
      expect(await queue.dead.list(10)).toEqual(probe.dead);
      expect(await queue.dead.requeue(1)).toBe(true);
      const after = createProbe();
      after.consume(queue);
      await idle(queue);
      expect(after.finished).toEqual([1]);
    });

    it("keeps nothing more of the dead that are erased, and knows them again all the same", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const ids = [1, 2, 3];
      for (const id of ids) probe.failNext(id, 9);
      for (const id of ids) await queue.enqueue(question(id));
      probe.consume(queue, { maxFailures: 1 });
      await eventually(async () => expect((await queue.stats()).dead).toBe(3));
      expect(await queue.dead.erase(({ updateId }) => updateId !== 2)).toBe(2);
      expect(await queue.dead.erase(({ updateId }) => updateId !== 2)).toBe(0);
      expect((await queue.stats()).dead).toBe(1);
      expect((await queue.dead.list(10)).map(({ updateId }) => updateId)).toEqual([2]);
      expect(await queue.dead.requeue(1)).toBe(false);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
    });
  });
}
