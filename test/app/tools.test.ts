import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { openTools } from "../../src/app/tools.ts";
import { createLogger } from "../../src/base/log.ts";
import { readConfig } from "../../src/config/config.ts";
import { createMemoryStore } from "../../src/engines/memory/store.ts";
import type { MediaModels } from "../../src/ports/media-models.ts";
import { english } from "../../src/texts/english.ts";
import { good } from "../support/environments.ts";
import { hostileServer } from "../support/mcp-scene.ts";
import { patienceMs } from "../support/patience.ts";

async function namesWith(
  env: Record<string, string>,
  draw?: MediaModels["draw"],
): Promise<readonly string[] | undefined> {
  const config = readConfig("start", { ...good, ...env });
  const log = createLogger({ level: "silent", secrets: [], pretty: false });
  const tools = openTools({
    store: createMemoryStore({ historyTtlSeconds: 60 }),
    draw,
    config,
    log,
    alerts: { raise: () => {} },
  });
  const asker = { conversation: "-1:0", userId: 1, isPrivate: false, remembers: env["MEMORY"] !== undefined };
  const offered = await tools?.offered(asker);
  await tools?.stop();
  return offered?.map(({ name }) => name);
}

/** What a process loads of the client's package while it offers its tools. */
function loadedWith(env: Record<string, string>): readonly string[] {
  const source = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
  const script = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({
      resolve(name, context, next) {
        if (name.includes("modelcontextprotocol")) loaded.push(name);
        return next(name, context);
      },
    });
    const { openTools } = await import(${source("app/tools.ts")});
    const { readConfig } = await import(${source("config/config.ts")});
    const { createLogger } = await import(${source("base/log.ts")});
    const { createMemoryStore } = await import(${source("engines/memory/store.ts")});
    const config = readConfig("start", ${JSON.stringify({ ...good, ...env })});
    const log = createLogger({ level: "silent", secrets: [], pretty: false });
    const store = createMemoryStore({ historyTtlSeconds: 60 });
    const tools = openTools({ config, store, log, alerts: { raise() {} } });
    await tools.offered({ conversation: "1", userId: 1, isPrivate: true });
    await tools.stop();
    console.log(JSON.stringify(loaded));
    process.exit(0);
  `;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  return JSON.parse(said.trim().split("\n").at(-1) ?? "null") as string[];
}

describe("the tools of a process", () => {
  it("are those that are configured, also in groups", async () => {
    expect(await namesWith({})).toEqual(["read_page", "calculate", "read_file"]);
    expect(await namesWith({ TAVILY_API_KEY: "tvly-0123456789" })).toEqual([
      "web_search",
      "read_page",
      "calculate",
      "read_file",
    ]);
  });

  it("draw where a model draws", async () => {
    expect(await namesWith({}, async () => undefined)).toContain("draw");
  });

  it("remember where facts are wanted, unless the operator wants none", async () => {
    expect(await namesWith({ MEMORY: "on" })).toEqual(["read_page", "calculate", "read_file", "remember", "forget"]);
    expect(await namesWith({ MEMORY: "off" })).not.toContain("remember");
  });

  it("are told to people in words of their own: what a model reads of them is for models", async () => {
    const env = { MEMORY: "on", TAVILY_API_KEY: "tvly-0123456789" };
    const names = (await namesWith(env, async () => undefined)) ?? [];
    expect(names).toHaveLength(7);
    for (const name of names) {
      const tool = { name, description: "for models", asks: false };
      const text = (server?: string) =>
        english.toolList({ on: true, listed: [server === undefined ? tool : { ...tool, server }], admin: false });
      expect(text()).not.toContain("for models");
      expect(text("files")).toContain("for models");
    }
  });

  it("are those that TOOLS names, or none", async () => {
    expect(await namesWith({ TAVILY_API_KEY: "tvly-0123456789", TOOLS: "web_search" })).toEqual(["web_search"]);
    expect(await namesWith({ TOOLS: "off" })).toBeUndefined();
  });

  it("load the client of servers only where there are some", () => {
    const path = join(mkdtempSync(join(tmpdir(), "parley-tools-")), "mcp.json");
    const server = { command: process.execPath, args: ["-e", ""] };
    writeFileSync(path, JSON.stringify({ mcpServers: { short: server } }));
    expect(loadedWith({})).toEqual([]);
    expect(loadedWith({ MCP_SERVERS: path })).not.toEqual([]);
  });

  it("are those of servers, too, where there is a store that knows them again", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "parley-tools-")), "mcp.json");
    writeFileSync(path, JSON.stringify({ mcpServers: { bad: { ...hostileServer(), tools: ["changes"] } } }));
    const config = readConfig("start", { ...good, MCP_SERVERS: path });
    const known = new Map<string, string>();
    const store = {
      knownTools: async () => known,
      knowTool: async (name: string, hash: string) => void known.set(name, hash),
      async meetTool(name: string, hash: string) {
        if (!known.has(name)) known.set(name, hash);
        return known.get(name) ?? hash;
      },
    };
    const log = createLogger({ level: "silent", secrets: [], pretty: false });
    const tools = openTools({ config, store, log, alerts: { raise: () => {} } });
    const asker = { conversation: "1", userId: 1, isPrivate: true };
    const names = async () => (await tools?.offered(asker))?.map(({ name }) => name);
    await vi.waitFor(async () => expect(await names()).toContain("bad_changes"), patienceMs);
    expect([...known.keys()]).toEqual(["bad/changes"]);
    await tools?.stop();
  });
});
