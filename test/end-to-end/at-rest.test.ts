/** What a process holds that nobody has written to: what answers need is loaded with the first update. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRig, runToEnd } from "../support/bot-process.ts";

async function residentMegabytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6;
}

describe.skipIf(process.platform !== "linux")("a process at rest", () => {
  it("holds at most 125 MB from its second start on, and answers", async () => {
    const rig = await createRig();
    try {
      await rig.start();
      await rig.end("SIGTERM");
      await rig.start();
      expect(await residentMegabytes(rig.child().pid)).toBeLessThan(125);
      const ada = rig.visitor();
      rig.answers("why?", { text: "Because." });
      expect((await ada.ask("why?")).text).toBe("Because.");
    } finally {
      await rig.stop();
    }
  });

  it("holds no more at its first start where all sources were loaded before, as in an image", async () => {
    const kept = await mkdtemp(join(tmpdir(), "parley-kept-"));
    const env = { NODE_COMPILE_CACHE: kept };
    expect(await runToEnd(env, "compile")).toEqual({ code: 0, output: "" });
    const rig = await createRig({ env });
    try {
      await rig.start();
      expect(await residentMegabytes(rig.child().pid)).toBeLessThan(125);
    } finally {
      await rig.stop();
      await rm(kept, { recursive: true, force: true });
    }
  });
});
