/** A proxy on loopback that remembers what went through it, and resolves names of its own. */
import { createServer, type IncomingMessage, request as send } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

export interface ProxyServer {
  /** `host:port`. */
  readonly address: string;
  /** `GET http://…` of what it carried in the open, `CONNECT host:port` of its tunnels. */
  readonly carried: readonly string[];
  /** `Proxy-Authorization` of each, in the same order. */
  readonly credentials: readonly (string | undefined)[];
  stop(): Promise<void>;
}

/** Starts a proxy; `ports` are those on loopback that stand for hosts. */
export async function createProxyServer(ports: Readonly<Record<string, number>> = {}): Promise<ProxyServer> {
  const carried: string[] = [];
  const credentials: (string | undefined)[] = [];
  const sockets = new Set<Socket>();

  function remember(what: string, request: IncomingMessage): void {
    carried.push(what);
    credentials.push(request.headers["proxy-authorization"]);
  }

  const server = createServer((request, response) => {
    const { method = "", url = "" } = request;
    const { "proxy-authorization": _, ...headers } = request.headers;
    remember(`${method} ${url.replace(/\/bot[^/]*\//, "/bot…/")}`, request);
    const target = new URL(url);
    const port = ports[target.hostname] ?? Number(target.port);
    const path = `${target.pathname}${target.search}`;
    const forward = send({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forward.on("error", () => response.destroy());
    request.pipe(forward);
  });
  server.on("connect", (request, client: Socket) => {
    remember(`CONNECT ${request.url}`, request);
    const [host = "", given = ""] = (request.url ?? "").split(":");
    const target = connect(ports[host] ?? Number(given), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      client.pipe(target).pipe(client);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => void (socket === client ? target : client).destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    carried,
    credentials,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}
