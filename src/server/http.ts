/** The one HTTP listener of a process: health, metrics, and the webhook when there is one. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { messageOf, StartError } from "../errors.ts";
import type { Logger } from "../log.ts";
import { withinTime } from "../within-time.ts";

export interface Readiness {
  /** Can take and store updates, and, in a worker, handle them. */
  readonly ok: boolean;
  /** What the body of `/readyz` says besides: Telegram's state, what is wrong. No secrets. */
  readonly detail: Readonly<Record<string, unknown>>;
}

export interface HttpServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly log: Logger;
  readonly health: { ready(): Promise<Readiness> };
  /** Prometheus text. */
  metrics(): Promise<string>;
  /** Further routes, of the dashboard. */
  readonly dashboard?: Hono;
  readonly webhook?: {
    /** With its leading slash. */
    readonly path: string;
    handler(request: IncomingMessage, response: ServerResponse): Promise<void>;
  };
}

export interface HttpServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Takes nothing more, lets answers under way out for at most a second, then cuts what is left. */
  stop(): Promise<void>;
}

const readyWithinMs = 900;
/** For headers and body together; a request that never ends is cut, with 408, about a second later. */
const requestWithinMs = 10_000;
const stopWithinMs = 1000;

/** Starts listening. Throws a `StartError` with one line when the port or the host cannot be had. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { log, webhook } = options;
  const app = new Hono();
  app.get("/healthz", (c) => c.json({ ok: true }));
  app.get("/readyz", async (c) => {
    const { ok, detail } = await readyInTime(options.health);
    return c.json({ ok, ...detail }, ok ? 200 : 503);
  });
  app.get("/metrics", async (c) =>
    c.text(await options.metrics(), 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" }),
  );
  if (options.dashboard !== undefined) app.route("/", options.dashboard);
  app.notFound((c) => c.text("404\n", 404));
  app.onError((error, c) => {
    log.error({ err: error, path: c.req.path }, "a request failed");
    return c.text("500\n", 500);
  });
  const listener = getRequestListener(app.fetch);

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
      // The webhook passes by the router: an acknowledgement is counted in milliseconds, and its body must not be touched.
      if (webhook !== undefined && pathOf(request) === webhook.path) void webhook.handler(request, response);
      else void listener(request, response);
    },
  );

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(listenError(error, options)));
    server.listen(options.port, options.host, resolve);
  });
  server.on("error", (error) => log.error({ err: error }, "the HTTP server failed"));

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

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "/";
  const query = url.indexOf("?");
  return query === -1 ? url : url.slice(0, query);
}

/** An answer within a second, whatever hangs behind it. */
async function readyInTime(health: { ready(): Promise<Readiness> }): Promise<Readiness> {
  const notReady = (reason: string): Readiness => ({ ok: false, detail: { reason } });
  const asked = health.ready().catch((error: unknown) => notReady(messageOf(error)));
  return await withinTime(readyWithinMs, asked, notReady("no answer in time"));
}

function listenError(error: NodeJS.ErrnoException, { host, port }: HttpServerOptions): Error {
  switch (error.code) {
    case "EADDRINUSE":
      return new StartError([
        `PORT: ${port} is in use by another program on ${host}; stop that one, or set PORT to a free port.`,
      ]);
    case "EACCES":
      return new StartError([`PORT: ${port} may not be opened by this user; set PORT to one above 1023.`]);
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "EINVAL":
      return new StartError([
        `HOST: ${host} is no address of this machine; use 0.0.0.0 (all), 127.0.0.1 (this machine only) or one of its own.`,
      ]);
    default:
      return error;
  }
}
