/** The contract of `RateLimiter`, for any engine. */
import { afterEach, describe, expect, it } from "vitest";
import type { RateLimiter } from "../../src/ports/rate-limit.ts";
import type { Piece } from "../../src/ports/updates.ts";

export interface RateLimits {
  readonly messages: number;
  readonly windowSeconds: number;
  readonly burst: number;
}

/** A limiter as one process sees it. */
export interface OpenRateLimiter {
  readonly limiter: RateLimiter;
  close(): Promise<void>;
}

/** Everything that a rate limiter must do. `open` gives one that knows nobody each time. */
export function rateLimiterContract(name: string, open: (limits: RateLimits) => Promise<OpenRateLimiter>): void {
  describe(`rate limiter: ${name}`, () => {
    const limits = { messages: 10, windowSeconds: 60, burst: 5 };
    const at = 1_800_000_000_000;
    const opened: OpenRateLimiter[] = [];

    async function newLimiter(change: Partial<RateLimits> = {}): Promise<RateLimiter> {
      const one = await open({ ...limits, ...change });
      opened.push(one);
      return one.limiter;
    }

    afterEach(async () => {
      for (const one of opened.splice(0)) await one.close();
    });

    it("knows nothing more of who is forgotten", async () => {
      const limiter = await newLimiter();
      for (const payer of [1, 2]) for (let n = 0; n < 5; n++) await limiter.take(payer, at);
      await limiter.forget(1);
      await limiter.forget(3);
      expect((await limiter.take(1, at)).allowed).toBe(true);
      expect((await limiter.take(2, at)).allowed).toBe(false);
    });

    it("allows a burst, then as many as are refilled", async () => {
      const limiter = await newLimiter();
      const take = async (time: number) => (await limiter.take(1, time)).allowed;
      for (let n = 0; n < 5; n++) expect(await take(at)).toBe(true);
      expect(await take(at)).toBe(false);
      expect(await take(at + 5_999)).toBe(false);
      expect(await take(at + 6_000)).toBe(true);
      expect(await take(at + 6_001)).toBe(false);
    });

    it("allows no more than a burst after a long silence, and to those who ask at the same time", async () => {
      const limiter = await newLimiter();
      await limiter.take(1, at);
      const later = at + 24 * 3_600_000;
      const verdicts = await Promise.all(Array.from({ length: 8 }, () => limiter.take(1, later)));
      expect(verdicts.filter(({ allowed }) => allowed).length).toBe(5);
      expect(verdicts.filter(({ tell }) => tell).length).toBe(1);
    });

    it("says how many whole seconds are to wait, and keeps its word", async () => {
      for (const messages of [1, 3, 7, 10, 59, 200]) {
        const limiter = await newLimiter({ messages, burst: 1 });
        expect(await limiter.take(1, at)).toEqual({ allowed: true, tell: false, waitSeconds: 0 });
        let time = at;
        for (let n = 0; n < 20; n++) {
          const refused = await limiter.take(1, time + 1);
          expect(refused.allowed).toBe(false);
          expect(refused.waitSeconds).toBe(Math.max(1, Math.ceil((60_000 / messages - 1) / 1000)));
          time += 1 + refused.waitSeconds * 1000;
          expect((await limiter.take(1, time)).allowed).toBe(true);
        }
      }
    });

    it("asks to tell a user once a window", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 1 });
      const told: number[] = [];
      for (let second = 0; second < 180; second++) {
        if ((await limiter.take(1, at + second * 1000)).tell) told.push(second);
      }
      expect(told).toEqual([1, 61, 121]);
    });

    it("counts each user apart", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 1 });
      expect((await limiter.take(1, at)).allowed).toBe(true);
      expect((await limiter.take(2, at)).allowed).toBe(true);
      expect((await limiter.take(1, at)).allowed).toBe(false);
    });

    it("gives and takes nothing when the clock goes back", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 2 });
      expect((await limiter.take(1, at)).allowed).toBe(true);
      expect((await limiter.take(1, at - 30_000)).allowed).toBe(true);
      expect((await limiter.take(1, at - 20_000)).allowed).toBe(false);
      expect((await limiter.take(1, at + 59_999)).allowed).toBe(false);
      expect((await limiter.take(1, at + 60_000)).allowed).toBe(true);
    });

    it("takes one token for what belongs together, and refuses its rest in silence", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 2 });
      const whole = { message: 1, sender: 1, units: 5 };
      const take = async (time: number, piece: Partial<Piece>, payer = 1) => {
        const { allowed, tell } = await limiter.take(payer, at + time, { ...whole, ...piece });
        return allowed ? "allowed" : tell ? "told" : "refused";
      };
      const album = (id: number) => ({ group: `album:${id}`, follows: "plain" as const });
      const all: string[] = [];
      for (let n = 0; n < 10; n++) all.push(await take(n * 5_000, album(1)));
      for (const time of [50_000, 50_700, 51_400]) all.push(await take(time, { group: "forward:1" }));
      expect(all).toEqual(Array(13).fill("allowed"));
      // The bucket is empty by now, and no album has an eleventh part.
      expect(await take(51_500, album(1))).toBe("told");
      expect([await take(51_501, album(1)), await take(52_101, { group: "forward:1" })]).toEqual([
        "refused",
        "refused",
      ]);
      for (const id of [2, 3]) for (const time of [53_000, 53_001]) expect(await take(time, album(id))).toBe("refused");
      expect(await take(54_000, album(2), 2)).toBe("allowed");
    });

    it("takes none for the end of a paste, and one for the end of none", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 3 });
      const take = async (time: number, piece: Partial<Piece>) =>
        (await limiter.take(1, at + time, { message: 1, sender: 1, units: 5, ...piece })).allowed;
      const end = { follows: "paste", plain: true } as const;
      expect([await take(0, { group: "paste:1" }), await take(1_500, { group: "paste:1" })]).toEqual([true, true]);
      expect([await take(3_000, end), await take(3_001, end), await take(3_002, { group: "paste:1" })]).toEqual([
        ...[true, true, true],
      ]);
      expect([await take(3_100, end), await take(3_101, end)]).toEqual([true, false]);
      expect(await take(3_200, { group: "paste:1" })).toBe(false);
    });

    it.each([-5, 5])("goes on from there when the clock is set by %i hours", async (hours) => {
      const limiter = await newLimiter({ messages: 1, burst: 2 });
      for (let n = 0; n < 3; n++) await limiter.take(1, at);
      const set = at + hours * 3_600_000;
      // Nobody knows how long it really was: a bucket is full, as after a long silence.
      for (let n = 0; n < 2; n++) expect((await limiter.take(1, set)).allowed).toBe(true);
      expect(await limiter.take(1, set)).toEqual({ allowed: false, tell: true, waitSeconds: 60 });
      expect((await limiter.take(1, set + 59_999)).allowed).toBe(false);
      expect((await limiter.take(1, set + 60_000)).allowed).toBe(true);
    });

    it("remembers those who are over the limit however many users there are", async () => {
      const limiter = await newLimiter({ messages: 1, burst: 1 });
      await limiter.take(1, at);
      const others = Array.from({ length: 25_000 }, (_, n) => n + 2);
      for (let from = 0; from < others.length; from += 500) {
        await Promise.all(others.slice(from, from + 500).map((user) => limiter.take(user, at + from * 2)));
      }
      expect((await limiter.take(1, at + 59_000)).allowed).toBe(false);
      expect((await limiter.take(1, at + 60_000)).allowed).toBe(true);
    });
  });
}
