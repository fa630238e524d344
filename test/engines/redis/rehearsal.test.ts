import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartError } from "../../../src/base/errors.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { rehearsal } from "../../../src/engines/redis/rehearsal.ts";
import { createRedisStore } from "../../../src/engines/redis/store.ts";
import { inEnglish } from "../../support/note-words.ts";
import { canStartRedis, type PrivateRedis, startPrivateRedis } from "../../support/redis-server.ts";

const missing = !canStartRedis();
const silent = { info() {}, warn() {} };
let server: PrivateRedis;
let root: Redis;
let prefixes = 0;
beforeAll(async () => {
  if (missing) return;
  server = await startPrivateRedis();
  root = new Redis({ port: server.port });
});
afterAll(async () => {
  root?.disconnect();
  await server?.stop();
});

const setUser = (...rules: string[]) => root.call("ACL", "SETUSER", "bot", "reset", "on", ">secret-of-bot", ...rules);
const open = (prefix: string) =>
  createRedisLink({ url: `redis://bot:secret-of-bot@127.0.0.1:${server.port}`, prefix, botId: "7", log: silent });

/** The one line that a start ends with. */
async function refusal(prefix = `p${++prefixes}`): Promise<string> {
  const error = await open(prefix).then(
    async (link) => {
      await link.stop();
      throw new Error("it was let in");
    },
    (failure: unknown) => failure,
  );
  if (!(error instanceof StartError)) throw error;
  expect(error.lines).toHaveLength(1);
  expect(error.message).not.toContain("secret-of-bot");
  return error.lines[0] ?? "";
}

describe.skipIf(missing)("a start over Redis", () => {
  it.each([
    ["may run no scripts", ["~*", "&*", "+@all", "-eval"], /may not do what is needed.*eval/],
    ["may not do one thing that a script does", ["~*", "&*", "+@all", "-zadd"], /may not do what is needed.*zadd/i],
    ["may not wait for lanes", ["~*", "&*", "+@all", "-bzpopmin"], /may not do what is needed.*bzpopmin/],
    ["may not look for keys", ["~*", "&*", "+@all", "-scan"], /may not do what is needed.*scan/],
    ["may use other keys only", ["~other:*", "&*", "+@all"], /may not do what is needed/],
    ["may not hear of interrupts", ["~*", "resetchannels", "+@all"], /may not do what is needed/],
  ] as const)("ends with one line when its user %s", async (_what, rules, line) => {
    await setUser(...rules);
    expect(await refusal()).toMatch(line);
  });

  it("is let in with the rights that it needs, and leaves nothing of its trial behind", async () => {
    await setUser("~{right}:*", "&{right}:*", "+@all", "-@admin");
    const link = await open("right");
    expect((await root.keys("*rehearsal*")).map(String)).toEqual([]);
    await link.stop();
  });

  it("ends with one line that names the key at which something else stands", async () => {
    await setUser("~*", "&*", "+@all");
    for (const [key, make] of [
      ["waiting", ["SET", "x"]],
      ["bot", ["LPUSH", "x"]],
      ["ready:turn", ["SADD", "x"]],
      ["holds", ["SET", "x"]],
    ] as const) {
      const prefix = `p${++prefixes}`;
      await root.call(make[0], `{${prefix}}:${key}`, make[1]);
      expect(await refusal(prefix)).toContain(`{${prefix}}:${key} is a`);
    }
  });

  it("is not ready any more when a right is taken away or something else stands at a key, and then again", async () => {
    await setUser("~*", "&*", "+@all");
    const link = await open("later");
    const store = createRedisStore({ link, historyTtlSeconds: 60, noteWords: inEnglish });
    expect(await store.healthy()).toBe(true);
    await setUser("~*", "&*", "+@all", "-eval");
    // Of a connection that stands already.
    expect(await store.healthy()).toBe(false);
    await setUser("~*", "&*", "+@all");
    expect(await store.healthy()).toBe(true);
    await root.set("{later}:dead", "x");
    expect(await store.healthy()).toBe(false);
    await root.del("{later}:dead");
    expect(await store.healthy()).toBe(true);
    await link.stop();
  });
});

describe("the trial of a start", () => {
  const commandsOf = (text: string) =>
    [...text.matchAll(/call\(\s*['"]([A-Za-z]+)['"]/g)].map(([, name]) => name?.toUpperCase());
  const tried = new Set(commandsOf(rehearsal));

  const folder = fileURLToPath(new URL("../../../src/engines/redis/", import.meta.url));
  const sources = new Map(readdirSync(folder).map((file) => [file, readFileSync(`${folder}${file}`, "utf8")]));

  it("has every command of our scripts", () => {
    const used = [...sources.values()].flatMap(commandsOf);
    expect(used.length).toBeGreaterThan(100);
    expect(used.filter((name) => !tried.has(name))).toEqual([]);
  });

  it("has every command that we send beside them", () => {
    const calls = (text: string) =>
      [...text.matchAll(/\b(?:redis|commands|subscriber)\.([a-z]+)\(/g)].map(([, name = ""]) => name);
    const begun = calls(sources.get("rehearsal.ts") ?? "").map((name) => name.toUpperCase());
    // What the client does by itself, and what the look at a Redis asks at every start.
    const client = new Set(["on", "once", "off", "connect", "disconnect", "quit", "eval", "info", "config", "call"]);
    const used = [...sources.values()].flatMap(calls).filter((name) => !client.has(name));
    expect(used).toContain("scan");
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name) => !tried.has(name.toUpperCase()) && !begun.includes(name.toUpperCase()))).toEqual([]);
  });
});
