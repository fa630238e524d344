import { afterEach, describe, expect, it } from "vitest";
import { answerDoctor } from "../../../src/app/doctor/command.ts";
import { examine } from "../../../src/app/doctor/doctor.ts";
import { createStrangeTelegram, doctorConfig, doctorToken, short } from "../../support/doctor-scene.ts";
import { mistakes } from "../../support/environments.ts";
import { createLlmServer, paris, refuse } from "../../support/llm-server.ts";

const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

const key = "sk-relay-0123456789";

/** Servers in which all is well, and what names them. */
async function setUp() {
  const telegram = await createStrangeTelegram();
  const provider = await createLlmServer((_heard, response) => void response.end(paris));
  cleaners.push(telegram.stop, provider.stop);
  const env = {
    TELEGRAM_API_ROOT: telegram.url,
    MODELS: "relay/one",
    RELAY_BASE_URL: `${provider.origin}/v1`,
    RELAY_API_KEY: key,
  };
  return { telegram, provider, env };
}

describe("the doctor", () => {
  it("looks at settings, Telegram, storage, models and tools, in this order", async () => {
    const { env } = await setUp();
    const { exitCode, lines } = await answerDoctor(doctorConfig(env), false);
    expect(exitCode).toBe(0);
    expect(lines.map((line) => line.split(/ {2,}/, 2).join(" "))).toEqual([
      ...["ok settings", "ok token", "ok privacy mode", "ok webhook", "ok clock", "ok DATA_DIR"],
      ...["ok relay", "ok relay/one", "ok read_page", "", "All is well."],
    ]);
  });

  it("says how many things must be mended, and ends with 1", async () => {
    const { env, telegram, provider } = await setUp();
    telegram.answers = { getMe: { ok: false, error_code: 401, description: "Unauthorized" } };
    provider.answer = (_heard, response) => refuse(response, 401, `Incorrect API key provided: ${key}`);
    const { exitCode, lines } = await answerDoctor(doctorConfig(env), false);
    expect(exitCode).toBe(1);
    // The token, the key, and what that key keeps from answering.
    expect(lines.at(-1)).toBe("3 things must be mended.");
    expect(lines.join("\n")).not.toContain(key);
    expect(lines.join("\n")).not.toContain(doctorToken.split(":")[1]);
  });

  it("writes the same as JSON for a program", async () => {
    const { env } = await setUp();
    const { exitCode, lines } = await answerDoctor(doctorConfig({ ...env, ADMIN_USER_IDS: "" }), true);
    const { healthy, findings } = JSON.parse(lines.join("\n")) as { healthy: boolean; findings: object[] };
    expect({ exitCode, healthy }).toEqual({ exitCode: 0, healthy: true });
    expect(findings[0]).toEqual({
      state: "warn",
      about: "settings",
      says: "ADMIN_USER_IDS is empty: nobody is told in Telegram when something has to be mended",
    });
    expect(findings.at(-1)).toMatchObject({ state: "ok", about: "read_page" });
  });

  it("has a line for each mistake of a configuration", async () => {
    const found = mistakes({ BOT_TOKEN: "x", MODELS: "relay/one", PORT: "many" }, "doctor");
    const { exitCode, lines } = await answerDoctor({ mistakes: found }, false);
    expect(found.length).toBeGreaterThan(2);
    expect(exitCode).toBe(1);
    expect(lines.slice(0, found.length)).toEqual(found.map((line) => `bad   settings  ${line}`));
  });

  it("is at its end in time, whatever hangs", async () => {
    const { env, telegram, provider } = await setUp();
    telegram.instead = () => undefined;
    provider.answer = () => undefined;
    const found = short(
      await examine({ config: doctorConfig({ ...env, TOOLS: "off" }), running: false, withinMs: 1_500 }),
    );
    expect(found.filter((line) => !line.includes("DATA_DIR"))).toEqual([
      "ok settings: no mistakes",
      expect.stringMatching(/^bad token: 127\.0\.0\.1:\d+ is out of reach: no answer in time/),
      "ok relay: speaks Chat Completions; gives no list of its models",
      "bad relay/one: no answer in time → try again: a model that has to be loaded first is slow once",
    ]);
  });

  it("writes what others say in one line that no terminal obeys", async () => {
    const { env, provider } = await setUp();
    provider.answer = (_heard, response) => refuse(response, 402, "no\u001b[31m credit\nleft\u202e");
    const { lines } = await answerDoctor(doctorConfig(env), false);
    expect(lines.find((line) => line.includes("relay/one"))).toMatch(/HTTP 402: no \[31m credit left →/);
  });
});
