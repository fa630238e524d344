import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { createSqliteDatabase } from "../../src/engines/embedded/database.ts";
import { createSqliteDirectory } from "../../src/engines/embedded/directory.ts";
import { createMemoryDirectory } from "../../src/engines/memory/directory.ts";
import { createRedisDirectory } from "../../src/engines/redis/directory.ts";
import { directoryContract } from "../contracts/directory.contract.ts";
import { findRedis } from "../support/redis-server.ts";
import { openLink } from "../support/redis-state.ts";

const redis = await findRedis();
const root = mkdtempSync(join(tmpdir(), "parley-directory-"));
let files = 0;
afterAll(() => rmSync(root, { recursive: true }));

directoryContract("sqlite", async (now) => {
  const database = createSqliteDatabase(join(root, `${++files}.db`));
  return { directories: [createSqliteDirectory(database, now)], close: () => database.close() };
});

directoryContract("memory", async (now) => ({
  directories: [createMemoryDirectory(now)],
  close: async () => undefined,
}));

describe.skipIf(redis.missing !== undefined)(redis.title("the directory in Redis"), () => {
  directoryContract("Redis", async (now) => {
    const { link, close } = await openLink(redis.url);
    return { directories: [createRedisDirectory(link, now), createRedisDirectory(link, now)], close };
  });
});
