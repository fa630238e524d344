import { beforeEach, describe, expect, test } from "vitest";
import type { ModelErrorKind } from "../../src/base/errors.ts";
import { createMetrics, type Metrics } from "../../src/base/metrics.ts";
import { type Breakers, createBreakers } from "../../src/models/breakers.ts";
import type { BreakerNews, SharedBreakers } from "../../src/ports/breakers.ts";

const seconds = 1000;
let clockMs = 0;
let lines: string[] = [];
beforeEach(() => {
  clockMs = 5_000;
  lines = [];
});

function open(shared?: SharedBreakers, metrics?: Metrics): Breakers {
  const say = (details: object, message: string) =>
    void lines.push(`${(details as { model: string }).model}: ${message}`);
  return createBreakers({ shared, log: { info: say, warn: say }, metrics, now: () => clockMs });
}

/** Processes that hear of each other at once. */
function connected() {
  const listeners: ((news: BreakerNews) => void)[] = [];
  const claims = new Set<string>();
  const join = (): SharedBreakers => {
    let own: ((news: BreakerNews) => void) | undefined;
    return {
      announce(news) {
        if (news.type !== "failed") claims.delete(news.model);
        for (const listener of listeners) if (listener !== own) listener(news);
      },
      listen(listener) {
        own = listener;
        listeners.push(listener);
      },
      async claim(model) {
        if (claims.has(model)) return false;
        claims.add(model);
        return true;
      },
    };
  };
  return join;
}

/** Asks whichever model is chosen, which fails so, or gives a whole answer. */
async function ask(
  breakers: Breakers,
  models: readonly string[],
  outcome: ModelErrorKind | "complete",
  retryAfterMs?: number,
) {
  const choice = await breakers.choose(models);
  if (choice === undefined) throw new Error("nobody to ask");
  const passage = breakers.enter(choice);
  if (outcome === "complete") {
    passage.alive();
    passage.completed();
  } else passage.failed({ kind: outcome, retryAfterMs });
  passage.left();
  return choice.model;
}

const choice = async (breakers: Breakers, models = ["a", "b"]) => (await breakers.choose(models))?.model;

describe("a breaker", () => {
  test.each(["timeout", "upstream", "connection", "truncated", "not-a-stream", "not-found", "no-endpoint"] as const)(
    "opens after three failures in a row: %s",
    async (kind) => {
      const breakers = open();
      await ask(breakers, ["a"], kind);
      await ask(breakers, ["a"], kind);
      expect(await choice(breakers)).toBe("a");
      await ask(breakers, ["a"], "complete");
      await ask(breakers, ["a"], kind);
      await ask(breakers, ["a"], kind);
      expect(await choice(breakers)).toBe("a");
      await ask(breakers, ["a"], kind);
      expect(await choice(breakers)).toBe("b");
      expect(breakers.openForMs("a")).toBe(10 * seconds);
      expect(lines).toEqual(["a: a model keeps failing; for a while others are asked before it"]);
    },
  );

  test.each([
    ["rate-limit", undefined, 10],
    ["rate-limit", 42, 42],
    ["rate-limit", 1_000_000, 3_600],
    ["auth", undefined, 300],
    ["quota", 7, 300],
    ["quota", 900, 900],
  ] as const)("opens at once after %s (Retry-After %s) for %d s", async (kind, retryAfter, forSeconds) => {
    const breakers = open();
    await ask(breakers, ["a"], kind, retryAfter === undefined ? undefined : retryAfter * seconds);
    expect(breakers.openForMs("a")).toBe(forSeconds * seconds);
    expect(await choice(breakers)).toBe("b");
  });

  test.each(["bad-request", "context-overflow", "content-filter", "empty", "busy"] as const)(
    "never opens after %s, which says nothing of the model",
    async (kind) => {
      const breakers = open();
      for (let times = 0; times < 5; times++) await ask(breakers, ["a"], kind);
      expect(await choice(breakers)).toBe("a");
    },
  );

  test("lets one question at a time try the model when its time is over", async () => {
    const breakers = open();
    await ask(breakers, ["a"], "rate-limit");
    clockMs += 10 * seconds;
    const probe = await breakers.choose(["a", "b"]);
    expect(probe).toEqual({ model: "a", probe: true });
    expect(await choice(breakers)).toBe("b");
    if (probe === undefined) return;
    const passage = breakers.enter(probe);
    passage.alive();
    clockMs += 4.9 * seconds;
    passage.alive();
    expect(await choice(breakers)).toBe("b");
    clockMs += 0.1 * seconds;
    passage.alive();
    expect(await choice(breakers)).toBe("a");
    passage.completed();
    expect(lines.at(-1)).toBe("a: a model answers again");
  });

  test("is open for longer each time that the model fails when it is tried, up to five minutes", async () => {
    const breakers = open();
    const waited: number[] = [];
    await ask(breakers, ["a"], "rate-limit");
    for (let times = 0; times < 7; times++) {
      const forMs = breakers.openForMs("a");
      waited.push(forMs / seconds);
      clockMs += forMs;
      expect(await ask(breakers, ["a", "b"], "upstream")).toBe("a");
    }
    expect(waited).toEqual([10, 20, 40, 80, 160, 300, 300]);
    clockMs += breakers.openForMs("a");
    await ask(breakers, ["a", "b"], "complete");
    await ask(breakers, ["a"], "rate-limit");
    expect(breakers.openForMs("a")).toBe(10 * seconds);
  });

  test.each([1, 6])("opens again at once when the model was alive for %d s and then failed", async (aliveSeconds) => {
    const breakers = open();
    await ask(breakers, ["a"], "rate-limit");
    clockMs += 10 * seconds;
    const probe = await breakers.choose(["a"]);
    if (probe === undefined) throw new Error("nobody");
    const passage = breakers.enter(probe);
    passage.alive();
    clockMs += aliveSeconds * seconds;
    passage.alive();
    passage.failed({ kind: "connection", retryAfterMs: undefined });
    expect(breakers.openForMs("a")).toBe(20 * seconds);
  });

  test("is tried by the next question when the one that tried it was stopped", async () => {
    const breakers = open();
    await ask(breakers, ["a"], "rate-limit");
    clockMs += 10 * seconds;
    const probe = await breakers.choose(["a", "b"]);
    if (probe === undefined) throw new Error("nobody");
    breakers.enter(probe).left();
    expect(await breakers.choose(["a", "b"])).toEqual({ model: "a", probe: true });
  });

  test("does not hear of calls that had begun before it was opened", async () => {
    const breakers = open();
    const before = [1, 2, 3, 4, 5, 6].map(() => breakers.enter({ model: "a", probe: false }));
    for (const passage of before.slice(0, 4)) passage.failed({ kind: "upstream", retryAfterMs: undefined });
    expect(breakers.openForMs("a")).toBe(10 * seconds);
    before[4]?.completed();
    before[5]?.alive();
    expect(breakers.openForMs("a")).toBe(10 * seconds);
    expect(lines).toHaveLength(1);
  });

  test("of the model that is the soonest to be tried again does not keep it from being asked when there is no other", async () => {
    const breakers = open();
    await ask(breakers, ["a"], "rate-limit", 60 * seconds);
    await ask(breakers, ["b"], "rate-limit", 40 * seconds);
    await ask(breakers, ["c"], "auth");
    expect(await choice(breakers, ["a", "b", "c"])).toBe("b");
    expect(await choice(breakers, ["a", "c"])).toBe("a");
    expect(await choice(breakers, ["c"])).toBe("c");
    // And what comes of it is believed.
    await ask(breakers, ["c"], "complete");
    expect(breakers.openForMs("c")).toBe(0);
    await ask(breakers, ["b"], "rate-limit", 90 * seconds);
    expect(breakers.openForMs("b")).toBe(90 * seconds);
    await ask(breakers, ["b"], "upstream");
    expect(breakers.openForMs("b")).toBe(90 * seconds);
  });
});

describe("breakers of several processes", () => {
  test("count failures together, open together and close together", async () => {
    const join = connected();
    const [one, two] = [open(join()), open(join())];
    await ask(one, ["a"], "upstream");
    await ask(two, ["a"], "upstream");
    await ask(one, ["a"], "upstream");
    expect([one.openForMs("a"), two.openForMs("a")]).toEqual([10 * seconds, 10 * seconds]);
    clockMs += 10 * seconds;
    const probe = await two.choose(["a", "b"]);
    expect(probe).toEqual({ model: "a", probe: true });
    expect(await choice(one)).toBe("b");
    if (probe === undefined) return;
    two.enter(probe).failed({ kind: "upstream", retryAfterMs: undefined });
    expect(one.openForMs("a")).toBe(20 * seconds);
    clockMs += 20 * seconds;
    await ask(one, ["a", "b"], "complete");
    expect(await choice(two)).toBe("a");
  });

  test("go on, each by itself, when the others cannot be asked", async () => {
    const away: SharedBreakers = {
      announce: () => undefined,
      listen: () => undefined,
      claim: () => Promise.reject(new Error("Redis is away")),
    };
    const breakers = open(away);
    await ask(breakers, ["a"], "rate-limit");
    clockMs += 10 * seconds;
    expect(await breakers.choose(["a", "b"])).toEqual({ model: "a", probe: true });
    expect(await choice(breakers)).toBe("b");
  });

  test("are counted once over all of them, and shown by each as long as they are open", async () => {
    const join = connected();
    const metrics = [createMetrics(), createMetrics()] as const;
    const [one, two] = [open(join(), metrics[0]), open(join(), metrics[1])];
    const figures = () =>
      Promise.all(
        metrics.map(async (each) =>
          [...(await each.text()).matchAll(/^parley_model_breaker_(\w+)\{model="a"\} (\S+)$/gm)].map(
            ([, name, value]) => `${name} ${value}`,
          ),
        ),
      );
    expect(await figures()).toEqual([[], []]);
    await ask(one, ["a"], "rate-limit");
    expect(await figures()).toEqual([["open 1", "openings_total 1"], ["open 1"]]);
    clockMs += 10 * seconds;
    await ask(two, ["a"], "rate-limit");
    const both = ["open 1", "openings_total 1"];
    expect(await figures()).toEqual([both, both]);
    clockMs += 20 * seconds;
    await ask(one, ["a"], "complete");
    const closed = ["open 0", "openings_total 1"];
    expect(await figures()).toEqual([closed, closed]);
  });
});
