/** One listening port: how long requests may take, how it ends, and in which words it cannot be had. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { StartError } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";

export interface ListenerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** The variable that the port comes from. */
  readonly variable: "PORT" | "METRICS_PORT";
  readonly log: Logger;
  readonly onRequest: RequestListener;
}

export interface Listener {
  /** The port that it listens on. */
  readonly port: number;
  /** Takes nothing more, lets answers under way out for at most a second, then cuts what is left. */
  stop(): Promise<void>;
}

/** For headers and body together; a request that never ends is cut, with 408, about a second later. */
const requestWithinMs = 10_000;
const stopWithinMs = 1000;

/** Starts listening. Throws a `StartError` with one line when the port or the host cannot be had. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const server = createServer(
    {
      requestTimeout: requestWithinMs,
      headersTimeout: requestWithinMs,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: 65_000,
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      response.on("error", () => undefined);
      options.onRequest(request, response);
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  server.on("error", (error) => options.log.error({ err: error }, "the HTTP server failed"));

  let stopped: Promise<void> | undefined;
  return {
    port: (server.address() as AddressInfo).port,
    stop() {
      stopped ??= new Promise<void>((resolve) => {
        const idle = setInterval(() => server.closeIdleConnections(), 20);
        const cut = setTimeout(() => server.closeAllConnections(), stopWithinMs);
        server.close(() => {
          clearInterval(idle);
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      });
      return stopped;
    },
  };
}

function listenError(error: NodeJS.ErrnoException, { host, port, variable }: ListenerOptions): Error {
  switch (error.code) {
    case "EADDRINUSE":
      // It may be our own predecessor, on its way out.
      return new StartError(
        [
          `${variable}: ${port} is in use by another program on ${host}; stop that one, or set ${variable} to a free port.`,
        ],
        { retryable: true },
      );
    case "EACCES":
      return new StartError([
        `${variable}: ${port} may not be opened by this user; set ${variable} to one above 1023.`,
      ]);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new StartError([
        `HOST: ${host} is not an address of this machine; use 0.0.0.0 (all), 127.0.0.1 (this machine only) or one of its own.`,
      ]);
    default:
      return error;
  }
}
