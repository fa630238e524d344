/** The tools of MCP servers: who may use which of them, as long as they are what they were when they were first seen. */
import { createConnections } from "../../base/connections.ts";
import type { Logger } from "../../base/log.ts";
import type { Proxies } from "../../base/proxies.ts";
import { createRedactor } from "../../base/redaction.ts";
import type { McpFile } from "../../config/mcp-servers.ts";
import type { Alerts } from "../../ports/alerts.ts";
import type { StepStore } from "../../ports/steps.ts";
import type { ListedTool, Tool, ToolAsker, Tools } from "../../ports/tools.ts";
import { createNames } from "./names.ts";
import { createServer, type Entry } from "./server.ts";

export interface McpToolsDeps {
  readonly mcp: McpFile;
  readonly store: Pick<StepStore, "knownTools" | "knowTool" | "meetTool">;
  readonly proxies?: Proxies | undefined;
  readonly alerts: Alerts;
  readonly log: Pick<Logger, "info" | "warn">;
  /** A question waits no longer for a server that is not there yet: its tools come with a later one. Milliseconds: 2,500. */
  readonly offersWithinMs?: number | undefined;
}

/** A call that was allowed waits so long for its server, which may have to start first. Milliseconds. */
const awaitedWithinMs = 20_000;

/** Creates the tools; nothing is started or connected before somebody may use it. */
export function createMcpTools(deps: McpToolsDeps): Omit<Tools, "forUnknown"> {
  const { mcp, store, proxies, alerts, log, offersWithinMs = 2_500 } = deps;
  const connections = createConnections({ proxies, idleMs: 4_000 });
  const redact = createRedactor(mcp.secrets);
  const names = createNames(mcp.servers.map(({ name }) => name));
  const servers = mcp.servers.map((server) => createServer({ server, names, store, connections, redact, alerts, log }));
  const openTo = ({ userId }: ToolAsker) => servers.filter(({ users }) => users === undefined || users.has(userId));

  async function offeredWithin(to: ToolAsker, withinMs: number): Promise<readonly Tool[]> {
    const entries = await Promise.all(openTo(to).map((server) => server.entries(withinMs)));
    return entries.flatMap(({ reachable, known }) =>
      reachable ? known.flatMap(({ tool, changed }): Tool[] => (changed ? [] : [tool])) : [],
    );
  }

  return {
    async offered(to) {
      const offered = await offeredWithin(to, offersWithinMs);
      const isThere = (name: string) => offered.some((tool) => tool.name === name);
      return to.awaits?.every(isThere) === false ? await offeredWithin(to, awaitedWithinMs) : offered;
    },
    async listed(to) {
      const looks = openTo(to).map(async (server): Promise<ListedTool[]> => {
        const { reachable, known } = await server.entries(offersWithinMs);
        if (known.length > 0 || reachable) return known.map((entry) => listedAs(entry, reachable));
        return [{ name: server.name, description: "", server: server.name, asks: false, disabled: "unreachable" }];
      });
      return (await Promise.all(looks)).flat();
    },
    async confirm(name) {
      for (const server of servers) if (await server.confirm(name, offersWithinMs)) return true;
      return false;
    },
    async stop() {
      await Promise.all(servers.map((server) => server.stop()));
      connections.stop();
    },
  };
}

function listedAs({ tool, changed }: Entry, reachable: boolean): ListedTool {
  const { name, description, server, asks } = tool;
  const disabled = reachable ? (changed ? "changed" : undefined) : "unreachable";
  return { name, description, server, asks, disabled };
}
