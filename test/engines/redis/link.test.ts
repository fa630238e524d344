import { afterEach, describe, expect, it, vi } from "vitest";
import { StartError } from "../../../src/base/errors.ts";
import type { RedisLink } from "../../../src/engines/redis/link.ts";
import { createRedisLink } from "../../../src/engines/redis/link.ts";
import { patienceMs } from "../../support/patience.ts";
import {
  canStartRedis,
  type PrivateRedis,
  type PrivateRedisOptions,
  startPrivateRedis,
} from "../../support/redis-server.ts";

const missing = canStartRedis() ? undefined : "no redis-server here";
const title = missing === undefined ? "the link to Redis" : `the link to Redis (${missing})`;

const servers: PrivateRedis[] = [];
const links: RedisLink[] = [];
const lines: string[] = [];
afterEach(async () => {
  for (const link of links.splice(0)) await link.stop();
  for (const server of servers.splice(0)) await server.stop();
  lines.length = 0;
});
const log = {
  info: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
  warn: (fields: object, message: string) => void lines.push(`${message} ${JSON.stringify(fields)}`),
};

async function start(options: PrivateRedisOptions = {}): Promise<PrivateRedis> {
  const server = await startPrivateRedis(options);
  servers.push(server);
  return server;
}

async function connect(url: string, options: { prefix?: string; botId?: string } = {}): Promise<RedisLink> {
  const link = await createRedisLink({ url, log, ...options });
  links.push(link);
  return link;
}

async function refusal(url: string, options: { prefix?: string; botId?: string } = {}): Promise<string> {
  const error: unknown = await connect(url, options).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StartError);
  const refused = (error as StartError).lines;
  expect(refused).toHaveLength(1);
  expect(refused[0]).not.toContain("secret-word");
  return refused[0] ?? "";
}

describe.skipIf(missing !== undefined)(title, () => {
  it("refuses what cannot carry a bot: a cluster, a replica", async () => {
    const cluster = await start({ args: ["--cluster-enabled", "yes"] });
    expect(await refusal(cluster.url)).toMatch(/is a cluster, which is not supported/);
    const primary = await start();
    const replica = await start({ args: ["--replicaof", "127.0.0.1", String(primary.port)] });
    await vi.waitFor(async () => expect(await refusal(replica.url)).toMatch(/read-only replica/), {
      timeout: patienceMs,
    });
  });

  it("refuses a wrong password without repeating it", async () => {
    const server = await start({ args: ["--requirepass", "right"] });
    expect(await refusal(server.url.replace("//", "//:secret-word@"))).toMatch(/refuses the user name or the password/);
    expect(await refusal(server.url)).toMatch(/wants a password/);
    await connect(server.url.replace("//", "//:right@"));
  });

  it("keeps a prefix for the bot that claimed it, and lets that bot in again", async () => {
    const server = await start();
    await connect(server.url, { prefix: "one", botId: "1" });
    await connect(server.url, { prefix: "one", botId: "1" });
    await connect(server.url, { prefix: "two", botId: "2" });
    expect(await refusal(server.url, { prefix: "one", botId: "2" })).toMatch(/another bot \(1\)/);
  });

  it("warns of a Redis that may forget", async () => {
    await connect((await start({ args: ["--maxmemory-policy", "allkeys-lru"] })).url);
    expect(lines.join("\n")).toMatch(/maxmemory-policy to noeviction/);
    expect(lines.join("\n")).toMatch(/appendonly to yes/);
    lines.length = 0;
    await connect((await start({ appendOnly: true })).url);
    expect(lines).toEqual([]);
  });

  it("fails soon while Redis is away, says so once, and is back by itself, subscriptions too", async () => {
    const server = await start({ appendOnly: true });
    const link = await connect(server.url);
    const heard: string[] = [];
    let joined = 0;
    link.subscribe(
      "news",
      (message) => heard.push(message),
      () => joined++,
    );
    await vi.waitFor(() => expect(joined).toBe(1), { timeout: patienceMs });
    const said = (command: Promise<unknown>) => command.then(String, String);
    const underWay = said(link.commands.brpop("nothing", 0));
    await server.kill();
    const plainly = /^Error: Redis (?:is away: the connection is closed|has not answered in time)$/;
    expect(await underWay).toMatch(plainly);
    await vi.waitFor(() => expect(link.commands.status).not.toBe("ready"), { timeout: patienceMs });
    expect(await said(link.commands.set("a", 1))).toMatch(plainly);
    await vi.waitFor(() => expect(lines).toHaveLength(1), { timeout: patienceMs });
    await server.start();
    await vi.waitFor(() => expect(joined).toBe(2), { timeout: patienceMs });
    await vi.waitFor(async () => expect(await link.commands.set("a", 1)).toBe("OK"), { timeout: patienceMs });
    await link.commands.publish(`${link.prefix}news`, "again");
    await vi.waitFor(() => expect(heard).toEqual(["again"]), { timeout: patienceMs });
    expect(lines).toHaveLength(2);
  });

  it("does not wait for a Redis that hangs", async () => {
    const server = await start();
    const link = await connect(server.url);
    server.freeze();
    await expect(link.commands.ping()).rejects.toEqual(new Error("Redis has not answered in time"));
    server.thaw();
    await vi.waitFor(async () => expect(await link.commands.ping()).toBe("PONG"), { timeout: patienceMs });
  });
});
