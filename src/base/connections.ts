/**
 * HTTP over `node:http`, on connections that are kept, through proxies if there are any: what calls to Telegram and to the
 * models stand on. Its errors name a code and an address at most, never a URL, which may hold a secret.
 */
import http, { type ClientRequest, type RequestOptions } from "node:http";
import https from "node:https";
import type { Proxies } from "./proxies.ts";

export interface Connections {
  /** Begins a request to an address. */
  request(url: URL, options: RequestOptions): ClientRequest;
  /** Closes the connections to an origin that idle. */
  closeIdle(url: URL): void;
  /** Closes every connection. */
  stop(): void;
}

export interface ConnectionsOptions {
  readonly proxies?: Proxies | undefined;
  /** How long a connection may idle, in milliseconds; for as long as the other side lets it when left out. */
  readonly idleMs?: number | undefined;
  /** To one origin, at once; as many as are asked for when left out. */
  readonly maxSockets?: number | undefined;
}

/** Creates the connections for one purpose; none is made before it is needed. */
export function createConnections({ proxies, idleMs, maxSockets }: ConnectionsOptions = {}): Connections {
  const options = {
    keepAlive: true,
    scheduling: "lifo",
    maxSockets: maxSockets ?? Number.POSITIVE_INFINITY,
    timeout: idleMs,
    proxyEnv: proxies === undefined ? undefined : { ...proxies },
  } as const;
  const plain = { client: http, agent: new http.Agent(options) };
  const secure = { client: https, agent: new https.Agent(options) };

  return {
    request(url, asked) {
      const { client, agent } = url.protocol === "https:" ? secure : plain;
      return client.request(url, { ...asked, agent });
    },
    closeIdle(url) {
      const { agent } = url.protocol === "https:" ? secure : plain;
      const host = url.hostname.replace(/^\[|\]$/g, "");
      const port = Number(url.port) || (url.protocol === "https:" ? 443 : 80);
      for (const socket of agent.freeSockets[agent.getName({ host, port })] ?? []) socket.destroy();
    },
    stop() {
      plain.agent.destroy();
      secure.agent.destroy();
    },
  };
}
