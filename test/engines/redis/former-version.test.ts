/** Workers of this version beside those of the version before, on one Redis. */
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisQueue } from "../../../src/engines/redis/queue.ts";
import { runScript } from "../../../src/engines/redis/script.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { renew } from "../../../src/engines/redis/store-scripts.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { ActiveUpdate } from "../../../src/ports/queue.ts";
import type { Store } from "../../../src/ports/store.ts";
import { exchange as newExchange, turn as newTurn } from "../../contracts/store.contract.ts";
import {
  asPresent,
  type FormerRecord,
  formerDecodeTurn,
  formerEncodeTurn,
  formerForms,
  formerNow,
  readFormerRecords,
  writeFormerRecords,
} from "../../support/former-state.ts";
import { inEnglish } from "../../support/note-words.ts";
import { patienceMs } from "../../support/patience.ts";
import { readUsage } from "../../support/read-usage.ts";
import { findRedis } from "../../support/redis-server.ts";
import { openLink } from "../../support/redis-state.ts";

const redis = await findRedis();
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function open(): Promise<RedisLink> {
  const { link, close } = await openLink(redis.url);
  closing.push(close);
  return link;
}

/** Beats as a worker of the version before does, that of form 2; returns what kills it. */
function formerWorker({ commands, prefix }: RedisLink): () => void {
  const beat = () => void commands.set(`${prefix}beat:2`, Date.now(), "EX", 86_400);
  beat();
  const beats = setInterval(beat, 50);
  const kill = () => clearInterval(beats);
  closing.push(async () => kill());
  return kill;
}

/** A worker of this version; returns what it has handled, of which there need be nothing. */
function startWorker(link: RedisLink, now = Date.now) {
  const queue = createRedisQueue({ link, leaseMs: 1_000, now });
  closing.push(() => queue.stop());
  const handled: ActiveUpdate[] = [];
  const limits = { turnSlots: 4, quickSlots: 4, maxFailures: 3, maxCrashes: 3 };
  const handle = async (update: ActiveUpdate) => void handled.push(update);
  queue.consume(handle, { ...limits, backoffMs: () => 0, onDead: async () => undefined });
  return { queue, handled };
}

function openStore(link: RedisLink, now = () => formerNow): Store {
  return createRedisStore({ link, historyTtlSeconds: 10_000_000, noteWords: inEnglish, now });
}

/** Every record of a conversation as it stands in Redis. */
async function recordsOf({ commands, prefix }: RedisLink, conversation: string): Promise<readonly string[]> {
  const { at: _at, summary: _summary, ...turns } = await commands.hgetall(`${prefix}turns:${conversation}`);
  return [...Object.values(turns), ...Object.values(await commands.hgetall(`${prefix}history:${conversation}`))];
}

const isPresent = (record: string) => record.includes('{"form":3,');
/** A turn of the contract, as the version before knows it. */
const formerTurn = (question: number, asked = `asked ${question}`): FormerRecord => ({
  ...{ form: 2, conversation: "a", question, root: question, asked: textParts(asked) },
  ...{ run: 100 + question, state: "writing", messages: [] },
});
const patiently = { timeout: patienceMs };

describe.skipIf(redis.missing !== undefined).each(formerForms)(
  redis.title("what a version before has stored in Redis, in form %i,"),
  (form) => {
    it("is read as it was, and written anew as it is met", async () => {
      const link = await open();
      await writeFormerRecords(link, form);
      const former = await readFormerRecords(link);
      expect([...former.values()].flatMap(({ turns }) => turns)).toHaveLength(form === 1 ? 20 : 28);
      const store = openStore(link);
      const read = async () => {
        for (const [conversation, { turns, exchanges }] of former) {
          expect(await store.readHistory(conversation)).toEqual(exchanges.map(asPresent));
          for (const turn of turns) expect(await store.readTurn(conversation, turn.question)).toEqual(asPresent(turn));
          expect((await store.newestTurn(conversation))?.question).toBe(turns.at(-1)?.question);
        }
      };
      await read();
      for (const conversation of former.keys()) {
        await expect.poll(async () => (await recordsOf(link, conversation)).every(isPresent), patiently).toBe(true);
      }
      await read();
      expect(await store.readSettings("7")).toEqual({ model: "a/one", persona: "Answer as a pirate.\nAlways." });
      expect((await store.readTurn("-55", 2))?.moved).toEqual({ from: "-55", to: "-1001234567890" });
      expect(await store.readDialog("7:7")).toBe('{"version":[1,0],"state":"waiting"}');
      expect(await readUsage(store, 7, 0)).toMatchObject({ answers: 15, unpriced: 2 });
      expect(await store.blockedAt(99)).toBe(1_790_000_000_000);
    });

    it("is written anew when a whole history is read, too, and expires as it would have", async () => {
      const link = await open();
      await writeFormerRecords(link, form);
      const key = `${link.prefix}history:7`;
      await link.commands.pexpire(key, 3_600_000);
      const scanned = await Array.fromAsync(openStore(link).scanHistory("7"));
      expect(scanned.map(({ question }) => question)).toEqual([1, 2, 3, 4, 7, 8, 9]);
      const all = async () => Object.values(await link.commands.hgetall(key));
      await expect.poll(async () => (await all()).every(isPresent), patiently).toBe(true);
      expect(await link.commands.pttl(key)).toBeGreaterThan(0);
    });

    it("is not written over when it has changed since it was read", async () => {
      const link = await open();
      const key = `${link.prefix}history:7`;
      await link.commands.hset(key, "1", "later", "2", "read");
      const anew = ["1", "read", "of before", "2", "read", "anew", "3", "read", "of what is gone"];
      expect(await runScript(link.commands, renew, [key, `${link.prefix}beat:2`], anew)).toBe(1);
      expect(await link.commands.hgetall(key)).toEqual({ 1: "later", 2: "anew" });
    });

    it("moves with its group beside what this version has added", async () => {
      const link = await open();
      await writeFormerRecords(link, form);
      const store = openStore(link);
      const there = { conversation: "-66", question: 2, root: 2 };
      await store.beginTurn(newTurn(2, { ...there, continues: { question: 1, length: 3 } }));
      await store.finishTurn(newTurn(2, { ...there, answer: "x" }), newExchange(2, { since: 1 }), []);
      await store.moveConversation("-66", "-1009999999999");
      expect(await store.readHistory("-1009999999999")).toMatchObject([
        { question: -1, asked: textParts("A group that may move yet"), answered: "Yes." },
        { question: -2, asked: textParts("asked 2"), since: -1 },
      ]);
      expect(await store.readTurn("-1009999999999", -1)).toMatchObject({ root: -1, answer: "Yes." });
      expect(await store.readTurn("-1009999999999", -2)).toMatchObject({ root: -2, asked: textParts("asked 2") });
    });

    it("has its updates: those that wait, the one in whose middle it was killed, and the dead one", async () => {
      const link = await open();
      await writeFormerRecords(link, form);
      const { queue, handled } = startWorker(link, () => formerNow);
      await expect.poll(() => handled.map(({ updateId }) => updateId), patiently).toEqual([903, 904, 905]);
      expect(handled[0]).toMatchObject({ attempt: 2, conversation: "23", question: 903 });
      expect(JSON.parse(handled[0]?.body ?? "").message.text).toBe("Question 903?");
      expect(await queue.known(901)).toBe(true);
      expect((await queue.dead.list(10)).map(({ updateId, reason }) => [updateId, reason])).toEqual([[902, "broken"]]);
    });
  },
);

describe.skipIf(redis.missing !== undefined)(redis.title("workers of the version before"), () => {
  it("read all that this version writes while one of them lives, and it writes anew when none does", async () => {
    const link = await open();
    const kill = formerWorker(link);
    startWorker(link);
    const store = openStore(link, Date.now);
    const turn = newTurn(1, { asked: textParts('Why?\nAnd "how"?') });
    await store.beginTurn(turn);
    await store.setTurnMessages("a", 1, turn.run, [60], 61);
    const record = () => link.commands.hget(`${link.prefix}turns:a`, "1").then(String);
    const begun = { ...formerTurn(1, 'Why?\nAnd "how"?'), messages: [60], file: 61 };
    expect(formerDecodeTurn(await record())).toEqual(begun);
    expect(await record()).toBe(formerEncodeTurn(begun));
    const said = { notes: [{ kind: "stopped" }, { kind: "answered-by", model: "b/two" }] } as const;
    const about = { questionNotes: [{ kind: "unseen", what: "voice" }] } as const;
    await store.finishTurn({ ...turn, ...said, ...about, answer: "So." }, newExchange(1, { asked: turn.asked }), []);
    expect(formerDecodeTurn(await record())).toEqual({ ...begun, ...said, ...about, state: "answered", answer: "So." });
    const [exchange = ""] = await link.commands.hvals(`${link.prefix}history:a`);
    expect(JSON.parse(exchange)).toEqual({ form: 2, ...newExchange(1), asked: turn.asked });
    // Read by this version, it stays as it is.
    await store.readHistory("a");
    expect((await store.readTurn("a", 1))?.asked).toEqual(turn.asked);
    expect((await recordsOf(link, "a")).some(isPresent)).toBe(false);

    kill();
    await expect
      .poll(async () => {
        await store.readHistory("a");
        await store.closeTurn("a", 1, (await store.readTurn("a", 1))?.run ?? 0);
        return (await recordsOf(link, "a")).every(isPresent);
      }, patiently)
      .toBe(true);
    expect(await store.readTurn("a", 1)).toMatchObject({ state: "done", asked: turn.asked, answer: "So." });
    await store.beginTurn(newTurn(2));
    expect((await recordsOf(link, "a")).every(isPresent)).toBe(true);
  });

  it("keep the lanes that they have, find those that wait, and are replaced when they have died", async () => {
    const link = await open();
    const { commands, prefix } = link;
    const kill = formerWorker(link);
    const web = createRedisQueue({ link, leaseMs: 1_000 });
    closing.push(() => web.stop());
    const asked = { lane: "turn", receivedAt: Date.now(), body: "{}" } as const;
    await web.enqueue({ ...asked, updateId: 1, conversation: "a", question: 1 });
    // Where they look for lanes.
    expect(Number(await commands.zscore(`${prefix}lanes`, "turn:a"))).toBeGreaterThan(Date.now());
    // What one of them writes when it takes a lane, and again and again while it has it.
    await commands.hset(`${prefix}update:1`, { running: "7", process: "a-former-one", attempts: "1" });
    await commands.zrem(`${prefix}waiting`, "1");
    await commands.zadd(`${prefix}running`, Date.now(), "1");
    // As long as nobody takes it for the mistake of a clock: a busy machine may renew it late.
    const hold = () => commands.set(`${prefix}owner:turn:a`, "7", "PX", 2_000);
    await hold();
    const holding = setInterval(() => void hold(), 100);
    const { handled } = startWorker(link);
    await web.enqueue({ ...asked, updateId: 2, conversation: "a", question: 2 });
    await web.enqueue({ ...asked, updateId: 3, conversation: "b", question: 3 });
    await expect.poll(() => handled.map(({ updateId }) => updateId), patiently).toEqual([3]);
    await pause(4_000);
    expect(handled.map(({ updateId }) => updateId)).toEqual([3]);
    clearInterval(holding);
    kill();
    await expect.poll(() => handled.map(({ updateId }) => updateId), patiently).toEqual([3, 1, 2]);
    expect(handled.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
  });

  it("know nothing of what belongs together: it comes as before while one of them lives", async () => {
    const link = await open();
    const { commands, prefix } = link;
    await commands.sadd(`${prefix}workers`, "a-former-one");
    await commands.set(`${prefix}alive:a-former-one`, "1", "PX", 600_000);
    const web = createRedisQueue({ link, leaseMs: 1_000, quietMs: 20 });
    closing.push(() => web.stop());
    const album = (updateId: number, group: string) =>
      web.enqueue({
        ...{ lane: "turn", receivedAt: Date.now(), body: "{}", updateId, conversation: "a", question: updateId },
        piece: { message: updateId, sender: 7, units: 0, group, follows: "plain" },
      });
    for (const id of [1, 2]) await album(id, "album:1");
    await commands.del(`${prefix}alive:a-former-one`);
    for (const id of [3, 4]) await album(id, "album:2");
    const { handled } = startWorker(link);
    const ids = () => handled.map(({ updateId, parts }) => parts?.map((part) => part.updateId) ?? [updateId]);
    await expect.poll(ids, patiently).toEqual([[1], [2], [3, 4]]);
  });

  it("begin what this version ends, and end what it has begun", async () => {
    const link = await open();
    formerWorker(link);
    const store = openStore(link, Date.now);
    const { commands, prefix } = link;
    await store.beginTurn(newTurn(1));
    // What the version before writes at the end of that turn.
    const begun = formerDecodeTurn(String(await commands.hget(`${prefix}turns:a`, "1")));
    const ended = { ...begun, state: "answered", answer: "by it", notes: [{ kind: "stopped" }] } as const;
    await commands.hset(`${prefix}turns:a`, "1", formerEncodeTurn(ended));
    expect(await store.readTurn("a", 1)).toMatchObject({
      state: "answered",
      asked: textParts("asked 1"),
      answer: "by it",
      notes: [{ kind: "stopped" }],
    });
    // And what it writes at the beginning of another.
    await commands.hset(`${prefix}turns:a`, "2", formerEncodeTurn(formerTurn(2)));
    await commands.rpush(`${prefix}turn-order:a`, "2");
    expect(await store.newestTurn("a")).toEqual(newTurn(2));
    await store.finishTurn({ ...newTurn(2), answer: "by us" }, newExchange(2), []);
    const record = String(await commands.hget(`${prefix}turns:a`, "2"));
    expect(formerDecodeTurn(record)).toEqual({ ...formerTurn(2), state: "answered", answer: "by us" });
  });

  it("are written for again as soon as one is started beside this version", async () => {
    const link = await open();
    const store = openStore(link, Date.now);
    await store.beginTurn(newTurn(1));
    expect((await recordsOf(link, "a")).every(isPresent)).toBe(true);
    await link.commands.set(`${link.prefix}beat:2`, Date.now());
    await store.beginTurn(newTurn(2));
    const record = String(await link.commands.hget(`${link.prefix}turns:a`, "2"));
    expect(formerDecodeTurn(record)).toEqual(formerTurn(2));
  });

  it("are known to live while they beat, and to be gone some time after their last heartbeat", async () => {
    const link = await open();
    const kill = formerWorker(link);
    startWorker(link);
    const ours = () => link.commands.get(`${link.prefix}beat:3`).then(Number);
    const theirs = () => link.commands.exists(`${link.prefix}beat:2`);
    for (let beats = 0, last = 0; beats < 10; beats++) {
      await expect.poll(ours, patiently).toBeGreaterThan(last);
      last = await ours();
      expect(await theirs()).toBe(1);
    }
    kill();
    await expect.poll(theirs, patiently).toBe(0);
  });

  it("are not taken for living ones when only their last heartbeat is left", async () => {
    const link = await open();
    await link.commands.set(`${link.prefix}beat:2`, Date.now() - 3_600_000);
    startWorker(link);
    await expect.poll(() => link.commands.exists(`${link.prefix}beat:2`), patiently).toBe(0);
  });
});
