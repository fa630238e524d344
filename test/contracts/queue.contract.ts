/** The contract of `UpdateQueue`, for any engine: storing, lanes, failures, limits, drain. */
import { afterEach, describe, expect, it } from "vitest";
import type { EnqueueResult, UpdateQueue } from "../../src/ports/queue.ts";
import { queueGroupContract } from "./queue-groups.contract.ts";
import { queueInterruptContract } from "./queue-interrupts.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "./queue-probe.ts";
import { queueRecoveryContract } from "./queue-recovery.contract.ts";

export interface QueueLimits {
  readonly maxBacklog?: number;
  readonly maxLane?: number;
  readonly aloneForMs?: number;
  readonly quietMs?: number;
  readonly now?: () => number;
}

/** A queue as one process sees it. */
export interface OpenQueue {
  readonly queue: UpdateQueue;
  /** Whether an end is written only after the handler's, so that a stop in between finds its update running still. */
  readonly endsElsewhere?: boolean;
  /** Ends this process in good order (its consumer has been drained) and starts another. */
  restart(): Promise<OpenQueue>;
  /**
   * Starts another process with what this one had stored when it was killed, at this moment: by its watchdog, which has left
   * this id, or by anything else.
   */
  crash(hungIn?: number): Promise<OpenQueue>;
  /** Lets go of everything, without waiting for handlers. */
  close(): Promise<void>;
}

export type OpenNewQueue = (limits?: QueueLimits) => Promise<OpenQueue>;

/** Everything that an engine must do. `open` gives an empty queue each time. */
export function queueContract(name: string, open: OpenNewQueue): void {
  describe(`queue: ${name}`, () => {
    const opened: OpenQueue[] = [];
    const openTracked: OpenNewQueue = async (limits) => tracked(await open(limits));
    function tracked(process: OpenQueue): OpenQueue {
      opened.push(process);
      return {
        ...process,
        restart: async () => tracked(await process.restart()),
        crash: async (hungIn) => tracked(await process.crash(hungIn)),
      };
    }
    afterEach(async () => {
      for (const process of opened.splice(0).reverse()) await process.close();
    });

    storingContract(openTracked);
    lanesContract(openTracked);
    failuresContract(openTracked);
    limitsContract(openTracked);
    drainContract(openTracked);
    queueInterruptContract(openTracked);
    queueRecoveryContract(openTracked);
    queueGroupContract(openTracked);
  });
}

function storingContract(open: OpenNewQueue): void {
  describe("storing", () => {
    it("hands the handler all that ingress stored", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const sent = update(7, {
        conversation: "-100:5",
        lane: "quick",
        refusal: { reason: "rate", tell: true, waitSeconds: 4 },
        body: JSON.stringify({ update_id: 7, message: { text: "naïve 🙂 \u0000" } }),
      });
      expect(await queue.enqueue(sent)).toBe("queued");
      probe.consume(queue);
      await idle(queue);
      const [
        {
          signal,
          lease: _lease,
          keeping: _keeping,
          stepAside: _stepAside,
          showing: _showing,
          handlesOnly: _handlesOnly,
          ...received
        },
      ] = probe.deliveries as [(typeof probe.deliveries)[0]];
      expect(received).toEqual({ ...sent, attempt: 1 });
      expect(signal.aborted).toBe(false);
    });

    it("takes an update that is delivered again for the one it has: while it waits, runs, and after its end", async () => {
      const { queue } = await open();
      const probe = createProbe();
      expect(await queue.enqueue(question(1))).toBe("queued");
      expect(await queue.enqueue(question(1))).toBe("duplicate");
      probe.hold(1);
      probe.consume(queue);
      await probe.running(1);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
      probe.letGo(1);
      await idle(queue);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
      expect(await queue.enqueue(question(2))).toBe("queued");
      await idle(queue);
      expect(probe.started()).toEqual([1, 2]);
    });

    it("takes ids of any size, and knows each again", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const ids = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 2 ** 31, 2 ** 32 + 5, 32_768, 0, -1, -32_769];
      for (const id of ids) {
        const sent = question(id, { conversation: `c${id}`, question: Number.MAX_SAFE_INTEGER });
        expect([id, await queue.enqueue(sent), await queue.enqueue(sent), await queue.known(id)]).toEqual([
          id,
          "queued",
          "duplicate",
          true,
        ]);
      }
      expect(await queue.known(Number.MAX_SAFE_INTEGER - 1)).toBe(false);
      probe.consume(queue);
      await idle(queue);
      expect(probe.finished.toSorted((a, b) => a - b)).toEqual(ids.toSorted((a, b) => a - b));
      expect(probe.last(0).question).toBe(Number.MAX_SAFE_INTEGER);
    });

    it("stores one of two that arrive in the same moment", async () => {
      const { queue } = await open();
      const results = await Promise.all([queue.enqueue(question(1)), queue.enqueue(question(1))]);
      expect(results).toEqual(["queued", "duplicate"]);
    });

    it("knows what is stored and what is being stored", async () => {
      const { queue } = await open();
      const probe = createProbe();
      expect(await queue.known(1)).toBe(false);
      const storing = queue.enqueue(question(1));
      expect(await queue.known(1)).toBe(true);
      await storing;
      expect(await queue.known(1)).toBe(true);
      probe.consume(queue);
      await idle(queue);
      expect(await queue.known(1)).toBe(true);
      expect(await queue.known(2)).toBe(false);
    });

    it("tells how many wait, run and are delayed, and how long the oldest has waited", async () => {
      const { queue } = await open();
      const probe = createProbe();
      expect(await queue.stats()).toEqual({ waiting: 0, active: 0, delayed: 0, dead: 0, oldestWaitingMs: 0 });
      await queue.enqueue(question(1));
      await queue.enqueue(question(2, { receivedAt: Date.now() - 60_000 }));
      await queue.enqueue(question(3, { conversation: "b" }));
      probe.hold(1);
      probe.failNext(3, 1);
      const consumer = probe.consume(queue, { backoffMs: () => 60_000 });
      await probe.running(1);
      await eventually(async () =>
        expect(await queue.stats()).toMatchObject({ waiting: 2, active: 1, delayed: 1, dead: 0 }),
      );
      expect((await queue.stats()).oldestWaitingMs).toBeGreaterThanOrEqual(60_000);
      expect(consumer.active).toBe(1);
    });
  });
}

function lanesContract(open: OpenNewQueue): void {
  describe("lanes", () => {
    it("run side by side, each in order and one at a time", async () => {
      const { queue } = await open();
      const lanes = 40;
      const perLane = 8;
      const begun = new Map<string, number[]>();
      const running = new Set<string>();
      let [overlaps, most] = [0, 0];
      const options = { turnSlots: 100, quickSlots: 5, maxFailures: 3, maxCrashes: 3, backoffMs: () => 1 };
      queue.consume(
        async ({ updateId, conversation }) => {
          if (running.has(conversation)) overlaps++;
          running.add(conversation);
          most = Math.max(most, running.size);
          begun.set(conversation, [...(begun.get(conversation) ?? []), updateId]);
          await pause(updateId % 7);
          running.delete(conversation);
        },
        { ...options, onDead: async () => {} },
      );
      const sent = new Map<string, number[]>();
      const results: Promise<EnqueueResult>[] = [];
      for (let n = 0; n < lanes * perLane; n++) {
        // Each round in another order, so that the order of the ids says nothing.
        const conversation = `lane ${(n * 17) % lanes}`;
        const updateId = (n * 101) % (lanes * perLane);
        sent.set(conversation, [...(sent.get(conversation) ?? []), updateId]);
        results.push(queue.enqueue(question(updateId, { conversation })));
        if (n % 50 === 0) await results.at(-1);
      }
      expect(new Set(await Promise.all(results))).toEqual(new Set(["queued"]));
      await idle(queue);
      expect(begun).toEqual(sent);
      expect(overlaps).toBe(0);
      expect(most).toBeGreaterThan(5);
    });

    it("do not wait for a busy one, however long its backlog", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const hot = Array.from({ length: 100 }, (_, n) => n);
      probe.hold(...hot);
      await Promise.all(hot.map((id) => queue.enqueue(question(id, { conversation: `hot ${id % 3}` }))));
      probe.consume(queue, { turnSlots: 5 });
      const cold = Array.from({ length: 20 }, (_, n) => 500 + n);
      await Promise.all(cold.map((id) => queue.enqueue(question(id, { conversation: `cold ${id}` }))));
      await eventually(() => expect(probe.finished.toSorted()).toEqual(cold));
    });

    it("take turns when slots are few", async () => {
      const { queue } = await open();
      const probe = createProbe();
      for (const id of [1, 2, 3]) await queue.enqueue(question(id, { conversation: "a" }));
      for (const id of [11, 12, 13]) await queue.enqueue(question(id, { conversation: "b" }));
      probe.consume(queue, { turnSlots: 1 });
      await idle(queue);
      expect(probe.started()).toEqual([1, 11, 2, 12, 3, 13]);
    });

    it("have quick slots of their own: neither kind waits for the other, in one conversation too", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1, 2, 3);
      for (const id of [1, 2]) await queue.enqueue(question(id, { conversation: `c${id}` }));
      await queue.enqueue(update(3, { conversation: "c1", lane: "quick" }));
      const consumer = probe.consume(queue, { turnSlots: 2, quickSlots: 2 });
      await eventually(() => expect(consumer.active).toBe(3));
      await queue.enqueue(update(4, { conversation: "c2", lane: "quick" }));
      await eventually(() => expect(probe.finished).toEqual([4]));
      await queue.enqueue(question(5, { conversation: "c5" }));
      await pause();
      expect(probe.started()).not.toContain(5);
      probe.letGo(1);
      await eventually(() => expect(probe.finished).toEqual([4, 1, 5]));
    });

    it.each(["quick", "turn"] as const)(
      "of the %s kind leave their slot to others while they only wait, and keep their own order",
      async (lane) => {
        const { queue } = await open();
        const probe = createProbe();
        const waiting = [1, 2, 3, 4, 5];
        probe.holdAside(...waiting);
        const consumer = probe.consume(queue, { turnSlots: 2, quickSlots: 2 });
        const send = (id: number, conversation: string) => queue.enqueue(update(id, { conversation, lane }));
        for (const id of waiting) await send(id, `c${id}`);
        for (const id of waiting) await send(10 + id, `c${id}`);
        await eventually(() => expect(probe.started().toSorted()).toEqual(waiting));
        await send(30, "elsewhere");
        await eventually(() => expect(probe.finished).toEqual([30]));
        // Two slots are still two.
        probe.hold(31, 32, 33);
        for (const id of [31, 32, 33]) await send(id, `e${id}`);
        await eventually(() => expect(probe.started()).toContain(32));
        await pause();
        expect(probe.started()).not.toContain(33);
        expect(consumer.active).toBe(waiting.length + 2);
        for (const id of [...waiting, 31, 32, 33]) probe.letGo(id);
        await idle(queue);
        for (const id of waiting) {
          expect(probe.started().indexOf(10 + id), String(id)).toBeGreaterThan(probe.started().indexOf(id));
          expect(probe.finished.indexOf(10 + id), String(id)).toBeGreaterThan(probe.finished.indexOf(id));
        }
        expect(probe.finished).toHaveLength(14);
      },
    );

    it("hold at most as many at once as there are slots", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const ids = [1, 2, 3, 4, 5];
      probe.hold(...ids);
      for (const id of ids) await queue.enqueue(question(id, { conversation: `c${id}` }));
      const consumer = probe.consume(queue, { turnSlots: 3 });
      await eventually(() => expect(consumer.active).toBe(3));
      await pause();
      expect(consumer.active).toBe(3);
      for (const id of ids) probe.letGo(id);
      await idle(queue);
      expect(probe.finished.length).toBe(5);
    });
  });
}

function failuresContract(open: OpenNewQueue): void {
  describe("a handler that throws", () => {
    it("is called again after the back-off, its lane waiting behind it, other lanes not", async () => {
      const { queue } = await open();
      const probe = createProbe();
      const asked: number[] = [];
      probe.failNext(1, 2);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      await queue.enqueue(question(3, { conversation: "b" }));
      probe.consume(queue, {
        backoffMs(failure) {
          asked.push(failure);
          return 150;
        },
      });
      await eventually(() => expect(probe.finished).toEqual([3]));
      await idle(queue);
      expect(probe.started()).toEqual([1, 3, 1, 1, 2]);
      expect(probe.deliveries.map(({ attempt }) => attempt)).toEqual([1, 1, 2, 3, 1]);
      expect(asked).toEqual([1, 2]);
      expect(probe.failures).toEqual([
        [1, "failure of 1"],
        [1, "failure of 1"],
      ]);
    });

    it("too often makes its update dead: announced once, then the lane moves on", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 99);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      const announced = Promise.withResolvers<void>();
      probe.consume(queue, {
        async onDead(dead) {
          probe.dead.push(dead);
          await announced.promise;
        },
      });
      await eventually(() => expect(probe.dead.length).toBe(1));
      await pause();
      expect(probe.started()).toEqual([1, 1, 1]);
      announced.resolve();
      await idle(queue);
      expect(probe.started()).toEqual([1, 1, 1, 2]);
      expect(probe.dead).toEqual([
        {
          updateId: 1,
          conversation: "a",
          lane: "turn",
          question: 1001,
          receivedAt: probe.deliveries[0]!.receivedAt,
          body: '{"update_id":1}',
          reason: "failure of 1",
        },
      ]);
      expect(await queue.dead.list(10)).toEqual(probe.dead);
      expect((await queue.stats()).dead).toBe(1);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
    });

    it("does not take its lane with it when the announcement fails too", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 99);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      probe.consume(queue, { maxFailures: 1, onDead: () => Promise.reject(new Error("no")) });
      await eventually(() => expect(probe.finished).toEqual([2]));
      expect((await queue.dead.list(10)).length).toBe(1);
    });

    it("leaves dead updates that can be put at the end of their lane again", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 3);
      await queue.enqueue(question(1));
      probe.consume(queue);
      await eventually(async () => expect((await queue.stats()).dead).toBe(1));
      probe.hold(2);
      await queue.enqueue(question(2));
      await queue.enqueue(question(3));
      await probe.running(2);
      expect(await queue.dead.requeue(2)).toBe(false);
      expect(await queue.dead.requeue(99)).toBe(false);
      expect(await queue.dead.requeue(1)).toBe(true);
      expect(await queue.dead.requeue(1)).toBe(false);
      probe.letGo(2);
      await idle(queue);
      expect(probe.finished).toEqual([2, 3, 1]);
      expect(probe.last(1).attempt).toBe(1);
      expect(await queue.dead.list(10)).toEqual([]);
      expect((await queue.stats()).dead).toBe(0);
    });

    it("that would fail again is not called again: its update is dead at once", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.failNext(1, 9);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      probe.consume(queue, { isHopeless: (error) => (error as Error).message === "failure of 1" });
      await idle(queue);
      expect(probe.started()).toEqual([1, 2]);
      expect(probe.dead.map(({ reason }) => reason)).toEqual(["failure of 1"]);
    });

    it("is never given an update that is dead from the beginning, which can be found and put into its lane", async () => {
      const before = await open({ maxBacklog: 1 });
      const dead = update(1, { conversation: "update:1", lane: "quick", dead: "no chat in it" });
      expect(await before.queue.enqueue(dead)).toBe("queued");
      expect(await before.queue.enqueue(dead)).toBe("duplicate");
      expect(await before.queue.known(1)).toBe(true);
      // It waits for nothing, so it takes no place of what does.
      expect(await before.queue.enqueue(question(2))).toBe("queued");
      const { queue } = await before.restart();
      const probe = createProbe();
      probe.consume(queue);
      await idle(queue);
      expect(probe.started()).toEqual([2]);
      expect(probe.dead).toEqual([]);
      expect((await queue.stats()).dead).toBe(1);
      const { updateId, conversation, lane, receivedAt, body } = dead;
      const listed = { updateId, conversation, lane, receivedAt, body, reason: "no chat in it" };
      expect(await queue.dead.list(10)).toEqual([listed]);
      expect(await queue.dead.requeue(1)).toBe(true);
      await eventually(() => expect(probe.finished).toEqual([2, 1]));
      expect(await queue.dead.list(10)).toEqual([]);
    });

    it("is not needed for a lane to be drained: what waits becomes dead, what runs goes on", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      for (const id of [1, 2, 3]) await queue.enqueue(question(id));
      await queue.enqueue(update(4, { lane: "quick", conversation: "b" }));
      probe.consume(queue, { quickSlots: 1 });
      await probe.running(1);
      expect(await queue.drainLane("a", "turn", "because")).toBe(2);
      expect(await queue.drainLane("a", "turn", "because")).toBe(0);
      expect((await queue.dead.list(10)).map(({ updateId, reason }) => [updateId, reason])).toEqual([
        [2, "because"],
        [3, "because"],
      ]);
      probe.letGo(1);
      await idle(queue);
      expect(probe.finished).toEqual(expect.arrayContaining([1, 4]));
      expect(await queue.dead.requeue(3)).toBe(true);
      await eventually(() => expect(probe.finished).toContain(3));
      expect(probe.finished).not.toContain(2);
    });

    it("leaves dead updates for 30 days, which are forgotten then", async () => {
      let days = 0;
      const before = await open({ now: () => Date.now() + days * 86_400_000 });
      for (const id of [1, 2]) await before.queue.enqueue(question(id));
      expect(await before.queue.drainLane("a", "turn", "because")).toBe(2);
      days = 29;
      const { queue } = await before.restart();
      expect((await queue.dead.list(10)).map(({ updateId }) => updateId)).toEqual([1, 2]);
      expect((await queue.stats()).dead).toBe(2);
      expect(await queue.dead.requeue(1)).toBe(true);
      days = 31;
      expect((await queue.stats()).dead).toBe(0);
      expect(await queue.dead.list(10)).toEqual([]);
      expect(await queue.dead.requeue(2)).toBe(false);
    });

    it("leaves as many dead as are asked for, the oldest first", async () => {
      const { queue } = await open();
      const probe = createProbe();
      for (const id of [1, 2, 3]) {
        probe.failNext(id, 1);
        await queue.enqueue(question(id));
      }
      probe.consume(queue, { maxFailures: 1 });
      await idle(queue);
      expect((await queue.dead.list(2)).map(({ updateId }) => updateId)).toEqual([1, 2]);
    });
  });
}

function limitsContract(open: OpenNewQueue): void {
  describe("limits", () => {
    it("refuse everything when the backlog is full, and take it when there is room", async () => {
      const { queue } = await open({ maxBacklog: 3 });
      const probe = createProbe();
      const ids = [1, 2, 3, 4];
      const results = await Promise.all(ids.map((id) => queue.enqueue(question(id, { conversation: `c${id}` }))));
      expect(results).toEqual(["queued", "queued", "queued", "full"]);
      expect(await queue.enqueue(question(1))).toBe("duplicate");
      expect(await queue.known(4)).toBe(false);
      probe.consume(queue);
      await idle(queue);
      expect(await queue.enqueue(question(4, { conversation: "c4" }))).toBe("queued");
      await idle(queue);
      expect(probe.finished).toEqual(ids);
    });

    it("let a full lane drop its newest, with one notice in the quick lane, other lanes as ever", async () => {
      const { queue } = await open({ maxLane: 2 });
      const probe = createProbe();
      probe.hold(1);
      probe.consume(queue);
      const results = await Promise.all([1, 2, 3, 4].map((id) => queue.enqueue(question(id))));
      expect(results).toEqual(["queued", "queued", "lane-full", "lane-full"]);
      expect(await queue.enqueue(question(5, { conversation: "b" }))).toBe("queued");
      expect(await queue.enqueue(update(6, { lane: "quick" }))).toBe("queued");
      expect(await queue.enqueue(question(3))).toBe("duplicate");
      expect(await queue.enqueue(question(4))).toBe("duplicate");
      await eventually(() => expect(probe.finished.toSorted()).toEqual([3, 5, 6]));
      const notice = probe.last(3);
      expect(notice).toMatchObject({ conversation: "a", lane: "quick", refusal: { reason: "lane-full" } });
      expect(notice.question).toBeUndefined();
      probe.letGo(1);
      await idle(queue);
      expect(probe.finished.toSorted()).toEqual([1, 2, 3, 5, 6]);
    });

    it("give another notice when the lane had room in between", async () => {
      const { queue } = await open({ maxLane: 2 });
      const probe = createProbe();
      probe.hold(1, 2, 5);
      probe.consume(queue);
      for (const id of [1, 2, 3, 4]) await queue.enqueue(question(id));
      await probe.running(1);
      probe.letGo(1);
      await probe.running(2);
      expect(await queue.enqueue(question(5))).toBe("queued");
      expect(await queue.enqueue(question(6))).toBe("lane-full");
      expect(await queue.enqueue(question(7))).toBe("lane-full");
      await eventually(() => expect(probe.started()).toContain(6));
      probe.letGo(2);
      probe.letGo(5);
      await idle(queue);
      expect(probe.started().toSorted()).toEqual([1, 2, 3, 5, 6]);
    });
  });
}

function drainContract(open: OpenNewQueue): void {
  describe("drain", () => {
    it("waits for what runs and takes nothing more", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2));
      const consumer = probe.consume(queue);
      await probe.running(1);
      const drained = consumer.drain(10_000);
      await queue.enqueue(question(3, { conversation: "b" }));
      probe.letGo(1);
      expect(await drained).toBe(0);
      await pause();
      expect(probe.finished).toEqual([1]);
      expect(consumer.active).toBe(0);
      expect(await queue.stats()).toMatchObject({ waiting: 2, active: 0 });
    });

    it("ends at once when nothing runs", async () => {
      const { queue } = await open();
      expect(await createProbe().consume(queue).drain(60_000)).toBe(0);
    });

    it("aborts the rest after its grace, which stay queued and count no failure", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1, 2);
      await queue.enqueue(question(1));
      await queue.enqueue(question(2, { conversation: "b" }));
      await queue.enqueue(question(3));
      const consumer = probe.consume(queue, { maxFailures: 1 });
      await probe.running(2);
      expect(await consumer.drain(10)).toBe(2);
      expect(probe.last(1).signal.reason).toBe("shutdown");
      expect(probe.failures).toEqual([]);
      expect(await queue.stats()).toMatchObject({ waiting: 3, active: 0, delayed: 0, dead: 0 });

      probe.letGo(1);
      probe.letGo(2);
      probe.consume(queue, { maxFailures: 1 });
      await idle(queue);
      // The lanes of 1 and of 2 go on side by side.
      expect(probe.started().toSorted()).toEqual([1, 1, 2, 2, 3]);
      expect(probe.started().indexOf(3)).toBeGreaterThan(probe.started().lastIndexOf(1));
      expect(probe.last(1).attempt).toBe(2);
    });

    it("leaves queued what its handler leaves before the grace is over, and counts no failure", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.hold(1);
      await queue.enqueue(question(1));
      const consumer = probe.consume(queue, { maxFailures: 1 });
      await probe.running(1);
      const drained = consumer.drain(600_000);
      probe.leave(1);
      expect(await drained).toBe(1);
      expect([probe.failures, probe.last(1).signal.aborted]).toEqual([[], false]);
      expect(await queue.stats()).toMatchObject({ waiting: 1, active: 0, delayed: 0, dead: 0 });
      probe.letGo(1);
      probe.consume(queue, { maxFailures: 1 });
      await idle(queue);
      expect(probe.finished).toEqual([1]);
    });

    it("counts an update as finished whose handler ended well in spite of the abort", async () => {
      const { queue } = await open();
      const probe = createProbe();
      probe.holdDeaf(1);
      await queue.enqueue(question(1));
      const consumer = probe.consume(queue);
      await probe.running(1);
      const drained = consumer.drain(0);
      await eventually(() => expect(probe.last(1).signal.aborted).toBe(true));
      probe.letGo(1);
      expect(await drained).toBe(0);
      expect(await queue.stats()).toMatchObject({ waiting: 0, active: 0 });
    });
  });
}
