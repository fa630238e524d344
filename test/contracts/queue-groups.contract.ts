/** The queue's contract on what belongs together: albums, pastes, forwards, and what follows a question. */
import { describe, expect, it } from "vitest";
import { groupRules } from "../../src/engines/lanes/groups.ts";
import type { ActiveUpdate, UpdateQueue } from "../../src/ports/queue.ts";
import type { IncomingUpdate, Piece } from "../../src/ports/updates.ts";
import type { OpenNewQueue } from "./queue.contract.ts";
import { createProbe, eventually, idle, pause, question, update } from "./queue-probe.ts";

/** When everything here arrives; nothing depends on how fast it is. */
const start = Date.now();
/** So long after the start. */
type After = number;

function pieced(updateId: number, after: After, piece: Partial<Piece>, change: Partial<IncomingUpdate> = {}) {
  const whole = { message: 1000 + updateId, sender: 7, units: 5, ...piece };
  return question(updateId, { receivedAt: start + after, piece: whole, ...change });
}
const album = (updateId: number, after: After, piece: Partial<Piece> = {}, change: Partial<IncomingUpdate> = {}) =>
  pieced(updateId, after, { group: "album:1", follows: "plain", ...piece }, change);
const forward = (updateId: number, after: After, piece: Partial<Piece> = {}) =>
  pieced(updateId, after, { group: "forward:7", follows: "plain", ...piece });
const paste = (updateId: number, after: After, piece: Partial<Piece> = {}) =>
  pieced(updateId, after, { group: "paste:7", units: 4_000, ...piece });
const plain = (updateId: number, after: After, piece: Partial<Piece> = {}, change: Partial<IncomingUpdate> = {}) =>
  pieced(updateId, after, { plain: true, follows: "paste", ...piece }, change);
const edit = (updateId: number, of: number, after: After) =>
  pieced(
    updateId,
    after,
    { message: 1000 + of },
    { question: 1000 + of, interrupt: { kind: "edit", question: 1000 + of } },
  );
const stop = (updateId: number) => update(updateId, { lane: "quick", interrupt: { kind: "stop" } });
const begin = (updateId: number) => update(updateId, { interrupt: { kind: "new" } });

/** The ids of the updates in a delivery. */
const idsIn = ({ updateId, parts }: ActiveUpdate) => parts?.map((part) => part.updateId) ?? [updateId];

/** Long enough for a busy machine to write down all that belongs together while a consumer waits for it. */
const calm = { quietMs: 1_500 };
/** Ripe only when nothing more can come, or after ten seconds. */
const patient = { quietMs: 600_000 };

async function enqueue(queue: UpdateQueue, ...updates: readonly IncomingUpdate[]): Promise<void> {
  for (const one of updates) expect(await queue.enqueue(one)).toBe("queued");
}

export function queueGroupContract(open: OpenNewQueue): void {
  /** A queue whose groups are ripe soon, though not before a busy machine has written down what belongs together, and what it hands out, as ids that come together. */
  async function begun(limits: Parameters<OpenNewQueue>[0] = {}) {
    const process = await open({ now: () => start, quietMs: 250, ...limits });
    const probe = createProbe();
    const handed = () => probe.deliveries.map(idsIn);
    return { ...process, probe, handed };
  }

  describe("messages that belong together", () => {
    it("are one update: an album in the order of its messages, whatever order they came in", async () => {
      const { queue, probe, handed } = await begun();
      await Promise.all([album(3, 0), album(1, 5), album(2, 6)].map((one) => queue.enqueue(one)));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2, 3]]);
      const [{ updateId, question: asked, parts } = {} as ActiveUpdate] = probe.deliveries;
      expect([updateId, asked]).toEqual([3, 1003]);
      expect(parts?.map(({ message, body }) => [message, JSON.parse(body)])).toEqual(
        [1, 2, 3].map((id) => [1000 + id, { update_id: id }]),
      );
    });

    it("wait for the rest of them, and take no slot and no other lane's time meanwhile", async () => {
      const { queue, probe, handed } = await begun(patient);
      probe.consume(queue, { turnSlots: 1 });
      await enqueue(queue, album(1, 0));
      await enqueue(queue, question(2, { conversation: "b" }), update(3, { lane: "quick" }));
      await eventually(async () => {
        expect(await queue.stats()).toMatchObject({ waiting: 1, active: 0, delayed: 1 });
      });
      expect(probe.finished.toSorted()).toEqual([2, 3]);
      // Its sender goes on with something else.
      await enqueue(queue, plain(4, 10));
      await idle(queue);
      expect(handed().slice(-2)).toEqual([[1], [4]]);
    });

    it("wait no longer than ten seconds after the first of them", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, forward(1, 0), forward(2, 9_999));
      await enqueue(queue, forward(3, 10_001));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2], [3]]);
    });

    it("keep a plain question waiting for nothing", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, plain(1, 0));
      expect(await queue.stats()).toMatchObject({ waiting: 1, delayed: 0 });
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1]]);
    });

    it("are whole at once with the tenth part of an album, the twelfth of a paste, or 50,000 characters", async () => {
      const { queue } = await begun(patient);
      for (let id = 1; id <= 10; id++) await enqueue(queue, album(id, id, {}, { conversation: "album" }));
      expect(await queue.stats()).toMatchObject({ waiting: 1, delayed: 0 });
      for (let id = 21; id <= 32; id++) await enqueue(queue, { ...paste(id, id), conversation: "paste" });
      expect(await queue.stats()).toMatchObject({ waiting: 2, delayed: 0 });
      for (let id = 41; id <= 43; id++)
        await enqueue(queue, { ...paste(id, id, { units: 20_000 }), conversation: "long" });
      // The third does not fit: the first two are whole, and it begins the next.
      expect(await queue.stats()).toMatchObject({ waiting: 4, delayed: 1 });
    });

    it("end with the short rest of a paste, and not with what comes later than that", async () => {
      const { queue, probe, handed } = await begun(patient);
      await enqueue(queue, paste(1, 0), paste(2, 500), plain(3, 2_000));
      expect(await queue.stats()).toMatchObject({ waiting: 1, delayed: 0 });
      await enqueue(queue, plain(4, 2_010), paste(5, 2_020), plain(6, 3_521));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2, 3], [4], [5], [6]]);
    });

    it("are whole when their sender asks something else, and not when somebody else does", async () => {
      const { queue, probe, handed } = await begun(patient);
      await enqueue(queue, forward(1, 0), plain(2, 10, { sender: 8 }), forward(3, 20));
      expect(await queue.stats()).toMatchObject({ delayed: 1 });
      await enqueue(queue, plain(4, 30));
      expect(await queue.stats()).toMatchObject({ delayed: 0 });
      await enqueue(queue, forward(5, 2_000), plain(6, 2_001));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 3], [2], [4], [5], [6]]);
    });

    it("are told apart by sender, by topic and by album", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, forward(1, 0), forward(2, 1, { sender: 8, group: "forward:8" }));
      await enqueue(queue, { ...forward(3, 2), conversation: "a:9" }, forward(4, 3));
      await enqueue(queue, album(5, 4), album(6, 5, { group: "album:2" }), album(7, 6));
      probe.consume(queue);
      await idle(queue);
      expect(handed().toSorted()).toEqual([[1, 4], [2], [3], [5, 7], [6]]);
    });

    it("keep their place in the lane: before what came after the first of them", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, question(1), album(2, 0), question(3), album(4, 10));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1], [2, 4], [3]]);
    });

    it("take a part that is delivered twice for the one that they have", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, album(1, 0), album(2, 1));
      expect(await queue.enqueue(album(2, 2))).toBe("duplicate");
      expect(await queue.known(2)).toBe(true);
      probe.hold(1);
      probe.consume(queue);
      await probe.running(1);
      expect(await queue.enqueue(album(2, 3))).toBe("duplicate");
      probe.letGo(1);
      await idle(queue);
      for (const id of [1, 2]) expect(await queue.enqueue(album(id, 4))).toBe("duplicate");
      expect(handed()).toEqual([[1, 2]]);
    });

    it("find their places in a full lane, which others do not", async () => {
      const { queue, probe, handed } = await begun({ maxLane: 1 });
      await enqueue(queue, album(1, 0));
      expect(await queue.enqueue(plain(2, 1, { sender: 8 }))).toBe("lane-full");
      await enqueue(queue, album(3, 2));
      probe.consume(queue);
      await idle(queue);
      expect(handed().toSorted()).toEqual([[1, 3], [2]]);
      expect(probe.last(2).refusal).toEqual({ reason: "lane-full" });
    });
  });

  describe("an album in a group", () => {
    const unaddressed = { aside: true } as const;

    it("is asked whole when any of its parts addresses us", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, album(1, 0, unaddressed), album(2, 1, unaddressed), album(3, 2), album(4, 3, unaddressed));
      expect(await queue.enqueue(album(1, 4, unaddressed))).toBe("duplicate");
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2, 3, 4]]);
      expect(probe.deliveries[0]?.question).toBe(1003);
    });

    it("is not kept any more once its sender's parts are erased, and those of others are", async () => {
      const { queue, probe, handed } = await begun();
      const body = (id: number, from: number) => ({
        body: JSON.stringify({ update_id: id, message: { from: { id: from } } }),
      });
      const other = { sender: 8, group: "album:2" };
      await enqueue(queue, album(1, 0, unaddressed, body(1, 7)), album(2, 1, unaddressed, body(2, 7)));
      await enqueue(queue, album(3, 2, { ...unaddressed, ...other }, body(3, 8)));
      const from = (id: number) => (update: { readonly body: string }) =>
        (JSON.parse(update.body) as { message: { from: { id: number } } }).message.from.id === id;
      expect(await queue.dead.erase((update) => update.conversation === "a" && from(7)(update))).toBe(2);
      expect(await queue.dead.erase(from(7))).toBe(0);
      expect(await queue.enqueue(album(1, 3, unaddressed))).toBe("duplicate");
      await enqueue(queue, album(4, 4), album(5, 5, other));
      probe.consume(queue);
      await idle(queue);
      expect(handed().toSorted((a, b) => Number(a.at(-1)) - Number(b.at(-1)))).toEqual([[4], [3, 5]]);
    });

    it("is kept up to a limit, which is its sender's alone", async () => {
      const { queue, probe, handed } = await begun();
      const most = groupRules.mostAside;
      for (let id = 1; id <= most + 1; id++)
        expect(await queue.enqueue(album(id, 0, { ...unaddressed, group: `album:${id}` }))).toBe("queued");
      expect(await queue.enqueue(album(most + 1, 1, unaddressed))).toBe("duplicate");
      const other = { sender: 8, group: "album:other" };
      await enqueue(queue, album(501, 2, { ...other, ...unaddressed }), album(502, 3, other));
      await enqueue(queue, album(503, 4, { group: `album:${most}` }), album(504, 5, { group: `album:${most + 1}` }));
      probe.consume(queue);
      await idle(queue);
      expect(handed().toSorted((a, b) => Number(a.at(-1)) - Number(b.at(-1)))).toEqual([
        [501, 502],
        [most, 503],
        [504],
      ]);
    });

    it("is no question, and in nobody's way, when none does", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, album(1, 0, unaddressed), album(2, 1, unaddressed));
      expect(await queue.stats()).toMatchObject({ waiting: 0 });
      await enqueue(queue, album(3, 2, { group: "album:2" }), album(4, 90_000));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[3], [4]]);
    });
  });

  describe("what follows a plain question", () => {
    it("is what that is about, while the question waits", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, plain(1, 0), pieced(2, 1_400, { follows: "plain" }), forward(3, 2_000), forward(4, 2_100));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2, 3, 4]]);
    });

    it("is not when it comes later, from somebody else, or behind another question", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, plain(1, 0), pieced(2, 10, { follows: "plain", sender: 8 }));
      await enqueue(queue, pieced(3, 1_501, { follows: "plain" }), plain(4, 1_600));
      await enqueue(queue, pieced(5, 1_700, { follows: "plain" }), question(6));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1], [2], [3], [4, 5], [6]]);
    });
  });

  describe("a part that comes while its question runs", () => {
    it("has it run again, with all parts, and is held against nobody", async () => {
      const { queue, probe, handed } = await begun();
      probe.hold(1);
      probe.consume(queue, { maxFailures: 1, maxCrashes: 1 });
      await enqueue(queue, plain(1, 0), plain(9, 0, { sender: 8 }));
      await probe.running(1);
      await enqueue(queue, album(2, 100));
      await eventually(() => expect(probe.last(1).signal.reason).toBe("joined"));
      await enqueue(queue, album(3, 200));
      await eventually(() => expect(handed().at(-1)).toEqual([1, 2, 3]));
      expect(probe.last(1).question).toBe(1001);
      expect(probe.last(1).attempt).toBeGreaterThan(1);
      probe.letGo(1);
      await idle(queue);
      expect(handed()[0]).toEqual([1]);
      expect(handed().slice(-2)).toEqual([[1, 2, 3], [9]]);
      expect([probe.failures, probe.dead]).toEqual([[], []]);
    });

    it("is a question of its own, behind it, once something of the answer is shown", async () => {
      const { queue, probe, handed } = await begun();
      probe.hold(1);
      probe.consume(queue);
      await enqueue(queue, album(1, 0), album(2, 1), question(9));
      await probe.running(1);
      probe.last(1).showing?.();
      await enqueue(queue, album(3, 2), album(4, 3));
      await pause();
      expect(probe.last(1).signal.aborted).toBe(false);
      probe.letGo(1);
      await idle(queue);
      expect(handed()).toEqual([[1, 2], [3, 4], [9]]);
    });

    it("is asked with what came too late before it, while that waits", async () => {
      const { queue, probe, handed } = await begun(patient);
      probe.hold(1, 3);
      probe.holdDeaf(1);
      await enqueue(queue, album(1, 0), album(2, 1), plain(9, 2));
      probe.consume(queue);
      await probe.running(1);
      probe.last(1).showing?.();
      await enqueue(queue, album(3, 3));
      probe.letGo(1);
      await probe.running(3);
      await enqueue(queue, album(4, 4));
      await eventually(() => expect(handed().at(-1)).toEqual([3, 4]));
      probe.letGo(3);
      await idle(queue);
      expect(handed().at(0)).toEqual([1, 2]);
      expect(handed().slice(-2)).toEqual([[3, 4], [9]]);
    });

    it("is asked once, as it was edited last, however often it is edited while it waits or runs", async () => {
      const { queue, probe, handed } = await begun();
      probe.holdDeaf(9);
      probe.holdDeaf(1);
      probe.consume(queue);
      await enqueue(queue, question(9));
      await probe.running(9);
      await enqueue(queue, album(1, 0), album(2, 1), edit(3, 2, 10), edit(4, 2, 20), edit(5, 1, 30));
      probe.letGo(9);
      await idle(queue);
      expect(handed()).toEqual([[9], [5, 4]]);
      const second = { group: "album:2" };
      probe.holdDeaf(11);
      await enqueue(queue, album(11, 0, second), album(12, 1, second));
      await probe.running(11);
      await enqueue(queue, edit(13, 12, 10), edit(14, 12, 20), edit(15, 11, 30));
      probe.letGo(11);
      await idle(queue);
      expect(handed().slice(-2)).toEqual([
        [11, 12],
        [15, 14],
      ]);
    });

    it("is part of the newest question, also when one before that was edited", async () => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, plain(1, 0), plain(2, 10), edit(3, 1, 20));
      await enqueue(queue, pieced(4, 30, { follows: "plain" }));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[3], [2, 4]]);
    });

    it("is dropped with it when it is stopped, and asked with its edit", async () => {
      const { queue, probe, handed } = await begun();
      probe.hold(1, 5);
      probe.consume(queue);
      await enqueue(queue, album(1, 0), album(2, 1));
      await probe.running(1);
      probe.last(1).showing?.();
      await enqueue(queue, album(3, 2), stop(10));
      await eventually(() => expect(probe.finished).toContain(10));
      const second = { group: "album:5" };
      await enqueue(queue, album(5, 0, second), album(6, 1, second));
      await probe.running(5);
      probe.last(5).showing?.();
      await enqueue(queue, album(7, 2, second), edit(11, 6, 3));
      await idle(queue);
      expect(handed().filter(([first]) => first !== 10)).toEqual([
        [1, 2],
        [5, 6],
        [5, 11, 7],
      ]);
    });

    it("is a question of its own when it comes too late, or its question was stopped", async () => {
      const { queue, probe, handed } = await begun();
      probe.holdDeaf(1);
      probe.consume(queue);
      await enqueue(queue, plain(1, 0));
      await probe.running(1);
      await enqueue(queue, album(2, 1_501));
      await enqueue(queue, stop(10));
      await enqueue(queue, album(3, 1_502, { group: "album:2" }));
      expect(probe.last(1).signal.reason).toBe("stop");
      probe.letGo(1);
      await idle(queue);
      expect(handed().toSorted()).toEqual([[1], [10], [3]]);
    });

    it("is a question of its own when its handler ends in that moment", async () => {
      const { queue, probe, handed } = await begun();
      probe.holdDeaf(1);
      probe.consume(queue);
      await enqueue(queue, album(1, 0), album(2, 0), question(9));
      await probe.running(1);
      await enqueue(queue, album(3, 2_000), album(4, 2_001));
      await eventually(() => expect(probe.last(1).signal.reason).toBe("joined"));
      probe.letGo(1);
      await idle(queue);
      expect(handed()).toEqual([[1, 2], [3, 4], [9]]);
      expect(probe.deliveries[1]).toMatchObject({ updateId: 3, question: 1003, conversation: "a", lane: "turn" });
      for (const id of [1, 2, 3, 4]) expect(await queue.enqueue(album(id, 5_000))).toBe("duplicate");
    });

    it("is a question of its own in that moment, too, when it belongs to nothing else", async () => {
      const { queue, probe, handed } = await begun();
      probe.holdDeaf(1);
      probe.consume(queue);
      await enqueue(queue, plain(1, 0), plain(9, 0, { sender: 8 }));
      await probe.running(1);
      await enqueue(queue, pieced(2, 100, { follows: "plain" }), pieced(3, 200, { follows: "plain" }));
      probe.letGo(1);
      await idle(queue);
      expect(handed()).toEqual([[1], [2, 3], [9]]);
    });

    it("is a question of its own when its handler had ended with the others before a crash", async () => {
      const { queue, probe, handed } = await begun();
      probe.hold(2);
      await enqueue(queue, album(2, 0), album(1, 1), album(3, 2), question(9));
      probe.consume(queue);
      await probe.running(2);
      probe.last(2).handlesOnly?.(2);
      probe.letGo(2);
      await idle(queue);
      expect(handed()).toEqual([[1, 2, 3], [3], [9]]);
    });

    it("waits for its back-off with it, when its handler has failed", async () => {
      const { queue, probe, handed } = await begun();
      probe.failNext(1, 1);
      probe.consume(queue, { backoffMs: () => 300 });
      await enqueue(queue, plain(1, 0));
      await eventually(() => expect(probe.failures).toHaveLength(1));
      await enqueue(queue, pieced(2, 1_000, { follows: "plain" }));
      expect(handed()).toEqual([[1]]);
      await idle(queue);
      expect(handed()).toEqual([[1], [1, 2]]);
    });
  });

  describe("an interrupt", () => {
    it.for([
      ["/stop", stop],
      ["/new", begin],
    ] as const)("%s drops a group that waits for its parts, as one question", async ([, interrupt]) => {
      const { queue, probe, handed } = await begun();
      await enqueue(queue, album(1, 0), album(2, 1), interrupt(10));
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[10]]);
      expect(probe.last(10).outcome).toEqual({ aborted: false, dropped: 1 });
      // Its rest is not what was dropped.
      await enqueue(queue, album(3, 2));
      await idle(queue);
      expect(handed()).toEqual([[10], [3]]);
    });

    it("by an edit of any part takes the place of the question, with the other parts as they were", async () => {
      const { queue, probe, handed } = await begun(patient);
      await enqueue(queue, album(1, 0), album(2, 1), question(9));
      await enqueue(queue, edit(11, 2, 2));
      expect(await queue.stats()).toMatchObject({ waiting: 2, delayed: 1 });
      await enqueue(queue, album(3, 3), edit(12, 1, 4), plain(13, 5));
      probe.consume(queue);
      await idle(queue);
      // By their messages: 1001, 1002 and 1003.
      expect(handed()).toEqual([[12, 11, 3], [9], [13]]);
      expect(probe.deliveries[0]).toMatchObject({ updateId: 12, question: 1001 });
      expect(probe.last(12).outcome).toEqual({ aborted: false, dropped: 1 });
    });

    it("by an edit of any part aborts the question that runs, and asks it anew", async () => {
      const { queue, probe, handed } = await begun();
      probe.hold(1);
      probe.consume(queue);
      await enqueue(queue, plain(1, 0), question(9));
      await probe.running(1);
      await enqueue(queue, forward(2, 10));
      await eventually(() => expect(handed()).toEqual([[1], [1, 2]]));
      await enqueue(queue, edit(11, 2, 5_000));
      await idle(queue);
      expect(handed()).toEqual([[1], [1, 2], [1, 11], [9]]);
      expect(probe.deliveries[1]?.signal.reason).toBe("edit");
      expect(probe.last(11)).toMatchObject({ question: 1001, outcome: { aborted: true, dropped: 0 } });
    });
  });

  describe("a group and what happens to its process", () => {
    it("goes on gathering behind a crash between two parts, and is ripe at once when its time is over", async () => {
      let now = start;
      const first = await begun({ now: () => now });
      await enqueue(first.queue, album(1, 0), album(2, 1));
      const second = await first.crash();
      await enqueue(second.queue, album(3, 900));
      expect(await second.queue.enqueue(album(2, 901))).toBe("duplicate");
      const third = await second.crash();
      now = start + 60_000;
      const probe = createProbe();
      probe.consume(third.queue);
      await idle(third.queue);
      expect(probe.deliveries.map(idsIn)).toEqual([[1, 2, 3]]);
    });

    it("is delivered again with all its parts, behind a crash and behind a shutdown", async () => {
      const first = await begun();
      first.probe.hold(1);
      first.probe.consume(first.queue);
      await enqueue(first.queue, album(1, 0), album(2, 1));
      await first.probe.running(1);
      const second = await first.crash();
      const probe = createProbe();
      probe.hold(1);
      const consumer = probe.consume(second.queue);
      await probe.running(1);
      expect(probe.deliveries.map(idsIn)).toEqual([[1, 2]]);
      await consumer.drain(0);
      const third = await second.restart();
      const last = createProbe();
      last.consume(third.queue);
      await idle(third.queue);
      expect(last.deliveries.map(idsIn)).toEqual([[1, 2]]);
      expect(await third.queue.enqueue(album(2, 5))).toBe("duplicate");
    });

    it("takes a part that comes behind a crash into the question that runs again", async () => {
      const first = await begun();
      first.probe.hold(1);
      first.probe.consume(first.queue);
      await enqueue(first.queue, plain(1, 0));
      await first.probe.running(1);
      const second = await first.crash();
      await enqueue(second.queue, pieced(2, 1_000, { follows: "plain" }));
      const probe = createProbe();
      probe.consume(second.queue);
      await idle(second.queue);
      expect(probe.deliveries.map(idsIn)).toEqual([[1, 2]]);
    });

    it("is dead as a whole, and a whole when it is requeued", async () => {
      const { queue, probe, handed } = await begun();
      probe.failNext(1, 1);
      probe.consume(queue, { maxFailures: 1 });
      await enqueue(queue, album(1, 0), album(2, 1));
      await eventually(() => expect(probe.dead.map(({ updateId }) => updateId)).toEqual([1]));
      await eventually(async () => expect(await queue.stats()).toMatchObject({ dead: 1, waiting: 0, active: 0 }));
      expect(await queue.dead.requeue(2)).toBe(false);
      expect(await queue.dead.requeue(1)).toBe(true);
      await idle(queue);
      expect(handed()).toEqual([
        [1, 2],
        [1, 2],
      ]);
      expect(await queue.stats()).toMatchObject({ dead: 0 });
    });

    it("takes nothing more when it is dead: what comes then is a question of its own", async () => {
      const { queue, probe, handed } = await begun(calm);
      probe.failNext(1, 1);
      probe.consume(queue, { maxFailures: 1 });
      await enqueue(queue, album(1, 0), album(2, 1));
      await eventually(async () => expect(await queue.stats()).toMatchObject({ dead: 1, waiting: 0, active: 0 }));
      await enqueue(queue, album(3, 2), album(4, 3));
      await idle(queue);
      expect(handed()).toEqual([
        [1, 2],
        [3, 4],
      ]);
    });

    it("is drained with its lane, and one of the dead then", async () => {
      const { queue, probe, handed } = await begun(calm);
      await enqueue(queue, album(1, 0), album(2, 1));
      expect(await queue.drainLane("a", "turn", "by hand")).toBe(1);
      expect((await queue.dead.list(10)).map(({ updateId, reason }) => [updateId, reason])).toEqual([[1, "by hand"]]);
      expect(await queue.dead.requeue(1)).toBe(true);
      probe.consume(queue);
      await idle(queue);
      expect(handed()).toEqual([[1, 2]]);
      await enqueue(queue, album(5, 0, { group: "album:5" }));
      await queue.drainLane("a", "turn", "by hand");
      expect(await queue.dead.erase(() => true)).toBe(1);
      expect(await queue.enqueue(album(5, 1, { group: "album:5" }))).toBe("duplicate");
      await pause();
      expect(handed()).toEqual([[1, 2]]);
    });
  });
}
