import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { patienceMs } from "./test/support/patience.ts";

/** A file for a machine to read, besides what a person reads. */
const report = process.env["PARLEY_TEST_REPORT"];
/** Tests that start processes, or talk with a Redis that others use as well: they wait most of the time. */
const processes = ["bench", "end-to-end", "engines", "media", "tools/mcp"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

/** Those that take longest, most of it with waiting: begun last, they would be waited for when all else is done. */
const longest = [
  ...["chaos", "crash", "held-chats", "hanging", "crash-continue", "busy-machine"].map((name) => `end-to-end/${name}`),
  ...["engines/ledger", "engines/redis/queue-processes", "engines/step-kills", "markdown/growth"],
].map((name) => `test/${name}.test.ts`);
for (const file of longest)
  if (!existsSync(file)) throw new Error(`${file} is named in vitest.config.ts, and is not there`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      const at = longest.findIndex((file) => moduleId.endsWith(`/${file}`));
      return at >= 0 ? at : project.name === "processes" ? longest.length : longest.length + 1;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    // Most of them wait most of the time: so many workers keep two cores busy.
    maxWorkers: 6,
    sequence: { sequencer: LongestFirst },
    // No module keeps anything, so files can share a worker: half of their time was its start and its imports.
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Nothing is said of how fast a busy machine is; what has to be fast is counted, or measured by the benchmarks.
    expect: { poll: { timeout: patienceMs } },
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
    projects: [
      { extends: true, test: { name: "processes", include: processes } },
      { extends: true, test: { name: "parts", include: ["test/**/*.test.ts"], exclude: processes } },
    ],
  },
});
