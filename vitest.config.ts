import { defineConfig } from "vitest/config";
import { patienceMs } from "./test/support/patience.ts";

/** A file for a machine to read, besides what a person reads. */
const report = process.env["PARLEY_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // End-to-end tests start processes of their own, and wait most of the time: a third worker uses two cores better.
    maxWorkers: 3,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    // Nothing is said of how fast a busy machine is; what has to be fast is counted, or measured by the benchmarks.
    expect: { poll: { timeout: patienceMs } },
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
  },
});
