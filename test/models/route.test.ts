/** Whatever models do: who is asked, in which order, and when it ends. The clock is faked. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelError, type ModelErrorKind, modelErrorFates } from "../../src/base/errors.ts";
import { createAllowance, defaultTimers } from "../../src/models/allowance.ts";
import { createBreakers } from "../../src/models/breakers.ts";
import { createRoute } from "../../src/models/route.ts";

interface Outcome {
  readonly kind: ModelErrorKind | "complete";
  readonly tookMs: number;
  readonly retryAfterMs: number | undefined;
  readonly shown: boolean;
}

const log = { info() {}, warn() {} };
const kinds = Object.keys(modelErrorFates) as ModelErrorKind[];
const outcomes: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.oneof(fc.constant("complete" as const), fc.constantFrom(...kinds)),
  tookMs: fc.integer({ min: 0, max: 70_000 }),
  retryAfterMs: fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined }),
  shown: fc.boolean(),
});
const models = ["p/a", "p/b", "p/c", "p/d"] as const;
const scripts = fc.record({
  count: fc.integer({ min: 1, max: models.length }),
  /** What each call of each question does, and how long it is until the next question. */
  questions: fc.array(
    fc.tuple(fc.array(outcomes, { minLength: 9, maxLength: 9 }), fc.integer({ min: 0, max: 400_000 })),
    {
      minLength: 1,
      maxLength: 12,
    },
  ),
});

function world() {
  let clockMs = 0;
  const now = () => clockMs;
  const breakers = createBreakers({ log, now });

  /** Asks one question; whom it asked, and how it ended. */
  async function ask(chain: readonly [string, ...string[]], script: readonly Outcome[], each: (model: string) => void) {
    const allowance = createAllowance(defaultTimers, now);
    const route = await createRoute({ messages: [] }, chain, { allowance, breakers, log });
    const asked: string[] = [];
    for (const { kind, tookMs, retryAfterMs, shown } of script) {
      const { model } = route.choice;
      each(model);
      const passage = breakers.enter(route.choice);
      if (!allowance.call()) throw new Error("more calls than are allowed");
      const patience = allowance.patience(route.left, false);
      asked.push(model);
      const status = ["timeout", "connection", "truncated"].includes(kind) ? undefined : 429;
      const begunMs = clockMs;
      clockMs += Math.min(tookMs, patience.responseMs);
      if (kind === "complete") {
        passage.alive();
        passage.completed();
        return { asked, complete: true };
      }
      const error = new ModelError(kind, model, "no", { status, retryAfterMs });
      if (shown) {
        passage.alive();
        allowance.thought(clockMs - begunMs);
      }
      allowance.failed(error, shown ? 0 : clockMs - begunMs);
      passage.failed(error);
      passage.left();
      try {
        clockMs += await route.after(error, shown);
      } catch (thrown) {
        return { asked, complete: false, error: thrown as ModelError };
      }
    }
    throw new Error("it has not ended");
  }

  function pass(ms: number): void {
    clockMs += ms;
  }

  return { ask, breakers, pass, now };
}

describe("a question, whatever its models do", () => {
  test("ends after eight calls at most; asks each model before any twice, those that work before those that are left alone", async () => {
    await fc.assert(
      fc.asyncProperty(scripts, async ({ count, questions }) => {
        const { ask, breakers, pass } = world();
        const [first, ...behind] = models.slice(0, count);
        const chain = [first ?? "p/a", ...behind] as const;
        for (const [script, untilNext] of questions) {
          const left = new Set<string>(chain);
          const { asked, complete, error } = await ask(chain, script, (model) => {
            if (!left.delete(model)) return;
            // Nobody who is left alone comes before one who is not.
            if (breakers.openForMs(model) > 0)
              for (const other of left) expect(breakers.openForMs(other)).toBeGreaterThan(0);
          });
          expect(asked.length).toBeLessThanOrEqual(8);
          const firsts = asked.slice(0, count);
          expect(new Set(firsts).size).toBe(firsts.length);
          if (!complete) {
            const last = script[asked.length - 1];
            expect(error).toBeInstanceOf(ModelError);
            // The last word has a failure that may pass, if that is how one of them has failed last.
            const failures = new Map(asked.map((model, at) => [model, script[at]?.kind as ModelErrorKind]));
            const passing = [...failures.values()].some((kind) => modelErrorFates[kind].passes);
            if (last?.kind === "content-filter") expect(error?.kind).toBe("content-filter");
            else if (passing && error !== undefined) expect(modelErrorFates[error.kind].passes).toBe(true);
          }
          pass(untilNext);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("is told within 30 s when all refuse, however slowly, and is answered by whoever answers", async () => {
    const refusing = fc.record({
      delays: fc.array(fc.integer({ min: 0, max: 70_000 }), { minLength: 2, maxLength: 4 }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 100_000 }), { nil: undefined }),
    });
    await fc.assert(
      fc.asyncProperty(refusing, async ({ delays, retryAfterMs }) => {
        const { ask, now } = world();
        const [first = 0, ...others] = delays;
        const script = [first, ...others, ...Array.from({ length: 8 }, () => others.at(-1) ?? 0)].map(
          (tookMs): Outcome => ({ kind: "rate-limit", tookMs, retryAfterMs, shown: false }),
        );
        const [chosen, ...behind] = models.slice(0, delays.length);
        await ask([chosen ?? "p/a", ...behind], script, () => undefined);
        // The first one alone is waited for as long as a first token.
        expect(now()).toBeLessThan(Math.max(29_000, Math.min(first, 60_000) + 1));
      }),
      { numRuns: 300 },
    );
  });

  test("is told the soonest time at which one of them can be asked", async () => {
    const { ask, breakers } = world();
    const limited = (seconds: number): Outcome => ({
      kind: "rate-limit",
      tookMs: 100,
      retryAfterMs: seconds * 1000,
      shown: false,
    });
    const refused: Outcome = { kind: "auth", tookMs: 100, retryAfterMs: undefined, shown: false };
    const { error } = await ask(["p/a", "p/b", "p/c"], [limited(120), limited(40), refused], () => undefined);
    expect(error).toMatchObject({ kind: "rate-limit", model: "p/b", retryAfterMs: 40_000 });
    // They are asked the soonest first now, though none of them is to be.
    const again = await ask(["p/a", "p/b", "p/c"], [limited(39), limited(120), refused], () => undefined);
    expect(again.asked).toEqual(["p/b", "p/a", "p/c"]);
    expect(breakers.openForMs("p/b")).toBe(38_800);
    const broken: Outcome = { kind: "upstream", tookMs: 30_000, retryAfterMs: undefined, shown: false };
    const soon = await ask(["p/d", "p/a"], [broken, limited(60)], () => undefined);
    // One that has failed once can be asked at once.
    expect(soon.error?.retryAfterMs).toBeUndefined();
  });

  test("is told no time at which a model can be asked that an operator has to mend", async () => {
    const { ask, breakers } = world();
    const outcome = (kind: ModelErrorKind): Outcome => ({ kind, tookMs: 100, retryAfterMs: undefined, shown: false });
    await ask(["p/a"], [outcome("auth")], () => undefined);
    expect(breakers.openForMs("p/a")).toBe(300_000);
    // It is asked all the same, and fails in another way.
    const again = await ask(["p/a"], Array<Outcome>(9).fill(outcome("timeout")), () => undefined);
    expect(again.error).toMatchObject({ kind: "timeout", retryAfterMs: undefined });
    // Behind one that will be there again in ten minutes, too late to be asked itself.
    const late = { ...outcome("rate-limit"), tookMs: 30_000, retryAfterMs: 600_000 };
    const { asked, error } = await ask(["p/b", "p/a"], [late], () => undefined);
    expect([asked, error?.retryAfterMs]).toEqual([["p/b"], 600_000]);
  });
});
