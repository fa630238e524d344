import { defineConfig } from "vitest/config";
import { patienceMs } from "./test/support/patience.ts";

/** A file for a machine to read, besides what a person reads. */
const report = process.env["PARLEY_TEST_REPORT"];
/** Tests that start processes, look at their memory, or talk with a Redis that others use as well. */
const processes = ["bench", "end-to-end", "engines", "media", "tools/mcp"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    // Tests that start processes wait most of the time: four workers use two cores better.
    maxWorkers: 4,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Nothing is said of how fast a busy machine is; what has to be fast is counted, or measured by the benchmarks.
    expect: { poll: { timeout: patienceMs } },
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
    projects: [
      { extends: true, test: { name: "processes", include: processes } },
      // No module keeps anything, so these files can share a worker: half of their time was its start and its imports.
      { extends: true, test: { name: "parts", include: ["test/**/*.test.ts"], exclude: processes, isolate: false } },
    ],
  },
});
