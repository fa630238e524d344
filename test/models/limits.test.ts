/** How long a question may take when its models fail one after another, however slowly they do. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { ModelError } from "../../src/base/errors.ts";
import { createAllowance, defaultTimers } from "../../src/models/allowance.ts";
import { createModels } from "../../src/models/chain.ts";
import { createScriptedModel } from "../../src/playground/model/scripted-model.ts";
import { answered } from "../contracts/models.contract.ts";
import { createLlmServer, paris, relayTo } from "../support/llm-server.ts";
import { asMessages } from "../support/messages.ts";

type Failing = "refuses" | "breaks" | "hangs";

/** Asks target after target, then the last one again and again, each failing so slowly; seconds until the user is told. */
function toldAfter(targets: readonly (readonly [how: Failing, afterSeconds: number])[], mayLoad = true): number {
  let clockMs = 0;
  const allowance = createAllowance(defaultTimers, () => clockMs);

  function fail([how, afterSeconds]: readonly [Failing, number], after: number): ModelError {
    allowance.call();
    const { responseMs } = allowance.patience(after, mayLoad);
    const tookMs = how === "hangs" ? responseMs : Math.min(afterSeconds * 1000, responseMs);
    clockMs += tookMs;
    const error =
      tookMs === responseMs
        ? new ModelError("timeout", "p/m", "no response in time")
        : new ModelError("upstream", "p/m", "no", { status: how === "refuses" ? 409 : 503 });
    allowance.failed(error, tookMs);
    return error;
  }

  for (const [at, target] of targets.entries()) {
    const after = targets.length - at - 1;
    let error = fail(target, after);
    for (let repeats = 0; after === 0; repeats++) {
      const delayMs = allowance.repeatAfter(error, repeats);
      if (delayMs === undefined) break;
      clockMs += delayMs;
      error = fail(target, after);
    }
    if (!allowance.mayGoOn()) break;
  }
  return clockMs / 1000;
}

const each = (how: Failing, afterSeconds: number) => Array.from({ length: 3 }, () => [how, afterSeconds] as const);

describe("the user is told in time", () => {
  test.for([1, 4, 7, 10, 12, 12.4, 13, 16, 20, 24.9, 28])("when each model refuses after %d s", (seconds) => {
    expect(toldAfter(each("refuses", seconds))).toBeLessThan(29);
  });

  test.for([31, 45, 59])("by the first refusal itself when that takes %d s: nothing more is tried", (seconds) => {
    expect(toldAfter(each("refuses", seconds))).toBe(seconds);
    expect(toldAfter([["refuses", seconds]])).toBe(seconds);
  });

  test.for([5, 20, 24, 26, 40, 49.9, 55])("when each model breaks after %d s", (seconds) => {
    expect(toldAfter(each("breaks", seconds))).toBeLessThan(59);
  });

  test("when all are silent, or one is after slow refusals", () => {
    expect(toldAfter(each("hangs", 0))).toBeLessThan(109);
    expect(toldAfter([...each("hangs", 0), ...each("hangs", 0), ...each("hangs", 0)])).toBeLessThan(109);
    expect(
      toldAfter([
        ["refuses", 14],
        ["hangs", 0],
        ["hangs", 0],
      ]),
    ).toBeLessThan(29);
  });

  test("and of many models each has time enough to answer", () => {
    let clockMs = 0;
    const allowance = createAllowance(defaultTimers, () => clockMs);
    for (let after = 8; after >= 0; after--) {
      const { firstTokenMs } = allowance.patience(after, true);
      expect(firstTokenMs).toBeGreaterThan(10_000);
      clockMs += firstTokenMs;
      allowance.failed(new ModelError("timeout", "p/m", "no first token in time"), firstTokenMs);
    }
  });

  test.for([0.1, 1, 4, 8, 12, 20, 24.9])(
    "when one refuses after %d s, and hosted ones later than one can wait",
    (seconds) => {
      for (const slow of [10, 26, 40, 59]) {
        const others = [["refuses", slow] as const, ["refuses", slow] as const];
        expect(
          toldAfter(
            [
              ["refuses", seconds],
              ["refuses", slow],
            ],
            false,
          ),
        ).toBeLessThan(29);
        expect(toldAfter([["refuses", seconds], ...others], false)).toBeLessThan(29);
        expect(toldAfter([["refuses", seconds], ["hangs", 0], ...others], false)).toBeLessThan(29);
      }
    },
  );

  test.for([0.1, 4, 8, 12, 12.4])(
    "when models refuse after %d s, and the last is a silent server of one's own",
    (seconds) => {
      expect(
        toldAfter([
          ["refuses", seconds],
          ["hangs", 0],
        ]),
      ).toBeLessThanOrEqual(60);
      expect(
        toldAfter([
          ["refuses", seconds / 2],
          ["refuses", seconds / 2],
          ["hangs", 0],
        ]),
      ).toBeLessThanOrEqual(60);
    },
  );

  test("and the last of several hosted models still has time to respond after others that hang", () => {
    let clockMs = 0;
    const allowance = createAllowance(defaultTimers, () => clockMs);
    clockMs += 300;
    allowance.failed(new ModelError("auth", "p/m", "no", { status: 401 }), 300);
    for (const after of [2, 1]) {
      const { responseMs, hurried } = allowance.patience(after, false);
      expect(hurried).toBe(true);
      clockMs += responseMs;
      allowance.failed(new ModelError("timeout", "p/m", "no response in time"), responseMs);
      expect(allowance.mayGoOn()).toBe(true);
    }
    expect(allowance.patience(0, false).responseMs).toBeGreaterThan(3_000);
  });

  test("but a server that may have to load its model has its full time to begin, if it is asked soon", () => {
    let clockMs = 0;
    const allowance = createAllowance(defaultTimers, () => clockMs);
    expect(allowance.patience(0, true).responseMs).toBe(defaultTimers.firstTokenMs);
    clockMs += 2_000;
    allowance.failed(new ModelError("auth", "p/m", "no", { status: 401 }), 2_000);
    expect(allowance.patience(0, true).responseMs).toBe(defaultTimers.firstTokenMs - 2_000);
    clockMs += 15_000;
    const late = allowance.patience(0, true);
    expect(late.responseMs).toBeLessThan(10_000);
    expect(late.firstTokenMs).toBe(defaultTimers.firstTokenMs);
  });
});

describe("a model that is told to think long", () => {
  test("may be silent for longer once it has responded, and its silence still leaves time for those behind it", () => {
    let clockMs = 0;
    const allowance = createAllowance(defaultTimers, () => clockMs);
    const { responseMs, firstTokenMs } = allowance.patience(1, false, true);
    expect(responseMs).toBe(defaultTimers.firstTokenMs);
    expect(firstTokenMs).toBeGreaterThan(80_000);
    clockMs += firstTokenMs;
    allowance.failed(new ModelError("timeout", "p/m", "no first token in time"), firstTokenMs);
    expect(allowance.mayGoOn()).toBe(true);
    const last = allowance.patience(0, false, true);
    expect(last.firstTokenMs).toBeGreaterThan(10_000);
    expect(clockMs + last.firstTokenMs).toBeLessThan(109_000);
  });

  test("has no longer than others when it is asked late", () => {
    let clockMs = 0;
    const allowance = createAllowance(defaultTimers, () => clockMs);
    clockMs += 20_000;
    allowance.failed(new ModelError("auth", "p/m", "no", { status: 401 }), clockMs);
    expect(allowance.patience(0, false, true).firstTokenMs).toBe(defaultTimers.firstTokenMs);
  });

  test.each([
    ["high", "answered"],
    [undefined, "timeout"],
  ] as const)("after its headers, with an effort of %s: %s", { timeout: 60_000 }, async (effort, outcome) => {
    const server = await createLlmServer((_, response) => {
      response.flushHeaders();
      setTimeout(() => response.end(paris), 5_000);
    });
    const { models } = relayTo(`${server.origin}/v1`, { firstTokenMs: 4_000, silentMs: 60_000 });
    const request = {
      model: "relay/m",
      effort,
      messages: asMessages([{ role: "user", content: "Capital of France?" }]),
    };
    const asked = (async () => {
      for await (const one of models.answer(request, new AbortController().signal)) {
        if (one.type === "answer-end") return "answered";
      }
      return "nothing";
    })();
    expect(await asked.catch((error: ModelError) => error.kind)).toBe(outcome);
    await models.stop();
    await server.stop();
  });
});

describe("a model that is asked late", () => {
  const servers: { stop(): Promise<unknown> }[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
  });

  async function slowRefusal(afterMs: number): Promise<string> {
    const server: Server = createServer((request, response) => {
      request.resume();
      setTimeout(() => response.writeHead(429).end("{}"), afterMs);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push({
      stop() {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      },
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  }

  async function ask(urls: readonly string[]) {
    const names = urls.map((_, at) => `p${at}/m`);
    const models = createModels({
      models: {
        names,
        chains: {},
        fallbacks: names.map((model) => ({ model })),
        providers: urls.map((baseUrl, at) => ({ name: `p${at}`, baseUrl })),
      },
      log: { info() {}, warn() {} },
      timers: { refusedMs: 1_000 },
    });
    const begun = performance.now();
    const result = await answered(models, "p0/m");
    await models.stop();
    return { ...result, tookMs: performance.now() - begun };
  }

  test("is left when its refusal would come too late", async () => {
    const { error, tookMs } = await ask([await slowRefusal(600), await slowRefusal(60_000)]);
    expect(error?.kind).toBe("timeout");
    // Nobody has waited for the second refusal, and the time of a silent model has not passed either.
    expect(tookMs).toBeLessThan(30_000);
  });

  test("may take its time once it has begun to respond", async () => {
    const server = await createScriptedModel({ label: false });
    servers.push(server);
    server.script.always({ text: "Paris.", delayFirstMs: 1_500 });
    const { text, error } = await ask([await slowRefusal(600), server.url]);
    expect([text, error]).toEqual(["Paris.", undefined]);
  });
});
