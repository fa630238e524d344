import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterEach, describe, expect, it } from "vitest";
import { examineStorage } from "../../../src/app/doctor/storage.ts";
import { createOperatorSocket } from "../../../src/app/operator/socket.ts";
import { doctorConfig, short } from "../../support/doctor-scene.ts";
import { canStartRedis, type PrivateRedis, startPrivateRedis } from "../../support/redis-server.ts";

const cleaners: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleaners.splice(0).reverse()) await clean();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "parley-doctor-"));
  cleaners.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const findings = async (env: Record<string, string>, running = false) =>
  short(await examineStorage(doctorConfig(env), running));

describe("the doctor's look at DATA_DIR", () => {
  it("finds room in a folder, or where it will be made", async () => {
    const base = folder();
    const room = String.raw`: writable, [\d.]+ [MG]B free; `;
    expect((await findings({ DATA_DIR: base }))[0]).toMatch(
      new RegExp(`^(ok|warn) DATA_DIR: ${base}${room}no database yet: the first start makes it`),
    );
    const deep = join(base, "not", "there");
    expect((await findings({ DATA_DIR: deep }))[0]).toMatch(
      new RegExp(`^(ok|warn) DATA_DIR: ${deep}${room}made at the first start`),
    );
    writeFileSync(join(base, "parley.db"), "");
    expect((await findings({ DATA_DIR: base }))[0]).toContain("; no bot runs on it");
    expect((await findings({ DATA_DIR: base }, true))[0]).toContain("; in use by this bot");
  });

  it("is content with a bot that runs on it", async () => {
    const base = folder();
    writeFileSync(join(base, "parley.db"), "");
    const log = { info: () => undefined, warn: () => undefined };
    const socket = await createOperatorSocket({ dataDir: base, answer: async () => ({ exitCode: 0, lines: [] }), log });
    cleaners.push(() => socket.stop());
    expect((await findings({ DATA_DIR: base }))[0]).toMatch(/^(ok|warn) .*; in use by a running bot/);
  });

  it("finds a file in its place", async () => {
    const base = folder();
    writeFileSync(join(base, "data"), "");
    expect(await findings({ DATA_DIR: join(base, "data") })).toEqual([
      `bad DATA_DIR: ${join(base, "data")} is no folder → set DATA_DIR to one`,
    ]);
    expect((await findings({ DATA_DIR: join(base, "data", "below") }))[0]).toMatch(/is no folder/);
  });
});

describe.skipIf(!canStartRedis())("the doctor's look at Redis", () => {
  async function start(options: Parameters<typeof startPrivateRedis>[0] = {}): Promise<PrivateRedis> {
    const server = await startPrivateRedis(options);
    cleaners.push(() => server.stop());
    return server;
  }

  it("finds version, eviction, persistence and that every script is allowed, and claims nothing", async () => {
    const { url } = await start({ appendOnly: true });
    expect(await findings({ REDIS_URL: url })).toEqual([
      expect.stringMatching(/^ok Redis: 127\.0\.0\.1:\d+: version \d+\.\d+\.\d+; every command and script is allowed/),
      "ok eviction: noeviction",
      "ok persistence: appendonly: a restart of Redis loses a second at most",
    ]);
    const redis = new Redis(url);
    expect((await redis.keys("*")).filter((key) => !key.endsWith("probe"))).toEqual([]);
    await redis.set("{parley}:bot", "77");
    await redis.quit();
    expect((await findings({ REDIS_URL: url }))[0]).toMatch(
      /^bad Redis: REDIS_PREFIX: another bot \(77\) keeps its state/,
    );
  });

  it("finds one that throws away, and one that keeps nothing", async () => {
    const { url } = await start({ args: ["--maxmemory-policy", "allkeys-lru"] });
    const [, eviction, persistence] = await findings({ REDIS_URL: url });
    expect(eviction).toMatch(
      /^bad eviction: allkeys-lru: messages are thrown away.* → set maxmemory-policy to noeviction$/,
    );
    expect(persistence).toMatch(/^bad persistence: none: .* → set appendonly to yes$/);
  });

  it("finds one that wants a password, without showing any", async () => {
    const { port } = await start({ args: ["--requirepass", "a-secret-of-redis"] });
    const found = await findings({ REDIS_URL: `redis://:wrong-password-given@127.0.0.1:${port}` });
    expect(found).toEqual([`bad Redis: the Redis at 127.0.0.1:${port} refuses the user name or the password`]);
  });
});
