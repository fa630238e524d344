/** The contract of `Store`, for any engine. */
import { afterEach, describe, expect, it } from "vitest";
import { textParts } from "../../src/ports/content.ts";
import type { FileText } from "../../src/ports/files.ts";
import type { LedgerRow } from "../../src/ports/ledger.ts";
import type { Exchange, Store } from "../../src/ports/store.ts";
import type { Turn } from "../../src/ports/turns.ts";
import { saying } from "../support/note-words.ts";
import { readUsage } from "../support/read-usage.ts";

export interface StoreOptions {
  readonly historyTtlSeconds: number;
  readonly now: () => number;
}

/** A store as one process sees it. */
export interface OpenStore {
  readonly store: Store;
  close(): Promise<void>;
}

const hour = 3_600_000;
const ttlMs = 10 * hour;

export function turn(question: number, change: Partial<Turn> = {}): Turn {
  return {
    conversation: "a",
    question,
    root: question,
    run: 100 + question,
    state: "writing",
    asked: textParts(`asked ${question}`),
    messages: [],
    ...change,
  };
}

export function exchange(question: number, change: Partial<Exchange> = {}): Exchange {
  return {
    question,
    asked: textParts(`asked ${question}`),
    answered: `answer ${question}`,
    tokens: 7,
    at: 1,
    ...change,
  };
}

export function usage(change: Partial<LedgerRow> = {}): LedgerRow {
  return {
    userId: 1,
    model: "p/m",
    inputTokens: 10,
    cachedTokens: 4,
    outputTokens: 3,
    cost: 0.5,
    estimated: false,
    at: 1000,
    chatId: 1,
    turn: 1,
    step: 1,
    attempt: 1,
    durationMs: 900,
    outcome: "complete",
    ...change,
  };
}

/** Everything that a store must do. `open` gives an empty one each time. */
export function storeContract(name: string, open: (options: StoreOptions) => Promise<OpenStore>): void {
  describe(`store: ${name}`, () => {
    const opened: OpenStore[] = [];
    const clock = { now: 0 };

    async function newStore(): Promise<Store> {
      clock.now = 1_800_000_000_000;
      const one = await open({ historyTtlSeconds: ttlMs / 1000, now: () => clock.now });
      opened.push(one);
      return one.store;
    }

    /** One question with its answer, from the beginning to the end. */
    async function ask(store: Store, question: number, change: Partial<Turn> = {}): Promise<void> {
      const one = turn(question, change);
      await store.beginTurn(one);
      await store.finishTurn({ ...one, answer: `answer ${question}` }, exchange(one.root), []);
    }

    async function questions(store: Store, conversation = "a"): Promise<number[]> {
      return (await store.readHistory(conversation)).map(({ question }) => question);
    }

    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    describe("settings", () => {
      it("are empty until something is chosen, and change field by field", async () => {
        const store = await newStore();
        expect(await store.readSettings("a")).toEqual({});
        await Promise.all([store.setSetting("a", "model", "p/m"), store.setSetting("a", "persona", "a pirate")]);
        await store.setSetting("b", "model", "p/other");
        expect(await store.readSettings("a")).toEqual({ model: "p/m", persona: "a pirate" });
        await store.setSetting("a", "model", undefined);
        expect(await store.readSettings("a")).toEqual({ persona: "a pirate" });
        await store.setSetting("a", "persona", "a poet");
        expect(await store.readSettings("a")).toEqual({ persona: "a poet" });
        expect(await store.readSettings("b")).toEqual({ model: "p/other" });
      });

      it("outlive a conversation that is forgotten or expires", async () => {
        const store = await newStore();
        await store.setSetting("a", "model", "p/m");
        await ask(store, 1);
        await store.forget("a");
        clock.now += 10 * ttlMs;
        expect(await store.readSettings("a")).toEqual({ model: "p/m" });
      });
    });

    describe("history", () => {
      it("gives the exchanges back as they were, in the order of their answers", async () => {
        const store = await newStore();
        expect(await store.readHistory("a")).toEqual([]);
        const asked = [...textParts("naïve 🙂 \u0000 'quoted'"), ...textParts('[{"type":"text"}]\n"question":5')];
        const odd = exchange(5, { asked, answered: "```\n\n```", tokens: 0, at: 123 });
        await store.beginTurn(turn(5, { asked }));
        expect((await store.readTurn("a", 5))?.asked).toEqual(asked);
        await store.finishTurn(turn(5, { asked }), odd, []);
        expect((await store.readTurn("a", 5))?.asked).toEqual(asked);
        await ask(store, 3);
        await ask(store, 4);
        expect(await questions(store)).toEqual([5, 3, 4]);
        expect((await store.readHistory("a"))[0]).toEqual(odd);
        expect(await store.readHistory("b")).toEqual([]);
      });

      it("puts a new answer in the place of the old one", async () => {
        const store = await newStore();
        for (const question of [1, 2, 3]) await ask(store, question);
        await store.beginTurn(turn(2, { run: 900 }));
        await store.finishTurn(turn(2, { run: 900 }), exchange(2, { answered: "better" }), []);
        expect((await store.readHistory("a")).map(({ answered }) => answered)).toEqual([
          "answer 1",
          "better",
          "answer 3",
        ]);
      });

      it("lets a retry, a turn of its own, replace the exchange of the question it answers again", async () => {
        const store = await newStore();
        for (const question of [1, 2]) await ask(store, question);
        await ask(store, 9, { root: 1 });
        expect(await questions(store)).toEqual([1, 2]);
        expect((await store.newestTurn("a"))?.question).toBe(9);
      });

      it("keeps the former exchange when a run ends without one", async () => {
        const store = await newStore();
        await ask(store, 1);
        await store.beginTurn(turn(1, { run: 900 }));
        await store.finishTurn(turn(1, { run: 900, outcome: "failed" }), undefined, []);
        expect(await store.readHistory("a")).toEqual([exchange(1)]);
      });

      it("is read as far as it is asked for, from its newest end", async () => {
        const store = await newStore();
        for (const question of [4, 2, 9]) await ask(store, question);
        const newest = async (atMost: number) => (await store.readHistory("a", atMost)).map(({ question }) => question);
        expect(await newest(0)).toEqual([]);
        expect(await newest(1)).toEqual([9]);
        expect(await newest(2)).toEqual([2, 9]);
        expect(await newest(100)).toEqual([4, 2, 9]);
      });

      it("remembers which model wrote, and where the prompt of an exchange began", async () => {
        const store = await newStore();
        const full = exchange(1, { model: "p/m", since: 900 });
        await store.beginTurn(turn(1));
        await store.finishTurn(turn(1), full, []);
        expect(await store.readHistory("a")).toEqual([full]);
        await store.beginTurn(turn(1, { run: 900 }));
        await store.finishTurn(turn(1, { run: 900 }), exchange(1), []);
        expect(await store.readHistory("a")).toEqual([exchange(1)]);
      });

      it("can be scanned whole, whatever is answered meanwhile, and is not there when it has expired", async () => {
        const store = await newStore();
        const all = Array.from({ length: 25 }, (_, n) => 25 - n);
        for (const question of all) await ask(store, question);
        const scanned: Exchange[] = [];
        for await (const one of store.scanHistory("a")) {
          if (scanned.length === 3) await ask(store, all[20] ?? 0);
          scanned.push(one);
        }
        expect(scanned).toEqual(all.map((question) => exchange(question)));
        const rest: number[] = [];
        for await (const { question } of store.scanHistory("a", 14)) rest.push(question);
        expect(rest).toEqual([14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
        for await (const _ of store.scanHistory("a", 77)) expect.unreachable("it is not kept");
        for await (const _ of store.scanHistory("b")) expect.unreachable("nothing was asked here");
        clock.now += 1.1 * ttlMs;
        for await (const _ of store.scanHistory("a")) expect.unreachable("it has expired");
      });

      it("is forgotten on demand, with its turns, and only that conversation's", async () => {
        const store = await newStore();
        await ask(store, 1);
        await ask(store, 1, { conversation: "b" });
        await store.forget("a");
        expect(await store.readHistory("a")).toEqual([]);
        expect(await store.readTurn("a", 1)).toBeUndefined();
        expect(await store.newestTurn("a")).toBeUndefined();
        expect(await questions(store, "b")).toEqual([1]);
        await ask(store, 2);
        expect(await questions(store)).toEqual([2]);
      });

      it("expires as a whole, its time to live after the last exchange", async () => {
        const store = await newStore();
        await ask(store, 1);
        clock.now += 0.9 * ttlMs;
        await ask(store, 2);
        clock.now += 0.9 * ttlMs;
        expect(await questions(store)).toEqual([1, 2]);
        clock.now += 0.2 * ttlMs;
        expect(await questions(store)).toEqual([]);
        expect(await store.readTurn("a", 2)).toBeUndefined();
        expect(await store.newestTurn("a")).toBeUndefined();
      });

      it("does not come to life again with the first question after it expired", async () => {
        const store = await newStore();
        await ask(store, 1);
        clock.now += 1.1 * ttlMs;
        await store.beginTurn(turn(2));
        expect(await questions(store)).toEqual([]);
        expect(await store.readTurn("a", 1)).toBeUndefined();
        await store.finishTurn(turn(2), exchange(2), []);
        expect(await questions(store)).toEqual([2]);
      });

      it("keeps at least the newest 2,000 exchanges of a conversation, and drops older ones 500 at once", async () => {
        const store = await newStore();
        const upTo = async (from: number, to: number) => {
          const all = Array.from({ length: to - from + 1 }, (_, n) => from + n);
          // Not all at once: who is given thousands to do may answer the last one late.
          for (let at = 0; at < all.length; at += 100)
            await Promise.all(all.slice(at, at + 100).map((question) => ask(store, question)));
          const kept = await questions(store);
          return [kept[0], kept.at(-1), kept.length];
        };
        expect(await upTo(1, 2_499)).toEqual([1, 2_499, 2_499]);
        expect(await upTo(2_500, 2_500)).toEqual([501, 2_500, 2_000]);
        // An answer that is written again drops nothing.
        expect(await upTo(2_500, 2_500)).toEqual([501, 2_500, 2_000]);
        expect(await upTo(2_501, 3_001)).toEqual([1_001, 3_001, 2_001]);
      });
    });

    describe("what is kept of a summary", () => {
      const summary = { text: 'he said "from":1 twice', tokens: 9, from: 3, through: 4, model: "p/m" };
      const work = { until: 5, token: "t", failures: 0, boundary: 0 };

      it("is replaced as long as it is what it was, by one of those who try at once", async () => {
        const store = await newStore();
        await ask(store, 1);
        expect((await store.readConversation("a", 0)).summary).toBeUndefined();
        const taken = [1, 2, 3].map((n) => ({ work: { ...work, token: `t${n}` } }));
        const won = await Promise.all(taken.map((one) => store.replaceSummary("a", undefined, one)));
        expect(won.filter(Boolean)).toHaveLength(1);
        const stands = taken[won.indexOf(true)];
        expect((await store.readConversation("a", 0)).summary).toEqual(stands);
        expect(await store.replaceSummary("a", { work }, { summary })).toBe(false);
        expect(await store.replaceSummary("a", stands, { summary })).toBe(true);
        expect(await store.replaceSummary("a", stands, { summary })).toBe(false);
        expect(await store.replaceSummary("a", (await store.readConversation("a", 0)).summary, { summary, work })).toBe(
          true,
        );
        expect((await store.readConversation("a", 0)).summary).toEqual({ summary, work });
        expect((await store.readConversation("b", 0)).summary).toBeUndefined();
      });

      it("is forgotten with the conversation, and what was begun before is not stored in the next one", async () => {
        const store = await newStore();
        expect(await store.replaceSummary("a", undefined, { work })).toBe(false);
        await ask(store, 1);
        await store.replaceSummary("a", undefined, { work });
        await store.forget("a");
        expect((await store.readConversation("a", 0)).summary).toBeUndefined();
        expect(await store.replaceSummary("a", { work }, { summary })).toBe(false);
        await ask(store, 2);
        expect(await store.replaceSummary("a", { work }, { summary })).toBe(false);
        expect(await store.replaceSummary("a", undefined, { summary })).toBe(true);
        clock.now += ttlMs + 1;
        expect((await store.readConversation("a", 0)).summary).toBeUndefined();
        expect(await store.replaceSummary("a", { summary }, { work })).toBe(false);
        await store.beginTurn(turn(3));
        expect((await store.readConversation("a", 0)).summary).toBeUndefined();
      });

      it("is read in one step with the newest of the history, so that both are of one moment", async () => {
        const store = await newStore();
        expect(await store.readConversation("a", 5)).toEqual({ history: [], summary: undefined });
        for (const question of [1, 2, 3]) await ask(store, question);
        const read = async () => {
          const { history, summary } = await store.readConversation("a", 2);
          return [history.map(({ question }) => question), summary];
        };
        expect(await read()).toEqual([[2, 3], undefined]);
        await store.replaceSummary("a", undefined, { summary });
        const reads = Array.from({ length: 20 }, read);
        const forgotten = store.forget("a");
        reads.push(...Array.from({ length: 20 }, read));
        await forgotten;
        for (const one of await Promise.all(reads))
          expect([
            [[2, 3], { summary }],
            [[], undefined],
          ]).toContainEqual(one);
        expect(await read()).toEqual([[], undefined]);
      });

      it("goes along to a supergroup, with its messages' ids", async () => {
        const store = await newStore();
        await ask(store, 3, { conversation: "-5" });
        await store.replaceSummary("-5", undefined, { summary, work: { ...work, boundary: 3 } });
        const before = (await store.readConversation("-5", 0)).summary;
        await store.moveConversation("-5", "-1001234567890");
        const moved = { summary: { ...summary, from: -3, through: -4 }, work: { ...work, boundary: -3 } };
        expect((await store.readConversation("-1001234567890", 0)).summary).toEqual(moved);
        expect((await store.readConversation("-5", 0)).summary).toEqual(before);
        expect(await store.replaceSummary("-5", before, { summary, work })).toBe(true);
        expect((await store.readConversation("-1001234567890", 0)).summary).toEqual({ summary: moved.summary, work });
        expect(await store.replaceSummary("-1001234567890", (await store.readConversation("-5", 0)).summary, {})).toBe(
          false,
        );
        expect(await store.replaceSummary("-1001234567890", { summary: moved.summary, work }, {})).toBe(true);
      });
    });

    describe("a turn", () => {
      it("is kept with all its fields", async () => {
        const store = await newStore();
        const full = turn(1, {
          asked: [
            { type: "picture", fileId: "f", uniqueId: "u", width: 1280, height: 960, sizeBytes: 9, quoted: true },
            { type: "file", fileId: "f", uniqueId: "v", name: "a.pdf", mime: "application/pdf" },
            { type: "voice", fileId: "f", uniqueId: "w", seconds: 3, transcript: "Hello" },
            ...textParts("what?"),
          ],
          messages: [5, 6],
          file: 7,
          answer: "so far",
          retires: { chatId: -9, messageId: 49 },
          questionNotes: [{ kind: "unseen", what: "photo" }],
          notes: [{ kind: "failed", failure: "rate-limit", retryAfterMs: 5_000 }, saying("n")],
          button: "retry",
          outcome: "failed",
          continues: { question: 40, length: 12 },
        });
        await store.beginTurn(full);
        expect(await store.readTurn("a", 1)).toEqual(full);
        const bare = turn(2, { state: "done" });
        await store.beginTurn(bare);
        expect(await store.readTurn("a", 2)).toEqual(bare);
        expect(await store.readTurn("a", 3)).toBeUndefined();
        expect(await store.readTurn("b", 1)).toBeUndefined();
      });

      it("becomes the newest with its first run only", async () => {
        const store = await newStore();
        expect(await store.newestTurn("a")).toBeUndefined();
        await store.beginTurn(turn(8));
        await store.beginTurn(turn(3));
        expect((await store.newestTurn("a"))?.question).toBe(3);
        await store.beginTurn(turn(8, { run: 900 }));
        expect((await store.newestTurn("a"))?.question).toBe(3);
        expect((await store.readTurn("a", 8))?.run).toBe(900);
      });

      it("takes the place of others, which are forgotten in the same step", async () => {
        const store = await newStore();
        for (const question of [1, 2, 3]) await ask(store, question);
        await store.beginTurn(turn(1, { run: 900 }), [3, 2, 77]);
        expect(await store.readTurn("a", 2)).toBeUndefined();
        expect((await store.newestTurn("a"))?.run).toBe(900);
        await ask(store, 4);
        expect((await store.newestTurn("a"))?.question).toBe(4);
        expect(await questions(store)).toEqual([1, 2, 3, 4]);
      });

      it("goes from writing to answered to done, with the message ids stored meanwhile", async () => {
        const store = await newStore();
        await store.beginTurn(turn(1));
        await store.setTurnMessages("a", 1, 101, [50]);
        await store.setTurnMessages("a", 1, 101, [50, 51], 60);
        expect(await store.readTurn("a", 1)).toEqual(turn(1, { messages: [50, 51], file: 60 }));
        await store.finishTurn(turn(1, { answer: "whole", outcome: "complete" }), exchange(1), []);
        const ended = turn(1, {
          messages: [50, 51],
          file: 60,
          answer: "whole",
          outcome: "complete",
          state: "answered",
        });
        expect(await store.readTurn("a", 1)).toEqual(ended);
        await store.setTurnMessages("a", 1, 101, [50]);
        await store.closeTurn("a", 1, 101);
        const { file: _, ...withoutFile } = ended;
        expect(await store.readTurn("a", 1)).toEqual({ ...withoutFile, messages: [50], state: "done" });
      });

      it("may learn what was heard in it while it is written, and keeps its messages", async () => {
        const store = await newStore();
        const voice = { type: "voice", fileId: "f", uniqueId: "u", seconds: 3 } as const;
        await store.beginTurn(turn(1, { asked: [voice] }));
        await store.setTurnMessages("a", 1, 101, [50], 60);
        const heard = turn(1, { asked: [{ ...voice, transcript: "why?" }], transcript: [49] });
        await store.renewTurn(heard);
        expect(await store.readTurn("a", 1)).toEqual({ ...heard, messages: [50], file: 60 });
        expect(await store.newestTurn("a")).toEqual({ ...heard, messages: [50], file: 60 });
        await store.renewTurn({ ...heard, run: 100, transcript: [1] });
        await store.renewTurn(turn(2));
        expect(await store.readTurn("a", 1)).toMatchObject({ transcript: [49] });
        expect(await store.readTurn("a", 2)).toBeUndefined();
      });

      it("knows its pictures, whoever writes what else of it", async () => {
        const store = await newStore();
        const pictures = [{ key: "0:1" }, { key: "a", message: 70 }, { key: "b", message: 4, former: true as const }];
        await store.beginTurn(turn(1, { pictures: pictures.slice(2) }));
        expect(await store.readTurn("a", 1)).toEqual(turn(1, { pictures: pictures.slice(2) }));
        await store.setTurnPictures("a", 1, 101, pictures);
        await store.setTurnMessages("a", 1, 101, [50], 60);
        await store.renewTurn(turn(1, { transcript: [49] }));
        const shown = { messages: [50], file: 60, pictures };
        expect(await store.readTurn("a", 1)).toEqual(turn(1, { transcript: [49], ...shown }));
        await store.finishTurn(turn(1, { answer: "whole" }), undefined, []);
        expect(await store.newestTurn("a")).toEqual(turn(1, { answer: "whole", state: "answered", ...shown }));
        await store.setTurnPictures("a", 1, 101, pictures.slice(0, 1));
        await store.setTurnMessages("a", 1, 101, []);
        await store.closeTurn("a", 1, 101);
        expect(await store.readTurn("a", 1)).toMatchObject({ messages: [], pictures: [{ key: "0:1" }], state: "done" });
        await store.setTurnPictures("a", 1, 100, pictures);
        await store.setTurnPictures("a", 1, 101, []);
        await store.setTurnPictures("a", 2, 102, pictures);
        expect(await store.readTurn("a", 1)).toEqual(turn(1, { answer: "whole", state: "done" }));
        expect(await store.readTurn("a", 2)).toBeUndefined();
      });

      it("is not changed by a run that it no longer belongs to", async () => {
        const store = await newStore();
        const current = turn(1, { run: 900, messages: [50] });
        await store.beginTurn(turn(1));
        await store.beginTurn(current);
        await store.setTurnMessages("a", 1, 101, [1, 2]);
        await store.closeTurn("a", 1, 101);
        await store.finishTurn(turn(1, { answer: "old" }), exchange(1), [usage()]);
        expect(await store.readTurn("a", 1)).toEqual(current);
        expect(await store.readHistory("a")).toEqual([]);
      });

      it("that was forgotten stays forgotten; only its use counts", async () => {
        const store = await newStore();
        await store.beginTurn(turn(1));
        await store.forget("a");
        await store.setTurnMessages("a", 1, 101, [50]);
        await store.finishTurn(turn(1), exchange(1), [usage()]);
        await store.closeTurn("a", 1, 101);
        expect(await store.readTurn("a", 1)).toBeUndefined();
        expect(await store.readHistory("a")).toEqual([]);
        expect((await readUsage(store, 1, 0)).answers).toBe(1);
      });

      it("is read as it was stored, whatever is done to the object afterwards", async () => {
        const store = await newStore();
        const messages = [50];
        await store.beginTurn(turn(1, { messages }));
        messages.push(51);
        expect((await store.readTurn("a", 1))?.messages).toEqual([50]);
      });
    });

    describe("what a long file says", () => {
      const file = (text: string): FileText => ({
        ...{ kind: "text", format: "pdf", unit: "page", total: 344, cut: true },
        parts: [
          { number: 1, text },
          { number: 3, name: "ünïcödé 東京", text: "x".repeat(300_000) },
        ],
      });
      const keep = (store: Store, uniqueId: string, text: string, change: Partial<Turn> = {}) =>
        store.keepFile(turn(10, change), uniqueId, file(text));

      it("is there for the questions that follow, and the last of it counts", async () => {
        const store = await newStore();
        await store.beginTurn(turn(10));
        await keep(store, "u-1", "first");
        await keep(store, "u-1", "second");
        expect(await store.readFile("a", "u-1")).toEqual(file("second"));
        expect(await store.readFile("a", "u-2")).toBeUndefined();
        expect(await store.readFile("b", "u-1")).toBeUndefined();
        // It disturbs nothing beside it.
        expect(await store.newestTurn("a")).toMatchObject({ question: 10, state: "writing" });
      });

      it("is kept of the newest ten of a conversation", async () => {
        const store = await newStore();
        await store.beginTurn(turn(10));
        for (let n = 0; n < 12; n++) await store.keepFile(turn(10), `u-${n}`, { ...file(`${n}`), parts: [] });
        const found = await Promise.all(Array.from({ length: 12 }, (_, n) => store.readFile("a", `u-${n}`)));
        expect(found.map((one) => one !== undefined)).toEqual([false, false, ...Array(10).fill(true)]);
      });

      it("is not kept for a turn that was forgotten, or that another run has", async () => {
        const store = await newStore();
        await keep(store, "u-1", "never begun");
        await store.beginTurn(turn(10));
        await keep(store, "u-1", "of another run", { run: 7 });
        expect(await store.readFile("a", "u-1")).toBeUndefined();
      });

      it("is forgotten, expires and is erased with its conversation", async () => {
        const store = await newStore();
        await store.beginTurn(turn(10));
        await keep(store, "u-1", "words");
        await store.forget("a");
        await store.beginTurn(turn(10));
        expect(await store.readFile("a", "u-1")).toBeUndefined();
        await keep(store, "u-1", "words");
        clock.now += ttlMs + 1;
        expect(await store.readFile("a", "u-1")).toBeUndefined();
        await store.beginTurn(turn(11));
        expect(await store.readFile("a", "u-1")).toBeUndefined();
        await store.beginTurn(turn(10, { conversation: "77" }));
        await keep(store, "u-1", "words", { conversation: "77" });
        expect(await store.readFile("77", "u-1")).toBeDefined();
        await store.eraseUser(77);
        expect(await store.readFile("77", "u-1")).toBeUndefined();
      });

      it("goes along to a supergroup", async () => {
        const store = await newStore();
        await store.beginTurn(turn(10, { conversation: "-5" }));
        await keep(store, "u-1", "words", { conversation: "-5" });
        await store.moveConversation("-5", "-1001234567890");
        expect(await store.readFile("-1001234567890", "u-1")).toEqual(file("words"));
        expect(await store.readFile("-5", "u-1")).toEqual(file("words"));
      });
    });

    describe("a group that has become a supergroup", () => {
      const from = "-7";
      const to = "-1001234567890";
      const there = { conversation: from };
      const moved = { from, to };

      it("keeps history, settings and turns under its new id", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        await ask(store, 2, { ...there, root: 1, messages: [3] });
        await ask(store, 4, there);
        await store.setSetting(from, "persona", "a pirate");
        await store.moveConversation(from, to);
        expect(await store.readHistory(to)).toEqual([exchange(1), exchange(4)].map(former));
        expect(await store.readSettings(to)).toEqual({ persona: "a pirate" });
        expect(await store.newestTurn(to)).toMatchObject({ conversation: to, question: -4, root: -4, moved });
        // What it showed is in the former chat, where nothing can be changed any more.
        expect(await store.readTurn(to, -2)).toMatchObject({ question: -2, root: -1, messages: [], moved });
        expect((await Array.fromAsync(store.scanHistory(to))).map(({ question }) => question)).toEqual([-1, -4]);
      });

      /** Ids of the former chat's messages are told by their sign: the new chat has others with these ids. */
      const former = (one: Exchange): Exchange => ({ ...one, question: -one.question });

      it("puts them before what the new chat has already, whose settings and newest turn count", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        await ask(store, 2, there);
        await store.setSetting(from, "persona", "a pirate");
        await store.setSetting(from, "model", "p/old");
        await ask(store, 2, { conversation: to });
        await store.setSetting(to, "model", "p/new");
        await store.moveConversation(from, to);
        await ask(store, 3, { conversation: to });
        expect(await questions(store, to)).toEqual([-1, -2, 2, 3]);
        expect(await store.readSettings(to)).toEqual({ persona: "a pirate", model: "p/new" });
        expect((await store.newestTurn(to))?.question).toBe(3);
        expect((await store.readTurn(to, 2))?.asked).toEqual(textParts("asked 2"));
      });

      it("may be told of any number of times", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        await Promise.all([store.moveConversation(from, to), store.moveConversation(from, to)]);
        await ask(store, 2, { conversation: to });
        await store.moveConversation(from, to);
        expect(await questions(store, to)).toEqual([-1, 2]);
      });

      it("may have had nothing to keep", async () => {
        const store = await newStore();
        await store.moveConversation(from, to);
        expect(await store.readHistory(to)).toEqual([]);
        expect(await store.newestTurn(to)).toBeUndefined();
        expect(await store.readSettings(to)).toEqual({});
      });

      it("has the answer that was being written go on under its new id", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        const running = turn(2, { ...there, messages: [3], pictures: [{ key: "0", message: 4 }] });
        await store.beginTurn(running);
        await store.moveConversation(from, to);
        await ask(store, 2, { conversation: to });
        await store.setTurnMessages(from, 2, running.run, [9]);
        const written = await store.readTurn(to, -2);
        expect(written).toMatchObject({ state: "writing", messages: [9], moved });
        // It stands in the other chat.
        expect(written?.pictures).toBeUndefined();
        await store.setTurnPictures(from, 2, running.run, [{ key: "1", message: 8 }]);
        expect(await store.readTurn(to, -2)).toMatchObject({ messages: [9], pictures: [{ key: "1", message: 8 }] });
        await store.finishTurn({ ...running, answer: "the end" }, exchange(2, { since: 1 }), [usage()]);
        await store.closeTurn(from, 2, running.run);
        expect(await store.readTurn(to, -2)).toMatchObject({ state: "done", messages: [9], answer: "the end", moved });
        expect(await store.readTurn(to, 2)).toMatchObject({ question: 2, answer: "answer 2" });
        const history = await store.readHistory(to);
        expect(history.map(({ question }) => question)).toEqual([-1, 2, -2]);
        expect(history.at(-1)).toEqual(exchange(-2, { asked: textParts("asked 2"), answered: "answer 2", since: -1 }));
        expect((await readUsage(store, 1, 0)).answers).toBe(1);
      });

      it("is understood under its former id", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        await store.setSetting(from, "persona", "a pirate");
        await store.moveConversation(from, to);
        await ask(store, 5, { conversation: to });
        expect(await questions(store, from)).toEqual([1, -5]);
        expect(await store.readTurn(from, 1)).toMatchObject({ conversation: from, question: 1, root: 1 });
        expect(await store.newestTurn(from)).toMatchObject({ conversation: from, question: -5 });
        expect(await store.readSettings(from)).toEqual({ persona: "a pirate" });
        await store.setSetting(from, "persona", "a poet");
        expect(await store.readSettings(to)).toEqual({ persona: "a poet" });
        await ask(store, 6, there);
        expect(await questions(store, to)).toEqual([-1, 5, -6]);
        expect((await Array.fromAsync(store.scanHistory(from))).map(({ question }) => question)).toEqual([1, -5, 6]);
        await store.forget(from);
        expect(await store.readHistory(to)).toEqual([]);
      });

      it("keeps texts that look like records as they are", async () => {
        const store = await newStore();
        const odd = '{"question":5,"root":6,"since":7,"conversation":"x","continues":{"question":8}}\n\\"question\\":9';
        const continues = { question: 1, length: 3 };
        const one = turn(3, {
          ...there,
          root: 1,
          asked: textParts(odd),
          questionNotes: [saying(odd)],
          notes: [saying(odd)],
          continues,
        });
        await store.beginTurn(one);
        await store.finishTurn(
          { ...one, answer: odd },
          exchange(1, { asked: textParts(odd), answered: odd, since: 1 }),
          [],
        );
        await store.moveConversation(from, to);
        const expected = {
          asked: textParts(odd),
          answer: odd,
          questionNotes: [saying(odd)],
          notes: [saying(odd)],
          question: -3,
          root: -1,
          conversation: to,
        };
        expect(await store.newestTurn(to)).toMatchObject({ ...expected, continues: { question: -1, length: 3 } });
        expect(await store.readHistory(to)).toEqual([
          exchange(-1, { asked: textParts(odd), answered: odd, since: -1 }),
        ]);
      });

      it("does not bring to life what has expired", async () => {
        const store = await newStore();
        await ask(store, 1, there);
        clock.now += 2 * ttlMs;
        await ask(store, 2, { conversation: to });
        await store.moveConversation(from, to);
        expect(await questions(store, to)).toEqual([2]);
        expect(await store.readTurn(to, -1)).toBeUndefined();
      });
    });

    it("adds up a user's use since a day", async () => {
      const store = await newStore();
      const none = { answers: 0, inputTokens: 0, cachedTokens: 0, outputTokens: 0, cost: 0, unpriced: 0 };
      expect(await readUsage(store, 1, 0)).toEqual(none);
      const day = 24 * hour;
      const { cost: _, ...unpriced } = usage({ at: 3 * day - 1, estimated: true });
      await store.beginTurn(turn(1));
      await store.finishTurn(turn(1), undefined, [usage({ at: 1000 }), usage({ at: 2 * day, cost: 0.25 }), unpriced]);
      await store.beginTurn(turn(2));
      await store.finishTurn(turn(2), undefined, [usage({ userId: 2 })]);
      const all = { answers: 3, inputTokens: 30, cachedTokens: 12, outputTokens: 9, cost: 0.75, unpriced: 1 };
      expect(await readUsage(store, 1, 0)).toEqual(all);
      const late = { answers: 2, inputTokens: 20, cachedTokens: 8, outputTokens: 6, cost: 0.25, unpriced: 1 };
      expect(await readUsage(store, 1, 2 * day)).toEqual(late);
      clock.now += 100 * ttlMs;
      expect((await readUsage(store, 2, 0)).answers).toBe(1);
    });

    it("knows a user's use since any midnight (UTC), however long ago, and adds up without an error", async () => {
      const store = await newStore();
      const day = 24 * hour;
      const midnight = Math.floor(clock.now / day) * day;
      // The order of arrival is not the order of time: a queue may hold an answer's record back.
      for (const daysAgo of [9, 30, 8, 1, 0]) {
        await store.beginTurn(turn(1 + daysAgo));
        const entries = [0, hour, day - 1].map((after) => usage({ at: midnight - daysAgo * day + after, cost: 0.1 }));
        await store.finishTurn(turn(1 + daysAgo), undefined, entries);
      }
      const since = async (moment: number) => (await readUsage(store, 1, moment)).answers;
      expect(await since(midnight)).toBe(3);
      expect(await since(midnight + 1)).toBe(3);
      expect(await since(midnight - day)).toBe(6);
      expect(await since(midnight - 8 * day)).toBe(9);
      expect(await since(midnight - 9 * day)).toBe(12);
      expect(await since(midnight - 100 * day)).toBe(15);
      const all = await readUsage(store, 1, 0);
      expect(all.answers).toBe(15);
      expect(all.cost).toBeCloseTo(1.5, 9);
    });

    it("forgets all that is a user's own, and nothing of others", async () => {
      const store = await newStore();
      const own = ["7", "7:3", "7:70"];
      const others = ["77", "-7", "-100:7", "70:7", "a"];
      for (const conversation of [...own, ...others]) {
        await ask(store, 1, { conversation });
        await store.setSetting(conversation, "model", "p/m");
      }
      const dialogs = [...own.map((id) => `${id}/7`), "7/8", "-100/7", "-100:7/7", "-100/7/command"];
      const othersDialogs = ["-100:7/66", "-100/77", "77/77", "-100/66/command", "-7/66"];
      const firsts = ["export:7", "album-note:7:5"];
      const othersFirsts = ["export:77", "album-note:-100:7", "alert:dead-update", "export:-7"];
      for (const key of [...dialogs, ...othersDialogs]) await store.writeDialog(key, "open");
      for (const key of [...firsts, ...othersFirsts]) await store.firstWithin(key, hour);
      await store.markBlocked(7, 5);
      await store.markBlocked(-7, 5);
      for (const _twice of [1, 2]) {
        await store.eraseUser(7);
        for (const conversation of own) {
          expect(await store.readHistory(conversation), conversation).toEqual([]);
          expect(await store.newestTurn(conversation), conversation).toBeUndefined();
          expect(await store.readSettings(conversation), conversation).toEqual({});
        }
        for (const key of dialogs) expect(await store.readDialog(key), key).toBeUndefined();
        expect(await store.blockedAt(7)).toBeUndefined();
      }
      for (const key of firsts) expect(await store.firstWithin(key, hour), key).toBe(true);
      for (const conversation of others) {
        expect(await questions(store, conversation), conversation).toEqual([1]);
        expect(await store.readSettings(conversation), conversation).toEqual({ model: "p/m" });
      }
      for (const key of othersDialogs) expect(await store.readDialog(key), key).toBe("open");
      for (const key of othersFirsts) expect(await store.firstWithin(key, hour), key).toBe(false);
      expect(await store.blockedAt(-7)).toBe(5);
      await ask(store, 2, { conversation: "7" });
      expect(await questions(store, "7")).toEqual([2]);
    });

    it("brings nothing back of what was forgotten while an answer was being written", async () => {
      const store = await newStore();
      await store.beginTurn(turn(1, { conversation: "7:3" }));
      await store.eraseUser(7);
      await store.finishTurn(turn(1, { conversation: "7:3", answer: "late" }), exchange(1), []);
      expect(await store.readHistory("7:3")).toEqual([]);
      expect(await store.newestTurn("7:3")).toBeUndefined();
    });

    describe("an answer that may be given again", () => {
      const known = { text: "a text\nof ö lines", model: "p/m" };
      const slot = (owner: string, key = "k1") => ({ owner, key });

      /** A turn that ends with an answer that is kept. */
      async function keep(store: Store, question: number, owner: string, more: { key?: string; text?: string } = {}) {
        const one = turn(question, { conversation: owner === "shared" ? "a" : owner });
        await store.beginTurn(one);
        const kept = { ...slot(owner, more.key), ...known, ...more, keepMs: hour };
        await store.finishTurn({ ...one, answer: "x" }, exchange(question), [], kept);
      }

      it("is found in its own slot for as long as it is kept, also behind the end of its conversation", async () => {
        const store = await newStore();
        expect(await store.readAnswer(slot("7"))).toBeUndefined();
        await keep(store, 1, "7");
        expect(await store.readHistory("7")).toHaveLength(1);
        for (const other of [slot("7", "k2"), slot("77"), slot("shared")])
          expect(await store.readAnswer(other), other.owner).toBeUndefined();
        await store.forget("7");
        expect(await store.readAnswer(slot("7"))).toEqual(known);
        clock.now += hour - 1;
        expect(await store.readAnswer(slot("7"))).toEqual(known);
        clock.now += 1;
        expect(await store.readAnswer(slot("7"))).toBeUndefined();
      });

      it("gives way to the next one, and counts from then", async () => {
        const store = await newStore();
        await keep(store, 1, "7");
        clock.now += hour / 2;
        await keep(store, 2, "7", { text: "newer" });
        clock.now += hour / 2;
        expect(await store.readAnswer(slot("7"))).toEqual({ ...known, text: "newer" });
      });

      it("is not kept by a turn that was forgotten meanwhile", async () => {
        const store = await newStore();
        await store.beginTurn(turn(1));
        await store.forget("a");
        await store.finishTurn(turn(1), exchange(1), [], { ...slot("a"), ...known, keepMs: hour });
        expect(await store.readAnswer(slot("a"))).toBeUndefined();
      });

      it("is erased with its user, those of groups and of everybody are not", async () => {
        const store = await newStore();
        const others = ["77", "-7", "-1007", "shared"];
        for (const [at, owner] of ["7", ...others].entries()) await keep(store, at + 1, owner);
        await keep(store, 9, "7", { key: "k2" });
        await store.eraseUser(7);
        for (const key of ["k1", "k2"]) expect(await store.readAnswer(slot("7", key))).toBeUndefined();
        for (const owner of others) expect(await store.readAnswer(slot(owner)), owner).toEqual(known);
      });

      it("may come from a turn of a group that has moved", async () => {
        const store = await newStore();
        await store.beginTurn(turn(1, { conversation: "-7" }));
        await store.moveConversation("-7", "-1001234567890");
        const ended = turn(1, { conversation: "-7", answer: "x" });
        await store.finishTurn(ended, exchange(1), [], { ...slot("-7"), ...known, keepMs: hour });
        expect(await store.readAnswer(slot("-7"))).toEqual(known);
        expect(await questions(store, "-1001234567890")).toEqual([-1]);
      });
    });

    it("keeps a dialog until it is deleted, or for a day", async () => {
      const store = await newStore();
      expect(await store.readDialog("k")).toBeUndefined();
      await store.writeDialog("k", "one");
      await store.writeDialog("k", "two");
      await store.writeDialog("l", "other");
      expect(await store.readDialog("k")).toBe("two");
      await store.deleteDialog("k");
      expect(await store.readDialog("k")).toBeUndefined();
      clock.now += 23 * hour;
      expect(await store.readDialog("l")).toBe("other");
      clock.now += 2 * hour;
      expect(await store.readDialog("l")).toBeUndefined();
    });

    it("remembers which chats are blocked, and since when", async () => {
      const store = await newStore();
      const chat = -1_002_345_678_901;
      expect(await store.blockedAt(chat)).toBeUndefined();
      await store.markBlocked(chat, 5);
      await store.markBlocked(chat, 6);
      expect(await store.blockedAt(chat)).toBe(6);
      await store.unmarkBlocked(chat);
      await store.unmarkBlocked(chat);
      expect(await store.blockedAt(chat)).toBeUndefined();
    });

    it("says first once a window for each key, also to those who ask at the same time", async () => {
      const store = await newStore();
      const asked = await Promise.all([1, 2, 3].map(() => store.firstWithin("k", hour)));
      expect(asked).toEqual([true, false, false]);
      expect(await store.firstWithin("l", hour)).toBe(true);
      clock.now += hour - 1;
      expect(await store.firstWithin("k", hour)).toBe(false);
      clock.now += 1;
      expect(await store.firstWithin("k", hour)).toBe(true);
      expect(await store.firstWithin("k", hour)).toBe(false);
    });

    it.each([-5, 5])("goes on from there when the clock is set by %i hours", async (hours) => {
      const store = await newStore();
      await ask(store, 1);
      await store.writeDialog("d", "open");
      expect(await store.firstWithin("k", hour)).toBe(true);
      clock.now += hours * hour;
      expect(await store.firstWithin("k", hour)).toBe(true);
      expect(await store.firstWithin("k", hour)).toBe(false);
      expect(await store.readDialog("d")).toBe("open");
      expect(await questions(store)).toEqual([1]);
      await ask(store, 2);
      clock.now -= hours * hour;
      await ask(store, 3);
      expect(await questions(store)).toEqual([1, 2, 3]);
      expect((await store.newestTurn("a"))?.question).toBe(3);
      clock.now += hour;
      expect(await store.firstWithin("k", hour)).toBe(true);
    });

    it("is its own view where nothing can be taken over, and has a view of the same state under a lease", async () => {
      const store = await newStore();
      expect(store.guardedBy(undefined)).toBe(store);
      const view = store.guardedBy({
        key: "none",
        fence: 1,
        hold: async () => undefined,
        look: async () => "held" as const,
      });
      await ask(store, 1);
      await store.setSetting("a", "model", "p/m");
      expect(await view.readHistory("a")).toEqual([exchange(1)]);
      expect(await view.readSettings("a")).toEqual({ model: "p/m" });
      expect((await view.newestTurn("a"))?.question).toBe(1);
      expect(await view.readTurn("a", 1)).toEqual(await store.readTurn("a", 1));
    });

    it("is healthy while it can write", async () => {
      const store = await newStore();
      expect(await store.healthy()).toBe(true);
    });
  });
}
