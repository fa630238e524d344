/** What operators hear of a bot that runs: from `npm run doctor` beside it, from `/doctor`, and unasked. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modelKey, runToEnd, settingsFor, token, until } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe("the doctor beside a running bot", { timeout: 120_000 }, () => {
  const adminId = 7_500_001;
  const rig = sharedRig({ env: { ADMIN_USER_IDS: String(adminId) } });
  const run = (env: Record<string, string>, mode = "doctor") =>
    runToEnd({ ...settingsFor(rig, rig.port), DATA_DIR: join(rig.dataDir, "data"), ...env }, mode);

  test("looks at everything, and takes nothing from the bot", async () => {
    const { code, output } = await run({});
    expect(output).toMatch(/^ok {4}DATA_DIR +\S+: writable, .* free; in use by a running bot$/m);
    expect(output).toMatch(/^ok {4}token +@\w+ \(424242\) at 127\.0\.0\.1:\d+$/m);
    expect(output).toMatch(/^ok {4}test\/two +answers/m);
    expect(code).toBe(0);
    // None of the bot's polls was cut off by another one.
    expect(rig.botApi.calls.filter(({ status }) => status === 409)).toEqual([]);
    expect((await rig.visitor().ask("Are you there?")).text).not.toBe("");
  });

  test("ends with 1 and one line each when something must be mended, and prints no secret", async () => {
    const { code, output } = await run({ TEST_BASE_URL: "http://127.0.0.1:9/v1" }, "doctor --json");
    expect(code).toBe(1);
    const { healthy, findings } = JSON.parse(output) as {
      healthy: boolean;
      findings: { state: string; about: string }[];
    };
    expect(healthy).toBe(false);
    expect(findings.filter(({ state }) => state === "bad").map(({ about }) => about)).toEqual(["test/one", "test/two"]);
    for (const secret of [modelKey, token.split(":")[1] ?? ""]) expect(output).not.toContain(secret);
  });

  test("looks at the same from within, for an admin", async () => {
    const admin = rig.visitor({ userId: adminId });
    const report = await admin.sees(/Nothing must be mended|must be mended/, admin.say("/doctor"));
    expect(report.text).toMatch(/^🩺 Nothing must be mended\./);
    expect(report.text).toMatch(/✅ DATA_DIR: .*; in use by this bot/);
    expect(report.text).toMatch(/✅ test\/one: answers/);
  });
});

describe("an admin of a running bot", { timeout: 120_000 }, () => {
  const adminId = 7_500_001;
  // The other one has never written to the bot, so Telegram refuses what is sent there.
  const rig = sharedRig({ env: { ADMIN_USER_IDS: `${adminId},7500002` }, faulty: true });

  test("is told once that a key is refused, whoever asks; the log says who could not be told", async () => {
    const [admin, visitor] = [rig.visitor({ userId: adminId }), rig.visitor()];
    rig.answers("who are you?", { status: 401, body: { error: { message: `Incorrect API key: ${modelKey}` } } });
    for (let asked = 0; asked < 2; asked += 1)
      await visitor.sees(/does not accept this bot's key/, visitor.say("who are you?"));
    const alert = await admin.sees(/refuses this bot's key/);
    expect(alert.text).toContain("Put a valid key into TEST_API_KEY");
    expect(alert.text).not.toContain(modelKey);
    await until(() => rig.output().includes("an admin could not be told of trouble"));
    expect(admin.written()).toHaveLength(1);
  });
});
