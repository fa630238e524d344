/** An MCP server over Streamable HTTP, in either era of the protocol, whose calls go wrong as their tools are named. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface McpHttpServer {
  readonly url: string;
  readonly port: number;
  /** Methods of the messages that came, in order; of HTTP where there is no message. */
  readonly heard: string[];
  /** `Mcp-Protocol-Version` of what came. */
  readonly versions: Set<string>;
  /** Names of tools whose calls have arrived. */
  readonly called: string[];
  /** Sessions from before are not known any more. */
  forgetSessions(): void;
  /** Where `redirect` leads. */
  sendTo(url: string): void;
  /** Everything is answered with this status from now on; undefined: as it should be. */
  refuse(status: number | undefined): void;
  stop(): Promise<void>;
}

interface Message {
  readonly id?: number | string;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly protocolVersion?: string; readonly [field: string]: unknown };
}

const tiny = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
  "base64",
);

/** A picture of two thousand million points in a few bytes. */
function bomb(): string {
  const bytes = Buffer.from(tiny);
  bytes.writeUInt32BE(50_000, 16);
  bytes.writeUInt32BE(50_000, 20);
  return bytes.toString("base64");
}

/** How calls of these tools are answered; `reply` sends a result as it should be. */
const ways: Readonly<
  Record<string, (response: ServerResponse, reply: (result: object) => void, elsewhere: string) => void>
> = {
  echo: (_response, reply) => reply({ content: [{ type: "text", text: "echo" }] }),
  hang: () => undefined,
  // Says nothing of its own, and never stops.
  chatter(response) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const timer = setInterval(() => response.write(": still here\n\n"), 20);
    response.on("close", () => clearInterval(timer));
  },
  flood(response) {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const notice = `data: ${JSON.stringify({ jsonrpc: "2.0", method: "notifications/message", params: { level: "info", data: "x" } })}\n\n`;
    const timer = setInterval(() => response.write(notice.repeat(500)), 5);
    response.on("close", () => clearInterval(timer));
  },
  big: (_response, reply) => reply({ content: [{ type: "text", text: "x".repeat(10_000_000) }] }),
  page(response) {
    response.writeHead(200, { "content-type": "text/html" }).end("<p>Sign in</p>");
  },
  noise(response) {
    response.writeHead(200, { "content-type": "application/json" }).end("{not json");
  },
  redirect(response, _reply, elsewhere) {
    response.writeHead(307, { location: elsewhere }).end();
  },
  metadata(response) {
    response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data/" }).end();
  },
  packed(response) {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end("x");
  },
  cut(response) {
    response.writeHead(200, { "content-type": "application/json", "content-length": "5000" });
    response.write("{");
    setTimeout(() => response.destroy(), 20);
  },
  bomb: (_response, reply) => reply({ content: [{ type: "image", data: bomb(), mimeType: "image/png" }] }),
  ...Object.fromEntries(
    [401, 403, 404, 408, 429, 500, 502, 504].map((status) => [
      `status-${status}`,
      (response: ServerResponse) => void response.writeHead(status).end("no"),
    ]),
  ),
};

async function bodyOf(request: IncomingMessage): Promise<Message | undefined> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as Message);
}

/** Starts it. `modern`: it speaks the protocol without sessions; else it begins with `initialize`. */
export async function createMcpHttpServer({ modern = false } = {}): Promise<McpHttpServer> {
  const heard: string[] = [];
  const called: string[] = [];
  const versions = new Set<string>();
  let sessions = 1;
  let refused: number | undefined;
  let elsewhere = "";

  /** What a message without a way of its own is answered with; undefined: it is a call. */
  function resultOf({ method, params }: Message): object | undefined {
    const serverInfo = { name: "far", version: "1" };
    const capabilities = { tools: {} };
    const lasting = modern ? { ttlMs: 0, cacheScope: "private" } : {};
    if (method === "server/discover" && modern)
      return { supportedVersions: ["2026-07-28"], capabilities, serverInfo, ...lasting };
    if (method === "initialize" && !modern)
      return { protocolVersion: params?.protocolVersion, capabilities, serverInfo };
    if (method !== "tools/list") return undefined;
    return { tools: Object.keys(ways).map((name) => ({ name, inputSchema: { type: "object" } })), ...lasting };
  }

  function answer(message: Message, response: ServerResponse): void {
    const { id, method, params } = message;
    const session = method === "initialize" ? { "mcp-session-id": `session-${sessions}` } : {};
    const say = (what: object): void => {
      response.writeHead(200, { "content-type": "application/json", ...session });
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...what }));
    };
    const reply = (result: object): void =>
      say({ result: { ...(modern ? { resultType: "complete" } : {}), ...result } });
    const known = resultOf(message);
    const way = method === "tools/call" ? ways[params?.name ?? ""] : undefined;
    if (id === undefined) response.writeHead(202).end();
    else if (known !== undefined) reply(known);
    else if (way === undefined) say({ error: { code: -32601, message: "Method not found" } });
    else {
      called.push(params?.name ?? "");
      way(response, reply, elsewhere);
    }
  }

  const server = createServer(async (request, response) => {
    const version = request.headers["mcp-protocol-version"];
    if (typeof version === "string") versions.add(version);
    const message = await bodyOf(request);
    heard.push(message?.method ?? request.method ?? "");
    if (refused !== undefined) return response.writeHead(refused).end();
    if (message === undefined) return response.writeHead(request.method === "DELETE" ? 200 : 405).end();
    const known = request.headers["mcp-session-id"];
    if (known !== undefined && known !== `session-${sessions}`) return response.writeHead(404).end();
    return answer(message, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    port,
    heard,
    versions,
    called,
    forgetSessions() {
      sessions += 1;
    },
    sendTo(url) {
      elsewhere = url;
    },
    refuse(status) {
      refused = status;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
