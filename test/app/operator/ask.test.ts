import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { askQueue } from "../../../src/app/operator/ask.ts";
import { StartError } from "../../../src/base/errors.ts";
import { createLogger } from "../../../src/base/log.ts";
import { readConfig } from "../../../src/config/config.ts";
import { createSqliteDatabase } from "../../../src/engines/embedded/database.ts";
import { createSqliteStore } from "../../../src/engines/embedded/store.ts";
import { textParts } from "../../../src/ports/content.ts";
import type { Store } from "../../../src/ports/store.ts";

const print = async () => undefined;
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
    const refused = await askQueue(["stats"], config, quiet, print).catch((error: unknown) => error);
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

it("an operator makes the bot forget nothing that it keeps for longer than is usual", async () => {
  const folder = mkdtempSync(join(tmpdir(), "operator-test-"));
  const historyTtlSeconds = 10 * 365 * 24 * 3_600;
  async function withStore<T>(work: (store: Store) => Promise<T>, now = Date.now()): Promise<T> {
    const database = createSqliteDatabase(join(folder, "parley.db"));
    const store = createSqliteStore({ database, historyTtlSeconds, now: () => now });
    const result = await work(store);
    await store.stop();
    await database.close();
    return result;
  }
  const at = Date.now() - 365 * 24 * 3_600_000;
  const turn = {
    conversation: "7",
    question: 1,
    root: 1,
    run: 1,
    state: "writing",
    asked: textParts("Well?"),
    messages: [],
  } as const;
  await withStore((store) => store.beginTurn(turn), at);
  const config = readConfig("queue", { DATA_DIR: folder });
  expect(await askQueue(["stats"], config, quiet, print)).toBe(0);
  expect(await withStore((store) => store.newestTurn("7"))).toMatchObject({ asked: textParts("Well?") });
  rmSync(folder, { recursive: true });
});
