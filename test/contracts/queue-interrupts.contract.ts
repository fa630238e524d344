/** The queue's contract on interrupts: what /stop, /new, the Stop button and edits do the moment they are enqueued. */
import { describe, expect, it } from "vitest";
import type { OpenNewQueue } from "./queue.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "./queue-probe.ts";

const stop = (updateId: number, run?: number) =>
  update(updateId, { lane: "quick", interrupt: { kind: "stop", ...(run === undefined ? {} : { run }) } });
const begin = (updateId: number) => update(updateId, { interrupt: { kind: "new" } });
/** An edit of the question that update `of` asked. */
const edit = (updateId: number, of: number) =>
  question(updateId, { question: 1000 + of, interrupt: { kind: "edit", question: 1000 + of } });

export function queueInterruptContract(open: OpenNewQueue): void {
  describe("a stop", () => {
    it("aborts the running question and drops those enqueued before it, not those after", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      expect(await queue.enqueue(stop(10))).toBe("queued");
      expect(probe.last(1).signal.reason).toBe("stop");
      await queue.enqueue(question(4));
      await idle(queue);
      expect(probe.started().toSorted()).toEqual([1, 10, 4].toSorted());
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 2 });
      expect(probe.last(10).interrupt).toEqual({ kind: "stop" });
    });

    it("ends an update whose handler throws at the abort: logged, not tried again, not dead", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      await queue.enqueue(question(1));
      probe.consume(queue, { maxFailures: 1 });
      await probe.running(1);
      await queue.enqueue(stop(10));
      await idle(queue);
      expect(probe.failures).toEqual([[1, "aborted: stop"]]);
      expect(probe.dead).toEqual([]);
      expect(probe.started()).toEqual([1, 10]);
    });

    it("counts its order by the calls, also when nobody waited for the disk", async () => {
      const { queue } = await open();
      const probe = createProbe();
      await Promise.all([
        queue.enqueue(question(1)),
        queue.enqueue(question(2)),
        queue.enqueue(stop(10)),
        queue.enqueue(question(3)),
        queue.enqueue(stop(11)),
        queue.enqueue(question(4)),
      ]);
      probe.consume(queue);
      await idle(queue);
      expect(probe.started().toSorted()).toEqual([10, 11, 4].toSorted());
      expect(probe.last(10).outcome).toEqual({ aborted: false, dropped: 2 });
      expect(probe.last(11).outcome).toEqual({ aborted: false, dropped: 1 });
    });

    it("leaves what is no question, quick updates and other conversations alone", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1, 2);
      await queue.enqueue(question(1, { conversation: "b" }));
      await queue.enqueue(update(2));
      await queue.enqueue(update(3));
      await queue.enqueue(question(4));
      await queue.enqueue(question(5, { conversation: "b" }));
      await queue.enqueue(question(6, { conversation: "a:7" }));
      probe.consume(queue);
      await probe.running(2);
      await queue.enqueue(stop(10));
      await eventually(() => expect(probe.finished).toContain(10));
      expect(probe.last(10).outcome).toEqual({ aborted: false, dropped: 1 });
      expect(probe.last(1).signal.aborted).toBe(false);
      expect(probe.last(2).signal.aborted).toBe(false);
      probe.letGo(1);
      probe.letGo(2);
      await idle(queue);
      expect(probe.finished.toSorted()).toEqual([1, 10, 2, 3, 5, 6].toSorted());
    });

    it("that meets nothing says so", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.consume(queue);
      await queue.enqueue(stop(10));
      await idle(queue);
      expect(probe.last(10).outcome).toEqual({ aborted: false, dropped: 0 });
    });

    it("does nothing when it is delivered again", async () => {
      const { queue } = await open();
      const probe = createProbe();
      await queue.enqueue(stop(10));
      probe.hold(1);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      probe.consume(queue);
      await probe.running(1);
      expect(await queue.enqueue(stop(10))).toBe("duplicate");
      expect(probe.last(1).signal.aborted).toBe(false);
      probe.letGo(1);
      await idle(queue);
      expect(probe.finished).toContain(2);
    });

    it("is carried out though its own answer was refused: who may not speak may still stop", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      await queue.enqueue(question(1));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue({ ...stop(11), refusal: { reason: "rate", tell: false, waitSeconds: 1 } });
      await idle(queue);
      expect(probe.last(1).signal.reason).toBe("stop");
      expect(probe.last(11)).toMatchObject({ refusal: { reason: "rate" }, outcome: { aborted: true, dropped: 0 } });
    });

    it("is carried out even when its own lane is full", async () => {
      const { queue } = await open({ maxLane: 2 });
      const probe = createProbe();
      probe.hold(1, 3);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      for (const id of [3, 4]) await queue.enqueue(update(id, { lane: "quick" }));
      probe.consume(queue);
      await probe.running(1);
      await probe.running(3);
      expect(await queue.enqueue(stop(10))).toBe("lane-full");
      expect(probe.last(1).signal.reason).toBe("stop");
      probe.letGo(3);
      await idle(queue);
      expect(probe.started()).not.toContain(2);
    });

    it("makes a question that waits for its next attempt tidy up at once", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 1);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      probe.consume(queue, { backoffMs: () => 60_000 });
      await eventually(async () => expect((await queue.stats()).delayed).toBe(1));
      await queue.enqueue(stop(10));
      await idle(queue);
      expect(probe.started().toSorted()).toEqual([1, 1, 10].toSorted());
      expect(probe.last(1)).toMatchObject({ attempt: 2 });
      expect(probe.last(1).signal.reason).toBe("stop");
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 1 });
    });
  });

  describe("a stop in the very moment", () => {
    it.each([
      ["ends", 1],
      ["has ended", 20],
    ])("in which a question %s aborts nothing and drops the one behind it, which never runs", async (_, later) => {
      const { queue, endsElsewhere = false } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      probe.letGo(1);
      for (let n = 0; n < later; n++) await Promise.resolve();
      await queue.enqueue(stop(10));
      await idle(queue);
      expect(probe.started()).toEqual([1, 10]);
      expect(probe.finished).toContain(1);
      const aborted = endsElsewhere && later === 1 ? expect.any(Boolean) : false;
      expect(probe.last(10).outcome).toEqual({ aborted, dropped: 1 });
    });

    it("in which a handler throws still reaches its update, before the back-off", async () => {
      for (const first of ["failure", "stop"]) {
        const { queue } = await open();
        const probe = createProbe();
        probe.hold(1);
        await queue.enqueue(question(1));
        probe.consume(queue, { backoffMs: () => 60_000 });
        await probe.running(1);
        if (first === "failure") probe.fail(1, "no");
        for (let n = 0; n < 20 && first === "failure"; n++) await Promise.resolve();
        const stopped = queue.enqueue(stop(10));
        probe.fail(1, "no");
        await stopped;
        await idle(queue);
        expect(probe.started().toSorted()).toEqual([1, 1, 10].toSorted());
        expect(probe.last(1).signal.reason).toBe("stop");
      }
    });
  });

  describe("a stop for one run", () => {
    it("does nothing when another run is going on", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(2);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(2);
      await queue.enqueue(stop(10, 1));
      await queue.enqueue(stop(11, 3));
      await eventually(() => expect(probe.finished).toEqual([1, 10, 11]));
      for (const id of [10, 11]) expect(probe.last(id).outcome).toEqual({ aborted: false, dropped: 0 });
      expect(probe.last(2).signal.aborted).toBe(false);
      probe.letGo(2);
      await idle(queue);
      expect(probe.finished).toContain(3);
    });

    it("stops that run and drops what waits behind it", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(stop(10, 1));
      await idle(queue);
      expect(probe.started()).toEqual([1, 10]);
      expect(probe.last(1).signal.reason).toBe("stop");
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 2 });
    });

    it("stops nothing in another conversation", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      await queue.enqueue(question(1));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue({ ...stop(10, 1), conversation: "b" });
      await eventually(() => expect(probe.finished).toEqual([10]));
      expect(probe.last(1).signal.aborted).toBe(false);
    });

    it("stops a run that waits for its next attempt", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 1);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      probe.consume(queue, { backoffMs: () => 60_000 });
      await eventually(async () => expect((await queue.stats()).delayed).toBe(1));
      await queue.enqueue(stop(10, 1));
      await idle(queue);
      expect(probe.last(1).signal.reason).toBe("stop");
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 1 });
    });
  });

  describe("a new conversation", () => {
    it("aborts and drops at once, and then takes its turn in the turn lane", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      for (const id of [1, 2]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(begin(10));
      await queue.enqueue(question(3));
      expect(probe.last(1).signal.reason).toBe("new");
      await pause();
      expect(probe.started()).toEqual([1]);
      probe.letGo(1);
      await idle(queue);
      expect(probe.started()).toEqual([1, 10, 3]);
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 1 });
    });

    it("finds room in a lane that was full of questions", async () => {
      const { queue } = await open({ maxLane: 3 });
      const probe = createProbe();
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      expect(await queue.enqueue(begin(10))).toBe("queued");
      probe.consume(queue);
      await idle(queue);
      expect(probe.started()).toEqual([10]);
    });
  });

  describe("an edit", () => {
    it("of the running question aborts it and runs next", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(edit(10, 1));
      expect(probe.last(1).signal.reason).toBe("edit");
      await idle(queue);
      expect(probe.started()).toEqual([1, 10, 2, 3]);
      expect(probe.last(10).outcome).toEqual({ aborted: true, dropped: 0 });
    });

    it("of a waiting question takes its place", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(edit(10, 2));
      expect(probe.last(1).signal.aborted).toBe(false);
      probe.letGo(1);
      await idle(queue);
      expect(probe.started()).toEqual([1, 10, 3]);
      expect(probe.last(10).outcome?.aborted).toBe(false);
    });

    it("of the first waiting question takes its place before anything runs", async () => {
      const { queue } = await open();
      const probe = createProbe();
      await Promise.all([queue.enqueue(question(1)), queue.enqueue(question(2)), queue.enqueue(edit(10, 1))]);
      probe.consume(queue);
      await idle(queue);
      expect(probe.started()).toEqual([10, 2]);
    });

    it("of neither goes to the end", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(2);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(2);
      await queue.enqueue(edit(10, 1));
      probe.letGo(2);
      await idle(queue);
      expect(probe.started()).toEqual([1, 2, 3, 10]);
      expect(probe.last(10).outcome).toEqual({ aborted: false, dropped: 0 });
    });

    it("after an edit leaves only the last of them", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(edit(10, 1));
      await queue.enqueue(edit(11, 1));
      await queue.enqueue(edit(12, 2));
      await queue.enqueue(edit(13, 1));
      await queue.enqueue(edit(14, 2));
      probe.letGo(1);
      await idle(queue);
      expect(probe.started()).toEqual([1, 13, 14, 3]);
    });

    it("of a question that waits for its next attempt makes it tidy up, and runs right behind it", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 1);
      for (const id of [1, 2]) await queue.enqueue(question(id));
      probe.consume(queue, { backoffMs: () => 60_000 });
      await eventually(async () => expect((await queue.stats()).delayed).toBe(1));
      await queue.enqueue(edit(10, 1));
      await idle(queue);
      expect(probe.started()).toEqual([1, 1, 10, 2]);
      expect(probe.last(1).signal.reason).toBe("edit");
    });

    it("finds room in a full lane, since it stands in for its question", async () => {
      const { queue } = await open({ maxLane: 2 });
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2]) await queue.enqueue(question(id));
      probe.consume(queue);
      await probe.running(1);
      expect(await queue.enqueue(edit(10, 2))).toBe("queued");
      expect(await queue.enqueue(edit(11, 1))).toBe("queued");
      await idle(queue);
      expect(probe.started()).toEqual([1, 11, 10]);
    });

    it("can be dropped by a stop like any question", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      await queue.enqueue(question(1));
      probe.consume(queue);
      await probe.running(1);
      await queue.enqueue(edit(10, 1));
      await queue.enqueue(stop(11));
      await eventually(() => expect(probe.finished).toEqual([11]));
      expect(probe.last(11).outcome?.dropped).toBe(1);
      probe.letGo(1);
      await idle(queue);
      expect(probe.started()).toEqual([1, 11]);
    });
  });
}
