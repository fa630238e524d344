/** `npm run doctor` as a process of its own, beside a bot that runs. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { modelKey, runToEnd, settingsFor, token } from "../support/bot-process.ts";
import { sharedRig } from "../support/shared-rig.ts";

describe("the doctor beside a running bot", { timeout: 120_000 }, () => {
  const rig = sharedRig();
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
});
