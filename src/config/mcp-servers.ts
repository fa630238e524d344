/**
 * The file that `MCP_SERVERS` names: the servers whose tools the models may use, in the form that other hosts of such servers
 * read, too. Each mistake is a line that names the file, the server and the field.
 */
import { basename } from "node:path";
import { distance } from "../base/edit-distance.ts";
import { isObject, readJsonFile } from "./json-file.ts";
import { createMcpFields, type McpAddress, type McpProgram } from "./mcp-fields.ts";

export interface McpServer {
  readonly name: string;
  /** A program that is started and spoken to over its input and output, or an address. */
  readonly at: McpProgram | McpAddress;
  /** Its tools that are used, by the names that it gives them; left out: all. */
  readonly tools?: readonly string[] | undefined;
  /** Who may use them; left out: everybody who may use the bot. */
  readonly users?: readonly number[] | undefined;
  /** What it says of its tools is believed: those that only read need no asking. */
  readonly trust: boolean;
  /** All of its tools are offered in groups, too. */
  readonly groups: boolean;
}

export interface McpFile {
  readonly servers: readonly McpServer[];
  /** What of it must not be shown: values of the environment, of headers, and what references stood for. */
  readonly secrets: readonly string[];
}

const example = '{"mcpServers": {"files": {"command": "mcp-server-filesystem", "args": ["/srv/files"]}}}';
const ofPrograms = ["command", "args", "env", "cwd"] as const;
const ofAddresses = ["url", "headers"] as const;
const ours = [...ofPrograms, ...ofAddresses, "tools", "users", "trust", "groups", "disabled", "type"] as const;
/** Of other hosts: they would make nothing possible here that is not possible without them. */
const foreign: readonly string[] = ["description", "timeout", "autoApprove", "alwaysAllow", "icon", "transport"];
const mostServers = 30;
/** Of one file. More are of a few reasons. */
const mostMistakes = 20;

/** Reads the file. `env`: what its values may refer to. */
export function readMcpServers(
  path: string,
  env: Readonly<Record<string, string | undefined>>,
  mistakes: string[],
): McpFile {
  // Other programs take the servers themselves in a variable: that text is full of keys.
  const name = path.trimStart().startsWith("{") ? undefined : basename(path).slice(0, 60);
  if (name === undefined) {
    mistakes.push("MCP_SERVERS holds JSON itself; put that into a file and name the file here, like ./mcp.json");
    return { servers: [], secrets: [] };
  }
  const found: string[] = [];
  const file = readJsonFile(path, example, (what) => found.push(`MCP_SERVERS ${what}`));
  const list = file?.["mcpServers"];
  if (file !== undefined && !isObject(list))
    found.push(`MCP_SERVERS (${name}) has no object mcpServers; write it like ${example}`);
  const entries = isObject(list) ? Object.entries(list) : [];
  if (entries.length > mostServers)
    found.push(`MCP_SERVERS (${name}) has ${entries.length} servers; ${mostServers} are the most`);
  const fields = createMcpFields(env);
  const servers = entries.slice(0, mostServers).flatMap(([server, entry]) => {
    const where = `MCP_SERVERS (${name}), server ${JSON.stringify(server.slice(0, 60))}`;
    const wrong = (field: string, what: string) => void found.push(`${where}, ${field}: ${what}`);
    if (!isServerName(server)) {
      found.push(`${where}: its name must be 1 to 40 of A-Z a-z 0-9 _ . and -, beginning with a letter or digit`);
      return [];
    }
    if (!isObject(entry)) {
      found.push(`${where}: must be an object with a command or a url; write it like ${example}`);
      return [];
    }
    return readServer(server, entry, fields, wrong);
  });
  mistakes.push(...found.slice(0, mostMistakes));
  if (found.length > mostMistakes)
    mistakes.push(`MCP_SERVERS (${name}) has ${found.length - mostMistakes} more mistakes`);
  return { servers, secrets: [...fields.secrets] };
}

/** As they can be named in `TOOLS`, where two words mean something else. */
function isServerName(name: string): boolean {
  return /^[A-Za-z0-9][\w.-]{0,39}$/.test(name) && name !== "auto" && name !== "off";
}

type Wrong = (field: string, what: string) => void;

function readServer(
  name: string,
  entry: Readonly<Record<string, unknown>>,
  fields: ReturnType<typeof createMcpFields>,
  wrong: Wrong,
): McpServer[] {
  for (const field of Object.keys(entry)) {
    if (ours.some((one) => one === field) || foreign.includes(field)) continue;
    const near = ours.find((one) => distance(field.toLowerCase(), one, 2) <= 2);
    const advice = near === undefined ? `leave it out, or take one of ${ours.join(", ")}` : `did you mean ${near}?`;
    wrong(JSON.stringify(field.slice(0, 40)), `is not known; ${advice}`);
  }
  const flag = (field: "trust" | "groups" | "disabled") => {
    const value = entry[field];
    if (value !== undefined && typeof value !== "boolean") wrong(field, "must be true or false, without quotes");
    return value === true;
  };
  const [trust, groups, disabled] = [flag("trust"), flag("groups"), flag("disabled")];
  const tools = fields.list(
    entry["tools"],
    isToolName,
    'must be a list of names of its tools, like ["search"]',
    (what) => wrong("tools", what),
  );
  const users = fields.list(entry["users"], isUserId, "must be a list of user ids, like [123456789]", (what) =>
    wrong("users", what),
  );
  const at = placeOf(entry, fields, wrong);
  if (at === undefined || disabled) return [];
  return [{ name, at, tools, users, trust, groups }];
}

function placeOf(
  entry: Readonly<Record<string, unknown>>,
  fields: ReturnType<typeof createMcpFields>,
  wrong: Wrong,
): McpServer["at"] | undefined {
  const has = (names: readonly string[]) => names.filter((field) => entry[field] !== undefined);
  const { command, url, type } = entry;
  if (type !== undefined && !["stdio", "http", "streamable-http", "streamableHttp"].includes(String(type))) {
    const old = type === "sse" ? "sse is the old way over HTTP, which is not spoken here" : "is not known";
    wrong("type", `${old}; leave it out: a command is spoken to over stdio, a url over Streamable HTTP`);
  }
  if (command === undefined && url === undefined) {
    wrong("command", "is missing; a server has a command, or a url");
    return undefined;
  }
  const [stray] = has(command === undefined ? ofPrograms : ofAddresses);
  if (stray !== undefined) {
    wrong(
      stray,
      command === undefined ? "belongs to a command, not to a url" : "belongs to a server without a command",
    );
    return undefined;
  }
  if (command !== undefined) return fields.program(entry, wrong);
  return fields.address(entry, wrong);
}

function isToolName(value: unknown): value is string {
  return typeof value === "string" && value !== "" && value.length <= 200;
}

function isUserId(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
