/** The playground as a process, without a browser: what its page is told when a real provider answers. */

import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createScriptedModel, type ScriptedModel } from "../../src/playground/model/scripted-model.ts";
import { spawnBot, until } from "../support/bot-process.ts";
import { freePort } from "../support/free-port.ts";

const key = "sk-secret-of-a-real-provider";
const names = ["openai/gpt-test", "openai/gpt-test-mini", "mine/llama"];

interface Told {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

describe("the playground with a real key", { timeout: 180_000 }, () => {
  let folder: string;
  let model: ScriptedModel;
  let process: ChildProcess;
  let url: string;
  let output = "";
  const told: Told[] = [];
  const listening = new AbortController();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "parley-playground-test-"));
    model = await createScriptedModel({ label: false, tokensPerSecond: 200 });
    const env = {
      MODELS: names.join(),
      OPENAI_API_KEY: key,
      OPENAI_BASE_URL: model.url,
      MINE_BASE_URL: model.url,
      MINE_API_KEY: key,
      TOOLS: "calculate,read_page",
      PORT: String(await freePort()),
    };
    process = spawnBot("playground", folder, env, (text) => {
      output += text;
    });
    url = await until(() => /http:\/\/127\.0\.0\.1:\d+\//.exec(output)?.[0], 60_000);
    void follow();
    await until(() => told.some(({ type }) => type === "snapshot"));
  }, 120_000);

  afterAll(async () => {
    listening.abort();
    const ended = new Promise((resolve) => process.once("exit", resolve));
    process.kill("SIGTERM");
    await ended;
    await model.stop();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  /** Everything that an open page is told. */
  async function follow(): Promise<void> {
    const { body } = await fetch(`${url}events`, { signal: listening.signal });
    let text = "";
    try {
      for await (const chunk of (body ?? new Blob([]).stream()).pipeThrough(new TextDecoderStream())) {
        const events = `${text}${chunk}`.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) {
          const [, type = "", data = "{}"] = /^event: (.*)\ndata: (.*)$/m.exec(event) ?? [];
          told.push({ type, data: JSON.parse(data) });
        }
      }
    } catch (error) {
      if (!listening.signal.aborted) throw error;
    }
  }

  const snapshot = () =>
    told.find(({ type }) => type === "snapshot")?.data as { chats: { id: number }[] } & Told["data"];

  async function say(text: string): Promise<void> {
    const [chat] = snapshot().chats;
    const response = await fetch(`${url}api/messages`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: url.slice(0, -1) },
      body: JSON.stringify({ chatId: chat?.id, senderId: chat?.id, text }),
    });
    expect(response.status).toBe(200);
  }

  const asked = (outcome: string) =>
    until(() => told.find(({ type, data }) => type === "request" && data["outcome"] === outcome)?.data, 60_000);

  test("names the first model and lists the others", () => {
    expect(snapshot()).toMatchObject({ modelNote: `Answers come from ${names[0]}`, otherModels: names.slice(1) });
  });

  test("tells its page what the model was asked and how it went, and no secret", async () => {
    await say("why is the sky blue?");
    expect(await asked("complete")).toMatchObject({
      model: "openai/gpt-test",
      calls: 1,
      // Those of the bot itself: what the scripted model demonstrates is its own.
      tools: ["read_page", "calculate"],
      failed: false,
      messages: expect.arrayContaining([{ role: "user", content: "why is the sky blue?" }]),
      firstTokenMs: expect.any(Number),
      endMs: expect.any(Number),
      inputTokens: expect.any(Number),
      outputTokens: expect.any(Number),
    });
    model.script.next({ status: 401, body: { error: { message: `Incorrect key ${key}`, code: "invalid_api_key" } } });
    await say("and at night?");
    expect(await asked("auth")).toMatchObject({ failed: true });
    expect(JSON.stringify(told)).not.toContain(key);
    expect(JSON.stringify(told)).not.toMatch(/\/bot\d+:/);
  });
});
