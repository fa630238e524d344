/** The MCP servers that the configuration names: whether each can be reached, and what it offers. */
import { createConnections } from "../../base/connections.ts";
import { messageOf } from "../../base/errors.ts";
import type { Config } from "../../config/config.ts";
import type { McpServer } from "../../config/mcp-servers.ts";
import type { Finding } from "../../ports/operators.ts";
import { bad, ok, warn } from "./findings.ts";

/** Characters of names in one line. */
const mostShown = 300;

/** A line for each; another one for what of it cannot be used. `sparing`: none is started beside those that run. */
export async function examineServers(
  { tools, proxies }: Config,
  sparing: boolean,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const servers = tools?.mcp?.servers ?? [];
  if (servers.length === 0) return [];
  if (sparing) {
    const names = servers.map(({ name }) => name).join(", ");
    return [ok("MCP", `${names}: npm run doctor starts each of them and looks`)];
  }
  const connections = createConnections({ proxies });
  try {
    const found = servers.map((server) => examineServer(server, connections, signal));
    return (await Promise.all(found)).flat();
  } finally {
    connections.stop();
  }
}

async function examineServer(
  server: McpServer,
  connections: ReturnType<typeof createConnections>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const about = `MCP ${server.name}`;
  const isProgram = "command" in server.at;
  const begunAt = performance.now();
  const { openSession } = await import("../../tools/mcp/session.ts");
  const hooks = { onListChanged: () => undefined, onEnd: () => undefined };
  const opening = openSession({ server, connections, ...hooks }, signal);
  try {
    const session = await opening;
    try {
      const { definitions, leftOut } = await session.list(signal);
      const took = Math.round(performance.now() - begunAt);
      const wanted = definitions.filter(({ name }) => server.tools?.includes(name) !== false);
      const missing = (server.tools ?? []).filter((name) => definitions.every((one) => one.name !== name));
      const some = wanted.map(({ name }) => name).join(", ");
      const shown = some.length > mostShown ? `${some.slice(0, mostShown)}…` : some;
      const counted = wanted.length === 1 ? "1 tool" : `${wanted.length} tools`;
      const way = isProgram ? "over stdio" : "over HTTP";
      return [
        wanted.length === 0
          ? warn(about, `answers ${way}, but has no tool that could be used (${took} ms)`)
          : ok(about, `${counted} ${way} (${took} ms): ${shown}`),
        ...missing.map((name) => warn(about, `has no tool ${name}`, "mend its tools in MCP_SERVERS")),
        ...leftOut.slice(0, 3).map((line) => warn(about, `a tool cannot be used: ${line}`)),
      ];
    } finally {
      await session.close();
    }
  } catch (error) {
    const reason = signal.aborted ? "no answer in time" : messageOf(error);
    const todo = isProgram
      ? "run its command by hand, and mend it in MCP_SERVERS"
      : "is its url right, does it run, and are its headers valid?";
    return [bad(about, `cannot be used: ${reason}`, todo)];
  }
}
