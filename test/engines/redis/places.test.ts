import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import { createRedisBreakers } from "../../../src/engines/redis/breakers.ts";
import { createRedisLink, type RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisPlaces } from "../../../src/engines/redis/places.ts";
import { type Breakers, createBreakers } from "../../../src/models/breakers.ts";
import { createPlaces, type Entry, type Places } from "../../../src/models/places.ts";
import { until } from "../../contracts/models.contract.ts";
import { pause } from "../../contracts/queue-probe.ts";
import { findRedis } from "../../support/redis-server.ts";

const redis = await findRedis();
const quiet = { info() {}, warn() {} };

describe.skipIf(redis.missing !== undefined)(redis.title("over one Redis"), () => {
  const stops: (() => Promise<void>)[] = [];
  let prefix = randomUUID();
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop();
    prefix = randomUUID();
  });

  async function connect(): Promise<RedisLink> {
    const link = await createRedisLink({ url: redis.url, prefix, log: quiet });
    stops.push(async () => {
      const keys = await link.commands.keys(`${link.prefix}*`).catch(() => []);
      if (keys.length > 0) await link.commands.del(...keys);
      await link.stop();
    });
    return link;
  }

  describe("the places at a provider", () => {
    /** A process that lives until it is killed. */
    async function join(name: number, limit = 2) {
      const link = await connect();
      const presence = { name };
      const live = (lives: boolean) =>
        lives
          ? link.commands.set(`${link.prefix}alive:${presence.name}`, "1")
          : link.commands.del(`${link.prefix}alive:${presence.name}`);
      await live(true);
      const shared = createRedisPlaces({ link, presence });
      const places: Places = createPlaces({ provider: "box", limit, shared });
      shared.listen(() => places.stir());
      return { places, presence, live, link };
    }

    /** Queues for a place. */
    function queue(places: Places, withinMs = 60_000, signal = new AbortController().signal) {
      const { atOnce, entry } = places.enter(withinMs, signal);
      const seen: { how?: Entry } = {};
      void entry.then((how) => {
        seen.how = how;
      });
      return { atOnce, entry, seen };
    }

    const leave = async (entry: Promise<Entry>) => {
      const how = await entry;
      if (typeof how !== "function") throw new Error(`there was no place: ${how}`);
      how();
    };

    it("are as many for all processes together, for whoever has waited longest", async () => {
      const [one, two] = [await join(1), await join(2)];
      const first = queue(one.places);
      expect(await first.atOnce).toBe(true);
      const second = queue(two.places);
      expect(await second.atOnce).toBe(true);
      const third = queue(two.places);
      expect(await third.atOnce).toBe(false);
      // Who waits longer is told apart by more than a busy machine pauses.
      await pause(1_000);
      const fourth = queue(one.places);
      expect(await fourth.atOnce).toBe(false);
      await pause(1_000);
      const fifth = queue(two.places);
      expect(await fifth.atOnce).toBe(false);
      await leave(first.entry);
      // Where a place came free does not count.
      await third.entry;
      expect([fourth.seen.how, fifth.seen.how]).toEqual([undefined, undefined]);
      await leave(second.entry);
      await fourth.entry;
      expect(fifth.seen.how).toBeUndefined();
      await leave(third.entry);
      await leave(fifth.entry);
      await leave(fourth.entry);
      const again = [queue(one.places), queue(one.places)];
      expect(await Promise.all(again.map(({ atOnce }) => atOnce))).toEqual([true, true]);
    });

    it("of a process that has died come free, and nobody waits for its waiters", async () => {
      const [one, two] = [await join(1), await join(2)];
      await queue(one.places).entry;
      await queue(one.places).entry;
      const dead = queue(one.places);
      expect(await dead.atOnce).toBe(false);
      const waiting = queue(two.places);
      expect(await waiting.atOnce).toBe(false);
      await one.live(false);
      await waiting.entry;
      await queue(two.places).entry;
    });

    it("are counted once when a process goes on under another name", async () => {
      const [one, two] = [await join(1), await join(2)];
      await queue(one.places).entry;
      one.presence.name = 3;
      await one.live(true);
      await queue(one.places).entry;
      const third = queue(two.places);
      expect(await third.atOnce).toBe(false);
      expect(await two.link.commands.hgetall(`${two.link.prefix}places:box`)).toEqual({ 3: "2" });
    });

    it("are given up by those who have waited for too long or do not want them any more", async () => {
      const [one, two] = [await join(1, 1), await join(2, 1)];
      const holder = queue(one.places);
      await holder.entry;
      const stop = new AbortController();
      const stopped = queue(two.places, 60_000, stop.signal);
      const late = queue(two.places, 200);
      expect(await late.entry).toBe("late");
      stop.abort();
      expect(await stopped.entry).toBe("aborted");
      await leave(holder.entry);
      expect(await queue(one.places).entry).toBeTypeOf("function");
    });

    it("are counted in each process alone while Redis is away", async () => {
      const shared = { settle: () => Promise.reject(new Error("Redis is away")), listen: () => undefined };
      const places = createPlaces({ provider: "box", limit: 1, shared });
      const first = queue(places);
      expect(await first.atOnce).toBe(true);
      const second = queue(places);
      expect(await second.atOnce).toBe(false);
      await leave(first.entry);
      await leave(second.entry);
    });
  });

  describe("breakers", () => {
    async function join(): Promise<Breakers> {
      const shared = createRedisBreakers({ link: await connect() });
      return createBreakers({ shared, log: quiet, now: () => performance.now() });
    }
    const fail = (breakers: Breakers, kind: "rate-limit" | "upstream", retryAfterMs?: number) =>
      breakers.enter({ model: "a/x", probe: false }).failed({ kind, retryAfterMs });

    it("open in all processes, also in those that begin later, and close together", async () => {
      const [one, two] = [await join(), await join()];
      // The subscriptions stand a moment later.
      await until(() => {
        fail(one, "rate-limit", 60_000);
        return two.openForMs("a/x") > 0;
      });
      const three = await join();
      await until(() => three.openForMs("a/x") > 50_000);
      expect(await three.choose(["a/x", "b/y"])).toMatchObject({ model: "b/y" });
      three.enter({ model: "a/x", probe: false }).completed();
      await until(() => one.openForMs("a/x") === 0 && two.openForMs("a/x") === 0);
      const four = await join();
      expect(await four.choose(["a/x", "b/y"])).toEqual({ model: "a/x", probe: false });
    });

    it("let one question of all processes try a model whose time is over", async () => {
      const [one, two] = [await join(), await join()];
      await until(() => {
        fail(one, "rate-limit", 300);
        return two.openForMs("a/x") > 0;
      });
      await until(() => one.openForMs("a/x") === 0 && two.openForMs("a/x") === 0);
      const chosen = await Promise.all([one.choose(["a/x", "b/y"]), two.choose(["a/x", "b/y"])]);
      expect(chosen.map((choice) => choice?.model).toSorted()).toEqual(["a/x", "b/y"]);
      expect(chosen.filter((choice) => choice?.probe)).toHaveLength(1);
    });
  });
});
