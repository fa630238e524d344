import { GrammyError, HttpError } from "grammy";
import { describe, expect, it } from "vitest";
import { createAppAlerts } from "../../src/app/alerts.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import { english } from "../../src/texts/english.ts";

const everyAlert: readonly Alert[] = [
  { kind: "key-refused", provider: "llama.cpp" },
  { kind: "credit-empty", provider: "openai" },
  { kind: "address-wrong", provider: "relay" },
  { kind: "settings-missing", provider: "relay" },
  { kind: "model-gone", model: "openai/gpt-5", nearest: "gpt-6-luna" },
  { kind: "bot-budget", share: 80, resetsAt: Date.UTC(2026, 10, 28) },
  { kind: "bot-budget", share: 100, resetsAt: Date.UTC(2026, 10, 28) },
  { kind: "bot-budget-refuses", spent: 40, resetsAt: Date.UTC(2026, 10, 28) },
  { kind: "webhook-failing", reason: "Connection refused", pendingUpdates: 3 },
  { kind: "dead-update", updateId: 17 },
];

interface Line {
  readonly level: string;
  readonly fields: object;
  readonly message: string;
}

interface Scene {
  readonly admins?: readonly number[];
  readonly store?: ReturnType<typeof createMemoryStore>;
  readonly secrets?: readonly string[];
  /** Fails where a message must not arrive. */
  readonly deliver?: (admin: number, tries: number) => void;
}

function createScene({ admins = [1, 2], store, secrets = [], deliver }: Scene = {}) {
  const lines: Line[] = [];
  const sent: [number, string][] = [];
  const clock = { now: 1_000 };
  let tries = 0;
  const write = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message });
  const alerts = createAppAlerts({
    config: {
      access: { allowed: new Set(), allowedChats: new Set(), admins: new Set(admins) },
      secrets,
    },
    store: store ?? createMemoryStore({ historyTtlSeconds: 60 }),
    api: {
      async sendMessage(admin: number, words: string) {
        tries += 1;
        deliver?.(admin, tries);
        sent.push([admin, words]);
      },
    } as never,
    log: { debug: write("debug"), warn: write("warn") },
    now: () => clock.now,
    againAfterMs: 1,
  });
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { alerts, lines, sent, clock, settle };
}

const refused = (code: number, description: string) =>
  new GrammyError("failed", { ok: false, error_code: code, description }, "sendMessage", {});

describe("an alert", () => {
  it("reaches every admin, and the log", async () => {
    const { alerts, sent, lines, settle } = createScene();
    alerts.raise({ kind: "key-refused", provider: "openai" });
    expect(sent).toEqual([]);
    await settle();
    expect(sent.map(([admin]) => admin)).toEqual([1, 2]);
    expect(sent[0]?.[1]).toContain("OPENAI_API_KEY");
    expect(lines).toEqual([
      {
        level: "warn",
        fields: { alert: { kind: "key-refused", provider: "openai" } },
        message: "an operator is needed",
      },
    ]);
  });

  it("of a model that is gone names the nearest of the list, and says so where that is the very name", async () => {
    const { alerts, sent, settle } = createScene({ admins: [1] });
    alerts.raise({ kind: "model-gone", model: "mine/a/b", nearest: "a/c" });
    alerts.raise({ kind: "model-gone", model: "mine/a/c", nearest: "a/c" });
    await settle();
    expect(sent[0]?.[1]).toContain("The nearest name in its list is a/c.");
    expect(sent[1]?.[1]).toContain("Its list has this name");
    expect(sent[1]?.[1]).not.toContain("nearest");
  });

  it("is told once an hour for each kind and subject, over all processes", async () => {
    const store = createMemoryStore({ historyTtlSeconds: 60 });
    const [one, other] = [createScene({ store, admins: [1] }), createScene({ store, admins: [1] })];
    for (const scene of [one, other, one, other]) {
      for (const alert of everyAlert) scene.alerts.raise(alert);
      await scene.settle();
      scene.clock.now += 120_000;
    }
    one.alerts.raise({ kind: "key-refused", provider: "openai" });
    one.alerts.raise({ kind: "model-gone", model: "openai/gpt-4" });
    one.alerts.raise({ kind: "dead-update", updateId: 18 });
    await one.settle();
    expect(one.sent).toHaveLength(everyAlert.length + 2);
    expect(other.sent).toEqual([]);
  });

  it("asks the store no more than once a minute, however often trouble comes", async () => {
    const store = createMemoryStore({ historyTtlSeconds: 60 });
    let asked = 0;
    const firstWithin = async () => {
      asked += 1;
      return false;
    };
    const counted = { ...store, firstWithin };
    const { alerts, clock, settle } = createScene({ store: counted });
    for (let at = 0; at < 1_000; at += 1) alerts.raise({ kind: "credit-empty", provider: "openai" });
    await settle();
    expect(asked).toBe(1);
    clock.now += 60_000;
    alerts.raise({ kind: "credit-empty", provider: "openai" });
    await settle();
    expect(asked).toBe(2);
  });

  it("that one admin cannot get reaches the others, and the log says once who could not be told", async () => {
    const deliver = (admin: number) => {
      if (admin === 1) throw refused(403, "Forbidden: bot can't initiate conversation with a user");
    };
    const { alerts, sent, lines, settle } = createScene({ deliver });
    for (const alert of everyAlert) alerts.raise(alert);
    await settle();
    expect(sent.map(([admin]) => admin)).toEqual(everyAlert.map(() => 2));
    const about = lines.filter(({ message }) => message.startsWith("an admin could not be told"));
    expect(about.filter(({ level }) => level === "warn")).toHaveLength(1);
    expect(about.filter(({ level }) => level === "debug")).toHaveLength(everyAlert.length - 1);
    expect(about[0]?.fields).toMatchObject({ adminId: 1 });
  });

  it("is tried again when Telegram was out of reach for longer than the outbox repeats", async () => {
    const deliver = (_admin: number, tries: number) => {
      if (tries < 4) throw new HttpError("failed", new Error("connection refused"));
    };
    const { alerts, sent } = createScene({ deliver, admins: [1] });
    alerts.raise({ kind: "dead-update", updateId: 17 });
    await expect.poll(() => sent.length).toBe(1);
  });

  it("goes to the log alone without admins, with one hint", async () => {
    const { alerts, lines, settle } = createScene({ admins: [] });
    for (const alert of everyAlert) alerts.raise(alert);
    await settle();
    expect(lines.filter(({ message }) => message === "an operator is needed")).toHaveLength(everyAlert.length);
    expect(lines.filter(({ message }) => message.startsWith("ADMIN_USER_IDS is empty"))).toHaveLength(1);
  });

  it("holds no secret, wherever its reason comes from", async () => {
    const { alerts, sent, settle } = createScene({ secrets: ["hunter2hunter2"] });
    alerts.raise({ kind: "webhook-failing", reason: "404 at /hunter2hunter2", pendingUpdates: 1 });
    await settle();
    expect(sent[0]?.[1]).toContain("404 at /[redacted]. 1 update waits there.");
  });

  it("is no trouble of its own when the store fails, and is told by the next one", async () => {
    const store = createMemoryStore({ historyTtlSeconds: 60 });
    let away = true;
    const failing = {
      ...store,
      firstWithin: async (key: string, windowMs: number) => {
        if (away) throw new Error("Redis is away");
        return await store.firstWithin(key, windowMs);
      },
    };
    const { alerts, sent, lines, clock, settle } = createScene({ store: failing, admins: [1] });
    alerts.raise({ kind: "dead-update", updateId: 17 });
    await settle();
    expect(lines.at(-1)).toMatchObject({ level: "warn", fields: { reason: "Redis is away" } });
    away = false;
    clock.now += 60_000;
    alerts.raise({ kind: "dead-update", updateId: 18 });
    await settle();
    expect(sent).toHaveLength(1);
  });

  it("is not told any more once the process stops", async () => {
    const deliver = () => {
      throw new HttpError("failed", new Error("connection refused"));
    };
    const { alerts, sent, lines } = createScene({ deliver, admins: [1] });
    alerts.raise({ kind: "dead-update", updateId: 17 });
    await alerts.stop();
    alerts.raise({ kind: "credit-empty", provider: "openai" });
    expect(sent).toEqual([]);
    expect(lines.filter(({ message }) => message.includes("could not be told"))).toEqual([]);
  });
});

it.each(everyAlert)("the words for %j say what to do", (alert) => {
  const words = english.alert(alert, (provider) => `${provider.toUpperCase()}_`);
  expect(words).toMatch(/npm run|restart|FALLBACK_MODELS|\/stats/);
  expect(words.length).toBeLessThan(400);
});
