import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Api } from "grammy";
import type { Update } from "grammy/types";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { StartError } from "../../src/base/errors.ts";
import { createLogger, type Logger, type LogOptions } from "../../src/base/log.ts";
import { allowedUpdates } from "../../src/ingress/allowed-updates.ts";
import { createPolling, type Polling, type PollingDeps, type PollingState } from "../../src/ingress/polling.ts";

const token = "123456:TEST-token-of-the-polling-test-0123";

type Params = { offset?: number; timeout?: number; limit?: number; allowed_updates?: string[] };
type Fault = (response: ServerResponse) => void;

let calls: { method: string; params: Params }[];
/** Faults of the next getUpdates calls, in their order. */
let faults: Fault[];
let pending: Update[];
let confirmed: number[];
let webhookUrl: string;
let waiting: Set<() => void>;
let logs: string;
let warnings: number;
let states: PollingState[];
let polling: Polling | undefined;
let apiRoot: string;
let close: () => Promise<void>;

/** A Bot API that knows getUpdates as Telegram does: an offset confirms everything before it. */
beforeEach(async () => {
  [calls, faults, pending, confirmed, states] = [[], [], [], [], []];
  [webhookUrl, logs, warnings, polling, waiting] = ["", "", 0, undefined, new Set()];
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  apiRoot = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
});

afterEach(async () => {
  await polling?.stop();
  await close();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const method = request.url?.split("/").at(-1) ?? "";
  const params = (text === "" ? {} : JSON.parse(text)) as Params;
  calls.push({ method, params });
  if (method === "getWebhookInfo") return ok(response, { url: webhookUrl, pending_update_count: 0 });
  if (method === "deleteWebhook") return ok(response, true);
  const fault = faults.shift();
  if (fault !== undefined) return fault(response);
  for (const update of pending.filter(({ update_id }) => update_id < (params.offset ?? 0))) {
    confirmed.push(update.update_id);
    pending = pending.filter((other) => other !== update);
  }
  if (pending.length === 0 && (params.timeout ?? 0) > 0) {
    await new Promise<void>((resolve) => {
      waiting.add(resolve);
      response.once("close", resolve);
    });
  }
  ok(response, pending.slice(0, params.limit ?? 100));
}

function ok(response: ServerResponse, result: unknown): void {
  response.end(JSON.stringify({ ok: true, result }));
}

function refuse(status: number, description: string, parameters = {}): Fault {
  return (response) => {
    response.statusCode = status;
    response.end(JSON.stringify({ ok: false, error_code: status, description, parameters }));
  };
}

const cut: Fault = (response) => void response.socket?.destroy();

function arrive(...ids: number[]): void {
  pending.push(...ids.map((update_id) => ({ update_id }) as Update));
  for (const wake of waiting) wake();
  waiting.clear();
}

/** The log writes one line of a reason a second; here each counts. */
function countingWarnings(options: LogOptions): Logger {
  const log = createLogger(options);
  return Object.assign(Object.create(log) as Logger, {
    warn(fields: object, message: string) {
      warnings += 1;
      log.warn(fields, message);
    },
  });
}

function start(consume: PollingDeps["consume"], more: Partial<PollingDeps> = {}): Polling {
  polling = createPolling({
    api: new Api(token, { apiRoot }),
    allowedUpdates,
    consume,
    log: countingWarnings({
      level: "debug",
      // None on purpose: a token must not even reach the log's redaction.
      secrets: [],
      pretty: false,
      destination: {
        write(line) {
          logs += line;
        },
      },
    }),
    onState: (state) => states.push(state),
    backoff: { firstMs: 5, maxMs: 20 },
    ...more,
  });
  return polling;
}

const polls = () => calls.filter(({ method }) => method === "getUpdates");

describe("polling", () => {
  it("removes the webhook first, keeps its updates, and says which it was", async () => {
    webhookUrl = "https://elsewhere.example/hook";
    start(async () => undefined);
    await expect.poll(() => polls().length).toBeGreaterThan(0);
    expect(calls.slice(0, 3).map(({ method }) => method)).toEqual(["getWebhookInfo", "deleteWebhook", "getUpdates"]);
    expect(calls[1]?.params).toEqual({ drop_pending_updates: false });
    expect(logs).toContain(webhookUrl);
  });

  it("asks for the kinds of update that it handles, a hundred at a time", async () => {
    start(async () => undefined);
    await expect.poll(() => polls().length).toBe(2);
    expect(polls()[0]?.params).toMatchObject({ limit: 100, timeout: 0, allowed_updates: [...allowedUpdates] });
    expect(polls()[1]?.params).toMatchObject({ timeout: 30 });
    expect(states).toEqual(["polling"]);
    expect(logs).toBe("");
  });

  it("hands on batch after batch, each as a whole and in order", async () => {
    const batches: number[][] = [];
    start(async (updates) => void batches.push(updates.map(({ update_id }) => update_id)));
    arrive(...Array.from({ length: 150 }, (_, index) => index + 1));
    await expect.poll(() => confirmed.length).toBe(150);
    arrive(200);
    await expect.poll(() => confirmed.at(-1)).toBe(200);
    expect(batches.flat()).toEqual([...Array.from({ length: 150 }, (_, index) => index + 1), 200]);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(100);
  });

  it("confirms nothing while the store fails, tries the batch again, and loses nothing", async () => {
    const stored: number[] = [];
    let failures = 0;
    start(async (updates) => {
      if (failures < 4) {
        failures += 1;
        expect(confirmed).toEqual([]);
        throw new Error("the disk is full");
      }
      stored.push(...updates.map(({ update_id }) => update_id));
    });
    arrive(1, 2, 3);
    await expect.poll(() => confirmed).toEqual([1, 2, 3]);
    expect(stored).toEqual([1, 2, 3]);
    expect(failures).toBe(4);
    expect(states).toEqual(["polling", "holding", "polling"]);
    expect(logs).toContain("the disk is full");
  });

  it("stops though the store hangs, without confirming what it holds", async () => {
    let reached = false;
    const handle = start(() => {
      reached = true;
      return new Promise(() => undefined);
    });
    arrive(1, 2);
    await expect.poll(() => reached).toBe(true);
    const before = polls().length;
    await handle.stop();
    await handle.done;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(polls().length).toBe(before);
    expect(confirmed).toEqual([]);
  });

  it("stops though the store fails again and again, without confirming what it holds", async () => {
    const handle = start(() => Promise.reject(new Error("down")));
    arrive(1);
    await expect.poll(() => states).toContain("holding");
    await handle.stop();
    await handle.done;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(confirmed).toEqual([]);
  });

  it("stops though a poll is open, and twice is as good as once", async () => {
    const handle = start(async () => undefined);
    await expect.poll(() => waiting.size).toBe(1);
    await Promise.all([handle.stop(), handle.stop()]);
    await handle.done;
    expect(logs).toBe("");
  });

  it("stops though Telegram was never reached", async () => {
    await close();
    const handle = start(async () => undefined);
    await expect.poll(() => states).toEqual(["unreachable"]);
    await handle.stop();
    await handle.done;
  });

  it("ends by itself before the first call that it may not make any more", async () => {
    let elected = true;
    const handle = start(
      async () => {
        elected = false;
      },
      { mayPoll: () => elected },
    );
    arrive(1, 2);
    await handle.done;
    expect(polls()).toHaveLength(1);
    expect(confirmed).toEqual([]);
    expect(logs).toBe("");
  });

  it("may be stopped at once", async () => {
    const handle = start(async () => undefined);
    await handle.stop();
    await handle.done;
    expect(polls()).toEqual([]);
  });

  it.each([
    [
      "another poller (409)",
      refuse(409, "Conflict: terminated by other getUpdates request"),
      "conflict",
      "another process",
    ],
    ["a broken connection", cut, "unreachable", "ECONNRESET"],
    ["a server error", refuse(502, "Bad Gateway"), "unreachable", "502 Bad Gateway"],
    [
      "a page instead of JSON",
      (response) => void response.writeHead(502).end("<html>"),
      "unreachable",
      "cannot be polled",
    ],
    ["a flood limit", refuse(429, "Too Many Requests", { retry_after: 0 }), "unreachable", "429"],
  ] satisfies [string, Fault, PollingState, string][])(
    "outlives %s, says so, and names no token",
    async (_what, fault, state, words) => {
      faults = [fault, fault, fault];
      const stored: number[] = [];
      start(async (updates) => void stored.push(...updates.map(({ update_id }) => update_id)));
      arrive(1);
      await expect.poll(() => confirmed).toEqual([1]);
      expect(stored).toEqual([1]);
      expect(states).toEqual([state, "polling"]);
      expect(logs).toContain(words);
      expect(logs).not.toContain("TEST-token");
    },
  );

  describe.each([
    ["{}", "{}"],
    ["null", "null"],
    ["no list", '{"ok":true,"result":{}}'],
    ["nothing", '{"ok":true}'],
    ["nulls", '{"ok":true,"result":[null,null]}'],
    ["an update without an id", '{"ok":true,"result":[{"message":{}}]}'],
    ["ids as texts", '{"ok":true,"result":[{"update_id":"5"}]}'],
    ["ids that no update has", '{"ok":true,"result":[{"update_id":-3},{"update_id":4294967296},{"update_id":0.5}]}'],
    ["no JSON", "yes, all is well"],
    ["a page", "<html>Welcome</html>"],
    ["half an answer", '{"ok":true,"result":[{"update_id":1'],
  ])("answered with %s", (_what, body) => {
    it("warns, asks less and less often, and goes on when updates come", async () => {
      let answers = 0;
      const nonsense: Fault = (response) => {
        answers += 1;
        response.end(body);
        if (answers < 8) faults.push(nonsense);
      };
      faults = [nonsense];
      const stored: number[] = [];
      const fatal: unknown[] = [];
      const beganAt = performance.now();
      start(async (updates) => void stored.push(...updates.map(({ update_id }) => update_id)), {
        onFatal: (error) => fatal.push(error),
        backoff: { firstMs: 10, maxMs: 40 },
      });
      arrive(7);
      await expect.poll(() => confirmed).toEqual([7]);
      // Three quarters of 10, 20 and six times 40 is what eight pauses are at least.
      expect(performance.now() - beganAt).toBeGreaterThan(0.75 * (10 + 20 + 6 * 40));
      expect(stored.filter((id) => id > 0 && id < 1000)).toEqual([7]);
      expect(warnings).toBe(8);
      expect([fatal, states.at(-1)]).toEqual([[], "polling"]);
    });
  });

  it("keeps the good updates of a strange answer, and confirms them", async () => {
    const mixed = [null, { update_id: 3 }, { message: {} }, { update_id: "4" }, [], { update_id: 5 }, 7];
    faults = [(response) => ok(response, mixed)];
    const stored: number[] = [];
    start(async (updates) => void stored.push(...updates.map(({ update_id }) => update_id)));
    await expect.poll(() => polls().length).toBeGreaterThan(1);
    expect(stored).toEqual([3, 5]);
    expect(polls()[1]?.params.offset).toBe(6);
    expect(logs).toContain('"malformed":5');
  });

  it("asks less and less often when it is given the same updates again and again", async () => {
    let answers = 0;
    const again: Fault = (response) => {
      answers += 1;
      ok(response, [{ update_id: 1 }, { update_id: 2 }]);
      if (answers < 9) faults.push(again);
    };
    faults = [again];
    const beganAt = performance.now();
    const stored = new Set<number>();
    start(async (updates) => updates.forEach(({ update_id }) => void stored.add(update_id)), {
      backoff: { firstMs: 10, maxMs: 40 },
    });
    await expect.poll(() => answers).toBe(9);
    expect(performance.now() - beganAt).toBeGreaterThan(0.75 * (10 + 20 + 5 * 40));
    arrive(3);
    await expect.poll(() => confirmed).toEqual([3]);
    expect([...stored]).toEqual([1, 2, 3]);
  });

  it("asks less and less often when nothing is answered at once, though it was to be waited for", async () => {
    let answers = 0;
    const hasty: Fault = (response) => {
      answers += 1;
      ok(response, []);
      if (answers < 9) faults.push(hasty);
    };
    faults = [hasty];
    const beganAt = performance.now();
    start(async () => undefined, { backoff: { firstMs: 10, maxMs: 40 } });
    await expect.poll(() => answers).toBe(9);
    // The first poll is to return at once.
    expect(performance.now() - beganAt).toBeGreaterThan(0.75 * (10 + 20 + 5 * 40));
    await expect.poll(() => warnings).toBe(8);
    arrive(1);
    await expect.poll(() => confirmed).toEqual([1]);
    expect(states).toEqual(["polling"]);
  });

  it("goes on when Telegram has chosen smaller ids, as it does after a quiet week", async () => {
    const stored: number[] = [];
    start(async (updates) => void stored.push(...updates.map(({ update_id }) => update_id)));
    faults = [(response) => ok(response, [{ update_id: 900 }])];
    await expect.poll(() => stored).toEqual([900]);
    faults = [(response) => ok(response, [{ update_id: 20 }])];
    for (const wake of waiting) wake();
    await expect.poll(() => stored).toEqual([900, 20]);
    arrive(21);
    await expect.poll(() => confirmed).toEqual([21]);
  });

  it("waits as long as a flood limit says", async () => {
    faults = [refuse(429, "Too Many Requests: retry after 1", { retry_after: 1 })];
    start(async () => undefined);
    const startedAt = performance.now();
    await expect.poll(() => polls().length, { timeout: 60_000 }).toBeGreaterThan(1);
    expect(performance.now() - startedAt).toBeGreaterThan(950);
  });

  it("ends, and says so, when the token is refused", async () => {
    faults = [refuse(401, "Unauthorized")];
    const fatal: unknown[] = [];
    const handle = start(async () => undefined, { onFatal: (error) => fatal.push(error) });
    await handle.done;
    expect(fatal).toEqual([expect.any(StartError)]);
    expect(states).toEqual(["refused"]);
    expect(polls()).toHaveLength(1);
    expect(logs).toContain("BOT_TOKEN");
  });
});
