import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readConfig } from "../src/config.ts";
import { StartError } from "../src/errors.ts";
import { createLogger } from "../src/log.ts";
import { askQueue } from "../src/operator/ask.ts";

const quiet = createLogger({ level: "silent", secrets: [], pretty: false });

it("an operator who may not look into the bot's folder is told so, and not that there is no database", async () => {
  const folder = mkdtempSync(join(tmpdir(), "operator-test-"));
  writeFileSync(join(folder, "parley.db"), "");
  const config = readConfig("queue", { DATA_DIR: folder });
  // Root may look everywhere: it asks as nobody. Anybody else is kept out of a folder without rights.
  const root = process.getuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  else chmodSync(folder, 0);
  try {
    const refused = await askQueue(["stats"], config, quiet).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StartError);
    expect((refused as StartError).lines).toEqual([
      `DATA_DIR: ${join(folder, "parley.db")} cannot be reached by this user (EACCES); run this command as the bot's user.`,
    ]);
  } finally {
    if (root) process.seteuid?.(0);
    else chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  }
});
