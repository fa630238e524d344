/** The contract of remembered facts, for any store. */
import { afterEach, describe, expect, it } from "vitest";
import type { Store } from "../../src/ports/store.ts";
import { exchange, type OpenStore, type StoreOptions, turn } from "./store.contract.ts";

const hour = 3_600_000;

/** Everything that a store must do for facts. `open` gives an empty one each time. */
export function factsContract(name: string, open: (options: StoreOptions) => Promise<OpenStore>): void {
  describe(`facts: ${name}`, () => {
    const opened: OpenStore[] = [];
    const clock = { now: 0 };
    let keys = 0;

    async function newStore(): Promise<Store> {
      clock.now = 1_800_000_000_000;
      const one = await open({ historyTtlSeconds: (10 * hour) / 1000, now: () => clock.now });
      opened.push(one);
      return one.store;
    }

    const add = (store: Store, owner: number, text: string, how: { key?: string; replaces?: number } = {}) =>
      store.addFact(owner, { text, at: 5 }, { key: `k${++keys}`, atMost: 3, ...how });
    const texts = async (store: Store, owner: number) =>
      (await store.readFacts(owner)).map(({ number, text }) => `${number} ${text}`);
    const told = async (store: Store, conversation: string) =>
      (await store.readConversation(conversation, 5)).facts?.facts.map(({ text }) => text);

    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    it("are numbered, and are each owner's own", async () => {
      const store = await newStore();
      expect(await store.readFacts(7)).toEqual([]);
      expect(await add(store, 7, 'it\'s "ok" 🙂 \\n')).toEqual({ number: 1, text: 'it\'s "ok" 🙂 \\n', at: 5 });
      await add(store, 7, "two");
      await add(store, -7, "of a group");
      expect(await store.readFacts(7)).toEqual([
        { number: 1, text: 'it\'s "ok" 🙂 \\n', at: 5 },
        { number: 2, text: "two", at: 5 },
      ]);
      expect(await texts(store, -7)).toEqual(["1 of a group"]);
      expect(await texts(store, 77)).toEqual([]);
    });

    it("are added once under one key, also when they were removed since", async () => {
      const store = await newStore();
      const once = () => add(store, 7, "one", { key: "same" });
      expect(await Promise.all([once(), once()])).toEqual(Array(2).fill({ number: 1, text: "one", at: 5 }));
      expect(await texts(store, 7)).toEqual(["1 one"]);
      await store.removeFact(7, 1);
      expect(await once()).toMatchObject({ number: 1 });
      await store.clearFacts(7);
      expect(await once()).toMatchObject({ number: 1 });
      expect(await texts(store, 7)).toEqual([]);
      expect(await add(store, 8, "one", { key: "same" })).toMatchObject({ number: 1 });
      expect(await texts(store, 8)).toEqual(["1 one"]);
    });

    it("are none more than may be, whoever adds at the same time", async () => {
      const store = await newStore();
      const added = await Promise.all(["a", "b", "c", "d", "e"].map((text) => add(store, 7, text)));
      expect(added.filter((fact) => fact !== undefined).map(({ number }) => number)).toEqual([1, 2, 3]);
      expect(await store.readFacts(7)).toHaveLength(3);
      expect(await add(store, 7, "more")).toBeUndefined();
      await store.removeFact(7, 2);
      expect(await add(store, 7, "more")).toMatchObject({ number: 4 });
    });

    it("take the place of another under its number, also when there are as many as may be", async () => {
      const store = await newStore();
      for (const text of ["a", "b", "c"]) await add(store, 7, text);
      expect(await add(store, 7, "better", { replaces: 2 })).toEqual({
        ...{ number: 2, text: "better", at: 5 },
        former: "b",
      });
      expect(await texts(store, 7)).toEqual(["1 a", "2 better", "3 c"]);
      expect(await add(store, 7, "of none", { replaces: 9 })).toBeUndefined();
      await store.removeFact(7, 3);
      expect(await add(store, 7, "of none", { replaces: 3 })).toMatchObject({ number: 4 });
    });

    it("are not added when one says the same, in whatever case, until that is removed", async () => {
      const store = await newStore();
      await add(store, 7, "Is vegan.");
      await add(store, 7, "Lives in Lyon.");
      const again = store.addFact(7, { text: "is VEGAN.", at: 9 }, { key: "again", atMost: 2 });
      expect(await again).toEqual({ number: 1, text: "Is vegan.", at: 5, known: true });
      expect(await add(store, 7, "Is vegan.", { replaces: 2 })).toMatchObject({ number: 1 });
      expect(await texts(store, 7)).toEqual(["1 Is vegan.", "2 Lives in Lyon."]);
      await store.removeFact(7, 1);
      expect(await add(store, 7, "Is vegan.", { key: "again" })).toMatchObject({ number: 1 });
      expect(await add(store, 7, "Is vegan.")).toMatchObject({ number: 3 });
    });

    it("are taken back: what one has taken the place of stands there again, else nothing, and only once", async () => {
      const store = await newStore();
      await add(store, 7, "a");
      await add(store, 7, "b");
      await add(store, 7, "better", { replaces: 2 });
      const undo = (number: number, text: string) => store.undoFact(7, number, text);
      expect(await Promise.all([undo(2, "better"), undo(2, "better")])).toEqual([true, false]);
      expect(await store.readFacts(7)).toEqual([
        { number: 1, text: "a", at: 5 },
        { number: 2, text: "b", at: 5 },
      ]);
      expect([await undo(1, "b"), await undo(9, "a"), await store.undoFact(8, 1, "a")]).toEqual([false, false, false]);
      expect([await undo(1, "a"), await undo(1, "a")]).toEqual([true, false]);
      expect(await texts(store, 7)).toEqual(["2 b"]);
      expect(await add(store, 7, "c")).toMatchObject({ number: 3 });
    });

    it("are removed one by one or all, and no number is given again", async () => {
      const store = await newStore();
      for (const text of ["a", "b"]) await add(store, 7, text);
      expect(await store.removeFact(7, 2)).toBe(true);
      expect(await store.removeFact(7, 2)).toBe(false);
      expect(await store.removeFact(8, 1)).toBe(false);
      expect(await texts(store, 7)).toEqual(["1 a"]);
      expect(await add(store, 7, "c")).toMatchObject({ number: 3 });
      await store.clearFacts(7);
      expect(await store.readFacts(7)).toEqual([]);
      expect(await add(store, 7, "d")).toMatchObject({ number: 4 });
    });

    it("are told to a conversation as they were when they were kept for it", async () => {
      const store = await newStore();
      await add(store, 7, "a");
      await add(store, 8, "of somebody else");
      expect(await store.keepFacts("7:3")).toEqual({ facts: [{ number: 1, text: "a", at: 5 }] });
      expect(await told(store, "7:3")).toBeUndefined();
      await store.beginTurn(turn(1, { conversation: "7:3" }));
      expect(await told(store, "7:3")).toBeUndefined();
      await store.keepFacts("7:3");
      await add(store, 7, "b");
      await store.finishTurn(turn(1, { conversation: "7:3" }), exchange(1), []);
      expect(await told(store, "7:3")).toEqual(["a"]);
      expect((await store.readConversation("7:3", 5)).history).toEqual([exchange(1)]);
      await store.removeFact(7, 1);
      expect(await told(store, "7:3")).toEqual(["a"]);
      await store.keepFacts("7:3");
      expect(await told(store, "7:3")).toEqual(["b"]);
      expect(await told(store, "7")).toBeUndefined();
    });

    it("are told as none where there were none", async () => {
      const store = await newStore();
      await store.beginTurn(turn(1, { conversation: "7" }));
      expect(await store.keepFacts("7")).toEqual({ facts: [] });
      await add(store, 7, "a");
      expect(await told(store, "7")).toEqual([]);
    });

    it("are told nowhere any more once all are forgotten, in no topic of the chat", async () => {
      const store = await newStore();
      await add(store, 7, "a");
      await add(store, 77, "b");
      const all = ["7", "7:3", "7:44", "77"];
      for (const conversation of all) {
        await store.beginTurn(turn(1, { conversation }));
        await store.keepFacts(conversation);
      }
      await store.clearFacts(7);
      expect(await Promise.all(all.map((one) => told(store, one)))).toEqual([undefined, undefined, undefined, ["b"]]);
    });

    it("outlive a conversation that is forgotten or expires; what it is told does not", async () => {
      const store = await newStore();
      await add(store, 7, "a");
      const ends = [
        () => store.forget("7"),
        async () => {
          clock.now += 11 * hour;
        },
      ];
      for (const end of ends) {
        await store.beginTurn(turn(1, { conversation: "7" }));
        await store.keepFacts("7");
        expect(await told(store, "7")).toEqual(["a"]);
        await end();
        expect(await told(store, "7")).toBeUndefined();
        await store.keepFacts("7");
        expect(await told(store, "7")).toBeUndefined();
        await store.beginTurn(turn(2, { conversation: "7" }));
        expect(await told(store, "7")).toBeUndefined();
      }
      expect(await texts(store, 7)).toEqual(["1 a"]);
    });

    it("are erased with what is a user's own, and those of groups stay", async () => {
      const store = await newStore();
      for (const owner of [42, 421, -42]) await add(store, owner, "a");
      for (const conversation of ["42", "42:5", "421"]) {
        await store.beginTurn(turn(1, { conversation }));
        await store.keepFacts(conversation);
      }
      await store.eraseUser(42);
      expect(await Promise.all([42, 421, -42].map((owner) => texts(store, owner)))).toEqual([[], ["1 a"], ["1 a"]]);
      for (const conversation of ["42", "42:5"]) await store.beginTurn(turn(1, { conversation }));
      expect(await Promise.all(["42", "42:5", "421"].map((one) => told(store, one)))).toEqual([
        undefined,
        undefined,
        ["a"],
      ]);
    });

    it("move with their group, behind those that the supergroup has, and are found under both ids", async () => {
      const store = await newStore();
      const [from, to] = [-5, -1_000_000_000_005];
      await add(store, from, "a", { key: "former" });
      await add(store, to, "new");
      await store.beginTurn(turn(1, { conversation: String(from) }));
      await store.keepFacts(String(from));
      await store.moveConversation(String(from), String(to));
      await store.moveConversation(String(from), String(to));
      for (const owner of [from, to]) expect(await texts(store, owner)).toEqual(["1 new", "2 a"]);
      expect(await told(store, String(from))).toEqual(["a"]);
      expect(await told(store, String(to))).toEqual(["a"]);
      expect(await add(store, from, "a", { key: "former" })).toMatchObject({ number: 2 });
      expect(await add(store, from, "b")).toMatchObject({ number: 3 });
      expect(await store.removeFact(from, 1)).toBe(true);
      await store.clearFacts(from);
      expect(await store.readFacts(to)).toEqual([]);
      expect(await told(store, String(to))).toBeUndefined();
    });
  });
}
