import { afterEach, describe, expect, it } from "vitest";
import { createWebhookHealth, type WebhookHealthDeps, type WebhookState } from "../../src/ingress/webhook-health.ts";

const url = "https://bot.example/base/telegram";
const now = Math.floor(Date.now() / 1000);
let stopping: AbortController | undefined;
afterEach(() => stopping?.abort());

type Info = Record<string, unknown> | null | Error;

/** A watch over a webhook of which Telegram says these things, one look after another, the last one for ever. */
function setUp(...answers: readonly Info[]) {
  return setUpAt(url, ...answers);
}

function setUpAt(ours: string | undefined, ...answers: readonly Info[]) {
  const lines: { level: string; fields: object; message: string }[] = [];
  const found: WebhookState[] = [];
  let looks = 0;
  const write = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  stopping = new AbortController();
  const health = createWebhookHealth({
    api: {
      async getWebhookInfo() {
        const answer = answers[Math.min(looks, answers.length - 1)];
        looks += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
    } as unknown as WebhookHealthDeps["api"],
    url: ours,
    log: { info: write("info"), warn: write("warn") },
    onLook: (state) => found.push(state),
    signal: stopping.signal,
    firstMs: 1,
    everyMs: 1,
  });
  async function look(count: number): Promise<void> {
    health.watch();
    await expect.poll(() => found.length).toBeGreaterThanOrEqual(count);
  }
  return { health, lines, found, look, looks: () => looks };
}

const info = (more: object = {}) => ({ url, pending_update_count: 0, has_custom_certificate: false, ...more });
const failure = (last_error_date: number, more: object = {}) =>
  info({ last_error_date, last_error_message: "Connection refused", pending_update_count: 3, ...more });

describe("the webhook's health", () => {
  it("is what Telegram says of it, in state and log, with what waits", async () => {
    const { look, found, lines, health } = setUp(info(), failure(now + 10));
    await look(2);
    expect(found.slice(0, 2)).toEqual([{ pendingUpdates: 0 }, { pendingUpdates: 3, trouble: "Connection refused" }]);
    expect(health.state).toEqual({ pendingUpdates: 3, trouble: "Connection refused" });
    expect(lines[0]).toEqual({
      level: "warn",
      fields: { pendingUpdates: 3, url, reason: "Connection refused" },
      message: "Telegram cannot deliver to the webhook",
    });
  });

  it("does not count an error of before the webhook was set, or one that was told already", async () => {
    const { look, found, lines, health } = setUp(
      failure(now + 10),
      failure(now + 10),
      failure(now + 20),
      failure(now + 20),
    );
    await health.prepare();
    await look(3);
    expect(found.slice(0, 3).map(({ trouble }) => trouble)).toEqual([
      undefined,
      "Connection refused",
      "Connection refused",
    ]);
    expect(lines).toHaveLength(1);
  });

  it("of other processes is wherever they have it, as long as it is somewhere and takes what comes", async () => {
    const theirs = { url: "https://other.example/telegram" };
    const { look, found } = setUpAt(undefined, info(theirs), failure(now + 10, theirs), info({ url: "" }));
    await look(3);
    expect(found.slice(0, 3).map(({ trouble }) => trouble)).toEqual([
      undefined,
      "Connection refused",
      "no webhook is set",
    ]);
  });

  it("is not said to be better before what waits is delivered", async () => {
    const quiet = info({ pending_update_count: 3 });
    const { look, found, lines } = setUp(failure(now + 10), quiet, info(), info());
    await look(4);
    expect(found.map(({ trouble }) => trouble).slice(0, 4)).toEqual([
      "Connection refused",
      "Connection refused",
      undefined,
      undefined,
    ]);
    expect(lines.map(({ level }) => level)).toEqual(["warn", "info"]);
  });

  it.each([
    ["", "no webhook is set"],
    ["https://other.example/secret-path", "the webhook is set to another address, at other.example"],
  ])("is bad when the address is %j, which is said without its path", async (other, trouble) => {
    const { look, found, lines } = setUp(info({ url: other }));
    await look(1);
    expect(found[0]?.trouble).toBe(trouble);
    expect(JSON.stringify(lines)).not.toContain("secret-path");
  });

  it("stays as it was while Telegram does not answer, or answers nonsense, which is said once", async () => {
    const { look, looks, lines, found } = setUp(failure(now + 10), new Error("away"), null, {}, { url: 5 }, info());
    await look(2);
    expect(looks()).toBeGreaterThanOrEqual(6);
    expect(found.slice(0, 2).map(({ trouble }) => trouble)).toEqual(["Connection refused", undefined]);
    expect(lines.filter(({ message }) => message.includes("did not say"))).toHaveLength(1);
  });

  it("is looked at no more after the end", async () => {
    const { look, looks } = setUp(info());
    await look(2);
    stopping?.abort();
    const before = looks();
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(looks()).toBe(before);
  });
});
