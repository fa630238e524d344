import { defineConfig } from "vitest/config";

/** A file for a machine to read, besides what a person reads. */
const report = process.env["PARLEY_TEST_REPORT"];

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // End-to-end tests start processes of their own: more workers than this would only slow each other down.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Real processes and a browser on a crowded machine: a test that passes when it is run again tells of the machine. The
    // report of the runner still names it.
    retry: report === undefined ? 0 : 1,
    ...(report === undefined ? {} : { reporters: ["default", "json"], outputFile: { json: report } }),
  },
});
