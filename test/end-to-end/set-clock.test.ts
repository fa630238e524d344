import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { createRig, type Rig } from "../support/bot-process.ts";

const preload = fileURLToPath(new URL("../support/processes/clock-by-file.ts", import.meta.url));
let rig: Rig | undefined;
afterEach(async () => {
  await rig?.stop();
});

describe("a clock that is set while the bot runs", () => {
  test.each([-5, 5])("by %i hours keeps nobody waiting", { timeout: 90_000 }, async (hours) => {
    const created = await createRig({
      env: {
        NODE_OPTIONS: `--import ${preload}`,
        CLOCK_OFFSET_FILE: "offset",
        // One a second, and no more than three at once.
        RATE_LIMIT_MESSAGES: "30",
        RATE_LIMIT_WINDOW_SECONDS: "30",
        RATE_LIMIT_BURST: "3",
      },
      model: { respond: ({ messages }) => ({ text: `To ${messages.at(-1)?.content}`, tokensPerSecond: 20 }) },
    });
    rig = created;
    const set = (ms: number) => writeFileSync(join(created.dataDir, "offset"), String(ms));
    set(0);
    await created.start();
    const ann = created.visitor();
    // Their bucket is empty, and an answer is being written.
    for (let n = 0; n < 5; n++) ann.say(`Question ${n}?`);
    await ann.sees(/faster than I may answer/);
    set(hours * 3_600_000);
    await ann.sees(/^To Question 2\?/);
    await sleep(3_000);
    const next = await ann.ask("And now?");
    expect(next.text).toMatch(/^To And now/);
    set(0);
    await sleep(3_000);
    await ann.ask("And then?");
    const contents = created.requests("And then?")[0]?.body.messages.map(({ content }) => content);
    expect(contents).toContain("And now?");
    expect(created.botApi.violations).toEqual([]);
  });
});
