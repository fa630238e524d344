import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, describe, expect, it } from "vitest";
import { openEngines } from "../../src/app/engines.ts";
import { StartError } from "../../src/base/errors.ts";
import { createLogger } from "../../src/base/log.ts";
import { readConfig } from "../../src/config/config.ts";

const root = mkdtempSync(join(tmpdir(), "parley-engines-"));
afterAll(() => rmSync(root, { recursive: true }));
const silent = createLogger({ level: "silent", secrets: [], pretty: false });

describe("the embedded engines", () => {
  it.each(["queued_update", "turn"])("end a start with one line when %s is not what it must be", async (table) => {
    const dataDir = join(mkdtempSync(join(root, "data-")));
    const path = join(dataDir, "parley.db");
    const strange = new DatabaseSync(path);
    strange.exec(`CREATE VIEW ${table} AS SELECT 1 AS x`);
    strange.close();
    const environment = { BOT_TOKEN: `1:${"a".repeat(35)}`, OPENAI_API_KEY: "x", DATA_DIR: dataDir };
    const opening = openEngines(readConfig("start", environment), silent, () => undefined);
    const error = await opening.then(
      () => undefined,
      (failure: unknown) => failure,
    );
    expect(error).toBeInstanceOf(StartError);
    expect((error as StartError).lines).toEqual([expect.stringContaining(`${path} cannot be used`)]);
    // Its lock is free again.
    new DatabaseSync(path).exec("BEGIN IMMEDIATE");
  });
});
