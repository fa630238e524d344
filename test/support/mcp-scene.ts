/** Tools of MCP servers over a store in memory. */
import { fileURLToPath } from "node:url";
import { inNobodysName } from "../../src/base/in-hand.ts";
import type { Proxies } from "../../src/base/proxies.ts";
import type { McpServer } from "../../src/config/mcp-servers.ts";
import type { Alert } from "../../src/ports/alerts.ts";
import type { ToolResult } from "../../src/ports/tool-results.ts";
import type { ToolAsker, Tools, ToolTurn } from "../../src/ports/tools.ts";
import { createMcpTools } from "../../src/tools/mcp/servers.ts";
import { patienceMs } from "./patience.ts";

function programOf(file: string, args: readonly string[] = [], env: Record<string, string> = {}): McpServer["at"] {
  return { command: process.execPath, args: [file, ...args], env };
}

const referenceServers = {
  everything: new URL("../../node_modules/@modelcontextprotocol/server-everything/dist/index.js", import.meta.url),
  filesystem: new URL("../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js", import.meta.url),
  memory: new URL("../../node_modules/@modelcontextprotocol/server-memory/dist/index.js", import.meta.url),
};

/** A reference server as it is published, over stdio. */
export function referenceServer(
  name: keyof typeof referenceServers,
  args: readonly string[] = [],
  env: Record<string, string> = {},
) {
  return programOf(fileURLToPath(referenceServers[name]), args, env);
}

/** One that does everything wrong. */
export function hostileServer(env: Record<string, string> = {}) {
  return programOf(fileURLToPath(new URL("processes/hostile-mcp-server.ts", import.meta.url)), [], env);
}

export const asker: ToolAsker = { conversation: "7", userId: 7, isPrivate: true };

export type SceneServer = Partial<McpServer> & Pick<McpServer, "at">;

export interface McpScene {
  readonly tools: Omit<Tools, "forUnknown">;
  /** What the store knows; may be given to another scene. */
  readonly known: Map<string, string>;
  readonly alerts: readonly Alert[];
  /** Lines of the log. */
  readonly said: readonly string[];
  call(name: string, args?: unknown, signal?: AbortSignal): Promise<ToolResult>;
  names(to?: ToolAsker): Promise<readonly string[]>;
}

/** Creates tools of these servers, by name. */
export function createMcpScene(
  servers: Readonly<Record<string, SceneServer>>,
  {
    known = new Map<string, string>(),
    secrets = [] as readonly string[],
    proxies = undefined as Proxies | undefined,
    // Of a turn that begins, servers are waited for as long as the machine takes.
    offersWithinMs = patienceMs / 2,
  } = {},
): McpScene {
  const alerts: Alert[] = [];
  const said: string[] = [];
  const write = (fields: object, message: string) => void said.push(`${message} ${JSON.stringify(fields)}`);
  const log = { info: write, warn: write };
  const tools = createMcpTools({
    mcp: {
      servers: Object.entries(servers).map(([name, server]) => ({ name, trust: false, groups: false, ...server })),
      secrets,
    },
    store: {
      knownTools: async () => new Map(known),
      knowTool: async (name, hash) => void known.set(name, hash),
      async meetTool(name, hash) {
        if (!known.has(name)) known.set(name, hash);
        return known.get(name) ?? hash;
      },
    },
    proxies,
    alerts: { raise: (alert) => void alerts.push(alert) },
    log,
    offersWithinMs,
  });
  // Of a turn, servers need no more than this.
  const turn = { work: inNobodysName, log } as unknown as ToolTurn;
  return {
    tools,
    known,
    alerts,
    said,
    async call(name, args = {}, signal = new AbortController().signal) {
      const tool = (await tools.offered(asker)).find((one) => one.name === name);
      if (tool === undefined) throw new Error(`${name} is not offered`);
      return await tool.run({ args, key: "k", turn }, signal);
    },
    names: async (to = asker) => (await tools.offered(to)).map(({ name }) => name),
  };
}
