/** A bot for all tests of a file: started before them, and looked over after each and at the end. */
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { createRig, modelKey, type Rig, type RigOptions, refusedCalls, token } from "./bot-process.ts";

export interface SharedRigOptions extends RigOptions {
  /** The tests make Telegram refuse calls, so what was refused proves nothing. */
  readonly faulty?: boolean;
}

/** To be called in a `describe`. What it returns can be used as soon as the tests run. */
export function sharedRig({ faulty = false, ...options }: SharedRigOptions = {}): Rig {
  let created: Rig | undefined;
  const rig = new Proxy({} as Rig, {
    get(_, name) {
      if (created === undefined) throw new Error("the bot is started before the first test, not before");
      return Reflect.get(created, name);
    },
  });

  beforeAll(async () => {
    created = await createRig(options);
    await rig.start();
  }, 120_000);

  function expectNoComplaints(): void {
    expect(rig.botApi.violations).toEqual([]);
    if (!faulty) expect(refusedCalls(rig.botApi)).toEqual([]);
  }
  afterEach(expectNoComplaints);

  afterAll(async () => {
    try {
      expectNothingTold(rig, await metricsOf(rig));
      expectNoComplaints();
      expect(await rig.end("SIGTERM")).toBe(0);
      expect(rig.botApi.violations).toEqual([]);
    } finally {
      await created?.stop();
    }
  }, 120_000);
  return rig;
}

async function metricsOf({ port }: Rig): Promise<string> {
  return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** No secret, and nothing of a chat, stands in log or metrics. */
function expectNothingTold(rig: Rig, metrics: string): void {
  const output = rig.output();
  expect(output).not.toContain(token.slice(token.indexOf(":") + 1));
  expect(output).not.toContain(modelKey);
  expect(output).not.toContain("was not handled");
  expect(metrics).toContain("parley_");
  expect(metrics).not.toContain("Visitor");
  for (const chat of rig.botApi.chats()) {
    for (const { text } of chat.messages) if (text.length >= 12) expect(output).not.toContain(text.slice(0, 40));
    // A small number may stand there for something else.
    if (chat.id > 1_000_000) expect(metrics).not.toMatch(new RegExp(`\\b${chat.id}\\b`));
  }
}
